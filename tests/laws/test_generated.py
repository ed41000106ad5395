"""The laws over cases that are drawn at random: a hundred by default, LOCKKEEPER_GENERATED of them on demand.

By default they are the same ones each time; on demand others, and a failing one is printed with
what draws it again.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, event, given, settings
from psycopg import sql

from bot.embedded import Server
from tests.laws import runs
from tests.laws.generated import Generated, cases
from tests.plugins.bench import owned_url
from workorders.migration.errors import Refused

_ON_DEMAND = os.environ.get("LOCKKEEPER_GENERATED")
_NAMES = itertools.count(1)


@contextmanager
def _database(server: Server, role: str, script: str) -> Iterator[str]:
    """The owner's URL of a database in which the owner has run a script."""
    name = f"t_{os.getpid()}_{2000000 + next(_NAMES)}"
    superuser = server.create_database(name)
    try:
        with psycopg.connect(superuser, autocommit=True) as connection:
            owner = sql.SQL("ALTER DATABASE {} OWNER TO {}")
            connection.execute(owner.format(sql.Identifier(name), sql.Identifier(role)))
        url = owned_url(server, urlsplit(superuser).path.removeprefix("/"))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(script.encode())
        yield url
    finally:
        server.drop_database(name)


def _holds(case: Generated, server: Server, role: str) -> str:
    """What became of the case. Raises AssertionError where a law does not hold."""
    with _database(server, role, case.setup) as plain, _database(server, role, case.setup) as target:
        try:
            with psycopg.connect(plain, autocommit=True) as connection:
                connection.execute(case.sql.encode())
        except psycopg.Error:
            return "the SQL itself fails"
        before = runs.state(target)
        try:
            plan = runs.planned(target, case.sql)
        except Refused as refused:
            assert all(problem.line for problem in refused.problems)
            return f"refused: {refused.problems[0].reason}"
        runs.executed(target, plan)
        outcome = runs.rolled_back(target, plan.run)
        assert outcome.left == ()
        assert before.differences(runs.state(target)) == []
        assert runs.traces(target) == []
        runs.purged(target, plan.run)

        plan = runs.planned(target, case.sql)
        runs.executed(target, plan)
        runs.purged(target, plan.run)
        assert runs.moved(runs.state(plain), plan).differences(runs.state(target)) == []
        assert runs.traces(target) == []
        assert runs.kept(target) == set()
        return "planned"


@pytest.mark.timeout(3600 if _ON_DEMAND else 400)
@settings(
    max_examples=int(_ON_DEMAND or 100),
    derandomize=not _ON_DEMAND,
    print_blob=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(case=cases())
def test_any_script_is_undone_and_leaves_what_the_plain_sql_leaves(
    case: Generated, postgres_server: Server, migrating_role: str
) -> None:
    event(_holds(case, postgres_server, migrating_role).split(":")[0])
