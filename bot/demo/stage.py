"""The stage: shop, traffic, sandbox, web and worker: processes that start and end together."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.demo import shop as shops
from bot.demo.hub import REPOSITORY, Hub
from bot.demo.processes import Child, RunningTraffic, clean_environment
from bot.demo.shop import Shop
from bot.errors import Blocked

APP_ID = 4711

#: The documented setting of the outbox's pace; github.com wants a second, the sandbox does not.
PACE = {"LOCKKEEPER_PACE_WRITE_PAUSE_SECONDS": "0.2"}

_START_SECONDS = 120.0

#: The people, and what they may.
PEOPLE = {"ana": "write", "dba": "write", "mallory": "read"}


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Everything that runs."""

    hub: Hub
    shop: Shop
    traffic: RunningTraffic
    #: A file for each process.
    logs: Path
    #: Where Lockkeeper's web answers.
    address: str


@contextmanager
def staged(home: Path, say: Callable[[str], None]) -> Iterator[Stage]:
    """Starts everything below `home`, and ends it. Raises Blocked where a part does not start."""
    logs = home / "logs"
    logs.mkdir()
    with ExitStack() as parts:
        app = _App.made(home)
        sandbox = parts.enter_context(
            Child("sandbox", app.sandbox_arguments(home), clean_environment(), logs / "sandbox.log")
        )
        urls = json.loads(sandbox.wait_for(r"^\{.*\}$", _START_SECONDS)[0])
        say(f"The sandbox, GitHub's stand-in, answers at {urls['url']}.")
        environment = {**clean_environment(), **app.environment(home, urls)}
        web = parts.enter_context(Child("web", ["bot", "serve", "--web-only"], environment, logs / "web.log"))
        began = time.monotonic()
        shop = parts.enter_context(shops.opened(home))
        say(f"The shop has {shop.rows:,} rows; made in {time.monotonic() - began:.1f} s.")
        traffic = parts.enter_context(
            Child("traffic", ["bot.demo.traffic"], clean_environment(), logs / "traffic.log")
        )
        running = RunningTraffic(traffic, shop.application_dsn)
        address = web.wait_for(r"Lockkeeper answers at (\S+)", _START_SECONDS)[1]
        parts.enter_context(Child("worker", ["bot", "worker"], environment, logs / "worker.log"))
        hub = Hub(urls["url"])
        hub.send_webhooks_to(address)
        say(f"Lockkeeper's web answers at {address}; its worker is a process beside it.")
        _bind(shop, environment, logs)
        say(f"lockkeeper database add {shops.TARGET} - --repository {REPOSITORY}: the shop is bound.")
        yield Stage(hub=hub, shop=shop, traffic=running, logs=logs, address=address)


@dataclass(frozen=True, kw_only=True)
class _App:
    """The App's registration, in files."""

    private_key: Path
    public_key: Path
    secret: Path
    seed: Path

    @classmethod
    def made(cls, home: Path) -> _App:
        """Writes keys, secret and scene below the home, for the owner's eyes alone."""
        app = cls(
            private_key=home / "app.pem",
            public_key=home / "app.pub",
            secret=home / "webhook-secret",
            seed=home / "scene.json",
        )
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        _write_private(app.private_key, private.decode())
        _write_private(app.public_key, public.decode())
        _write_private(app.secret, secrets.token_hex(32))
        _write_private(app.seed, json.dumps(_scene()))
        return app

    def sandbox_arguments(self, home: Path) -> list[str]:
        """The sandbox's command line."""
        return [
            *("bot.sandbox", "--app-id", str(APP_ID)),
            *("--webhook-secret-file", str(self.secret)),
            *("--public-key-file", str(self.public_key)),
            *("--seed", str(self.seed), "--state", str(home / "sandbox.json")),
        ]

    def environment(self, home: Path, urls: Mapping[str, str]) -> dict[str, str]:
        """What Lockkeeper is told: its documented settings and nothing else."""
        return {
            **PACE,
            "LOCKKEEPER_HOME": str(home),
            "LOCKKEEPER_GITHUB_URL": urls["url"],
            "LOCKKEEPER_GITHUB_API_URL": urls["api_url"],
            "LOCKKEEPER_APP_ID": str(APP_ID),
            "LOCKKEEPER_PRIVATE_KEY_FILE": str(self.private_key),
            "LOCKKEEPER_WEBHOOK_SECRET_FILE": str(self.secret),
            "PORT": "0",
        }


def _scene() -> dict[str, object]:
    """The sandbox's seed: people and a repository with its policy and migrations."""
    files = {
        "README.md": "# The shop\n",
        ".github/lockkeeper.yml": shops.POLICY,
        **{path: shops.script(path) for path in (shops.TIDY_ORDERS, shops.CUSTOMER_TIERS)},
    }
    return {
        "users": [{"login": login} for login in PEOPLE],
        "repositories": [{"full_name": REPOSITORY, "roles": PEOPLE, "files": files}],
    }


def _bind(shop: Shop, environment: Mapping[str, str], logs: Path) -> None:
    """The product's own command, the connection string on its standard input."""
    command = ["database", "add", shops.TARGET, "-", "--repository", REPOSITORY]
    done = subprocess.run(
        [sys.executable, "-m", "bot", *command],
        input=shop.owner_dsn + "\n",
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=_START_SECONDS,
        check=False,
    )
    log = logs / "database-add.log"
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        raise Blocked(f"lockkeeper database add ended with status {done.returncode}.", f"See {log}.")


def _write_private(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as stream:
        stream.write(text)
