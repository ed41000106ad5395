from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.services import Services
from bot.settings import Pace, Settings
from bot.store import databases
from tests.integration.store.migrated import ours_dsn, ours_template
from tests.plugins.sandbox import ServedSandbox

__all__ = ["ours_dsn", "ours_template"]

#: Everything that waits waits briefly.
PACE = Pace(
    poll_seconds=0.05, heartbeat_seconds=0.2, stalled_after_seconds=1.0, sweep_seconds=0.1, attempts=3,
    first_pause_seconds=0.05, look_again_seconds=0.2, soak_look_seconds=0.2, write_pause_seconds=0.01,
)  # fmt: skip


@pytest.fixture
def settings(ours_dsn: str, tmp_path: Path, sandbox: ServedSandbox) -> Settings:
    """Ours is fresh and has its schema; GitHub is the sandbox."""
    return Settings(
        home=tmp_path, database_url=ours_dsn, github_api_url=sandbox.api_url, github_url=sandbox.url,
        app_id=sandbox.app_id, private_key=sandbox.private_key_pem, webhook_secret=sandbox.webhook_secret,
        port=0, pace=PACE,
    )  # fmt: skip


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    with Services.open(settings) as services:
        yield services


@pytest.fixture
def bind(services: Services, sandbox: ServedSandbox) -> Callable[[str], None]:
    """`bind(name)`: a target that the sandbox's repository may name."""

    def bound(name: str) -> None:
        repository = services.app().find_repository("acme/shop")
        assert repository is not None
        with services.pool.transaction() as ours:
            databases.bind(
                ours,
                services.vault,
                name,
                "postgresql://nowhere",
                [databases.BoundRepository(id=repository.id, full_name=repository.full_name)],
            )

    return bound
