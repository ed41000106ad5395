"""A work order as a value: the row in ours, without the row's history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class State(Enum):
    """Where an order stands. The value is the label's suffix on GitHub: `wo:<value>`."""

    ANALYSING = "analysing"
    CHANGES_REQUESTED = "changes_requested"
    PREPARING = "preparing"
    REVIEWING = "reviewing"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    EXECUTING = "executing"
    PAUSED = "paused"
    VALIDATING = "validating"
    SOAKING = "soaking"
    FAILED = "failed"  # neither finished nor undone
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    DONE = "done"
    CANCELLED = "cancelled"


class Quarantine(Enum):
    """What became of that which a rollback needs."""

    KEPT = "kept"
    PURGE_ASKED = "purge"  # a supervisor has asked for it; the worker is at it
    PURGED = "purged"  # there is no way back any more


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository on GitHub. Compared by id: names change hands."""

    id: int
    #: `owner/name`, as it was when last seen.
    full_name: str
    #: The App's installation through which it is reached.
    installation_id: int


@dataclass(frozen=True, kw_only=True)
class Person:
    """An account on GitHub, or an operator at a terminal (id 0, login `operator:USER`)."""

    id: int
    login: str
    #: GitHub's `type` is Bot, or the login ends in `[bot]`.
    is_bot: bool = False

    @property
    def is_operator(self) -> bool:
        """Whether it speaks from the command line rather than from GitHub."""
        return self.id == 0


@dataclass(frozen=True, kw_only=True)
class Approval:
    """One supervisor's approval of one digest."""

    person: Person
    digest: str
    approved_at: datetime
    #: What was accepted beside it, e.g. "positional".
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """A success criterion and what ticks it."""

    #: 1-based, as in the definition.
    number: int
    text: str
    #: Ticked by a check or confirmed by a supervisor; False is also "not yet looked at".
    holds: bool = False
    #: Measured by a check, and found not to hold; never true beside `holds`.
    fails: bool = False
    #: The check's result, or who confirmed what; "" while open.
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class PhaseReport:
    """What a person or an agent has reported of a phase."""

    #: 1-based, as in the definition.
    phase: int
    #: False: it is blocked.
    is_done: bool
    said: str
    by: Person


@dataclass(frozen=True, kw_only=True)
class SqlFile:
    """A file that is part of a script: its lines go until the next one's begin."""

    #: In the repository.
    path: str
    #: Of the script, 1-based.
    first_line: int


@dataclass(frozen=True, kw_only=True)
class FileLine:
    """A line of a file."""

    path: str
    #: 1-based.
    line: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A pull request's commit, and what was read there."""

    #: 40 hexadecimal digits.
    head: str
    #: What the script is made of, in its order; none where it came in a comment.
    files: tuple[SqlFile, ...] = ()
    #: Migrations that the pull request changes or removes: red flags, never run.
    changed: tuple[str, ...] = ()

    def place_of(self, line: int) -> FileLine | None:
        """Where a line of the script stands; None where it is of no file."""
        before = [each for each in self.files if each.first_line <= line]
        return FileLine(path=before[-1].path, line=line - before[-1].first_line + 1) if before else None


@dataclass(frozen=True, kw_only=True)
class Order:
    """One work order."""

    id: int
    repository: Repository
    #: The issue's number; None until the outbox has opened it.
    issue_number: int | None
    definition: str
    #: The definition's whole text as it was at the start.
    definition_text: str
    target: str
    #: The script; "" where none was given yet.
    sql: str
    #: Where it came from: a path with its commit, or "comment".
    sql_origin: str
    state: State
    #: Counts every change; a decision made on an older one is made again.
    version: int
    #: Everyone who may not approve: starter, revisers, and later the pull request's people.
    authors: tuple[Person, ...]
    #: Of the newest review; "" before it.
    digest: str = ""
    approvals: tuple[Approval, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    #: The run in the target; "" before execution.
    run: str = ""
    opened_at: datetime
    #: How fast its backfills go, in percent of their usual speed.
    speed_percent: int = 100
    #: When the digest was set; an approval that names no digest has to be younger.
    reviewed_at: datetime | None = None
    title: str = ""
    quarantine: Quarantine = Quarantine.KEPT
    #: A supervisor has commanded it since it was approved.
    is_commanded: bool = False
    #: The issue or pull request on which it was asked for; None from a terminal.
    asked_on: int | None = None
    #: The pull request that it belongs to; its people are among the authors.
    pull_request: int | None = None
    #: Where in the pull request the script was read; None where it belongs to none.
    reading: Reading | None = None
    #: Of phases that people have done, by phase; one for each.
    reports: tuple[PhaseReport, ...] = ()

    @property
    def is_by_people(self) -> bool:
        """Whether people do its phases; such an order has neither target nor SQL."""
        return not self.target
