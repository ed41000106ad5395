"""When an approved order may begin: what its approval rested on holds, and it is its turn on the target.

Looked at anew each time; whoever cannot begin yet waits in `approved`, and says for what.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot.conducting.desk import TURN, Desk
from bot.errors import Blocked
from bot.gather import approvers_of
from bot.store import findings, orders
from workorders.authority import enough
from workorders.decision import Decision
from workorders.intents import VoidApprovals
from workorders.lifecycle import ON_TARGET, Event
from workorders.migration.engine import Prepared
from workorders.order import Order, State
from workorders.policy import Execute


class Turn:
    """One approved order before its execution."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def take(self) -> None:
        """Lets the order begin, or voids what no longer holds. Raises Blocked while it has to wait."""
        desk, order = self._desk, self._desk.order
        decision = enough(order, desk.policy, approvers_of(desk.services, order, desk.policy))
        if decision.is_wait:
            raise Blocked(decision.sentence, "It is asked again.")
        if not decision.is_yes:
            self._unapprove(decision)
            return
        self._must_be_let()
        self._must_be_first()
        with desk.target() as target:
            prepared = desk.prepared(target)
        if prepared.plan.digest != order.digest:
            reason = "The target, the policy or Lockkeeper has changed since it was approved."
            voided = VoidApprovals(order_id=order.id, reason=reason)
            desk.move(Event.OUTDATED, voided, desk.told("outdated", reason), detail={"reason": reason})
            return
        if not self._is_accepted(prepared):
            return
        desk.move(Event.TURN_CAME, detail={"digest": order.digest})

    def _must_be_let(self) -> None:
        """Raises Blocked for what holds this order alone; those behind it need not wait for that."""
        held = self._held_by()
        self._desk.keep(TURN, {"is_held": held is not None})
        if held is not None:
            raise held

    def _held_by(self) -> Blocked | None:
        rules = self._desk.rules
        if rules is not None and rules.execute is Execute.ON_COMMAND:
            return Blocked("The policy says execute: on-command.", "A supervisor comments /wo execute.")
        now = datetime.now(UTC)
        if rules is not None and rules.windows and not any(window.holds(now) for window in rules.windows):
            opens = min(window.opens_at(now) for window in rules.windows)
            return Blocked("No window is open.", f"It begins at {opens:%Y-%m-%d %H:%M %Z}.")
        return None

    def _must_be_first(self) -> None:
        """One order at a time on a target, in the order of the approvals. Raises Blocked."""
        order = self._desk.order
        with self._desk.services.pool.transaction() as ours:
            others = [each for each in orders.of_target(ours, order.target) if each.id != order.id]
            for other in others:
                if other.state in ON_TARGET:
                    raise Blocked(
                        f"{_named(other)} is {other.state.value.replace('_', ' ')} on {order.target}.",
                        "This order begins when that one has left it.",
                    )
            for other in others:
                if other.state is State.APPROVED and _place(other) < _place(order):
                    turn = findings.kept(ours, other.id, Desk.phase_of(TURN), TURN)
                    if not (turn or {}).get("is_held"):
                        raise Blocked(
                            f"{_named(other)} was approved for {order.target} before this one.",
                            "They run in the order of their approvals.",
                        )

    def _is_accepted(self, prepared: Prepared) -> bool:
        desk, order = self._desk, self._desk.order
        accepted = {name for approval in order.approvals for name in approval.accepted}
        missing = [name for name in prepared.plan.acceptances if name not in accepted]
        if not missing:
            return True
        reason = f"The approval has to accept {', '.join(missing)} expressly."
        voided = VoidApprovals(order_id=order.id, reason=reason)
        command = f"Comment: /wo approve {order.digest[:16]} --accept {missing[0]}"
        said = desk.told(f"unaccepted:{order.version}", f"{reason} {command}")
        desk.move(Event.UNAPPROVED, voided, said, detail={"reason": reason})
        return False

    def _unapprove(self, decision: Decision) -> None:
        desk = self._desk
        said = desk.told(f"unapproved:{desk.order.version}", decision.sentence)
        desk.move(Event.UNAPPROVED, said, detail={"reason": decision.sentence})


def _place(order: Order) -> tuple[datetime, int]:
    """Its place in the line: when it had all its approvals."""
    return max(each.approved_at for each in order.approvals), order.id


def _named(order: Order) -> str:
    return f"#{order.issue_number}" if order.issue_number is not None else order.title
