"""`execute`: a supervisor lets an approved order begin, where the policy waits for that word."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Move, Reaction, Work
from workorders.lifecycle import Event, states_that_accept
from workorders.migration.errors import Refused
from workorders.policy import Execute, Policy
from workorders.report import named
from workorders.turn import held_back


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Records the word; the worker begins as soon as nothing else holds the order back."""
    order = facts.order
    assert order is not None
    rules = facts.policy.targets.get(order.target) if isinstance(facts.policy, Policy) else None
    why = f"Anyone can ask {named('/wo why')}."
    if rules is None or rules.execute is not Execute.ON_COMMAND:
        raise Refused.because("It needs no command: it begins by itself when its turn comes.", why)
    if order.is_commanded:
        raise Refused.because("It has been told to begin already.", why)
    moved = Move(order_id=order.id, event=Event.COMMANDED, by=context.person, detail=spoken(command, context))
    others = [
        part.because
        for part in held_back(order, rules, facts.standing, facts.now).parts
        for part in (part.parts or (part,))
        if not part.is_yes and "on-command" not in part.because
    ]
    told = answers.told(context, " ".join(others), f"{command.line}", order) if others else ()
    return (*answers.reacted(context, Reaction.STARTED), moved, *told, Work(order_id=order.id))


KIND = Kind(
    verb="execute",
    usage="execute",
    help="Lets an approved order begin, where the policy says execute: on-command.",
    who=Who.SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY, Need.STANDING}),
    handle=handle,
    states=frozenset(states_that_accept(Event.COMMANDED)),
    about=About.MIGRATION,
)
