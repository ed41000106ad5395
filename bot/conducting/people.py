"""Leads orders whose phases people do: there is little to do but to look at approvals, and to close."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.conducting.approvals import Approvals
from bot.conducting.closing import Closing
from bot.conducting.desk import Desk
from bot.services import Services
from bot.store import orders
from workorders.lifecycle import Event
from workorders.order import State

#: People need no worker; a look now and then makes up for whatever was lost.
_LOOK_AGAIN = timedelta(hours=6)


class PeopleConductor:
    """Leads orders without a target. Thread-safe: each call has a desk of its own."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def advance(self, order_id: int) -> None:
        """Does the work of the order's state, once. Raises as the Protocol says."""
        desk = Desk.of(self._services, order_id)
        match desk.order.state:
            case State.AWAITING_APPROVAL:
                Approvals(desk).count()
            case State.APPROVED:
                if Approvals(desk).still_hold():
                    desk.move(Event.NOTHING_TO_RUN, detail={"digest": desk.order.digest})
            case State.DONE:
                Closing(desk).close("Done.", is_remembered=True)
            case _:
                with self._services.pool.transaction() as ours:
                    orders.look_again(ours, order_id, datetime.now(UTC) + _LOOK_AGAIN)
