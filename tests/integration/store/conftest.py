from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.store.ours import Ours, Pool
from tests.integration.store.migrated import ours_dsn, ours_template

__all__ = ["ours_dsn", "ours_template"]


@pytest.fixture
def pool(ours_dsn: str) -> Iterator[Pool]:
    """Connections to a fresh database with our schema."""
    pool = Pool(ours_dsn, size=4)
    yield pool
    pool.close()


@pytest.fixture
def ours(pool: Pool) -> Iterator[Ours]:
    """One transaction in it."""
    with pool.transaction() as ours:
        yield ours
