"""The tests' only stand-in for GitHub: the project's own sandbox, served over real HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.sandbox import Sandbox, serve

REPO = "acme/shop"
APP_ID = 4711


@dataclass(frozen=True, kw_only=True)
class ServedSandbox:
    """A running sandbox with what a client of it must know.

    `ana` may write, `dba` maintains, `mallory` may read, `root-bot` is a bot that may write. No
    webhook is sent until `state.webhook_url` is set.
    """

    state: Sandbox
    url: str
    api_url: str
    app_id: int
    private_key_pem: str
    webhook_secret: str
    installation_id: int

    def token_of(self, login: str) -> str:
        """A person's token."""
        token = self.state.user(login).token
        assert token is not None
        return token


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """The App's key in PEM. Made once: it is the slow part."""

    private_pem: str
    public_pem: str


@pytest.fixture(scope="session")
def app_key() -> KeyPair:
    """An App's key pair of 2048 bits."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(private_pem=private.decode(), public_pem=public.decode())


@contextmanager
def served_sandbox(app_key: KeyPair) -> Iterator[ServedSandbox]:
    """A fresh sandbox with one private repository, `acme/shop`, where the App is installed."""
    state = Sandbox(app_id=APP_ID, webhook_secret="It's a Secret", public_key_pem=app_key.public_pem)
    for login in ("ana", "dba", "mallory"):
        state.add_user(login)
    state.add_user("root-bot", bot=True)
    state.add_repository(REPO)
    roles = {"ana": "write", "dba": "maintain", "mallory": "read", "root-bot": "write"}
    for login, role in roles.items():
        state.grant(REPO, login, role)
    installation = state.install(REPO)
    with serve(state) as server:
        yield ServedSandbox(
            state=state,
            url=server.url,
            api_url=server.api_url,
            app_id=APP_ID,
            private_key_pem=app_key.private_pem,
            webhook_secret="It's a Secret",
            installation_id=installation.id,
        )


@pytest.fixture
def sandbox(app_key: KeyPair) -> Iterator[ServedSandbox]:
    """A sandbox of the test's own."""
    with served_sandbox(app_key) as served:
        yield served
