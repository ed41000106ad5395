"""`plan`: the steps, what each locks, and how it is undone."""

from __future__ import annotations

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from workorders import stored_plan
from workorders.authority import Who
from workorders.intents import Intent, Reaction
from workorders.migration.errors import Refused
from workorders.order import State
from workorders.report import named
from workorders.waiting import awaited


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Shows the plan of the order's script as its last rehearsal left it."""
    order = facts.order
    assert order is not None
    if facts.plan is None:
        raise Refused.because(
            "This script has no plan yet: it comes with the rehearsal.",
            f"{awaited(order)} Anyone can ask {named('/wo status')}.",
        )
    told = answers.told(context, stored_plan.report(facts.plan), f"{command.line}", order)
    return (*answers.reacted(context, Reaction.DONE), *told)


KIND = Kind(
    verb="plan",
    usage="plan",
    help="Shows the steps with their locks and the way back of each, and files for psql.",
    who=Who.READER,
    needs=frozenset({Need.ORDER, Need.PLAN}),
    handle=handle,
    states=frozenset(State),
    about=About.MIGRATION,
)
