"""A fault that shows only while it soaks, after writes, the second time, or to the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from bot.embedded import Server
from tests.laws.conftest import Rehearse
from tests.plugins.postgres import count_statements
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.proofs import Proof, Rehearsal
from workorders.migration.steps import Action, Step

_ADD, _DROP = "ALTER TABLE t ADD z int DEFAULT 7", "ALTER TABLE t DROP COLUMN b"
_LOOSEN = "ALTER TABLE t ALTER b DROP NOT NULL"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Statements that are slipped into the first step of a plan, and the only proof that sees them."""

    sql: str
    proof: str
    #: A word of what it says.
    says: str
    forth: str = ""
    back: str = ""
    purge: str = ""

    def planted(self, plan: Plan) -> Plan:
        """The plan with it. The last action of the way back carries it, and any purge."""
        first = plan.steps[0]
        purge = first.purge or ((Action(title="clean up"),) if self.purge else ())
        step = replace(
            first,
            action=_with(first.action, self.forth),
            undo=(*first.undo[:-1], _with(first.undo[-1], self.back)),
            purge=tuple(_with(action, self.purge) for action in purge),
        )
        return replace(plan, steps=(step, *plan.steps[1:]))


def _with(action: Action, statement: str) -> Action:
    return replace(action, sql=(*action.sql, statement)) if statement else action


FAULTS = {
    "a constraint of ours that stays until the purge": Fault(
        sql=_ADD,
        forth="ALTER TABLE t ADD CONSTRAINT lockkeeper_left CHECK (a IS NOT NULL) NOT VALID",
        back="ALTER TABLE t DROP CONSTRAINT lockkeeper_left",
        purge="ALTER TABLE t DROP CONSTRAINT lockkeeper_left",
        proof="soak equivalence",
        says="set a to NULL (public.t): 2 rows after the plain SQL, SQLSTATE 23514 before the purge",
    ),
    "a trigger of ours that changes what is written": Fault(
        sql=_ADD,
        forth="CREATE FUNCTION lockkeeper.odd() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.c := ''odd''; RETURN NEW; END';"
        " CREATE TRIGGER lockkeeper_odd BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION lockkeeper.odd()",
        back="DROP FUNCTION lockkeeper.odd() CASCADE",
        purge="DROP FUNCTION lockkeeper.odd() CASCADE",
        proof="soak equivalence",
        says="table public.t",
    ),
    "a way back that overwrites what was written": Fault(
        sql=_ADD,
        back="UPDATE t SET a = id WHERE a <> id",
        proof="reversal under writes",
        says="have lost a value that was written since",
    ),
    "a way back that changes what nobody wrote": Fault(
        sql=_ADD,
        back="UPDATE t SET c = 'odd' WHERE c = 'c' || id AND EXISTS (SELECT FROM t n WHERE n.id > 19999)",
        proof="reversal under writes",
        says="that nobody wrote since are not as before",
    ),
    "a way back that loses new rows": Fault(
        sql=_ADD,
        back="DELETE FROM t WHERE id > 19999",
        proof="reversal under writes",
        says="that were written since are not there",
    ),
    "a way back that brings a deleted row again": Fault(
        sql=_ADD,
        back="INSERT INTO t SELECT g, g, g, 'c' || g, g % 5 + 1 FROM generate_series(1, 30) g"
        " WHERE g % 5 + 1 IN (SELECT id FROM p) ON CONFLICT DO NOTHING",
        proof="reversal under writes",
        says="are there that should not be",
    ),
    "a trigger that the way back leaves": Fault(
        sql=_ADD,
        back="CREATE FUNCTION lockkeeper.odd() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        forth="CREATE TABLE lockkeeper.odd (); DO $$ BEGIN IF to_regproc('lockkeeper.odd') IS NOT NULL THEN"
        " ALTER TABLE t ALTER z SET DEFAULT 8; END IF; END $$; DROP TABLE lockkeeper.odd",
        proof="idempotence",
        says="public.t.z",
    ),
    "an index that is away until the purge": Fault(
        sql=_ADD,
        forth="DROP INDEX tb",
        back="CREATE INDEX tb ON t (b)",
        purge="CREATE INDEX tb ON t (b)",
        proof="workload",
        says="loses its index: SELECT a FROM t WHERE b = $1",
    ),
}

_STATEMENTS = (
    "SELECT a FROM t WHERE b = 7",
    "SELECT c FROM t WHERE id = 3",
    "SELECT v FROM w WHERE id = 3",
    "UPDATE t SET a = 3 WHERE id = 3",
)


@pytest.fixture
def counted(postgres_server: Server) -> Callable[[str], None]:
    """Makes a target count its application's statements, and sends it some."""

    def prepare(dsn: str) -> None:
        database = str(conninfo_to_dict(dsn)["dbname"])
        with psycopg.connect(postgres_server.dsn(database), autocommit=True) as superuser:
            count_statements(superuser)
        with psycopg.connect(dsn, autocommit=True) as application:
            for statement in _STATEMENTS:
                application.execute(statement.encode())

    return prepare


def failed(found: Rehearsal) -> list[str]:
    return [proof.name for proof in found.proofs if proof.holds is False]


def proof_of(found: Rehearsal, name: str) -> Proof:
    return next(proof for proof in found.proofs if proof.name == name)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_seen_by_one_proof_alone(
    name: str, rehearsed: Rehearse, counted: Callable[[str], None]
) -> None:
    fault = FAULTS[name]

    found = rehearsed(fault.sql, fault.planted, counted)

    assert failed(found) == [fault.proof], found.problems
    assert fault.says in " ".join(proof_of(found, fault.proof).differences)
    assert not found.holds


def _miscounting(plan: Plan) -> Plan:
    def forgetful(step: Step) -> Step:
        return replace(step, misfits=tuple(replace(misfit, rows="false") for misfit in step.misfits))

    return replace(plan, steps=tuple(map(forgetful, plan.steps)))


@pytest.mark.parametrize("sql", [_LOOSEN, "ALTER TABLE t DROP CONSTRAINT positive"])
def test_rows_that_cannot_go_back_have_to_be_counted_first(sql: str, rehearsed: Rehearse) -> None:
    found = rehearsed(sql, _miscounting)

    assert failed(found) == ["reversal under writes"]
    said = str(found.problems[0])
    assert "counted too late" in said
    assert "of public.t cannot go back" in said


def test_what_the_script_itself_breaks_is_named_and_fails_nothing(
    rehearsed: Rehearse, counted: Callable[[str], None]
) -> None:
    found = rehearsed(f"{_DROP}; ALTER TABLE t DROP COLUMN c", before=counted)

    assert found.holds, found.problems
    assert proof_of(found, "workload").flags == (
        "no longer plans (SQLSTATE 42703): SELECT a FROM t WHERE b = $1",
        "no longer plans (SQLSTATE 42703): SELECT c FROM t WHERE id = $1",
    )


def test_an_index_that_the_script_drops_is_missed_by_name(
    rehearsed: Rehearse, counted: Callable[[str], None]
) -> None:
    found = rehearsed("DROP INDEX tb", before=counted)

    assert found.holds, found.problems
    assert proof_of(found, "workload").flags == ("loses its index: SELECT a FROM t WHERE b = $1",)


def test_without_counted_statements_the_workload_is_unknown(rehearsed: Rehearse) -> None:
    found = rehearsed(_ADD)

    assert found.holds
    assert proof_of(found, "workload").holds is None
    assert "pg_stat_statements cannot be read" in proof_of(found, "workload").differences[0]


def test_a_generated_column_out_of_sight_follows_what_is_written(rehearsed: Rehearse) -> None:
    def prepare(dsn: str) -> None:
        with psycopg.connect(dsn, autocommit=True) as owner:
            owner.execute("ALTER TABLE t ADD g int GENERATED ALWAYS AS (a * 2) STORED NOT NULL")

    found = rehearsed("ALTER TABLE t DROP COLUMN g", before=prepare)

    assert found.holds, found.problems
