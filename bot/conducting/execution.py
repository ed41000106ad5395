"""The part of an order's life in which its target is changed: forth, looked at, and back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

from bot.conducting.closing import Closing
from bot.conducting.desk import BEFORE, OUTCOME, REHEARSAL, TROUBLE, WORKLOAD, Desk
from bot.conducting.following import following
from bot.conducting.progress import LivingComment, Stopping
from bot.conducting.steering import Steering, Word, last_word, stopped_because
from bot.errors import Blocked, LockkeeperError, Refused
from bot.perform import Decided, perform, settle
from bot.store import orders
from workorders.intents import Intent, Move, SetCriteria, Work
from workorders.lifecycle import Event, accepts
from workorders.migration import journal, scoring, sessions, validation, workload
from workorders.migration.backfill import usual_speed
from workorders.migration.connections import Target
from workorders.migration.errors import Failed
from workorders.migration.executor import Executor, Outcome
from workorders.migration.limits import Limits
from workorders.migration.monitor import Monitor, Watched
from workorders.migration.onlookers import Stopped
from workorders.migration.plan import Plan
from workorders.migration.settle import Decision
from workorders.migration.validation import Measured
from workorders.migration.workload import Judgement
from workorders.policy import Limits as PolicyLimits
from workorders.report import Finding
from workorders.roles import automation, conductor, postgres
from workorders.roles.postgres import Evidence

#: How long the application is watched for calls after an execution, at most.
_CALLS_SECONDS = 8.0


class Execution:
    """One order's run in its target."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._services = desk.services
        self._run = str((desk.kept(REHEARSAL) or {}).get("run", ""))
        rules = desk.rules
        self._limits = Limits(stall_budget_ms=rules.stall_budget_ms) if rules else Limits()

    def execute(self) -> None:
        """Runs the approved plan, or goes on where another worker stopped."""
        desk = self._desk
        with self._services.pool.transaction() as ours:
            orders.set_run(ours, desk.order.id, self._run)
        try:
            plan = self._plan_to_begin()
        except Refused as error:
            self._fail(error)
            return
        steering = Steering(self._services, desk.order)
        comment = self._living("Execution", steering.speed)
        with (
            Monitor(
                desk.dsn,
                self._run,
                stall_budget_ms=self._limits.stall_budget_ms,
                max_wait_seconds=self._limits.max_wait_seconds,
                alert=self._alert,
                is_given_up=steering.is_aborted,
            ) as monitor,
            Executor(
                desk.dsn,
                self._run,
                self._limits,
                control=steering,
                progress=comment,
                speed=steering.speed,
            ) as executor,
        ):
            try:
                outcome = executor.go_on() if plan is None else executor.execute(plan)
            except journal.TakenOver:
                raise  # another worker does it; this one's word counts no longer
            except Stopped:
                if self._services.stopping.is_set():
                    raise
                self._say_stopped(comment)
                return
            except (Failed, Blocked, Refused) as error:
                if self._services.stopping.is_set() or not self._is_reachable():
                    raise
                comment.say("Stopped: see the escalation below.", Finding.FAILS)
                self._fail(error)
                return
        self._executed(outcome, monitor.seen(), comment)

    def _executed(self, outcome: Outcome, watched: Watched, comment: LivingComment) -> None:
        """Reports it. Paused or aborted while the last step ran, the order stays where people put it."""
        desk, log = self._desk, tuple(comment.log)
        kept = desk.kept(OUTCOME) or {}
        said: tuple[Intent, ...] = ()
        comment.say("Every step is done.", Finding.HOLDS)
        if log or kept.get("reported") != self._run:
            expected = scoring.from_json((desk.kept(REHEARSAL) or {}).get("expected", ()))
            report = automation.executed(desk.brief(), outcome, watched, comment.milliseconds, log, expected)
            said = (desk.said("execution", report),)
            kept = {
                "milliseconds": sum(milliseconds for _, milliseconds in log),
                "longest_stall_ms": watched.longest_stall_ms,
                "samples": watched.samples,
                "failed_lock_tries": outcome.failed_lock_tries,
                "score": scoring.score(expected, {t.step: t.milliseconds for t in outcome.timings}),
            }
            desk.keep(OUTCOME, kept)
        detail: dict[str, str | float] = {"run": self._run, "milliseconds": comment.milliseconds}
        if not self._move(Event.EXECUTED, said, detail):
            desk.keep(OUTCOME, {**kept, "reported": self._run})
            self._say_stopped(comment)

    def _move(
        self, event: Event, said: tuple[Intent, ...], detail: Mapping[str, str | int | float | bool]
    ) -> bool:
        """Moves the order as it is now, for much may have been said while it ran; says it in any case.

        False where it is in a state by now that does not hold the event, or has another run.
        """
        is_moved = False

        def decide() -> Decided:
            nonlocal is_moved
            order = Desk.order_of(self._services, self._desk.order.id)
            is_moved = order.run == self._run and accepts(order.state, event)
            moved = (
                Move(order_id=order.id, event=event, by=None, detail=detail),
                Work(order_id=order.id),
            )
            return Decided(intents=(*said, *(moved if is_moved else ())), decided_on=(order,))

        settle(self._services, decide)
        return is_moved

    def _say_stopped(self, comment: LivingComment) -> None:
        """Says in the living comment who stopped it; nothing where it goes on already."""
        word = self._last_word()
        if word is not None and word.kind in (Event.PAUSED, Event.ABORTED):
            comment.stopped(stopped_because(word), Finding.FAILS if word.is_abort else Finding.OPEN)

    def _last_word(self) -> Word | None:
        with self._services.pool.transaction() as ours:
            return last_word(ours, self._desk.order.id)

    def _living(self, title: str, speed: Callable[[], float] = usual_speed) -> LivingComment:
        return LivingComment(self._services, self._desk.order, self._run, title, speed=speed)

    def _alert(self, message: str) -> None:
        """Tells the supervisors at once what the monitor sees; one comment, kept up to date."""
        desk = self._desk
        report = automation.alerted(message, desk.mentions)
        perform(self._services, Decided(intents=(desk.said("alert", report),)))

    def _plan_to_begin(self) -> Plan | None:
        """The approved plan, checked once more; None where the run has been begun already.

        Measures what the validation compares with, before the first change. Raises Refused
        where the target is no longer what was approved.
        """
        desk = self._desk
        with desk.target() as target:
            if _stored(target, self._run) is not None:
                return None
            prepared = desk.prepared(target)
            if prepared.plan.digest != desk.order.digest:
                raise Refused.because(
                    "The target has changed since the approval: another plan would be run."
                    + desk.what_moved(prepared.plan),
                    "Nothing was changed. Comment /wo revise with the same SQL to have it rehearsed again.",
                )
            queries = validation.queries(prepared.plan, prepared.catalog)
            desk.keep(BEFORE, validation.to_json(validation.measure(target, queries)))
            found = workload.read(target, prepared.plan.tables)
            desk.keep(WORKLOAD, {} if found is None else workload.to_json(found))
        return prepared.plan

    def _is_reachable(self) -> bool:
        """Whether the target answers; if not, the run waits rather than counting as failed."""
        try:
            with closing(sessions.connect(self._desk.dsn)):
                return True
        except Blocked:
            return False

    def _fail(self, error: LockkeeperError) -> None:
        """After the first change: rolled back at once, uncommanded."""
        desk = self._desk
        before = str((desk.kept(TROUBLE) or {}).get("root_cause", ""))
        escalation = conductor.judge(error, is_changed=True, failed_before=before)
        desk.keep(TROUBLE, {"root_cause": escalation.root_cause})
        report = conductor.escalated(desk.brief(), automation.ROLE, escalation, desk.mentions)
        detail = {"root_cause": escalation.root_cause, "verdict": escalation.verdict.value}
        # Where somebody has aborted it meanwhile, it is on its way back already.
        self._move(Event.STEP_FAILED, (desk.said("failure", report),), detail)

    def validate(self) -> None:
        """Asks the validation queries again, looks at the workload, and ticks criteria."""
        try:
            self._validate(Steering(self._services, self._desk.order))
        except Stopped:
            if self._services.stopping.is_set():
                raise  # else it was aborted: the way back is begun next

    def _validate(self, steering: Steering) -> None:
        desk = self._desk
        kept = desk.kept(BEFORE)
        before = Measured(answers=(), traffic={}) if kept is None else validation.from_json(kept)
        with desk.target() as target:
            comparisons = validation.validate(target, before)
            judged = self._judged(target, steering)
        evidence = Evidence(
            run=self._run,
            is_executed=True,
            comparisons=comparisons,
            reversal_holds=automation.leads_back(desk.kept(REHEARSAL) or {}),
            workload=judged,
            slower_than=self._slower_than,
        )
        ticked = postgres.criteria(desk.order.criteria, evidence)
        report = postgres.validated(desk.brief(), evidence, ticked, desk.mentions)
        criteria = SetCriteria(order_id=desk.order.id, criteria=ticked)
        said, detail = desk.said("validation", report), {"criteria": sum(each.holds for each in ticked)}
        if any(each.agrees is False for each in comparisons):
            desk.move(Event.STEP_FAILED, criteria, said, detail=detail)
            return
        with self._services.pool.transaction() as ours:
            newest_asked = (
                None
                if desk.order.asked_on is None
                else orders.newest_asked_on(ours, desk.order.repository.id, desk.order.asked_on)
            )
            opened = following(ours, desk)
        desk.move(Event.VALIDATED, criteria, said, *opened, detail=detail, newest_asked=newest_asked)

    @property
    def _slower_than(self) -> float:
        rules = self._desk.rules
        return (rules.limits if rules else PolicyLimits()).slower_than

    def _judged(self, target: Target, steering: Steering) -> Judgement | None:
        """The workload now against the one before. Only calls from now on count for times."""
        kept = self._desk.kept(WORKLOAD)
        if not kept:
            return None
        before = workload.from_json(kept)
        tables = validation_tables(self._desk)
        start = workload.read(target, tables)
        deadline = time.monotonic() + _CALLS_SECONDS
        while start is not None:
            steering.checkpoint()
            now = workload.read(target, tables)
            if now is None:
                break
            judged = workload.judge(before, start, now, slower_than=self._slower_than)
            if judged.compared >= judged.comparable or time.monotonic() > deadline:
                return judged
            time.sleep(0.5)
        return None

    def roll_back(self) -> None:
        """Undoes the run from wherever it stands."""
        desk = self._desk
        self._tell_aborted()
        with desk.target() as target:
            stored = _stored(target, self._run)
        if stored is None:
            desk.move(Event.ROLLED_BACK, detail={"run": self._run, "changed": "nothing"})
            return
        comment = self._living("Rollback")
        with Executor(
            desk.dsn,
            self._run,
            self._limits,
            control=Stopping(self._services.stopping),
            progress=comment,
        ) as executor:
            try:
                outcome = executor.roll_back(Decision())
            except journal.TakenOver:
                raise  # another worker does it; this one's word counts no longer
            except (Failed, Blocked, Refused) as error:
                if self._services.stopping.is_set() or not self._is_reachable():
                    raise
                self._stay(stored.state, error)
                return
        self._rolled_back(outcome, comment)

    def _aborted(self) -> str:
        """Who sent it back and why; "" where nobody did so while it ran."""
        word = self._last_word()
        return str(word) if word is not None and word.is_abort else ""

    def _tell_aborted(self) -> None:
        """Once, where a person has sent it back: the escalation with who and why."""
        desk, word = self._desk, self._last_word()
        if word is None or not word.is_abort:
            return
        report = conductor.escalated(
            desk.brief(), conductor.ROLE, conductor.aborted(str(word)), desk.mentions
        )
        said = desk.said(f"aborted:{word.number}", report)
        key = f"aborted:{desk.order.id}:{word.number}"
        if (
            not perform(self._services, Decided(intents=(said,)), key=key).was_done_before
            and word.is_of_paused
        ):
            # No run was there to say so in its own comment.
            self._living("Execution").stopped(stopped_because(word), Finding.FAILS)

    def _stay(self, state: str, error: LockkeeperError) -> None:
        """A rollback that could not be: a whole execution stands; anything else needs people."""
        desk = self._desk
        stands = isinstance(error, Blocked | Refused) and state in ("executed", "finished")
        escalation = conductor.judge(error, is_changed=False)
        report = conductor.escalated(desk.brief(), automation.ROLE, escalation, desk.mentions)
        key = f"rollback-refused:{desk.order.version}"
        detail = {"root_cause": escalation.root_cause}
        desk.move(Event.STANDS if stands else Event.BROKE, desk.said(key, report), detail=detail)

    def _rolled_back(self, outcome: Outcome, comment: LivingComment) -> None:
        desk = self._desk
        report = automation.rolled_back(outcome, comment.milliseconds, tuple(comment.log))
        comment.say("Every step is undone.", Finding.HOLDS)
        # What was ticked was true of a schema that is gone.
        reopened = tuple(
            replace(each, holds=False, evidence=f"Rolled back: {each.evidence}" if each.evidence else "")
            for each in desk.order.criteria
        )
        perform(
            self._services,
            Decided(intents=Closing(desk).farewell("Rolled back.", comment.milliseconds, self._aborted())),
            key=f"closing:{desk.order.id}:{self._run}:rolled_back",
        )
        desk.move(
            Event.ROLLED_BACK,
            SetCriteria(order_id=desk.order.id, criteria=reopened),
            desk.said("rollback", report),
            detail={"run": self._run, "milliseconds": comment.milliseconds},
        )


def validation_tables(desk: Desk) -> tuple[Any, ...]:
    """The tables whose workload is judged: those that were measured before."""
    kept = desk.kept(BEFORE)
    before = Measured(answers=(), traffic={}) if kept is None else validation.from_json(kept)
    return tuple(sorted({answer.query.table for answer in before.answers}))


def _stored(target: Target, run: str) -> journal.Run | None:
    """The run as the target has it; None where it was never begun there."""
    try:
        return journal.get_run(target, run)
    except Refused:
        return None
