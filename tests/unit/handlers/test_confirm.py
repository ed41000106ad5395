"""A supervisor's word ticks what no check could measure, and nothing else."""

from __future__ import annotations

import pytest

from tests.unit.handlers.values import decided, words
from tests.unit.workorders.values import AUTHOR, OPERATOR, SUPERVISOR, order
from workorders.intents import React, SetCriteria
from workorders.order import Criterion, Order, Person, State

CRITERIA = (
    Criterion(number=1, text="It works", holds=True, evidence="every step ended"),
    Criterion(number=2, text="The application goes on", evidence="pg_stat_statements cannot be read"),
    Criterion(number=3, text="It is fast", fails=True, evidence="one statement lost its index"),
)
SOAKING = order(State.SOAKING, criteria=CRITERIA)


def confirmed(body: str, by: Person = SUPERVISOR, of: Order = SOAKING) -> list[SetCriteria]:
    return [each for each in decided(body, by, order=of) if isinstance(each, SetCriteria)]


@pytest.mark.parametrize("body", ['/wo confirm 2 "the shop sells"', "wo:confirm #2 the shop sells"])
def test_an_open_criterion_is_ticked_with_who_saw_what(body: str) -> None:
    (ticked,) = confirmed(body)

    assert ticked.criteria[0] == CRITERIA[0]
    assert ticked.criteria[1].holds
    assert ticked.criteria[1].evidence == "confirmed by \u2068@sue\u2069: \u2068the shop sells\u2069"
    assert ticked.criteria[2] == CRITERIA[2]
    assert ticked.by == SUPERVISOR
    assert ticked.detail["comment_id"] == 900


def test_an_operator_is_no_account_to_be_mentioned() -> None:
    (ticked,) = confirmed('/wo confirm 2 "the shop sells"', OPERATOR)

    assert f"confirmed by \u2068{OPERATOR.login}\u2069" in ticked.criteria[1].evidence


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("/wo confirm 3 'looks fast'", "lost its index"),
        ("/wo confirm 1 'works'", "holds already"),
        ("/wo confirm 9 'works'", "The application goes on"),
        ("/wo confirm two 'works'", "The application goes on"),
        ("/wo confirm 2 ''", "what was seen"),
        ("/wo confirm 2", "what I saw"),
    ],
)
def test_what_is_measured_or_not_there_cannot_be_confirmed(body: str, said: str) -> None:
    assert not confirmed(body)
    assert said in words(decided(body, SUPERVISOR, order=SOAKING))


def test_an_author_cannot_confirm() -> None:
    assert not confirmed('/wo confirm 2 "the shop sells"', AUTHOR)


@pytest.mark.parametrize("state", [each for each in State if each is not State.SOAKING])
def test_before_the_checks_have_spoken_nothing_is_confirmed(state: State) -> None:
    assert not confirmed('/wo confirm 2 "the shop sells"', of=order(state, criteria=CRITERIA))


def test_new_sql_opens_every_criterion_again() -> None:
    back = order(State.ROLLED_BACK, criteria=CRITERIA)
    (reset,) = confirmed("/wo revise\n```sql\nselect 1;\n```", of=back)

    assert all(not each.holds and not each.fails and not each.evidence for each in reset.criteria)
    assert [each.text for each in reset.criteria] == [each.text for each in CRITERIA]


def test_what_a_check_found_wanting_cannot_be_closed_by_a_word() -> None:
    said = words(decided('/wo done "all well"', SUPERVISOR, order=SOAKING))

    assert "/wo confirm 2" in said
    assert "/wo confirm 3" not in said


def test_a_confirmation_is_answered_by_a_reaction() -> None:
    assert isinstance(decided('/wo confirm 2 "the shop sells"', SUPERVISOR, order=SOAKING)[0], React)
