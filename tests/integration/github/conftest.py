from __future__ import annotations

from collections.abc import Iterator

import pytest
import urllib3

from bot.github.app import App
from bot.store import schema
from bot.store.ours import Pool
from tests.integration.github.bench import Bench
from tests.integration.sandbox.scene import Api
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.order import Repository


@pytest.fixture
def app(sandbox: ServedSandbox) -> Iterator[App]:
    """Our App at the sandbox."""
    with App(
        id=sandbox.app_id,
        private_key=sandbox.private_key_pem,
        api_url=sandbox.api_url,
        retry_pause_seconds=0.001,
        timeout_seconds=5,
    ) as app:
        yield app


@pytest.fixture
def shop(sandbox: ServedSandbox) -> Repository:
    """The sandbox's repository."""
    found = sandbox.state.repository(REPO)
    return Repository(id=found.id, full_name=found.full_name, installation_id=sandbox.installation_id)


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    """Connections to a fresh database with our schema."""
    schema.migrate(database)
    pool = Pool(database, size=4)
    yield pool
    pool.close()


@pytest.fixture
def bench(pool: Pool, app: App, sandbox: ServedSandbox, shop: Repository) -> Bench:
    """An outbox over the sandbox."""
    return Bench(pool, app, sandbox, shop)


@pytest.fixture
def api(sandbox: ServedSandbox) -> Iterator[Api]:
    """A client without any cleverness of its own."""
    http = urllib3.PoolManager()
    yield Api(root=sandbox.api_url, http=http)
    http.clear()
