"""ALTER TABLE ... RENAME COLUMN.

Plain form: ACCESS EXCLUSIVE for a catalog change, so it is the online form too, under lock retry.
Views, indexes, constraints, generated columns, policies and triggers' column lists follow. Functions
whose body is text do not, nor does the application: a statement with the old name fails from then
on. The inverse gives the old name back. Source:
https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.renaming import column_renamed
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, inheritance
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.renames import Part, Renamed
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class RenameColumn:
    """A column has another name."""

    name: ClassVar[str] = "rename_column"
    place: Place
    table: RelationName
    column: str
    becomes: str

    def hazard(self) -> str:
        """Whoever still says the old name, for good; everybody, for a moment."""
        return (
            f"statements and functions that say {self.table}.{self.column} fail from then on, views do not;"
            f" reads and writes of {self.table} wait for a catalog change, and for whom it waits for"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """The renaming, and the same the other way round."""
        table = alterable(must_find(catalog, self.table), self.place, "RENAME COLUMN")
        if table.column(self.becomes) is not None:
            raise refused(
                self.place, f"{self.table} has a column {self.becomes} already.", "Choose another name."
            )
        heirs = family.heirs(catalog, self.table)
        inheritance.must_be_given_here(catalog, table, heirs, self.column, self.place)
        taken = [heir.name for heir in heirs if heir.column(self.becomes) is not None]
        if taken:
            raise refused(
                self.place,
                f"{taken[0]} inherits from {self.table} and has a column {self.becomes} already.",
                "Choose another name.",
                sqlstate="42701",
            )
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=self._renamed(self.column, self.becomes),
                undo=(self._renamed(self.becomes, self.column),),
                renamed=Renamed(
                    part=Part.COLUMN,
                    table=self.table,
                    becomes=self.table,
                    was=self.column,
                    now=self.becomes,
                ),
            ),
        )

    def _renamed(self, was: str, now: str) -> Action:
        return Action(
            title=f"rename {self.table}.{was} to {now}",
            sql=(f"ALTER TABLE {self.table.sql} RENAME COLUMN {quoted(was)} TO {quoted(now)}",),
            locks=exclusive(self.table),
            done=questions.both(
                questions.column_exists(self.table, now),
                questions.negated(questions.column_exists(self.table, was)),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The column under its new name, and so all that is made of it."""
        for each in (self.table, *(table.name for table in family.reached(catalog, self.table))):
            catalog = column_renamed(catalog, each, self.column, self.becomes)
        return catalog
