"""A rollback brings back what the plan changed, and keeps what others wrote since."""

from __future__ import annotations

import pytest

from tests.integration.migration.application import run_of, selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions
from workorders.migration.errors import Blocked, Failed, Refused
from workorders.migration.names import RelationName
from workorders.migration.settle import Decision, Undecided

SETUP = """
CREATE TABLE parent (id int PRIMARY KEY, name text);
CREATE TABLE t (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE, a int, b text,
    need int NOT NULL DEFAULT 0, u int UNIQUE, CONSTRAINT small CHECK (a < 100));
CREATE TABLE leaf (id int PRIMARY KEY, t_id int REFERENCES t ON DELETE CASCADE, v text);
CREATE TABLE audit (n int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN NEW.b := NEW.b || '!'; RETURN NEW; END$$;
CREATE TRIGGER rewriting BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION rewrite();
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO audit (what) VALUES (TG_OP || coalesce(NEW.id, OLD.id)); RETURN NULL; END$$;
CREATE TRIGGER auditing AFTER INSERT OR UPDATE OR DELETE ON leaf FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO parent SELECT g, 'p' || g FROM generate_series(1, 5) g;
INSERT INTO t SELECT g, g % 5 + 1, g, 'b' || g, g, g FROM generate_series(1, 20) g;
INSERT INTO leaf SELECT g, g, 'v' || g FROM generate_series(1, 20) g;
DELETE FROM audit;
CREATE TABLE k (code text PRIMARY KEY, n bigint GENERATED ALWAYS AS IDENTITY, a int, b int);
INSERT INTO k (code, a, b) SELECT 'c' || g, g, g FROM generate_series(1, 20) g;
CREATE TABLE loose (x int, y int);
INSERT INTO loose SELECT g % 2, g % 3 FROM generate_series(1, 12) g;
CREATE TABLE late (id int PRIMARY KEY, v int);
CREATE TABLE late_log (id int PRIMARY KEY);
INSERT INTO late SELECT g, g FROM generate_series(1, 4) g;
"""


def test_values_written_since_are_kept_column_by_column_and_counted(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    run = run_of(dsn, "UPDATE k SET a = a + 1000, b = b + 1000")
    sent(
        dsn,
        "UPDATE k SET a = -1 WHERE code = 'c3'",
        "DELETE FROM k WHERE code = 'c4'",
        "INSERT INTO k (code, a, b) VALUES ('new', 5, 6)",
    )

    outcome = runs.rolled_back(dsn, run)

    found = {code: (a, b) for code, a, b in selected(dsn, "SELECT code, a, b FROM k")}
    wanted = {f"c{n}": (n, n) for n in range(1, 21) if n not in (3, 4)}
    assert found == {**wanted, "c3": (-1, 3), "new": (5, 6)}
    assert [left.rows for left in outcome.left] == [2]


def test_a_trigger_that_rewrites_rows_does_not_rewrite_what_is_brought_back(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = selected(dsn, "SELECT * FROM t ORDER BY id")
    run = run_of(dsn, "UPDATE t SET a = a + 1 WHERE id <= 10")
    assert ("b1!",) in selected(dsn, "SELECT b FROM t")

    runs.rolled_back(dsn, run)

    assert selected(dsn, "SELECT * FROM t ORDER BY id") == before


def test_cascaded_rows_come_back_and_the_users_triggers_stay_silent(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    tables = ("parent", "t", "leaf")
    before = {name: selected(dsn, f"SELECT * FROM {name} ORDER BY id") for name in tables}
    target = sessions.connect(dsn)
    audit = RelationName(schema="public", name="audit")
    plan = engine.prepare(target, "DELETE FROM parent WHERE id <= 2", also_written={0: (audit,)}).plan
    target.close()
    runs.executed(dsn, plan)
    assert selected(dsn, "SELECT count(*) FROM leaf") == [(12,)]
    assert selected(dsn, "SELECT count(*) FROM audit") == [(8,)]
    sent(dsn, "INSERT INTO parent VALUES (99, 'later')", "INSERT INTO t VALUES (99, 99, 1, 'later', 1, 99)")

    outcome = runs.rolled_back(dsn, plan.run)

    assert outcome.left == ()
    assert selected(dsn, "SELECT * FROM parent WHERE id < 99 ORDER BY id") == before["parent"]
    assert selected(dsn, "SELECT * FROM t WHERE id < 99 ORDER BY id") == before["t"]
    assert selected(dsn, "SELECT * FROM leaf ORDER BY id") == before["leaf"]
    assert selected(dsn, "SELECT b FROM t WHERE id = 99") == [("later",)]
    assert selected(dsn, "SELECT count(*) FROM audit") == [(0,)]


def test_a_child_whose_parent_has_gone_meanwhile_is_left_out_and_counted(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan_run = run_of(dsn, "UPDATE t SET p = 5 WHERE p = 1")
    sent(dsn, "DELETE FROM parent WHERE id = 1")

    outcome = runs.rolled_back(dsn, plan_run)

    assert sum(left.rows for left in outcome.left) == 4
    assert selected(dsn, "SELECT count(*) FROM t WHERE p = 1") == [(0,)]
    assert selected(dsn, "SELECT count(*) FROM t WHERE p = 5") == [(8,)]


def test_another_column_comes_back_although_the_rows_old_parent_has_gone(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    sent(dsn, "DROP TRIGGER rewriting ON t")
    run = run_of(dsn, "UPDATE t SET need = need + 1 WHERE id = 5")
    sent(dsn, "UPDATE t SET p = 2 WHERE p = 1", "DELETE FROM parent WHERE id = 1")

    outcome = runs.rolled_back(dsn, run)

    assert outcome.left == ()
    assert selected(dsn, "SELECT need, p FROM t WHERE id = 5") == [(5, 2)]


def test_keyless_rows_come_back_by_count(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = sorted(selected(dsn, "SELECT * FROM loose"))
    run = run_of(dsn, "UPDATE loose SET y = 7 WHERE x = 1")
    sent(dsn, "DELETE FROM loose WHERE ctid IN (SELECT ctid FROM loose WHERE y = 7 LIMIT 1)")

    outcome = runs.rolled_back(dsn, run)

    after = sorted(selected(dsn, "SELECT * FROM loose"))
    assert len(after) == len(before) - 1
    assert all(before.count(row) >= after.count(row) for row in after)
    assert [left.rows for left in outcome.left] == [1]


def test_deferred_triggers_are_captured_too(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    sent(
        dsn,
        "CREATE FUNCTION log_late() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN INSERT INTO late_log VALUES (NEW.id); RETURN NULL; END$$",
        "CREATE CONSTRAINT TRIGGER logging AFTER UPDATE ON late DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION log_late()",
    )
    plan = runs.planned(dsn, "UPDATE late SET v = 0")

    with pytest.raises(Refused, match=r"also wrote public\.late_log"):
        runs.executed(dsn, plan)

    assert selected(dsn, "SELECT count(*) FROM late_log") == [(0,)]
    assert selected(dsn, "SELECT count(*) FROM late WHERE v = 0") == [(0,)]


_MISFITS = [
    ("ALTER TABLE t ALTER need DROP NOT NULL", "INSERT INTO t (id, need) VALUES (30, NULL)", "need", "42"),
    ("ALTER TABLE t DROP CONSTRAINT small", "INSERT INTO t (id, a) VALUES (30, 500)", "a", "42"),
    ("DROP INDEX lone", "INSERT INTO t (id, b) VALUES (30, 'B1')", "b", "'fresh'"),
]


@pytest.mark.parametrize(("sql", "write", "column", "fill"), _MISFITS, ids=lambda v: str(v)[:30])
def test_rows_that_do_not_fit_stop_the_rollback_before_anything_is_undone(
    make_target: MakeTarget, sql: str, write: str, column: str, fill: str
) -> None:
    for decision in (Decision(fill={column: fill}), Decision(set_aside=True)):
        dsn = make_target(SETUP)
        sent(dsn, "CREATE UNIQUE INDEX lone ON t (lower(b)) WHERE id <> 7")
        before = runs.state(dsn).schema
        run = run_of(dsn, sql)
        sent(dsn, write)
        executed = runs.state(dsn)

        with pytest.raises(Undecided) as undecided:
            runs.rolled_back(dsn, run)
        assert [each.rows for each in undecided.value.counts] == [1]
        assert executed.differences(runs.state(dsn)) == []

        outcome = runs.rolled_back(dsn, run, decision)

        assert outcome.state == "rolled_back"
        assert runs.state(dsn).schema.hash == before.hash
        aside = runs.kept(dsn)
        if decision.set_aside:
            assert selected(dsn, "SELECT count(*) FROM t WHERE id = 30") == [(0,)]
            (name,) = aside
            assert selected(dsn, f'SELECT id FROM lockkeeper."{name}"') == [(30,)]
        else:
            assert selected(dsn, f"SELECT {column} = {fill} FROM t WHERE id = 30") == [(True,)]
        runs.purged(dsn, run)
        assert runs.kept(dsn) == set()


def test_a_dropped_unique_column_with_a_default_is_counted_before_it_fails(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    sent(dsn, "ALTER TABLE k ADD c int DEFAULT 5", "UPDATE k SET c = a", "CREATE UNIQUE INDEX kc ON k (c)")
    run = run_of(dsn, "ALTER TABLE k DROP COLUMN c")
    sent(dsn, "INSERT INTO k (code) VALUES ('new')")

    with pytest.raises(Undecided, match=r"1 row of public\.k"):
        runs.rolled_back(dsn, run)

    assert runs.rolled_back(dsn, run, Decision(fill={"c": "777"})).state == "rolled_back"
    assert selected(dsn, "SELECT c FROM k WHERE code = 'new'") == [(777,)]


def test_rows_that_others_point_at_are_not_set_aside(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    run = run_of(dsn, "ALTER TABLE t ALTER need DROP NOT NULL")
    sent(dsn, "UPDATE t SET need = NULL WHERE id = 3")

    with pytest.raises(Blocked, match="pointed at by a foreign key"):
        runs.rolled_back(dsn, run, Decision(set_aside=True))

    assert selected(dsn, "SELECT count(*) FROM leaf") == [(20,)]
    assert runs.rolled_back(dsn, run, Decision(fill={"need": "1"})).state == "rolled_back"


def test_a_fill_that_still_does_not_fit_leaves_the_way_back_open(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    run = run_of(dsn, "ALTER TABLE t DROP CONSTRAINT small")
    sent(dsn, "INSERT INTO t (id, a) VALUES (30, 500)")
    with pytest.raises((Failed, Blocked)):
        runs.rolled_back(dsn, run, Decision(fill={"a": "600"}))
    assert selected(dsn, "SELECT state FROM lockkeeper.runs") == [("rolling_back",)]

    assert runs.rolled_back(dsn, run, Decision(fill={"a": "6"})).state == "rolled_back"
    assert selected(dsn, "SELECT a FROM t WHERE id = 30") == [(6,)]


def test_what_was_written_into_an_added_column_is_kept(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    run = run_of(dsn, "ALTER TABLE t ADD tags text[] NOT NULL DEFAULT '{a}'")
    sent(dsn, "UPDATE t SET tags = '{b,c}' WHERE id = 2")

    runs.rolled_back(dsn, run)

    (name,) = runs.kept(dsn)
    assert selected(dsn, f'SELECT id, tags FROM lockkeeper."{name}"') == [(2, ["b", "c"])]
