"""When an approved order may begin: what its approval rested on holds, and it is its turn on the target.

Looked at anew each time; whoever cannot begin yet waits in `approved`, and says for what.
"""

from __future__ import annotations

from datetime import UTC, datetime

from bot import inquiry
from bot.conducting.approvals import Approvals
from bot.conducting.desk import Desk
from bot.errors import Blocked
from bot.inquiry import TURN
from workorders import turn
from workorders.intents import VoidApprovals
from workorders.lifecycle import Event
from workorders.migration.engine import Prepared


class Turn:
    """One approved order before its execution."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def take(self) -> None:
        """Lets the order begin, or voids what no longer holds. Raises Blocked while it has to wait."""
        desk, order = self._desk, self._desk.order
        if not Approvals(desk).still_hold():
            return
        self._must_be_its_turn()
        with desk.target() as target:
            prepared = desk.prepared(target)
        if prepared.plan.digest != order.digest:
            reason = "The target, the policy or Lockkeeper has changed since it was approved."
            reason += desk.what_moved(prepared.plan)
            voided = VoidApprovals(order_id=order.id, reason=reason)
            desk.move(Event.OUTDATED, voided, desk.told("outdated", reason), detail={"reason": reason})
            return
        if not self._is_accepted(prepared):
            return
        desk.move(Event.TURN_CAME, detail={"digest": order.digest})

    def _must_be_its_turn(self) -> None:
        """Raises Blocked for what holds it back. What holds this order alone holds up nobody behind it."""
        desk = self._desk
        with desk.services.pool.transaction() as ours:
            standing = inquiry.standing(ours, desk.order, desk.rules)
        own = turn.let(desk.order, desk.rules, standing, datetime.now(UTC))
        desk.keep(TURN, {"is_held": not own.is_yes})
        for decision in (own, turn.first(desk.order, standing)):
            if not decision.is_yes:
                raise Blocked(decision.because, decision.next_move)

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
