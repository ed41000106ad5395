"""A run that somebody stops or slows down, and the sessions that are in its way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from bot.embedded import Server
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from tests.processes import wait_until
from workorders.migration import blockers, sessions
from workorders.migration.errors import Blocked, Refused
from workorders.migration.executor import Executor
from workorders.migration.limits import Limits
from workorders.migration.monitor import Monitor
from workorders.migration.onlookers import Stopped
from workorders.migration.plan import Plan

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL);
INSERT INTO t SELECT g, 0 FROM generate_series(1, 100) g;
CREATE TABLE other (id int PRIMARY KEY);
"""
UPDATE = "UPDATE t SET a = a + 1"
ALTER = "ALTER TABLE t ADD COLUMN z int"
LIMITS = Limits(max_wait_seconds=60.0, batch_rows=10, batch_is_fixed=True, batch_pause=0.0)


class Steered:
    """A control that is told from outside; `heard` counts the checkpoints."""

    def __init__(self) -> None:
        self.is_stopped = threading.Event()
        self.heard = 0

    def checkpoint(self) -> None:
        self.heard += 1
        if self.is_stopped.is_set():
            raise Stopped("It was told to stop.", "It can go on.")


class StopAt(Steered):
    """Stops at one checkpoint."""

    def __init__(self, checkpoint: int) -> None:
        super().__init__()
        self._checkpoint = checkpoint

    def checkpoint(self) -> None:
        if self.heard + 1 == self._checkpoint:
            self.is_stopped.set()
        super().checkpoint()


@contextmanager
def running(dsn: str, plan: Plan, control: Steered, limits: Limits = LIMITS) -> Iterator[list[object]]:
    """The plan under way in a thread; what it ended in is in the list once the block is left."""
    ended: list[object] = []

    def run() -> None:
        try:
            with (
                Monitor(dsn, plan.run, stall_budget_ms=100, is_given_up=control.is_stopped.is_set),
                Executor(dsn, plan.run, limits, control=control) as executor,
            ):
                ended.append(executor.execute(plan).state)
        except (Stopped, Blocked) as error:
            ended.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ended
    finally:
        thread.join()


@contextmanager
def holding(dsn: str, statement: str, name: str = "nightly report") -> Iterator[psycopg.Connection]:
    """A transaction that has done this and is left open, for longer than the stall budget."""
    with psycopg.connect(dsn, application_name=name) as connection:
        connection.execute(statement.encode())
        wait_until(lambda: asked(dsn, AGE, connection.info.backend_pid) == [(True,)])
        yield connection
        if not connection.closed:
            connection.rollback()


AGE = "SELECT clock_timestamp() - xact_start > interval '300 ms' FROM pg_stat_activity WHERE pid = %s"


def asked(dsn: str, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query.encode(), values).fetchall()


def journal(dsn: str) -> list[tuple[object, ...]]:
    return asked(
        dsn,
        "SELECT r.state, j.batches, j.is_done FROM lockkeeper.runs r JOIN lockkeeper.journal j USING (run)"
        " WHERE j.batches > 0",
    )


def blocking(dsn: str, plan: Plan) -> list[int]:
    with closing(sessions.connect(dsn)) as target:
        return [each.pid for each in blockers.blockers(target, plan.run, LIMITS)]


def test_a_run_stopped_between_two_batches_goes_on_from_its_cursor_and_does_none_twice(
    make_target: MakeTarget,
) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, UPDATE)

    # One checkpoint before each of the two steps, and one before each batch of the second.
    with Executor(dsn, plan.run, LIMITS, control=StopAt(6)) as executor, pytest.raises(Stopped):
        executor.execute(plan)

    assert journal(dsn) == [("executing", 3, False)]
    assert asked(dsn, "SELECT count(*) FROM t WHERE a = 1") == [(30,)]
    assert asked(dsn, "SELECT run FROM lockkeeper.lease") == [(None,)]
    assert runs.executed(dsn, plan, LIMITS).state == "executed"
    assert journal(dsn) == [("executed", 10, True)]
    assert asked(dsn, "SELECT DISTINCT a FROM t") == [(1,)]


def test_a_stopped_run_is_undone_with_what_was_written_meanwhile(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, UPDATE)
    with Executor(dsn, plan.run, LIMITS, control=StopAt(5)) as executor, pytest.raises(Stopped):
        executor.execute(plan)
    with psycopg.connect(dsn) as app:
        app.execute(
            "UPDATE t SET a = 7 WHERE id = 3; DELETE FROM t WHERE id = 4; INSERT INTO t VALUES (200, 9)"
        )

    assert runs.rolled_back(dsn, plan.run).state == "rolled_back"

    assert asked(dsn, "SELECT id, a FROM t WHERE a <> 0 ORDER BY id") == [(3, 7), (200, 9)]
    assert asked(dsn, "SELECT count(*) FROM t") == [(100,)]


def test_a_run_that_waits_for_a_long_transaction_is_stopped_there(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, ALTER)
    control = Steered()

    with holding(dsn, "SELECT count(*) FROM t"):
        with running(dsn, plan, control) as ended:
            wait_until(lambda: control.heard > 3)
            control.is_stopped.set()

    assert ended == [Stopped]
    assert asked(dsn, "SELECT state, problem FROM lockkeeper.runs") == [("executing", "")]
    assert runs.executed(dsn, plan).state == "executed"


def test_a_run_whose_tries_for_a_lock_fail_is_stopped_between_them(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, ALTER)
    control = Steered()

    # It conflicts with what comes first, and is waited for by queueing.
    with holding(dsn, "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE"):
        # So long that not the age of the other's transaction decides, but the failed try.
        with running(dsn, plan, control, replace(LIMITS, stall_budget_ms=600_000)) as ended:
            wait_until(lambda: control.heard > 2)
            control.is_stopped.set()

    assert ended == [Stopped]
    assert runs.executed(dsn, plan).state == "executed"


def test_an_index_build_that_is_given_up_is_cancelled_and_swept(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, "CREATE INDEX i ON t (a)")
    control = Steered()
    building = "SELECT phase FROM pg_stat_progress_create_index WHERE relid = 't'::regclass"

    with holding(dsn, "UPDATE t SET a = a WHERE id = 1") as old:  # the build waits for it
        with running(dsn, plan, control) as ended:
            wait_until(lambda: asked(dsn, building))
            assert blocking(dsn, plan) == [old.info.backend_pid]
            control.is_stopped.set()
            wait_until(lambda: not asked(dsn, building))
            old.rollback()  # for the sweep

    assert ended == [Stopped]
    assert asked(dsn, "SELECT to_regclass('i')") == [(None,)]
    assert asked(dsn, "SELECT count(*) FROM lockkeeper.journal") == [(0,)]
    assert runs.rolled_back(dsn, plan.run).state == "rolled_back"


def test_the_speed_is_asked_for_each_batch(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, UPDATE)
    counts: list[int] = []

    def speed() -> float:
        counts.append(len(asked(dsn, "SELECT FROM t WHERE a = 1")))
        return 4.0

    with Executor(dsn, plan.run, LIMITS, speed=speed) as executor:
        executor.execute(plan)

    assert sorted(set(counts)) == list(range(10, 101, 10))


def test_who_holds_what_the_next_step_wants_is_in_its_way_and_nobody_else(
    make_target: MakeTarget, postgres_server: Server
) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, ALTER)
    control = Steered()

    with (
        holding(dsn, "SELECT count(*) FROM t") as blocker,
        holding(dsn, "SELECT count(*) FROM other", "bystander") as bystander,
        running(dsn, plan, control) as ended,
    ):
        pid = blocker.info.backend_pid
        wait_until(lambda: control.heard > 1)
        with closing(sessions.connect(dsn)) as target:
            (found,) = blockers.blockers(target, plan.run, LIMITS)
            assert (found.pid, found.name, found.state) == (pid, "nightly report", "idle in transaction")
            assert (found.seconds or 0) > 0.3

            # The same number, another session.
            assert found.began_at is not None
            earlier = found.began_at - timedelta(seconds=1)
            assert not blockers.end(target, replace(found, began_at=earlier))
            assert asked(dsn, "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) == [(1,)]

            assert blockers.end(target, found)
            wait_until(lambda: asked(dsn, "SELECT FROM pg_stat_activity WHERE pid = %s", pid) == [])
            assert not blockers.end(target, found)
        with pytest.raises(psycopg.OperationalError):
            blocker.execute("SELECT 1")
        blocker.close()
        bystander.execute("SELECT 1")

    assert ended == ["executed"]


def test_who_holds_a_row_of_the_batch_is_in_its_way(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, UPDATE)

    with holding(dsn, "SELECT FROM t WHERE id = 55 FOR UPDATE") as holder:
        with running(dsn, plan, Steered()) as ended:
            wait_until(lambda: asked(dsn, "SELECT FROM t WHERE a = 1"))
            # Between two tries it waits for nobody.
            wait_until(lambda: blocking(dsn, plan) == [holder.info.backend_pid])
            holder.rollback()

    assert ended == ["executed"]


def test_where_no_session_of_the_run_is_there_nobody_is_in_its_way(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, ALTER)

    with holding(dsn, "SELECT count(*) FROM t"), pytest.raises(Blocked, match="not known who"):
        blocking(dsn, plan)


def test_a_session_that_the_role_may_not_end_stays(make_target: MakeTarget, postgres_server: Server) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, ALTER)
    superuser = postgres_server.dsn(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])  # type: ignore[arg-type]  # a str
    control = Steered()

    with holding(superuser, "SELECT count(*) FROM t") as blocker, running(dsn, plan, control) as ended:
        wait_until(lambda: control.heard > 1)
        with closing(sessions.connect(dsn)) as target:
            (found,) = blockers.blockers(target, plan.run, LIMITS)
            with pytest.raises(Refused, match="may not end the sessions"):
                blockers.end(target, found)
        blocker.execute("SELECT 1")
        blocker.rollback()

    assert ended == ["executed"]
