"""The two commands that a run begins and ends with."""

from __future__ import annotations

from datetime import timedelta

import pytest

import handlers
from tests.unit.handlers.values import FACTS, decided, task, words
from tests.unit.workorders.values import (
    AUTHOR,
    DIGEST,
    MEMBER,
    NOW,
    OPERATOR,
    READS,
    SECOND,
    SUPERVISOR,
    UNKNOWN,
    WRITES,
    approval,
    in_team,
    order,
    policy,
)
from workorders.authority import Rights
from workorders.intents import (
    Approve,
    CloseIssue,
    Move,
    React,
    Say,
    Work,
)
from workorders.lifecycle import Event
from workorders.migration.errors import Blocked
from workorders.order import Criterion, State
from workorders.policy import (
    MissingPolicy,
    Supervisor,
)


def moves(intents: tuple[object, ...]) -> list[Move]:
    return [each for each in intents if isinstance(each, Move)]


class TestApprove:
    def test_the_only_approval_needed_moves_the_order(self) -> None:
        intents = decided("/wo approve", SUPERVISOR)

        assert [type(each) for each in intents] == [React, Approve, Move, Work]
        (move,) = moves(intents)
        assert move.event is Event.APPROVED
        assert move.detail["digest"] == DIGEST
        assert len(str(move.detail["body_hash"])) == 64

    def test_the_first_of_two_does_not(self) -> None:
        intents = decided("/wo approve", SUPERVISOR, policy=policy(approvals=2))

        assert [type(each) for each in intents] == [React, Approve, Say]
        assert "1 of 2" in words(intents)

    def test_the_second_of_two_does(self) -> None:
        intents = decided(
            "/wo approve",
            SECOND,
            policy=policy(approvals=2),
            order=order(approvals=(approval(SUPERVISOR),)),
            approvers={SUPERVISOR.id: WRITES},
        )

        assert moves(intents)

    def test_the_second_by_the_same_person_does_not_count(self) -> None:
        intents = decided(
            "/wo approve",
            SUPERVISOR,
            policy=policy(approvals=2),
            order=order(approvals=(approval(SUPERVISOR),)),
        )

        assert [type(each) for each in intents] == [React, Say]
        assert "already" in words(intents)

    @pytest.mark.parametrize("rights", [READS, UNKNOWN])
    def test_the_first_counts_only_with_today_s_rights(self, rights: Rights) -> None:
        intents = decided(
            "/wo approve",
            SECOND,
            policy=policy(approvals=2),
            order=order(approvals=(approval(SUPERVISOR),)),
            approvers={SUPERVISOR.id: rights},
        )

        assert not moves(intents)
        # What is not known is asked again, what is known is not.
        assert any(isinstance(each, Work) for each in intents) is (rights is UNKNOWN)

    @pytest.mark.parametrize("length", [8, 12, 64])
    def test_a_digest_may_be_shortened(self, length: int) -> None:
        (approve,) = [
            each
            for each in decided(f"/wo approve {DIGEST[:length].upper()}", SUPERVISOR)
            if isinstance(each, Approve)
        ]

        assert approve.digest == DIGEST

    @pytest.mark.parametrize("digest", [DIGEST[:7], "ab12ab13", "zzzzzzzz", "*", DIGEST + "0", "ab12 "])
    def test_another_digest_is_refused_with_the_newest(self, digest: str) -> None:
        intents = decided(f"/wo approve {digest}", SUPERVISOR)

        assert not moves(intents)
        assert DIGEST[:12] in words(intents)

    def test_an_approval_older_than_the_review_needs_its_digest(self) -> None:
        newer = order(reviewed_at=NOW + timedelta(seconds=1))

        assert not moves(decided("/wo approve", SUPERVISOR, order=newer))
        assert moves(decided(f"/wo approve {DIGEST[:8]}", SUPERVISOR, order=newer))
        assert moves(decided("/wo approve", SUPERVISOR, order=order(reviewed_at=NOW - timedelta(seconds=1))))

    def test_what_is_accepted_is_kept(self) -> None:
        intents = decided("/wo approve --accept positional --accept Other-Major", SUPERVISOR)
        (approve,) = [each for each in intents if isinstance(each, Approve)]

        assert approve.accepted == ("positional", "other-major")
        assert not moves(decided("/wo approve --accept 'drop table'", SUPERVISOR))

    def test_the_author_is_refused_with_the_names_of_those_who_can(self) -> None:
        assert "sue" in words(decided("/wo approve", AUTHOR))

    def test_a_team_that_github_did_not_answer_about_waits(self) -> None:
        team = policy(supervisors=(Supervisor(name="@acme/dba"),))

        with pytest.raises(Blocked):
            decided("/wo approve", MEMBER, policy=team, rights=in_team(None))
        assert moves(decided("/wo approve", MEMBER, policy=team, rights=in_team(True)))

    def test_without_a_policy_the_file_is_given(self) -> None:
        said = words(decided("/wo approve", SUPERVISOR, policy=MissingPolicy()))

        assert 'supervisors: ["sue"]' in said

    def test_nobody_approves_from_a_terminal(self) -> None:
        asked = handlers.task_from_words("approve", [], task("/wo help", OPERATOR).context)

        assert not moves(handlers.handle(asked, FACTS))


class TestDone:
    def test_it_closes_the_order_with_its_summary(self) -> None:
        intents = decided('wo:done "ids are bigint now"', AUTHOR, order=order(State.SOAKING))

        assert [type(each) for each in intents] == [React, Move, CloseIssue, Work]
        assert moves(intents)[0].detail["summary"] == "ids are bigint now"

    @pytest.mark.parametrize(
        ("body", "number", "summary"),
        [
            ('wo:done #7 "all well"', 7, "all well"),
            ('wo:done 7 "all well"', 7, "all well"),
            ("wo:done #7 all well", 7, "all well"),
            ('wo:done "7 columns"', 42, "7 columns"),
            ("wo:done 7 columns dropped", 42, "7 columns dropped"),
            ("wo:done 7 columns", 42, "7 columns"),
        ],
    )
    def test_another_issue_s_order_may_be_named(self, body: str, number: int, summary: str) -> None:
        assert task(body, AUTHOR).wanted.order_number == number
        assert moves(decided(body, AUTHOR, order=order(State.SOAKING)))[0].detail["summary"] == summary

    def test_open_criteria_are_listed_each_with_what_closes_it(self) -> None:
        criteria = (Criterion(number=1, text="It works"), Criterion(number=2, text="Fast", holds=True))
        intents = decided('/wo done "all well"', AUTHOR, order=order(State.SOAKING, criteria=criteria))

        assert not moves(intents)
        assert "It works" in words(intents)
        assert "/wo confirm 1" in words(intents)
        assert "Fast" not in words(intents)

    def test_without_a_summary_it_is_refused(self) -> None:
        assert not moves(decided("wo:done #42", AUTHOR, order=order(State.SOAKING)))
