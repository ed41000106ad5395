"""A plan's values: names as the server would choose them, steps as stored, a digest of every part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from bot.embedded import binaries
from tests.laws.cases import CASES, SETUP
from tests.laws.test_operations import planned
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, names, sessions
from workorders.migration.errors import Refused

_NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\0"), min_size=1, max_size=70
).filter(lambda name: 0 < len(name.encode()) <= names.NAME_BYTES and not names.is_ours(name))


@given(kind=st.sampled_from(["kept", "images"]), run=_NAMES, parts=st.lists(_NAMES, max_size=3))
def test_our_names_fit_and_differ_with_every_part(kind: str, run: str, parts: list[str]) -> None:
    name = names.ours(kind, run, *parts)

    assert len(name.encode()) <= names.NAME_BYTES
    assert names.is_ours(name)
    assert name == names.ours(kind, run, *parts)
    assert name != names.ours(kind, run + "x", *parts)
    assert name != names.ours(kind, run, *parts, "more")


@given(table=_NAMES, columns=st.lists(_NAMES, min_size=1, max_size=3, unique=True))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_unnamed_indexes_and_checks_are_named_as_the_server_names_them(
    table: str, columns: list[str], naming: psycopg.Connection
) -> None:
    with naming.transaction(force_rollback=True):
        types = sql.SQL(", ").join(sql.SQL("{} int").format(sql.Identifier(c)) for c in columns)
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        name = sql.Identifier(table)
        naming.execute(sql.SQL("CREATE TABLE {} ({})").format(name, types))
        for _ in range(2):
            naming.execute(sql.SQL("CREATE INDEX ON {} ({})").format(name, listed))
            naming.execute(
                sql.SQL("ALTER TABLE {} ADD CHECK ({} > 0)").format(name, sql.Identifier(columns[0]))
            )
        indexes = {
            row[0]
            for row in naming.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'i' AND relnamespace = 'public'::regnamespace"
            )
        }
        checks = {
            row[0]
            for row in naming.execute(
                "SELECT conname FROM pg_constraint WHERE contype = 'c'"
                " AND connamespace = 'public'::regnamespace"
            )
        }

    part = names.index_columns_part(columns)
    first = names.chosen(table, part, "idx", {table})
    assert indexes == {first, names.chosen(table, part, "idx", {table, first})}
    first = names.chosen(table, columns[0], "check", ())
    assert checks == {first, names.chosen(table, columns[0], "check", {first})}


@pytest.fixture
def naming(database: str) -> Iterator[psycopg.Connection]:
    connection = psycopg.connect(database, autocommit=True)
    yield connection
    connection.close()


def test_the_digest_changes_with_every_part_and_with_nothing_else(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    case = next(case for case in CASES if case.name == "drop column in unique")
    plan = planned(dsn, case)
    step = plan.steps[0]
    others = [
        replace(plan, script=replace(plan.script, text=plan.script.text + " ")),
        replace(plan, identity=replace(plan.identity, database="other")),
        replace(plan, fingerprint="other"),
        replace(plan, policy="other"),
        replace(plan, acceptances=(*plan.acceptances, "other")),
        replace(plan, steps=()),
        replace(plan, steps=(replace(step, undo=step.undo[1:]), *plan.steps[1:])),
        replace(plan, steps=(replace(step, action=replace(step.action, sql=("SELECT 1",))), *plan.steps[1:])),
        replace(plan, steps=(replace(step, purge=()), *plan.steps[1:])),
    ]

    assert len({plan.digest, *(other.digest for other in others)}) == len(others) + 1
    assert planned(dsn, case).digest == plan.digest
    with psycopg.connect(dsn, autocommit=True) as app:
        app.execute("INSERT INTO watched VALUES (77); CREATE TABLE elsewhere (a int)")
    assert planned(dsn, case).digest == plan.digest
    with psycopg.connect(dsn, autocommit=True) as app:
        app.execute("ALTER TABLE t ALTER a SET DEFAULT 77")
    assert planned(dsn, case).digest != plan.digest


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t DROP nothing",
        "ALTER TABLE nothing ADD z int",
        "ALTER TABLE t ALTER id DROP NOT NULL",
        "ALTER TABLE parent DROP id",
        "UPDATE parent SET id = id + 1",
        "UPDATE nokey SET z = DEFAULT",
        "DROP TABLE t",
        "DROP INDEX t_pkey",
        "CREATE INDEX t_bc ON t (a)",
        "CREATE TEMP TABLE x (a int) INHERITS (t)",
        "SELECT setval('nothing', 1)",
        "TRUNCATE parent",
    ],
)
def test_what_has_no_operation_is_refused_with_its_line(statement: str, make_target: MakeTarget) -> None:
    target = sessions.connect(make_target(SETUP))
    try:
        with pytest.raises(Refused) as refused:
            engine.prepare(target, f"ALTER TABLE watched ADD z int;\n{statement};", binaries=binaries())
    finally:
        target.close()

    assert [problem.line for problem in refused.value.problems] == [2]
    assert all(problem.next_move for problem in refused.value.problems)


def test_an_invalid_index_is_no_index_for_if_not_exists(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    with psycopg.connect(dsn, autocommit=True) as app:
        app.execute("UPDATE t SET a = 1")
        with pytest.raises(psycopg.errors.UniqueViolation):
            app.execute("CREATE UNIQUE INDEX CONCURRENTLY bad ON t (a)")
    target = sessions.connect(dsn)

    with pytest.raises(Refused, match="invalid"):
        engine.prepare(target, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS bad ON t (a)")

    target.close()


def test_rows_that_the_script_itself_mends_are_no_problem_beforehand(make_target: MakeTarget) -> None:
    target = sessions.connect(
        make_target("CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1)")
    )
    mending = engine.prepare(
        target, "UPDATE t SET a = '' WHERE a IS NULL; ALTER TABLE t ALTER a SET NOT NULL"
    ).plan
    adding = engine.prepare(target, "ALTER TABLE t ADD z int; ALTER TABLE t ALTER z SET NOT NULL").plan
    breaking = engine.prepare(target, "ALTER TABLE t ADD CHECK (a <> '{}' AND id > 1)").plan

    assert engine.run_checks(target, mending) == ()
    assert engine.run_checks(target, adding) == ()
    (problem,) = engine.run_checks(target, breaking)
    target.close()

    assert problem.reason.startswith("1 rows of public.t violate CHECK (a <> '{}'")
