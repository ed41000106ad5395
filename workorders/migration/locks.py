"""Postgres's eight table lock modes, and which of them exclude which.

Source: the table "Conflicting Lock Modes" in the chapter "Explicit Locking" of the
Postgres manual; lock names as `pg_locks.mode` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from workorders.migration.names import RelationName


class LockMode(Enum):
    """A table lock, weakest first. The value is what `pg_locks.mode` shows."""

    ACCESS_SHARE = "AccessShareLock"  # SELECT
    ROW_SHARE = "RowShareLock"  # SELECT ... FOR UPDATE, and the foreign keys' checks
    ROW_EXCLUSIVE = "RowExclusiveLock"  # INSERT, UPDATE, DELETE
    SHARE_UPDATE_EXCLUSIVE = "ShareUpdateExclusiveLock"  # VACUUM, VALIDATE, CONCURRENTLY
    SHARE = "ShareLock"  # CREATE INDEX
    SHARE_ROW_EXCLUSIVE = "ShareRowExclusiveLock"  # CREATE TRIGGER, ADD FOREIGN KEY
    EXCLUSIVE = "ExclusiveLock"  # REFRESH MATERIALIZED VIEW CONCURRENTLY
    ACCESS_EXCLUSIVE = "AccessExclusiveLock"  # most of ALTER TABLE, DROP TABLE

    @property
    def sql(self) -> str:
        """The mode's name in a LOCK TABLE statement."""
        return self.name.replace("_", " ")

    @property
    def stops_reads(self) -> bool:
        """Whether a plain SELECT waits for it."""
        return self is LockMode.ACCESS_EXCLUSIVE

    @property
    def stops_writes(self) -> bool:
        """Whether INSERT, UPDATE and DELETE wait for it."""
        return LockMode.ROW_EXCLUSIVE in _CONFLICTS[self]

    def conflicts_with(self, other: LockMode) -> bool:
        """Whether two transactions cannot hold these two on one table at once."""
        return other in _CONFLICTS[self]

    @property
    def conflicting(self) -> tuple[LockMode, ...]:
        """The modes that exclude this one, weakest first."""
        return tuple(mode for mode in LockMode if mode in _CONFLICTS[self])


def _from(weakest: LockMode) -> frozenset[LockMode]:
    modes = list(LockMode)
    return frozenset(modes[modes.index(weakest) :])


_CONFLICTS: dict[LockMode, frozenset[LockMode]] = {
    LockMode.ACCESS_SHARE: _from(LockMode.ACCESS_EXCLUSIVE),
    LockMode.ROW_SHARE: _from(LockMode.EXCLUSIVE),
    LockMode.ROW_EXCLUSIVE: _from(LockMode.SHARE),
    LockMode.SHARE_UPDATE_EXCLUSIVE: _from(LockMode.SHARE_UPDATE_EXCLUSIVE),
    LockMode.SHARE: _from(LockMode.ROW_EXCLUSIVE) - {LockMode.SHARE},
    LockMode.SHARE_ROW_EXCLUSIVE: _from(LockMode.ROW_EXCLUSIVE),
    LockMode.EXCLUSIVE: _from(LockMode.ROW_SHARE),
    LockMode.ACCESS_EXCLUSIVE: _from(LockMode.ACCESS_SHARE),
}


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A lock that a step takes on a relation which exists before it."""

    relation: RelationName
    mode: LockMode

    def __str__(self) -> str:
        return f"{self.mode.sql} on {self.relation}"
