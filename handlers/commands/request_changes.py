"""`request-changes`: back to the author, with the reason."""

from __future__ import annotations

from dataclasses import replace

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who
from workorders.intents import Intent, Move, Reaction, Say, VoidApprovals
from workorders.lifecycle import Event, states_that_accept
from workorders.order import State
from workorders.report import Finding, Paragraph, Report, Section, named
from workorders.waiting import awaited


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Moves the order, voids what was approved, and tells the authors."""
    order = facts.order
    assert order is not None
    reason = command.text
    revise = (
        awaited(replace(order, state=State.CHANGES_REQUESTED))
        if order.is_by_people
        else f"A sql block under {named('/wo revise')} replaces the script; authors and supervisors can give "
        "it."
    )
    report = Report(
        role=context.person.login,
        title="Changes requested",
        summary=f"{named(context.person.login)}: {named(reason)}",
        finding=Finding.FAILS,
        sections=(Section(title="What now", blocks=(Paragraph(text=revise),)),),
        mentions=tuple(author.login for author in order.authors if not author.is_operator),
    )
    return (
        *answers.reacted(context, Reaction.DONE),
        Move(
            order_id=order.id,
            event=Event.CHANGES_REQUESTED,
            by=context.person,
            detail={**spoken(command, context), "reason": reason},
        ),
        VoidApprovals(order_id=order.id, reason=f"{context.person.login} requested changes"),
        Say(
            repository=context.repository,
            number=None,
            order_id=order.id,
            content=report,
            key=f"changes-requested:{order.id}:{order.version}",
        ),
    )


KIND = Kind(
    verb="request-changes",
    usage='request-changes "why"',
    help="Gives the order back to its author and voids all approvals.",
    who=Who.SUPERVISOR,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY}),
    handle=handle,
    least_words=1,
    most_words=None,
    states=frozenset(states_that_accept(Event.CHANGES_REQUESTED)),
)
