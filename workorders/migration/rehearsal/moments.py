"""One copy at four moments, and what its rollback has said of itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workorders.migration.names import RelationName
from workorders.migration.rehearsal.state import State


@dataclass(frozen=True, kw_only=True)
class Moments:
    """One copy, four times, with everything under its name from before."""

    before: State
    planned: State
    written: State
    reverted: State


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What the rollback itself has said that it would not bring back or not keep."""

    #: Rows that were set aside, by table.
    aside: Mapping[RelationName, int]
    #: Rows of captured tables that it left as they were written.
    left: int
    #: Tables whose rows the plan itself changes.
    captured: Collection[RelationName]
