"""`cancel`: ends an order that has changed nothing in its target."""

from __future__ import annotations

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import CloseIssue, Intent, Move, Reaction
from workorders.lifecycle import Event, states_that_accept


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Moves the order and closes its issue as not planned."""
    order = facts.order
    assert order is not None
    return (
        *answers.reacted(context, Reaction.DONE),
        Move(order_id=order.id, event=Event.CANCELLED, by=context.person, detail=spoken(command, context)),
        CloseIssue(order_id=order.id, is_completed=False),
    )


KIND = Kind(
    verb="cancel",
    usage="cancel",
    help="Ends an order that has not run, or has been rolled back.",
    who=Who.AUTHOR_OR_SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    states=frozenset(states_that_accept(Event.CANCELLED)),
)
