"""Every operation, forth and back and for good, while an application reads and writes the same tables."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from benchmarks import bank
from benchmarks.bank import Checksums
from benchmarks.operations import OPERATIONS, Operation
from benchmarks.traffic import Pgbench, Probe
from tests.laws import runs
from tests.processes import wait_until
from workorders.migration import sessions
from workorders.migration.catalog import diff, fingerprint, order
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.executor import Executor
from workorders.migration.limits import Limits
from workorders.migration.plan import Plan
from workorders.migration.settle import Decision
from workorders.migration.steps import MovedColumn

#: As in production, but for how long a busy machine is waited for.
_LIMITS = Limits(max_wait_seconds=60.0)

#: Columns that an operation may have left with values of their own.
_LOOSE = frozenset(column for operation in OPERATIONS for column in operation.loose)


@dataclass(frozen=True, kw_only=True)
class _State:
    """What the traffic does not change."""

    schema: Fingerprint
    values: Checksums

    def differences(self, other: _State, when: str, loose: frozenset[str] = frozenset()) -> list[str]:
        schema = [str(difference) for difference in diff.compare(self.schema, other.schema)]
        return [f"{when}: {each}" for each in [*schema, *self.values.differences(other.values, loose)]]


@pytest.mark.timeout(420)  # every operation, each forth, back and for good
def test_an_application_notices_nothing_and_loses_nothing(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    dsn, twin = make_database(), make_database()
    for each in (dsn, twin):
        bank.fill(each, scale=1)
    faults: list[str] = []
    moved: tuple[MovedColumn, ...] = ()
    met: set[str] = set()
    before = _state(dsn)

    with (
        Pgbench(dsn, tmp_path, clients=4, rate=100, protocol="prepared") as pgbench,
        Probe.asking(dsn) as probe,
    ):
        for operation in OPERATIONS:
            _migrate_forth_and_back(operation, dsn)
            faults += before.differences(_state(dsn), f"{operation.name}, rolled back")
            faults += bank.books(dsn).faults()

            plan = _migrate_for_good(operation, dsn)
            moved += plan.moved
            met |= {name for each in plan.statements for name in each.operations}
            _send(twin, operation.sql)
            before = _state(dsn)
            wanted = _state(twin, moved)
            faults += wanted.differences(before, f"{operation.name}, purged", _LOOSE)
        assert pgbench.is_running
        traffic = pgbench.end()

    books = bank.books(dsn)
    assert faults + traffic.faults() + probe.faults() + books.faults() == []
    assert (books.transactions, books.notes) == (traffic.count(0), traffic.count(1))
    assert traffic.count(0) > 0
    assert traffic.count(1) > 0
    assert runs.traces(dsn) == []
    assert runs.kept(dsn) == set()
    assert runs.operation_names() - met == set()


def _migrate_forth_and_back(operation: Operation, dsn: str) -> None:
    plan = runs.planned(dsn, operation.sql, operation.also_written)
    with Executor(dsn, plan.run, _LIMITS) as executor:
        executor.execute(plan)
    if operation.between:
        _send(dsn, operation.between)
    before = _history(dsn)
    wait_until(lambda: _history(dsn) > before)
    with Executor(dsn, plan.run, _LIMITS) as executor:
        executor.roll_back(Decision())
        executor.finish(purge=True)


def _migrate_for_good(operation: Operation, dsn: str) -> Plan:
    plan = runs.planned(dsn, operation.sql, operation.also_written)
    with Executor(dsn, plan.run, _LIMITS) as executor:
        executor.execute(plan)
        executor.finish(purge=True)
    return plan


def _state(dsn: str, moved: tuple[MovedColumn, ...] = ()) -> _State:
    with closing(sessions.connect(dsn)) as target:
        schema = fingerprint.read(target)
    for move in moved:
        schema = order.with_column_behind(schema, move.table, move.column, move.behind)
    return _State(schema=schema, values=bank.checksums(dsn))


def _history(dsn: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as application:
        row = application.execute("SELECT count(*) FROM pgbench_history").fetchone()
    assert row is not None
    return int(row[0])


def _send(dsn: str, sql: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as application:
        application.execute(sql.encode())
