"""`done`: all criteria hold; the order is closed and remembered."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import CloseIssue, Intent, Move, Reaction, Work
from workorders.lifecycle import Event, states_that_accept
from workorders.migration.errors import Problem, Refused
from workorders.report import named

_NUMBER = re.compile(r"#([1-9][0-9]{0,9})")
_BARE_NUMBER = re.compile(r"[1-9][0-9]{0,9}")


@dataclass(frozen=True, kw_only=True)
class _Said:
    number: int | None
    summary: str


def _said(command: Command, context: Context) -> _Said:
    first, *others = command.words
    if match := _NUMBER.fullmatch(first):
        return _Said(number=int(match[1]), summary=" ".join(others))
    # Without # it is a number only before one quoted summary: `done 3 columns dropped` is a sentence.
    if len(others) == 1 and " " in others[0] and _BARE_NUMBER.fullmatch(first):
        return _Said(number=int(first), summary=others[0])
    return _Said(number=context.number, summary=command.text)


def order_number(command: Command, context: Context) -> int | None:
    """The issue that is meant: the one that is named, else this one."""
    return _said(command, context).number


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Closes the order; the worker writes the closing report and what is remembered."""
    order = facts.order
    assert order is not None
    summary = _said(command, context).summary
    if not summary.strip():
        raise Refused.because(
            "There is no summary, and it is what later orders are told.",
            f"An author or a supervisor can write {named('/wo ' + KIND.usage)}.",
        )
    problems = tuple(
        Problem(
            line=None,
            reason=f"Criterion {each.number} is open: {named(each.text)}.",
            next_move=f"A check has found that it does not hold; a supervisor can {named('/wo rollback')}."
            if each.fails
            else f"A check ticks it, or a supervisor with {named(f'/wo confirm {each.number} ...')}.",
        )
        for each in order.criteria
        if not each.holds
    )
    if problems:
        raise Refused(*problems)
    return (
        *answers.reacted(context, Reaction.DONE),
        Move(
            order_id=order.id,
            event=Event.DONE,
            by=context.person,
            detail={**spoken(command, context), "summary": summary},
        ),
        CloseIssue(order_id=order.id, is_completed=True),
        Work(order_id=order.id),
    )


KIND = Kind(
    verb="done",
    usage='done [#N] "summary"',
    help="Closes an order whose criteria all hold, and remembers it.",
    who=Who.AUTHOR_OR_SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    order_number=order_number,
    handle=handle,
    least_words=1,
    most_words=None,
    states=frozenset(states_that_accept(Event.DONE)),
)
