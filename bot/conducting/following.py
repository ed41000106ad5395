"""The next orders: once one soaks, its SQL goes on to the targets that the policy puts after."""

from __future__ import annotations

from bot.conducting.desk import Desk
from bot.store import databases, orders
from bot.store.ours import Ours
from handlers.commands.start import title
from workorders import definition as definitions
from workorders.intents import OpenOrder
from workorders.lifecycle import CLOSED
from workorders.order import Order, State
from workorders.policy import Policy


def following(ours: Ours, desk: Desk) -> tuple[OpenOrder, ...]:
    """The orders to open now, in the policy's order: on bound targets that have none of this kind yet.

    They wait in `approved`, if they get there, until this one is done: it may still be taken back.
    """
    order = desk.order
    if not isinstance(desk.policy, Policy):
        return ()
    bound = databases.names_of(ours, order.repository.id)
    return tuple(
        _next(order, rules.name)
        for rules in desk.policy.targets.values()
        if rules.after == order.target and rules.name in bound and not _is_there(ours, order, rules.name)
    )


def _is_there(ours: Ours, order: Order, target: str) -> bool:
    same = orders.with_script(ours, order, target)
    beside = () if order.asked_on is None else orders.asked_on(ours, order.repository.id, order.asked_on)
    return any(each.state is State.DONE or each.state not in CLOSED for each in same) or any(
        (each.definition, each.target) == (order.definition, target) and each.state not in CLOSED
        for each in beside
    )


def _next(order: Order, target: str) -> OpenOrder:
    definition = definitions.from_markdown(order.definition_text)
    starter, *others = order.authors
    return OpenOrder(
        repository=order.repository,
        definition=order.definition,
        definition_text=order.definition_text,
        target=target,
        sql=order.sql,
        sql_origin=order.sql_origin,
        title=title(definition, target, order.sql_origin),
        starter=starter,
        authors=tuple(others),
        criteria=definition.open_criteria(),
        asked_on=order.asked_on,
        pull_request=order.pull_request,
        reading=order.reading,
        follows=order.id,
    )
