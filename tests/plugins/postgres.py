"""A real Postgres for every test that asks, shared by all workers and by concurrent runs of one checkout.

A test's databases belong to `app_owner`, who is no superuser: what a migration may do there, it
may do on a user's server. They are dropped, connections and all, when the test ends.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from bot.embedded import TESTS_SETTINGS, Cluster, Server
from tests.plugins.home import tests_home

APP_OWNER = "app_owner"
_APP_OWNER_PASSWORD = "app-owner-of-throw-away-databases"  # a password, since the server trusts nobody
_NAMES = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """The shared server; it stops when the last worker of the last run ends."""
    home = tests_home(pytestconfig)
    with Server(Cluster(home=home, name="tests", settings=TESTS_SETTINGS)) as server:
        _make_app_owner(server)
        _drop_leftovers(server)
        yield server


@pytest.fixture
def make_database(postgres_server: Server) -> Iterator[Callable[..., str]]:
    """`make_database(sql="")`: app_owner's URL of a fresh database in which app_owner has run the SQL."""
    names: list[str] = []

    def make(script: str = "") -> str:
        name = f"t_{os.getpid()}_{next(_NAMES)}"
        names.append(name)
        superuser = urlsplit(postgres_server.create_database(name))
        with psycopg.connect(superuser.geturl(), autocommit=True) as server:
            server.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
                    sql.Identifier(name), sql.Identifier(APP_OWNER)
                )
            )
        owner = superuser._replace(
            netloc=f"{APP_OWNER}:{_APP_OWNER_PASSWORD}@{superuser.hostname}:{superuser.port}"
        ).geturl()
        if script:
            with psycopg.connect(owner, autocommit=True) as app:
                app.execute(script.encode())
        return owner

    yield make
    for name in names:
        postgres_server.drop_database(name)


@pytest.fixture
def database(make_database: Callable[..., str]) -> str:
    """app_owner's URL of a fresh, empty database."""
    return make_database()


@pytest.fixture
def superuser_dsn(postgres_server: Server) -> Callable[[str], str]:
    """`superuser_dsn(url)`: the superuser's URL of the database that another URL names."""
    return lambda url: postgres_server.dsn(urlsplit(url).path.removeprefix("/"))


def count_statements(superuser: psycopg.Connection) -> None:
    """Sessions that begin from now on in the superuser's database are counted in pg_stat_statements."""
    superuser.execute("CREATE EXTENSION pg_stat_statements")
    track = sql.SQL("ALTER DATABASE {} SET pg_stat_statements.track = 'top'")
    superuser.execute(track.format(sql.Identifier(superuser.info.dbname)))


def _make_app_owner(server: Server) -> None:
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
        sql.Identifier(APP_OWNER), sql.Literal(_APP_OWNER_PASSWORD)
    )
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        # Another worker may make it at the same moment; the catalog's index then speaks first.
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            superuser.execute(create)


def _drop_leftovers(server: Server) -> None:
    """Drops the databases of runs that were killed: their names hold the number of a dead process."""
    with psycopg.connect(server.dsn(), autocommit=True) as superuser:
        names = superuser.execute(r"SELECT datname FROM pg_database WHERE datname ~ '^t_\d+_\d+$'").fetchall()
    for (name,) in names:
        if not _is_running(int(name.split("_")[1])):
            server.drop_database(name)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
