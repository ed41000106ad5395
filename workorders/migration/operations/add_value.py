"""ALTER TYPE ... ADD VALUE

Plain form, and online form: a catalog change that locks no table, alone in its transaction; from its commit
on the value may be used. No server takes a value away again. The way back therefore makes a type of
the former values under the same name, and writes every column of it anew under ACCESS EXCLUSIVE, all in
one transaction and within the stall budget; defaults, CHECKs, partial indexes, views, policies and
functions that need the type are taken off before and put back after, and the columns stay in their
places. That is for small tables (2 MB together, indexes included). The columns of larger ones get twins
of the former type, as with `twin_column`, and stand at their tables' ends after a rollback; where
something needs such a column, it is refused. So it is where another type or a foreign key stands on
the enum. Rows that hold the value by then are counted and named before anything is undone.
Source: https://www.postgresql.org/docs/18/sql-altertype.html, "Notes".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName
from workorders.migration.operations.former_twins import LOSES
from workorders.migration.operations.former_type import FormerType
from workorders.migration.operations.operation import Check, Place
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AddValue:
    """An enum has a label more."""

    name: ClassVar[str] = "add_value"
    place: Place
    enum: RelationName
    label: str
    #: As it stands in the script.
    sql: str
    #: The type was made by the script: it goes as a whole.
    is_new: bool
    #: The catalog once it has run.
    becomes: Catalog

    @property
    def table(self) -> None:
        """Of no table alone."""
        return

    def hazard(self) -> str:
        """Nobody, forth."""
        return f"nobody waits: a value more of {self.enum} locks no table"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        action = Action(title=f"add {self.label!r} to {self.enum}", sql=(self.sql,))
        if self.is_new:
            return (Step(statement=self.place.statement, operation=self.name, action=action),)
        former = FormerType(place=self.place, catalog=catalog, run=run, enum=self.enum, gone=(self.label,))
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=action,
                undo=former.back(),
                misfits=former.misfits(),
                remains=tuple(misfit.aside for misfit in former.misfits()),
                moved_back=former.moves(),
                loses=LOSES if former.moves() else "",
                is_undone_instantly=not former.is_large,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """As it was found when the statement was read."""
        return self.becomes
