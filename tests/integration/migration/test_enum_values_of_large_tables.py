"""A value more of an enum that large tables hold: its way back is online, and keeps every row."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

import pytest

from bot.embedded import Server, binaries
from tests.integration.migration.application import selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import sessions
from workorders.migration.errors import Refused
from workorders.migration.rehearsal.proofs import rehearse
from workorders.migration.settle import Decision, Undecided

SETUP = """
CREATE TYPE st AS ENUM ('live', 'it''s'); COMMENT ON TYPE st IS 'states {}';
CREATE TABLE "p %s" (id int PRIMARY KEY, s st NOT NULL DEFAULT 'live', a st[] DEFAULT '{live}', n st, t text, u int);
CREATE INDEX ix ON "p %s" (s); CREATE UNIQUE INDEX ux ON "p %s" (id, n); COMMENT ON COLUMN "p %s".s IS 'the {} of %s';
CREATE TABLE k (id int PRIMARY KEY, p int REFERENCES "p %s", st st);
CREATE FUNCTION count_on() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.u := coalesce(NEW.u, 0) + 1; RETURN NEW; END$$;
CREATE TRIGGER counting BEFORE INSERT OR UPDATE ON "p %s" FOR EACH ROW EXECUTE FUNCTION count_on();
ALTER TABLE "p %s" ALTER t SET STORAGE EXTERNAL;
INSERT INTO "p %s" SELECT g, (ARRAY['live', 'it''s'])[g % 2 + 1]::st, CASE WHEN g % 2 = 0 THEN ARRAY['live', 'it''s']::st[] END,
    CASE WHEN g % 3 = 0 THEN 'live'::st END, CASE WHEN g = 1 THEN repeat('x', 2200000) END FROM generate_series(1, 12) g;
INSERT INTO k VALUES (1, 1, 'live'), (2, 2, NULL);
"""

SQL = "ALTER TYPE st ADD VALUE 'new %s' BEFORE 'it''s'"

ROWS = 'SELECT id, s::text, a::text, n::text, u, length(t) FROM "p %s" ORDER BY id'


def test_the_way_back_may_stop_anywhere_and_keeps_what_was_written(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before, rows = runs.state(dsn), selected(dsn, ROWS)
    plan = runs.planned(dsn, SQL)
    assert "the columns of the enum stand at their tables' ends after a rollback" in {
        s.loses for s in plan.steps
    }
    runs.executed(dsn, plan)
    sent(
        dsn,
        "INSERT INTO \"p %s\" VALUES (20, 'new %s', '{live}', NULL, 'written', 5), (21, DEFAULT, DEFAULT, 'it''s', NULL, NULL)",
        "UPDATE \"p %s\" SET a = '{it''s}' WHERE id = 2",
    )

    with pytest.raises(Undecided, match=r"1 row of public\.p %s cannot go back"):
        runs.rolled_back(dsn, plan.run)
    sent(dsn, "UPDATE \"p %s\" SET s = 'live' WHERE id = 20")
    stops = 0
    while not runs.rolled_back_until(dsn, plan.run, stops):
        stops += 1

    assert stops > 10
    written = [
        (20, "live", "{live}", None, 7, 7),
        (21, "live", "{live}", "it's", 1, None),
    ]
    changed = {2: (2, "live", "{it's}", None, 2, None)}
    assert selected(dsn, ROWS) == [*(changed.get(row[0], row) for row in rows), *written]
    sent(
        dsn,
        'DELETE FROM "p %s" WHERE id > 19',
        "UPDATE \"p %s\" SET a = ARRAY['live', 'it''s']::st[], u = 0 WHERE id = 2",
    )
    assert runs.taken_back(before, plan).differences(runs.state(dsn)) == []
    assert runs.traces(dsn) == []
    runs.purged(dsn, plan.run)
    assert runs.kept(dsn) == set()


def test_the_proofs_hold(make_target: MakeTarget, shadow_server: Server) -> None:
    dsn = make_target(SETUP)
    target = sessions.connect(dsn)
    try:
        rehearsal = rehearse(target, dsn, SQL, shadow_server, binaries())
    finally:
        target.close()

    assert rehearsal.problems == ()
    assert {proof.holds for proof in rehearsal.proofs} <= {True, None}


def test_rows_with_the_value_are_filled_or_set_aside(make_target: MakeTarget) -> None:
    for decision, left in ((Decision(fill={"s": "'it''s'"}), 12), (Decision(set_aside=True), 11)):
        dsn = make_target(SETUP)
        plan = runs.planned(dsn, SQL)
        runs.executed(dsn, plan)
        sent(dsn, "UPDATE \"p %s\" SET s = 'new %s' WHERE id = 3")

        runs.rolled_back(dsn, plan.run, decision)

        assert selected(dsn, 'SELECT count(*) FROM "p %s"') == [(left,)]
        found = selected(dsn, 'SELECT s::text FROM "p %s" WHERE id = 3')
        assert found == ([("it's",)] if decision.fill else [])


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('CREATE VIEW shown AS SELECT s FROM "p %s"', "needs public.st"),
        ("ALTER TABLE \"p %s\" ADD CONSTRAINT few CHECK (s >= 'live')", "few of it stands on s"),
        ("CREATE INDEX few ON \"p %s\" (id) WHERE s = 'live'", "few of it stands on s"),
    ],
)
def test_what_would_stand_against_the_twins_is_named(more: str, reason: str, make_target: MakeTarget) -> None:
    dsn = make_target(f"{SETUP}; {more}")

    with pytest.raises(Refused) as refused:
        runs.planned(dsn, SQL)

    assert reason in str(refused.value)
