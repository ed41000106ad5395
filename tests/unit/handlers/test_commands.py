"""What each command means, over the whole table of commands, states and people."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

import handlers
from handlers.command import Kind
from handlers.commands import BY_VERB, KINDS
from handlers.facts import Facts, Need, OpenOrder, PullRequest, Script
from tests.unit.handlers.values import FACTS, comment, decided, task, words
from tests.unit.workorders.values import (
    AUTHOR,
    BOT,
    DIGEST,
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
    in_team,
    order,
    policy,
)
from workorders.authority import Rights, Who
from workorders.definition import VERBS
from workorders.intents import (
    Approve,
    CloseIssue,
    Move,
    React,
    Reaction,
    ReopenIssue,
    Revise,
    Say,
    VoidApprovals,
    Work,
)
from workorders.intents import OpenOrder as Open
from workorders.lifecycle import Event, accepts, moved
from workorders.migration.errors import Blocked, Problem
from workorders.order import Criterion, State
from workorders.policy import (
    InvalidPolicy,
    MissingPolicy,
    Policy,
    PolicyAnswer,
    Supervisor,
    TargetPolicy,
    UnknownPolicy,
)

SPOKEN = {
    "start": "/wo start database-migration\n```sql\nselect 1;\n```",
    "revise": "/wo revise\n```sql\nselect 1;\n```",
    "request-changes": '/wo request-changes "too slow"',
    "done": '/wo done "all well"',
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


def moves(intents: tuple[object, ...]) -> list[Move]:
    return [each for each in intents if isinstance(each, Move)]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_every_command_is_answered_in_every_state_for_everyone(kind: Kind, state: State) -> None:
    for person, rules, rights in product(PEOPLE, POLICIES, RIGHTS):
        facts = replace(FACTS, order=order(state), policy=rules, rights=rights)
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
        for move in moves(intents):
            assert accepts(state, move.event)
            assert move.by == person


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(
    "kind", [each for each in KINDS if each.states is not None], ids=lambda kind: kind.verb
)
def test_a_command_that_the_state_does_not_take_says_what_it_does_take(kind: Kind, state: State) -> None:
    assert kind.states is not None
    intents = decided(spoken(kind), SUPERVISOR, order=order(state))

    if state not in kind.states:
        assert not moves(intents)
        assert "Possible now:" in words(intents)
        for other in KINDS:
            if other.states is not None and state in other.states:
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
    assert handlers.tasks(comment(spoken(kind), BOT)) == ()
    assert handlers.seen(comment(spoken(kind), BOT)) == ()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.verb)
def test_nobody_without_write_permission_changes_anything(kind: Kind) -> None:
    for person, state, rules in product(PEOPLE, State, POLICIES):
        try:
            intents = decided(spoken(kind), person, order=order(state), rights=READS, policy=rules)
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


class TestStart:
    def opened(self, body: str, **others: object) -> Open:
        intents = decided(body, STRANGER, **others)
        found = [each for each in intents if isinstance(each, Open)]
        assert found, words(intents)
        return found[0]

    def test_a_block_s_sql_opens_an_order(self) -> None:
        opened = self.opened(SPOKEN["start"])

        assert (opened.sql, opened.sql_origin, opened.target) == ("select 1;", "comment", "shop")
        assert opened.starter == STRANGER
        assert opened.asked_on == 42
        assert len(opened.criteria) == 6
        assert opened.definition_text == FACTS.definitions["database-migration"].text

    def test_without_sql_it_opens_all_the_same(self) -> None:
        assert self.opened("/wo start database-migration").sql == ""

    def test_a_file_s_sql_has_its_path(self) -> None:
        asked = task("/wo start database-migration --sql db/a.sql", STRANGER)
        opened = self.opened(
            "/wo start database-migration --sql db/a.sql",
            sql_file=Script(sql="select 2;", origin="db/a.sql@abc"),
        )

        assert asked.wanted.sql_path == "db/a.sql"
        assert Need.SQL_FILE in asked.wanted.needs
        assert (opened.sql, opened.sql_origin) == ("select 2;", "db/a.sql@abc")

    def test_a_pull_request_s_people_are_authors(self) -> None:
        pull_request = PullRequest(
            number=42, head="abc", people=(AUTHOR, MEMBER), script=Script(sql="select 3;", origin="x.sql@abc")
        )
        opened = self.opened("/wo start database-migration", pull_request=pull_request)

        assert opened.authors == (AUTHOR, MEMBER)
        assert opened.sql == "select 3;"

    @pytest.mark.parametrize(
        "path",
        ["/etc/passwd", "../x.sql", "a/../x.sql", "a//x.sql", "x.py", "./x.sql", "a:b.sql", "a\\b.sql"],
    )
    def test_a_path_outside_is_not_asked_for(self, path: str) -> None:
        body = f"/wo start database-migration --sql {path}"

        assert task(body, STRANGER).wanted.sql_path == ""
        assert "not a .sql file" in words(decided(body, STRANGER))

    @pytest.mark.parametrize(
        ("body", "others", "said"),
        [
            ("/wo start database-migraton", {}, "Did you mean \u2068database-migration"),
            ("/wo start database-migration --target shp", {}, "Did you mean \u2068shop"),
            ("/wo start database-migration", {"targets": ()}, "lockkeeper database add"),
            ("/wo start database-migration --sql a.sql", {}, "no file"),
            ("/wo start database-migration --sql a.sql\n```sql\nx\n```", {}, "one of the two"),
            ("/wo start database-migration", {"targets": ("a", "b")}, "--target a"),
            (
                "/wo start own",
                {"broken_definitions": {"own": Problem(line=3, reason="No.", next_move="x")}},
                "line 3",
            ),
        ],
    )
    def test_what_is_not_there_is_refused_with_what_is(
        self, body: str, others: dict[str, object], said: str
    ) -> None:
        intents = decided(body, STRANGER, **others)

        assert said in words(intents)
        assert not [each for each in intents if isinstance(each, Open)]

    def test_the_first_target_is_the_one_that_waits_for_none(self) -> None:
        rules = Policy(
            targets={
                "live": TargetPolicy(name="live", supervisors=(Supervisor(name="x"),), after="trial"),
                "trial": TargetPolicy(name="trial", supervisors=(Supervisor(name="x"),)),
            }
        )

        assert self.opened(SPOKEN["start"], targets=("live", "trial"), policy=rules).target == "trial"

    def test_which_target_is_first_waits_for_the_policy(self) -> None:
        with pytest.raises(Blocked):
            decided(SPOKEN["start"], STRANGER, targets=("a", "b"), policy=UnknownPolicy())

    def test_a_second_order_of_a_pull_request_gets_the_link_to_the_first(self) -> None:
        there = OpenOrder(definition="database-migration", target="shop", issue_number=77)
        asked = task(SPOKEN["start"], STRANGER, is_pull_request=True)

        intents = handlers.handle(asked, replace(FACTS, open_orders=(there,)))

        assert "#77" in words(intents)
        assert not [each for each in intents if isinstance(each, Open)]


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
        intents = decided(SPOKEN["done"], AUTHOR, order=order(State.SOAKING, criteria=criteria))

        assert not moves(intents)
        assert "It works" in words(intents)
        assert "/wo confirm 1" in words(intents)
        assert "Fast" not in words(intents)

    def test_without_a_summary_it_is_refused(self) -> None:
        assert not moves(decided("wo:done #42", AUTHOR, order=order(State.SOAKING)))


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

    assert [type(each) for each in intents] == [React, Revise, VoidApprovals, Move, Work]
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
