"""The command as its users run it: a process with an exit status and two streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from bot.embedded import SHADOW_SETTINGS, Cluster, Server
from tests.plugins.home import tests_home

_SECONDS = 150


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        """The one object on standard output."""
        content: dict[str, Any] = json.loads(self.out)
        return content


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> Iterator[dict[str, str]]:
    """A home of the tests' own, in which the shadow server runs for as long as the tests do."""
    home = tests_home(pytestconfig)
    with Server(Cluster(home=home, name="shadow", settings=SHADOW_SETTINGS)):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("LOCKKEEPER_")}
        yield {**kept, "LOCKKEEPER_HOME": str(home)}


Lockkeeper = Callable[..., Ran]


@pytest.fixture
def lockkeeper(environment: dict[str, str], pytestconfig: pytest.Config) -> Lockkeeper:
    """`lockkeeper("apply", "-", ..., script="...")` runs the command to its end, without a terminal."""

    def run(*arguments: str, script: str | bytes = "", **variables: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            input=script.encode() if isinstance(script, str) else script,
            capture_output=True,
            env={**environment, **variables},
            cwd=pytestconfig.rootpath,
            timeout=_SECONDS,
            check=False,
        )
        return Ran(status=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    return run


Query = Callable[..., Any]


@pytest.fixture
def one() -> Query:
    """`one(url, query)`: the single value that a query gives; statements without rows give None."""

    def ask(url: str, query: str) -> Any:
        with psycopg.connect(url, autocommit=True) as app:
            cursor = app.execute(query.encode())
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    return ask


AsRole = Callable[[str, str], str]

#: Roles of the tests' server that stay there, as app_owner does.
_ROLES = {
    "app_chief": "SUPERUSER",
    "app_keeper": "IN ROLE app_owner",
}


@pytest.fixture
def as_role(postgres_server: Server) -> AsRole:
    """`as_role(url, role)`: the same database for app_chief, a superuser, or for app_keeper.

    The latter is an app_owner that may hold triggers still. The shadow's superuser has another name.
    """
    with psycopg.connect(postgres_server.dsn(), autocommit=True) as server:
        for role, attributes in _ROLES.items():
            # Another worker may make it at the same moment; the catalog's index then speaks first.
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                server.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{role}' {attributes}".encode())
        with server.transaction():
            # Two that grant at once lose what one of them gave: `migrating_role` takes the same lock.
            server.execute("SELECT pg_advisory_xact_lock(hashtext('migrating_role'))")
            server.execute("GRANT SET ON PARAMETER session_replication_role TO app_keeper")
    return lambda url, role: psycopg.conninfo.make_conninfo(url, user=role, password=role)
