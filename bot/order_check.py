"""An order as a check run of its pull request: one per target, at the commit where the SQL was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bot import messages
from bot.errors import Problem
from bot.github.checks import Annotation, CheckRun, Conclusion
from bot.github.message import Message, SetCheckRun
from bot.render import escape
from workorders.order import Order, State
from workorders.waiting import awaited

#: None: it goes on by itself. A branch's protection takes neutral for a success, so nothing is neutral.
CONCLUSIONS: Mapping[State, Conclusion | None] = MappingProxyType(
    {
        State.ANALYSING: None,
        State.CHANGES_REQUESTED: "failure",
        State.PREPARING: None,
        State.REVIEWING: None,
        State.AWAITING_APPROVAL: "action_required",
        State.APPROVED: None,
        State.EXECUTING: None,
        State.PAUSED: "action_required",
        State.VALIDATING: None,
        State.SOAKING: "success",
        State.FAILED: "failure",
        State.ROLLING_BACK: None,
        State.ROLLED_BACK: "failure",
        State.DONE: "success",
        State.CANCELLED: "cancelled",
    }
)


def checked(order: Order, head: str, problems: Iterable[Problem]) -> tuple[Message, ...]:
    """The check run; none where the order belongs to no pull request.

    `head` is the order's newest event's hash, `problems` what its script was refused for.
    """
    if order.pull_request is None or order.reading is None:
        return ()
    conclusion = CONCLUSIONS[order.state]
    issue = "" if order.issue_number is None else f"Work order #{order.issue_number}\n\n"
    check = CheckRun(
        name=f"lockkeeper / {order.target}",
        head=order.reading.head,
        status="in_progress" if conclusion is None else "completed",
        conclusion=conclusion,
        title=escape.terminal(f"{order.state.value.replace('_', ' ').capitalize()}: {awaited(order)}"),
        summary=issue + messages.status_block(order, head),
        annotations=tuple(_annotations(order, problems)),
    )
    return (SetCheckRun(repository=order.repository, number=order.pull_request, check=check),)


def _annotations(order: Order, problems: Iterable[Problem]) -> Iterable[Annotation]:
    for problem in problems:
        place = order.reading.place_of(problem.line) if order.reading and problem.line else None
        if place is not None:
            said = escape.terminal(f"{problem.reason} {problem.next_move}")
            yield Annotation(path=place.path, line=place.line, level="failure", message=said)
