"""Leads a database migration: what is done in each state, and which event that ends in.

Every phase may be cut off at any moment and is begun again from what ours and the target
say; its reports have keys, so that a repeated one edits the first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from bot import inquiry
from bot.conducting.approvals import Approvals
from bot.conducting.closing import Closing
from bot.conducting.desk import REHEARSAL, TROUBLE, Desk
from bot.conducting.execution import Execution
from bot.conducting.turn import Turn
from bot.embedded import binaries
from bot.errors import Blocked, LockkeeperError, OrderMoved, Refused, Unreadable
from bot.github.errors import NotAnswered
from bot.perform import Decided, perform
from bot.services import Services
from bot.shadow import workshop
from bot.store import findings
from workorders import stored_plan
from workorders.intents import SetReview
from workorders.lifecycle import Event
from workorders.migration import engine, validation
from workorders.migration.application import must_fit
from workorders.order import State
from workorders.roles import automation, conductor, data_science, postgres
from workorders.roles.conductor import Verdict

logger = logging.getLogger(__name__)


class MigrationConductor:
    """Leads orders of `database-migration`. Thread-safe: each call has a desk of its own."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._phases: Mapping[State, Callable[[Desk], None]] = {
            State.ANALYSING: self._analyse,
            State.PREPARING: self._prepare,
            State.REVIEWING: self._review,
            State.AWAITING_APPROVAL: lambda desk: Approvals(desk).count(),
            State.APPROVED: lambda desk: Turn(desk).take(),
            State.EXECUTING: lambda desk: Execution(desk).execute(),
            State.VALIDATING: lambda desk: Execution(desk).validate(),
            State.ROLLING_BACK: lambda desk: Execution(desk).roll_back(),
            State.SOAKING: lambda desk: Closing(desk).purge_if_asked(),
            State.ROLLED_BACK: lambda desk: Closing(desk).purge_if_asked(),
            State.DONE: lambda desk: Closing(desk).close("Done.", is_remembered=True),
        }

    def advance(self, order_id: int) -> None:
        """Does the work of the order's state, once. Raises as the Protocol says."""
        desk = Desk.of(self._services, order_id)
        phase = self._phases.get(desk.order.state)
        if phase is None:
            return
        try:
            phase(desk)
        except (Refused, Unreadable) as error:
            if desk.order.state not in (State.ANALYSING, State.PREPARING, State.REVIEWING, State.APPROVED):
                raise
            self._mend(desk, error)
        except Blocked as blocked:
            if not self._services.stopping.is_set() and not isinstance(blocked, OrderMoved | NotAnswered):
                # The same text is sent once, however often it is asked again.
                waiting = desk.told("waiting", f"Waiting: {blocked.reason} {blocked.next_move}")
                perform(self._services, Decided(intents=(waiting,)))
            raise

    def _analyse(self, desk: Desk) -> None:
        desk.begin_attempt()
        with desk.target() as target:
            prepared = engine.prepare(target, desk.order.sql, policy=desk.policy_text, binaries=binaries())
            tables = tuple(str(name) for name in prepared.plan.tables)
            found = data_science.analyse(target, desk.brief(tables), prepared)
            problems = engine.run_checks(target, found.prepared.plan)
        if problems:
            raise Refused(*problems)
        desk.move(
            Event.ANALYSED,
            desk.said("analysis", found.report),
            detail={"steps": len(found.prepared.plan.steps), "tables": " ".join(tables)},
        )

    def _prepare(self, desk: Desk) -> None:
        dsn = desk.dsn
        with workshop(self._services.settings) as shop, desk.target() as target:
            must_fit(target, shop.server, frozenset())
            prepared = engine.prepare(target, desk.order.sql, policy=desk.policy_text, binaries=shop.binaries)
            measured = validation.measure(target, validation.queries(prepared.plan, prepared.catalog))
            tables = tuple(str(name) for name in prepared.plan.tables)
            found = automation.prepare(
                target, dsn, desk.brief(tables), desk.policy_text, shop.server, shop.binaries, measured
            )
        desk.keep(REHEARSAL, automation.kept(found.rehearsal, found.estimates))
        desk.keep(inquiry.PLAN, stored_plan.to_json(automation.plan_to_show(found.rehearsal)))
        said = desk.said("preparation", found.report)
        if not found.rehearsal.holds:
            perform(self._services, Decided(intents=(said,)))
            raise Refused(*found.rehearsal.problems)
        desk.move(
            Event.PREPARED,
            said,
            detail={"digest": found.rehearsal.prepared.plan.digest, "seconds": found.rehearsal.seconds},
        )

    def _review(self, desk: Desk) -> None:
        rehearsed = desk.kept(REHEARSAL)
        if rehearsed is None:
            desk.move(Event.MEND, detail={"reason": "the rehearsal's result is gone"})
            return
        with desk.target() as target:
            prepared = desk.prepared(target)
        found = postgres.review(desk.brief(), prepared, rehearsed, desk.policy, desk.mentions)
        if not found.is_sound:
            perform(self._services, Decided(intents=(desk.said("review", found.report),)))
            raise Refused.because(
                "The target has changed since the rehearsal.",
                "Comment /wo revise with the same SQL: it is analysed and rehearsed again.",
            )
        desk.move(
            Event.REVIEWED,
            SetReview(order_id=desk.order.id, digest=found.digest),
            desk.said("review", found.report),
            detail={"digest": found.digest},
        )

    def _mend(self, desk: Desk, error: LockkeeperError) -> None:
        """Before the first change: back to the author, with the reason."""
        before = str((desk.kept(TROUBLE) or {}).get("root_cause", ""))
        escalation = conductor.judge(error, is_changed=False, failed_before=before)
        with desk.services.pool.transaction() as ours:
            findings.keep_trouble(ours, desk.order, escalation.root_cause, escalation.problems)
        role = {State.ANALYSING: data_science.ROLE, State.PREPARING: automation.ROLE}.get(
            desk.order.state, postgres.ROLE
        )
        authors = tuple(each.login for each in desk.order.authors if not each.is_operator)
        mentions = authors if escalation.verdict is Verdict.MEND else (*authors, *desk.mentions)
        report = conductor.escalated(desk.brief(), role, escalation, tuple(dict.fromkeys(mentions)))
        desk.move(
            Event.MEND,
            desk.said(f"escalation:{desk.order.version}", report),
            detail={"root_cause": escalation.root_cause, "verdict": escalation.verdict.value},
        )
