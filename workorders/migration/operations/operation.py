"""What every operation gives: its hazard, its checks, its steps and the catalog afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.errors import Fails, Problem, Refused
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.steps import Step

#: A table of this size is written anew in a fraction of the smallest stall budget that people set
#: (a rewrite goes through some 50 MB/s at least); the executor cancels it all the same if it is not.
SMALL_BYTES = 512 * 1024


@dataclass(frozen=True, kw_only=True)
class Check:
    """A query over rows that must give zero before the plan may run."""

    #: Gives one row with one number.
    query: str
    #: What it means if the number is not zero; `{count}` stands for it.
    reason: str
    next_move: str
    #: Tables that it reads beside the operation's own.
    reads: tuple[RelationName, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in the script an operation comes from."""

    #: 0-based position of the statement.
    statement: int
    #: 1-based line.
    line: int


class Operation(Protocol):
    """One kind of change, ready to be planned. Implementations are frozen dataclasses."""

    @property
    def name(self) -> str:
        """The operation's name, the same as its module's."""

    @property
    def place(self) -> Place:
        """Where it comes from."""

    @property
    def table(self) -> RelationName | None:
        """The table that it changes; None where only a rehearsal tells."""

    def hazard(self) -> str:
        """Who would wait if the statement ran as it is written, and how long."""

    def checks(self) -> tuple[Check, ...]:
        """What the rows must fulfil."""

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """The online form with its inverse. Raises Refused for what it does not model."""

    def after(self, catalog: Catalog) -> Catalog:
        """The catalog once the statement has run."""


def exclusive(*names: RelationName) -> tuple[Lock, ...]:
    """ACCESS EXCLUSIVE on each of these."""
    return tuple(Lock(relation=name, mode=LockMode.ACCESS_EXCLUSIVE) for name in names)


def refused(place: Place, reason: str, next_move: str, *, sqlstate: str = "") -> Refused:
    """A refusal that names the operation's line; with a SQLSTATE, where the server would fail as well."""
    if sqlstate:
        return Fails(Problem(line=place.line, reason=reason, next_move=next_move), sqlstate=sqlstate)
    return Refused.because(reason, next_move, line=place.line)


def ordinary(table: Table, place: Place, what: str) -> Table:
    """The table, if it is an ordinary one; else a refusal that names what it is."""
    kinds = {"p": "a partitioned table", "f": "a foreign table", "v": "a view", "m": "a materialised view"}
    found = kinds.get(table.kind)
    if table.is_partition:
        found = "a partition"
    elif (table.is_heir or table.has_heirs) and found is None:
        found = "part of an inheritance tree"
    if found is not None:
        raise refused(
            place,
            f"{table.name} is {found}: {what} is not modelled for those yet.",
            "Take the statement out of this script.",
        )
    return table


def must_find(catalog: Catalog, name: RelationName) -> Table:
    """The table of this name in a catalog that is known to have it."""
    return catalog.tables[name]
