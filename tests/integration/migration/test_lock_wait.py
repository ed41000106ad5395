"""Waiting for a lock without anybody waiting for us, and giving up with a name."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors

from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration.errors import Blocked, Failed
from workorders.migration.executor import Executor
from workorders.migration.limits import Limits

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT g, g % 50 FROM generate_series(1, 100) g;
"""
ALTER = "ALTER TABLE t ADD COLUMN z int"

#: Short, so that giving up is soon; the budget is what a probe may be held up for.
LIMITS = Limits(stall_budget_ms=100, max_wait_seconds=2.0)
PATIENT = Limits(stall_budget_ms=100, max_wait_seconds=60.0, batch_rows=10, batch_is_fixed=True)

_QUEUED = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE NOT l.granted AND l.locktype = 'relation' AND a.application_name LIKE 'lockkeeper %%'
-- Behind it no reader or writer waits: an autovacuum is made to yield by it.
AND l.mode <> 'ShareUpdateExclusiveLock'
"""


def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.01)


class _Probe(threading.Thread):
    """An application that reads and writes the table all the time, with a limit of patience."""

    def __init__(self, dsn: str) -> None:
        super().__init__(daemon=True)
        self._dsn = dsn
        self._leaves = threading.Event()
        self.done = 0
        self.held_up = 0

    def run(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as app:
            # Generous against the budget of 100 ms: a busy machine must not decide.
            app.execute("SET lock_timeout = '1500ms'")
            while not self._leaves.is_set():
                try:
                    app.execute("SELECT count(*) FROM t")
                    app.execute("UPDATE t SET a = a WHERE id = 1 + (random() * 90)::int")
                    self.done += 1
                except errors.LockNotAvailable:
                    self.held_up += 1

    def stop(self) -> None:
        self._leaves.set()
        self.join()


@contextmanager
def _probing(dsn: str) -> Iterator[_Probe]:
    probe = _Probe(dsn)
    probe.start()
    try:
        yield probe
    finally:
        probe.stop()


@contextmanager
def _idle_reader(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, application_name="nightly report") as reader:
        reader.execute("SELECT count(*) FROM t")
        _until(lambda: _age(dsn, reader.info.backend_pid) > 0.3)
        yield reader
        reader.rollback()


def _age(dsn: str, pid: int) -> float:
    with psycopg.connect(dsn) as watcher:
        row = watcher.execute(
            "SELECT extract(epoch FROM clock_timestamp() - xact_start)::float8 FROM pg_stat_activity"
            " WHERE pid = %s",
            (pid,),
        ).fetchone()
    return float(row[0]) if row and row[0] is not None else 0.0


def test_behind_a_long_transaction_it_gives_up_without_ever_queueing(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, ALTER)
    queued = 0
    failure: list[Blocked] = []

    def execute() -> None:
        try:
            runs.executed(dsn, plan, LIMITS)
        except Blocked as blocked:
            failure.append(blocked)

    with (
        _idle_reader(dsn) as reader,
        _probing(dsn) as probe,
        psycopg.connect(dsn, autocommit=True) as watcher,
    ):
        worker = threading.Thread(target=execute)
        worker.start()
        while worker.is_alive():
            row = watcher.execute(_QUEUED).fetchone()
            queued += row[0] if row else 0
            time.sleep(0.005)
        worker.join()
        pid = reader.info.backend_pid
        _until(lambda: probe.done > 0)

    assert queued == 0
    assert probe.held_up == 0
    (blocked,) = failure
    assert f"process {pid} (nightly report, idle in transaction" in blocked.reason
    assert "public.t" in blocked.reason
    assert runs.rolled_back(dsn, plan.run).state == "rolled_back"


def test_when_the_long_transaction_ends_the_plan_goes_on(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, ALTER)
    states: list[str] = []

    with _probing(dsn) as probe:
        with _idle_reader(dsn):
            worker = threading.Thread(target=lambda: states.append(runs.executed(dsn, plan, PATIENT).state))
            worker.start()
            _until(lambda: probe.done > 20)
            assert states == []
        worker.join()

    assert states == ["executed"]
    assert probe.held_up == 0


def test_a_prepared_transaction_is_named(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, ALTER)
    gid = f"forgotten {plan.run}"
    with psycopg.connect(dsn) as app:
        app.execute("UPDATE t SET a = 1 WHERE id = 1")
        app.execute("PREPARE TRANSACTION '" + gid + "'")
        app.rollback()

    try:
        with pytest.raises(Blocked, match=gid):
            runs.executed(dsn, plan, LIMITS)
    finally:
        with psycopg.connect(dsn, autocommit=True) as app:
            app.execute("ROLLBACK PREPARED '" + gid + "'")

    assert runs.executed(dsn, plan, PATIENT).state == "executed"


def test_a_batch_that_meets_a_locked_row_holds_no_other_row_for_long(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, "UPDATE t SET a = a + 1000")
    states: list[str] = []

    with psycopg.connect(dsn) as holder:
        holder.execute("SELECT FROM t WHERE id = 55 FOR UPDATE")
        worker = threading.Thread(target=lambda: states.append(runs.executed(dsn, plan, PATIENT).state))
        worker.start()
        with psycopg.connect(dsn, autocommit=True) as app:
            _until(lambda: app.execute("SELECT a > 999 FROM t WHERE id = 50").fetchone() == (True,))
            app.execute("SET lock_timeout = '1500ms'")
            for _ in range(5):  # rows of the batch that cannot go on
                app.execute("UPDATE t SET a = a WHERE id IN (52, 54)")
        assert states == []
        holder.rollback()
    worker.join()

    assert states == ["executed"]
    with psycopg.connect(dsn) as app:
        assert app.execute("SELECT count(*) FROM t WHERE a = id % 50 + 1000").fetchone() == (100,)


def test_a_batch_behind_a_row_that_is_never_let_go_is_blocked(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, "UPDATE t SET a = a + 1000")
    with psycopg.connect(dsn) as holder:
        holder.execute("SELECT FROM t WHERE id = 55 FOR UPDATE")

        with pytest.raises(Blocked, match="a row was locked by others"):
            runs.executed(dsn, plan, LIMITS)

        holder.rollback()
    assert runs.executed(dsn, plan, PATIENT).state == "executed"


def _index(dsn: str) -> list[tuple[str, bool]]:
    with psycopg.connect(dsn) as app:
        return app.execute(
            "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 't'::regclass"
            " AND NOT indisprimary"
        ).fetchall()


def test_a_unique_violation_leaves_no_index(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, "CREATE UNIQUE INDEX u ON t (a)")

    with pytest.raises(Failed) as failed:
        runs.executed(dsn, plan)

    assert failed.value.sqlstate == "23505"
    assert _index(dsn) == []
    with psycopg.connect(dsn, autocommit=True) as app:
        app.execute("UPDATE t SET a = id")
    assert runs.executed(dsn, plan).state == "executed"
    assert _index(dsn) == [("u", True)]


def test_the_remains_of_a_failed_build_are_swept(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, "CREATE INDEX i ON t (a)")
    with Executor(dsn, plan.run, PATIENT) as first, psycopg.connect(dsn) as old:
        old.execute("UPDATE t SET a = a WHERE id = 1")  # the build waits for it
        ended: list[BaseException] = []

        def build() -> None:
            try:
                first.execute(plan)
            except (Failed, Blocked) as error:
                ended.append(error)

        worker = threading.Thread(target=build)
        worker.start()
        with psycopg.connect(dsn, autocommit=True) as watcher:
            _until(lambda: _index(dsn) == [("i", False)])
            watcher.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%'"
                " AND datname = current_database() AND pid <> pg_backend_pid()"
            )
            old.rollback()
            worker.join()
        assert [type(error) for error in ended] == [Failed]
    assert _index(dsn) == []
    assert runs.executed(dsn, plan).state == "executed"
    assert _index(dsn) == [("i", True)]


def test_an_index_that_somebody_else_made_meanwhile_is_left_alone(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, "CREATE INDEX i ON t (a)")
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute("CREATE INDEX i ON t (id, a)")

    with pytest.raises(Failed) as failed:
        runs.executed(dsn, plan)

    assert failed.value.sqlstate == "42P07"
    assert runs.rolled_back(dsn, plan.run).state == "rolled_back"
    assert _index(dsn) == [("i", True)]
