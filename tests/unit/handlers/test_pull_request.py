"""What happens to a pull request, and what becomes of its orders."""

from __future__ import annotations

from dataclasses import replace

import pytest

import handlers
from handlers.events import PullRequestClosed, PullRequestPushed, PullRequestReopened
from handlers.facts import PullRequest, Script
from tests.unit.handlers.values import FACTS, words
from tests.unit.workorders.values import (
    AUTHOR,
    BOT,
    MEMBER,
    NOW,
    READS,
    REPOSITORY,
    STRANGER,
    UNKNOWN,
    WRITES,
    order,
)  # fmt: skip
from workorders.intents import (
    CloseIssue,
    Intent,
    Move,
    NotePush,
    Revise,
    Say,
    SetCriteria,
    VoidApprovals,
    Work,
)
from workorders.lifecycle import CLOSED, NOT_RUN, Event, accepts
from workorders.migration.errors import Blocked
from workorders.order import Order, Reading, SqlFile, State
from workorders.policy import UnknownPolicy

OLD, NEW = "a" * 40, "b" * 40
FILES = (SqlFile(path="db/1.sql", first_line=1),)
SAME = Script(sql=order().sql, origin=f"db/1.sql@{NEW}", files=FILES)
OTHER = Script(sql="select 2;", origin=f"db/1.sql@{NEW}", files=FILES)

PUSH = PullRequestPushed(repository=REPOSITORY, sender=STRANGER, number=9, head=NEW, received_at=NOW)
CLOSE = PullRequestClosed(repository=REPOSITORY, sender=STRANGER, number=9, is_merged=False, received_at=NOW)
REOPEN = PullRequestReopened(repository=REPOSITORY, sender=STRANGER, number=9, received_at=NOW)


def of_files(state: State = State.AWAITING_APPROVAL, **others: object) -> Order:
    return order(state, **{"pull_request": 9, "reading": Reading(head=OLD, files=FILES), **others})


def at(script: Script | None, head: str = NEW) -> PullRequest:
    return PullRequest(
        number=9, head=head, author=AUTHOR, is_open=True, is_merged=False, people=(AUTHOR, MEMBER),
        script=script, changed=("db/0.sql",),
    )  # fmt: skip


def decided(
    event: PullRequestPushed | PullRequestClosed | PullRequestReopened, *orders: Order, **others: object
) -> tuple[Intent, ...]:
    facts = replace(FACTS, order=None, pull_request_orders=orders, **others)  # type: ignore[arg-type]
    return tuple(intent for task in handlers.tasks(event) for intent in handlers.handle(task, facts))


def kinds(intents: tuple[Intent, ...]) -> list[type]:
    return [type(each) for each in intents]


def events(intents: tuple[Intent, ...]) -> list[Event]:
    return [each.event for each in intents if isinstance(each, Move)]


@pytest.mark.parametrize("state", State)
def test_other_sql_replans_what_has_not_run_and_is_noted_for_what_has(state: State) -> None:
    intents = decided(PUSH, of_files(state), pull_request=at(OTHER))

    if state in CLOSED:
        assert intents == ()
    elif state in NOT_RUN:
        assert kinds(intents) == [NotePush, Revise, SetCriteria, VoidApprovals, Move, Work, Say]
        (revised,) = [each for each in intents if isinstance(each, Revise)]
        assert (revised.sql, revised.sql_origin) == (OTHER.sql, OTHER.origin)
        assert revised.reading == Reading(head=NEW, files=FILES, changed=("db/0.sql",))
        assert events(intents) == [Event.REVISED]
        assert accepts(state, Event.REVISED)
    else:
        assert kinds(intents) == [NotePush, Say]
        assert state.value.replace("_", " ") in words(intents)


@pytest.mark.parametrize("state", [each for each in State if each not in CLOSED])
def test_the_same_sql_leaves_approvals_and_state_as_they_are(state: State) -> None:
    (noted,) = decided(PUSH, of_files(state), pull_request=at(SAME))

    assert isinstance(noted, NotePush)
    assert noted.head == NEW
    assert noted.script is not None
    assert noted.script.reading.head == NEW


@pytest.mark.parametrize("script", [SAME, OTHER, None])
def test_who_has_pushed_and_whose_commits_they_are_become_authors(script: Script | None) -> None:
    noted = next(
        each for each in decided(PUSH, of_files(), pull_request=at(script)) if isinstance(each, NotePush)
    )

    assert noted.by == STRANGER
    assert noted.authors == (AUTHOR, MEMBER)


@pytest.mark.parametrize("sender", [STRANGER, BOT])
def test_sql_of_somebody_without_write_permission_is_not_rehearsed(sender: object) -> None:
    push = replace(PUSH, sender=sender)  # type: ignore[arg-type]  # a person
    intents = decided(push, of_files(), pull_request=at(OTHER), rights=READS)

    assert kinds(intents) == [NotePush, Say]
    assert "/wo revise" in words(intents)
    assert "ann" in words(intents)
    assert "sue" in words(intents)


def test_what_the_pusher_may_is_waited_for() -> None:
    with pytest.raises(Blocked):
        decided(PUSH, of_files(), pull_request=at(OTHER), rights=UNKNOWN)


def test_the_same_sql_waits_for_nobody() -> None:
    assert kinds(decided(PUSH, of_files(), pull_request=at(SAME), rights=UNKNOWN)) == [NotePush]


def test_another_head_is_another_push_s() -> None:
    assert decided(PUSH, of_files(), pull_request=at(OTHER, head="c" * 40)) == ()
    assert decided(PUSH, of_files(), pull_request=None) == ()


@pytest.mark.parametrize(
    "script", [None, replace(OTHER, sql=" \n"), replace(OTHER, sql="select '\x00';")], ids=repr
)
def test_a_head_without_a_script_asks_for_changes_with_the_reason(script: Script | None) -> None:
    intents = decided(PUSH, of_files(), pull_request=at(script))

    assert kinds(intents) == [NotePush, Revise, VoidApprovals, Move, Say]
    assert events(intents) == [Event.CHANGES_REQUESTED]
    assert "/wo revise" in words(intents)
    (revised,) = [each for each in intents if isinstance(each, Revise)]
    assert revised.sql == ""


def test_a_script_that_comes_back_is_taken_up_though_it_is_the_same() -> None:
    gone = of_files(State.CHANGES_REQUESTED, sql="", sql_origin="", reading=Reading(head=OLD))

    assert events(decided(PUSH, gone, pull_request=at(SAME))) == [Event.REVISED]
    assert kinds(decided(PUSH, gone, pull_request=at(None))) == [NotePush]


def test_a_script_of_a_comment_is_not_replaced_by_the_files() -> None:
    given = of_files(reading=Reading(head=OLD), sql_origin="comment")

    assert kinds(decided(PUSH, given, pull_request=at(OTHER))) == [NotePush, Say]


def test_each_order_of_the_pull_request_is_looked_at() -> None:
    intents = decided(
        PUSH, of_files(State.SOAKING, id=1), of_files(State.APPROVED, id=2), pull_request=at(OTHER)
    )

    assert [each.order_id for each in intents if isinstance(each, NotePush)] == [1, 2]
    assert [each.order_id for each in intents if isinstance(each, Revise)] == [2]


@pytest.mark.parametrize("state", State)
def test_closing_unmerged_cancels_what_has_not_run_and_escalates_what_has(state: State) -> None:
    intents = decided(CLOSE, of_files(state))

    if state in CLOSED:
        assert intents == ()
    elif state in NOT_RUN or state is State.ROLLED_BACK:
        assert kinds(intents) == [Move, CloseIssue, Say]
        assert events(intents) == [Event.CANCELLED]
    else:
        (said,) = intents
        assert isinstance(said, Say)
        assert not isinstance(said.content, str)
        assert said.content.mentions == ("sue", "sid")
        assert "Possible now:" in words(intents)


def test_whom_an_escalation_calls_is_waited_for_and_a_cancellation_is_not() -> None:
    with pytest.raises(Blocked):
        decided(CLOSE, of_files(State.SOAKING), policy=UnknownPolicy())
    assert events(decided(CLOSE, of_files(), policy=UnknownPolicy())) == [Event.CANCELLED]


@pytest.mark.parametrize("state", State)
def test_merging_changes_nothing(state: State) -> None:
    assert decided(replace(CLOSE, is_merged=True), of_files(state)) == ()


@pytest.mark.parametrize("state", State)
def test_reopening_moves_no_order_and_says_how_to_start_again(state: State) -> None:
    intents = decided(REOPEN, of_files(state))

    assert kinds(intents) == ([Say] if state is State.CANCELLED else [])
    if intents:
        assert "/wo start database-migration --target shop" in words(intents)


@pytest.mark.parametrize("event", [PUSH, CLOSE, REOPEN])
def test_a_pull_request_without_orders_is_nobody_s(event: PullRequestPushed) -> None:
    assert decided(event, pull_request=at(OTHER)) == ()


def test_nobody_s_push_is_a_command() -> None:
    for event in (PUSH, CLOSE, REOPEN):
        assert handlers.seen(event) == ()
    assert FACTS.rights == WRITES
