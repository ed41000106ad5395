"""What holds of every operation: forth, back, from every stopping point, with any name."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from zlib import crc32

import psycopg
import pytest

from bot.embedded import binaries
from tests.laws import runs
from tests.laws.cases import CASES, Case
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.stored_steps import from_json, to_json

ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def planned(dsn: str, case: Case) -> Plan:
    """The plan, knowing what the triggers write."""
    written = tuple(RelationName(schema="public", name=name) for name in case.also_written)
    target = sessions.connect(dsn)
    try:
        return engine.prepare(target, case.sql, also_written={0: written}, binaries=binaries()).plan
    finally:
        target.close()


def loose(case: Case) -> frozenset[tuple[RelationName, str]]:
    pairs = (column.split(".") for column in case.loose)
    return frozenset((RelationName(schema="public", name=table), column) for table, column in pairs)


def is_walked(case: Case) -> bool:
    """Whether it is stopped on its way: every other case is, all of them with LOCKKEEPER_ALL_STOPS."""
    return bool(os.environ.get("LOCKKEEPER_ALL_STOPS")) or CASES.index(case) % 2 == 0


def halts(case: Case, stops: int) -> Sequence[int]:
    """From which stopping points the way back is tried: one of a case, or all with LOCKKEEPER_ALL_STOPS.

    Another one for each case, so that together they meet them all.
    """
    if os.environ.get("LOCKKEEPER_ALL_STOPS"):
        return range(stops)
    return [crc32(case.name.encode()) % stops] if stops else []


@ALL
def test_every_stopping_point_is_finished_and_undone_and_all_of_it_is_the_plain_sql(
    case: Case, make_target: MakeTarget
) -> None:
    plain, target = make_target(case.setup), make_target(case.setup)
    before = runs.state(target)
    plan = planned(target, case)
    assert tuple(from_json(json.loads(json.dumps(to_json(step)))) for step in plan.steps) == plan.steps

    # Each executor comes a little further than the one before it.
    stops = 0
    while is_walked(case) and not runs.executed_until(target, plan, stops):
        stops += 1
    if not is_walked(case):
        runs.executed(target, plan)
    assert runs.executed(target, plan).timings == ()  # a second execute does nothing
    points = 0
    while is_walked(case) and not runs.rolled_back_until(target, plan.run, points):
        points += 1
    if not is_walked(case):
        runs.rolled_back(target, plan.run)
    assert runs.rolled_back(target, plan.run).timings == ()  # a second rollback does nothing
    assert before.differences(runs.state(target)) == []
    assert runs.traces(target) == []
    runs.purged(target, plan.run)

    # From a stopping point on the way forth, back; then the plan again.
    for halt in halts(case, stops):
        plan = planned(target, case)
        assert not runs.executed_until(target, plan, halt)
        outcome = runs.rolled_back(target, plan.run)
        assert (outcome.state, outcome.left) == ("rolled_back", ())
        assert before.differences(runs.state(target)) == []
        assert runs.traces(target) == []
        runs.purged(target, plan.run)
    plan = planned(target, case)
    assert runs.executed(target, plan).state == "executed"

    # Purged, it is what the plain SQL leaves, and nothing of ours is left.
    runs.purged(target, plan.run)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(case.sql.encode())
    assert runs.moved(runs.state(plain), plan).differences(runs.state(target), loose(case)) == []
    assert runs.traces(target) == []
    assert runs.kept(target) == set()
