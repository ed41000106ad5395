"""A block that changes the schema: what cannot be told of it is refused, and a changed answer stops it."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from bot.embedded import binaries
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions
from workorders.migration.application import Application, Terms
from workorders.migration.errors import Refused
from workorders.migration.proven import Proven

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, a int);
CREATE TABLE tenant (id int PRIMARY KEY, name text, secret text);
INSERT INTO t SELECT g, g FROM generate_series(1, 3) g;
INSERT INTO tenant VALUES (1, 'one', 's3cret'), (2, 'two', 't0p');
CREATE FUNCTION deep() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN CREATE TABLE w (); RETURN true; END$$;
CREATE FUNCTION writes() RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN RETURN deep(); END';
CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM t';
CREATE FUNCTION rolling() RETURNS boolean LANGUAGE sql VOLATILE AS 'SELECT random() < 2';
"""

_DDL = "ALTER TABLE t ADD z int;"

#: What is refused: declarations, body, the body's line that is named, and a word of the reason.
REFUSED = (
    ("", f"IF writes() THEN {_DDL} END IF;", 0, "would write"),
    ("", f"IF rolling() THEN {_DDL} END IF;", 0, "rolling() gives here may be another each time"),
    ("", f"{_DDL}\nIF counted() > 1 THEN {_DDL} END IF;", 1, "what counted() reads may be changed"),
    ("", f"{_DDL}\nIF EXISTS (SELECT FROM t) THEN {_DDL} END IF;", 1, "public.t is not what it was"),
    ("", f"{_DDL}\nIF EXISTS (SELECT FROM pg_depend) THEN {_DDL} END IF;", 1, "pg_depend is not foreseen"),
    ("", f"{_DDL}\nIF EXISTS (SELECT FROM information_schema.columns WHERE data_type = 'x') THEN {_DDL} END IF;", 1, "it asks of what the statements before it change"),
    ("n int;", f"{_DDL}\nUPDATE tenant SET name = name; GET DIAGNOSTICS n = ROW_COUNT;", 1, "GETDIAG"),
    ("", f"{_DDL}\nUPDATE tenant SET name = name;\nIF FOUND THEN {_DDL} END IF;", 2, "what found holds"),
    ("n int;", f"INSERT INTO tenant VALUES (9) RETURNING id INTO n; {_DDL}", 0, "known only when the block runs"),
    ("n int;", f"SELECT id INTO n FROM tenant; {_DDL}", 0, "left to chance"),
    ("c CURSOR FOR SELECT 1;", f"OPEN c; {_DDL}", 0, "OPEN"),
    ("r record;", f"{_DDL} FOR r IN SELECT secret FROM tenant LOOP\nINSERT INTO tenant VALUES (7, r.secret); END LOOP;", 1, "Values read from rows"),
    ("r record;", f"{_DDL} FOR r IN SELECT secret FROM tenant LOOP\nEXECUTE format('INSERT INTO tenant VALUES (7, %L)', r.secret); END LOOP;", 1, "Values read from rows"),
    ("", f"BEGIN {_DDL}\nINSERT INTO tenant VALUES (1); EXCEPTION WHEN unique_violation THEN NULL; END;", 1, "is for rows to say"),
    ("", f"{_DDL}\nRAISE EXCEPTION 'not % here: %', 1 + 1, NULL USING ERRCODE = '22000';", 1, "'not 2 here: <NULL>'"),
    ("v text;", f"SELECT secret INTO v FROM tenant WHERE id = 1;\nRAISE EXCEPTION 'no %', v; {_DDL}", 1, "'no %'"),
    ("", f"BEGIN {_DDL}\nALTER TABLE missing ADD z int; EXCEPTION WHEN duplicate_column THEN NULL; END;", 1, "There is no table missing"),
    ("", f"{_DDL}\nCREATE EXTENSION moddatetime;", 1, "CREATE EXTENSION moddatetime takes a superuser"),
    ("", f"{_DDL}\nCREATE EXTENSION nowhere_to_be_found;", 1, "server has no extension nowhere_to_be_found"),
    ("", f"{_DDL}\nSET ROLE other;", 1, "SET ROLE changes who"),
    ("", f"{_DDL}\nEXECUTE 'CREATE ' || 'ROLE r';", 1, "Roles belong to the whole server"),
    ("", f"{_DDL}\nEXECUTE 'ALTER TABLE t ' || NULL;", 1, "EXECUTE is given here is NULL"),
    ("", f"{_DDL}\nEXECUTE 'ALTER TABLE t ADD';", 1, "cannot be read"),
    ("", f"{_DDL} LOOP\nNULL; PERFORM 1; END LOOP;", 0, "go round more than 10000 times"),
    ("a int[] := '{1}';", f"{_DDL}\na[1] := 2;", 1, "A part of a value"),
    ("n int;", f"#variable_conflict use_column\n{_DDL}", None, "Which variables this block has"),
    ("", f"{_DDL}\nCASE 1 WHEN 2 THEN NULL; END CASE;", 1, "No branch of this CASE fits"),
    ("", f"{_DDL}\nASSERT 1 = 2;", 1, "ASSERT does not hold"),
    ("", f"{_DDL}\nPERFORM 1 / (SELECT count(*) - 2 FROM tenant);", 1, "fails here with SQLSTATE 22012"),
)  # fmt: skip


def test_what_cannot_be_told_before_a_block_runs_is_refused_with_its_line(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn)
    with closing(sessions.connect(dsn)) as target:
        for declared, body, line, says in REFUSED:
            if "10000" in says:
                body = body.replace("PERFORM 1; ", "")
            script = f"-- one\nDO $$\nDECLARE {declared}\nBEGIN\n{body}\nEND $$"
            if line is None:
                script = f"DO $$\n#variable_conflict use_column\nDECLARE {declared} BEGIN {_DDL} END $$"
            with pytest.raises(Refused) as refused:
                engine.prepare(target, script, binaries=binaries())
            (problem,) = refused.value.problems
            assert says in problem.reason, script
            assert "s3cret" not in str(problem)
            assert problem.next_move
            assert line is None or problem.line == 5 + line, script

    assert before.differences(runs.state(dsn)) == []


def test_a_function_that_cannot_be_read_runs_as_it_is_and_the_report_says_why(make_target: MakeTarget) -> None:
    dsn = make_target(
        SETUP + "CREATE FUNCTION may_alter() RETURNS int LANGUAGE plpgsql AS"
        " $$BEGIN IF random() > 2 THEN ALTER TABLE t ADD z int; END IF; RETURN 1; END$$;"
    )
    with closing(sessions.connect(dsn)) as target:
        made = engine.prepare(target, "-- one\nSELECT may_alter()", binaries=binaries()).plan

    (note,) = made.script.notes
    assert note.startswith("line 2: it runs as it is, and is stopped if it changes the schema")
    assert "random() gives here may be another each time" in note
    assert [step.operation for step in made.steps] == ["select"]


@pytest.mark.parametrize("runs_by", ["DO $$BEGIN {} END$$", "SELECT mend()"])
def test_rows_that_a_block_or_a_function_may_mend_are_not_asked_for_as_they_are_now(
    make_target: MakeTarget, runs_by: str
) -> None:
    mending = (
        "WHILE EXISTS (SELECT FROM tenant GROUP BY name HAVING count(*) > 1) LOOP UPDATE tenant SET name = name || id"
        " WHERE id > (SELECT min(id) FROM tenant o WHERE o.name = tenant.name); END LOOP;"
    )
    dsn = make_target(
        SETUP + "INSERT INTO tenant VALUES (3, 'one', 'x'), (4, 'two', 'y');"
        f" CREATE FUNCTION mend() RETURNS int LANGUAGE plpgsql AS $$BEGIN {mending} RETURN 1; END$$"
    )
    script = f"{runs_by.format(mending)}; ALTER TABLE tenant ADD UNIQUE (name); ALTER TABLE t ADD UNIQUE (a)"
    with closing(sessions.connect(dsn)) as target:
        made = engine.prepare(target, script, binaries=binaries()).plan

    asked = {name for check in made.checks for name in ("tenant", '"t"') if name in check.query}
    assert asked == ({'"t"'} if "DO" in runs_by else set())


@pytest.mark.parametrize(
    ("block", "change"),
    [
        ("IF (SELECT count(*) FROM tenant) = 2 THEN ALTER TABLE t ADD z int; END IF;", "DELETE FROM tenant"),
        (
            "EXECUTE (SELECT 'ALTER TABLE t ADD ' || name || ' int' FROM tenant WHERE id = 1);",
            "UPDATE tenant SET name = 'three' WHERE id = 1",
        ),
        (
            "BEGIN CREATE TYPE mood AS ENUM ('a'); EXCEPTION WHEN duplicate_object THEN ALTER TABLE t ADD z int; END;",
            "CREATE TYPE mood AS ENUM ('b')",
        ),
    ],
)
def test_an_answer_that_changed_stops_the_execution_before_anything_is_changed(
    make_target: MakeTarget, block: str, change: str
) -> None:
    dsn = make_target(SETUP)
    script = f"DO $$\nBEGIN\n{block}\nEND $$"
    with closing(sessions.connect(dsn)) as target:
        prepared = engine.prepare(target, script, binaries=binaries())
        assert engine.prepare(target, script, binaries=binaries()).plan.digest == prepared.plan.digest
        assert any("is true on this database" in note for note in prepared.plan.script.notes) is (
            "IF" in block
        )
    proven = Proven.of(prepared, prepared.plan)
    with psycopg.connect(dsn, autocommit=True) as app:
        app.execute(change.encode())
    before = runs.state(dsn)

    with pytest.raises(Refused, match="the block asks in line 3 is answered otherwise now"):
        Application(dsn=dsn, text=script, terms=Terms()).execute(proven, binaries=binaries())

    assert before.differences(runs.state(dsn)) == []
