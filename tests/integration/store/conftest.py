from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.store import schema
from bot.store.ours import Ours, Pool


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    """Connections to a fresh database with our schema."""
    schema.migrate(database)
    pool = Pool(database, size=4)
    yield pool
    pool.close()


@pytest.fixture
def ours(pool: Pool) -> Iterator[Ours]:
    """One transaction in it."""
    with pool.transaction() as ours:
        yield ours
