"""What ours knows for those who ask about an order: its history, its plan, what goes on on its target."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from bot.services import Services
from bot.store import events, findings, orders
from bot.store.events import Recorded
from bot.store.ours import Ours
from handlers.facts import Need
from workorders import stored_plan
from workorders.authority import supervisors_of
from workorders.history import Happened
from workorders.lifecycle import CLOSED, ON_TARGET
from workorders.order import Order, Person, State
from workorders.policy import Policy, PolicyAnswer, TargetPolicy
from workorders.stored_plan import StoredPlan
from workorders.turn import Ahead, Standing

#: Under which phase and name a rehearsed plan is kept.
PLAN_PHASE, PLAN = 2, "plan"

#: Whether an approved order is held by something of its own, so that others may pass it.
TURN_PHASE, TURN = 3, "turn"

#: Asked about one by one; each is a request to GitHub and more for teams.
MOST_PEOPLE = 12

#: Where an event's detail says why, in the order in which one is chosen.
_REASONS = ("reason", "root_cause", "summary", "seen", "said")

#: No account on GitHub has it: a supervisor of whom only the login is known.
_UNKNOWN_ID = -1


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What was wanted; the rest is empty."""

    history: tuple[Happened, ...] = ()
    plan: StoredPlan | None = None
    standing: Standing = field(default_factory=Standing)


def answers(
    services: Services, needs: Collection[Need], order: Order | None, policy: PolicyAnswer
) -> Answers:
    """What ours can tell of what is needed."""
    if order is None or not {Need.HISTORY, Need.PLAN, Need.STANDING} & set(needs):
        return Answers()
    rules = policy.targets.get(order.target) if isinstance(policy, Policy) else None
    with services.pool.transaction() as ours:
        return Answers(
            history=history(ours, order) if Need.HISTORY in needs else (),
            plan=plan(ours, order) if Need.PLAN in needs else None,
            standing=standing(ours, order, rules) if Need.STANDING in needs else Standing(),
        )


def history(ours: Ours, order: Order) -> tuple[Happened, ...]:
    """The order's events, oldest first."""
    return tuple(_happened(each) for each in events.of(ours, order.id))


def plan(ours: Ours, order: Order) -> StoredPlan | None:
    """The plan of the order's script as it is now; None where that has not been rehearsed."""
    kept = findings.kept(ours, order.id, PLAN_PHASE, PLAN)
    found = None if kept is None else stored_plan.from_json(kept)
    of_now = hashlib.sha256(order.sql.encode()).hexdigest()
    return found if found is not None and found.sql_sha256 == of_now else None


def standing(ours: Ours, order: Order, rules: TargetPolicy | None) -> Standing:
    """What else goes on on the order's target, and whether its SQL has soaked before it."""
    before = orders.with_script(ours, order, rules.after) if rules is not None and rules.after else ()
    return Standing(
        freeze=orders.frozen(ours, order.target),
        ahead=tuple(_ahead(ours, order)),
        before=_furthest(before),
    )


def _furthest(before: tuple[Order, ...]) -> Ahead | None:
    """Of several orders one that is done, else one that is not closed, else the newest."""
    ordered = sorted(
        before, key=lambda each: (each.state is State.DONE, each.state not in CLOSED, each.id), reverse=True
    )
    return _as_ahead(ordered[0]) if ordered else None


def _as_ahead(order: Order) -> Ahead:
    return Ahead(title=order.title, issue_number=order.issue_number, state=order.state)


def _ahead(ours: Ours, order: Order) -> Iterator[Ahead]:
    """One order at a time on a target; the others in the order of their approvals."""
    others = [each for each in orders.of_target(ours, order.target) if each.id != order.id]
    for other in others:
        if other.state in ON_TARGET:
            yield _as_ahead(other)
    for other in others:
        # Where this one is not approved yet, all that are have their place before it.
        if other.state is not State.APPROVED or (
            order.state is State.APPROVED and _place(other) >= _place(order)
        ):
            continue
        turn = findings.kept(ours, other.id, TURN_PHASE, TURN)
        if not (turn or {}).get("is_held"):
            yield _as_ahead(other)


def _place(order: Order) -> tuple[datetime, int]:
    """Its place in the line: when it had all its approvals."""
    return max(each.approved_at for each in order.approvals), order.id


def people(order: Order, policy: PolicyAnswer) -> tuple[Person, ...]:
    """The order's authors, and the supervisors whom the policy names by their login; not all if many."""
    known = {each.login.casefold(): each for each in order.authors if not each.is_operator}
    for supervisor in supervisors_of(order, policy):
        if not supervisor.is_team:
            known.setdefault(supervisor.name.casefold(), Person(id=_UNKNOWN_ID, login=supervisor.name))
    return tuple(known.values())[:MOST_PEOPLE]


def _happened(event: Recorded) -> Happened:
    happening = event.happening
    reason = next((happening.detail[name] for name in _REASONS if happening.detail.get(name)), "")
    return Happened(
        number=event.number,
        at=happening.at,
        kind=happening.kind,
        by=happening.by.login if happening.by else "lockkeeper",
        state=happening.result,
        reason=str(reason),
        hash=event.hash,
    )
