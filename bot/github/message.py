"""What GitHub is to show, as values. `outbox.post` takes them; `Outbox` sends them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.github.checks import CheckRun
from workorders.intents import Reaction
from workorders.order import Repository, State


@dataclass(frozen=True, kw_only=True)
class OpenIssue:
    """The order's issue. Its number is written into the order once GitHub has given it."""

    repository: Repository
    order_id: int
    title: str
    #: Markdown, of any length.
    body: str


@dataclass(frozen=True, kw_only=True)
class EditIssue:
    """The text of the order's issue."""

    repository: Repository
    order_id: int
    body: str
    #: None leaves it as it is.
    title: str | None = None
    #: Sent even where we know of no difference, since somebody has edited it by hand.
    is_repair: bool = False


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment. The same key in the same place is the same comment: a later text edits it."""

    repository: Repository
    #: The order on whose issue it stands, where `number` is None.
    order_id: int | None
    #: The issue or pull request.
    number: int | None
    key: str
    #: Markdown, of any length.
    body: str
    is_urgent: bool = False


@dataclass(frozen=True, kw_only=True)
class SetStateLabel:
    """The one label of a state on the order's issue. Set again even if it was set before."""

    repository: Repository
    order_id: int
    state: State


@dataclass(frozen=True, kw_only=True)
class AddReaction:
    """A reaction to a comment, or with `comment_id` None to the issue itself. Always urgent."""

    repository: Repository
    number: int
    comment_id: int | None
    reaction: Reaction


@dataclass(frozen=True, kw_only=True)
class Close:
    """The order's issue is closed, as completed or as not planned."""

    repository: Repository
    order_id: int
    is_completed: bool


@dataclass(frozen=True, kw_only=True)
class Reopen:
    """The order's issue is open, whoever has closed it."""

    repository: Repository
    order_id: int


@dataclass(frozen=True, kw_only=True)
class SetCheckRun:
    """A check run of a commit. Its name and commit are the key: a later value takes its place."""

    repository: Repository
    #: The pull request.
    number: int
    check: CheckRun


Message = OpenIssue | EditIssue | Comment | SetStateLabel | AddReaction | Close | Reopen | SetCheckRun
