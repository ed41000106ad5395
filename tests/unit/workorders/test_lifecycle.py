"""The laws of the one table of transitions."""

from __future__ import annotations

from itertools import product

import pytest

from workorders.lifecycle import (
    CLOSED,
    NOT_RUN,
    TRANSITIONS,
    Event,
    accepted,
    accepts,
    moved,
    opening,
    states_that_accept,
)
from workorders.migration.errors import Refused
from workorders.order import State


def reachable(start: State, *, without: frozenset[State] = frozenset()) -> set[State]:
    found, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        for (source, _), following in TRANSITIONS.items():
            if source is state and following not in found | without:
                found.add(following)
                waiting.append(following)
    return found


def test_every_state_is_reachable_from_the_first() -> None:
    assert reachable(State.ANALYSING) == set(State)


def test_every_event_happens_somewhere() -> None:
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_only_a_rollback_leads_out_of_a_closed_order() -> None:
    assert accepted(State.CANCELLED) == ()
    assert [event for event in accepted(State.DONE) if moved(State.DONE, event) is not State.DONE] == [
        Event.ROLLBACK
    ]


@pytest.mark.parametrize("gate", [State.AWAITING_APPROVAL, State.APPROVED])
@pytest.mark.parametrize("start", sorted(NOT_RUN - {State.APPROVED, State.AWAITING_APPROVAL}, key=str))
def test_nothing_runs_without_an_approval(start: State, gate: State) -> None:
    assert not reachable(start, without=frozenset({gate})) - NOT_RUN - {State.CANCELLED}


def test_revised_sql_is_approved_anew() -> None:
    assert {moved(state, Event.REVISED) for state in states_that_accept(Event.REVISED)} == {State.ANALYSING}


@pytest.mark.parametrize("state", [state for state in State if state not in NOT_RUN | CLOSED])
def test_what_has_run_can_be_brought_back_to_where_it_was(state: State) -> None:
    assert State.ROLLED_BACK in reachable(state)


@pytest.mark.parametrize("state", sorted(NOT_RUN, key=str))
def test_what_has_not_run_can_be_cancelled(state: State) -> None:
    assert moved(state, Event.CANCELLED) is State.CANCELLED


@pytest.mark.parametrize(
    "state", [state for state in State if state not in NOT_RUN and state is not State.ROLLED_BACK]
)
def test_what_has_run_cannot_be_cancelled(state: State) -> None:
    assert not accepts(state, Event.CANCELLED)


@pytest.mark.parametrize("state", [state for state in State if state not in CLOSED])
def test_every_open_state_can_end(state: State) -> None:
    assert reachable(state) & CLOSED


@pytest.mark.parametrize(
    ("state", "event"), [pair for pair in product(State, Event) if pair not in TRANSITIONS]
)
def test_an_event_that_the_table_does_not_hold_is_refused_with_those_that_it_does(
    state: State, event: Event
) -> None:
    with pytest.raises(Refused) as caught:
        moved(state, event)

    said = str(caught.value)
    assert state.value in said
    assert event.value in said
    assert all(each.value in said for each in accepted(state))


@pytest.mark.parametrize("sql", ["", " \n\t"])
def test_without_sql_an_order_opens_with_changes_requested(sql: str) -> None:
    assert opening(sql) is State.CHANGES_REQUESTED


def test_with_sql_an_order_opens_analysing() -> None:
    assert opening("select 1") is State.ANALYSING


def test_the_longest_good_way_is_the_design_s() -> None:
    state = State.ANALYSING
    way = [state]
    for event in (
        *(Event.ANALYSED, Event.PREPARED, Event.REVIEWED, Event.APPROVED, Event.TURN_CAME),
        *(Event.EXECUTED, Event.VALIDATED, Event.DONE),
    ):
        state = moved(state, event)
        way.append(state)

    assert way == [
        *(State.ANALYSING, State.PREPARING, State.REVIEWING, State.AWAITING_APPROVAL, State.APPROVED),
        *(State.EXECUTING, State.VALIDATING, State.SOAKING, State.DONE),
    ]
