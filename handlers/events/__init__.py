"""What happened on GitHub, as values. `bot.github.event` makes them of payloads.

Only what a handler needs is in them. Each is one delivery; whether it was seen before is
decided by its delivery id, before anything here is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workorders.order import Person, Repository


@dataclass(frozen=True, kw_only=True)
class CommentCreated:
    """`issue_comment` with action created, on an issue or on a pull request's conversation."""

    repository: Repository
    #: Who wrote the comment.
    sender: Person
    #: Of the issue or pull request.
    number: int
    is_pull_request: bool
    comment_id: int
    body: str
    #: The comment's own `created_at`; a delivery may come days later.
    created_at: datetime
    #: When the delivery came in; GitHub signs no time.
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class CommentChanged:
    """`issue_comment` with action edited or deleted. Never a command: others may edit a comment."""

    repository: Repository
    #: Who edited or deleted it, which need not be its author.
    sender: Person
    number: int
    comment_id: int
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class IssueOpened:
    """`issues` with action opened. Its text may hold commands, as a comment's may."""

    repository: Repository
    sender: Person
    number: int
    body: str
    #: The issue's own `created_at`.
    created_at: datetime
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class IssueClosed:
    """`issues` with action closed."""

    repository: Repository
    sender: Person
    number: int
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class IssueReopened:
    """`issues` with action reopened."""

    repository: Repository
    sender: Person
    number: int
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class IssueEdited:
    """`issues` with action edited: title or body were changed by hand."""

    repository: Repository
    sender: Person
    number: int
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class Labeled:
    """`issues` or `pull_request` with action labeled or unlabeled."""

    repository: Repository
    sender: Person
    number: int
    is_pull_request: bool
    #: The label's name.
    label: str
    #: False where the label was taken away.
    is_added: bool
    #: When it was, by GitHub's clock; the same in every delivery of it.
    labeled_at: datetime
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class PullRequestPushed:
    """`pull_request` with action synchronize: it has another head."""

    repository: Repository
    #: Who pushed, or pressed the button that did.
    sender: Person
    number: int
    #: The new commit.
    head: str
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class PullRequestClosed:
    """`pull_request` with action closed."""

    repository: Repository
    sender: Person
    number: int
    is_merged: bool
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class PullRequestReopened:
    """`pull_request` with action reopened."""

    repository: Repository
    sender: Person
    number: int
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """Anything else: ping, installation, and all that is subscribed but not acted on."""

    #: GitHub's `X-GitHub-Event`.
    name: str
    #: The payload's `action`; "" where it has none.
    action: str = ""


PullRequestEvent = PullRequestPushed | PullRequestClosed | PullRequestReopened

GitHubEvent = (
    CommentCreated
    | CommentChanged
    | IssueOpened
    | IssueClosed
    | IssueReopened
    | IssueEdited
    | Labeled
    | PullRequestEvent
    | Ignored
)
