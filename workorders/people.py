"""Orders whose phases people or agents do: which phase is open, and where a report leads.

Such an order has no target and no SQL. It goes the way of every order: the first phase is
its analysis, the last one its review, those between prepare that; then it is approved, and
soaks until its criteria hold.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache

from workorders import definition as definitions
from workorders.definition import Definition, Phase
from workorders.lifecycle import Event
from workorders.migration.errors import Unreadable
from workorders.order import Order, PhaseReport, State
from workorders.report import named

#: Roles that Lockkeeper has code for. A definition with any other is done by people as a whole.
CODED = frozenset({"data-science", "automation", "postgres"})

#: What a finished phase leads to, in this order, by the state in which the next phase is done.
_WAY = (State.ANALYSING, State.PREPARING, State.REVIEWING, State.AWAITING_APPROVAL)
_EVENTS = (Event.ANALYSED, Event.PREPARED, Event.REVIEWED)


def is_by_people(definition: Definition) -> bool:
    """Whether people report its phases."""
    return not set(definition.roles) <= CODED


@lru_cache(maxsize=64)
def definition_of(text: str) -> Definition | None:
    """The definition as an order was opened with; None where a newer version reads it no more."""
    try:
        return definitions.from_markdown(text)
    except Unreadable:
        return None


def phases(order: Order) -> tuple[Phase, ...]:
    """Those of the order's definition."""
    found = definition_of(order.definition_text)
    return () if found is None else found.phases


def open_phase(order: Order) -> Phase | None:
    """The first one that is not reported as done; None where all are."""
    done = {each.phase for each in order.reports if each.is_done}
    return next((phase for phase in phases(order) if phase.number not in done), None)


def events_after(state: State, phase: int, count: int) -> Iterator[Event]:
    """What the report that `phase` of `count` is done means for an order in the state."""
    if state is State.CHANGES_REQUESTED:
        yield Event.REVISED
        state = State.ANALYSING
    arrived = _WAY.index(_state_of(phase + 1, count))
    begun = _WAY.index(state)
    if arrived <= begun:
        yield Event.REPORTED
    yield from _EVENTS[begun:arrived]


def supervisor_of(order: Order) -> str:
    """The role that reviews."""
    found = definition_of(order.definition_text)
    return "" if found is None else found.supervisor


def digest(order: Order, reports: tuple[PhaseReport, ...]) -> str:
    """What an approval approves: the definition and every report."""
    told = [[each.phase, each.said, each.by.id, each.by.login] for each in reports]
    return hashlib.sha256(json.dumps([order.definition_text, told]).encode()).hexdigest()


def awaited(order: Order) -> str:
    """In a sentence or two, who has the next move."""
    phase = open_phase(order)
    match order.state:
        case State.ANALYSING | State.PREPARING | State.REVIEWING if phase is not None:
            return (
                f"Phase {phase.number}, {named(phase.title)}, is for {named(phase.role)}: "
                f"{named(f'/wo report {phase.number} done ...')}."
            )
        case State.CHANGES_REQUESTED:
            return f"Reporting a phase again takes the order up there: {named('/wo report PHASE done ...')}."
        case State.AWAITING_APPROVAL:
            return f"A supervisor who is not an author has to comment {named('/wo approve')}."
        case State.SOAKING:
            return f"Once every criterion is confirmed, {named('/wo done ...')} ends it."
        case State.DONE | State.CANCELLED:
            return f"Nothing. A new order begins with {named('/wo start <definition>')}."
        case _:
            return "It is approved, and goes on by itself."


def _state_of(phase: int, count: int) -> State:
    """In which a phase is done; of the one after the last, the state that all of them lead to."""
    if phase > count:
        return State.AWAITING_APPROVAL
    if phase == count:
        return State.REVIEWING
    return State.ANALYSING if phase == 1 else State.PREPARING
