"""Carries intents out: all of one decision in one transaction of ours, or nothing of it.

Nothing else writes what decides about an order. The messages stand in the outbox and the
jobs in the queue when the transaction commits; sending and working come after.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import assert_never

from bot import messages, order_check, queue
from bot.alerts.raised import raised
from bot.errors import Broken, OrderMoved
from bot.github.message import Message
from bot.github.posting import post
from bot.services import Services
from bot.steered import steer
from bot.store import alerts, deliveries, events, findings, orders
from bot.store.events import Detail
from bot.store.ours import Ours
from workorders.intents import (
    Approve,
    CloseIssue,
    EndSession,
    FreezeTarget,
    Intent,
    KeepReport,
    Move,
    NotePush,
    OpenOrder,
    React,
    Remember,
    ReopenIssue,
    Revise,
    Say,
    SessionLookedAt,
    SetCriteria,
    SetReview,
    SetSpeed,
    ShowOrder,
    UnfreezeTarget,
    VoidApprovals,
    Work,
)
from workorders.lifecycle import ON_TARGET, moved, opening
from workorders.order import Approval, Order, Person, State

logger = logging.getLogger(__name__)

#: How often a decision is made anew because the order has moved meanwhile.
DECISIONS = 5

#: States in which the worker has something to do by itself.
WORKING = frozenset(
    {
        State.ANALYSING,
        State.PREPARING,
        State.REVIEWING,
        State.APPROVED,
        State.EXECUTING,
        State.VALIDATING,
        State.SOAKING,
        State.ROLLING_BACK,
    }
)

#: What changes an order, and so depends on its version.
Change = (
    Move
    | Approve
    | VoidApprovals
    | Revise
    | NotePush
    | KeepReport
    | FreezeTarget
    | UnfreezeTarget
    | SetSpeed
    | EndSession
    | SessionLookedAt
    | SetReview
    | SetCriteria
)


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What is to be done, and what that was decided on."""

    intents: tuple[Intent, ...]
    #: The orders as they were read; every order that the intents change must be among them.
    decided_on: tuple[Order, ...] = ()
    #: The newest order that was asked for on the same issue or pull request, 0 for none, where the
    #: decision to open one depends on there being no other; None where it does not.
    newest_asked: int | None = None


@dataclass(frozen=True, kw_only=True)
class Performed:
    """What came of it."""

    #: Numbers of the orders that were opened.
    opened: tuple[int, ...] = ()
    #: Nothing was done, because it had been done before.
    was_done_before: bool = False


def settle(services: Services, decide: Callable[[], Decided], key: str = "") -> Performed:
    """Decides and performs, once for a key; decides anew where the order moved in between.

    Raises what `perform` raises, and `Broken` where the order did not come to rest.
    """
    for _ in range(DECISIONS):
        decided = decide()
        try:
            return perform(services, decided, key)
        except OrderMoved as error:
            logger.info("An order moved while it was decided upon.", extra={"order": error.order_id})
    raise Broken(f"An order moved {DECISIONS} times while one thing was decided.")


def perform(services: Services, decided: Decided, key: str = "") -> Performed:
    """Carries out one decision; with a key only if nothing was carried out under it before.

    Raises `OrderMoved` where an order is not as it was decided on, `Refused` where its state does
    not hold an event; in both cases nothing was done.
    """
    with services.pool.transaction() as ours:
        if key and not deliveries.is_first(ours, key):
            return Performed(was_done_before=True)
        return _Transaction(ours, decided).run()


@dataclass(kw_only=True)
class _Touched:
    """An order inside the transaction."""

    order: Order
    is_changed: bool = False
    #: What its issue shows has changed.
    is_shown_anew: bool = False


@dataclass
class _Transaction:
    """One decision on its way."""

    ours: Ours
    decided: Decided
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    touched: dict[int, _Touched] = field(default_factory=dict)
    opened: list[int] = field(default_factory=list)
    #: Installations to which something is to be sent.
    installations: set[int] = field(default_factory=set)

    def run(self) -> Performed:
        """All of it, in the intents' order."""
        intents = self.decided.intents
        # In one order for everybody, so that two decisions cannot wait for each other.
        for order_id in sorted({each.order_id for each in intents if isinstance(each, Change)}):
            self._lock(order_id)
        for intent in intents:
            self._perform(intent)
        for order_id, touched in self.touched.items():
            if touched.is_changed:
                orders.advance_version(self.ours, order_id)
            if touched.is_shown_anew:
                order, head = self._read(order_id), events.head(self.ours, order_id)
                self._post(messages.shown(order, head))
                self._check(order, head)
        for alert in raised(intents, self._read):
            if alerts.insert(self.ours, alert, self.now):
                queue.enqueue(self.ours, queue.send_alerts())
        for installation_id in sorted(self.installations):
            queue.enqueue(self.ours, queue.send_outbox(installation_id))
        return Performed(opened=tuple(self.opened))

    def _lock(self, order_id: int) -> None:
        version = orders.locked_version(self.ours, order_id)
        decided_on = next((each.version for each in self.decided.decided_on if each.id == order_id), None)
        if version is None or version != decided_on:
            raise OrderMoved(order_id, decided_on, version)
        self.touched[order_id] = _Touched(order=self._read(order_id))

    def _read(self, order_id: int) -> Order:
        order = orders.read(self.ours, order_id)
        if order is None:
            raise Broken(f"There is no order {order_id}.")
        return order

    def _perform(self, intent: Intent) -> None:
        match intent:
            case OpenOrder():
                self._open(intent)
            case Move():
                self._move(intent)
            case (
                Approve()
                | VoidApprovals()
                | Revise()
                | NotePush()
                | KeepReport()
                | SetReview()
                | SetCriteria()
            ):
                self._change(intent)
            case FreezeTarget() | UnfreezeTarget():
                self._freeze(intent)
            case SetSpeed() | EndSession() | SessionLookedAt():
                touched = self.touched[intent.order_id]
                steer(self.ours, intent, partial(self._recorded, touched.order))
                touched.is_shown_anew = True
            case Say():
                self._post(messages.said(intent))
            case React():
                self._post(messages.reacted(intent))
            case CloseIssue():
                self._post(messages.closed(self._read(intent.order_id), is_completed=intent.is_completed))
            case ReopenIssue():
                self._post(messages.reopened(self._read(intent.order_id)))
            case ShowOrder():
                order, head = self._read(intent.order_id), events.head(self.ours, intent.order_id)
                self._post(messages.shown(order, head, is_repair=True))
                self._check(order, head)
            case Work():
                self._ask_for_work(self._read(intent.order_id))
            case Remember():
                findings.remember(self.ours, intent)
            case _:
                assert_never(intent)

    def _open(self, intent: OpenOrder) -> None:
        state = opening(intent.sql, is_by_people=not intent.target)
        self._see_nobody_was_faster(intent)
        order_id = orders.insert(self.ours, intent, state, self.now)
        self.opened.append(order_id)
        detail: Detail = {
            "definition": intent.definition,
            "target": intent.target,
            "sql_origin": intent.sql_origin,
            "sql_sha256": _sha256(intent.sql),
            **({"pull_request": intent.pull_request} if intent.pull_request is not None else {}),
            **({"follows": intent.follows} if intent.follows is not None else {}),
        }
        by = intent.starter if intent.follows is None else None
        self._record(order_id, "opened", by, state, detail)
        order = self._read(order_id)
        head = events.head(self.ours, order_id)
        self._post(messages.opened(order, head))
        self._check(order, head)
        if state in WORKING:
            self._ask_for_work(order)

    def _see_nobody_was_faster(self, intent: OpenOrder) -> None:
        seen, repository_id = self.decided.newest_asked, intent.repository.id
        # What this decision has opened there itself it knows of.
        if seen is None or intent.asked_on is None or self.opened:
            return
        orders.lock_place(self.ours, repository_id, intent.asked_on)
        newest = orders.newest_asked_on(self.ours, repository_id, intent.asked_on)
        if newest != seen:
            raise OrderMoved(newest, None, None)

    def _move(self, intent: Move) -> None:
        touched = self.touched[intent.order_id]
        state = moved(touched.order.state, intent.event)
        orders.set_state(self.ours, intent.order_id, state)
        if state in WORKING:
            orders.due_now(self.ours, intent.order_id)
        if touched.order.state in ON_TARGET and state not in ON_TARGET:
            orders.call_line(self.ours, touched.order.target)
        self._changed(intent.order_id, is_shown_anew=True)
        self._record(intent.order_id, intent.event.value, intent.by, state, intent.detail)

    def _change(
        self, intent: Approve | VoidApprovals | Revise | NotePush | KeepReport | SetReview | SetCriteria
    ) -> None:
        order_id = intent.order_id
        state = self.touched[order_id].order.state
        match intent:
            case Approve():
                approval = Approval(
                    person=intent.by, digest=intent.digest, approved_at=self.now, accepted=intent.accepted
                )
                orders.add_approval(self.ours, order_id, approval)
                detail: Detail = {"accepted": " ".join(intent.accepted)}
                self._record(order_id, "approval", intent.by, state, detail, digest=intent.digest)
            case VoidApprovals():
                count = orders.void_approvals(self.ours, order_id, intent.reason, self.now)
                detail = {"reason": intent.reason, "count": count}
                self._record(order_id, "approvals_voided", None, state, detail)
            case Revise():
                orders.set_script(self.ours, order_id, intent.sql, intent.sql_origin, intent.reading)
                for person in (intent.by, *intent.authors):
                    orders.add_author(self.ours, order_id, person)
                detail = {"sql_origin": intent.sql_origin, "sql_sha256": _sha256(intent.sql)}
                self._record(order_id, "script", intent.by, state, detail)
            case NotePush():
                for person in (intent.by, *intent.authors):
                    orders.add_author(self.ours, order_id, person)
                if intent.script is not None:
                    orders.set_reading(self.ours, order_id, intent.script.origin, intent.script.reading)
                detail = {"head": intent.head, "is_same_script": intent.script is not None}
                self._record(order_id, "pushed", intent.by, state, detail)
            case KeepReport():
                findings.keep_phase(self.ours, order_id, intent.report)
                if intent.is_authored:
                    orders.add_author(self.ours, order_id, intent.report.by)
                told: Detail = {
                    "phase": intent.report.phase,
                    "is_done": intent.report.is_done,
                    "said": intent.report.said,
                }
                self._record(order_id, "phase", intent.report.by, state, told)
            case SetReview():
                orders.set_digest(self.ours, order_id, intent.digest, self.now)
                self._record(order_id, "digest", None, state, {}, digest=intent.digest)
            case SetCriteria():
                orders.set_criteria(self.ours, order_id, intent.criteria)
                detail = {**intent.detail, **{str(each.number): each.holds for each in intent.criteria}}
                self._record(order_id, "criteria", intent.by, state, detail)
            case _:
                assert_never(intent)
        self._changed(order_id, is_shown_anew=True)

    def _freeze(self, intent: FreezeTarget | UnfreezeTarget) -> None:
        state = self.touched[intent.order_id].order.state
        if isinstance(intent, FreezeTarget):
            orders.freeze(self.ours, intent.target, intent.by.login, intent.reason)
            detail = {**intent.detail, "reason": intent.reason}
            self._record(intent.order_id, "frozen", intent.by, state, detail)
        else:
            orders.unfreeze(self.ours, intent.target)
            orders.call_line(self.ours, intent.target)
            self._record(intent.order_id, "unfrozen", intent.by, state, intent.detail)
        self._changed(intent.order_id, is_shown_anew=True)

    def _changed(self, order_id: int, *, is_shown_anew: bool) -> None:
        touched = self.touched[order_id]
        touched.is_changed = True
        touched.is_shown_anew |= is_shown_anew
        # A later intent of the same decision builds on what the earlier ones made of the order.
        touched.order = self._read(order_id)

    def _record(
        self,
        order_id: int,
        kind: str,
        by: Person | None,
        state: State,
        detail: Detail,
        digest: str | None = None,
    ) -> None:
        if digest is None:
            digest = self.touched[order_id].order.digest if order_id in self.touched else ""
        happening = events.Happening(
            at=self.now,
            kind=kind,
            by=by,
            comment_hash=str(detail.get("body_hash", "")),
            digest=digest,
            result=state.value,
            detail=detail,
        )
        events.append(self.ours, order_id, happening)

    def _recorded(self, order: Order, kind: str, by: Person | None, detail: Detail) -> None:
        self._record(order.id, kind, by, order.state, detail)

    def _ask_for_work(self, order: Order) -> None:
        orders.due_now(self.ours, order.id)
        queue.enqueue(self.ours, queue.work_order(order.id, order.target))

    def _check(self, order: Order, head: str) -> None:
        is_refused = order.state is State.CHANGES_REQUESTED
        problems = findings.problems_of(self.ours, order) if is_refused else ()
        self._post(order_check.checked(order, head, problems))

    def _post(self, posted: Iterable[Message]) -> None:
        for message in posted:
            self.installations.add(message.repository.installation_id)
            post(self.ours, message)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
