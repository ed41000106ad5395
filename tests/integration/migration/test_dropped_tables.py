"""A dropped table comes back with every row, among what was written around it since."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from bot.embedded import binaries
from tests.integration.migration.application import run_of, selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions, validation
from workorders.migration.errors import Blocked, Refused
from workorders.migration.settle import Decision, Undecided

SETUP = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE owner (id int PRIMARY KEY, name text);
CREATE TABLE doc (id serial PRIMARY KEY, owner_id int REFERENCES owner ON DELETE CASCADE, body text, m mood,
    CONSTRAINT body_key UNIQUE (body));
CREATE TABLE line (id int PRIMARY KEY, doc_id int CONSTRAINT of_doc REFERENCES doc ON DELETE CASCADE);
CREATE TABLE counted (id int DEFAULT 1, n bigint);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.body := 'shouted'; RETURN NEW; END$$;
CREATE TRIGGER shouting BEFORE INSERT OR UPDATE ON doc FOR EACH ROW EXECUTE FUNCTION shout();
CREATE VIEW seen AS SELECT id, body FROM doc;
CREATE SEQUENCE lone;
ALTER TABLE counted ALTER n SET DEFAULT nextval('lone');
CREATE TABLE range (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE hashed (k int PRIMARY KEY) PARTITION BY HASH (k);
CREATE TABLE half PARTITION OF hashed FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE low PARTITION OF range FOR VALUES FROM (0) TO (10);
CREATE TABLE linked (k int REFERENCES hashed);
CREATE TABLE heir (extra int) INHERITS (owner);
CREATE TABLE holder (d doc);
ALTER TABLE doc DISABLE TRIGGER shouting;
INSERT INTO owner SELECT g, 'o' || g FROM generate_series(1, 5) g;
INSERT INTO doc (owner_id, body) SELECT g, 'b' || g FROM generate_series(1, 5) g;
INSERT INTO line SELECT g, g FROM generate_series(1, 5) g;
ALTER TABLE doc ENABLE TRIGGER shouting;
"""

_NO_HOLDER = SETUP.replace("CREATE TABLE holder (d doc);\n", "")


_DOCS, _LINES = "SELECT * FROM doc ORDER BY id", "SELECT * FROM line ORDER BY id"


def test_a_dropped_table_is_dead_until_it_comes_back_with_every_row(make_target: MakeTarget) -> None:
    dsn = make_target(_NO_HOLDER)
    schema, docs = runs.state(dsn).schema, selected(dsn, _DOCS)
    run = run_of(dsn, "DROP TABLE doc CASCADE")

    # Nothing reaches it, and nothing is kept from anybody.
    sent(
        dsn,
        "INSERT INTO owner VALUES (6, 'new')",
        "UPDATE owner SET id = 7 WHERE id = 6",
        "INSERT INTO line VALUES (6, 3)",
        "DELETE FROM line WHERE id = 1",
        "CREATE TABLE another (body text CONSTRAINT body_key UNIQUE); DROP TABLE another",
    )
    with pytest.raises(psycopg.errors.UndefinedTable):
        sent(dsn, "SELECT FROM doc")
    owners, lines = selected(dsn, "SELECT * FROM owner ORDER BY id"), selected(dsn, _LINES)
    runs.rolled_back(dsn, run)

    assert selected(dsn, _DOCS) == docs
    assert (selected(dsn, "SELECT * FROM owner ORDER BY id"), selected(dsn, _LINES)) == (owners, lines)
    assert schema.hash == runs.state(dsn).schema.hash
    assert selected(dsn, "INSERT INTO doc (owner_id, body) VALUES (7, 'q') RETURNING id") == [(6,)]
    assert selected(dsn, "SELECT count(*) FROM seen") == [(6,)]


@pytest.mark.parametrize(
    ("sql", "write", "table", "column", "fill", "left"),
    [
        ("DROP TABLE doc CASCADE", "DELETE FROM owner WHERE id = 2", "doc", "owner_id", "3", (5, 5)),
        ("DROP TABLE doc CASCADE", "INSERT INTO line VALUES (9, 99)", "line", "doc_id", "4", (5, 6)),
        # The line's foreign key is asked about while the docs are out of sight, too.
        (
            "DROP TABLE line; DROP TABLE doc CASCADE",
            "DELETE FROM owner WHERE id = 2",
            "doc",
            "owner_id",
            "3",
            (5, 5),
        ),
    ],
)
def test_rows_that_lost_their_parent_meanwhile_wait_for_a_decision(
    make_target: MakeTarget, sql: str, write: str, table: str, column: str, fill: str, left: tuple[int, int]
) -> None:
    dsn = make_target(_NO_HOLDER)
    schema = runs.state(dsn).schema
    run = run_of(dsn, sql)
    sent(dsn, write)
    executed = runs.state(dsn)

    with pytest.raises(Undecided) as undecided:
        runs.rolled_back(dsn, run)
    assert [(each.misfit.table.name, each.rows) for each in undecided.value.counts] == [(table, 1)]
    assert executed.differences(runs.state(dsn)) == []
    runs.rolled_back(dsn, run, Decision(fill={column: fill}))

    assert schema.hash == runs.state(dsn).schema.hash
    assert (len(selected(dsn, _DOCS)), len(selected(dsn, _LINES))) == left
    assert selected(dsn, "SELECT count(*) FROM doc WHERE body = 'shouted'") == [(0,)]


def test_rows_set_aside_are_kept_until_the_purge(make_target: MakeTarget) -> None:
    dsn = make_target(_NO_HOLDER)
    run = run_of(dsn, "DROP TABLE line, doc CASCADE")
    sent(dsn, "DELETE FROM owner WHERE id = 2")

    # A row that others point at goes nowhere.
    with pytest.raises(Blocked, match="pointed at"):
        runs.rolled_back(dsn, run, Decision(set_aside=True))
    sent(dsn, "DELETE FROM line WHERE doc_id = 2")
    runs.rolled_back(dsn, run, Decision(set_aside=True))

    assert (len(selected(dsn, _DOCS)), len(selected(dsn, _LINES))) == (4, 4)
    runs.purged(dsn, run)
    assert runs.kept(dsn) == set()


def test_another_table_of_its_name_is_noticed_before_anything_is_undone(make_target: MakeTarget) -> None:
    dsn = make_target(_NO_HOLDER)
    before = runs.state(dsn)
    run = run_of(dsn, "DROP TABLE line")
    sent(dsn, "CREATE TABLE line (id int PRIMARY KEY)", "INSERT INTO line VALUES (77)")
    executed = runs.state(dsn)

    with pytest.raises(Blocked, match=r"another public\.line since\. ALTER TABLE .* RENAME TO"):
        runs.rolled_back(dsn, run)
    assert executed.differences(runs.state(dsn)) == []
    sent(dsn, "ALTER TABLE line RENAME TO new_line; ALTER INDEX line_pkey RENAME TO new_line_pkey")
    runs.rolled_back(dsn, run)
    sent(dsn, "DROP TABLE new_line")

    assert before.differences(runs.state(dsn)) == []


def test_a_table_made_by_a_later_statement_goes_first(make_target: MakeTarget) -> None:
    dsn = make_target(_NO_HOLDER)
    before = runs.state(dsn)
    run = run_of(dsn, "DROP TABLE line; CREATE TABLE line (id text PRIMARY KEY); CREATE INDEX ON line (id)")
    sent(dsn, "INSERT INTO line VALUES ('written since')")

    runs.rolled_back(dsn, run)

    assert before.differences(runs.state(dsn)) == []
    runs.purged(dsn, run)
    assert runs.kept(dsn) == set()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("DROP VIEW seen; DROP TABLE doc", "of_doc of public.line needs public.doc"),
        ("DROP TABLE doc, line", "view public.seen needs public.doc"),
        ("DROP TABLE nothing", "no table nothing"),
        ("DROP TABLE seen", "is a view"),
        ("DROP TABLE half", "points at public.hashed, of which public.half is"),
        ("DROP TABLE line; DROP TABLE line", "no table line"),
        ("DROP TABLE line; INSERT INTO line VALUES (1)", "no table line"),
        ("DROP SEQUENCE lone", "counted.n counts with public.lone"),
        ("DROP SEQUENCE doc_id_seq", "doc.id counts with public.doc_id_seq"),
        ("DROP SEQUENCE line", "no sequence line"),
        ("ALTER TABLE owner ALTER id TYPE bigint; DROP TABLE heir, owner CASCADE", "owner is"),
    ],
)
def test_what_the_server_would_refuse_and_what_could_not_come_back_is_refused(
    make_target: MakeTarget, sql: str, says: str
) -> None:
    with closing(sessions.connect(make_target(_NO_HOLDER))) as target, pytest.raises(Refused) as refused:
        engine.prepare(target, sql, binaries=binaries())

    assert says in str(refused.value)


def test_a_column_of_its_row_type_is_in_the_way_even_of_cascade(make_target: MakeTarget) -> None:
    with closing(sessions.connect(make_target(SETUP))) as target, pytest.raises(Refused) as refused:
        engine.prepare(target, "DROP TABLE doc CASCADE", binaries=binaries())

    assert "table public.holder needs public.doc" in str(refused.value)


def test_nothing_is_asked_of_a_dropped_table_afterwards(make_target: MakeTarget) -> None:
    with closing(sessions.connect(make_target(_NO_HOLDER))) as target:
        prepared = engine.prepare(target, "DROP TABLE doc CASCADE", binaries=binaries())

    asked = validation.queries(prepared.plan, prepared.catalog)
    assert {query.table.name for query in asked} == {"owner", "line"}
    assert "of_doc" not in {query.subject for query in asked}
    assert prepared.plan.steps[0].is_undone_instantly is False


def test_keys_dropped_before_their_columns_and_tables_are_asked_about_where_those_are(
    make_target: MakeTarget,
) -> None:
    dsn = make_target(_NO_HOLDER)
    schema = runs.state(dsn).schema
    run = run_of(
        dsn,
        "ALTER TABLE line DROP CONSTRAINT of_doc; ALTER TABLE doc DROP CONSTRAINT body_key;"
        " ALTER TABLE line DROP doc_id; DROP VIEW seen; ALTER TABLE doc DROP body; DROP TABLE doc",
    )
    sent(dsn, "DELETE FROM owner WHERE id = 2", "INSERT INTO line VALUES (7)")

    with pytest.raises(Undecided) as undecided:
        runs.rolled_back(dsn, run)
    assert [(each.misfit.table.name, each.rows) for each in undecided.value.counts] == [("doc", 1)]
    runs.rolled_back(dsn, run, Decision(fill={"owner_id": "1"}))

    assert schema.hash == runs.state(dsn).schema.hash
    assert selected(dsn, "SELECT count(*), count(body) FROM doc") == [(5, 5)]
