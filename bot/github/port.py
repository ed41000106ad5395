"""What we ask of GitHub, and no more. Everything else of the project knows GitHub by this alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from bot.github.checks import CheckRun
from handlers.facts import PullRequest
from workorders.authority import Permission
from workorders.order import Person, Repository, State


@dataclass(frozen=True, kw_only=True)
class OwnText:
    """An issue or a comment that our own App has written."""

    #: The issue's number, or the comment's id.
    id: int
    body: str


@dataclass(frozen=True, kw_only=True)
class File:
    """A text file of a repository."""

    path: str
    text: str
    #: Git's hash of the content (of the blob, not of the commit).
    blob_sha: str


@dataclass(frozen=True, kw_only=True)
class IssueChange:
    """What to change of an issue; None leaves a thing as it is."""

    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None
    state_reason: Literal["completed", "not_planned", "reopened"] | None = None


@dataclass(frozen=True, kw_only=True)
class AppIdentity:
    """Our App, as GitHub knows it."""

    id: int
    slug: str
    name: str

    @property
    def login(self) -> str:
        """Of the account under which the App writes."""
        return f"{self.slug}[bot]"


class GitHub(Protocol):
    """GitHub through one installation of the App.

    Every method raises `Denied`, `Unaccepted` or `NotAnswered`; those that write a new thing
    also `AnswerLost`. Those that only read, and those that set a thing to a value, may be repeated.
    """

    def open_issue(self, repository: Repository, title: str, body: str) -> int:
        """The new issue's number."""

    def change_issue(self, repository: Repository, number: int, change: IssueChange) -> None:
        """Sets title, body and state as far as the change names them."""

    def comment(self, repository: Repository, number: int, body: str) -> int:
        """The new comment's id."""

    def edit_comment(self, repository: Repository, comment_id: int, body: str) -> None:
        """Replaces a comment's text."""

    def own_issues(self, repository: Repository, since: datetime) -> tuple[OwnText, ...]:
        """The issues by our App that were changed since then."""

    def own_comments(self, repository: Repository, number: int, since: datetime) -> tuple[OwnText, ...]:
        """The comments by our App on an issue or pull request that were changed since then."""

    def react(self, repository: Repository, number: int, comment_id: int | None, reaction: str) -> None:
        """Reacts to a comment, or to the issue itself. The same reaction again changes nothing."""

    def set_state_label(self, repository: Repository, number: int, state: State) -> None:
        """Leaves `wo:<state>` as the only label of a state; makes it, in its colour, where there is none."""

    def set_check_run(self, repository: Repository, check: CheckRun) -> None:
        """Makes the commit show the check run, in the place of an earlier one of its name."""

    def permission_of(self, repository: Repository, login: str) -> Permission:
        """What an account may do on the repository; `NONE` where there is no such account."""

    def is_team_member(self, organisation: str, team: str, login: str) -> bool:
        """Whether an account is an active member of a team, given by its slug."""

    def read_file(self, repository: Repository, path: str, ref: str | None = None) -> File | None:
        """A file at a commit or branch, else of the default branch; None where there is none."""

    def list_directory(self, repository: Repository, path: str, ref: str | None = None) -> tuple[str, ...]:
        """The paths of the files directly in a directory; none where there is no such directory."""

    def pull_request(
        self, repository: Repository, number: int, migrations: tuple[str, ...]
    ) -> PullRequest | None:
        """The pull request at its head, with the migrations that it adds; None where there is none.

        Raises `Unusable` for one that is too large or whose migrations are no texts, and `NotAnswered`
        where it was pushed to while it was read.
        """

    def user(self, login: str) -> Person | None:
        """The account of this login."""

    def repository(self, full_name: str) -> Repository | None:
        """The repository `owner/name`, if the installation reaches it."""
