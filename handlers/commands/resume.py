"""`resume`: a paused plan goes on where it stopped."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Move, Reaction, Work
from workorders.lifecycle import Event, states_that_accept


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Moves the order; a worker goes on from the journal's cursor."""
    order = facts.order
    assert order is not None
    return (
        *answers.reacted(context, Reaction.STARTED),
        Move(order_id=order.id, event=Event.RESUMED, by=context.person, detail=spoken(command, context)),
        Work(order_id=order.id),
    )


KIND = Kind(
    verb="resume",
    usage="resume",
    help="Lets a paused plan go on from where it stopped.",
    who=Who.AUTHOR_OR_SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    states=frozenset(states_that_accept(Event.RESUMED)),
    about=About.MIGRATION,
)
