"""What the sandbox keeps, as frozen records: a change replaces the record.

Nothing here knows HTTP. A record handed out by `Sandbox` is a snapshot and stays as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: A collaborator's role, from least to most; a role includes all before it.
ROLES = ("none", "read", "triage", "write", "maintain", "admin")


@dataclass(frozen=True, kw_only=True)
class Account:
    """A person, an organisation or a bot."""

    id: int
    login: str
    #: GitHub's word: `User`, `Organization` or `Bot`.
    type: str
    name: str | None
    #: The personal token; organisations and bots have none.
    token: str | None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Commit:
    """All files of a repository at one commit, path to text."""

    sha: str
    files: Mapping[str, str]
    parents: tuple[str, ...]
    message: str
    #: None where GitHub knows nobody with the author's e-mail address.
    author: Account | None
    committed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository; its issues, labels and files are kept beside it."""

    id: int
    owner: Account
    name: str
    private: bool
    default_branch: str
    created_at: datetime
    #: Branch to the SHA of its newest commit.
    branches: Mapping[str, str] = field(default_factory=dict)
    #: Account id to role, for those who were granted one.
    roles: Mapping[int, str] = field(default_factory=dict)
    #: The id of the repository that this is a fork of.
    fork_of: int | None = None

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner.login}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label of a repository; names differ by more than case."""

    id: int
    repository_id: int
    name: str
    color: str
    description: str | None


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue, or a pull request's text and state. `labels` holds names, as they were set in turn."""

    id: int
    repository_id: int
    number: int
    title: str
    body: str | None
    author: Account
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    labels: tuple[str, ...] = ()
    closed_at: datetime | None = None
    closed_by: Account | None = None
    #: Whether the App wrote it with its installation token.
    via_app: bool = False


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """What a pull request has beyond the issue of the same number, which holds its text and state."""

    id: int
    repository_id: int
    number: int
    #: The repository itself, or a fork of it.
    head_repository_id: int
    head_branch: str
    head_sha: str
    base_branch: str
    #: The base branch's newest commit when the pull request was last opened or pushed to.
    base_sha: str
    draft: bool = False
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_commit_sha: str | None = None


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """A remark of a check run on lines of a file."""

    path: str
    start_line: int
    end_line: int
    level: str
    message: str
    title: str | None = None
    raw_details: str | None = None
    start_column: int | None = None
    end_column: int | None = None


@dataclass(frozen=True, kw_only=True)
class Button:
    """An action that a check run offers."""

    label: str
    description: str
    identifier: str


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """A check of one commit by the App. `status` and `conclusion` are GitHub's words."""

    id: int
    repository_id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    started_at: datetime
    completed_at: datetime | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    details_url: str | None = None
    external_id: str = ""
    annotations: tuple[Annotation, ...] = ()
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Member:
    """An account's place in a team."""

    account_id: int
    #: `member` or `maintainer`.
    role: str = "member"
    #: `active`, or `pending` while the invitation is not accepted.
    state: str = "active"


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team of an organisation. Those of its children are in it, too."""

    id: int
    organization: Account
    slug: str
    is_secret: bool = False
    parent_id: int | None = None
    members: tuple[Member, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Comment:
    """A comment on an issue or a pull request."""

    id: int
    repository_id: int
    issue_number: int
    body: str
    author: Account
    created_at: datetime
    updated_at: datetime
    via_app: bool = False


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """One account's reaction to an issue (`comment_id` None) or to a comment."""

    id: int
    repository_id: int
    issue_number: int
    comment_id: int | None
    account: Account
    content: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The App on one owner's repositories."""

    id: int
    account: Account
    repository_ids: tuple[int, ...]
    #: Permission to `read` or `write`.
    permissions: Mapping[str, str]
    events: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class InstallationToken:
    """An installation's access token, perhaps narrowed."""

    token: str
    installation_id: int
    repository_ids: tuple[int, ...]
    permissions: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt to deliver a webhook. Attempts of one event share the `guid`."""

    id: int
    guid: str
    event: str
    action: str | None
    payload: Mapping[str, object]
    installation_id: int | None
    repository_id: int | None
    redelivery: bool
    delivered_at: datetime
    duration_seconds: float
    #: `OK`, or why not, in GitHub's words.
    status: str
    #: What the target answered; 0 without an answer.
    status_code: int
    url: str
    request_headers: Mapping[str, str]
    response_headers: Mapping[str, str]
    response_body: str


@dataclass(frozen=True, kw_only=True)
class App:
    """The GitHub App itself."""

    id: int
    slug: str
    name: str
    client_id: str
    owner: Account
    #: The account that the App's own texts are by: `SLUG[bot]`.
    bot: Account
    #: Of the private key, in PEM.
    public_key: str
    webhook_secret: str
    created_at: datetime
