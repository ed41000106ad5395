"""What is foretold of log and disk is what a real run then takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.embedded import SHADOW_SETTINGS, Cluster, Server, binaries
from workorders.migration import impact, sessions
from workorders.migration.estimate import Amount, Work, total
from workorders.migration.executor import Executor
from workorders.migration.limits import Limits
from workorders.migration.rehearsal.proofs import rehearse

ROWS = 20_000

SETUP = f"""
CREATE TABLE "odd %s" (id int PRIMARY KEY, "na me" text, n int);
INSERT INTO "odd %s" SELECT g, 'name ' || g, g % 10 FROM generate_series(1, {ROWS}) g;
"""

SQL = """
ALTER TABLE "odd %s" ALTER COLUMN n TYPE bigint;
ALTER TABLE "odd %s" RENAME TO odd;
CREATE INDEX names ON odd (lower("na me"), id);
CREATE UNIQUE INDEX few ON odd (n, id) WHERE n < 3;
UPDATE odd SET "na me" = 'few' WHERE n = 7;
ALTER TABLE odd ADD CHECK (n >= 0);
"""


def _is_within(real: float, foretold: Amount) -> bool:
    assert foretold.low is not None
    assert foretold.high is not None
    return foretold.low <= real <= foretold.high


@pytest.fixture
def copies(tmp_path: Path) -> Iterator[Server]:
    """For rehearsals: one that nobody else writes to, whose log would count as well."""
    with Server(Cluster(home=tmp_path, name="copies", settings=SHADOW_SETTINGS)) as own:
        yield own


@pytest.fixture
def dsn(tmp_path: Path) -> Iterator[str]:
    """A target of the same kind, whose server logs whole pages as a user's does."""
    settings = {**SHADOW_SETTINGS, "full_page_writes": "on", "wal_level": "replica", "autovacuum": "off"}
    with Server(Cluster(home=tmp_path, name="target", settings=settings)) as own:
        superuser = urlsplit(own.create_database("shop"))
        with psycopg.connect(superuser.geturl(), autocommit=True) as connection:
            # The superuser of copies has to be another one.
            connection.execute("CREATE ROLE migrator SUPERUSER LOGIN PASSWORD 'throw-away'")
        address = f"migrator:throw-away@{superuser.hostname}:{superuser.port}"
        yield superuser._replace(netloc=address).geturl()


def test_log_and_disk_are_within_what_was_foretold(copies: Server, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute(SETUP.encode())
    with closing(sessions.connect(dsn)) as target:
        rehearsal = rehearse(target, dsn, SQL, copies, binaries())
        assert rehearsal.holds, rehearsal.problems
        plan = rehearsal.prepared.plan
        estimates = impact.foretold(target, rehearsal)
        assert {each.work for each in estimates} == set(Work)
        # All rows get a twin's value; the UPDATE is of a tenth of them.
        assert [each.basis for each in estimates if each.work is Work.ROWS] == [ROWS, ROWS / 10]
        wal, unknown = total(each.wal_bytes for each in estimates)
        assert unknown == 0

        with psycopg.connect(dsn, autocommit=True) as looking:
            before = _figures(looking)
            with Executor(dsn, plan.run, Limits()) as executor:
                executor.execute(plan)
            after = _figures(looking)

    assert _is_within(after["log"] - before["log"], wal)
    disk = {each.step: each.disk_bytes for each in estimates}
    assert _is_within(after["names"], disk["build index public.names"])
    assert _is_within(after["few"], disk["build index public.few"])


def _figures(connection: psycopg.Connection) -> dict[str, int]:
    """Bytes: of the server's log so far, and of the two indexes."""
    row = connection.execute(
        "SELECT pg_current_wal_insert_lsn() - '0/0', coalesce(pg_relation_size(to_regclass('names')), 0),"
        " coalesce(pg_relation_size(to_regclass('few')), 0)"
    ).fetchone()
    assert row is not None
    return dict(zip(("log", "names", "few"), map(int, row), strict=True))
