"""An order's approvals, read again by the worker."""

from __future__ import annotations

from bot.conducting.desk import Desk
from bot.errors import Blocked
from bot.gather import approvers_of
from workorders.authority import enough
from workorders.decision import Decision
from workorders.lifecycle import Event


class Approvals:
    """Those of one order, judged by the policy and the rights of now."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def count(self) -> None:
        """Lets the order go on where what GitHub had not answered about an approver is known by now.

        Raises Blocked while it is not.
        """
        desk, order = self._desk, self._desk.order
        if not any(each.digest == order.digest for each in order.approvals):
            return
        decision = self._decision()
        if decision.is_wait:
            raise Blocked(decision.because, decision.next_move)
        if decision.is_yes:
            desk.move(Event.APPROVED, detail={"digest": order.digest, "approvals": decision.because})

    def still_hold(self) -> bool:
        """Whether they are enough now; if not, the order goes back to wait for them.

        Raises Blocked where GitHub has not answered.
        """
        decision = self._decision()
        if decision.is_wait:
            raise Blocked(decision.sentence, "It is asked again.")
        if decision.is_yes:
            return True
        desk = self._desk
        said = desk.told(f"unapproved:{desk.order.version}", decision.sentence)
        desk.move(Event.UNAPPROVED, said, detail={"reason": decision.sentence})
        return False

    def _decision(self) -> Decision:
        desk = self._desk
        return enough(desk.order, desk.policy, approvers_of(desk.services, desk.order, desk.policy))
