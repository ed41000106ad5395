"""A database with our schema, copied from one that is made once."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from bot.embedded import Server
from bot.store import schema

_NAMES = itertools.count(100_000)


@pytest.fixture(scope="session")
def ours_template(postgres_server: Server) -> Iterator[str]:
    """The name of a database with our schema, to which nobody is connected."""
    # As `make_database` names its own, so that what a killed run leaves is dropped by the next.
    name = f"t_{os.getpid()}_{next(_NAMES)}"
    schema.migrate(postgres_server.create_database(name))
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def ours_dsn(postgres_server: Server, ours_template: str) -> Iterator[str]:
    """The URL of a fresh database with our schema."""
    name = f"t_{os.getpid()}_{next(_NAMES)}"
    yield postgres_server.create_database(name, template=ours_template)
    postgres_server.drop_database(name)
