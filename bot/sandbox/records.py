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
    """An issue. `labels` holds names, in the order in which they were set."""

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
class Comment:
    """A comment on an issue."""

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
