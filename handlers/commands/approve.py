"""`approve`: one supervisor's word for exactly one digest."""

from __future__ import annotations

import re
from dataclasses import replace

from handlers import answers
from handlers.command import Command, Kind
from handlers.facts import Context, Facts, Need
from handlers.spoken import spoken
from workorders.authority import Who, enough
from workorders.intents import Approve, Intent, Move, Reaction, Work
from workorders.lifecycle import Event
from workorders.migration.errors import Refused
from workorders.order import Approval, Order, State
from workorders.report import named

#: Fewer digits could be made to match by trying scripts.
SHORTEST_PREFIX = 8

_DIGEST = re.compile(rf"[0-9a-f]{{{SHORTEST_PREFIX},64}}")
_ACCEPTED = re.compile(r"[a-z][a-z0-9-]{0,39}")


def handle(command: Command, context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Records the approval; with the last one needed the order is approved."""
    order = facts.order
    assert order is not None
    key = f"{command.line}"
    digest = _digest(command, context, order)
    accepted = _accepted(command)
    if any(
        each.person.id == context.person.id and each.digest == digest and set(accepted) <= set(each.accepted)
        for each in order.approvals
    ):
        count = enough(order, facts.policy, {**facts.approvers, context.person.id: facts.rights})
        return (
            *answers.reacted(context, Reaction.DONE),
            *answers.told(context, f"You have approved this already. {count.sentence}", key, order),
        )
    approval = Approval(person=context.person, digest=digest, approved_at=facts.now, accepted=accepted)
    others = tuple(each for each in order.approvals if each.person.id != context.person.id)
    count = enough(
        replace(order, approvals=(*others, approval)),
        facts.policy,
        {**facts.approvers, context.person.id: facts.rights},
    )
    given = (
        *answers.reacted(context, Reaction.DONE),
        Approve(order_id=order.id, by=context.person, digest=digest, accepted=accepted),
    )
    if count.is_yes:
        moved = Move(
            order_id=order.id,
            event=Event.APPROVED,
            by=context.person,
            detail={**spoken(command, context), "digest": digest, "approvals": count.because},
        )
        return (*given, moved, Work(order_id=order.id))
    said = f"{named(context.person.login)} approves {named(digest[:12])}. {count.sentence}"
    told = answers.told(context, said, key, order)
    # What GitHub has not answered about another approver the worker asks again.
    return (*given, *told, Work(order_id=order.id)) if count.is_wait else (*given, *told)


def _digest(command: Command, context: Context, order: Order) -> str:
    if not order.digest:
        raise Refused.because(
            "There is no digest to approve.", "It comes with the review; then a supervisor can approve it."
        )
    again = (
        f"Read the newest review; a supervisor can then comment {named('/wo approve ' + order.digest[:12])}."
    )
    if not command.words:
        if order.reviewed_at is not None and context.spoken_at <= order.reviewed_at:
            raise Refused.because("A newer review came after this approval was written.", again)
        return order.digest
    said = command.words[0].casefold()
    if not _DIGEST.fullmatch(said):
        raise Refused.because(
            f"{named(said[:70])} is not a digest: it takes {SHORTEST_PREFIX} to 64 hexadecimal digits.", again
        )
    if not order.digest.startswith(said):
        raise Refused.because(
            f"{named(said[:12])} is not what there is to approve now; that is {named(order.digest[:12])}.",
            again,
        )
    return order.digest


def _accepted(command: Command) -> tuple[str, ...]:
    found = []
    for what in command.every("accept"):
        if not _ACCEPTED.fullmatch(what.casefold()):
            raise Refused.because(
                f"{named(what[:60])} is nothing that could be accepted.",
                f"The review names what a supervisor can accept, such as {named('--accept positional')}.",
            )
        found.append(what.casefold())
    return tuple(dict.fromkeys(found))


KIND = Kind(
    verb="approve",
    usage="approve [digest] [--accept WHAT]",
    help="Approves exactly this digest, or without one that of the newest review.",
    who=Who.APPROVER,
    needs=frozenset({Need.ORDER, Need.RIGHTS, Need.POLICY, Need.APPROVERS}),
    handle=handle,
    most_words=1,
    options=("accept",),
    repeatable=("accept",),
    states=frozenset({State.AWAITING_APPROVAL}),
)
