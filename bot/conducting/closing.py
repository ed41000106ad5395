"""The end of an order: the closing report, what is remembered, and the purge when its time has come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.conducting.desk import BEFORE, OUTCOME, REHEARSAL, Desk
from bot.perform import Decided, perform
from bot.store import events, orders
from workorders.intents import Intent, Move, Remember
from workorders.lifecycle import Event
from workorders.migration import validation
from workorders.migration.executor import Executor
from workorders.migration.limits import Limits
from workorders.order import Order, Quarantine
from workorders.roles import conductor

#: When the run was finished.
_CLOSED = "closed"

#: Where the policy says nothing.
_RETENTION_DAYS = 7


class Closing:
    """Ends one order."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._services = desk.services

    def close(self, result: str, *, is_remembered: bool) -> None:
        """Finishes the run, reports and remembers, once; later, when it is time, purges."""
        desk = self._desk
        closed = self._kept_of_this_run(_CLOSED)
        if closed is None:
            self._finish(purge=False)
            if is_remembered:
                perform(
                    self._services,
                    Decided(intents=self.farewell(result, 0.0)),
                    key=f"closing:{desk.order.id}:{desk.order.run}:done",
                )
            closed = {"at": datetime.now(UTC).isoformat(), "run": desk.order.run}
            desk.keep(_CLOSED, closed)
        if desk.order.quarantine is Quarantine.PURGED or not desk.order.run:
            return
        if desk.order.quarantine is Quarantine.PURGE_ASKED:
            self.purge()
            return
        days = desk.rules.retention_days if desk.rules else _RETENTION_DAYS
        due = datetime.fromisoformat(str(closed["at"])) + timedelta(days=days)
        if datetime.now(UTC) >= due:
            self.purge()
            return
        with self._services.pool.transaction() as ours:
            orders.look_again(ours, desk.order.id, due)

    def purge_if_asked(self) -> None:
        """Of an order that soaks, or was rolled back."""
        if self._desk.order.quarantine is Quarantine.PURGE_ASKED:
            self.purge()

    def purge(self) -> None:
        """Gives up what was kept for the way back, and says so. A second time does nothing."""
        desk, order = self._desk, self._desk.order
        self._finish(purge=True)
        said = "It is purged: what was kept for the way back is gone, and it cannot be rolled back any more."
        moved = Move(order_id=order.id, event=Event.PURGED, by=None, detail={"run": order.run})
        told = desk.told(f"purged:{order.run}", said)
        perform(self._services, Decided(intents=(moved, told), decided_on=(order,)))

    def _kept_of_this_run(self, name: str) -> Mapping[str, Any] | None:
        """What an earlier run of the same order has left says nothing of this one."""
        found = self._desk.kept(name)
        return (
            found
            if found is not None and found.get("run", self._desk.order.run) == self._desk.order.run
            else None
        )

    def _finish(self, *, purge: bool) -> None:
        order = self._desk.order
        if not order.run:
            return
        with Executor(self._desk.dsn, order.run, Limits()) as executor:
            executor.finish(purge=purge)

    def farewell(self, result: str, rollback_ms: float, aborted: str = "") -> tuple[Intent, ...]:
        """The closing report, and the lesson. `aborted` says who ended it in the middle, and why."""
        desk = self._desk
        facts = self._facts(result, rollback_ms)
        if aborted:
            facts["root_cause"] = aborted
        report = conductor.closing(desk.brief(), result, facts)
        tables = tuple(str(name) for name in self._tables())
        lesson = Remember(
            order_id=desk.order.id,
            target=desk.order.target,
            tables=tables,
            summary=self._summary(desk.order, result),
            facts=facts,
        )
        return (desk.said(f"closing:{result.lower()}", report), lesson)

    def _summary(self, order: Order, result: str) -> str:
        """What the person who closed it wrote; else the result with the order's title."""
        with self._services.pool.transaction() as ours:
            happened = events.of(ours, order.id)
        done = [each.happening for each in happened if each.happening.kind == "done"]
        said = done[-1].detail.get("summary") if done else None
        return str(said) if said else f"{result} {order.title}"

    def _tables(self) -> tuple[object, ...]:
        kept = self._desk.kept(BEFORE)
        if kept is None:
            return ()
        measured = validation.from_json(kept)
        return tuple(sorted({answer.query.table for answer in measured.answers}))

    def _facts(self, result: str, rollback_ms: float) -> dict[str, str | int | float | bool]:
        """Predicted and real figures."""
        rehearsed = self._desk.kept(REHEARSAL) or {}
        outcome = self._desk.kept(OUTCOME)
        facts: dict[str, str | int | float | bool] = {"result": result.rstrip(".").lower()}
        if rehearsed:
            facts["rehearsed_ms"] = round(sum(rehearsed["milliseconds"].values()), 1)
        if outcome:
            facts["real_ms"] = round(float(outcome["milliseconds"]), 1)
            facts["longest_stall_ms"] = round(float(outcome["longest_stall_ms"]), 1)
            facts["failed_lock_tries"] = int(outcome["failed_lock_tries"])
            facts.update(outcome.get("score", {}))
        if rollback_ms:
            facts["rollback_ms"] = round(rollback_ms, 1)
        return facts
