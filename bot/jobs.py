"""What the jobs do. Each looks at its row, does what that needs, and says when it is due again.

A try is counted before it is made, since it may kill the worker. What is only waiting counts
none. After the last one the row is given up, a person is told, and the log has the reference.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import handlers
from bot import log, messages, queue
from bot.alerts.sender import Sender
from bot.conducting.ending import end_session
from bot.errors import Blocked, Refused, Unreadable, new_reference
from bot.gather import gather
from bot.github import event as events
from bot.github.outbox import Outbox
from bot.github.posting import post
from bot.missed import redeliver_missed
from bot.perform import WORKING, Decided, perform, settle
from bot.services import Services
from bot.store import alerts, deliveries, endings, orders
from bot.store.deliveries import Delivery
from handlers import Task
from workorders.intents import Intent, Move, Say
from workorders.lifecycle import Event, accepts
from workorders.order import Order, State
from workorders.report import AlertKind, Finding, Report, named

logger = logging.getLogger(__name__)

#: GitHub's own window for redeliveries; what waited longer is not wanted any more.
LONGEST_WAIT = timedelta(days=3)

_LONGEST_PAUSE_SECONDS = 300.0
#: A sending job ends after so long, that others get its place; the sweep goes on.
_SENDING_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class _Ended:
    """How a try ended."""

    #: It waits for others.
    waits: bool = False
    #: Of the failure in the log; "" where there was none.
    reference: str = ""


class Runner:
    """Implements `queue.Jobs` over our services. Thread-safe."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pace = services.settings.pace

    def handle_delivery(self, delivery_id: int) -> None:
        """Handles the delivery, if it is still to be handled."""
        with self._services.pool.transaction() as ours:
            delivery = deliveries.begun(ours, delivery_id)
        if delivery is None:
            return
        with log.bound(delivery=delivery.guid, event=delivery.event):
            is_last = delivery.attempts >= self._pace.attempts
            ended = self._tried(lambda: self._deliver(delivery), attempts=delivery.attempts)
            self._end_delivery(delivery, ended, is_last=is_last)

    def work_order(self, order_id: int) -> None:
        """Advances the order, if its state asks for it."""
        with log.bound(order=order_id):
            with self._services.pool.transaction() as ours:
                attempts = orders.begun(ours, order_id)
            ended = self._tried(lambda: self._advance(order_id), attempts=attempts)
            self._end_work(order_id, ended, attempts)

    def send_outbox(self, installation_id: int) -> None:
        """Sends what is due, and what becomes due while it sends."""
        with log.bound(installation=installation_id):
            self._tried(self._send, attempts=1)

    def end_session(self, ending_id: int) -> None:
        """Ends the session if it blocks its order's run, and says what came of it."""
        with log.bound(ending=ending_id):
            self._tried(lambda: end_session(self._services, ending_id), attempts=1)

    def redeliver_missed(self) -> None:
        """Asks GitHub for the webhooks that never arrived."""
        self._tried(lambda: redeliver_missed(self._services, datetime.now(UTC)), attempts=1)

    def send_alerts(self) -> None:
        """Sends the alerts that are due, where a receiver is set."""
        receiver = self._services.settings.alerts
        if receiver is None:
            return
        sender = Sender(
            pool=self._services.pool,
            receiver=receiver,
            github_url=self._services.settings.github_url,
            pace=self._pace,
        )
        self._tried(lambda: sender.send_due(self._services.stopping), attempts=1)

    def look_for_missed(self) -> None:
        """Makes a job of `redeliver_missed`."""

        def enqueue() -> None:
            with self._services.pool.transaction() as ours:
                queue.enqueue(ours, queue.redeliver_missed())

        self._tried(enqueue, attempts=1)

    def keep_house(self, *, forgets: bool) -> None:
        """Gives stalled jobs to others and makes jobs for rows that have none; one process at a time."""
        self._tried(lambda: self._keep_house(forgets=forgets), attempts=1)

    def _tried(self, work: Callable[[], object], *, attempts: int) -> _Ended:
        """Does the work. The one place at which what nobody foresaw in a job is caught."""
        if attempts > self._pace.attempts:
            # Each of these ended with the death of its worker, or it would have been given up before.
            reference = new_reference()
            logger.error("A job killed its worker too often.", extra={"reference": reference})
            return _Ended(reference=reference)
        try:
            work()
        except Blocked as blocked:
            logger.info("A job waits.", extra={"reason": blocked.reason})
            return _Ended(waits=True)
        except Exception as error:
            reference = new_reference()
            logger.error("A job failed.", exc_info=error, extra={"reference": reference, "attempt": attempts})
            return _Ended(reference=reference)
        return _Ended()

    def _deliver(self, delivery: Delivery) -> None:
        payload = json.loads(delivery.payload)
        try:
            happened = events.from_delivery(delivery.event, payload, delivery.received_at)
        except Unreadable as error:
            # It will not become readable by itself.
            logger.error("A delivery cannot be read.", extra={"reason": error.reason})
            return
        if delivery.attempts == 1 and (seen := handlers.seen(happened)):
            perform(self._services, Decided(intents=seen))
        for task in handlers.tasks(happened):
            with log.bound(task=task.key):
                self._carry_out(task)

    def _carry_out(self, task: Task) -> None:
        with self._services.pool.transaction() as ours:
            if deliveries.is_done(ours, task.key):
                return

        def decide() -> Decided:
            gathered = gather(self._services, task, datetime.now(UTC))
            return Decided(
                intents=handlers.handle(task, gathered.facts),
                decided_on=gathered.decided_on,
                newest_asked=gathered.newest_asked,
            )

        try:
            performed = settle(self._services, decide, task.key)
        except Blocked as blocked:
            perform(self._services, Decided(intents=handlers.told_to_wait(task, blocked)))
            raise
        except Refused as refused:
            # GitHub or a lifecycle said no where the handler did not foresee it: an answer all the same.
            told = handlers.told_to_wait(task, Blocked(str(refused), ""))
            perform(self._services, Decided(intents=told), task.key)
            return
        if not performed.was_done_before:
            logger.info("A task was carried out.", extra={"act": type(task.act).__name__})

    def _tell_given_up(self, delivery: Delivery, reference: str) -> None:
        """Each command that was not carried out is answered, though with nothing but a reference."""
        happened = events.from_delivery(delivery.event, json.loads(delivery.payload), delivery.received_at)
        why = Blocked(
            f"This could not be carried out, and is not tried again. Lockkeeper's log tells more under "
            f"{named(reference or delivery.guid)}.",
            "Write it again in a new comment.",
        )
        for task in handlers.tasks(happened):
            perform(self._services, Decided(intents=handlers.told_to_wait(task, why)), task.key)

    def _end_delivery(self, delivery: Delivery, ended: _Ended, *, is_last: bool) -> None:
        is_given_up = is_last if ended.reference else ended.waits and _waited(delivery) >= LONGEST_WAIT
        if is_given_up:
            self._tried(lambda: self._tell_given_up(delivery, ended.reference), attempts=1)
        with self._services.pool.transaction() as ours:
            if is_given_up:
                deliveries.failed(ours, delivery.id, ended.reference)
                logger.error("A delivery was given up.", extra={"reference": ended.reference})
            elif ended.waits or ended.reference:
                pause = (
                    self._pace.pause_seconds(delivery.attempts)
                    if ended.reference
                    # A quarter of what it has waited: that grows by itself, and needs no count.
                    else max(_waited(delivery).total_seconds() / 4, self._pace.first_pause_seconds)
                )
                deliveries.postponed(
                    ours,
                    delivery.id,
                    pause_seconds=min(pause, _LONGEST_PAUSE_SECONDS),
                    is_failure=bool(ended.reference),
                    reference=ended.reference,
                )
            else:
                deliveries.handled(ours, delivery.id)

    def _advance(self, order_id: int) -> None:
        with self._services.pool.transaction() as ours:
            order = orders.read(ours, order_id)
        conductor = None if order is None else self._services.conductor_of(order.definition)
        if order is None or conductor is None:
            return
        with log.bound(state=order.state.value, target=order.target):
            conductor.advance(order_id)
            logger.info("An order was advanced.")

    def _end_work(self, order_id: int, ended: _Ended, attempts: int) -> None:
        if ended.reference and attempts >= self._pace.attempts:
            self._escalate(order_id, ended.reference)
            return
        with self._services.pool.transaction() as ours:
            order = orders.read(ours, order_id)
            if order is None:
                return
            if ended.reference:
                pause = timedelta(seconds=self._pace.pause_seconds(attempts))
                orders.look_again(ours, order_id, datetime.now(UTC) + pause)
            else:
                orders.worked(ours, order_id, self._look_again_seconds(order, waits=ended.waits))

    def _look_again_seconds(self, order: Order, *, waits: bool) -> float | None:
        if self._services.conductor_of(order.definition) is None:
            return None
        if order.state is State.SOAKING and not waits:
            return self._pace.soak_look_seconds
        return self._pace.look_again_seconds if waits or order.state in WORKING else None

    def _escalate(self, order_id: int, reference: str) -> None:
        """The order is moved to where people decide, and they are told; it is not tried again unasked."""

        def decide() -> Decided:
            with self._services.pool.transaction() as ours:
                order = orders.read(ours, order_id)
            if order is None:
                return Decided(intents=())
            return Decided(intents=_given_up(order, reference), decided_on=(order,))

        settle(self._services, decide)
        with self._services.pool.transaction() as ours:
            orders.worked(ours, order_id, None)
            orders.look_again(ours, order_id, None)
        logger.error("An order was given up.", extra={"reference": reference})

    def _send(self) -> None:
        if not self._services.is_registered():
            return
        until = datetime.now(UTC) + timedelta(seconds=_SENDING_SECONDS)
        outbox = Outbox(
            pool=self._services.pool,
            github=self._services.github,
            marker=self._services.marker(),
            pause_seconds=self._pace.write_pause_seconds,
            writes_per_minute=self._pace.writes_per_minute,
            writes_per_hour=self._pace.writes_per_hour,
        )
        while True:
            again_at = outbox.send_due(datetime.now(UTC))
            self._link_opened()
            now = datetime.now(UTC)
            if again_at is None or again_at > until:
                return
            if self._services.stopping.wait(max((again_at - now).total_seconds(), 0.02)):
                return

    def _link_opened(self) -> None:
        """Where an order was asked for, its issue is linked once it is open."""
        with self._services.pool.transaction() as ours:
            for asked in orders.take_to_link(ours):
                order = orders.read(ours, asked.order_id)
                if order is None:
                    continue
                for message in messages.linked(order, asked.number):
                    post(ours, message)

    def _keep_house(self, *, forgets: bool) -> None:
        is_registered = self._services.is_registered()
        outdated = 0
        with self._services.pool.transaction() as ours:
            if not queue.try_housekeeping(ours):
                return
            rescued = queue.rescue(ours, self._pace.stalled_after_seconds)
            for delivery_id in deliveries.due(ours):
                queue.enqueue(ours, queue.handle_delivery(delivery_id))
            for each in orders.due(ours):
                queue.enqueue(ours, queue.work_order(each.order_id, each.target))
            for ending_id in endings.due(ours):
                queue.enqueue(ours, queue.end_session(ending_id))
            # Before the registration there is nobody to send as; what is posted waits.
            for installation_id in queue.outbox_due(ours) if is_registered else ():
                queue.enqueue(ours, queue.send_outbox(installation_id))
            if self._services.settings.alerts is not None and alerts.are_due(ours):
                queue.enqueue(ours, queue.send_alerts())
            if forgets:
                outdated = alerts.forget(ours)
                deliveries.forget(ours)
                queue.forget(ours)
        if rescued:
            logger.warning("Jobs of a dead worker were given to others.", extra={"jobs": len(rescued)})
        if outdated and self._services.settings.alerts is not None:
            logger.warning("Alerts were not sent within a day.", extra={"alerts": outdated})


def _waited(delivery: Delivery) -> timedelta:
    return datetime.now(UTC) - delivery.received_at


def _given_up(order: Order, reference: str) -> tuple[Intent, ...]:
    """Failed after the first change, mended before it; where neither is possible it is only said."""
    intents: list[Intent] = []
    event = next((each for each in (Event.BROKE, Event.MEND) if accepts(order.state, each)), None)
    if event is not None:
        detail = {"reference": reference, "root_cause": "a fault of Lockkeeper's"}
        intents.append(Move(order_id=order.id, event=event, by=None, detail=detail))
    report = Report(
        role="conductor",
        title="Escalation",
        summary=(
            f"Work on this order failed while it was {named(order.state.value)}, "
            "and is not tried again by itself. "
            f"This is a fault of Lockkeeper's; its log tells more under {named(reference)}."
        ),
        finding=Finding.FAILS,
        mentions=tuple(each.login for each in order.authors if not each.is_operator),
        alert=AlertKind.ESCALATION,
    )
    intents.append(
        Say(
            repository=order.repository, number=None, order_id=order.id, content=report,
            key=f"escalation:{reference}", is_urgent=True,
        )
    )  # fmt: skip
    return tuple(intents)
