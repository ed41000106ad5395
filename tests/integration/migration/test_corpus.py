"""A history is measured file by file: what is right, what is wrong, and whose fault it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import psycopg

from bot.embedded import Server, binaries
from workorders.migration.connections import Shadow
from workorders.migration.corpus.layouts import Migration
from workorders.migration.corpus.outcome import Kind, Outcome, Totals
from workorders.migration.corpus.runner import Corpus
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import rows

_FIRST = """
CREATE TYPE mood AS ENUM ('sad', 'it''s "odd"');
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE TABLE p (id serial PRIMARY KEY, name text UNIQUE, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE c (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), p_id int NOT NULL REFERENCES p,
    up uuid REFERENCES c, feels mood NOT NULL, kind text NOT NULL CHECK (kind IN ('one', 'two')), n bigint,
    s small NOT NULL, tags text[]);
"""


def _history(*texts: str) -> list[Migration]:
    return [
        Migration(name=f"{number}.sql", text=text, is_in_one_transaction=True)
        for number, text in enumerate(texts, start=1)
    ]


def _kinds(outcomes: Sequence[Outcome]) -> list[str]:
    return [outcome.kind.value for outcome in outcomes]


def test_each_file_is_counted_by_what_became_of_it(shadow_server: Server) -> None:
    history = _history(
        _FIRST,
        "ALTER TABLE c ADD seen timestamptz DEFAULT now(), ADD r float8 DEFAULT random()",
        "SELECT no_such_function()",
        "ALTER TABLE c ADD needed int NOT NULL",
        "CREATE INDEX CONCURRENTLY ON p (name)",
        "LISTEN x",
        "UPDATE c SET n = 1 WHERE seen IS NOT NULL; INSERT INTO p (name) VALUES ('new')",
        r"\! touch /tmp/never-made-by-a-corpus",
    )
    with Corpus(shadow_server, binaries()) as corpus:
        outcomes = list(corpus.run(history))

    assert _kinds(outcomes) == [
        *("applied", "applied", "psql fails", "applied"),
        *("applied", "refused", "applied", "psql fails"),
    ]
    assert outcomes[2].reasons == ("SQLSTATE 42883: function no_such_function() does not exist",)
    assert outcomes[3].notes == ("no rows in the tables that it names: SQLSTATE 23502",)
    assert outcomes[5].reasons[0].startswith("line 1: ")
    assert "42601" in outcomes[7].reasons[0]  # no command of psql's is run
    totals = Totals.of(outcomes)
    assert (totals.run_by_psql, totals.counts[Kind.REFUSED], totals.is_clean) == (6, 1, True)


def _with_faults(plan: Plan) -> Plan:
    """An index is forgotten on the way forth, an UPDATE on the way back."""
    steps = [step for step in plan.steps if step.operation != "create_index"]
    steps = [replace(step, undo=()) if step.operation == "update" else step for step in steps]
    return replace(plan, steps=tuple(steps))


def test_with_proofs_a_file_counts_only_if_its_rehearsal_would_let_it_be_approved(
    shadow_server: Server,
) -> None:
    def losing_what_was_written(plan: Plan) -> Plan:
        """The way back takes the application's new rows along; the file's own copies have none."""
        loss = "DELETE FROM p WHERE name LIKE 'made up%' AND id NOT IN (SELECT p_id FROM c)"
        steps = [
            replace(step, undo=tuple(replace(each, sql=(*each.sql, loss)) for each in step.undo))
            if step.operation == "add_column"
            else step
            for step in plan.steps
        ]
        return replace(plan, steps=tuple(steps))

    history = _history(
        _FIRST,
        # Rehearsed on an empty table, as the SQL asks for one.
        "ALTER TABLE c ADD needed int NOT NULL",
        "ALTER TABLE p ADD note text",
    )
    with Corpus(shadow_server, binaries(), with_proofs=True) as corpus:
        proven = list(corpus.run(history))
    with Corpus(shadow_server, binaries(), with_proofs=True, alter=losing_what_was_written) as corpus:
        planted = list(corpus.run(history[:1] + history[2:]))

    assert _kinds(proven) == ["applied"] * 3, proven
    assert _kinds(planted) == ["applied", "unproven"]
    assert "reversal under writes" in planted[1].reasons[0]
    assert not Totals.of(planted).is_clean


def test_a_plan_that_leaves_something_else_is_caught_and_hides_no_later_one(shadow_server: Server) -> None:
    history = _history(
        _FIRST,
        "CREATE INDEX i ON c (n)",
        "UPDATE c SET n = 5",
        "DROP INDEX i",
        "ALTER TABLE c ALTER n SET NOT NULL",
    )
    with Corpus(shadow_server, binaries(), alter=_with_faults) as corpus:
        outcomes = list(corpus.run(history))

    assert _kinds(outcomes) == ["applied", "differs", "differs", "applied", "applied"]
    assert outcomes[1].reasons == ("applied: index public.i is missing",)
    assert outcomes[2].reasons[0].startswith("rolled back: table public.c: ")
    assert not Totals.of(outcomes).is_clean


def test_rows_come_as_the_application_would_write_them_and_fill_the_views_of_them(
    shadow_server: Server,
) -> None:
    history = _history(
        "CREATE TABLE team (id serial PRIMARY KEY, name text);"
        " CREATE FUNCTION a_table_each() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN EXECUTE format('CREATE TABLE of_%s (v int)', NEW.id); RETURN NEW; END$$;"
        " CREATE TRIGGER each AFTER INSERT ON team FOR EACH ROW EXECUTE FUNCTION a_table_each();"
        " CREATE MATERIALIZED VIEW teams AS SELECT id, extract(epoch FROM now()) * id AS score FROM team;"
        " CREATE TABLE sums (id int PRIMARY KEY, n int); CREATE MATERIALIZED VIEW doubled AS"
        " SELECT 2 * n AS n FROM sums",
        "DROP MATERIALIZED VIEW teams, doubled; CREATE VIEW teams AS SELECT id FROM of_1, team",
    )
    with Corpus(shadow_server, binaries()) as corpus:
        outcomes = list(corpus.run(history))

    assert [(each.kind.value, each.reasons) for each in outcomes] == [("applied", ()), ("applied", ())]


def test_no_database_is_left_and_the_rows_are_the_same_each_time(shadow_server: Server) -> None:
    found = []
    for _ in range(2):
        with Corpus(shadow_server, binaries()) as corpus:
            list(corpus.run(_history(_FIRST)))
            with psycopg.connect(corpus.url) as connection:
                found.append(rows.read(Shadow(connection)))
    with psycopg.connect(shadow_server.dsn()) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^corpus_'").fetchall()

    assert found[0] == found[1]
    assert [len(table.rows) for table in found[0].values()] == [6, 6]
    assert left == []
