"""`abort`: a plan that is under way stops at the next safe place, and what it did is undone at once."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Move, Reaction, Work
from workorders.lifecycle import Event, states_that_accept

_MOST_REASON = 300


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Moves the order; the worker undoes it as soon as the run has let go."""
    order = facts.order
    assert order is not None
    reason = command.text.strip()[:_MOST_REASON]
    detail = {**spoken(command, context), **({"reason": reason} if reason else {})}
    said = (
        "It stops after the batch that is being done, or where there are none after the step; an index that "
        "is being built concurrently is not waited for. Then all that was done is undone, rows written since "
        "included."
    )
    return (
        *answers.reacted(context, Reaction.STARTED),
        Move(order_id=order.id, event=Event.ABORTED, by=context.person, detail=detail),
        *answers.told(context, said, f"{command.line}", order),
        Work(order_id=order.id),
    )


KIND = Kind(
    verb="abort",
    usage='abort ["why"]',
    help="Stops a plan that is under way, and undoes what was done.",
    who=Who.AUTHOR_OR_SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    most_words=None,
    states=frozenset(states_that_accept(Event.ABORTED)),
    about=About.MIGRATION,
)
