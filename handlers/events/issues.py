"""What people do to an order's issue by hand, beside commenting on it."""

from __future__ import annotations

from handlers import answers
from handlers.commands import KINDS
from handlers.events import IssueClosed, IssueEdited, IssueReopened
from handlers.facts import Context, Facts, Need, Wanted
from handlers.gate import in_words, possible_now
from handlers.tasks import Task
from workorders.intents import Intent, Move, ReopenIssue, ShowOrder
from workorders.lifecycle import CLOSED, Event, accepts
from workorders.order import State
from workorders.report import named


def tasks(event: IssueClosed | IssueReopened | IssueEdited) -> tuple[Task, ...]:
    """The task that it is. What bots do, ourselves among them, is none."""
    if event.sender.is_bot:
        return ()
    act = type(event).__name__
    return (
        Task(
            key=f"{act}:{event.repository.id}:{event.number}:{event.received_at.isoformat()}",
            context=Context(
                repository=event.repository,
                person=event.sender,
                number=event.number,
                spoken_at=event.received_at,
            ),
            act=event,
            wanted=Wanted(needs=frozenset({Need.ORDER}), order_number=event.number),
        ),
    )


def closed(context: Context, facts: Facts) -> tuple[Intent, ...]:
    """An order that has not run is cancelled; the issue of one that has is opened again."""
    order = facts.order
    if order is None or order.state in CLOSED:
        return ()
    if accepts(order.state, Event.CANCELLED):
        said = f"{named(context.person.login)} closed this issue, so the order is cancelled."
        return (
            Move(
                order_id=order.id,
                event=Event.CANCELLED,
                by=context.person,
                detail={"verb": "close"},
            ),
            *answers.told(context, said, "closed", order),
        )
    reason = f"The order is {in_words(order.state)}, and what it changed in the target is not settled."
    told = answers.told(context, f"{reason} {possible_now(order, KINDS)}", "closed", order)
    return (ReopenIssue(order_id=order.id), *told)


def reopened(context: Context, facts: Facts) -> tuple[Intent, ...]:
    """Opening a closed order's issue changes nothing about the order; what would is said."""
    order = facts.order
    if order is None or order.state not in CLOSED:
        return ()
    if order.state is State.CANCELLED:
        next_move = f"Anyone with write permission can open a new one: {named('/wo start <definition>')}."
    else:
        next_move = possible_now(order, KINDS)
    said = f"The order stays {in_words(order.state)}. {next_move}"
    return (ShowOrder(order_id=order.id), *answers.told(context, said, "reopened", order))


def edited(facts: Facts) -> tuple[Intent, ...]:
    """Boxes ticked by hand are put back, and so is the status."""
    return () if facts.order is None else (ShowOrder(order_id=facts.order.id),)
