"""An order's check run, and the lines on which its refusals stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.errors import Problem
from bot.github.checks import Annotation
from bot.github.message import SetCheckRun
from bot.order_check import CONCLUSIONS, checked
from tests.unit.workorders.values import order
from workorders.order import FileLine, Reading, SqlFile, State

READING = Reading(
    head="a" * 40, files=(SqlFile(path="db/1.sql", first_line=1), SqlFile(path="db/2.sql", first_line=4))
)


@pytest.mark.parametrize(
    ("line", "place"),
    [(1, ("db/1.sql", 1)), (3, ("db/1.sql", 3)), (4, ("db/2.sql", 1)), (9, ("db/2.sql", 6))],
)
def test_a_script_s_line_is_a_file_s(line: int, place: tuple[str, int]) -> None:
    assert READING.place_of(line) == FileLine(path=place[0], line=place[1])


def test_a_script_of_no_file_has_no_places() -> None:
    assert replace(READING, files=()).place_of(1) is None


@pytest.mark.parametrize("state", State)
def test_every_state_is_shown_at_the_commit_where_the_sql_was_read(state: State) -> None:
    (message,) = checked(order(state, pull_request=9, reading=READING), "", ())

    assert isinstance(message, SetCheckRun)
    assert (message.number, message.check.head) == (9, "a" * 40)
    assert message.check.name == "lockkeeper / shop"
    assert (message.check.conclusion == "success") is (state in (State.SOAKING, State.DONE))
    assert "neutral" not in CONCLUSIONS.values()
    assert "\u2068" not in message.check.title


def test_refusals_stand_on_their_lines() -> None:
    problems = (
        Problem(line=5, reason="No.", next_move="Else."),
        Problem(line=None, reason="Never.", next_move=""),
    )

    (message,) = checked(order(State.CHANGES_REQUESTED, pull_request=9, reading=READING), "", problems)

    assert isinstance(message, SetCheckRun)
    assert message.check.annotations == (
        Annotation(path="db/2.sql", line=2, level="failure", message="No. Else."),
    )


def test_an_order_of_no_pull_request_has_no_check() -> None:
    assert checked(order(), "", ()) == ()
