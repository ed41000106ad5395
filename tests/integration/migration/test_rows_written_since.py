"""A rollback of inserted, merged and truncated rows leaves alone what others wrote since."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

import pytest

from bot.embedded import Server, binaries
from tests.integration.migration.application import run_of, selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import sessions
from workorders.migration.errors import Blocked, Refused
from workorders.migration.names import RelationName
from workorders.migration.rehearsal.proofs import Rehearsal, rehearse
from workorders.migration.settle import Decision, Undecided

SETUP = """
CREATE TABLE kind (id int PRIMARY KEY, up int REFERENCES kind, name text UNIQUE);
CREATE TABLE thing (id serial PRIMARY KEY, kind_id int REFERENCES kind ON DELETE CASCADE, v int, note text DEFAULT 'n');
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN NEW.note := upper(NEW.note) || '!'; RETURN NEW; END$$;
CREATE TRIGGER shouting BEFORE INSERT OR UPDATE ON thing FOR EACH ROW EXECUTE FUNCTION shout();
CREATE TABLE bag (x int, y text);
INSERT INTO kind SELECT g, nullif(g - 1, 0), 'kind ' || g FROM generate_series(1, 4) g;
INSERT INTO thing (kind_id, v) SELECT g % 4 + 1, g FROM generate_series(1, 8) g;
INSERT INTO bag VALUES (1, 'a'), (1, 'a'), (2, 'b');
"""


def test_inserted_rows_go_unless_they_were_changed_or_are_pointed_at(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = selected(dsn, "SELECT * FROM kind ORDER BY id")
    run = run_of(
        dsn,
        "INSERT INTO kind VALUES (10, 1, 'a'), (11, 10, 'b'), (12, 11, 'c'), (13, 10, 'd'), (14, 1, 'e'), (15, 4, 'f')",
    )
    sent(
        dsn,
        "UPDATE kind SET name = 'changed' WHERE id = 14",
        "INSERT INTO thing (kind_id, v) VALUES (12, 99)",
        "DELETE FROM kind WHERE id = 15",
    )

    outcome = runs.rolled_back(dsn, run)

    # 12 is pointed at by a later row, and 11 and 10 by what therefore stays; 13 is free.
    assert selected(dsn, "SELECT * FROM kind WHERE id < 10 ORDER BY id") == before
    assert selected(dsn, "SELECT id, name FROM kind WHERE id > 9 ORDER BY id") == [
        (10, "a"),
        (11, "b"),
        (12, "c"),
        (14, "changed"),
    ]
    assert selected(dsn, "SELECT kind_id, note FROM thing WHERE v = 99") == [(12, "N!")]
    assert sum(left.rows for left in outcome.left) == 4


def test_what_a_block_moved_comes_back_past_the_users_triggers(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = selected(dsn, "SELECT * FROM thing ORDER BY id")
    run = run_of(
        dsn,
        "DO $$BEGIN INSERT INTO kind VALUES (20, NULL, 'new'); UPDATE thing SET kind_id = 20, v = v + 100 WHERE id <= 4;"
        " DELETE FROM kind WHERE id = 4; INSERT INTO bag VALUES (1, 'a'); UPDATE bag SET y = 'z' WHERE x = 1; END$$",
        "kind",
        "thing",
        "bag",
    )
    sent(dsn, "UPDATE thing SET v = -1 WHERE id = 2", "INSERT INTO bag VALUES (1, 'z'), (3, 'later')")

    outcome = runs.rolled_back(dsn, run)

    now = selected(dsn, "SELECT * FROM thing ORDER BY id")
    assert [row for row in now if row[0] != 2] == [row for row in before if row[0] != 2]
    assert [(row[1], row[2]) for row in now if row[0] == 2] == [(3, -1)]
    assert selected(dsn, "SELECT id FROM kind ORDER BY id") == [(1,), (2,), (3,), (4,)]
    bag = [(1, "a"), (1, "a"), (1, "z"), (2, "b"), (3, "later")]
    assert selected(dsn, "SELECT * FROM bag ORDER BY 1, 2") == bag
    assert [left.rows for left in outcome.left] == [1]


def test_a_truncated_table_comes_back_among_the_rows_that_refilled_it(make_target: MakeTarget) -> None:
    for decision, kept in ((Decision(set_aside=True), 1), (None, 2)):
        dsn = make_target(SETUP)
        before = selected(dsn, "SELECT id, v, note FROM thing ORDER BY id")
        run = run_of(dsn, "TRUNCATE thing RESTART IDENTITY")
        sent(dsn, "INSERT INTO thing (v) VALUES (50)", "INSERT INTO thing (id, v) VALUES (70, 60)")
        assert selected(dsn, "SELECT id FROM thing ORDER BY id") == [(1,), (70,)]

        with pytest.raises(Undecided, match=r"1 row of public\.thing cannot go back"):
            runs.rolled_back(dsn, run)
        assert selected(dsn, "SELECT count(*) FROM thing") == [(2,)]
        if decision is None:
            sent(dsn, "UPDATE thing SET id = 71 WHERE id = 1")
        outcome = runs.rolled_back(dsn, run, decision)

        assert outcome.left == ()
        assert selected(dsn, "SELECT id, v, note FROM thing WHERE id < 70 ORDER BY id") == before
        assert selected(dsn, "SELECT count(*) FROM thing WHERE id >= 70") == [(kept,)]
        assert selected(dsn, "SELECT nextval('thing_id_seq')") == [(9,)]
        assert any("aside" in name for name in runs.kept(dsn)) is (decision is not None)


def test_a_sequence_is_never_lowered(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    raised = run_of(dsn, "SELECT setval('thing_id_seq', 100)")
    runs.rolled_back(dsn, raised)
    assert selected(dsn, "SELECT nextval('thing_id_seq')") == [(101,)]

    lowered = run_of(dsn, "SELECT setval('public.thing_id_seq'::regclass, 3, false)")
    assert selected(dsn, "SELECT last_value, is_called FROM thing_id_seq") == [(3, False)]
    runs.rolled_back(dsn, lowered)

    assert selected(dsn, "SELECT nextval('thing_id_seq')") == [(102,)]


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("EXECUTE 'CRE' || 'ATE TABLE made (a int)'", "changes the schema"),
        (
            "EXECUTE 'CRE' || 'ATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT 1'''",
            "changes the schema",
        ),
        ("EXECUTE 'TRUN' || 'CATE bag'", "changes the schema"),
        ("EXECUTE 'LOCK TABLE bag IN SHARE MODE'", "more strongly"),
        ("UPDATE bag SET x = 7; DELETE FROM kind WHERE id = 4", "also wrote public.kind"),
        ("EXECUTE 'SET LOCAL row_security = on'", "guards"),
    ],
)
def test_a_block_that_does_more_than_foreseen_is_rolled_back(
    make_target: MakeTarget, block: str, says: str
) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn)

    with pytest.raises(Refused, match=says):
        run_of(dsn, f"DO $$BEGIN {block}; END$$", "bag")

    assert [d for d in before.differences(runs.state(dsn)) if "lockkeeper" not in d] == []


def test_a_trigger_that_refreshes_a_materialised_view_is_refused_by_its_name(make_target: MakeTarget) -> None:
    dsn = make_target(
        SETUP
        + "CREATE MATERIALIZED VIEW sums AS SELECT x, count(*) FROM bag GROUP BY x; CREATE UNIQUE INDEX ON sums (x);"
        "CREATE FUNCTION refresh() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN REFRESH MATERIALIZED VIEW CONCURRENTLY sums; RETURN NULL; END$$;"
        "CREATE TRIGGER refreshing AFTER DELETE ON bag FOR EACH STATEMENT EXECUTE FUNCTION refresh();"
    )

    with pytest.raises(Refused, match=r"refreshes public\.sums.*DISABLE TRIGGER"):
        run_of(dsn, "DELETE FROM bag WHERE x = 2", "bag")


def test_a_rehearsal_finds_what_a_block_and_a_procedure_write(
    make_target: MakeTarget, shadow_server: Server
) -> None:
    dsn = make_target(
        SETUP
        + "CREATE TABLE seed (id int PRIMARY KEY, v text NOT NULL); CREATE PROCEDURE p() LANGUAGE plpgsql AS"
        " $$BEGIN UPDATE bag SET y = 'p' WHERE x = 2; DELETE FROM kind WHERE id = 4; END$$;"
    )
    # The table is empty, and must stay so in the sample: a made-up row could have this very key.
    script = "CALL p(); INSERT INTO seed VALUES (1, 'one')"
    target = sessions.connect(dsn)
    try:
        found: Rehearsal = rehearse(target, dsn, script, shadow_server, binaries())
    finally:
        target.close()

    assert found.holds, found.problems
    assert {str(name) for name in found.also_written[0]} == {"public.bag", "public.kind"}
    captured = {str(name) for step in found.prepared.plan.steps[:2] for name in step.action.captured}
    assert captured == {"public.bag", "public.kind", "public.thing"}
    assert found.sample.rows[RelationName(schema="public", name="bag")] == 3
    runs.executed(dsn, found.prepared.plan)
    assert selected(dsn, "SELECT y FROM bag WHERE x = 2") == [("p",)]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("INSERT INTO seen VALUES (1)", "is a view"),
        ("TRUNCATE kind", "points at public.kind"),
        ("TRUNCATE big", r"hold \d MB"),
        ("INSERT INTO strict VALUES (1)", "ENABLE ALWAYS"),
        ("SELECT setval(name::regclass, 4) FROM kind", "cannot be told"),
        ("INSERT INTO nothing VALUES (1)", "There is no table"),
        (
            "CREATE TEMP TABLE tmp AS SELECT nobody_knows() AS a",
            r"CREATE TABLE tmp: its query calls nobody_knows\(\)",
        ),
    ],
)
def test_what_cannot_be_brought_back_is_refused(make_target: MakeTarget, sql: str, says: str) -> None:
    dsn = make_target(
        SETUP
        + "CREATE VIEW seen AS SELECT 1 AS a; "
        "CREATE TABLE big AS SELECT g, repeat('x', 50) FROM generate_series(1, 90000) g;"
        "CREATE TABLE strict (a int); CREATE TRIGGER strict BEFORE INSERT ON strict FOR EACH ROW"
        " EXECUTE FUNCTION shout(); ALTER TABLE strict ENABLE ALWAYS TRIGGER strict;"
    )
    with pytest.raises(Refused, match=says):
        run_of(dsn, sql)


def test_a_block_that_ends_the_transaction_is_not_run(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    with pytest.raises((Refused, Blocked), match="ends the transaction"):
        run_of(dsn, "DO $$BEGIN COMMIT; END$$")
