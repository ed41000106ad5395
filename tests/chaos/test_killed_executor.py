"""Whatever is killed when: the run is finished or undone by another, never twice and never half."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.embedded import TESTS_SETTINGS, Cluster, Server
from bot.embedded.cluster import Address
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration.errors import Blocked
from workorders.migration.executor import Executor
from workorders.migration.journal import TakenOver

SETUP = """
CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, a int, extra int NOT NULL DEFAULT 0);
INSERT INTO t SELECT g, g, g FROM generate_series(1, 120) g;
"""
SQL = """
UPDATE t SET n = n + 1; CREATE INDEX i ON t (a); ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t DROP extra
"""

#: At which printed line the process is killed, counted from 1; there are about 35 lines.
MOMENTS = (1, 2, 3, 5, 9, 14, 16, 17, 18, 19, 20, 21, 22, 23)


@contextmanager
def _worker(dsn: str, sql: str = SQL) -> Iterator[subprocess.Popen[str]]:
    program = [sys.executable, "-m", "tests.chaos.executing", dsn, sql]
    root = Path(__file__).parents[2]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=root, bufsize=1) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _killed_at(dsn: str, lines: int) -> None:
    with _worker(dsn) as process:
        assert process.stdout is not None
        for number, _line in enumerate(process.stdout, start=1):
            if number == lines:
                process.kill()
                break


class _Traffic(threading.Thread):
    """Adds 1000 to one row after another, and remembers how often it did."""

    def __init__(self, dsn: str) -> None:
        super().__init__(daemon=True)
        self._dsn = dsn
        self._leaves = threading.Event()
        self.added = dict.fromkeys(range(1, 121), 0)

    def run(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as app:
            number = 0
            while not self._leaves.is_set():
                number = number % 120 + 1
                app.execute("UPDATE t SET n = n + 1000 WHERE id = %s", (number,))
                self.added[number] += 1

    def stop(self) -> None:
        self._leaves.set()
        self.join()


def _values(dsn: str) -> dict[int, int]:
    with psycopg.connect(dsn) as app:
        return dict(app.execute("SELECT id, n FROM t").fetchall())


def _journal(dsn: str) -> tuple[str, bool]:
    with psycopg.connect(dsn) as app:
        row = app.execute(
            "SELECT r.state, bool_and(j.is_done) FROM lockkeeper.runs r JOIN lockkeeper.journal j USING (run)"
            " GROUP BY 1"
        ).fetchone()
    assert row is not None
    return str(row[0]), bool(row[1])


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.02)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_run_is_finished_by_another_each_batch_once(moment: int, make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, SQL)
    traffic = _Traffic(dsn)
    traffic.start()

    _killed_at(dsn, moment)
    outcome = runs.executed(dsn, plan)
    traffic.stop()

    assert outcome.state == "executed"
    assert _values(dsn) == {number: number + 1 + 1000 * times for number, times in traffic.added.items()}
    assert _journal(dsn) == ("executed", True)


@pytest.mark.parametrize("moment", MOMENTS[1:])
def test_a_killed_run_is_undone_by_another(moment: int, make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn)
    plan = runs.planned(dsn, SQL)

    _killed_at(dsn, moment)
    assert runs.rolled_back(dsn, plan.run).state == "rolled_back"

    assert before.differences(runs.state(dsn)) == []
    assert runs.traces(dsn) == []


def test_a_cut_connection_is_survived(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, SQL)

    class Cutting:
        def __init__(self) -> None:
            self.cuts = self.calls = 0

        def checkpoint(self) -> None:
            self.calls += 1
            if self.calls % 2:  # else nothing would ever be done
                return
            with psycopg.connect(dsn, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                    " WHERE application_name LIKE 'lockkeeper %' AND datname = current_database()"
                )
            self.cuts += 1

    control = Cutting()
    with Executor(dsn, plan.run, runs.LIMITS, control=control) as executor:
        outcome = executor.execute(plan)

    assert outcome.state == "executed"
    assert control.cuts > 10
    assert _values(dsn) == {number: number + 1 for number in range(1, 121)}


def test_a_second_run_is_blocked_by_the_lease(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    first = runs.planned(dsn, SQL)
    second = runs.planned(dsn, "ALTER TABLE t ADD z int")

    with Executor(dsn, first.run, runs.LIMITS):
        with pytest.raises(Blocked, match=first.run):
            runs.executed(dsn, second)

    assert runs.executed(dsn, second).state == "executed"


def test_an_index_build_is_not_harmed_by_whoever_waits_for_the_lease(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    first = runs.planned(dsn, "CREATE INDEX i ON t (a)")
    second = runs.planned(dsn, "ALTER TABLE t ADD z int")
    states: list[str] = []
    with psycopg.connect(dsn) as old:
        old.execute("UPDATE t SET a = a WHERE id = 1")  # the build waits for it
        builder = threading.Thread(target=lambda: states.append(runs.executed(dsn, first).state))
        builder.start()
        with psycopg.connect(dsn, autocommit=True) as watcher:
            building = "SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indrelid = 't'::regclass"
            _until(lambda: watcher.execute(building).fetchone() == (1,))
        waiter_ended: list[Blocked] = []

        def wait() -> None:
            try:
                runs.executed(dsn, second)
            except Blocked as blocked:
                waiter_ended.append(blocked)

        waiter = threading.Thread(target=wait)
        waiter.start()
        with psycopg.connect(dsn, autocommit=True) as watcher:
            polling = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
            name = f"lockkeeper {second.run}"
            _until(lambda: watcher.execute(polling, (name,)).fetchone() == (1,))
        old.rollback()
        builder.join()
        waiter.join()

    assert states == ["executed"]


def test_a_worker_that_slept_through_a_takeover_does_nothing(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    before = runs.state(dsn)
    plan = runs.planned(dsn, SQL)

    with _worker(dsn) as process:
        assert process.stdout is not None
        for number, _line in enumerate(process.stdout, start=1):
            if number == 7:
                process.send_signal(signal.SIGSTOP)
                break
        runs.rolled_back(dsn, plan.run)
        after = runs.state(dsn)
        process.send_signal(signal.SIGCONT)
        said = process.stdout.read()

    assert process.returncode == 3
    assert "error TakenOver" in said
    assert before.differences(after) == []
    assert before.differences(runs.state(dsn)) == []
    assert _journal(dsn)[0] == "rolled_back"


def test_a_worker_whose_lease_was_taken_leaves_the_runs_state_alone(make_target: MakeTarget) -> None:
    dsn = make_target(SETUP)
    plan = runs.planned(dsn, SQL)

    class TakingOver:
        def __init__(self) -> None:
            self.left = 5

        def checkpoint(self) -> None:
            self.left -= 1
            if self.left == 0:
                with psycopg.connect(dsn, autocommit=True) as other:
                    other.execute("UPDATE lockkeeper.lease SET token = token + 1, run = 'another'")
                    other.execute("UPDATE lockkeeper.runs SET state = 'rolled_back'")

    with Executor(dsn, plan.run, runs.LIMITS, control=TakingOver()) as executor:
        with pytest.raises(TakenOver):
            executor.execute(plan)

    assert _journal(dsn)[0] == "rolled_back"


@pytest.mark.timeout(170)
def test_a_killed_server_loses_nothing_that_was_journalled(tmp_path: Path) -> None:
    settings = {**TESTS_SETTINGS, "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
    with Server(Cluster(home=tmp_path, name="own", settings=settings)) as server:
        dsn = server.create_database("target")
        with psycopg.connect(dsn, autocommit=True) as app:
            app.execute(SETUP.encode())
        plan = runs.planned(dsn, SQL)

        with _worker(dsn) as process:
            assert process.stdout is not None
            for number, _line in enumerate(process.stdout, start=1):
                if number == 6:
                    address = Address.read(server.cluster.address)
                    assert address is not None
                    os.kill(address.postmaster_pid, signal.SIGKILL)
                    break
            process.stdout.read()
            process.wait()

        fresh = server.dsn("target")
        assert urlsplit(fresh).path == urlsplit(dsn).path
        _until(lambda: _answers(server))
        assert runs.executed(server.dsn("target"), plan).state == "executed"
        assert _values(server.dsn("target")) == {number: number + 1 for number in range(1, 121)}
        assert _journal(server.dsn("target")) == ("executed", True)


def _answers(server: Server) -> bool:
    try:
        psycopg.connect(server.dsn("target")).close()
    except psycopg.OperationalError:
        return False
    return True
