"""What a script gives other names, so that each name can be read at any time of the run.

A script's statements, the way back and the purge see a table or a column each under the name
that it has when their turn comes; a question from before the run is asked again under the one
that it has after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from workorders.migration.names import RelationName


class Part(Enum):
    """What has another name."""

    TABLE = "table"  # the table itself, or its schema
    COLUMN = "column"
    CONSTRAINT = "constraint"
    TYPE = "type"  # no part of a table: `table` is its own name
    FUNCTION = "function"  # the same


_APART = (Part.TYPE, Part.FUNCTION)


@dataclass(frozen=True, kw_only=True)
class Renamed:
    """One step's other name."""

    part: Part
    #: The table before and after; the same where a part of it is renamed.
    table: RelationName
    becomes: RelationName
    #: The part's name before and after; "" for the table itself.
    was: str = ""
    now: str = ""

    @property
    def reversed(self) -> Renamed:
        """The same the other way round."""
        return replace(self, table=self.becomes, becomes=self.table, was=self.now, now=self.was)


@dataclass(frozen=True, kw_only=True)
class Names:
    """Other names in the order in which they are given: from a name before all to the one after all."""

    renames: tuple[Renamed, ...] = ()

    @property
    def reversed(self) -> Names:
        """From the names after all to those before."""
        return Names(renames=tuple(each.reversed for each in reversed(self.renames)))

    @property
    def given_up(self) -> tuple[Renamed, ...]:
        """Each renaming as of the names before all."""
        found = []
        for place, each in enumerate(self.renames):
            back = Names(renames=self.renames[:place]).reversed
            was = each.was and back.part(each.part, each.table, each.was)
            found.append(replace(each, table=back.table(each.table), was=was))
        return tuple(found)

    def table(self, name: RelationName) -> RelationName:
        """What a table is called then."""
        for each in self.renames:
            if each.part is Part.TABLE and each.table == name:
                name = each.becomes
        return name

    def column(self, table: RelationName, column: str) -> str:
        """What a column is called then; both names are those before."""
        return self.part(Part.COLUMN, table, column)

    def constraint(self, table: RelationName, constraint: str) -> str:
        """What a constraint is called then; both names are those before."""
        return self.part(Part.CONSTRAINT, table, constraint)

    def function(self, name: RelationName) -> RelationName:
        """What a function is called then."""
        for each in self.renames:
            if each.part is Part.FUNCTION and each.table == name:
                name = each.becomes
        return name

    def part(self, part: Part, table: RelationName, name: str) -> str:
        """What a column or constraint is called then; both names are those before."""
        for each in self.renames:
            if each.table != table or each.part in _APART:
                continue
            if each.part is Part.TABLE:
                table = each.becomes
            elif each.part is part and each.was == name:
                name = each.now
        return name
