"""The commands that work on ours, as processes; GitHub is the sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from bot.services import Services
from bot.settings import Settings
from bot.store import databases
from tests.integration.store.migrated import ours_dsn, ours_template
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.order import Repository

__all__ = ["ours_dsn", "ours_template"]

ROOT = Path(__file__).parents[3]
_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Running:
    """A command that stays."""

    process: subprocess.Popen[str]
    #: Where its log goes.
    log: Path

    def line(self) -> str:
        """The next line of its standard output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, number: int) -> int:
        """Tells it to end by a signal; its exit status, once it and all that it started are gone."""
        started = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(number)
        status = self.process.wait(_SECONDS)
        _, left = psutil.wait_procs(started, timeout=_SECONDS)
        assert not left
        return status


@pytest.fixture
def environment(tmp_path: Path, ours_dsn: str, sandbox: ServedSandbox) -> dict[str, str]:
    """Ours is fresh and has its schema."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCKKEEPER_")}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": ours_dsn,
        "LOCKKEEPER_HOME": str(tmp_path / "home"),
        "LOCKKEEPER_GITHUB_URL": sandbox.url,
        "LOCKKEEPER_GITHUB_API_URL": sandbox.api_url,
        "LOCKKEEPER_APP_ID": str(sandbox.app_id),
        "LOCKKEEPER_PRIVATE_KEY": sandbox.private_key_pem,
        "LOCKKEEPER_WEBHOOK_SECRET": sandbox.webhook_secret,
        "LOCKKEEPER_PACE_POLL_SECONDS": "0.05",
        "LOCKKEEPER_PACE_SWEEP_SECONDS": "0.1",
        "LOCKKEEPER_PACE_WRITE_PAUSE_SECONDS": "0.01",
        "PORT": "0",
    }


Lockkeeper = Callable[..., Ran]


@pytest.fixture
def lockkeeper(environment: dict[str, str]) -> Lockkeeper:
    """`lockkeeper("wo:status", "7", given="...")` runs a command to its end."""

    def run(*arguments: str, given: str = "") -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            input=given,
            capture_output=True,
            text=True,
            env=environment,
            timeout=_SECONDS,
            check=False,
        )
        return Ran(status=done.returncode, out=done.stdout, err=done.stderr)

    return run


Stays = Callable[..., Running]


@pytest.fixture
def stays(environment: dict[str, str], tmp_path: Path) -> Iterator[Stays]:
    """`stays("serve")` starts a command that stays; at the end it is killed if it is still there."""
    started: list[Running] = []

    def start(*arguments: str, **variables: str) -> Running:
        path = tmp_path / f"{len(started)}.log"
        wanted = {name: value for name, value in {**environment, **variables}.items() if value}
        with path.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", *arguments],
                env=wanted, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        started.append(Running(process=process, log=path))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait(_SECONDS)
        if each.process.stdout is not None:
            each.process.stdout.close()


@pytest.fixture
def services(environment: dict[str, str]) -> Iterator[Services]:
    """What the commands work with, in this process."""
    with Services.open(Settings.from_environment(environment)) as services:
        yield services


@pytest.fixture
def shop(services: Services) -> Repository:
    """The sandbox's repository."""
    found = services.app().find_repository(REPO)
    assert found is not None
    return found


@pytest.fixture
def bound(services: Services, shop: Repository) -> str:
    """A target of the repository that is never connected to."""
    with services.pool.transaction() as ours:
        repository = databases.BoundRepository(id=shop.id, full_name=shop.full_name)
        databases.bind(ours, services.vault, "shop-staging", "postgresql://nowhere", [repository])
    return "shop-staging"
