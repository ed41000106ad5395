"""`pause`: a running plan stops at the next safe place, and holds nothing in the target."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Move, Reaction
from workorders.lifecycle import Event, states_that_accept
from workorders.report import named


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Moves the order; its run hears of it at its next checkpoint, and its worker is free for others."""
    order = facts.order
    assert order is not None
    said = (
        "It stops after the batch that is being done, or where there are none after the step. What was done "
        f"stays done. An author or a supervisor can let it go on, {named('/wo resume')}, or take it back, "
        f"{named('/wo abort')}."
    )
    return (
        *answers.reacted(context, Reaction.DONE),
        Move(order_id=order.id, event=Event.PAUSED, by=context.person, detail=spoken(command, context)),
        *answers.told(context, said, f"{command.line}", order),
    )


KIND = Kind(
    verb="pause",
    usage="pause",
    help="Stops a running plan between two batches or steps; what was done stays done.",
    who=Who.AUTHOR_OR_SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    states=frozenset(states_that_accept(Event.PAUSED)),
    about=About.MIGRATION,
)
