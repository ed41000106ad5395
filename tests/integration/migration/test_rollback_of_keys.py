"""A rollback brings keys back with every row written since, and names those that they would not let in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.migration.application import run_of, selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions, validation
from workorders.migration.settle import Decision, Undecided

SETUP = """
CREATE TABLE p (id int PRIMARY KEY, code text NOT NULL, v text, CONSTRAINT p_code UNIQUE (code));
CREATE TABLE c (id int PRIMARY KEY, pid int, a int, b int, v text,
    CONSTRAINT c_p FOREIGN KEY (pid) REFERENCES p ON DELETE SET NULL);
CREATE TABLE leaf (id int PRIMARY KEY, cid int REFERENCES c ON DELETE CASCADE);
CREATE UNIQUE INDEX c_b ON c (b);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.v := NEW.v || '!'; RETURN NEW; END$$;
CREATE TRIGGER shouting BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION shout();
CREATE TRIGGER shouting BEFORE UPDATE ON p FOR EACH ROW EXECUTE FUNCTION shout();
INSERT INTO p SELECT g, 'c' || g, 'v' FROM generate_series(1, 5) g;
INSERT INTO c SELECT g, g, g, g, 'v' FROM generate_series(1, 5) g;
INSERT INTO leaf SELECT g, g FROM generate_series(1, 5) g;
"""
_TABLES = ("p", "c", "leaf")


def _all(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    return {table: selected(dsn, f"SELECT * FROM {table} ORDER BY id") for table in _TABLES}


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE c ADD FOREIGN KEY (a) REFERENCES p, ADD UNIQUE (a, v), ADD UNIQUE USING INDEX c_b",
        "ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE, ADD PRIMARY KEY (code)",
        "ALTER TABLE c ALTER CONSTRAINT c_p NOT ENFORCED; ALTER TABLE p DROP CONSTRAINT p_code",
    ],
)
def test_rows_written_since_are_kept_as_they_were_written(make_target: MakeTarget, sql: str) -> None:
    dsn = make_target(SETUP)
    schema = runs.state(dsn).schema
    run = run_of(dsn, sql)
    sent(
        dsn,
        "INSERT INTO p VALUES (6, 'c6', 'new')",
        "INSERT INTO c VALUES (6, 6, 6, 6, 'new'), (7, 6, 6, 7, 'newer')",
        "UPDATE c SET a = 6 WHERE id = 2; DELETE FROM c WHERE id = 3",
    )
    written = _all(dsn)

    outcome = runs.rolled_back(dsn, run)

    assert outcome.left == ()
    assert _all(dsn) == written
    assert schema.hash == runs.state(dsn).schema.hash


_MISFITS = [
    ("ALTER TABLE c DROP CONSTRAINT c_p", "INSERT INTO c VALUES (9, 99, 9, 9, 'x')", "c", "pid", "4"),
    (
        "ALTER TABLE c ALTER CONSTRAINT c_p NOT ENFORCED",
        "INSERT INTO c VALUES (9, 99, 9, 9, 'x')",
        "c",
        "pid",
        "NULL",
    ),
    ("ALTER TABLE p DROP CONSTRAINT p_code", "INSERT INTO p VALUES (9, 'c5', 'x')", "p", "code", "'fresh'"),
    (
        "ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE",
        "INSERT INTO p VALUES (5, 'c9', 'x')",
        "p",
        "id",
        "9",
    ),
]


@pytest.mark.parametrize(("sql", "write", "table", "column", "fill"), _MISFITS, ids=lambda v: str(v)[:60])
def test_rows_that_a_key_would_not_let_in_wait_for_a_decision(
    make_target: MakeTarget, sql: str, write: str, table: str, column: str, fill: str
) -> None:
    for decision in (Decision(fill={column: fill}), Decision(set_aside=True)):
        dsn = make_target(SETUP)
        schema, count = runs.state(dsn).schema, len(_all(dsn)[table])
        run = run_of(dsn, sql)
        sent(dsn, write)
        executed = runs.state(dsn)

        with pytest.raises(Undecided) as undecided:
            runs.rolled_back(dsn, run)
        assert [(each.misfit.table.name, each.rows) for each in undecided.value.counts] == [(table, 1)]
        assert executed.differences(runs.state(dsn)) == []

        assert runs.rolled_back(dsn, run, decision).state == "rolled_back"

        assert schema.hash == runs.state(dsn).schema.hash
        rows = _all(dsn)[table]
        assert len(rows) == count + (0 if decision.set_aside else 1)
        assert not any(str(row).count("!") for row in rows)  # the user's triggers stayed silent
        if not decision.set_aside:
            assert selected(dsn, f"SELECT count(*) FROM {table} WHERE {column} IS NOT DISTINCT FROM {fill}")[
                0
            ][0]
        runs.purged(dsn, run)
        assert runs.kept(dsn) == set()


def test_orphans_of_a_dropped_foreign_key_are_no_fault_of_the_migration(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    target = sessions.connect(dsn)
    for sql in ("ALTER TABLE c DROP CONSTRAINT c_p", "ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE"):
        prepared = engine.prepare(target, sql)
        asked = validation.queries(prepared.plan, prepared.catalog)
        assert "c_p" not in {query.subject for query in asked}
    kept = engine.prepare(target, "ALTER TABLE c DROP CONSTRAINT c_pkey CASCADE")
    target.close()

    assert "c_p" in {query.subject for query in validation.queries(kept.plan, kept.catalog)}


def test_rows_on_which_an_expression_fails_are_named_and_then_filled_or_set_aside(
    make_target: MakeTarget,
) -> None:
    """Without the index and the CHECK nothing evaluates them; what builds those again would stop there."""
    for decision, kept in ((Decision(fill={"v": "'7'"}), [(7, "7")]), (Decision(set_aside=True), [])):
        dsn = make_target(
            "CREATE TABLE t (id int PRIMARY KEY, v text, CONSTRAINT positive CHECK (v::int > 0));"
            " CREATE UNIQUE INDEX t_v ON t ((v::int)); INSERT INTO t SELECT g, g FROM generate_series(1, 5) g"
        )
        before, schema = selected(dsn, "SELECT * FROM t ORDER BY id"), runs.state(dsn).schema
        run = run_of(dsn, "DROP INDEX t_v; ALTER TABLE t DROP CONSTRAINT positive")
        sent(dsn, "INSERT INTO t VALUES (6, '6'), (7, 'none')")

        with pytest.raises(Undecided, match=r"1 row of public\.t cannot go back: .*t_v, whose expression"):
            runs.rolled_back(dsn, run)
        runs.rolled_back(dsn, run, decision)

        assert selected(dsn, "SELECT * FROM t ORDER BY id") == [*before, (6, "6"), *kept]
        assert schema.hash == runs.state(dsn).schema.hash
