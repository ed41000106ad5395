"""`rollback`: undoes an executed order, data included."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Move, Reaction, ReopenIssue, Work
from workorders.lifecycle import Event, states_that_accept
from workorders.migration.errors import Refused
from workorders.order import Quarantine, State
from workorders.report import named


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Moves the order; the worker undoes it. A done order's issue is opened again."""
    order = facts.order
    assert order is not None
    if order.quarantine is not Quarantine.KEPT:
        raise Refused.because(
            "It was purged: what a rollback needs is gone.",
            f"Anyone with write permission can open an order that makes the change the other way round: "
            f"{named('/wo start <definition>')}.",
        )
    moved = Move(order_id=order.id, event=Event.ROLLBACK, by=context.person, detail=spoken(command, context))
    reopened = (ReopenIssue(order_id=order.id),) if order.state is State.DONE else ()
    return (*answers.reacted(context, Reaction.STARTED), moved, *reopened, Work(order_id=order.id))


KIND = Kind(
    verb="rollback",
    usage="rollback",
    help="Undoes an executed order: schema and data, rows written since included.",
    who=Who.SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    states=frozenset(states_that_accept(Event.ROLLBACK)),
    about=About.MIGRATION,
)
