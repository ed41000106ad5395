"""Runs of plans for the laws: to the end, stopped at every checkpoint, and looked at from outside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from pkgutil import iter_modules

import psycopg

from bot.embedded import binaries
from workorders.migration import engine, operations, sessions
from workorders.migration.catalog import diff, fingerprint, order
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.connections import Shadow
from workorders.migration.executor import Executor, Outcome
from workorders.migration.limits import Limits
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import rows
from workorders.migration.rehearsal.rows import Rows
from workorders.migration.settle import Decision
from workorders.migration.steps import MovedColumn

#: Small batches, so that a law meets their seams; nobody else is there, so nothing is waited for.
LIMITS = Limits(
    stall_budget_ms=30_000, max_wait_seconds=30.0, batch_rows=7, batch_is_fixed=True, batch_pause=0.0
)

#: What stays in our schema whatever happened: the journal, not what a rollback would need.
LASTING = {"lease", "runs", "journal"}


class Stopped(Exception):
    """Somebody stopped the run."""


class StopAfter:
    """Lets so many checkpoints pass, then stops the run."""

    def __init__(self, checkpoints: int) -> None:
        self._left = checkpoints

    def checkpoint(self) -> None:
        if self._left == 0:
            raise Stopped
        self._left -= 1


@dataclass(frozen=True, kw_only=True)
class State:
    """All of a database that a migration may change."""

    schema: Fingerprint
    rows: Rows

    def differences(
        self, other: State, loose: frozenset[tuple[RelationName, str]] = frozenset()
    ) -> list[str]:
        """What the other has otherwise, in words."""
        schema = [str(difference) for difference in diff.compare(self.schema, other.schema)]
        return [*schema, *rows.differences(self.rows, other.rows, loose)]


def moved(state: State, plan: Plan) -> State:
    """The state with its columns where the plan says that they had to move."""
    return _with_moves(state, plan.moved)


def taken_back(before: State, plan: Plan) -> State:
    """What was there, with its columns where the whole way back leaves them."""
    return _with_moves(before, plan.moved_back)


def _with_moves(state: State, moves: Iterable[MovedColumn]) -> State:
    schema = state.schema
    for move in moves:
        schema = order.with_column_behind(schema, move.table, move.column, move.behind)
    return replace(state, schema=schema)


def state(dsn: str) -> State:
    """The database as it is now."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        shadow = Shadow(connection)
        return State(schema=fingerprint.read(shadow), rows=rows.read(shadow))


def planned(dsn: str, sql: str, also_written: tuple[str, ...] = ()) -> Plan:
    """The script's plan on this database; what its first statement writes besides is given by hand."""
    written = tuple(RelationName(schema="public", name=name) for name in also_written)
    target = sessions.connect(dsn)
    try:
        return engine.prepare(target, sql, also_written={0: written}, binaries=binaries()).plan
    finally:
        target.close()


def executed(dsn: str, plan: Plan, limits: Limits = LIMITS) -> Outcome:
    """The plan brought about by an executor of its own."""
    with Executor(dsn, plan.run, limits) as executor:
        return executor.execute(plan)


def rolled_back(dsn: str, run: str, decision: Decision | None = None) -> Outcome:
    """The run undone by an executor of its own."""
    with Executor(dsn, run, LIMITS) as executor:
        return executor.roll_back(decision or Decision())


def purged(dsn: str, run: str) -> Outcome:
    """The run made final."""
    with Executor(dsn, run, LIMITS) as executor:
        return executor.finish(purge=True)


def executed_until(dsn: str, plan: Plan, checkpoints: int) -> bool:
    """Stops the run at the n-th checkpoint; tells whether it came to its end before."""
    with Executor(dsn, plan.run, LIMITS, control=StopAfter(checkpoints)) as executor:
        try:
            executor.execute(plan)
        except Stopped:
            return False
    return True


def rolled_back_until(dsn: str, run: str, checkpoints: int) -> bool:
    """The same for the way back."""
    with Executor(dsn, run, LIMITS, control=StopAfter(checkpoints)) as executor:
        try:
            executor.roll_back(Decision())
        except Stopped:
            return False
    return True


def operation_names() -> frozenset[str]:
    """The name of every operation that there is, as a plan writes it."""
    found = {"update", "delete", "insert", "merge", "do", "call", "select", "set_default", "drop_default"}
    for module in iter_modules(operations.__path__):
        for member in vars(import_module(f"{operations.__name__}.{module.name}")).values():
            name = getattr(member, "name", None)
            if isinstance(member, type) and isinstance(name, str):
                found.add(name)
    return frozenset(found)


def traces(dsn: str) -> list[str]:
    """What of ours is outside our schema: relations, columns, constraints, triggers, functions."""
    query = """
    SELECT 'relation ' || relname FROM pg_class WHERE relname ~ '^!?lockkeeper_'
        AND relnamespace <> 'lockkeeper'::regnamespace
    UNION ALL SELECT 'column ' || attname FROM pg_attribute WHERE attname ~ '^lockkeeper_'
        AND NOT attisdropped
        AND attrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'lockkeeper'::regnamespace)
    UNION ALL SELECT 'constraint ' || conname FROM pg_constraint WHERE conname ~ '^lockkeeper_'
        AND connamespace <> 'lockkeeper'::regnamespace
    UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname ~ '^[!~]?lockkeeper_'
    UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'lockkeeper'::regnamespace
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        return [row[0] for row in connection.execute(query)]


def kept(dsn: str) -> set[str]:
    """Tables of our schema beside the journal's own."""
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'lockkeeper'::regnamespace"
    with psycopg.connect(dsn, autocommit=True) as connection:
        return {row[0] for row in connection.execute(query)} - LASTING
