"""Orders in ours, without GitHub's part in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.perform import Decided, perform
from bot.services import Services
from bot.store import events, orders
from tests.integration.store.values import opening
from workorders.order import Order, State


def opened(services: Services, **changes: Any) -> int:
    """The number of a new order."""
    (order_id,) = perform(services, Decided(intents=(opening(**changes),))).opened
    return order_id


def read(services: Services, order_id: int) -> Order:
    with services.pool.transaction() as ours:
        order = orders.read(ours, order_id)
    assert order is not None
    return order


def state(services: Services, order_id: int) -> State:
    return read(services, order_id).state


def kinds(services: Services, order_id: int) -> list[str]:
    """The kinds of the order's events, in order; the chain holds."""
    with services.pool.transaction() as ours:
        assert events.verify(ours, order_id) is None
        return [each.happening.kind for each in events.of(ours, order_id)]


@dataclass(frozen=True)
class Conducts:
    """A conductor of one function."""

    advance_order: Callable[[int], None]

    def advance(self, order_id: int) -> None:
        self.advance_order(order_id)
