"""What people do by hand, and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

import handlers
from handlers.events import (
    CommentChanged,
    GitHubEvent,
    Ignored,
    IssueClosed,
    IssueEdited,
    IssueOpened,
    IssueReopened,
    Labeled,
)
from tests.unit.handlers.values import FACTS, words
from tests.unit.workorders.values import AUTHOR, BOT, NOW, READS, REPOSITORY, STRANGER, order
from workorders.intents import Intent, Move, OpenOrder, React, ReopenIssue, Say, ShowOrder
from workorders.lifecycle import CLOSED, NOT_RUN, Event, accepts
from workorders.order import Person, State


def closed(sender: Person = STRANGER) -> IssueClosed:
    return IssueClosed(repository=REPOSITORY, sender=sender, number=42, received_at=NOW)


def reopened(sender: Person = STRANGER) -> IssueReopened:
    return IssueReopened(repository=REPOSITORY, sender=sender, number=42, received_at=NOW)


def edited(sender: Person = STRANGER) -> IssueEdited:
    return IssueEdited(repository=REPOSITORY, sender=sender, number=42, received_at=NOW)


def labeled(label: str, sender: Person = STRANGER, *, is_added: bool = True) -> Labeled:
    return Labeled(
        repository=REPOSITORY,
        sender=sender,
        number=42,
        is_pull_request=True,
        label=label,
        is_added=is_added,
        labeled_at=NOW,
        received_at=NOW,
    )


def decided(event: GitHubEvent, state: State = State.SOAKING, **others: object) -> tuple[Intent, ...]:
    facts = replace(FACTS, **{"order": order(state), **others})  # type: ignore[arg-type]  # fields by name
    return tuple(intent for task in handlers.tasks(event) for intent in handlers.handle(task, facts))


@pytest.mark.parametrize("state", State)
def test_closing_cancels_what_has_not_run_and_reopens_what_has(state: State) -> None:
    intents = decided(closed(), state)

    if state in NOT_RUN or state is State.ROLLED_BACK:
        (move,) = [each for each in intents if isinstance(each, Move)]
        assert move.event is Event.CANCELLED
        assert accepts(state, move.event)
    elif state in CLOSED:
        assert intents == ()
    else:
        assert [type(each) for each in intents] == [ReopenIssue, Say]
        assert state.value.replace("_", " ") in words(intents)
        assert "Possible now:" in words(intents)


@pytest.mark.parametrize("state", State)
def test_opening_an_issue_again_moves_no_order(state: State) -> None:
    assert {type(each) for each in decided(reopened(), state)} <= {ShowOrder, Say}


def test_what_is_edited_by_hand_is_put_back() -> None:
    assert decided(edited()) == (ShowOrder(order_id=11),)


@pytest.mark.parametrize("make", [closed, reopened, edited])
def test_what_bots_do_and_what_is_no_order_s_issue_is_left_alone(make: type) -> None:
    assert handlers.tasks(make(BOT)) == ()
    assert decided(make(), order=None) == ()


def test_a_definition_s_label_opens_an_order() -> None:
    (opened,) = decided(labeled("wo:database-migration"), order=None)

    assert isinstance(opened, OpenOrder)
    assert opened.starter == STRANGER


def test_a_label_of_somebody_without_write_permission_opens_none() -> None:
    intents = decided(labeled("wo:database-migration", AUTHOR), order=None, rights=READS)

    assert [type(each) for each in intents] == [Say]
    assert "write" in words(intents)


def test_an_unknown_definition_s_label_is_answered() -> None:
    assert "database-migration" in words(decided(labeled("wo:database-migratoin"), order=None))


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("is_added", [True, False])
def test_a_state_s_label_is_put_right_whoever_sets_or_removes_it(state: State, is_added: bool) -> None:
    assert decided(labeled(f"wo:{state.value}", is_added=is_added)) == (ShowOrder(order_id=11),)


@pytest.mark.parametrize(
    "event",
    [
        labeled("bug"),
        labeled("wo:database-migration", is_added=False),
        labeled("wo:database-migration", BOT),
        labeled("wo:done", BOT),
        CommentChanged(repository=REPOSITORY, sender=AUTHOR, number=42, comment_id=9, received_at=NOW),
        Ignored(name="ping"),
        Ignored(name="installation", action="created"),
    ],
)
def test_the_rest_is_nobody_s_command(event: GitHubEvent) -> None:
    assert handlers.tasks(event) == ()
    assert handlers.seen(event) == ()


def test_two_deliveries_of_a_definition_s_label_are_one_task_and_of_a_state_s_two() -> None:
    later = NOW + timedelta(seconds=3)
    keys = [
        {handlers.tasks(each)[0].key for each in (first, replace(first, received_at=later))}
        for first in (labeled("wo:database-migration"), labeled("wo:done"))
    ]

    assert [len(each) for each in keys] == [1, 2]


def issue(body: str, sender: Person = STRANGER) -> IssueOpened:
    return IssueOpened(
        repository=REPOSITORY, sender=sender, number=42, body=body, created_at=NOW, received_at=NOW
    )


def test_a_new_issue_s_text_is_read_like_a_comment() -> None:
    event = issue("Please.\n\nwo:start database-migration\n\n```sql\nselect 1;\n```\n")

    reaction, opened = decided(event, order=None)

    assert isinstance(opened, OpenOrder)
    assert (opened.sql, opened.asked_on, opened.pull_request) == ("select 1;", 42, None)
    assert isinstance(reaction, React)
    assert reaction.comment_id is None
    assert [type(each) for each in handlers.seen(event)] == [React]


@pytest.mark.parametrize(
    "event", [issue("Please."), issue(""), issue("> wo:start database-migration"), issue("/wo help", BOT)]
)
def test_a_text_without_a_command_and_a_bot_s_are_left_alone(event: IssueOpened) -> None:
    assert handlers.tasks(event) == ()
    assert handlers.seen(event) == ()


def test_a_text_s_mistake_is_answered_on_the_issue() -> None:
    assert "Did you mean" in words(decided(issue("/wo strat database-migration"), order=None))


def test_nothing_is_reacted_to_that_is_no_comment() -> None:
    for event in (closed(), reopened(), edited(), labeled("wo:database-migration")):
        assert handlers.seen(event) == ()
        assert not any(isinstance(each, React) for each in decided(event))
