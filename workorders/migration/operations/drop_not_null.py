"""ALTER TABLE ... ALTER COLUMN ... DROP NOT NULL.

Plain form: ACCESS EXCLUSIVE for a catalog change (0.2-2.7 ms), so it is the online form
too, under lock retry. The inverse is the NOT NULL path; rows that were written without a
value meanwhile are what the old schema cannot hold.
Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, inheritance, not_null_path
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import (
    Check,
    Place,
    exclusive,
    must_find,
    refused,
)
from workorders.migration.operations.rebuild import null_misfit
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class DropNotNull:
    """A column may be NULL from now on."""

    name: ClassVar[str] = "drop_not_null"
    place: Place
    table: RelationName
    column: str

    def hazard(self) -> str:
        """Nobody for longer than the lock itself."""
        return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """One catalog change; nothing where the column may be NULL already."""
        table = alterable(must_find(catalog, self.table), self.place, "DROP NOT NULL")
        column = table.column(self.column)
        if column is None or not column.not_null:
            return ()
        if self.column in table.key or column.identity:
            why = "in the primary key" if self.column in table.key else "an identity column"
            raise refused(
                self.place, f"{self.table}.{self.column} is {why} and cannot be NULL.", "Drop that first."
            )
        heirs = family.heirs(catalog, self.table)
        inheritance.must_demand_alone(catalog, table, column, self.place)
        inheritance.must_lose_alike(catalog, table, heirs, column, self.place)
        name = column.not_null_name
        misfit = null_misfit(catalog, self.table, self.column, self.column, run)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"let {self.table}.{self.column} be NULL",
                    sql=(f"ALTER TABLE {self.table.sql} ALTER COLUMN {quoted(self.column)} DROP NOT NULL",),
                    locks=exclusive(self.table),
                    done=questions.negated(questions.column_is_not_null(self.table, self.column)),
                ),
                undo=(
                    Action(
                        title=f"forbid new NULLs in {self.table}.{self.column}",
                        sql=(
                            f"ALTER TABLE {self.table.sql}"
                            f" {not_null_path.promise(self.table, self.column, name, run)}",
                        ),
                        locks=exclusive(self.table),
                        done=f"SELECT ({not_null_path.promised(self.table, self.column, name, run)})"
                        f" OR ({questions.column_is_not_null(self.table, self.column)})",
                    ),
                    Action(title=f"settle rows without {self.column}", settles=0),
                    *not_null_path.fulfilment(self.table, self.column, name, run),
                ),
                misfits=(misfit,),
                remains=(misfit.aside,),
                is_undone_instantly=False,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The column may be NULL."""
        table = must_find(catalog, self.table)
        columns = tuple(
            replace(column, not_null=False, not_null_name=None) if column.name == self.column else column
            for column in table.columns
        )
        return catalog.with_table(replace(table, columns=columns))
