"""What a handler or a role may ask for, as values. Carried out by `bot.perform`.

The intents of one decision are performed in one transaction of ours: either the order
has moved, its events are written, and its messages and jobs stand in their queues, or
nothing of it has happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from workorders.lifecycle import Event
from workorders.order import Criterion, Person, PhaseReport, Reading, Repository
from workorders.report import Report


class Reaction(Enum):
    """GitHub's reactions that we use."""

    SEEN = "eyes"
    DONE = "+1"
    REFUSED = "confused"
    STARTED = "rocket"


@dataclass(frozen=True, kw_only=True)
class OpenOrder:
    """A new order; its issue follows through the outbox."""

    repository: Repository
    definition: str
    definition_text: str
    target: str
    sql: str
    sql_origin: str
    title: str
    starter: Person
    #: Others who have a hand in the SQL: with the starter they are the order's authors.
    authors: tuple[Person, ...] = ()
    criteria: tuple[Criterion, ...]
    #: The issue or pull request on which it was asked for, answered with a link; None from a terminal.
    asked_on: int | None
    #: The pull request to which it belongs.
    pull_request: int | None = None
    reading: Reading | None = None
    #: The order whose soak has opened it; None where a person has.
    follows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Move:
    """An event of the lifecycle; refused if the order's state does not hold it."""

    order_id: int
    event: Event
    by: Person | None
    #: Becomes part of the event: who said what, the hash of the comment's body, figures.
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Approve:
    """One more approval. The last one needed is followed by a `Move` in the same decision."""

    order_id: int
    by: Person
    digest: str
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VoidApprovals:
    """All approvals so far count no longer, and why."""

    order_id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Revise:
    """The script is replaced."""

    order_id: int
    sql: str
    sql_origin: str
    by: Person
    #: Others who have a hand in it.
    authors: tuple[Person, ...] = ()
    #: None where the order belongs to no pull request.
    reading: Reading | None = None


@dataclass(frozen=True, kw_only=True)
class NotePush:
    """The pull request has another head; who has a hand in that becomes an author."""

    order_id: int
    by: Person
    #: The new commit.
    head: str
    authors: tuple[Person, ...] = ()
    #: Where the same script stands now; None where the order's script was read elsewhere.
    script: SameScript | None = None


@dataclass(frozen=True, kw_only=True)
class SameScript:
    """An order's script, found again letter by letter."""

    origin: str
    reading: Reading


@dataclass(frozen=True, kw_only=True)
class KeepReport:
    """What was reported of a phase; what was reported of later ones counts no longer."""

    order_id: int
    report: PhaseReport
    #: Who did the work is an author of it.
    is_authored: bool


@dataclass(frozen=True, kw_only=True)
class FreezeTarget:
    """Nothing new begins on a target; recorded with the order on which it was asked for."""

    order_id: int
    target: str
    by: Person
    reason: str
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class UnfreezeTarget:
    """What waits for the target may begin."""

    order_id: int
    target: str
    by: Person
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SetSpeed:
    """How fast the order's backfills go from now on."""

    order_id: int
    #: Of the usual speed.
    percent: int
    by: Person
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EndSession:
    """A session of the target is to be ended, if it blocks the order's run; a worker looks."""

    order_id: int
    #: The server's process.
    pid: int
    by: Person
    #: Of the comment that will say what came of it.
    key: str
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SessionLookedAt:
    """What came of an `EndSession`."""

    order_id: int
    #: Which one, in ours.
    ending_id: int
    pid: int
    is_ended: bool
    #: Why it was ended or not, for the history.
    reason: str


@dataclass(frozen=True, kw_only=True)
class SetReview:
    """The newest review's digest."""

    order_id: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class SetCriteria:
    """The criteria as they stand now."""

    order_id: int
    criteria: tuple[Criterion, ...]
    #: Who confirmed one of them; None where checks have measured them.
    by: Person | None = None
    #: Becomes part of the event: who said what.
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Say:
    """A comment: a report, or a few sentences."""

    repository: Repository
    #: The issue or pull request; None means the order's own issue, which may not be open yet.
    number: int | None
    order_id: int | None
    content: Report | str
    #: Same key, same comment: a later one edits the earlier.
    key: str
    #: Refusals and answers to people go before reports.
    is_urgent: bool = False


@dataclass(frozen=True, kw_only=True)
class React:
    """A reaction to a comment, or, with `comment_id` None, to the issue itself."""

    repository: Repository
    number: int
    comment_id: int | None
    reaction: Reaction


@dataclass(frozen=True, kw_only=True)
class CloseIssue:
    """The order's issue is closed, as completed or as not planned."""

    order_id: int
    is_completed: bool


@dataclass(frozen=True, kw_only=True)
class ReopenIssue:
    """The order's issue is opened again."""

    order_id: int


@dataclass(frozen=True, kw_only=True)
class ShowOrder:
    """The issue's body, title and labels are made to agree with the order; nothing is sent where they do."""

    order_id: int


@dataclass(frozen=True, kw_only=True)
class Work:
    """The worker looks at the order, after this transaction."""

    order_id: int


@dataclass(frozen=True, kw_only=True)
class Remember:
    """What an order taught, kept for later orders on the same tables."""

    order_id: int
    target: str
    tables: tuple[str, ...]
    summary: str
    #: Predicted and real milliseconds by step, problems, result.
    facts: Mapping[str, str | int | float | bool]


Intent = (
    OpenOrder
    | Move
    | Approve
    | VoidApprovals
    | Revise
    | NotePush
    | KeepReport
    | FreezeTarget
    | UnfreezeTarget
    | SetSpeed
    | EndSession
    | SessionLookedAt
    | SetReview
    | SetCriteria
    | Say
    | React
    | CloseIssue
    | ReopenIssue
    | ShowOrder
    | Work
    | Remember
)
