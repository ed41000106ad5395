"""What can go wrong in the outside world, as branches of the engine's tree.

Refused, Unreadable, Blocked and Broken are the engine's own; below Blocked stands
`OrderMoved`: the order has changed since the decision was made, so decide again.
"""

from __future__ import annotations

import secrets

from workorders.migration.errors import Blocked, Broken, LockkeeperError, Problem, Refused, Unreadable

__all__ = [
    "Blocked",
    "Broken",
    "LockkeeperError",
    "OrderMoved",
    "Problem",
    "Refused",
    "Unreadable",
    "new_reference",
]


class OrderMoved(Blocked):
    """A decision was made on a version of the order that is not the newest. Nothing was changed."""

    def __init__(self, order_id: int, decided_on: int | None, version: int | None) -> None:
        self.order_id = order_id
        self.decided_on = decided_on
        self.version = version
        super().__init__(
            f"Order {order_id} stands at version {version}, and this was decided on {decided_on}.",
            "Read it again and decide again.",
        )


def new_reference() -> str:
    """Eight characters that stand in the log and in the comment, and lead from one to the other."""
    return secrets.token_hex(4)
