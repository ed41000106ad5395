"""Payloads become events: GitHub's own examples, and what nobody would send."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import Unreadable
from bot.github.event import from_delivery
from handlers.events import (
    CommentChanged,
    CommentCreated,
    Ignored,
    IssueClosed,
    IssueEdited,
    IssueOpened,
    IssueReopened,
    Labeled,
    PullRequestClosed,
    PullRequestPushed,
    PullRequestReopened,
)
from workorders.order import Person, Repository

NOW = datetime(2030, 1, 1, tzinfo=UTC)
EXAMPLES = json.loads((Path(__file__).parents[2] / "payloads" / "octokit-webhooks-examples.json").read_text())

EARLIER = "2029-12-31T23:00:00Z"
HEAD = "c0ffee" * 6 + "c0ff"

SHOP = Repository(id=7, full_name="acme/shop", installation_id=5)
ANA = Person(id=11, login="ana")

KINDS: dict[tuple[str, str | None], type] = {
    ("issue_comment", "created"): CommentCreated,
    ("issue_comment", "edited"): CommentChanged,
    ("issue_comment", "deleted"): CommentChanged,
    ("issues", "opened"): IssueOpened,
    ("issues", "edited"): IssueEdited,
    ("issues", "closed"): IssueClosed,
    ("issues", "reopened"): IssueReopened,
    ("issues", "labeled"): Labeled,
    ("issues", "unlabeled"): Labeled,
    ("pull_request", "labeled"): Labeled,
    ("pull_request", "unlabeled"): Labeled,
    ("pull_request", "synchronize"): PullRequestPushed,
    ("pull_request", "closed"): PullRequestClosed,
    ("pull_request", "reopened"): PullRequestReopened,
}


def _payload(action: str, **more: Any) -> dict[str, Any]:
    """The least that acting needs."""
    return {
        "action": action,
        "repository": {"id": 7, "full_name": "acme/shop"},
        "installation": {"id": 5},
        "sender": {"id": 11, "login": "ana", "type": "User"},
        "issue": {"number": 3, "body": "/wo help", "created_at": EARLIER, "updated_at": EARLIER},
        "pull_request": {"number": 4, "updated_at": EARLIER, "merged": True, "head": {"sha": HEAD}},
        "comment": {"id": 9, "body": "/wo status", "created_at": EARLIER},
        "label": {"name": "wo:database-migration"},
        **more,
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["event"])
def test_githubs_examples_are_read(example: Mapping[str, Any]) -> None:
    # The examples come from webhooks of repositories too; an App's always name the installation.
    payload = {"installation": {"id": 5}, **example["payload"]}

    event = from_delivery(example["event"], payload, NOW)

    expected = KINDS.get((example["event"], payload.get("action")), Ignored)
    assert type(event) is expected


def test_a_comment_on_an_issue() -> None:
    assert from_delivery("issue_comment", _payload("created"), NOW) == CommentCreated(
        repository=SHOP,
        sender=ANA,
        number=3,
        is_pull_request=False,
        comment_id=9,
        body="/wo status",
        created_at=datetime(2029, 12, 31, 23, tzinfo=UTC),
        received_at=NOW,
    )


def test_a_comment_on_a_pull_request_is_known_as_one() -> None:
    payload = _payload("created", issue={"number": 3, "pull_request": {"url": "x"}})

    event = from_delivery("issue_comment", payload, NOW)

    assert isinstance(event, CommentCreated)
    assert event.is_pull_request


@pytest.mark.parametrize(
    "sender", [{"type": "Bot", "login": "x"}, {"type": "User", "login": "lockkeeper[bot]"}]
)
def test_a_bot_is_known_by_its_type_and_by_its_login(sender: dict[str, str]) -> None:
    event = from_delivery("issues", _payload("closed", sender={"id": 1, **sender}), NOW)

    assert isinstance(event, IssueClosed)
    assert event.sender.is_bot


@pytest.mark.parametrize(
    ("name", "action", "number", "is_pull_request", "is_added"),
    [
        ("issues", "labeled", 3, False, True),
        ("issues", "unlabeled", 3, False, False),
        ("pull_request", "labeled", 4, True, True),
        ("pull_request", "unlabeled", 4, True, False),
    ],
)
def test_a_label_names_its_place(
    name: str, action: str, number: int, is_pull_request: bool, is_added: bool
) -> None:
    assert from_delivery(name, _payload(action), NOW) == Labeled(
        repository=SHOP,
        sender=ANA,
        number=number,
        is_pull_request=is_pull_request,
        label="wo:database-migration",
        is_added=is_added,
        labeled_at=datetime(2029, 12, 31, 23, tzinfo=UTC),
        received_at=NOW,
    )


def test_a_new_issue_comes_with_its_text() -> None:
    assert from_delivery("issues", _payload("opened"), NOW) == IssueOpened(
        repository=SHOP,
        sender=ANA,
        number=3,
        body="/wo help",
        created_at=datetime(2029, 12, 31, 23, tzinfo=UTC),
        received_at=NOW,
    )


def test_a_push_names_the_new_head() -> None:
    event = from_delivery("pull_request", _payload("synchronize"), NOW)

    assert event == PullRequestPushed(repository=SHOP, sender=ANA, number=4, head=HEAD, received_at=NOW)


@pytest.mark.parametrize("is_merged", [True, False])
def test_a_closed_pull_request_is_merged_or_not(is_merged: bool) -> None:
    event = from_delivery(
        "pull_request", _payload("closed", pull_request={"number": 4, "merged": is_merged}), NOW
    )

    assert isinstance(event, PullRequestClosed)
    assert event.is_merged is is_merged


def test_whether_it_was_merged_is_not_guessed() -> None:
    with pytest.raises(Unreadable, match=r"pull_request\.merged"):
        from_delivery("pull_request", _payload("closed", pull_request={"number": 4}), NOW)


@pytest.mark.parametrize(
    ("name", "payload"),
    [("ping", {}), ("issues", {"action": "pinned"}), ("issues", {"action": 3}), ("x", {"action": "created"})],
)
def test_what_is_not_acted_on_is_ignored_whatever_it_holds(name: str, payload: dict[str, Any]) -> None:
    assert isinstance(from_delivery(name, payload, NOW), Ignored)


def test_an_empty_comment_may_be_null() -> None:
    payload = _payload("created")
    payload["comment"]["body"] = None

    event = from_delivery("issue_comment", payload, NOW)

    assert isinstance(event, CommentCreated)
    assert event.body == ""


NEEDED = ["repository", "installation", "sender", "issue", "comment"]


@pytest.mark.parametrize("field", NEEDED)
@pytest.mark.parametrize("value", [None, [], "x", 3, {}])
def test_what_acting_needs_is_named_where_it_is_missing(field: str, value: object) -> None:
    with pytest.raises(Unreadable, match=f"no readable {field}"):
        from_delivery("issue_comment", _payload("created", **{field: value}), NOW)


@given(
    st.sampled_from([(name, action) for name, action in KINDS if action]),
    st.sampled_from(["id", "full_name", "login", "number", "body", "name", "created_at", "type"]),
    st.one_of(
        st.none(), st.booleans(), st.floats(), st.text(), st.integers(max_value=0), st.lists(st.none())
    ),
)
def test_nothing_but_unreadable_comes_of_any_field(kind: tuple[str, str], field: str, value: object) -> None:
    payload = copy.deepcopy(_payload(kind[1]))
    for part in payload.values():
        if isinstance(part, dict) and field in part:
            part[field] = value

    try:
        event = from_delivery(kind[0], payload, NOW)
    except Unreadable:
        return
    assert type(event) is KINDS[kind]
