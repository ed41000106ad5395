"""While others wait for what a step has locked, its statements end within the stall budget."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import sessions
from workorders.migration.connections import Target
from workorders.migration.errors import Blocked, Failed
from workorders.migration.executor import Executor
from workorders.migration.limits import Limits
from workorders.migration.locks import Lock, LockMode
from workorders.migration.lockwait import LockWait
from workorders.migration.names import RelationName
from workorders.migration.settle import Decision
from workorders.migration.steps import Action

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT g, g FROM generate_series(1, 60) g;
CREATE FUNCTION slowly(int, float8) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep($2); RETURN $1 + 1; END$$;
"""
LIMITS = Limits(stall_budget_ms=100, batch_rows=60)


class _Settings:
    """Notes how each action's transaction would be committed."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def before(self, target: Target, action: Action) -> None:
        row = target.execute("SHOW synchronous_commit").fetchone()
        assert row is not None
        self.found.append(f"{action.strongest.sql if action.strongest else 'rows'}: {row[0]}")

    def after(self, target: Target, action: Action) -> None:
        pass


def _batches(dsn: str, run: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT max(batches) FROM lockkeeper.journal WHERE run = %s", (run,)
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_a_batch_that_would_hold_its_rows_for_longer_is_cut_into_smaller_ones(
    make_target: MakeTarget,
) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, "UPDATE t SET a = slowly(a, 0.01)")

    outcome = runs.executed(dsn, plan, LIMITS)

    # Each row takes 10 ms, so no batch of more than 10 rows can have ended within 100 ms.
    assert _batches(dsn, plan.run) >= 6
    assert outcome.failed_lock_tries > 0
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM t WHERE a = id + 1").fetchone() == (60,)


def test_a_single_row_is_waited_for_however_long_it_takes(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, "UPDATE t SET a = slowly(a, 0.15) WHERE id = 30")

    runs.executed(dsn, plan, LIMITS)

    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT id FROM t WHERE a = id + 1").fetchall() == [(30,)]


def test_a_batch_that_somebody_cancels_is_not_taken_for_a_slow_one(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION cancelled(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
            " $$BEGIN RAISE query_canceled; END$$"
        )
    plan = runs.planned(dsn, "UPDATE t SET a = cancelled(a)")

    with pytest.raises(Failed, match="57014"):
        runs.executed(dsn, plan, Limits(stall_budget_ms=60_000, max_wait_seconds=5.0))


def test_all_statements_under_one_lock_share_the_budget(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    lock = Lock(relation=RelationName(schema="public", name="t"), mode=LockMode.ACCESS_EXCLUSIVE)
    begun: list[int] = []

    with closing(sessions.connect(dsn)) as target:
        wait = LockWait(target, Limits(stall_budget_ms=100, max_wait_seconds=0.5))

        def body() -> None:
            begun.append(0)
            for _ in range(6):
                wait.arm()
                begun[-1] += 1
                target.execute("SELECT pg_sleep(0.03)")

        with pytest.raises(Blocked):
            wait.run(Action(title="six of 30 ms", locks=(lock,)), body, lambda: None)

    # 70 ms are left of the budget: in the third the time is over.
    assert begun and max(begun) <= 3


def test_nobody_waits_for_the_disk_behind_our_locks(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    script = "ALTER TABLE t ADD CHECK (a > 0); UPDATE t SET a = a + 1"
    plan = runs.planned(dsn, script)
    forth, back = _Settings(), _Settings()

    with Executor(dsn, plan.run, LIMITS, observer=forth) as executor:
        executor.execute(plan)
    with Executor(dsn, plan.run, LIMITS, observer=back) as executor:
        executor.roll_back(Decision())

    assert forth.found == [
        "ACCESS EXCLUSIVE: off",
        "SHARE UPDATE EXCLUSIVE: on",
        "SHARE ROW EXCLUSIVE: off",
        "rows: off",
        "ACCESS EXCLUSIVE: off",
    ]
    # Working out what to restore locks nothing of the application's; restoring does.
    assert back.found == ["rows: on", "rows: off", "ACCESS EXCLUSIVE: off"]
