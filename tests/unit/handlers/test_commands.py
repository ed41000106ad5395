"""What each command means, over the whole table of commands, states and people."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

import handlers
from handlers.command import About, Kind
from handlers.commands import BY_VERB, KINDS
from handlers.facts import Facts, Need
from tests.unit.handlers.values import FACTS, comment, decided, incident, task, words
from tests.unit.workorders.values import (
    AUTHOR,
    BOT,
    MEMBER,
    NOW,
    OPERATOR,
    POLICY,
    READS,
    REPOSITORY,
    SECOND,
    STRANGER,
    SUPERVISOR,
    UNKNOWN,
    WRITES,
    approval,
    order,
)
from workorders.authority import Who
from workorders.definition import VERBS
from workorders.intents import (
    Move,
    React,
    Reaction,
    ReopenIssue,
    Revise,
    Say,
    SetCriteria,
    VoidApprovals,
    Work,
)
from workorders.lifecycle import Event, accepts, moved
from workorders.migration.errors import Blocked, Problem
from workorders.order import Order, State
from workorders.policy import (
    InvalidPolicy,
    MissingPolicy,
    PolicyAnswer,
    UnknownPolicy,
)

SPOKEN = {
    "start": "/wo start database-migration\n```sql\nselect 1;\n```",
    "revise": "/wo revise\n```sql\nselect 1;\n```",
    "request-changes": '/wo request-changes "too slow"',
    "done": '/wo done "all well"',
    "what-if": "/wo what-if @sue approves",
    "report": '/wo report 1 done "the logs are read"',
    "confirm": '/wo confirm 1 "it is as fast as before"',
    "speed": "/wo speed 50%",
    "terminate": "/wo terminate 4711",
}
PEOPLE = (AUTHOR, SUPERVISOR, STRANGER, MEMBER)
POLICIES: tuple[PolicyAnswer, ...] = (
    POLICY,
    MissingPolicy(),
    InvalidPolicy(problem=Problem(line=1, reason="It is empty.", next_move="Fill it.")),
    UnknownPolicy(),
)
RIGHTS = (WRITES, READS, UNKNOWN)
ABOUT_ORDERS = [each for each in KINDS if each.states is not None]


def spoken(kind: Kind) -> str:
    return SPOKEN.get(kind.verb, f"/wo {kind.verb}")


def order_for(kind: Kind, state: State) -> Order:
    """One of those that the command is about."""
    return incident(state) if kind.about is About.PEOPLE else order(state)


def moves(intents: tuple[object, ...]) -> list[Move]:
    return [each for each in intents if isinstance(each, Move)]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_every_command_is_answered_in_every_state_for_everyone(kind: Kind, state: State) -> None:
    for person, rules, rights in product(PEOPLE, POLICIES, RIGHTS):
        facts = replace(FACTS, order=order_for(kind, state), policy=rules, rights=rights)
        asked = task(spoken(kind), person)
        try:
            intents = handlers.handle(asked, facts)
        except Blocked as blocked:
            assert handlers.told_to_wait(asked, blocked)
            continue
        reactions = [each.reaction for each in intents if isinstance(each, React)]
        assert len(reactions) == 1
        if reactions == [Reaction.REFUSED]:
            # A refusal changes nothing, and names what would be allowed and who could do it.
            assert {type(each) for each in intents} == {React, Say}
            said = words(intents)
            assert any(
                who in said
                for who in (
                    *(each.value for each in Who),
                    *("supervisor", "write permission", "Anyone", "author", "sue", "targets:"),
                    *("default branch",),
                )
            ), said
        now = state
        for move in moves(intents):
            assert accepts(now, move.event)
            now = moved(now, move.event)
            assert move.by == person


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    "kind", [each for each in KINDS if each.states is not None], ids=lambda kind: kind.verb
)
def test_a_command_that_the_state_does_not_take_says_what_it_does_take(kind: Kind, state: State) -> None:
    assert kind.states is not None
    about = order_for(kind, state)
    intents = decided(spoken(kind), SUPERVISOR, order=about)

    if state not in kind.states:
        assert not moves(intents)
        assert "Possible now:" in words(intents)
        for other in KINDS:
            if other.states is not None and state in other.states and other.is_about(about):
                assert other.usage in words(intents)


@pytest.mark.parametrize(
    "kind", [each for each in KINDS if each.states is not None], ids=lambda kind: kind.verb
)
def test_a_command_about_an_order_is_refused_where_there_is_none(kind: Kind) -> None:
    intents = decided(spoken(kind), SUPERVISOR, order=None)

    assert not moves(intents)
    assert "There is no work order" in words(intents)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_a_bot_gives_no_command(kind: Kind) -> None:
    for asked in handlers.tasks(comment(spoken(kind), BOT)):
        # What an agent may do it may where the policy names it.
        assert kind.who is Who.ROLE
        assert handlers.handle(asked, replace(FACTS, order=order_for(kind, State.ANALYSING))) == ()
    assert kind.who is Who.ROLE or handlers.seen(comment(spoken(kind), BOT)) == ()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_nobody_without_write_permission_changes_anything(kind: Kind) -> None:
    for person, state, rules in product(PEOPLE, State, POLICIES):
        try:
            about = order_for(kind, state)
            intents = decided(spoken(kind), person, order=about, rights=READS, policy=rules)
        except Blocked:
            continue
        assert {type(each) for each in intents} <= {React, Say}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_a_command_asks_for_what_decides_it(kind: Kind) -> None:
    needs = task(spoken(kind), AUTHOR, is_pull_request=True).wanted.needs

    if kind.states is not None:
        assert Need.ORDER in needs
    if kind.who is not Who.READER:
        assert {Need.RIGHTS, Need.POLICY} <= needs


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_the_same_comment_is_the_same_task(kind: Kind) -> None:
    assert task(spoken(kind), AUTHOR).key == task(spoken(kind), AUTHOR).key


def test_no_command_could_be_mistaken_for_a_definition() -> None:
    assert set(BY_VERB) <= VERBS


def test_help_shows_every_command_with_who_may() -> None:
    said = words(decided("/wo help", STRANGER, rights=READS))

    assert all(kind.usage in said and kind.help in said and kind.who.value in said for kind in KINDS)


def test_a_comment_s_commands_are_seen_at_once() -> None:
    (seen,) = handlers.seen(comment("/wo approve\n/wo help", SUPERVISOR))

    assert isinstance(seen, React)
    assert seen.reaction is Reaction.SEEN
    assert handlers.seen(comment("hello", SUPERVISOR)) == ()


def test_changes_are_requested_with_a_reason_and_void_what_was_approved() -> None:
    intents = decided('/wo request-changes "use @all a twin"', SUPERVISOR)
    (said,) = [each for each in intents if isinstance(each, Say)]

    assert [type(each) for each in intents] == [React, Move, VoidApprovals, Say]
    assert "\u2068use @all a twin\u2069" in words(intents)
    assert not isinstance(said.content, str)
    assert said.content.mentions == ("ann",)


@pytest.mark.parametrize("state", [State.SOAKING, State.FAILED, State.DONE])
def test_a_rollback_of_a_done_order_opens_its_issue_again(state: State) -> None:
    intents = decided("/wo rollback", SUPERVISOR, order=order(state))

    assert moves(intents)[0].event is Event.ROLLBACK
    assert any(isinstance(each, ReopenIssue) for each in intents) is (state is State.DONE)
    assert any(isinstance(each, Work) for each in intents)


def test_revised_sql_voids_approvals_and_is_looked_at_again() -> None:
    intents = decided(SPOKEN["revise"], SUPERVISOR, order=order(approvals=(approval(SECOND),)))

    assert [type(each) for each in intents] == [React, Revise, SetCriteria, VoidApprovals, Move, Work]
    assert moved(State.AWAITING_APPROVAL, moves(intents)[0].event) is State.ANALYSING


def test_revising_without_sql_is_refused() -> None:
    assert not moves(decided("/wo revise", AUTHOR))


@pytest.mark.parametrize(
    "verb", ["start", "revise", "request-changes", "rollback", "done", "cancel", "status"]
)
def test_an_operator_may_all_but_approve(verb: str) -> None:
    kind = BY_VERB[verb]
    assert kind.states is None or kind.states
    state = next(iter(kind.states)) if kind.states else State.SOAKING
    line = {"start": ["database-migration"], "request-changes": ["why"], "done": ["42", "all is well"]}
    context = replace(task("/wo help", AUTHOR).context, person=OPERATOR, comment_id=None, body_hash="")
    asked = handlers.task_from_words(verb, line.get(verb, []), context, sql="select 1;")

    intents = handlers.handle(
        asked, replace(FACTS, order=order(state), rights=UNKNOWN, policy=MissingPolicy())
    )

    assert not any(isinstance(each, React) for each in intents)
    assert verb == "status" or not any(isinstance(each, Say) and each.is_urgent for each in intents), words(
        intents
    )


def test_a_mistake_is_answered_with_its_line() -> None:
    asked = task("Well:\n\n/wo aprove", SUPERVISOR)
    intents = handlers.handle(asked, Facts(now=NOW))

    assert asked.wanted.needs == frozenset()
    assert [type(each) for each in intents] == [React, Say]
    assert "Line 3" in words(intents)
    assert "approve" in words(intents)


def test_answers_to_several_commands_are_told_apart() -> None:
    asked = handlers.tasks(comment("/wo status\n/wo help", STRANGER))
    keys = [each.key for task in asked for each in handlers.handle(task, FACTS) if isinstance(each, Say)]

    assert len(set(keys)) == len(keys) == 2
    assert all(each.context.repository == REPOSITORY for each in asked)
