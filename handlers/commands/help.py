"""`help`: what can be said, and by whom."""

from __future__ import annotations

from collections.abc import Sequence

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.gate import possible_now
from workorders.authority import Who
from workorders.intents import Intent, Reaction
from workorders.migration.errors import Refused
from workorders.nearest import did_you_mean
from workorders.report import Finding, Grid, Report, Section, named


def with_help(others: Sequence[Kind]) -> tuple[Kind, ...]:
    """The kinds, and `help` for them and for itself."""

    def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
        chosen = kinds
        if command.words:
            verb = command.words[0].casefold()
            chosen = tuple(kind for kind in kinds if kind.verb == verb)
            if not chosen:
                raise Refused.because(
                    f"There is no command {named(verb[:60])}.",
                    f"{did_you_mean(verb, (kind.verb for kind in kinds))} "
                    f"Anyone can ask {named('/wo help')}.",
                )
        report = Report(
            role="conductor",
            title="Commands",
            summary="Each on a line of its own, on the order's issue. "
            + ("" if facts.order is None else possible_now(facts.order, kinds)),
            finding=Finding.NOTE,
            sections=(Section(title="What there is", blocks=(_grid(chosen),)),),
        )
        told = answers.told(context, report, f"{command.line}", facts.order)
        return (*answers.reacted(context, Reaction.DONE), *told)

    own = Kind(
        verb="help",
        usage="help [command]",
        help="Shows what can be said, and by whom.",
        who=Who.READER,
        needs=frozenset({Need.ORDER}),
        handle=handle,
        most_words=1,
    )
    kinds = (*others, own)
    return kinds


def _grid(kinds: Sequence[Kind]) -> Grid:
    rows = tuple((named("/wo " + kind.usage), kind.help, kind.who.value) for kind in kinds)
    return Grid(header=("command", "what it does", "who"), rows=rows)
