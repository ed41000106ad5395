"""Tables that inherit from others: whose rows are asked about, kept and counted, and what is refused by name."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from contextlib import closing

import pytest

from bot.embedded import binaries
from tests.integration.migration.application import run_of, selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions, validation
from workorders.migration.errors import Refused
from workorders.migration.hazards.linting import lint
from workorders.migration.settle import Decision, Undecided

SETUP = """
CREATE TABLE base (id int PRIMARY KEY, v text CONSTRAINT filled CHECK (v <> ''), n int NOT NULL DEFAULT 1, r int, t text);
CREATE TABLE side (n int NOT NULL DEFAULT 1, s text); ALTER TABLE side ALTER s SET STORAGE EXTERNAL;
CREATE TABLE kid (own text, PRIMARY KEY (id)) INHERITS (base); CREATE TABLE deep (w int) INHERITS (kid); CREATE TABLE both_of (t text) INHERITS (base, side);
CREATE INDEX of_v ON kid (v); CREATE TABLE loner (id int NOT NULL, v text, n int NOT NULL, r int, t text); CREATE VIEW seen AS SELECT 1 AS id;
CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE moody (m mood); CREATE TABLE moody_kid () INHERITS (moody);
CREATE TABLE a (k int) PARTITION BY LIST (k); CREATE TABLE a_1 PARTITION OF a FOR VALUES IN (1); CREATE TABLE plain (id int, b int);
INSERT INTO base SELECT g, 'b' || g FROM generate_series(1, 9) g; INSERT INTO kid (id, v, own) SELECT g, 'k' || g, 'own' FROM generate_series(1, 9) g;
INSERT INTO deep (id, v, own, w) SELECT g, 'd' || g, 'deep', g FROM generate_series(1, 9) g; INSERT INTO plain SELECT g, g FROM generate_series(1, 9) g;
"""


def test_rows_of_heirs_that_cannot_go_back_are_counted_apart_and_set_aside_whole(
    make_target: MakeTarget,
) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn).schema
    run = run_of(dsn, "ALTER TABLE base DROP CONSTRAINT filled; ALTER TABLE base ALTER n DROP NOT NULL")
    sent(
        dsn,
        "INSERT INTO kid (id, v, own) VALUES (3001, '', 'mine')",
        "INSERT INTO base (id, v, n) VALUES (3001, 'x', NULL)",
        "INSERT INTO deep (id, v, n, own, w) VALUES (3001, '', NULL, 'mine', 7)",
    )

    with pytest.raises(Undecided, match=r"1 row of public.deep cannot go back") as undecided:
        runs.rolled_back(dsn, run)
    assert sorted(str(each).split(" cannot")[0] for each in undecided.value.counts) == [
        *("1 row of public.base", "1 row of public.deep", "1 row of public.deep", "1 row of public.kid"),
    ]
    runs.rolled_back(dsn, run, Decision(set_aside=True))

    assert before == runs.state(dsn).schema
    assert selected(dsn, "SELECT count(*) FROM base WHERE id > 3000") == [(0,)]
    aside = [name for name in runs.kept(dsn) if "_aside_" in name]
    found = [selected(dsn, f'SELECT to_jsonb(q) FROM lockkeeper."{name}" q') for name in aside]
    assert sorted(
        str(row["own"]) + str(row.get("w")) for rows in found for (row,) in rows if "own" in row
    ) == [
        *("mine7", "mineNone"),
    ]


def test_keys_hold_for_each_tables_own_rows_and_are_asked_of_those(make_target: MakeTarget) -> None:
    """Every id is there in three tables; heirs' rows are neither doubles nor orphans, nor pointed at."""
    dsn = make_target(SETUP)
    sent(dsn, "INSERT INTO kid (id, r) VALUES (40, 77)")
    with closing(sessions.connect(dsn)) as target:
        prepared = engine.prepare(
            target,
            "ALTER TABLE base ADD UNIQUE (id, n), ADD FOREIGN KEY (r) REFERENCES kid; ALTER TABLE plain ADD FOREIGN KEY (b) REFERENCES base",
            binaries=binaries(),
        )
        (found, *_) = lint("ALTER TABLE base ALTER r SET NOT NULL", prepared.catalog).findings
        asked = [target.execute(check.query.encode()).fetchone() for check in prepared.plan.checks]
        measured = validation.measure(target, validation.queries(prepared.plan, prepared.catalog))
    assert asked == [(0,), (0,), (0,)]
    counted = {each.query.table.name: each.value for each in measured.answers if each.query.kind == "rows"}
    assert counted == {"base": 9, "kid": 10, "plain": 9}
    assert "public.base (" in found.sentence
    assert "with the 3 that inherit from it)" in found.sentence

    run = run_of(dsn, "ALTER TABLE base DROP CONSTRAINT base_pkey")
    sent(dsn, "INSERT INTO base (id, v) VALUES (1, 'twice')")
    with pytest.raises(Undecided, match=r"^1 row of public.base cannot go back"):
        runs.rolled_back(dsn, run)
    runs.rolled_back(dsn, run, Decision(set_aside=True))
    assert selected(dsn, "SELECT count(*), count(DISTINCT tableoid) FROM base WHERE id = 1") == [(3, 3)]


def test_rows_of_the_same_key_in_several_tables_come_back_each_to_its_own(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    run = run_of(dsn, "UPDATE base SET n = 5; DELETE FROM kid WHERE id = 9")
    sent(dsn, "UPDATE ONLY kid SET n = 77 WHERE id = 3")

    outcome = runs.rolled_back(dsn, run)

    assert [(each.title, each.rows) for each in outcome.left] == [("bring rows of public.kid back", 1)]
    assert selected(
        dsn, "SELECT tableoid::regclass::text, n, count(*) FROM base GROUP BY 1, 2 ORDER BY 1, 2"
    ) == [
        *(("base", 1, 9), ("deep", 1, 9), ("kid", 1, 8), ("kid", 77, 1)),
    ]


def test_rows_written_into_a_new_heir_are_kept_and_its_parents_show_theirs(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn)
    run = run_of(dsn, "CREATE TABLE late (x int DEFAULT 4) INHERITS (kid, side)")
    sent(dsn, "INSERT INTO late (id, v, s) VALUES (1, 'late', 's'), (2, 'late', 's')")
    assert selected(dsn, "SELECT count(*) FROM base") == [(29,)]

    # Out of reach is out of sight, wherever the way back is stopped.
    stops = 0
    while not runs.rolled_back_until(dsn, run, stops):
        is_there = selected(dsn, "SELECT to_regclass('late') IS NOT NULL") == [(True,)]
        assert selected(dsn, "SELECT count(*) FROM base") == [(29 if is_there else 27,)]
        stops += 1
    assert stops > 1

    assert before.differences(runs.state(dsn)) == []
    (kept,) = [name for name in runs.kept(dsn) if "_kept_" in name]
    assert selected(dsn, f'SELECT id, v, own, s, x FROM lockkeeper."{kept}" ORDER BY id') == [
        *((1, "late", None, "s", "4"), (2, "late", None, "s", "4")),
    ]


def test_what_has_left_a_parent_is_inherited_until_the_purge_and_its_own_from_then_on(
    make_target: MakeTarget,
) -> None:
    dsn = make_target(SETUP)
    run = run_of(dsn, "ALTER TABLE both_of NO INHERIT base")
    assert selected(dsn, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'base'::regclass") == [(1,)]
    with pytest.raises(Refused, match="has left a parent"):
        runs.planned(dsn, "ALTER TABLE both_of DROP COLUMN v")
    # A dump of it is only restored where all parents say the same of how a column is stored.
    assert selected(
        dsn,
        "SELECT a.attname, a.attstorage FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND starts_with(relname, 'lockkeeper')"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname = 's'",
    ) == [("s", "e")]

    runs.purged(dsn, run)

    assert selected(dsn, "SELECT count(*) FROM pg_class WHERE relname LIKE 'lockkeeper%%'") == [(0,)]
    run = run_of(dsn, "ALTER TABLE both_of DROP COLUMN v")
    runs.purged(dsn, run)


_REFUSED = {
    "ALTER TABLE kid DROP COLUMN v": "v of public.kid is inherited, and dropped in its parents",
    "ALTER TABLE kid RENAME COLUMN v TO x": "renamed in its parents",
    "ALTER TABLE kid ALTER v TYPE varchar": "altered in its parents",
    "ALTER TABLE kid DROP CONSTRAINT filled": "filled of public.kid is inherited",
    "ALTER TABLE kid RENAME CONSTRAINT filled TO x": "filled of public.kid is inherited",
    "ALTER TABLE kid ALTER n DROP NOT NULL": "n of public.kid is inherited",
    "ALTER TABLE side RENAME COLUMN n TO m": "inherits n from public.base as well",
    "ALTER TABLE base DROP COLUMN n": "its n comes from public.side as well",
    "ALTER TABLE base DROP COLUMN t": "its t is its own as well",
    "ALTER TABLE base ADD COLUMN own text": "has a column own of its own",
    "ALTER TABLE base ADD COLUMN i int GENERATED ALWAYS AS IDENTITY": "adds no identity column to it",
    "ALTER TABLE base ALTER v TYPE int USING 1": "part of an inheritance tree",
    "ALTER TABLE ONLY base ADD COLUMN z int": "the server refuses it",
    "ALTER TABLE ONLY base ADD CHECK (n > 0)": "the server refuses it",
    "ALTER TABLE ONLY base RENAME COLUMN v TO x": "the server renames in both alone",
    "ALTER TABLE ONLY base DROP COLUMN v": "could not tell what had been inherited",
    "ALTER TABLE ONLY base ALTER v SET STORAGE MAIN": "could not tell what had been inherited",
    "ALTER TABLE both_of NO INHERIT base; ALTER TABLE both_of DROP COLUMN v": "has left a parent",
    "ALTER TABLE both_of NO INHERIT base; DROP TABLE both_of": "has left a parent",
    "ALTER TABLE kid NO INHERIT side": "does not inherit from public.side",
    "ALTER TABLE loner INHERIT side": "has no column s text",
    "ALTER TABLE loner INHERIT base": "lacks the constraint filled",
    "ALTER TABLE base INHERIT deep": "would inherit from itself",
    "ALTER TABLE kid INHERIT base": "inherits from it already",
    "DROP TABLE base": "the server would refuse to drop it",
    "CREATE TABLE x (v int) INHERITS (base)": "would inherit v as text and as int",
    "CREATE TABLE x () INHERITS (base, base)": "named twice",
    "CREATE TABLE x () INHERITS (seen)": "is a view",
    "CREATE TABLE x () INHERITS (a)": "is partitioned: no table can inherit",
    "CREATE TABLE x () INHERITS (a_1)": "is a partition: no table can inherit",
    "CREATE TEMP TABLE x () INHERITS (base)": "is a temporary table that inherits",
    "ALTER TYPE mood ADD VALUE 'no'": "part of an inheritance tree",
}


def test_what_the_server_forbids_and_what_has_no_way_back_is_refused_by_name(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    for sql, why in _REFUSED.items():
        with pytest.raises(Refused, match=why):
            runs.planned(dsn, sql)
