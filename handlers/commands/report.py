"""`report`: a phase that people or agents do is done, or blocked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from handlers import answers
from handlers.command import About, Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders import people
from workorders.authority import Who, supervisors_of
from workorders.definition import Phase
from workorders.intents import Intent, KeepReport, Move, Reaction, Say, SetReview, VoidApprovals
from workorders.lifecycle import Event
from workorders.migration.errors import Blocked, Refused
from workorders.order import Order, PhaseReport, State
from workorders.policy import PolicyAnswer
from workorders.report import AlertKind, Answer, Answers, Finding, Paragraph, Report, Section, named
from workorders.reporting import may_report, role_s_people

_NUMBER = re.compile(r"#?([1-9][0-9]{0,2})")
_RESULTS = ("done", "blocked")


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Keeps the report, shows it as every role's, and goes on to the next phase."""
    order = facts.order
    assert order is not None
    phase = _phase(command, order)
    decision = may_report(context.person, phase.role, facts.policy, facts.rights)
    if decision.is_wait:
        raise Blocked(decision.because, decision.next_move)
    if not decision.is_yes:
        # An answer to a bot that nobody has named could begin a conversation of bots.
        return () if context.person.is_bot else answers.declined(context, decision, f"{command.line}", order)
    report = PhaseReport(
        phase=phase.number, is_done=_is_done(command), said=_said(command), by=context.person
    )
    is_authored = phase.role != people.supervisor_of(order) and not context.person.is_bot
    kept = KeepReport(order_id=order.id, report=report, is_authored=is_authored)
    said = _shown(command, order, phase, report, facts.policy)
    return (*answers.reacted(context, Reaction.DONE), kept, *_moves(command, context, order, report), said)


def _phase(command: Command, order: Order) -> Phase:
    match = _NUMBER.fullmatch(command.words[0])
    found = next((each for each in people.phases(order) if match and each.number == int(match[1])), None)
    now = people.open_phase(order)
    if found is None:
        raise Refused.because(
            f"{named(command.words[0][:20])} is not the number of a phase of this order.",
            f"{people.awaited(order)} It is for {Who.ROLE.value}.",
        )
    if order.state is State.CHANGES_REQUESTED:
        # Those before it stand; it and those after it are done anew.
        if now is None or found.number <= now.number:
            return found
    elif now is not None and found.number == now.number:
        return found
    is_earlier = now is None or found.number < now.number
    raise Refused.because(
        f"Phase {found.number} is {'reported already' if is_earlier else 'not open yet'}.",
        f"A supervisor can have it done again: {named('/wo request-changes ...')}. "
        if is_earlier
        else f"{people.awaited(order)} It is for {Who.ROLE.value}.",
    )


def _is_done(command: Command) -> bool:
    result = command.words[1].casefold()
    if result not in _RESULTS:
        raise Refused.because(
            f"{named(command.words[1][:20])} is no result.",
            f"A phase is {named('done')} or {named('blocked')}; {Who.ROLE.value} can say so: "
            f"{named('/wo ' + KIND.usage)}.",
        )
    return result == "done"


def _said(command: Command) -> str:
    said = " ".join(command.words[2:]).strip()
    if not said:
        raise Refused.because(
            "There is no word of what was done or found, and it is all that the next role is told.",
            f"{Who.ROLE.value.capitalize()} can write {named('/wo ' + KIND.usage)}.",
        )
    return said


def _moves(command: Command, context: Context, order: Order, report: PhaseReport) -> Iterator[Intent]:
    detail = {**spoken(command, context), "phase": report.phase}
    count = len(people.phases(order))
    events = (
        tuple(people.events_after(order.state, report.phase, count)) if report.is_done else (Event.REPORTED,)
    )
    if report.is_done and report.phase == count:
        earlier = tuple(each for each in order.reports if each.phase < report.phase)
        yield SetReview(order_id=order.id, digest=people.digest(order, (*earlier, report)))
    if Event.REVISED in events:
        yield VoidApprovals(order_id=order.id, reason=f"phase {report.phase} was done anew")
    for event in events:
        yield Move(order_id=order.id, event=event, by=context.person, detail=detail)


def _shown(command: Command, order: Order, phase: Phase, report: PhaseReport, policy: PolicyAnswer) -> Say:
    who = named(report.by.login)
    finding = Finding.HOLDS if report.is_done else Finding.FAILS
    tasks = tuple(
        Answer(
            task=task,
            finding=Finding.HOLDS if report.is_done else Finding.OPEN,
            found=f"Done, says {who}." if report.is_done else "Not done, or not wholly.",
        )
        for task in phase.tasks
    )
    content = Report(
        role=phase.role,
        title=f"Phase {phase.number}, {phase.title}" + ("" if report.is_done else ": escalation"),
        summary=f"{who}: {named(report.said)}",
        finding=finding,
        sections=(
            Section(title="What was asked, and what was found", blocks=(Answers(answers=tasks),)),
            _next(order, phase, report),
        ),
        mentions=_mentions(order, phase, report, policy),
        alert=None if report.is_done else AlertKind.ESCALATION,
    )
    return Say(
        repository=order.repository,
        number=None,
        order_id=order.id,
        content=content,
        key=f"phase:{phase.number}:{order.version}:{command.line}",
    )


def _next(order: Order, phase: Phase, report: PhaseReport) -> Section:
    if not report.is_done:
        definition = people.definition_of(order.definition_text)
        lines = () if definition is None else definition.escalation
        steps = tuple(
            Answer(task=line, finding=Finding.NOTE, found="For the supervisors to decide.") for line in lines
        )
        return Section(title="How it goes on", blocks=(Answers(answers=steps),))
    following = next((each for each in people.phases(order) if each.number == phase.number + 1), None)
    if following is None:
        return Section(
            title="How it goes on",
            blocks=(
                Paragraph(text=f"A supervisor who is not an author can {named('/wo approve')} this work."),
            ),
        )
    say = named(f"/wo report {following.number} done ...")
    text = f"Phase {following.number}, {named(following.title)}, is for {named(following.role)}: {say}."
    return Section(title="How it goes on", blocks=(Paragraph(text=text),))


def _mentions(order: Order, phase: Phase, report: PhaseReport, policy: PolicyAnswer) -> tuple[str, ...]:
    """Whoever has the next move, as far as the policy names people."""
    following = next((each for each in people.phases(order) if each.number == phase.number + 1), None)
    if report.is_done and following is not None:
        named_ones = role_s_people(following.role, policy)
    else:
        named_ones = supervisors_of(order, policy)
    return tuple(each.name for each in named_ones)


KIND = Kind(
    verb="report",
    usage='report PHASE done|blocked "what was found"',
    help="Reports a phase that a person or an agent has done, or that is blocked.",
    who=Who.ROLE,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    least_words=2,
    most_words=None,
    states=frozenset({State.ANALYSING, State.PREPARING, State.REVIEWING, State.CHANGES_REQUESTED}),
    about=About.PEOPLE,
)
