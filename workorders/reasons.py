"""Why an order does not move: what holds it back, as one decision with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from workorders.authority import Rights, enough
from workorders.decision import Decision, Outcome, all_of
from workorders.order import Criterion, Order, Quarantine, State
from workorders.policy import Policy, PolicyAnswer
from workorders.report import named
from workorders.turn import Standing, held_back
from workorders.waiting import awaited

#: For these the approvals and the turn decide.
_BEFORE_EXECUTION = frozenset({State.AWAITING_APPROVAL, State.APPROVED})

#: In these a phase is open, where people do them.
_BY_PEOPLE = frozenset({State.ANALYSING, State.PREPARING, State.REVIEWING})


def why(
    order: Order, policy: PolicyAnswer, approvers: Mapping[int, Rights], standing: Standing, now: datetime
) -> Decision:
    """Yes where nothing but time or work is between the order and its next state."""
    return all_of(_parts(order, policy, approvers, standing, now), because=awaited(order))


def _parts(
    order: Order, policy: PolicyAnswer, approvers: Mapping[int, Rights], standing: Standing, now: datetime
) -> Iterator[Decision]:
    if order.state in _BEFORE_EXECUTION:
        rules = policy.targets.get(order.target) if isinstance(policy, Policy) else None
        yield enough(order, policy, approvers)
        if not order.is_by_people:
            yield held_back(order, rules, standing, now)
    elif order.state is State.SOAKING:
        yield from map(_criterion, order.criteria)
        yield _closed(order)
    elif (order.is_by_people and order.state in _BY_PEOPLE) or order.state in (
        State.CHANGES_REQUESTED,
        State.PAUSED,
        State.FAILED,
        State.ROLLED_BACK,
    ):
        yield Decision(outcome=Outcome.NO, because=awaited(order))
    else:
        yield Decision(outcome=Outcome.YES, because=awaited(order))
    if order.quarantine is not Quarantine.KEPT:
        yield Decision(outcome=Outcome.YES, because="It was purged: it cannot be rolled back any more.")


def _criterion(criterion: Criterion) -> Decision:
    which = f"Criterion {criterion.number}, {named(criterion.text)}"
    if criterion.holds:
        return Decision(outcome=Outcome.YES, because=f"{which}, holds: {criterion.evidence}")
    if criterion.fails:
        return Decision(
            outcome=Outcome.NO,
            because=f"{which}, does not hold: {criterion.evidence}",
            next_move=f"A supervisor can undo the order: {named('/wo rollback')}.",
        )
    return Decision(
        outcome=Outcome.NO,
        because=f"{which}, is open.",
        next_move=f"A supervisor can confirm it: {named(f'/wo confirm {criterion.number} ...')}.",
    )


def _closed(order: Order) -> Decision:
    if all(each.holds for each in order.criteria):
        because = "Every criterion holds, and nobody has closed it."
    else:
        because = "It is closed once every criterion holds."
    return Decision(
        outcome=Outcome.NO,
        because=because,
        next_move=f"An author or a supervisor comments {named('/wo done ...')}.",
    )
