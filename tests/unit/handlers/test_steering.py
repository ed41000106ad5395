"""`pause`, `resume`, `speed`, `abort` and `terminate`: what is recorded, and what is refused."""

from __future__ import annotations

import pytest

from tests.unit.handlers.values import decided, words
from tests.unit.workorders.values import AUTHOR, MEMBER, SUPERVISOR, WRITES, order, policy
from workorders.intents import EndSession, Intent, Move, React, Reaction, Say, SetSpeed, Work
from workorders.lifecycle import Event, moved
from workorders.migration.errors import Blocked
from workorders.order import State
from workorders.policy import MissingPolicy, UnknownPolicy

TERMINATES = policy(terminate_blockers=True)


def is_refused(intents: tuple[Intent, ...]) -> bool:
    return {type(each) for each in intents} == {React, Say} and Reaction.REFUSED in {
        each.reaction for each in intents if isinstance(each, React)
    }


@pytest.mark.parametrize("person", [AUTHOR, SUPERVISOR], ids=lambda person: person.login)
def test_a_pause_leads_nowhere_but_to_paused_and_asks_for_no_work(person: object) -> None:
    intents = decided("/wo pause", person, order=order(State.EXECUTING))  # type: ignore[arg-type]  # of a table

    assert [type(each) for each in intents] == [React, Move, Say]
    assert isinstance(intents[1], Move)
    assert moved(State.EXECUTING, intents[1].event) is State.PAUSED
    assert "/wo resume" in words(intents)
    assert "/wo abort" in words(intents)


def test_what_is_resumed_is_worked_on() -> None:
    intents = decided("/wo resume", AUTHOR, order=order(State.PAUSED))

    assert [type(each) for each in intents] == [React, Move, Work]
    assert isinstance(intents[1], Move)
    assert moved(State.PAUSED, intents[1].event) is State.EXECUTING


@pytest.mark.parametrize("state", [State.EXECUTING, State.PAUSED, State.VALIDATING])
def test_an_abort_keeps_who_and_why_and_is_worked_on_at_once(state: State) -> None:
    intents = decided('/wo abort "the sale has begun"', AUTHOR, order=order(state))

    assert [type(each) for each in intents] == [React, Move, Say, Work]
    assert isinstance(intents[1], Move)
    assert moved(state, intents[1].event) is State.ROLLING_BACK
    assert intents[1].event is Event.ABORTED
    assert intents[1].by == AUTHOR
    assert intents[1].detail["reason"] == "the sale has begun"


def test_an_abort_needs_no_reason() -> None:
    intents = decided("/wo abort", SUPERVISOR, order=order(State.EXECUTING))

    assert isinstance(intents[1], Move)
    assert "reason" not in intents[1].detail


@pytest.mark.parametrize(
    ("said", "percent"), [("50%", 50), ("50", 50), ("50 %", 50), ("10", 10), ("400%", 400)]
)
def test_a_speed_is_kept_in_percent(said: str, percent: int) -> None:
    intents = decided(f"/wo speed {said}", AUTHOR, order=order(State.EXECUTING))

    assert [type(each) for each in intents] == [React, SetSpeed, Say]
    assert isinstance(intents[1], SetSpeed)
    assert intents[1].percent == percent
    assert f"{percent} %" in words(intents)


@pytest.mark.parametrize(
    "said", ["9", "401", "0%", "-50", "fast", "50% now", "5e1", "99999", "1000000000", "٥٠"]
)
def test_what_is_no_speed_is_refused_with_the_range(said: str) -> None:
    intents = decided(f"/wo speed {said}", AUTHOR, order=order(State.EXECUTING))

    assert is_refused(intents)
    assert "10 to 400 percent" in words(intents)


def test_the_speed_that_it_has_is_refused() -> None:
    assert is_refused(decided("/wo speed 50", AUTHOR, order=order(State.PAUSED, speed_percent=50)))


def test_the_status_shows_another_speed_than_the_usual() -> None:
    assert "50 % of the usual" in words(
        decided("/wo status", MEMBER, order=order(State.EXECUTING, speed_percent=50))
    )
    assert "of the usual" not in words(decided("/wo status", MEMBER, order=order(State.EXECUTING)))


@pytest.mark.parametrize("state", [State.EXECUTING, State.ROLLING_BACK])
def test_a_termination_is_asked_for_where_the_policy_lets_supervisors(state: State) -> None:
    intents = decided("/wo terminate 4711", SUPERVISOR, order=order(state), policy=TERMINATES)

    assert [type(each) for each in intents] == [React, EndSession]
    assert isinstance(intents[1], EndSession)
    assert (intents[1].pid, intents[1].by) == (4711, SUPERVISOR)


@pytest.mark.parametrize("rules", [policy(), MissingPolicy()], ids=lambda rules: type(rules).__name__)
def test_without_the_policys_line_no_termination_is_asked_for(rules: object) -> None:
    intents = decided("/wo terminate 4711", SUPERVISOR, order=order(State.EXECUTING), policy=rules)

    assert is_refused(intents)
    if rules == policy():
        assert "terminate_blockers: true" in words(intents)
        assert "pg_terminate_backend(4711)" in words(intents)


def test_an_operator_terminates_only_where_the_policy_lets_them() -> None:
    operator = SUPERVISOR.__class__(id=0, login="operator:root")
    executing = order(State.EXECUTING)

    assert is_refused(decided("/wo terminate 4711", operator, order=executing, policy=policy()))
    with pytest.raises(Blocked):
        decided("/wo terminate 4711", operator, order=executing, policy=UnknownPolicy())


def test_an_author_terminates_nobody() -> None:
    assert is_refused(
        decided("/wo terminate 4711", AUTHOR, order=order(State.EXECUTING), policy=TERMINATES, rights=WRITES)
    )


@pytest.mark.parametrize("said", ["0", "-1", "4711x", "99999999999", "2147483648", "all"])
def test_what_is_no_process_is_refused(said: str) -> None:
    assert is_refused(
        decided(f"/wo terminate {said}", SUPERVISOR, order=order(State.EXECUTING), policy=TERMINATES)
    )
