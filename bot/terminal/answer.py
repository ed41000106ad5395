"""What a command has to say, as one value: its exit status, and the one object of `--json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from bot.errors import Blocked, Broken, LockkeeperError, Problem, Refused, Unreadable
from workorders.migration.application import Interrupted
from workorders.migration.draft import PlannedStatement
from workorders.migration.errors import Failed
from workorders.migration.rehearsal.proofs import Proof
from workorders.migration.steps import Action, Step


class Status(IntEnum):
    """A command's exit status."""

    DONE = 0
    FAILED = 1  # and undone
    USAGE = 2
    REFUSED = 3  # and nothing changed
    BLOCKED = 4  # now, or until somebody decides


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A problem as a command shows it: without the server's message, which may quote rows."""

    problem: Problem
    #: Where the server refused something.
    sqlstate: str | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a command."""

    status: Status
    #: planned, proven, refused, blocked, unreadable; or a run's own state.
    state: str
    run: str | None = None
    digest: str | None = None
    statements: tuple[PlannedStatement, ...] = ()
    steps: tuple[Step, ...] = ()
    #: By step: on the target where it was executed, else on the sample.
    milliseconds: Mapping[int, float] = field(default_factory=dict)
    proofs: tuple[Proof, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    #: What is worth knowing and no problem, in sentences.
    notes: tuple[str, ...] = ()
    #: What one command alone has to say, as JSON values.
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """One object, on lines of its own; SQL and names as they are."""
        content = {
            "run": self.run,
            "state": self.state,
            "digest": self.digest,
            "statements": [_statement(each) for each in self.statements],
            "steps": [
                {
                    **_action(step.action),
                    "milliseconds": self.milliseconds.get(number),
                    "undo": [_action(action) for action in step.undo],
                }
                for number, step in enumerate(self.steps)
            ],
            "proofs": [
                {
                    "name": proof.name,
                    "holds": proof.holds,
                    "differences": list(proof.differences),
                    "flags": list(proof.flags),
                }
                for proof in self.proofs
            ],
            "problems": [
                {
                    "line": trouble.problem.line,
                    "reason": trouble.problem.reason,
                    "next_move": trouble.problem.next_move,
                    "sqlstate": trouble.sqlstate,
                }
                for trouble in self.troubles
            ],
            "notes": list(self.notes),
            **self.more,
        }
        return json.dumps(content, indent=2, ensure_ascii=False)


def of_error(error: LockkeeperError) -> Answer:
    """The answer of a command that was ended by this."""
    status = status_of(error)
    states = {Status.REFUSED: "refused", Status.BLOCKED: "blocked", Status.FAILED: "failed"}
    return Answer(status=status, state=states[status], troubles=troubles_of(error))


def of_usage(message: str) -> Answer:
    """The answer to a command line that cannot be understood."""
    problem = Problem(line=None, reason=message, next_move="lockkeeper --help lists what there is.")
    return Answer(status=Status.USAGE, state="unreadable", troubles=(Trouble(problem=problem),))


def status_of(error: LockkeeperError) -> Status:
    """The exit status that an error asks for, if nothing was left changed."""
    match error:
        case Refused() | Unreadable():
            return Status.REFUSED
        case Failed() | Interrupted():
            return Status.FAILED
        case _:
            return Status.BLOCKED


def troubles_of(error: LockkeeperError) -> tuple[Trouble, ...]:
    """Its facts, one for each problem."""
    match error:
        case Refused():
            return tuple(Trouble(problem=problem) for problem in error.problems)
        case Unreadable() | Blocked():
            return (Trouble(problem=error.problem),)
        case Failed():
            # The server's message is not shown: its DETAIL quotes rows.
            problem = Problem(
                line=None,
                reason=str(error),
                next_move="Run its SQL with psql on a copy of the database to see the server's message.",
            )
            return (Trouble(problem=problem, sqlstate=error.sqlstate),)
        case Broken():
            problem = Problem(
                line=None,
                reason=str(error),
                next_move="SELECT run, state FROM lockkeeper.runs; shows how far it came.",
            )
            return (Trouble(problem=problem),)
        case _:
            return (Trouble(problem=Problem(line=None, reason=str(error), next_move="")),)


def statements_of(action: Action) -> tuple[str, ...]:
    """What is sent for an action: for one in batches, what is sent for each of them."""
    return action.sql if action.batches is None else action.batches.between


def _statement(planned: PlannedStatement) -> dict[str, Any]:
    return {
        "text": planned.statement.text,
        "class": planned.statement.statement_class.value,
        "operations": list(planned.operations),
        "line": planned.statement.line,
    }


def _action(action: Action) -> dict[str, Any]:
    strongest = action.strongest
    return {
        "title": action.title,
        "sql": list(statements_of(action)),
        "lock": None if strongest is None else strongest.sql,
        "scans": [str(name) for name in action.scans],
        "rewrites": [str(name) for name in action.rewrites],
        "transactional": action.is_transactional,
    }
