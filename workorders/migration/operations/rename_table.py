"""ALTER TABLE ... RENAME TO and SET SCHEMA.

Plain form: ACCESS EXCLUSIVE for a catalog change, so it is the online form too, under lock retry.
Views and foreign keys follow; SET SCHEMA takes indexes, constraints and the columns' own sequences
along. Functions whose body is text do not follow, nor does the application: a statement with the
old name fails from then on, unless another relation has that name by then. The inverse gives the
old name back. Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.renaming import table_renamed
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.renames import Part, Renamed
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class RenameTable:
    """A table has another name, or is in another schema."""

    name: ClassVar[str] = "rename_table"
    place: Place
    table: RelationName
    #: Differs from `table` in its name or in its schema.
    becomes: RelationName

    @property
    def mentions(self) -> tuple[RelationName, ...]:
        """Its new name: a later run that says it stands on this one."""
        return (self.becomes,)

    def hazard(self) -> str:
        """Whoever still says the old name, for good; everybody, for a moment."""
        return (
            f"statements and functions that say {self.table} fail from then on, views do not;"
            f" reads and writes of {self.table} wait for a catalog change, and for whom it waits for"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """The renaming, and the same the other way round."""
        table = must_find(catalog, self.table)
        if table.kind not in "rp":
            raise refused(
                self.place, f"{self.table} is a foreign table, which is not modelled.", "Rename it by hand."
            )
        self._must_be_free(catalog, table)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=_renamed(self.table, self.becomes),
                undo=(_renamed(self.becomes, self.table),),
                renamed=Renamed(part=Part.TABLE, table=self.table, becomes=self.becomes),
            ),
        )

    def _must_be_free(self, catalog: Catalog, table: Table) -> None:
        schema = self.becomes.schema
        if schema not in catalog.schemas:
            raise refused(
                self.place, f"There is no schema {schema}.", "CREATE SCHEMA first.", sqlstate="3F000"
            )
        going = {self.becomes.name}
        if schema != self.table.schema:
            going |= {index.name for index in table.indexes}
            going |= {each.name for column in table.columns for each in column.owned_sequences}
        taken = sorted(going & catalog.relation_names.get(schema, frozenset()))
        if taken:
            raise refused(
                self.place,
                f"There is already a relation {taken[0]} in schema {schema}.",
                "Choose another name, or rename that one first.",
                sqlstate="42P07",
            )

    def after(self, catalog: Catalog) -> Catalog:
        """The table under its new name, and so all that names it."""
        return table_renamed(catalog, self.table, self.becomes)


def _renamed(was: RelationName, now: RelationName) -> Action:
    change = (
        f"RENAME TO {quoted(now.name)}" if was.schema == now.schema else f"SET SCHEMA {quoted(now.schema)}"
    )
    return Action(
        title=f"rename {was} to {now}",
        sql=(f"ALTER TABLE {was.sql} {change}",),
        locks=exclusive(was),
        done=questions.both(
            questions.relation_exists(now), questions.negated(questions.relation_exists(was))
        ),
    )
