"""A plan's declared locks are those that its statements take, no more and no less."""

from __future__ import annotations

import pytest
from psycopg import sql

from tests.laws import runs
from tests.laws.cases import CASES, SETUP, Case
from tests.laws.test_operations import planned
from tests.plugins.bench import MakeTarget
from workorders.migration import journal, sessions
from workorders.migration.connections import Target
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName
from workorders.migration.steps import Action

_HELD = """
SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'
-- A concurrent refresh takes it: it stops other refreshes only.
AND NOT (mode = 'ExclusiveLock' AND relation IN (SELECT oid FROM pg_class WHERE relkind = 'm'))
"""
_ORDER = list(LockMode)
_TABLES = """
SELECT c.oid, n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'lockkeeper', 'information_schema')
"""


def _strongest(pairs: list[tuple[RelationName, LockMode]]) -> dict[RelationName, LockMode]:
    found: dict[RelationName, LockMode] = {}
    for name, mode in pairs:
        if mode is LockMode.SHARE_UPDATE_EXCLUSIVE or mode.stops_writes:
            found[name] = max(mode, found.get(name, mode), key=_ORDER.index)
    return found


def _statements(target: Target, action: Action) -> tuple[str, ...]:
    """An action's statements; of batches, one that takes all rows."""
    if action.batches is None:
        return action.sql
    low = target.execute(sql.SQL(action.batches.first)).fetchone()
    for place, value in enumerate(low or (), start=1):
        target.execute("SELECT set_config(%s, %s, false)", (f"lockkeeper.low_{place}", value))
    return action.batches.rest if low else ()


def _observed(target: Target, action: Action) -> dict[RelationName, LockMode]:
    """What the statements lock when nobody has locked anything for them."""
    there = {row[0]: RelationName(schema=row[1], name=row[2]) for row in target.execute(_TABLES)}
    statements = _statements(target, action)
    with target.transaction():
        if action.as_replica:
            target.execute("SET LOCAL session_replication_role = replica")
        target.execute("SELECT set_config('lockkeeper.capture', %s, true)", (action.capture,))
        for statement in statements:
            target.execute(sql.SQL(statement))
        held = [(row[0], LockMode(row[1])) for row in target.execute(_HELD)]
    return _strongest([(there[oid], mode) for oid, mode in held if oid in there])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_declared_locks_are_those_that_are_taken(case: Case, make_target: MakeTarget) -> None:
    dsn = make_target(case.setup)
    plan = planned(dsn, case)
    target = sessions.connect(dsn)
    journal.install(target)
    wrong = []

    actions = [step.action for step in plan.steps]
    actions += [action for step in reversed(plan.steps) for action in step.undo]
    for action in actions:
        row = target.execute(sql.SQL(action.done)).fetchone()
        if action.settles is not None or (row and row[0]):
            continue  # nothing to do here, as the executor would find
        if not action.is_transactional:
            for statement in action.sql:
                target.execute(sql.SQL(statement))
            continue
        declared = _strongest([(lock.relation, lock.mode) for lock in action.locks])
        observed = _observed(target, action)
        if declared != observed:
            wrong.append(f"{action.title}: declares {declared}, takes {observed}")
    target.close()

    assert wrong == []
    assert runs.traces(dsn) == []


def test_a_stronger_lock_than_declared_would_be_seen(make_target: MakeTarget) -> None:
    target = sessions.connect(make_target(SETUP))
    try:
        action = Action(title="careless", sql=("ALTER TABLE t ADD z int; LOCK TABLE parent IN SHARE MODE",))
        observed = {str(name): mode for name, mode in _observed(target, action).items()}
    finally:
        target.close()

    assert observed == {"public.t": LockMode.ACCESS_EXCLUSIVE, "public.parent": LockMode.SHARE}
