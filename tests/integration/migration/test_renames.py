"""Other names: what is written under them stays, and what an earlier change keeps is found under them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from bot.embedded import binaries
from tests.integration.migration.application import selected, sent
from tests.laws import runs
from tests.laws.cases.renames import SETUP as SCHEMA
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions, validation
from workorders.migration.catalog import read as catalogs
from workorders.migration.catalog.snapshot import Table
from workorders.migration.errors import Blocked, Refused
from workorders.migration.plan import Plan
from workorders.migration.settle import Decision, Undecided
from workorders.migration.sql import script, translate, tree

SETUP = """
CREATE TABLE city (id int PRIMARY KEY, name text);
CREATE TABLE house (id int PRIMARY KEY, city_id int REFERENCES city ON DELETE CASCADE, no int NOT NULL,
    note text, CONSTRAINT low CHECK (no < 1000));
CREATE TABLE audit (n int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO audit (what) VALUES (TG_OP || coalesce(NEW.id, OLD.id)); RETURN NULL; END$$;
CREATE TRIGGER auditing AFTER INSERT OR UPDATE OR DELETE ON house FOR EACH ROW EXECUTE FUNCTION note();
CREATE VIEW numbers AS SELECT no FROM house;
INSERT INTO city SELECT g, 'c' || g FROM generate_series(1, 5) g;
INSERT INTO house SELECT g, g % 5 + 1, g, 'n' || g FROM generate_series(1, 20) g;
DELETE FROM audit;
"""


def _executed(dsn: str, sql: str) -> Plan:
    plan = runs.planned(dsn, sql)
    runs.executed(dsn, plan)
    return plan


def test_rows_written_under_the_new_names_stay_under_the_old_ones(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    run = _executed(
        dsn,
        "ALTER TABLE house RENAME no TO number; ALTER TABLE house RENAME TO building;"
        " ALTER TABLE city RENAME id TO city_no; ALTER TABLE city RENAME TO town",
    ).run
    sent(
        dsn,
        "INSERT INTO town VALUES (6, 'new')",
        "INSERT INTO building (id, city_id, number) VALUES (21, 6, 21)",
        "UPDATE building SET number = 900 WHERE id = 2",
        "DELETE FROM town WHERE city_no = 1",
    )

    runs.rolled_back(dsn, run)

    assert selected(dsn, "SELECT id, city_id, no FROM house WHERE id IN (2, 5, 21) ORDER BY 1") == [
        (2, 3, 900),
        (21, 6, 21),
    ]
    assert selected(dsn, "SELECT name FROM city WHERE id IN (1, 6)") == [("new",)]
    assert selected(dsn, "SELECT what FROM audit ORDER BY n LIMIT 2") == [("INSERT21",), ("UPDATE2",)]
    assert selected(dsn, "SELECT count(*) FROM audit") == [(2 + 4,)]


def test_rows_that_do_not_fit_are_counted_under_the_names_of_then(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    run = _executed(
        dsn,
        "ALTER TABLE house DROP CONSTRAINT low; ALTER TABLE house RENAME no TO number;"
        " ALTER TABLE house RENAME TO building; ALTER TABLE building ALTER number DROP NOT NULL",
    ).run
    sent(
        dsn,
        "UPDATE building SET number = 1000 + id WHERE id <= 3",
        "UPDATE building SET number = NULL WHERE id = 4",
    )

    with pytest.raises(Undecided) as undecided:
        runs.rolled_back(dsn, run)
    assert [count.rows for count in undecided.value.counts] == [1, 3]
    assert selected(dsn, "SELECT number FROM building WHERE id = 1") == [(1001,)]

    runs.rolled_back(dsn, run, Decision(fill={"no": "7", "number": "8"}))
    assert selected(dsn, "SELECT id, no FROM house WHERE id <= 5 ORDER BY 1") == [
        *((number, 7) for number in (1, 2, 3)), (4, 8), (5, 5),
    ]  # fmt: skip


def test_an_earlier_run_is_purged_under_the_names_that_a_later_one_gave(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    first = _executed(
        dsn, "ALTER TABLE house DROP COLUMN note; ALTER TABLE city ALTER name TYPE varchar(9)"
    ).run
    second = _executed(
        dsn,
        "ALTER TABLE house RENAME TO building; ALTER TABLE city RENAME TO town; CREATE TABLE house (id int)",
    ).run
    with pytest.raises(Blocked, match=second):
        runs.rolled_back(dsn, first)

    runs.purged(dsn, first)

    assert runs.traces(dsn) == []
    runs.rolled_back(dsn, second)
    assert selected(dsn, "SELECT * FROM house WHERE id = 1") == [(1, 2, 1)]


def test_a_run_whose_table_was_renamed_for_good_is_not_undone(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    first = _executed(dsn, "ALTER TABLE house DROP COLUMN note").run
    second = _executed(dsn, "ALTER TABLE house RENAME TO building").run
    runs.purged(dsn, second)
    before = runs.state(dsn)

    with pytest.raises(Refused, match=r"public.house was renamed to public.building by a later run"):
        runs.rolled_back(dsn, first)

    assert before.differences(runs.state(dsn)) == []
    runs.purged(dsn, first)
    assert runs.traces(dsn) == []


def test_validation_asks_again_under_the_new_names(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    with closing(sessions.connect(dsn)) as target:
        prepared = engine.prepare(
            target,
            "ALTER TABLE house RENAME no TO number; ALTER TABLE house RENAME TO building;"
            " ALTER TABLE city RENAME id TO no; UPDATE city SET name = 'x' WHERE no > 3;"
            " ALTER TABLE city RENAME TO house",
        )
        asked = validation.queries(prepared.plan, prepared.catalog)
        before = validation.from_json(validation.to_json(validation.measure(target, asked)))
    runs.executed(dsn, prepared.plan)

    with closing(sessions.connect(dsn)) as target:
        compared = {
            (each.query.kind, each.query.table.name): each for each in validation.validate(target, before)
        }

    assert {key: each.agrees for key, each in compared.items()} == {
        ("rows", "house"): True,
        ("checksum", "house"): True,
        ("orphans", "house"): True,
        ("violators", "house"): True,
        ("rows", "city"): True,
        # The plan's own UPDATE is counted as written.
        ("checksum", "city"): None,
    }
    assert compared["checksum", "city"].query.subject == "id"

    with closing(sessions.connect(dsn)) as target:
        target.execute("SET session_replication_role = replica")
        target.execute("DELETE FROM house")
        found = validation.validate(target, before, counters_seconds=0)
    assert ("orphans", "house") in {
        (q.kind, q.table.name) for q in (each.query for each in found if not each.agrees)
    }


def _normal(table: Table) -> Table:
    """The table with every definition as the parser writes it, and in the parser's order."""

    def text(prefix: str, definition: str) -> str:
        (raw,) = tree.statements(prefix + definition)
        return tree.statement_text(raw.kind, raw.node)

    return replace(
        table,
        size_bytes=0,
        estimated_rows=0,
        columns=tuple(
            replace(
                each, generation=each.generation and tree.expression_text(tree.expression(each.generation))
            )
            for each in table.columns
        ),
        constraints=tuple(
            replace(each, definition=text("ALTER TABLE t ADD ", each.definition))
            for each in sorted(table.constraints, key=lambda each: each.name)
        ),
        indexes=tuple(
            replace(each, definition=text("", each.definition), size_bytes=0)
            for each in sorted(table.indexes, key=lambda each: each.name)
        ),
        triggers=tuple(replace(each, definition=text("", each.definition)) for each in table.triggers),
        statistics=tuple(replace(each, definition=text("", each.definition)) for each in table.statistics),
        # How the server describes them is for people.
        dependants=tuple(sorted((replace(each, description="") for each in table.dependants), key=repr)),
    )


def test_the_catalog_is_foreseen_as_the_server_will_have_it(make_target: MakeTarget) -> None:
    dsn = make_target(
        SCHEMA
        + """CREATE TABLE parted (k int, v int) PARTITION BY RANGE (k);
        CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9);
        CREATE TABLE heir (z int) INHERITS (lodger);
        CREATE TABLE whole (b house, many house[]);"""
    )
    names = (
        "ALTER TABLE house RENAME no TO number; ALTER TABLE city RENAME id TO no;"
        " ALTER TABLE house RENAME id TO nr;"
        " ALTER TABLE house RENAME CONSTRAINT house_check TO sane; ALTER INDEX house_place RENAME TO place;"
        " ALTER TABLE city RENAME CONSTRAINT city_pkey TO key; ALTER INDEX named RENAME TO called;"
        " ALTER TABLE house RENAME CONSTRAINT house_city_id_fkey TO of_city;"
        " ALTER TABLE city RENAME TO town;"
        " ALTER TABLE house RENAME TO building; ALTER TABLE building SET SCHEMA other;"
        " ALTER TABLE parted RENAME TO split; ALTER TABLE part RENAME TO piece;"
        " ALTER TABLE lodger SET SCHEMA other;"
        " ALTER TABLE heir RENAME TO son"
    )
    with closing(sessions.connect(dsn)) as target:
        catalog = catalogs.read(target)
        for position, statement in enumerate(script.read(names).statements):
            for operation in translate.operations(statement, position, catalog):
                operation.steps(catalog, "run")
                catalog = operation.after(catalog)
        target.execute(names.encode())
        there = catalogs.read(target)

    assert catalog.tables.keys() == there.tables.keys()
    for name, table in there.tables.items():
        assert _normal(catalog.tables[name]) == _normal(table)
    for schema in ("public", "other"):
        assert catalog.relation_names[schema] == there.relation_names[schema]
        assert catalog.constraint_names.get(schema) == there.constraint_names.get(schema)


def test_rows_are_checked_beforehand_under_the_names_of_then(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    with closing(sessions.connect(dsn)) as target:
        plan = engine.prepare(
            target,
            "ALTER TABLE house RENAME note TO remark; ALTER TABLE house RENAME TO building;"
            " ALTER TABLE building ALTER remark SET NOT NULL, ADD CHECK (no < 20 AND remark <> 'n3')",
        ).plan
        target.execute("UPDATE house SET note = NULL WHERE id < 3")

        problems = engine.run_checks(target, plan)

    assert [" 2 rows" in f" {problem.reason}" for problem in problems] == [True, True], problems


def test_what_could_only_be_made_again_under_a_former_name_is_refused(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    refusals = {
        "ALTER TABLE house RENAME no TO n; ALTER VIEW numbers SET (security_barrier)": "before the renaming",
        "ALTER TABLE house RENAME TO city": "already a relation city",
        "ALTER TABLE house RENAME no TO note": "has a column note already",
        "ALTER TABLE house RENAME nothing TO note": "has no column nothing",
        "ALTER TABLE house RENAME CONSTRAINT low TO house_pkey": "already a house_pkey",
        "ALTER TABLE house SET SCHEMA nowhere": "no schema nowhere",
        "ALTER TABLE house SET SCHEMA lockkeeper": "Lockkeeper's own",
        "ALTER INDEX nothing RENAME TO thing": "no table or index nothing",
        "ALTER TABLE house RENAME TO lockkeeper_x": "Lockkeeper's own",
        "ALTER TABLE house ALTER no TYPE text; ALTER TABLE house RENAME no TO z": "view public.numbers",
        "ALTER TABLE city ALTER name TYPE varchar(9); ALTER TABLE city RENAME TO x;"
        " ALTER TABLE x RENAME name TO z; ALTER TABLE x ALTER z TYPE varchar(8)": "just got a twin",
    }
    with closing(sessions.connect(dsn)) as target:
        for script, words in refusals.items():
            with pytest.raises(Refused, match=words):
                engine.prepare(target, script, binaries=binaries())
