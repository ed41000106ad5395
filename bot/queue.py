"""Durable jobs, in ours. A job is a hint that there is something to do; what is to be done stands in rows.

So a job may be lost, doubled or late without harm: it looks at its delivery or order under a
lock and does what that needs, and the sweep makes a new job for each row whose time has come.
A failed job is not retried by the queue, whose waiting jobs would hold their target's lock:
the row says when it is due again.

    handle_delivery   queue "commands", lock "delivery:<id>"         one delivery
    send_outbox       queue "commands", lock "outbox:<installation>"  one writer per installation
    redeliver_missed  queue "commands", lock "missed"                webhooks that never arrived
    send_alerts       queue "commands", lock "alerts"                one receiver
    end_session       queue "commands", lock "ending:<id>"           a session that may block a run
    work_order        queue "orders",   lock "target:<name>"        one order per target at a time
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Protocol

import psycopg
import psycopg_pool
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException

from bot.store.ours import Ours, row, rows, run
from bot.store.queries import queries

logger = logging.getLogger(__name__)

#: What is raised where the database cannot be reached.
FAILURES = (ConnectorException, psycopg.OperationalError, psycopg_pool.PoolTimeout, OSError)

COMMANDS = "commands"
ORDERS = "orders"

_QUERY = queries("queue")


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job before it is put into the queue."""

    queue: str
    task: str
    #: Its arguments, as JSON.
    arguments: dict[str, int] = field(default_factory=dict)
    #: Only one job of the same key runs at a time.
    lock: str
    #: Only one job of the same key waits at a time.
    waits_once: str
    #: Higher goes first.
    priority: int = 0


def handle_delivery(delivery_id: int) -> Job:
    """Handles one delivery."""
    return Job(
        queue=COMMANDS, task="handle_delivery", arguments={"delivery_id": delivery_id},
        lock=f"delivery:{delivery_id}", waits_once=f"delivery:{delivery_id}", priority=10,
    )  # fmt: skip


def work_order(order_id: int, target: str) -> Job:
    """Looks at one order and does what its state asks for."""
    return Job(
        queue=ORDERS, task="work_order", arguments={"order_id": order_id}, lock=f"target:{target}",
        waits_once=f"order:{order_id}",
    )  # fmt: skip


def send_outbox(installation_id: int) -> Job:
    """Sends what is due to one installation."""
    return Job(
        queue=COMMANDS, task="send_outbox", arguments={"installation_id": installation_id},
        lock=f"outbox:{installation_id}", waits_once=f"outbox:{installation_id}",
    )  # fmt: skip


def end_session(ending_id: int) -> Job:
    """Looks whether a session blocks a run, and ends it then. Not of its target's queue: the run is in it."""
    return Job(
        queue=COMMANDS, task="end_session", arguments={"ending_id": ending_id}, lock=f"ending:{ending_id}",
        waits_once=f"ending:{ending_id}", priority=10,
    )  # fmt: skip


def redeliver_missed() -> Job:
    """Asks GitHub for the webhooks that never arrived."""
    return Job(queue=COMMANDS, task="redeliver_missed", lock="missed", waits_once="missed", priority=-10)


def send_alerts() -> Job:
    """Sends the alerts that are due."""
    return Job(queue=COMMANDS, task="send_alerts", lock="alerts", waits_once="alerts", priority=-5)


def enqueue(ours: Ours, job: Job) -> bool:
    """Puts the job into the queue with the transaction; False where the like of it waits already.

    The one that waits may be taken before this transaction commits, and then sees nothing of it:
    the sweep makes up for that.
    """
    try:
        with ours.transaction():
            run(
                ours, _QUERY["enqueue"],
                queue=job.queue, task=job.task, priority=job.priority, lock=job.lock,
                waits_once=job.waits_once, arguments=json.dumps(job.arguments),
            )  # fmt: skip
    except psycopg.errors.UniqueViolation as error:
        if error.diag.constraint_name != "procrastinate_jobs_queueing_lock_idx_v1":
            raise
        return False
    return True


def rescue(ours: Ours, stalled_after_seconds: float) -> tuple[int, ...]:
    """Gives the jobs of workers that have shown no life for so long to others; gives their numbers.

    A worker that only slept finishes beside its successor: rows are locked and versions compared
    before anything is written, and the lease guards the target.
    """
    return tuple(
        found["id"] for found in rows(ours, _QUERY["rescue"], stalled_after_seconds=stalled_after_seconds)
    )


def outbox_due(ours: Ours) -> tuple[int, ...]:
    """Installations with something to send now and no job for it."""
    return tuple(found["installation_id"] for found in rows(ours, _QUERY["outbox_due"]))


def try_housekeeping(ours: Ours) -> bool:
    """Whether this process does the housekeeping now; no other does until the transaction ends."""
    found = row(ours, _QUERY["try_housekeeping"])
    return found is not None and bool(found["is_ours"])


def forget(ours: Ours) -> int:
    """Removes jobs that ended over a day ago; gives how many."""
    return run(ours, _QUERY["forget_jobs"])


class Jobs(Protocol):
    """What runs the jobs: each method is one task, called in a thread of its own. None of them raises."""

    def handle_delivery(self, delivery_id: int) -> None:
        """Handles the delivery, if it is still to be handled."""

    def work_order(self, order_id: int) -> None:
        """Advances the order, if its state asks for it."""

    def send_outbox(self, installation_id: int) -> None:
        """Sends what is due to the installation."""

    def end_session(self, ending_id: int) -> None:
        """Ends the session if it blocks its order's run, and says what came of it."""

    def redeliver_missed(self) -> None:
        """Asks GitHub for the webhooks that never arrived."""

    def send_alerts(self) -> None:
        """Sends the alerts that are due."""


def app(dsn: str, jobs: Jobs, connections: int) -> App:
    """procrastinate's App with our tasks, for a worker process. Opened by whoever runs it."""
    connector = PsycopgConnector(
        conninfo=dsn, min_size=1, max_size=connections, kwargs={"application_name": "lockkeeper queue"}
    )
    built = App(connector=connector)

    built.task(name="handle_delivery")(jobs.handle_delivery)
    built.task(name="work_order")(jobs.work_order)
    built.task(name="send_outbox")(jobs.send_outbox)
    built.task(name="end_session")(jobs.end_session)
    built.task(name="redeliver_missed")(jobs.redeliver_missed)
    built.task(name="send_alerts")(jobs.send_alerts)
    return built
