"""Commands that let an order begin or hold it back, and the question what an approval would come to."""

from __future__ import annotations

import pytest

from handlers.facts import Colleague
from tests.unit.handlers.values import decided, words
from tests.unit.workorders.values import (
    AUTHOR,
    NOW,
    READS,
    SECOND,
    STRANGER,
    SUPERVISOR,
    UNKNOWN,
    WRITES,
    approval,
    order,
    policy,
)
from workorders.authority import Rights
from workorders.intents import FreezeTarget, Move, React, Say, UnfreezeTarget, Work
from workorders.lifecycle import Event
from workorders.order import Person, State
from workorders.policy import Execute
from workorders.turn import Freeze, Standing

ON_COMMAND = policy(execute=Execute.ON_COMMAND)
FROZEN = Standing(freeze=Freeze(target="shop", login="Sid", reason="the sale", frozen_at=NOW))


def test_an_approved_order_begins_on_command() -> None:
    intents = decided("/wo execute", SUPERVISOR, order=order(State.APPROVED), policy=ON_COMMAND)

    assert [type(each) for each in intents] == [React, Move, Work]
    assert [each.event for each in intents if isinstance(each, Move)] == [Event.COMMANDED]


def test_a_command_to_begin_says_what_else_holds_it_back() -> None:
    intents = decided(
        "/wo execute", SUPERVISOR, order=order(State.APPROVED), policy=ON_COMMAND, standing=FROZEN
    )

    assert any(isinstance(each, Move) for each in intents)
    assert "the sale" in words(intents)
    assert "on-command" not in words(intents)


def test_nothing_is_commanded_twice_or_where_it_begins_by_itself() -> None:
    told = order(State.APPROVED, is_commanded=True)

    for asked, rules in ((told, ON_COMMAND), (order(State.APPROVED), policy())):
        assert {type(each) for each in decided("/wo execute", SUPERVISOR, order=asked, policy=rules)} == {
            React,
            Say,
        }


@pytest.mark.parametrize(
    ("line", "standing", "kind"),
    [
        ("freeze", Standing(), FreezeTarget),
        ('freeze shop "the sale"', Standing(), FreezeTarget),
        ("freeze", FROZEN, None),
        ("freeze other", Standing(), None),
        ("unfreeze shop", FROZEN, UnfreezeTarget),
        ("unfreeze", Standing(), None),
        ("unfreeze other", FROZEN, None),
    ],
)
def test_only_an_order_s_own_target_is_frozen_and_once(
    line: str, standing: Standing, kind: type | None
) -> None:
    intents = decided(f"/wo {line}", SUPERVISOR, standing=standing)

    assert {type(each) for each in intents} == {React, Say} | ({kind} if kind else set())
    for each in intents:
        if isinstance(each, FreezeTarget):
            assert each.reason in ("", "the sale")


@pytest.mark.parametrize(
    ("person", "rights", "says"),
    [
        (SUPERVISOR, WRITES, "It would begin at once"),
        (Person(id=1, login="ann"), WRITES, "authors do not approve"),
        (STRANGER, WRITES, "is not a supervisor"),
        (SECOND, READS, "only read"),
        (SUPERVISOR, UNKNOWN, "has not said what"),
    ],
)
def test_what_if_tells_what_an_approval_would_come_to_and_changes_nothing(
    person: Person, rights: Rights, says: str
) -> None:
    intents = decided(
        f"/wo what-if @{person.login} approves", STRANGER, other=Colleague(person=person, rights=rights)
    )

    assert [type(each) for each in intents] == [React, Say]
    assert says in words(intents)


def test_what_if_counts_the_approvals_there_are() -> None:
    said = words(
        decided(
            "/wo what-if @Sid",
            AUTHOR,
            order=order(approvals=(approval(SUPERVISOR),)),
            approvers={SUPERVISOR.id: WRITES},
            policy=policy(approvals=3),
            other=Colleague(person=SECOND, rights=WRITES),
        )
    )

    assert "2 of 3 approvals" in said


@pytest.mark.parametrize("line", ["what-if @nobody approves", "what-if @sue dances"])
def test_what_cannot_be_tried_is_refused(line: str) -> None:
    assert {type(each) for each in decided(f"/wo {line}", STRANGER)} == {React, Say}
