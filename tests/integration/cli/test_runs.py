from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.cli.conftest import Lockkeeper, Query
from tests.integration.cli.schema import KEYS, ROWS, SCHEMA

MakeDatabase = Callable[..., str]


@pytest.fixture
def applied(lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query) -> list[str]:
    """A database and a run in it that dropped customers.name; a row was written since, without a name."""
    url = make_database(SCHEMA)
    script = "ALTER TABLE customers DROP COLUMN name;"
    ran = lockkeeper(
        "apply", "-", "--database", url, "--yes", "--accept", "positional", "--json", script=script
    )
    assert ran.status == 0, ran.err
    one(url, "INSERT INTO customers (id, points) VALUES (1000, 7)")
    return [ran.object["run"], "--database", url]


def test_row_that_the_old_schema_cannot_hold_blocks_and_nothing_is_changed(
    lockkeeper: Lockkeeper, applied: list[str]
) -> None:
    before = lockkeeper("fingerprint", *applied[1:]).out

    ran = lockkeeper("rollback", *applied, "--json")

    assert (ran.status, ran.object["state"]) == (4, "executed")
    assert ran.object.keys() == KEYS
    assert "1 row of public.customers" in ran.object["problems"][0]["reason"]
    assert "--fill name=EXPR or --set-aside" in ran.object["problems"][0]["next_move"]
    assert lockkeeper("fingerprint", *applied[1:]).out == before


def test_such_a_row_can_be_filled(lockkeeper: Lockkeeper, applied: list[str], one: Query) -> None:
    ran = lockkeeper("rollback", *applied, "--fill", "name='number ' || points")

    assert ran.status == 0, ran.err
    assert one(applied[2], "SELECT name FROM customers WHERE id = 1000") == "number 7"
    assert one(applied[2], "SELECT name FROM customers WHERE id = 5") == "name 5"


def test_such_a_row_can_be_set_aside(lockkeeper: Lockkeeper, applied: list[str], one: Query) -> None:
    ran = lockkeeper("rollback", *applied, "--set-aside", "--json")

    assert (ran.status, ran.object["state"]) == (0, "rolled_back"), ran.err
    assert one(applied[2], "SELECT count(*) FROM customers") == 300


def test_fill_that_is_no_column_and_expression_is_a_usage_error(
    lockkeeper: Lockkeeper, applied: list[str], one: Query
) -> None:
    for fill in ("name", "=1", "name=", "name=1; DROP TABLE visits", "name=(SELECT"):
        ran = lockkeeper("rollback", *applied, "--fill", fill, "--json")

        assert (ran.status, ran.object["state"]) == (2, "unreadable"), fill
        assert "Traceback" not in ran.err
    assert one(applied[2], "SELECT count(*) FROM visits") == 20


def test_column_cannot_be_filled_twice(lockkeeper: Lockkeeper) -> None:
    ran = lockkeeper(
        "rollback", "run-x", "--database", "postgresql://127.0.0.1:1/x", "--fill", "a=1", "--fill", "a=2"
    )

    assert ran.status == 2
    assert "a is given twice" in ran.err


def test_fill_of_another_column_is_refused(lockkeeper: Lockkeeper, applied: list[str]) -> None:
    ran = lockkeeper("rollback", *applied, "--fill", "email='x'")

    assert ran.status == 3
    assert "It may fill name." in ran.err


def test_second_rollback_does_nothing(lockkeeper: Lockkeeper, applied: list[str], one: Query) -> None:
    first = lockkeeper("rollback", *applied, "--set-aside")
    rows = one(applied[2], ROWS)
    second = lockkeeper("rollback", *applied, "--set-aside")

    assert (first.status, second.status) == (0, 0)
    assert one(applied[2], ROWS) == rows


def test_finished_run_can_still_be_rolled_back(lockkeeper: Lockkeeper, applied: list[str]) -> None:
    finished = lockkeeper("finish", *applied, "--json")
    undone = lockkeeper("rollback", *applied, "--set-aside")

    assert (finished.status, finished.object["state"]) == (0, "finished")
    assert undone.status == 0, undone.err


def test_purged_run_cannot_be_rolled_back(lockkeeper: Lockkeeper, applied: list[str], one: Query) -> None:
    purged = lockkeeper("finish", *applied, "--purge", "--json")
    undone = lockkeeper("rollback", *applied, "--set-aside", "--json")

    assert (purged.status, purged.object["state"]) == (0, "purged"), purged.err
    assert (undone.status, undone.object["state"]) == (3, "purged")
    assert (
        one(
            applied[2],
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'customers'::regclass"
            " AND attnum > 0 AND NOT attisdropped",
        )
        == 3
    )


def test_older_run_waits_for_the_newer_one_to_be_rolled_back(
    lockkeeper: Lockkeeper, applied: list[str]
) -> None:
    newer = lockkeeper(
        "apply", "-", *applied[1:], "--yes", "--json", script="CREATE INDEX ON customers (points);"
    )
    assert newer.status == 0, newer.err

    ran = lockkeeper("rollback", *applied, "--set-aside", "--json")

    assert ran.status == 4
    assert newer.object["run"] in ran.object["problems"][0]["reason"]


@pytest.mark.parametrize("verb", ["rollback", "finish"])
def test_run_that_is_not_there_is_refused_and_nothing_is_made(
    lockkeeper: Lockkeeper, database: str, one: Query, verb: str
) -> None:
    ran = lockkeeper(verb, "run-0123456789", "--database", database, "--json")

    assert ran.status == 3
    assert "run-0123456789" in ran.object["problems"][0]["reason"]
    assert one(database, "SELECT to_regnamespace('lockkeeper') IS NULL")
