"""`why`: what holds an order back, with the evidence of each part."""

from __future__ import annotations

from collections.abc import Iterator

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.gate import in_words
from workorders.authority import Who
from workorders.decision import Decision, Outcome
from workorders.intents import Intent, Reaction
from workorders.order import State
from workorders.reasons import why
from workorders.report import Finding, Grid, Report, Section

_FINDINGS = {Outcome.YES: Finding.HOLDS, Outcome.WAIT: Finding.OPEN, Outcome.NO: Finding.FAILS}


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Shows the decision as a tree."""
    order = facts.order
    assert order is not None
    decision = why(order, facts.policy, facts.approvers, facts.standing, facts.now)
    told = answers.told(
        context, tree(f"Why it is {in_words(order.state)}", decision), f"{command.line}", order
    )
    return (*answers.reacted(context, Reaction.DONE), *told)


def tree(title: str, decision: Decision) -> Report:
    """A decision with all that it was made of."""
    rows = tuple(row for part in decision.parts for row in _rows(part, 0))
    grid = Grid(header=("", "Because", "What would change it"), rows=rows)
    return Report(
        role="conductor",
        title=title,
        summary=decision.sentence,
        finding=_FINDINGS[decision.outcome],
        sections=(Section(title="All that decides", blocks=(grid,)),) if rows else (),
    )


def _rows(decision: Decision, depth: int) -> Iterator[tuple[str, ...]]:
    yield (f"{'· ' * depth}{decision.outcome.value}", decision.because, decision.next_move)
    for part in _told_apart(decision):
        yield from _rows(part, depth + 1)


def _told_apart(decision: Decision) -> Iterator[Decision]:
    """Its parts; in the place of one with whose words it speaks, that one's own."""
    for part in decision.parts:
        if part.because == decision.because:
            yield from _told_apart(part)
        else:
            yield part


KIND = Kind(
    verb="why",
    usage="why",
    help="Shows what holds the order back, with the evidence of each part.",
    who=Who.READER,
    needs=frozenset({Need.ORDER, Need.POLICY, Need.APPROVERS, Need.STANDING}),
    handle=handle,
    states=frozenset(State),
)
