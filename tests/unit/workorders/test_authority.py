"""Who may, who may not, and for whom it is not known yet."""

from __future__ import annotations

from itertools import product

import pytest

from tests.unit.workorders.values import (
    AUTHOR,
    BOT,
    MEMBER,
    OPERATOR,
    POLICY,
    READS,
    SECOND,
    STRANGER,
    SUPERVISOR,
    UNKNOWN,
    WRITES,
    approval,
    in_team,
    order,
    policy,
)
from workorders.authority import Permission, Rights, Who, could_be_approved, enough, may
from workorders.decision import Outcome
from workorders.migration.errors import Problem
from workorders.order import Person
from workorders.policy import (
    InvalidPolicy,
    MissingPolicy,
    Policy,
    PolicyAnswer,
    Supervisor,
    UnknownPolicy,
    from_yaml,
)

EVERYONE = (AUTHOR, SUPERVISOR, SECOND, STRANGER, MEMBER, BOT, OPERATOR)
INVALID = InvalidPolicy(problem=Problem(line=3, reason="There is no key.", next_move="Remove it."))
TEAM = policy(supervisors=(Supervisor(name="@acme/dba"),))
ALL_POLICIES: tuple[PolicyAnswer, ...] = (
    POLICY,
    TEAM,
    policy(self_approval=True, supervisors=(Supervisor(name="ann"),)),
    Policy(targets={}),
    MissingPolicy(),
    INVALID,
    UnknownPolicy(),
)
ALL_RIGHTS = (*(Rights(permission=each) for each in Permission), in_team(True), in_team(False), in_team(None))


@pytest.mark.parametrize("rules", ALL_POLICIES, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("person", EVERYONE, ids=lambda each: each.login)
def test_every_decision_has_words_and_every_no_says_what_would_be_allowed(
    person: Person, rules: PolicyAnswer
) -> None:
    for who, rights in product(Who, ALL_RIGHTS):
        decision = may(person, who, order(), rules, rights)

        assert decision.because
        assert decision.is_yes or decision.next_move
        assert decision.lines()


@pytest.mark.parametrize("rules", ALL_POLICIES, ids=lambda each: type(each).__name__)
def test_bots_and_operators_never_approve(rules: PolicyAnswer) -> None:
    for person, rights in product((BOT, OPERATOR), ALL_RIGHTS):
        assert may(person, Who.APPROVER, order(), rules, rights).outcome is Outcome.NO


@pytest.mark.parametrize(
    "rules", [POLICY, TEAM, Policy(targets={}), MissingPolicy(), INVALID, UnknownPolicy()]
)
def test_an_author_never_approves_without_the_policy_s_word(rules: PolicyAnswer) -> None:
    authors = (AUTHOR, SUPERVISOR, MEMBER)
    for person, rights in product(authors, ALL_RIGHTS):
        assert not may(person, Who.APPROVER, order(authors=authors), rules, rights).is_yes


@pytest.mark.parametrize("rights", [each for each in ALL_RIGHTS if not each.permission.includes_write])
@pytest.mark.parametrize("who", [each for each in Who if each is not Who.READER])
def test_nobody_without_write_permission_may_do_more_than_ask(who: Who, rights: Rights) -> None:
    for person, rules in product(EVERYONE, ALL_POLICIES):
        if not person.is_operator:
            assert not may(person, who, order(), rules, rights).is_yes


@pytest.mark.parametrize("rules", [Policy(targets={}), MissingPolicy(), INVALID, UnknownPolicy()])
def test_without_a_policy_that_can_be_read_nobody_supervises(rules: PolicyAnswer) -> None:
    for person, who, rights in product(EVERYONE, (Who.SUPERVISOR, Who.APPROVER), ALL_RIGHTS):
        if not person.is_operator:
            assert not may(person, who, order(), rules, rights).is_yes


def test_a_supervisor_with_write_permission_may() -> None:
    assert may(SUPERVISOR, Who.SUPERVISOR, order(), POLICY, WRITES).is_yes
    assert may(SUPERVISOR, Who.APPROVER, order(), POLICY, WRITES).is_yes


def test_logins_do_not_differ_by_case() -> None:
    assert may(SECOND, Who.APPROVER, order(), POLICY, WRITES).is_yes


def test_an_author_is_known_by_account_and_not_by_name() -> None:
    renamed = Person(id=AUTHOR.id, login="sue")

    assert may(renamed, Who.APPROVER, order(), POLICY, WRITES).outcome is Outcome.NO


@pytest.mark.parametrize(
    ("member", "outcome"), [(True, Outcome.YES), (False, Outcome.NO), (None, Outcome.WAIT)]
)
def test_a_team_s_member_may_a_stranger_may_not_and_the_unknown_waits(
    member: bool | None, outcome: Outcome
) -> None:
    assert may(MEMBER, Who.APPROVER, order(), TEAM, in_team(member)).outcome is outcome


def test_what_github_did_not_answer_is_a_wait_and_no_refusal() -> None:
    assert may(SUPERVISOR, Who.APPROVER, order(), POLICY, UNKNOWN).is_wait
    assert may(SUPERVISOR, Who.APPROVER, order(), UnknownPolicy(), WRITES).is_wait
    assert may(STRANGER, Who.WRITER, None, POLICY, UNKNOWN).is_wait


def test_a_stranger_hears_who_could() -> None:
    decision = may(STRANGER, Who.APPROVER, order(), POLICY, UNKNOWN)

    assert decision.outcome is Outcome.NO
    assert "sue" in decision.next_move
    assert "sid" in decision.next_move


def test_without_the_file_it_is_given_filled_in() -> None:
    decision = may(SUPERVISOR, Who.APPROVER, order(), MissingPolicy(), WRITES)

    assert may(SUPERVISOR, Who.APPROVER, order(), from_yaml(decision.file), WRITES).is_yes


def test_the_file_for_an_author_lets_authors_approve() -> None:
    decision = may(AUTHOR, Who.APPROVER, order(), MissingPolicy(), WRITES)

    assert may(AUTHOR, Who.APPROVER, order(), from_yaml(decision.file), WRITES).is_yes


def test_a_target_that_the_file_does_not_name_is_given_as_lines_to_add() -> None:
    decision = may(SUPERVISOR, Who.APPROVER, order(), Policy(targets={}), WRITES)

    assert "shop" in from_yaml("version: 1\ntargets:\n" + decision.file).targets


def test_an_invalid_file_is_refused_with_its_line() -> None:
    assert "line 3" in may(SUPERVISOR, Who.APPROVER, order(), INVALID, WRITES).because


def test_if_nobody_else_could_approve_the_line_is_named() -> None:
    alone = policy(supervisors=(Supervisor(name="ann"),))

    assert "self_approval: true" in may(AUTHOR, Who.APPROVER, order(), alone, WRITES).next_move
    assert "self_approval: true" in could_be_approved(order(), alone).next_move
    assert could_be_approved(order(), policy(approvals=3)).outcome is Outcome.NO
    assert could_be_approved(order(), POLICY).is_yes
    assert could_be_approved(order(), TEAM).is_yes


def test_an_author_s_own_work_is_theirs_to_move() -> None:
    assert may(AUTHOR, Who.AUTHOR_OR_SUPERVISOR, order(), MissingPolicy(), WRITES).is_yes
    assert may(AUTHOR, Who.AUTHOR_OR_SUPERVISOR, order(), POLICY, READS).outcome is Outcome.NO
    stranger = may(STRANGER, Who.AUTHOR_OR_SUPERVISOR, order(), POLICY, WRITES)
    assert stranger.outcome is Outcome.NO
    assert "ann" in stranger.next_move
    assert "sue" in stranger.next_move


def test_approvals_of_distinct_people_are_counted() -> None:
    two = policy(approvals=2)
    rights = {SUPERVISOR.id: WRITES, SECOND.id: WRITES}
    once = order(approvals=(approval(SUPERVISOR), approval(SUPERVISOR)))
    twice = order(approvals=(approval(SUPERVISOR), approval(SECOND)))

    assert not enough(once, two, rights).is_yes
    assert enough(twice, two, rights).is_yes


def test_an_approval_of_another_digest_counts_for_nothing() -> None:
    stale = order(approvals=(approval(SUPERVISOR, "cd34" * 16),))

    assert enough(stale, POLICY, {SUPERVISOR.id: WRITES}).outcome is Outcome.NO
    assert enough(
        order(digest="", approvals=(approval(SUPERVISOR, ""),)), POLICY, {SUPERVISOR.id: WRITES}
    ).outcome is (Outcome.NO)


@pytest.mark.parametrize(
    ("rights", "outcome"),
    [({}, Outcome.WAIT), ({SUPERVISOR.id: READS}, Outcome.NO), ({SUPERVISOR.id: WRITES}, Outcome.YES)],
)
def test_an_approval_is_judged_by_the_rights_of_today(rights: dict[int, Rights], outcome: Outcome) -> None:
    assert enough(order(approvals=(approval(SUPERVISOR),)), POLICY, rights).outcome is outcome


def test_an_approval_is_judged_by_the_policy_of_today() -> None:
    approved, rights = order(approvals=(approval(SUPERVISOR),)), {SUPERVISOR.id: WRITES}

    assert not enough(approved, policy(supervisors=(Supervisor(name="sid"),)), rights).is_yes
    assert not enough(approved, policy(approvals=2), rights).is_yes
    assert not enough(approved, INVALID, rights).is_yes
    assert enough(approved, UnknownPolicy(), rights).is_wait


def test_who_became_an_author_later_has_not_approved() -> None:
    revised = order(authors=(AUTHOR, SUPERVISOR), approvals=(approval(SUPERVISOR),))

    assert enough(revised, POLICY, {SUPERVISOR.id: WRITES}).outcome is Outcome.NO
