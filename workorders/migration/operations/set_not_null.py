"""ALTER TABLE ... ALTER COLUMN ... SET NOT NULL.

Plain form: ACCESS EXCLUSIVE while every row is read (20-70 ms for 200,000 rows; it grows
with the table). Online form: a NOT VALID constraint, then its validation under SHARE UPDATE
EXCLUSIVE; on 12-17 by way of a CHECK, on 18 and later with NOT NULL ... NOT VALID. Where the script
itself says NOT VALID, there is no validation.
Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, not_null_path
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, exclusive, must_find
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class SetNotNull:
    """A column may no longer be NULL."""

    name: ClassVar[str] = "set_not_null"
    place: Place
    table: RelationName
    column: str
    #: The constraint's name where the script gives one (18 and later).
    constraint: str | None = None
    #: NOT VALID (18 and later): rows that are there may be NULL.
    is_not_valid: bool = False

    def hazard(self) -> str:
        """Reads and writes of the table."""
        if self.is_not_valid:
            return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"
        return f"reads and writes of {self.table} wait while every row is read under ACCESS EXCLUSIVE"

    def checks(self) -> tuple[Check, ...]:
        """No row without a value."""
        if self.is_not_valid:
            return ()
        return (
            Check(
                query=f"SELECT count(*) FROM {self.table.sql} WHERE {quoted(self.column)} IS NULL",
                reason=f"{self.table}.{self.column} is NULL in {{count}} rows.",
                next_move=f"UPDATE {self.table.sql} SET {quoted(self.column)} = ..."
                f" WHERE {quoted(self.column)} IS NULL; before this statement.",
            ),
        )

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Promise and fulfilment; nothing where the column is NOT NULL already."""
        table = alterable(must_find(catalog, self.table), self.place, "SET NOT NULL")
        column = table.column(self.column)
        if column is not None and column.not_null:
            return ()
        name = self._constraint_name(catalog)
        actions = (
            Action(
                title=f"forbid new NULLs in {self.table}.{self.column}",
                sql=(
                    f"ALTER TABLE {self.table.sql}"
                    f" {not_null_path.promise(self.table, self.column, name, run)}",
                ),
                locks=exclusive(self.table),
                done=not_null_path.promised(self.table, self.column, name, run),
            ),
            *(() if self.is_not_valid else not_null_path.fulfilment(self.table, self.column, name, run)),
        )
        # Before 18 the server does not know whose a NOT NULL is: those that had one keep it.
        heirs = family.heirs(catalog, self.table)
        lacking = tuple(each.name for each in heirs if (c := each.column(self.column)) and not c.not_null)
        withdrawal = not_null_path.withdrawal(
            self.table, self.column, name, run, below=lacking if heirs else None
        )
        return tuple(
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=action,
                undo=(withdrawal,) if position == 0 else (),
            )
            for position, action in enumerate(actions)
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The column is NOT NULL, with its constraint's name on 18."""
        table = must_find(catalog, self.table)
        name = self._constraint_name(catalog)
        columns = tuple(
            replace(
                column,
                not_null=True,
                not_null_name=column.not_null_name or name,
                is_not_null_validated=column.not_null or not self.is_not_valid,
            )
            if column.name == self.column
            else column
            for column in table.columns
        )
        return catalog.with_table(replace(table, columns=columns))

    def _constraint_name(self, catalog: Catalog) -> str | None:
        return self.constraint or not_null_path.constraint_name(catalog, self.table, self.column)
