"""A message becomes rows of the outbox, in the transaction of whoever decided it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bot.errors import Broken
from bot.github.message import (
    AddReaction,
    Close,
    Comment,
    EditIssue,
    Message,
    OpenIssue,
    Reopen,
    SetCheckRun,
    SetStateLabel,
)
from bot.render.parts import parts
from bot.store.ours import Ours, row, rows, run
from workorders.migration.named_queries import named_queries
from workorders.order import Repository

#: GitHub takes 256.
TITLE_CHARACTERS = 250

#: Of the comments that hold what the issue itself could not.
_REST_OF_ISSUE = "rest of the issue"
_EMPTY = "_Nothing stands here any more._"


def queries() -> Mapping[str, str]:
    """The outbox's queries by name."""
    return named_queries("bot.github", "outbox.sql")


@dataclass(frozen=True, kw_only=True)
class _Thing:
    """One row: a thing on GitHub and what it is to show."""

    repository: Repository
    order_id: int | None
    number: int | None
    kind: Literal["issue", "comment", "state", "label", "reaction", "check"]
    key: str
    body: str
    title: str = ""
    part: int = 0
    comment_id: int | None = None
    is_urgent: bool = False
    is_forced: bool = False


def post(ours: Ours, message: Message) -> None:
    """Takes a message into the caller's transaction; it is sent after that has been committed.

    Raises `Broken` for an edit of an issue that was never to be opened.
    """
    repository = message.repository
    match message:
        case OpenIssue():
            _post_issue(ours, repository, message.order_id, message.title, message.body, is_forced=False)
        case EditIssue():
            title = message.title
            if title is None:
                found = row(ours, queries()["issue_title"], order_id=message.order_id)
                if found is None:
                    raise Broken(f"Order {message.order_id} has no issue to edit.")
                title = found["title"]
            _post_issue(ours, repository, message.order_id, title, message.body, is_forced=message.is_repair)
        case Comment():
            if message.number is None and message.order_id is None:
                raise Broken(f"The comment {message.key} has no place.")
            order_id = message.order_id if message.number is None else None
            texts = parts(message.body)
            _post_comments(
                ours, repository, order_id, message.number, message.key, texts, 0, is_urgent=message.is_urgent
            )
        case AddReaction():
            on = "issue" if message.comment_id is None else str(message.comment_id)
            reaction = message.reaction.value
            thing = _Thing(
                repository=repository,
                order_id=None,
                number=message.number,
                kind="reaction",
                key=f"{reaction} on {on}",
                body=reaction,
                comment_id=message.comment_id,
                is_urgent=True,
            )
            _post(ours, thing)
        case SetCheckRun():
            check = message.check
            thing = _Thing(
                repository=repository,
                order_id=None,
                number=message.number,
                kind="check",
                key=f"{check.name} at {check.head}",
                body=check.to_json(),
            )
            _post(ours, thing)
        case SetStateLabel():
            _post_setting(ours, message, "label", message.state.value)
        case Close():
            _post_setting(ours, message, "state", "completed" if message.is_completed else "not_planned")
        case Reopen():
            _post_setting(ours, message, "state", "reopened")


def _post_issue(
    ours: Ours, repository: Repository, order_id: int, title: str, body: str, *, is_forced: bool
) -> None:
    texts = parts(body)
    thing = _Thing(
        repository=repository,
        order_id=order_id,
        number=None,
        kind="issue",
        key="issue",
        title=title if len(title) <= TITLE_CHARACTERS else title[: TITLE_CHARACTERS - 1] + "…",
        body=texts[0],
        is_forced=is_forced,
    )
    _post(ours, thing)
    _post_comments(ours, repository, order_id, None, _REST_OF_ISSUE, texts[1:], 1)


def _post_comments(
    ours: Ours,
    repository: Repository,
    order_id: int | None,
    number: int | None,
    key: str,
    texts: tuple[str, ...],
    first_part: int,
    *,
    is_urgent: bool = False,
) -> None:
    wanted = dict(enumerate(texts, start=first_part))
    left = rows(
        ours,
        queries()["parts_beyond"],
        repository_id=repository.id,
        order_id=order_id,
        number=number,
        key=key,
        count=first_part + len(texts),
    )
    # A comment cannot be taken back without a gap in the conversation; it is emptied.
    wanted.update({each["part"]: _EMPTY for each in left})
    for part, body in wanted.items():
        thing = _Thing(
            repository=repository,
            order_id=order_id,
            number=number,
            kind="comment",
            key=key,
            body=body,
            part=part,
            is_urgent=is_urgent,
        )
        _post(ours, thing)


def _post_setting(
    ours: Ours, message: SetStateLabel | Close | Reopen, kind: Literal["state", "label"], value: str
) -> None:
    # Forced: people change these, and what we set last need not be what is there.
    thing = _Thing(
        repository=message.repository,
        order_id=message.order_id,
        number=None,
        kind=kind,
        key=kind,
        body=value,
        is_forced=True,
    )
    _post(ours, thing)


def _post(ours: Ours, thing: _Thing) -> None:
    run(
        ours,
        queries()["post"],
        installation_id=thing.repository.installation_id,
        repository_id=thing.repository.id,
        full_name=thing.repository.full_name,
        order_id=thing.order_id,
        number=thing.number,
        kind=thing.kind,
        key=thing.key,
        part=thing.part,
        title=thing.title,
        body=thing.body,
        comment_id=thing.comment_id,
        is_urgent=thing.is_urgent,
        is_forced=thing.is_forced,
        mark=secrets.token_hex(10),
    )
    run(ours, queries()["add_writer"], installation_id=thing.repository.installation_id)
