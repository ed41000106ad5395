"""What a handler may know, as values. `bot.gather` fetches what is wanted, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from workorders.authority import Rights
from workorders.definition import Definition
from workorders.history import Happened
from workorders.migration.errors import Problem
from workorders.order import Order, Person, Repository, SqlFile
from workorders.policy import PolicyAnswer, UnknownPolicy
from workorders.stored_plan import StoredPlan
from workorders.turn import Standing


class Need(Enum):
    """What a decision depends on; each names the field of `Facts` that answers it."""

    ORDER = "order"  # of `Wanted.order_number`, in the context's repository
    RIGHTS = "rights"  # of the context's person, now; teams as the policy names them
    APPROVERS = "approvers"  # the rights, now, of everyone who has approved the order
    POLICY = "policy"  # on the default branch, now
    DEFINITIONS = "definitions"  # those of the repository and those in the package
    TARGETS = "targets"  # names bound to the repository
    SQL_FILE = "sql_file"  # at `Wanted.sql_path`: of the pull request's head, else of the default branch
    PULL_REQUEST = "pull_request"  # the context's, else the one that the order was asked for on
    PULL_REQUEST_ORDERS = "pull_request_orders"  # all of the context's pull request, closed ones too
    OPEN_ORDERS = "open_orders"  # those asked for on the context's issue or pull request
    HISTORY = "history"  # the order's events, oldest first
    PLAN = "plan"  # as the order's last rehearsal left it
    STANDING = "standing"  # what else goes on on the order's target
    OTHER = "other"  # the account of `Wanted.login`, with its rights now
    COLLEAGUES = "colleagues"  # the order's authors and the supervisors named by login, with their rights


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What has to be gathered before a decision."""

    needs: frozenset[Need] = frozenset()
    #: The issue whose order is meant; None where none is.
    order_number: int | None = None
    #: In the repository; "" where no file is wanted.
    sql_path: str = ""
    #: Of another account than the context's; "" where none is wanted.
    login: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    """Who speaks, and where."""

    repository: Repository
    person: Person
    #: The issue or pull request; from a terminal that of the order, or None.
    number: int | None
    is_pull_request: bool = False
    #: None where it was no comment: a label, a closed issue, a terminal.
    comment_id: int | None = None
    #: It was said in the text of a new issue.
    is_issue_text: bool = False
    #: SHA-256 of the comment's or the issue's body, in hex; "" where there is none.
    body_hash: str = ""
    #: By GitHub's clock for a comment, else when we heard of it.
    spoken_at: datetime


@dataclass(frozen=True, kw_only=True)
class Script:
    """SQL and where it came from."""

    sql: str
    #: A path with its commit, or "comment".
    origin: str
    #: The files that it is made of, in its order; none where it came from no file.
    files: tuple[SqlFile, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    """A pull request at its present head."""

    number: int
    #: The commit, 40 hexadecimal digits.
    head: str
    author: Person
    is_open: bool
    is_merged: bool
    #: Everyone who has a hand in it: author, pushers, those whom its commits are attributed to.
    people: tuple[Person, ...]
    #: The added files that match the policy's globs, in path order; None where none does.
    script: Script | None
    #: Paths that match the globs and are changed, renamed or removed: red flags, never run.
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OpenOrder:
    """An order that is not closed, and was asked for on the same issue or pull request."""

    definition: str
    target: str
    #: None until its issue is open.
    issue_number: int | None


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """Somebody who may have a say about the order."""

    person: Person
    rights: Rights


_NO_RIGHTS_KNOWN = Rights()
_NOTHING_GOES_ON = Standing()
_POLICY_NOT_KNOWN = UnknownPolicy()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The answers. None means: not wanted, or looked for and not there."""

    now: datetime
    order: Order | None = None
    #: Knows nothing where GitHub did not answer.
    rights: Rights = _NO_RIGHTS_KNOWN
    #: By account id.
    approvers: Mapping[int, Rights] = field(default_factory=dict)
    policy: PolicyAnswer = _POLICY_NOT_KNOWN
    #: By name; the repository's go before the package's.
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    #: Why a definition of the repository cannot be read, by its file's name.
    broken_definitions: Mapping[str, Problem] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    sql_file: Script | None = None
    pull_request: PullRequest | None = None
    #: Oldest first.
    pull_request_orders: tuple[Order, ...] = ()
    open_orders: tuple[OpenOrder, ...] = ()
    history: tuple[Happened, ...] = ()
    #: None also where it was made of another script than the order has now.
    plan: StoredPlan | None = None
    standing: Standing = _NOTHING_GOES_ON
    colleagues: tuple[Colleague, ...] = ()
    #: None also where there is no such account.
    other: Colleague | None = None
