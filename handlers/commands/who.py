"""`who`: who could move an order now, and why others could not."""

from __future__ import annotations

from collections.abc import Sequence

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Colleague, Context, Facts, Need
from handlers.gate import in_words
from workorders import people
from workorders.authority import Who, may, supervisors_of
from workorders.decision import Decision
from workorders.intents import Intent, Reaction
from workorders.order import Order, State
from workorders.policy import Policy, PolicyAnswer
from workorders.report import Finding, Grid, Paragraph, Report, Section, named
from workorders.reporting import may_report
from workorders.waiting import awaited


def with_who(others: Sequence[Kind]) -> tuple[Kind, ...]:
    """The kinds, and `who`, which judges people by them."""

    def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
        order = facts.order
        assert order is not None
        acts = [
            kind
            for kind in others
            if kind.who is not Who.READER
            and kind.states is not None
            and order.state in kind.states
            and kind.is_about(order)
        ]
        rows = tuple(_row(each, acts, order, facts) for each in facts.colleagues)
        teams = _teams(order, facts)
        blocks = (
            *((Grid(header=("Who", "Could now", "Could not, because"), rows=rows),) if rows else ()),
            *((Paragraph(text=teams),) if teams else ()),
        )
        verbs = ", ".join(f"{named('/wo ' + kind.verb)} ({kind.who.value})" for kind in acts) or "nothing"
        report = Report(
            role="conductor",
            title=f"Who could move it, while it is {in_words(order.state)}",
            summary=f"{awaited(order)} Possible now: {verbs}.",
            finding=Finding.NOTE,
            sections=(Section(title="People", blocks=blocks),) if blocks else (),
        )
        told = answers.told(context, report, f"{command.line}", order)
        return (*answers.reacted(context, Reaction.DONE), *told)

    own = Kind(
        verb="who",
        usage="who",
        help="Shows who could move the order now, and why others could not.",
        who=Who.READER,
        needs=frozenset({Need.ORDER, Need.POLICY, Need.COLLEAGUES}),
        handle=handle,
        states=frozenset(State),
    )
    return (*others, own)


def _row(colleague: Colleague, acts: Sequence[Kind], order: Order, facts: Facts) -> tuple[str, ...]:
    could: list[str] = []
    because: dict[str, list[str]] = {}
    for kind in acts:
        decision = _decision(kind, colleague, order, facts.policy)
        if decision.is_yes:
            could.append(named(f"/wo {kind.verb}"))
        else:
            because.setdefault(decision.because, []).append(kind.verb)
    reasons = " ".join(f"{', '.join(verbs)}: {reason}" for reason, verbs in because.items())
    return (named(colleague.person.login), ", ".join(could) or "nothing", reasons)


def _decision(kind: Kind, colleague: Colleague, order: Order, policy: PolicyAnswer) -> Decision:
    phase = people.open_phase(order) if kind.who is Who.ROLE else None
    if phase is not None:
        return may_report(colleague.person, phase.role, policy, colleague.rights)
    return may(colleague.person, kind.who, order, policy, colleague.rights)


def _teams(order: Order, facts: Facts) -> str:
    rules = facts.policy.targets.get(order.target) if isinstance(facts.policy, Policy) else None
    teams = [each.name for each in supervisors_of(order, facts.policy) if each.is_team]
    if not teams:
        return ""
    but = "" if rules is None or rules.self_approval else ", who may not approve if they are authors"
    return f"Supervisors are also the members of {', '.join(map(named, teams))} with write permission{but}."
