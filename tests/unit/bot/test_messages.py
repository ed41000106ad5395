from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot import messages
from bot.github.message import Comment, EditIssue, OpenIssue, SetStateLabel
from workorders import definition
from workorders.definition import shipped
from workorders.order import Approval, Criterion, Order, Person, Reading, Repository, SqlFile, State

NOW = datetime(2026, 5, 4, tzinfo=UTC)
DBA = Person(id=12, login="dba")

ORDER = Order(
    id=1,
    repository=Repository(id=77, full_name="acme/shop", installation_id=5),
    issue_number=31,
    definition="database-migration",
    definition_text=definition.shipped()["database-migration"].text,
    target="shop-production",
    sql="ALTER TABLE orders ADD COLUMN note text;",
    sql_origin="db/0042.sql@abc",
    state=State.AWAITING_APPROVAL,
    version=3,
    authors=(Person(id=11, login="ana"),),
    digest="d" * 64,
    approvals=(Approval(person=DBA, digest="d" * 64, approved_at=NOW),),
    criteria=(
        Criterion(number=1, text="It works.", holds=True, evidence="7 of 7 queries agree"),
        Criterion(number=2, text="It is fast."),
    ),
    opened_at=NOW,
    title="note on orders",
)


def test_an_issue_shows_where_the_order_stands() -> None:
    body = messages.issue_body(ORDER, "c0ffee" * 8)

    assert "awaiting approval" in body
    assert "shop-production" in body
    assert "d" * 64 in body
    assert "<code>dba</code>" in body
    assert "c0ffee" in body
    assert "ALTER TABLE orders" in body


@pytest.mark.parametrize("state", State)
def test_every_state_is_shown_with_who_has_the_next_move(state: State) -> None:
    body = messages.issue_body(replace(ORDER, state=state), "")

    assert f"<b>{state.value.replace('_', ' ')}</b>" in body
    assert "<td>Waits for</td><td></td>" not in body
    assert "<td>1 of 2 hold</td>" in body


def test_the_whole_definition_is_in_the_body() -> None:
    definition = shipped()["database-migration"]
    body = messages.issue_body(ORDER, "")

    assert definition.scenario in body
    assert all(task in body for phase in definition.phases for task in phase.tasks)
    assert all(step in body for step in definition.escalation)


def test_of_hundreds_of_authors_the_first_are_shown_and_the_rest_counted() -> None:
    authors = tuple(Person(id=number, login=f"author-{number}") for number in range(1, 301))

    body = messages.issue_body(replace(ORDER, authors=authors), "")

    assert "<code>author-20</code>, and 280 more" in body
    assert "author-21" not in body


def test_evidence_mentions_nobody() -> None:
    seen = Criterion(number=1, text="It works.", holds=True, evidence="confirmed by @all")

    assert "@all" not in messages.issue_body(replace(ORDER, criteria=(seen,)), "")


def test_without_sql_the_body_says_how_to_give_it() -> None:
    assert "/wo revise" in messages.issue_body(replace(ORDER, state=State.CHANGES_REQUESTED, sql=""), "")


def test_criteria_are_ticked_with_their_evidence_in_the_place_of_the_definitions() -> None:
    body = messages.issue_body(ORDER, "")

    assert "- [x] It works\\." in body or "- [x] It works." in body
    assert "7 of 7 queries agree" in body
    assert "- [ ] It is fast" in body
    assert body.count("SUCCESS CRITERIA") == 1
    assert "## PHASES" in body


def test_an_approval_of_another_digest_is_not_shown() -> None:
    stale = replace(ORDER, approvals=(Approval(person=DBA, digest="e" * 64, approved_at=NOW),))

    assert "nobody yet" in messages.issue_body(stale, "")


def test_a_definition_that_is_read_no_more_still_shows_the_criteria() -> None:
    body = messages.issue_body(replace(ORDER, definition_text="no front matter"), "")

    assert "- [ ] It is fast" in body


def test_the_sql_stands_beside_its_files_and_their_commit() -> None:
    reading = Reading(
        head="abc", files=(SqlFile(path="db/1.sql", first_line=1), SqlFile(path="db/2.sql", first_line=7))
    )
    body = messages.issue_body(replace(ORDER, pull_request=9, reading=reading), "")

    assert "<code>db/0042.sql@abc</code></summary>" in body
    assert "`db/2.sql`: from line 7" in body
    assert "<td>Pull request</td><td>#9</td>" in body


def test_migrations_that_are_changed_are_red_flags() -> None:
    reading = Reading(head="abc", changed=("db/0001.sql", "db/@all.sql"))
    body = messages.issue_body(replace(ORDER, reading=reading), "")

    assert "[!WARNING]" in body
    assert "`db/0001.sql`" in body
    assert "WARNING" not in messages.issue_body(ORDER, "")


def test_sql_cannot_leave_its_fence() -> None:
    body = messages.issue_body(replace(ORDER, sql="SELECT 1; -- ```\n</details> @everyone"), "")

    assert "````sql" in body


def test_a_shown_order_has_its_label_and_a_repair_is_sent_in_any_case() -> None:
    issue, label = messages.shown(ORDER, "", is_repair=True)

    assert isinstance(issue, EditIssue)
    assert issue.is_repair
    assert issue.title == ORDER.title
    assert label == SetStateLabel(repository=ORDER.repository, order_id=1, state=State.AWAITING_APPROVAL)


def test_an_opened_order_gets_an_issue_and_its_label() -> None:
    issue, label = messages.opened(ORDER, "")

    assert isinstance(issue, OpenIssue)
    assert isinstance(label, SetStateLabel)


def test_the_link_names_the_issue() -> None:
    (comment,) = messages.linked(ORDER, 7)

    assert isinstance(comment, Comment)
    assert comment.number == 7
    assert "#31" in comment.body
