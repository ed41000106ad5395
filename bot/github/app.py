"""Our App at one GitHub server: its key, its identity, and a client for each installation."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import Auth, GithubIntegration, GithubRetry

from bot.errors import Unreadable
from bot.github import missed
from bot.github.client import Client, InstallationToken
from bot.github.errors import FAILURES, Denied, translated
from bot.github.missed import FailedDelivery
from bot.github.port import AppIdentity
from workorders.order import Repository

#: GitHub allows 600; the clocks of two machines differ.
_JWT_SECONDS = 540


class Retry(GithubRetry):
    """Repeats at once only what reads, and only what the server broke.

    A pause that GitHub asks for is planned by who asked: PyGithub would sleep through it,
    however long it is.
    """

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        """Whether an answer of this status is asked for again within the call."""
        return status_code >= 500 and not has_retry_after and super().is_retry(method, status_code)


@dataclass(kw_only=True)
class App:
    """The App. Thread-safe; close it at the end."""

    id: int
    #: PEM.
    private_key: str = field(repr=False)
    #: The API's address: https://api.github.com, or https://HOST/api/v3.
    api_url: str
    #: Before the second try of a request that only reads; it doubles.
    retry_pause_seconds: float = 0.2
    #: For a connection and for each answer.
    timeout_seconds: int = 15

    def __post_init__(self) -> None:
        try:
            key = load_pem_private_key(self.private_key.encode(), password=None)
        except (ValueError, TypeError) as error:
            raise Unreadable(
                "The App's private key is not a PEM file.", "Download a new one from GitHub."
            ) from error
        if not isinstance(key, RSAPrivateKey):
            raise Unreadable("The App's private key is not an RSA key.", "Download a new one from GitHub.")

        # A loaded key: parsing the PEM for each token takes a hundred times as long.
        def sign(claims: dict[str, object]) -> str:
            return jwt.encode(claims, key, "RS256")

        self._auth = Auth.AppAuth(self.id, sign_func=sign, jwt_expiry=_JWT_SECONDS)
        self._integration = self._new_integration()
        self._clients: dict[int, Client] = {}
        self._identity: AppIdentity | None = None
        self._lock = threading.Lock()

    def identity(self) -> AppIdentity:
        """Who the App is; asked once. Raises as the port's methods do."""
        if self._identity is None:
            try:
                app = self._integration.get_app()
                self._identity = AppIdentity(id=app.id, slug=app.slug, name=app.name)
            except FAILURES as error:
                raise translated(error, "asking who the App is", is_repeatable=True) from error
        return self._identity

    def installation(self, installation_id: int) -> Client:
        """The one client of an installation."""
        with self._lock:
            if installation_id not in self._clients:
                token = InstallationToken(self._new_integration(), installation_id)
                self._clients[installation_id] = Client(
                    token,
                    identity=self.identity,
                    api_url=self.api_url,
                    timeout_seconds=self.timeout_seconds,
                    retry=self._retry(),
                )
            return self._clients[installation_id]

    def find_repository(self, full_name: str) -> Repository | None:
        """A repository by name, with the installation through which it is reached, if there is one."""
        owner, _, name = full_name.partition("/")
        try:
            installation_id = self._integration.get_repo_installation(owner, name).id
        except FAILURES as error:
            wrong = translated(error, f"asking for the installation on {full_name}", is_repeatable=True)
            if isinstance(wrong, Denied) and wrong.status == 404:
                return None
            raise wrong from error
        return self.installation(installation_id).repository(full_name)

    def failed_deliveries(self, since: datetime) -> tuple[FailedDelivery, ...]:
        """The webhooks since then that no attempt has brought to us, oldest first.

        Raises as the port's methods do.
        """

        def ask(path: str) -> tuple[Mapping[str, Any], Any]:
            return self._integration.requester.requestJsonAndCheck("GET", path)

        try:
            return missed.failed(ask, since)
        except FAILURES as error:
            raise translated(error, "listing failed webhooks", is_repeatable=True) from error

    def redeliver(self, attempt_id: int) -> None:
        """Asks GitHub for another attempt. Twice is two of them, which arrive as one."""
        path = f"/app/hook/deliveries/{attempt_id}/attempts"
        try:
            self._integration.requester.requestJsonAndCheck("POST", path)
        except FAILURES as error:
            raise translated(error, "asking for a webhook again", is_repeatable=True) from error

    def close(self) -> None:
        """Closes every connection."""
        with self._lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()
            self._integration.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _new_integration(self) -> GithubIntegration:
        return GithubIntegration(
            auth=self._auth,
            base_url=self.api_url,
            timeout=self.timeout_seconds,
            per_page=100,
            retry=self._retry(),
            seconds_between_requests=0,
            seconds_between_writes=0,
            lazy=True,
        )

    def _retry(self) -> Retry:
        return Retry(
            total=3,
            backoff_factor=self.retry_pause_seconds,
            max_rate_limit_wait=5,
            # A POST or PATCH is the outbox's to repeat.
            allowed_methods=frozenset({"GET", "HEAD", "PUT", "DELETE"}),
        )
