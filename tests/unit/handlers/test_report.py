"""Phases that people do: in their order, by their role's people, each report as every role's."""

from __future__ import annotations

from dataclasses import replace

import pytest

import handlers
from handlers.commands import KINDS
from tests.unit.handlers.values import DEFINITION, FACTS, comment, decided, incident, words
from tests.unit.workorders.values import (
    AUTHOR,
    BOT,
    MEMBER,
    POLICY,
    READS,
    STRANGER,
    SUPERVISOR,
    UNKNOWN,
    WRITES,
    in_team,
)
from workorders import people
from workorders.authority import Rights, Who, enough, may
from workorders.intents import Intent, KeepReport, Move, OpenOrder, React, Say, SetReview
from workorders.lifecycle import Event, moved
from workorders.migration.errors import Blocked, Problem
from workorders.order import Order, Person, State
from workorders.policy import InvalidPolicy, MissingPolicy, Policy, Supervisor, UnknownPolicy, from_yaml
from workorders.report import Report

AGENT = Person(id=9, login="digger[bot]", is_bot=True)
ROLES = replace(
    POLICY,
    roles={
        "scribe": (Supervisor(name="ann"),),
        "investigator": (Supervisor(name="@acme/dba"), Supervisor(name="digger[bot]")),
        "commander": (Supervisor(name="sue"),),
    },
)


def reported(line: str, person: Person, asked: Order, **others: object) -> tuple[Intent, ...]:
    return decided(f"/wo report {line}", person, order=asked, **others)


def after(asked: Order, intents: tuple[Intent, ...]) -> Order:
    """The order when the intents are carried out, as far as reports go."""
    state = asked.state
    for each in intents:
        if isinstance(each, Move):
            state = moved(state, each.event)
    kept = next(each.report for each in intents if isinstance(each, KeepReport))
    earlier = tuple(each for each in asked.reports if each.phase < kept.phase)
    return replace(asked, state=state, reports=(*earlier, kept), version=asked.version + 1)


def test_the_phases_are_done_in_their_order_and_lead_to_an_approval() -> None:
    asked, states = incident(), []
    for phase in DEFINITION.phases:
        states.append(asked.state)
        assert people.open_phase(asked) == phase
        for other in DEFINITION.phases:
            if other != phase:
                assert {type(each) for each in reported(f'{other.number} done "x"', MEMBER, asked)} == {
                    React,
                    Say,
                }

        intents = reported(f'{phase.number} done "we looked"', MEMBER, asked)
        (said,) = (each.content for each in intents if isinstance(each, Say))

        assert isinstance(said, Report)
        assert said.role == phase.role
        assert all(task in words(intents) for task in phase.tasks)
        assert "we looked" in words(intents)
        asked = after(asked, intents)

    assert states == [State.ANALYSING, State.PREPARING, State.PREPARING, State.REVIEWING]
    assert asked.state is State.AWAITING_APPROVAL
    (review,) = (each for each in intents if isinstance(each, SetReview))
    assert review.digest == people.digest(asked, asked.reports)


@pytest.mark.parametrize(
    ("person", "rules", "rights", "may_it"),
    [
        (MEMBER, POLICY, WRITES, "yes"),
        (MEMBER, MissingPolicy(), WRITES, "yes"),
        (MEMBER, POLICY, READS, "no"),
        (MEMBER, POLICY, UNKNOWN, "wait"),
        (MEMBER, UnknownPolicy(), WRITES, "wait"),
        (MEMBER, ROLES, in_team(True), "yes"),
        (MEMBER, ROLES, in_team(False), "no"),
        (MEMBER, ROLES, in_team(None), "wait"),
        (STRANGER, ROLES, WRITES, "wait"),
        (AUTHOR, ROLES, in_team(False), "no"),
        (AGENT, ROLES, UNKNOWN, "yes"),
        (AGENT, POLICY, WRITES, "silence"),
        (BOT, ROLES, WRITES, "silence"),
    ],
)
def test_a_phase_is_its_role_s_people_s(person: Person, rules: Policy, rights: Rights, may_it: str) -> None:
    asked = incident(State.PREPARING, done=1)

    try:
        intents = reported('2 done "a flag"', person, asked, policy=rules, rights=rights)
    except Blocked:
        assert may_it == "wait"
        return
    kinds = {type(each) for each in intents}
    assert kinds == {"yes": {React, KeepReport, Move, Say}, "no": {React, Say}, "silence": set()}[may_it]


def test_nobody_s_report_counts_under_a_policy_that_cannot_be_read() -> None:
    rules = InvalidPolicy(problem=Problem(line=1, reason="It is empty.", next_move="Fill it."))

    assert "nobody's report counts" in words(reported('1 done "x"', MEMBER, incident(), policy=rules))


def test_a_bot_gives_no_other_command() -> None:
    for kind in KINDS:
        asked = handlers.tasks(comment(f"/wo {kind.verb} 1 done x", AGENT))
        assert bool(asked) is (kind.verb == "report")


def test_a_blocked_phase_stays_open_and_the_supervisors_are_called() -> None:
    asked = incident(State.PREPARING, done=1)
    intents = reported('2 blocked "the logs are gone"', AGENT, asked, policy=ROLES)
    (said,) = (each.content for each in intents if isinstance(each, Say))

    assert [each.event for each in intents if isinstance(each, Move)] == [Event.REPORTED]
    assert isinstance(said, Report)
    assert said.mentions == ("sue",)
    assert all(line in words(intents) for line in DEFINITION.escalation)
    phase = people.open_phase(after(asked, intents))
    assert phase is not None
    assert phase.number == 2


def test_whoever_did_the_work_is_an_author_and_approves_nothing() -> None:
    work = reported('1 done "x"', MEMBER, incident())
    review = reported('4 done "x"', SUPERVISOR, incident(State.REVIEWING, done=3))

    assert [each.is_authored for each in (*work, *review) if isinstance(each, KeepReport)] == [True, False]


@pytest.mark.parametrize("again", [1, 2, 3])
def test_after_changes_are_requested_it_goes_on_where_a_phase_is_done_again(again: int) -> None:
    asked = incident(State.CHANGES_REQUESTED, done=4)
    intents = reported(f'{again} done "better"', MEMBER, asked)
    following = people.open_phase(after(asked, intents))

    assert following is not None
    assert following.number == again + 1
    assert after(asked, intents).state is (State.REVIEWING if again == 3 else State.PREPARING)


def test_a_report_of_another_text_makes_another_digest() -> None:
    asked = incident(done=4)
    other = (*asked.reports[:-1], replace(asked.reports[-1], said="not so well"))

    assert people.digest(asked, asked.reports) != people.digest(asked, other)


@pytest.mark.parametrize("rules", [POLICY, MissingPolicy()])
def test_without_named_people_whoever_may_write_and_is_no_author_approves(rules: Policy) -> None:
    asked = incident(State.AWAITING_APPROVAL, done=4)

    assert may(SUPERVISOR, Who.APPROVER, asked, rules, WRITES).is_yes
    assert not may(SUPERVISOR, Who.APPROVER, asked, rules, READS).is_yes
    assert not may(AUTHOR, Who.APPROVER, asked, rules, WRITES).is_yes
    assert "Anyone with write permission who is not an author" in enough(asked, rules, {}).sentence


def test_with_named_people_only_they_approve() -> None:
    asked = incident(State.AWAITING_APPROVAL, done=4)

    assert may(SUPERVISOR, Who.APPROVER, asked, ROLES, WRITES).is_yes
    assert not may(MEMBER, Who.APPROVER, asked, ROLES, WRITES).is_yes


@pytest.mark.parametrize("verb", ["revise", "rollback", "purge", "plan"])
def test_what_is_about_a_target_is_refused_with_what_may_be_done(verb: str) -> None:
    said = words(decided(f"/wo {verb}", SUPERVISOR, order=incident(State.SOAKING, done=4)))

    assert "is not for this order" in said
    assert "/wo done" in said
    assert "/wo rollback" not in said.partition("Possible now")[2]


def test_it_starts_without_a_target_or_sql() -> None:
    definitions = {DEFINITION.name: DEFINITION}
    intents = decided("/wo start incident-review", MEMBER, definitions=definitions, targets=())
    (opened,) = (each for each in intents if isinstance(each, OpenOrder))

    assert (opened.target, opened.sql, opened.title) == ("", "", "Incident review")
    for more in (" --target shop", " --sql db/a.sql", "\n```sql\nselect 1;\n```"):
        refused = decided(f"/wo start incident-review{more}", MEMBER, definitions=definitions)
        assert "done by people" in words(refused)


@pytest.mark.parametrize(("line", "reason"), [
    ("9 done x", "is not the number of a phase"), ("1 finished x", "is no result"), ("1 done", "no word"),
])  # fmt: skip
def test_a_report_that_says_too_little_is_refused(line: str, reason: str) -> None:
    assert reason in words(reported(line, MEMBER, incident()))


def test_roles_are_read_as_supervisors_are() -> None:
    text = "version: 1\ntargets: {}\nroles:\n  scribe: [ann, '@acme/on-call', 'digger[bot]']\n"

    assert [each.name for each in from_yaml(text).roles["scribe"]] == ["ann", "@acme/on-call", "digger[bot]"]
    assert FACTS.policy.roles == {}  # type: ignore[union-attr]
