from __future__ import annotations

from collections.abc import Callable

import psycopg

from workorders.migration.atlas import expected, measure
from workorders.migration.catalog import read as catalogs
from workorders.migration.connections import Shadow
from workorders.migration.sql import tree


def test_every_statement_does_what_is_expected_of_it(make_database: Callable[..., str]) -> None:
    dsn = make_database()
    with psycopg.connect(dsn, autocommit=True) as connection:
        measure.furnish(Shadow(connection))

    seen = tuple(measure.measure(dsn))

    assert len(seen) == len(measure.cases()) > 100
    assert [(each.case.name, each.sqlstate, each.differences) for each in seen if each.differences] == []
    assert [each.case.name for each in seen if each.sqlstate] == []


def test_what_no_rule_covers_has_no_expectation(make_database: Callable[..., str]) -> None:
    with psycopg.connect(make_database("CREATE TABLE t (a int)"), autocommit=True) as connection:
        catalog = catalogs.read(Shadow(connection))

    for sql in ("ALTER TABLE t SET TABLESPACE elsewhere", "ALTER TABLE missing ADD a int", "NOTIFY x"):
        assert expected.of_all(tree.statements(sql), catalog) is None


def test_a_server_that_does_otherwise_is_told_of(make_database: Callable[..., str]) -> None:
    # The check that makes SET NOT NULL cheap is there for the expectation and gone for the server.
    dsn = make_database(
        "CREATE TABLE t (x int CONSTRAINT x_nn CHECK (x IS NOT NULL)); INSERT INTO t VALUES (1)"
    )
    case = measure.Case(name="planted", sql="ALTER TABLE t ALTER x SET NOT NULL")
    with psycopg.connect(dsn, autocommit=True) as connection:
        database = Shadow(connection)
        before = catalogs.read(database)
        proven = measure.tried(database, dsn, case, before)
        connection.execute("ALTER TABLE t DROP CONSTRAINT x_nn")
        unproven = measure.tried(database, dsn, case, before)

    assert proven.differences == ()
    assert unproven.differences == ("public.t is read from end to end, which was not expected",)
