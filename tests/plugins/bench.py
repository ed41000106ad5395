"""Databases to migrate: cloned from one template, owned by a role that may hold triggers still."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from bot.embedded import Server

ROLE = "migrating_owner"
_PASSWORD = "migrating-owner-of-throw-away-databases"
_NAMES = itertools.count(1)

#: `make(script)`: the owner's URL of a database in which the owner has run the script. The same
#: script is run once; every further database is a copy.
MakeTarget = Callable[[str], str]


@pytest.fixture(scope="session")
def migrating_role(postgres_server: Server) -> str:
    """A role that owns databases and may set session_replication_role, and is no superuser."""
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as superuser:
        with superuser.transaction():
            # One worker at a time: GRANT ON PARAMETER fails when two do it at once.
            superuser.execute("SELECT pg_advisory_xact_lock(hashtext('migrating_role'))")
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                with superuser.transaction():
                    superuser.execute(
                        sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                            sql.Identifier(ROLE), sql.Literal(_PASSWORD)
                        )
                    )
            superuser.execute(
                sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(sql.Identifier(ROLE))
            )
    return ROLE


@pytest.fixture(scope="session")
def _templates(postgres_server: Server) -> Iterator[dict[str, str]]:
    made: dict[str, str] = {}
    yield made
    for name in made.values():
        postgres_server.drop_database(name)


@pytest.fixture
def make_target(
    postgres_server: Server, migrating_role: str, _templates: dict[str, str]
) -> Iterator[MakeTarget]:
    """See MakeTarget."""
    names: list[str] = []

    def owned(template: str | None) -> str:
        name = f"t_{os.getpid()}_{1000000 + next(_NAMES)}"
        superuser = postgres_server.create_database(name, template=template)
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                    sql.Identifier(name), sql.Identifier(migrating_role)
                )
            )
        return name

    def make(script: str) -> str:
        if script not in _templates:
            _templates[script] = owned(None)
            with psycopg.connect(owned_url(postgres_server, _templates[script]), autocommit=True) as owner:
                owner.execute(script.encode())
        name = owned(_templates[script])
        names.append(name)
        return owned_url(postgres_server, name)

    yield make
    for name in names:
        postgres_server.drop_database(name)


def owned_url(server: Server, name: str) -> str:
    """The owner's URL of a database that is theirs."""
    superuser = urlsplit(server.dsn(name))
    return superuser._replace(netloc=f"{ROLE}:{_PASSWORD}@{superuser.hostname}:{superuser.port}").geturl()
