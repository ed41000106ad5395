from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest

from bot.errors import Blocked
from bot.perform import Decided, settle
from bot.services import Services
from bot.settings import Settings
from bot.worker import Worker
from tests.integration.bot.opening import Conducts, kinds, opened, read, state
from tests.integration.bot.waiting import until
from workorders.intents import Move
from workorders.lifecycle import Event
from workorders.order import State

ROOT = Path(__file__).parents[3]


@contextmanager
def working(services: Services) -> Iterator[Worker]:
    """A worker in a thread of this process."""
    worker = Worker(services)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()


@pytest.fixture
def start_process(settings: Settings) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """`start_process(mode)`: a worker process; killed at the test's end if it still runs."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LOCKKEEPER_HOME": str(settings.home),
        "DATABASE_URL": str(settings.database_url),
        "LOCKKEEPER_LOG": "json",
        # Nothing listens there: what is to be sent waits, and stands in nobody's way.
        "LOCKKEEPER_GITHUB_API_URL": "http://127.0.0.1:9",
        **{
            f"LOCKKEEPER_PACE_{each.name.upper()}": str(getattr(settings.pace, each.name))
            for each in fields(settings.pace)
        },
    }
    processes: list[subprocess.Popen[bytes]] = []

    def start(mode: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.bot.worker_process", mode], env=environment, cwd=ROOT
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def marks(services: Services, what: str) -> list[int]:
    """Who marked it, by process id."""
    with services.pool.transaction() as ours:
        found = ours.execute("SELECT pid FROM marks WHERE what = %s ORDER BY id", [what]).fetchall()
    return [each[0] for each in found]


@pytest.fixture
def marking(services: Services) -> None:
    with services.pool.transaction() as ours:
        ours.execute("CREATE TABLE marks (id bigserial, pid int, what text)")


def test_the_job_of_a_killed_worker_is_done_once_by_another(
    services: Services, marking: None, start_process: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    order_id = opened(services)
    first = start_process("hangs")
    until(lambda: marks(services, "begun") == [first.pid])

    second = start_process("works")
    first.kill()

    until(lambda: state(services, order_id) is State.PREPARING)
    until(lambda: marks(services, "ended"))
    assert marks(services, "begun") == [first.pid, second.pid]
    assert marks(services, "ended") == [second.pid]
    assert kinds(services, order_id) == ["opened", "analysed"]


def test_a_worker_ends_what_it_has_in_hand_when_it_is_told_to_end(
    services: Services, marking: None, start_process: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    order_id = opened(services)
    process = start_process("works")
    until(lambda: marks(services, "begun"))

    process.send_signal(signal.SIGTERM)

    assert process.wait(30) == 0
    assert state(services, order_id) is State.PREPARING


def test_a_long_job_of_a_living_worker_is_left_to_it(services: Services) -> None:
    order_id = opened(services)
    calls: list[int] = []

    def advance(_: int) -> None:
        calls.append(1)
        until(lambda: _heartbeats_for(services, 3 * services.settings.pace.stalled_after_seconds))

    services.conductors[""] = Conducts(advance)
    with working(services):
        until(lambda: calls)
        until(lambda: _heartbeats_for(services, 3 * services.settings.pace.stalled_after_seconds))

        assert len(calls) == 1
    assert state(services, order_id) is State.ANALYSING


def _heartbeats_for(services: Services, seconds: float) -> bool:
    with services.pool.transaction() as ours:
        found = ours.execute(
            "SELECT max(last_heartbeat) > min(at) + make_interval(secs => %s)"
            " FROM procrastinate_workers, procrastinate_events WHERE type = 'started'",
            [seconds],
        ).fetchone()
    return found is not None and bool(found[0])


def test_one_target_has_one_order_worked_on_at_a_time(services: Services) -> None:
    here = [opened(services, asked_on=number, target="shop") for number in (1, 2, 3)]
    running: set[int] = set()
    together: list[set[int]] = []
    seen: set[int] = set()
    lock = threading.Lock()

    def advance(order_id: int) -> None:
        with lock:
            running.add(order_id)
            together.append(set(running))
        threading.Event().wait(0.05)
        with lock:
            running.discard(order_id)
            seen.add(order_id)

    services.conductors[""] = Conducts(advance)
    with working(services):
        until(lambda: seen == set(here))

    assert {len(each) for each in together} == {1}


def test_orders_of_different_targets_are_worked_on_together(services: Services) -> None:
    for number in (1, 2):
        opened(services, asked_on=number, target=f"shop-{number}")
    meeting = threading.Barrier(2)
    met: list[int] = []

    def advance(order_id: int) -> None:
        meeting.wait(30)
        met.append(order_id)

    services.conductors[""] = Conducts(advance)
    with working(services):
        until(lambda: len(met) >= 2)


def test_a_job_that_fails_leaves_all_as_before_and_is_tried_again(services: Services) -> None:
    order_id = opened(services)
    tries: list[int] = []

    def advance(_: int) -> None:
        order = read(services, order_id)
        if order.state is not State.ANALYSING:
            return
        tries.append(order.version)
        move = Move(order_id=order_id, event=Event.ANALYSED, by=None)
        refused = Move(order_id=order_id, event=Event.DONE, by=None)
        intents = (move, refused) if len(tries) == 1 else (move,)
        settle(services, lambda: Decided(intents=intents, decided_on=(order,)))

    services.conductors[""] = Conducts(advance)
    with working(services):
        until(lambda: state(services, order_id) is State.PREPARING)

    assert tries == [1, 1]
    assert kinds(services, order_id) == ["opened", "analysed"]


def test_an_order_that_fails_too_often_is_escalated_and_left_alone(services: Services) -> None:
    order_id = opened(services)
    tries: list[int] = []

    def advance(_: int) -> None:
        tries.append(1)
        raise RuntimeError("boom")

    services.conductors[""] = Conducts(advance)
    with working(services):
        until(lambda: state(services, order_id) is State.CHANGES_REQUESTED)
        until(lambda: _due(services, order_id) is None)

    assert len(tries) == services.settings.pace.attempts
    with services.pool.transaction() as ours:
        bodies = ours.execute("SELECT body FROM outbox WHERE key LIKE 'escalation:%'").fetchall()
    assert len(bodies) == 1
    assert "boom" not in bodies[0][0]


def _due(services: Services, order_id: int) -> object:
    with services.pool.transaction() as ours:
        found = ours.execute("SELECT due_at FROM orders WHERE id = %s", [order_id]).fetchone()
    assert found is not None
    return found[0]


def test_a_job_that_waits_is_never_given_up(services: Services) -> None:
    order_id = opened(services)
    tries: list[int] = []

    def advance(_: int) -> None:
        tries.append(1)
        raise Blocked("The window is closed.", "It opens on Monday.")

    services.conductors[""] = Conducts(advance)
    with working(services):
        until(lambda: len(tries) > services.settings.pace.attempts + 1)

    assert state(services, order_id) is State.ANALYSING


def test_an_order_whose_job_was_lost_is_swept_up(services: Services) -> None:
    order_id = opened(services)
    with services.pool.transaction() as ours:
        ours.execute("DELETE FROM procrastinate_jobs")
    done: list[int] = []

    services.conductors[""] = Conducts(done.append)
    with working(services):
        until(lambda: order_id in done)


def test_an_order_without_a_conductor_is_left_to_people(services: Services) -> None:
    order_id = opened(services)

    with working(services):
        until(lambda: _due(services, order_id) is None)

    assert state(services, order_id) is State.ANALYSING
