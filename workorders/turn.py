"""Whose turn it is: what holds an approved order back from its target.

The worker asks before it begins, and `why` shows the same decision, part by part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from workorders.decision import Decision, Outcome, all_of
from workorders.order import Order, State
from workorders.policy import Execute, TargetPolicy
from workorders.report import issue, named


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """A target on which nothing new begins."""

    target: str
    login: str
    reason: str
    frozen_at: datetime


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """Another order that has the target to itself, or whose turn comes before."""

    title: str
    #: None until its issue is open.
    issue_number: int | None
    state: State


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What else goes on where the order wants to run."""

    freeze: Freeze | None = None
    ahead: tuple[Ahead, ...] = ()
    #: The order that has brought the same SQL furthest on the target that the policy puts before this one.
    before: Ahead | None = None


def held_back(order: Order, rules: TargetPolicy | None, standing: Standing, now: datetime) -> Decision:
    """Whether an approved order may begin now; its parts are all that could hold it back."""
    return all_of(
        (let(order, rules, standing, now), first(order, standing)),
        because=f"Nothing holds it back from {named(order.target)}.",
    )


def let(order: Order, rules: TargetPolicy | None, standing: Standing, now: datetime) -> Decision:
    """Whether anything holds this order alone; those behind it need not wait for that."""
    return all_of(
        _rules(order, rules, standing, now), because=f"Nothing forbids it to begin on {named(order.target)}."
    )


def _rules(order: Order, rules: TargetPolicy | None, standing: Standing, now: datetime) -> Iterator[Decision]:
    if rules is not None and rules.execute is Execute.ON_COMMAND:
        yield _commanded(order)
    yield _not_frozen(order, standing.freeze)
    if rules is not None and rules.after:
        yield _after(rules.after, standing.before)
    if rules is not None and rules.windows:
        yield _in_window(rules, now)


def _commanded(order: Order) -> Decision:
    if order.is_commanded:
        return Decision(outcome=Outcome.YES, because="A supervisor has told it to begin.")
    return Decision(
        outcome=Outcome.NO,
        because="The policy says execute: on-command.",
        next_move=f"A supervisor comments {named('/wo execute')}.",
    )


def _not_frozen(order: Order, freeze: Freeze | None) -> Decision:
    if freeze is None:
        return Decision(outcome=Outcome.YES, because=f"{named(order.target)} is not frozen.")
    reason = f": {named(freeze.reason)}" if freeze.reason else ""
    return Decision(
        outcome=Outcome.NO,
        because=f"{named(freeze.login)} froze {named(order.target)} on"
        f" {freeze.frozen_at:%Y-%m-%d %H:%M} UTC{reason}.",
        next_move=f"A supervisor comments {named('/wo unfreeze ' + order.target)}.",
    )


def first(order: Order, standing: Standing) -> Decision:
    """Whether it is this order's turn: one at a time on a target, in the order of the approvals."""
    if not standing.ahead:
        return Decision(outcome=Outcome.YES, because=f"No other order comes first on {named(order.target)}.")
    other = standing.ahead[0]
    which = named(other.title) if other.issue_number is None else issue(other.issue_number)
    if other.state is State.APPROVED:
        return Decision(
            outcome=Outcome.NO,
            because=f"{which} was approved for {named(order.target)} before this one.",
            next_move="They run in the order of their approvals.",
        )
    return Decision(
        outcome=Outcome.NO,
        because=f"{which} is {other.state.value.replace('_', ' ')} on {named(order.target)}.",
        next_move="This order begins when that one has left it.",
    )


def _after(before: str, order: Ahead | None) -> Decision:
    if order is not None and order.state is State.DONE:
        return Decision(outcome=Outcome.YES, because=f"The same SQL has soaked on {named(before)}.")
    said = f"The policy says after: {before}, and the same SQL has not soaked there"
    if order is not None and order.state is not State.CANCELLED:
        which = named(order.title) if order.issue_number is None else issue(order.issue_number)
        return Decision(
            outcome=Outcome.NO,
            because=f"{said} yet: {which} is {order.state.value.replace('_', ' ')}.",
            next_move=f"This order begins when that one is done: an author or a supervisor comments "
            f"{named('/wo done')} there.",
        )
    return Decision(
        outcome=Outcome.NO,
        because=f"{said}.",
        next_move=f"Anyone with write permission can open that order: "
        f"{named(f'/wo start <definition> --target {before}')}.",
    )


def _in_window(rules: TargetPolicy, now: datetime) -> Decision:
    opened = next((window for window in rules.windows if window.holds(now)), None)
    if opened is not None:
        return Decision(outcome=Outcome.YES, because=f"The window {named(opened.text)} is open.")
    opens = min(window.opens_at(now) for window in rules.windows)
    return Decision(
        outcome=Outcome.NO,
        because="No window is open.",
        next_move=f"It begins at {opens:%Y-%m-%d %H:%M %Z}.",
    )
