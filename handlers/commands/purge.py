"""`purge`: what was kept for the way back is given up before its time."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Move, Reaction, Work
from workorders.lifecycle import Event, states_that_accept
from workorders.migration.errors import Refused
from workorders.order import Quarantine
from workorders.report import named


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Records it; the worker empties the quarantine. There is no way back from here."""
    order = facts.order
    assert order is not None
    anyone = f"Anyone can ask {named('/wo log')}."
    if not order.run:
        raise Refused.because(
            "Nothing of this order was executed, so nothing is kept for a way back.", anyone
        )
    if order.quarantine is not Quarantine.KEPT:
        said = "It is purged already." if order.quarantine is Quarantine.PURGED else "It is being purged."
        raise Refused.because(said, anyone)
    said = (
        "What was kept for the way back is being given up. From here on nobody can roll this order back; "
        "a new migration would have to make the change the other way round."
    )
    return (
        *answers.reacted(context, Reaction.STARTED),
        Move(order_id=order.id, event=Event.PURGE, by=context.person, detail=spoken(command, context)),
        *answers.told(context, said, f"{command.line}", order),
        Work(order_id=order.id),
    )


KIND = Kind(
    verb="purge",
    usage="purge",
    help="Gives up what was kept for the way back before its time: after it there is no rollback.",
    who=Who.SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    states=frozenset(states_that_accept(Event.PURGE)),
    about=About.MIGRATION,
)
