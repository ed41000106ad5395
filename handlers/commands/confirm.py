"""`confirm`: a supervisor's word for a criterion that no check could measure."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Reaction, SetCriteria
from workorders.migration.errors import Refused
from workorders.order import Criterion, Order, State
from workorders.report import named

_NUMBER = re.compile(r"#?([1-9][0-9]{0,3})")


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Ticks the criterion, with who says so and what they saw as its evidence."""
    order = facts.order
    assert order is not None
    first, *others = command.words
    seen = " ".join(others)
    if not seen.strip():
        raise Refused.because(
            "There is no word of what was seen, and it is the only evidence.",
            f"A supervisor can write {named('/wo ' + KIND.usage)}.",
        )
    chosen = _open_criterion(first, order)
    who = context.person.login if context.person.is_operator else f"@{context.person.login}"
    ticked = replace(chosen, holds=True, evidence=f"confirmed by {named(who)}: {named(seen)}")
    return (
        *answers.reacted(context, Reaction.DONE),
        SetCriteria(
            order_id=order.id,
            criteria=tuple(ticked if each.number == chosen.number else each for each in order.criteria),
            by=context.person,
            detail=spoken(command, context),
        ),
    )


def _open_criterion(word: str, order: Order) -> Criterion:
    match = _NUMBER.fullmatch(word)
    number = int(match[1]) if match else None
    chosen = next((each for each in order.criteria if each.number == number), None)
    if chosen is None:
        open_ones = [each for each in order.criteria if not each.holds and not each.fails]
        shown = "; ".join(f"{each.number}, {named(each.text)}" for each in open_ones)
        raise Refused.because(
            f"{named(word[:20])} is not the number of a criterion of this order.",
            f"Those that a supervisor can confirm: {shown}."
            if shown
            else "A supervisor has none to confirm.",
        )
    if chosen.holds:
        raise Refused.because(
            f"Criterion {chosen.number} holds already: {chosen.evidence}",
            f"An author or a supervisor can close the order once all of them hold: {named('/wo done ...')}.",
        )
    if chosen.fails:
        raise Refused.because(
            f"A check has measured criterion {chosen.number}, and it does not hold: {chosen.evidence}",
            f"Nobody's word outweighs that. A supervisor can undo the order: {named('/wo rollback')}.",
        )
    return chosen


KIND = Kind(
    verb="confirm",
    usage='confirm N "what I saw"',
    help="Ticks a criterion that no check could measure, with what you saw as its evidence.",
    who=Who.SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    least_words=2,
    most_words=None,
    # Not while it validates: until the checks have spoken nobody knows which of them cannot.
    states=frozenset({State.SOAKING}),
)
