"""`speed`: how fast the running backfill goes."""

from __future__ import annotations

import re

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Reaction, SetSpeed
from workorders.migration.errors import Refused
from workorders.order import State
from workorders.report import named

#: In percent of the usual speed. Slower than that is a pause; faster than that no budget would allow.
SLOWEST, FASTEST = 10, 400

_PERCENT = re.compile(r"(0*[0-9]{1,4}) ?%?")


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Keeps it with the order; a run that is under way hears of it within a second."""
    order = facts.order
    assert order is not None
    percent = _percent(command)
    if percent == order.speed_percent:
        raise Refused.because(
            f"It goes at {percent} % of its usual speed already.",
            f"An author or a supervisor can name another one: {named('/wo ' + KIND.usage)}.",
        )
    said = (
        f"Its backfills go at {percent} % of their usual speed from now on. The stall budget holds at any "
        "speed, so a high one may not be reached."
    )
    return (
        *answers.reacted(context, Reaction.DONE),
        SetSpeed(order_id=order.id, percent=percent, by=context.person, detail=spoken(command, context)),
        *answers.told(context, said, f"{command.line}", order),
    )


def _percent(command: Command) -> int:
    match = _PERCENT.fullmatch(command.text)
    percent = int(match[1]) if match else 0
    if not SLOWEST <= percent <= FASTEST:
        raise Refused.because(
            f"{named(command.text[:60])} is no speed: it is {SLOWEST} to {FASTEST} percent of the usual.",
            f"An author or a supervisor can write {named('/wo speed 50%')}, or {named('/wo pause')}.",
        )
    return percent


KIND = Kind(
    verb="speed",
    usage="speed N%",
    help=f"Lets the running backfill go slower or faster: {SLOWEST} to {FASTEST} percent of its usual speed.",
    who=Who.AUTHOR_OR_SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    least_words=1,
    most_words=2,
    states=frozenset({State.EXECUTING, State.PAUSED}),
    about=About.MIGRATION,
)
