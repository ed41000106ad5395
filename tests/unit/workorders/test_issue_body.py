"""The issue's text agrees with the order, and nothing foreign in it is live."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render import escape
from tests.unit.workorders.values import AUTHOR, SUPERVISOR, approval, order
from workorders.definition import LARGEST_BYTES, MOST_CRITERIA, shipped
from workorders.issue_body import STATUS_BEGINS, STATUS_ENDS, code, order_body, status_block, with_status
from workorders.order import Criterion, Person, State

DEFINITION = shipped()["database-migration"]


@pytest.mark.parametrize("state", State)
def test_every_state_is_shown_between_the_marks(state: State) -> None:
    block = status_block(order(state))

    assert block.startswith(STATUS_BEGINS)
    assert block.endswith(STATUS_ENDS)
    assert state.value.replace("_", " ") in block


def test_the_whole_definition_is_in_the_body() -> None:
    body = order_body(DEFINITION, order(criteria=DEFINITION.open_criteria()))

    assert all(task in body for phase in DEFINITION.phases for task in phase.tasks)
    assert all(f"- [ ] {text}" in body for text in DEFINITION.criteria)
    assert all(step in body for step in DEFINITION.escalation)
    assert DEFINITION.scenario in body


def test_criteria_are_ticked_with_their_evidence() -> None:
    body = order_body(
        DEFINITION, order(criteria=(Criterion(number=1, text="Works", holds=True, evidence="@all ok"),))
    )

    assert "- [x] Works: `@all ok`" in body


def test_the_sql_is_folded_and_cannot_leave_its_block() -> None:
    body = order_body(DEFINITION, order(sql="select 1;\n```\n</details>\n@all"))

    assert "````sql\nselect 1;\n```\n</details>\n@all\n````\n" in body


def test_without_sql_the_body_says_how_to_give_it() -> None:
    assert "/wo revise" in order_body(DEFINITION, order(State.CHANGES_REQUESTED, sql=""))


def test_only_the_status_changes() -> None:
    before = order_body(DEFINITION, order())
    after = order(State.SOAKING, approvals=(approval(SUPERVISOR),))

    assert with_status(before, after) == order_body(DEFINITION, after)
    assert with_status("the marks are gone", after) is None


def test_the_largest_order_fits_an_issue() -> None:
    definition = replace(DEFINITION, scenario="x" * LARGEST_BYTES, phases=(), escalation=())
    largest = order(
        sql="select 1;\n" * 10_000,
        authors=tuple(Person(id=number, login="a" * 39) for number in range(1, 500)),
        approvals=tuple(approval(Person(id=number, login="b" * 39)) for number in range(1, 21)),
        criteria=tuple(
            Criterion(number=number, text="", holds=True, evidence="e" * 5_000)
            for number in range(MOST_CRITERIA)
        ),
    )

    assert len(order_body(definition, largest)) < 65_000


@given(st.text())
def test_foreign_text_stays_one_span_on_one_line(text: str) -> None:
    shown = code(text)

    assert "\n" not in shown
    assert "|" not in shown
    if shown:
        marks = shown[: len(shown) - len(shown.lstrip("`"))]
        assert shown.endswith(marks)
        inner = shown[len(marks) : -len(marks)]
        assert marks not in inner.replace(marks + "`", "")


@given(st.text(), st.text())
def test_any_script_and_any_login_make_a_body_with_one_status(sql: str, login: str) -> None:
    written = order(sql=sql.replace("<!--", ""), authors=(replace(AUTHOR, login=login.replace("<!--", "")),))
    body = order_body(DEFINITION, written)

    assert body.count(STATUS_BEGINS) == 1
    assert with_status(body, written) == body


def test_the_digest_is_whole_so_that_it_can_be_approved() -> None:
    assert escape.code_span(order().digest) in status_block(order())
