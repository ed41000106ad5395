"""The record, in the target, of each action begun and ended; and the lease that fences it.

A transactional action checks its token and writes its journal row in its own transaction:
it has happened if and only if the row says so. An action that cannot be in a transaction
writes that it begins, and recovery asks the catalog whether it happened.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from workorders.migration import sessions
from workorders.migration.connections import Target
from workorders.migration.errors import Blocked, Refused
from workorders.migration.named_queries import named_queries
from workorders.migration.names import OUR_SCHEMA
from workorders.migration.plan import Plan
from workorders.migration.renames import Renamed
from workorders.migration.steps import Step
from workorders.migration.stored_steps import from_json, renamed_from_json, to_json

_QUERIES = named_queries("workorders.migration", "journal.sql")

#: The advisory lock of whoever changes a target. The number is "lockkeep" in ASCII.
ADVISORY_KEY = int.from_bytes(b"lockkeep", "big")

#: A holder that was not heard of for so long may be replaced.
LEASE_SECONDS = 30.0

#: How long a new holder waits for a step that is under way, and how often it looks.
_LEASE_WAIT_SECONDS, _POLL_SECONDS = 5.0, 0.05


@dataclass(frozen=True, kw_only=True)
class Position:
    """Which action of which step, on the way forth, back, or to the purge."""

    direction: str
    step: int
    action: int = 0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the journal says of one action."""

    position: Position
    is_done: bool
    cursor: tuple[str, ...] | None
    batches: int
    milliseconds: float

    @classmethod
    def begun(cls, position: Position) -> Entry:
        """An action that is announced, since it cannot commit together with its entry."""
        return cls(position=position, is_done=False, cursor=None, batches=0, milliseconds=0.0)

    @classmethod
    def done(cls, position: Position, milliseconds: float) -> Entry:
        """An action that has happened."""
        return cls(position=position, is_done=True, cursor=None, batches=0, milliseconds=milliseconds)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution of one script in one target, as it is stored there."""

    name: str
    script: str
    digest: str
    steps: tuple[Step, ...]
    state: str
    problem: str
    tables: tuple[str, ...] = ()


def is_installed(target: Target) -> bool:
    """Whether the target has our schema."""
    row = target.execute("SELECT pg_catalog.to_regclass('lockkeeper.journal') IS NOT NULL").fetchone()
    return bool(row and row[0])


def install(target: Target) -> None:
    """Makes our schema where it is not there yet. Raises Refused where the role may not."""
    if is_installed(target):
        return
    try:
        with target.transaction():
            target.execute("SELECT pg_catalog.pg_advisory_xact_lock(%s)", (ADVISORY_KEY,))
            target.execute(_QUERIES["install"])
    except psycopg.errors.InsufficientPrivilege as error:
        role, database = target.info.user, target.info.dbname
        raise Refused.because(
            f"The role {role} may not create the schema {OUR_SCHEMA} in {database}.",
            f'GRANT CREATE ON DATABASE "{database}" TO "{role}";',
        ) from error


def earlier_runs(target: Target, sha256: str) -> int:
    """How often a script has been run in this target before."""
    if not is_installed(target):
        return 0
    return int(_one(target, "earlier_runs", sha256=sha256)[0])


def add_run(target: Target, plan: Plan) -> None:
    """Stores a run with its rendered steps. Does nothing where it is stored already."""
    target.execute(
        _QUERIES["add_run"],
        {
            "run": plan.run,
            "script": plan.script.text,
            "sha256": plan.script.sha256,
            "digest": plan.digest,
            "steps": Jsonb([to_json(step) for step in plan.steps]),
            "tables": [str(name) for name in plan.touched],
        },
    )


def get_run(target: Target, name: str) -> Run:
    """The run of this name. Raises Refused where the target has none."""
    row = target.execute(_QUERIES["get_run"], {"run": name}).fetchone() if is_installed(target) else None
    if row is None:
        raise Refused.because(
            f"There is no run {name} in {target.info.dbname}.",
            "SELECT run, state FROM lockkeeper.runs; lists them.",
        )
    return Run(
        name=row[0],
        script=row[1],
        digest=row[3],
        steps=tuple(from_json(step) for step in row[4]),
        tables=tuple(row[5]),
        state=row[6],
        problem=row[7],
    )


def set_state(target: Target, name: str, state: str, problem: str = "") -> None:
    """A run moves on."""
    target.execute(_QUERIES["set_state"], {"run": name, "state": state, "problem": problem})


def later_runs(target: Target, name: str) -> tuple[str, ...]:
    """Runs that stand on this one: they have to be rolled back first. Newest first."""
    return tuple(row[0] for row in target.execute(_QUERIES["later_runs"], {"run": name}))


def renamed_since(target: Target, name: str) -> tuple[Renamed, ...]:
    """Other names that runs after this one have given, and that still hold; in their order."""
    found = (renamed_from_json(row[0]) for row in target.execute(_QUERIES["renamed_since"], {"run": name}))
    return tuple(each for each in found if each is not None)


def must_keep_its_names(target: Target, run: Run) -> None:
    """Raises Refused where a later run that is final has renamed something of this one's tables."""
    for each in renamed_since(target, run.name):
        if str(each.table) in run.tables:
            raise Refused.because(
                f"{each.was or each.table} was renamed to {each.now or each.becomes} by a later run,"
                f" which is final: {run.name} cannot be undone any more.",
                "Write a migration that makes the change the other way round.",
            )


def entries(target: Target, name: str) -> dict[Position, Entry]:
    """All that a run has done so far."""
    found = {}
    for row in target.execute(_QUERIES["entries"], {"run": name}):
        position = Position(direction=row[0], step=row[1], action=row[2])
        found[position] = Entry(
            position=position,
            is_done=row[3],
            cursor=None if row[4] is None else tuple(row[4]),
            batches=row[5],
            milliseconds=row[6],
        )
    return found


class TakenOver(Blocked):
    """Another worker holds the lease now: this one must leave the run as it is."""


@dataclass(frozen=True, kw_only=True)
class Fence:
    """The right to change a target, as long as nobody has taken a newer token."""

    run: str
    token: int

    def check(self, target: Target) -> None:
        """Locks the lease until the transaction ends, and renews it. Raises TakenOver."""
        while not _one(target, "try_advisory_lock", key=ADVISORY_KEY)[0]:
            time.sleep(_POLL_SECONDS)
        if target.execute(_QUERIES["check_token"], {"token": self.token}).fetchone() is None:
            raise TakenOver(f"Another worker has taken over {self.run}.", "Nothing to do: it goes on there.")

    def renew(self, target: Target) -> None:
        """Says that the holder is alive."""
        target.execute(_QUERIES["renew_lease"], {"token": self.token})

    def free(self, target: Target) -> None:
        """Gives the lease back."""
        target.execute(_QUERIES["free_lease"], {"token": self.token})

    def withdraw(self, target: Target, position: Position) -> None:
        """Takes back that an action was announced: it failed, and nothing is left of it."""
        target.execute(
            _QUERIES["withdraw"],
            {
                "run": self.run,
                "direction": position.direction,
                "step": position.step,
                "action": position.action,
            },
        )

    def write(self, target: Target, entry: Entry) -> None:
        """Notes how far an action is, in whatever transaction is open."""
        target.execute(
            _QUERIES["write"],
            {
                "run": self.run,
                "direction": entry.position.direction,
                "step": entry.position.step,
                "action": entry.position.action,
                "is_done": entry.is_done,
                "cursor": None if entry.cursor is None else list(entry.cursor),
                "batches": entry.batches,
                "milliseconds": entry.milliseconds,
            },
        )


def take_lease(target: Target, run: str) -> Fence:
    """Makes this session the only one that may change the target.

    First ends what an earlier, dead worker of the same run may still be running there: a
    killed client does not stop its statement. Raises Blocked while another run holds it.
    """
    name = sessions.application_name(run)
    target.execute(_QUERIES["end_our_backends"], {"name": name})
    holder = f"{socket.gethostname()}/{os.getpid()}"
    deadline = time.monotonic() + _LEASE_WAIT_SECONDS
    while True:
        with target.transaction():
            if _one(target, "try_advisory_lock", key=ADVISORY_KEY)[0]:
                _token, held_by, whose, seconds = _one(target, "lock_lease")
                if held_by not in (None, run) and seconds < LEASE_SECONDS:
                    raise Blocked(
                        f"{held_by} is being run in this database by {whose}, heard of {seconds:.0f} s ago.",
                        "One migration at a time: wait until it is done.",
                    )
                (token,) = _one(target, "take_lease", run=run, holder=holder)
                return Fence(run=run, token=token)
        if time.monotonic() > deadline:
            raise Blocked(
                "Another migration is in the middle of a step in this database.",
                "Wait until it is done: SELECT * FROM lockkeeper.lease; names it.",
            )
        time.sleep(_POLL_SECONDS)


def script_digest(text: str) -> str:
    """How a script is counted in `earlier_runs`."""
    return hashlib.sha256(text.encode()).hexdigest()


def _one(target: Target, query: str, **parameters: object) -> tuple[Any, ...]:
    row = target.execute(_QUERIES[query], parameters or None).fetchone()
    if row is None:
        raise Blocked(
            f"The table that {query} reads is empty in this database.",
            f"Restore {OUR_SCHEMA}.lease, or drop the schema {OUR_SCHEMA} if no run matters any more.",
        )
    return row
