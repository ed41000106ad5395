"""A fault in any operation's step, or in its inverse, is caught in rehearsal and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg
import pytest

from tests.laws.conftest import Rehearse
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.proof import CLAIMS
from workorders.migration.steps import Action, Batches


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is planted into which action of the plan."""

    sql: str
    #: A word of the action's title, and the way that it is on.
    title: str
    back: bool
    old: str
    new: str
    #: The proof that fails, or "" where the run itself does, and a word of what it says.
    proof: str
    says: str


def _f(sql: str, way: str, title: str, old: str, new: str, proof: str, says: str) -> Fault:
    return Fault(sql=sql, title=title, back=way == "back", old=old, new=new, proof=proof, says=says)


_ADD, _DROP = "ALTER TABLE t ADD z int DEFAULT 7", "ALTER TABLE t DROP COLUMN b"
_UPDATE, _DELETE = "UPDATE t SET a = a + 1, c = 'new'", "DELETE FROM p WHERE id = 2"
_TYPE = "ALTER TABLE t ALTER a TYPE bigint"
_TABLE = "CREATE TABLE made (id int PRIMARY KEY, k int REFERENCES p)"
_BLOCK = (
    "DO $$BEGIN IF EXISTS (SELECT FROM pg_constraint WHERE conname = 'positive')"
    " THEN ALTER TABLE t ADD z int DEFAULT 7; ELSE ALTER TABLE t ADD z int DEFAULT 8; END IF; END$$"
)
_GONE = "DROP TABLE w, t CASCADE; DROP SEQUENCE lone"

_RENAME = (
    "ALTER TABLE w RENAME v TO z; ALTER TABLE t RENAME CONSTRAINT positive TO plus;"
    " ALTER INDEX tb RENAME TO i; ALTER TABLE log RENAME TO book"
)

FAULTS = (
    _f(_RENAME, "back", "rename public.w", 'TO "v"', 'TO "V"', "reversal", "v"),
    _f(_RENAME, "back", "rename plus", 'TO "positive"', 'TO "negative"', "reversal", "positive"),
    _f(_RENAME, "back", "rename index", 'TO "tb"', 'TO "bt"', "reversal", "tb"),
    _f(_RENAME, "back", "rename public.book", 'TO "log"', 'TO "Log"', "reversal", "log"),
    _f(_ADD, "forth", "add ", "DEFAULT 7", "DEFAULT 8", "equivalence", "z"),
    _f(_ADD, "back", "drop ", "DROP COLUMN IF EXISTS", "ALTER COLUMN", "", "failed"),
    _f(_BLOCK, "forth", "add ", "DEFAULT 7", "DEFAULT 8", "equivalence", "z"),  # the block's other branch
    _f(
        _ADD,
        "back",
        "drop ",
        "DROP COLUMN IF EXISTS",
        "DROP COLUMN IF EXISTS a, DROP COLUMN",
        "reversal",
        "a",
    ),
    _f(_DROP, "forth", "out of sight", 'DROP INDEX "public"."tb"', "DROP CONSTRAINT t_k_fkey", "", "failed"),
    _f(_DROP, "back", "build index", "(b)", "(a)", "reversal", "tb"),
    _f(_DROP, "back", "bring", "b > 0", "b > -1", "reversal", "positive"),
    _f("ALTER TABLE t ALTER a SET NOT NULL", "forth", "forbid", '"t_a_not_null"', '"other"', "", "failed"),
    _f(
        "ALTER TABLE t ALTER a SET NOT NULL",
        "back",
        "let a",
        'IF EXISTS "t_a_not_null"',
        'IF EXISTS "x"',
        "reversal",
        "not",
    ),
    _f("ALTER TABLE t ALTER b DROP NOT NULL", "forth", "let", 'COLUMN "b"', 'COLUMN "c"', "equivalence", "b"),
    _f("ALTER TABLE t ALTER b DROP NOT NULL", "back", "check every", "VALIDATE", "ALTER", "reversal", "b"),
    _f("ALTER TABLE t ALTER c SET DEFAULT 'y'", "forth", "default", "'y'", "'Y'", "equivalence", "c"),
    _f("ALTER TABLE t ALTER c SET DEFAULT 'y'", "back", "default", "'x'", "'X'", "reversal", "c"),
    _f(
        "ALTER TABLE t ALTER c DROP DEFAULT",
        "forth",
        "default",
        "DROP DEFAULT",
        "SET DEFAULT 'q'",
        "equivalence",
        "c",
    ),
    _f("ALTER TABLE t ALTER c DROP DEFAULT", "back", "default", "'x'", "'X'", "reversal", "c"),
    _f(
        "ALTER TABLE t ADD CONSTRAINT n CHECK (a > 0)",
        "forth",
        "hold new",
        "a > 0",
        "a > -1",
        "equivalence",
        "n",
    ),
    _f(
        "ALTER TABLE t ADD CONSTRAINT n CHECK (a > 0)", "back", "drop n", '"n"', '"positive"', "reversal", "n"
    ),
    _f(
        "ALTER TABLE t DROP CONSTRAINT positive",
        "forth",
        "drop pos",
        "DROP CONSTRAINT",
        "VALIDATE CONSTRAINT",
        "",
        "",
    ),
    _f(
        "ALTER TABLE t DROP CONSTRAINT positive",
        "back",
        "hold new",
        "b > 0",
        "b > -5",
        "reversal",
        "positive",
    ),
    _f("CREATE INDEX i ON t (a)", "forth", "build", "(a)", "(a DESC)", "equivalence", "i"),
    _f("CREATE INDEX i ON t (a)", "back", "drop index", '"i"', '"tb"', "", "catalog does not show"),
    _f("DROP INDEX tb", "forth", "drop index", '"tb"', '"tx"', "", "catalog does not show"),
    _f("DROP INDEX tb", "back", "build", "(b)", "(b) WITH (fillfactor = 50)", "reversal", "tb"),
    _f(_TYPE, "forth", "add a twin", "bigint", "integer", "", "t.a"),
    _f(_TABLE, "forth", "create", "k int", "k int NOT NULL", "equivalence", "made"),
    _f(_TABLE, "back", "drop public.made", "DROP TABLE IF EXISTS", "SELECT FROM", "reversal", "made"),
    _f(_GONE, "forth", "public.w, public.t", "DROP VIEW", "ALTER VIEW", "", "failed"),
    _f(
        _GONE,
        "forth",
        "public.w, public.t",
        'DROP CONSTRAINT "t_k_fkey"',
        "ALTER a DROP NOT NULL",
        "",
        "failed",
    ),
    _f(_GONE, "back", "bring public.w", "ON DELETE CASCADE", "", "reversal", "t_k_fkey"),
    _f(_GONE, "back", "bring public.w", "AFTER UPDATE", "AFTER DELETE", "reversal", "logging"),
    _f(_GONE, "back", "bring public.w", 'RENAME TO "tb"', 'RENAME TO "tc"', "reversal", "tb"),
    _f(_GONE, "back", "check every row", "VALIDATE", "DROP", "reversal", "t_k_fkey"),
    _f(_GONE, "back", "bring public.lone", 'RENAME TO "lone"', 'RENAME TO "other"', "reversal", "lone"),
    _f(_UPDATE, "forth", "update", "a + 1", "a + 2", "equivalence", "t"),
    _f(_UPDATE, "forth", "update", " < ROW", " <= ROW", "equivalence", "t"),
    _f(_UPDATE, "back", "bring rows", "THEN n.b1", "THEN n.a1", "reversal", "t"),
    _f(_DELETE, "forth", "delete", "id = 2", "id = 3", "equivalence", "p"),
    _f(
        _DELETE,
        "back",
        "bring rows of public.t",
        "n.went AND NOT n.came",
        "n.went AND n.came",
        "reversal",
        "t",
    ),
)


def _altered(action: Action, fault: Fault) -> Action:
    def put(statements: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(statement.replace(fault.old, fault.new) for statement in statements)

    batches: Batches | None = action.batches
    if batches is not None:
        batches = replace(batches, between=put(batches.between), rest=put(batches.rest))
    return replace(action, sql=put(action.sql), batches=batches)


def _planted(fault: Fault, seen: list[str]) -> Callable[[Plan], Plan]:
    def change(action: Action) -> Action:
        if fault.title not in action.title:
            return action
        changed = _altered(action, fault)
        if changed != action:
            seen.append(action.title)
        return changed

    def alter(plan: Plan) -> Plan:
        steps = tuple(
            replace(step, undo=tuple(change(action) for action in step.undo))
            if fault.back
            else replace(step, action=change(step.action))
            for step in plan.steps
        )
        return replace(plan, steps=steps)

    return alter


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda f: f"{f.sql[:32]} {'back' if f.back else 'forth'} {f.new}"
)
def test_a_planted_fault_is_caught_and_named(fault: Fault, rehearsed: Rehearse) -> None:
    seen: list[str] = []

    found = rehearsed(fault.sql, _planted(fault, seen))

    assert seen, "the fault was not planted"
    assert not found.holds
    said = " ".join(str(problem) for problem in found.problems)
    assert fault.says in said
    if fault.proof:
        assert fault.proof in [proof.name for proof in found.proofs if proof.holds is False]
        assert fault.proof in said


@pytest.mark.parametrize("sql", sorted({fault.sql for fault in FAULTS}))
def test_the_same_script_without_a_fault_is_proven(sql: str, rehearsed: Rehearse) -> None:
    found = rehearsed(sql)

    assert [str(problem) for problem in found.problems] == []
    assert [proof.name for proof in found.proofs] == list(CLAIMS)
    assert found.holds


def _with_more(statement: str) -> Callable[[Plan], Plan]:
    def alter(plan: Plan) -> Plan:
        step = plan.steps[0]
        action = replace(step.action, sql=(*step.action.sql, statement))
        return replace(plan, steps=(replace(step, action=action), *plan.steps[1:]))

    return alter


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("LOCK TABLE p IN SHARE MODE", "SHARE on public.p"),
        ("ALTER TABLE t ALTER a TYPE int USING a + 0", "written anew"),
    ],
)
def test_an_undeclared_lock_or_rewrite_is_caught(statement: str, says: str, rehearsed: Rehearse) -> None:
    found = rehearsed(_ADD, _with_more(statement))

    assert [proof.name for proof in found.proofs if proof.holds is False] == ["locks"]
    assert says in str(found.problems[0])


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [("UPDATE t SET a = a / (a - 5)", "22012"), ("ALTER TABLE t ADD CHECK (b < 10)", "23514")],
)
def test_plain_sql_that_fails_is_told_as_such(sql: str, sqlstate: str, rehearsed: Rehearse) -> None:
    found = rehearsed(sql)

    assert not found.holds
    assert f"SQLSTATE {sqlstate}" in str(found.problems[0])


def test_a_block_that_goes_another_way_on_sample_rows_is_refused(rehearsed: Rehearse) -> None:
    # The table is empty, and a sample of it has made-up rows.
    found = rehearsed(
        "DO $$BEGIN\nIF NOT EXISTS (SELECT FROM log) THEN ALTER TABLE log ADD z int; END IF; END$$"
    )

    assert not found.holds
    assert [(each.line, "another way" in each.reason) for each in found.problems] == [(2, True)]


def test_what_triggers_write_is_found_and_captured(rehearsed: Rehearse) -> None:
    found = rehearsed("UPDATE w SET v = v + 1")

    assert found.holds, found.problems
    captured = {name for step in found.prepared.plan.steps for name in step.action.captured}
    assert captured == {RelationName(schema="public", name=name) for name in ("w", "log")}


def test_values_that_shift_through_a_unique_column_are_not_promised_back(rehearsed: Rehearse) -> None:
    found = rehearsed("CREATE UNIQUE INDEX ON t (a); UPDATE t SET a = a - 1")

    assert [proof.name for proof in found.proofs if proof.holds is False] == ["reversal"]
    assert "rows were not brought back" in str(found.problems[0])


def test_a_script_with_a_byte_order_mark_is_proven(rehearsed: Rehearse) -> None:
    assert rehearsed("\ufeffALTER TABLE t ADD z int").holds


def test_sequences_go_on_from_where_the_targets_stand(rehearsed: Rehearse) -> None:
    def audited(dsn: str) -> None:
        with psycopg.connect(dsn) as owner:
            owner.execute("CREATE TABLE audit (n serial PRIMARY KEY, what text)")
            owner.execute("INSERT INTO audit (what) VALUES ('one'), ('two')")

    found = rehearsed("INSERT INTO audit (what) VALUES ('three')", before=audited)

    assert found.holds, found.problems


def test_a_table_of_the_scripts_own_may_be_written_anew(rehearsed: Rehearse) -> None:
    found = rehearsed(
        "CREATE TABLE made (id int PRIMARY KEY, v text); ALTER TABLE made ALTER id TYPE bigint;"
        " ALTER TABLE made ADD u uuid DEFAULT gen_random_uuid()"
    )

    assert found.holds, found.problems


def test_a_table_with_a_deferrable_key_is_sampled_with_those_that_point_at_it(rehearsed: Rehearse) -> None:
    def deferrable(dsn: str) -> None:
        with psycopg.connect(dsn) as owner:
            owner.execute("CREATE TABLE d (id int PRIMARY KEY, v int UNIQUE DEFERRABLE, p int REFERENCES p)")
            owner.execute("INSERT INTO d VALUES (1, 1, 1), (2, 2, 2)")
            owner.execute("CREATE TABLE e (id int PRIMARY KEY, d int REFERENCES d)")
            owner.execute("INSERT INTO e VALUES (1, 1), (2, 1)")

    found = rehearsed("ALTER TABLE e ADD z int; UPDATE d SET v = v + 10", before=deferrable)

    assert found.holds, found.problems
    assert found.sample.rows[RelationName(schema="public", name="d")] == 2
