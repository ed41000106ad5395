"""ALTER TABLE ... ADD COLUMN with a constant or stable default, none, or generated.

Plain form: ACCESS EXCLUSIVE for a catalog change (0.3-2.7 ms since server 11, `now()` and
VIRTUAL generated columns (18) included), so it is the online form too, under lock retry. A
STORED generated column and a column of a domain with constraints have no online form: the
table is written anew, which is done where it is so small that this fits the stall budget,
and else refused. The inverse hides the column, keeps the values that were written into it in
our schema, and drops it.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, "Notes".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import RelationName
from workorders.migration.operations import family, inheritance, new_column, not_null_path
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import SMALL_BYTES, Check, Place, exclusive, must_find, refused
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AddColumn:
    """A new column at the table's end."""

    name: ClassVar[str] = "add_column"
    place: Place
    table: RelationName
    column: Column
    #: The column's definition as SQL, name included.
    definition: str
    #: Why every row is written anew, in words; "" where none is.
    rewrites_because: str = ""

    def hazard(self) -> str:
        """Nobody for longer than the lock itself, or everybody for a rewrite."""
        if self.rewrites_because:
            return (
                f"reads and writes of {self.table} wait under ACCESS EXCLUSIVE while every row is written"
                f" anew: {self.rewrites_because}"
            )
        return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"

    def checks(self) -> tuple[Check, ...]:
        """A NOT NULL column without a default needs an empty table."""
        if not self.column.not_null or self.column.default is not None or self.column.generated:
            return ()
        return (
            Check(
                query=f"SELECT count(*) FROM (SELECT FROM {self.table.sql} LIMIT 1) q",
                reason=f"{self.table} has rows, and {self.column.name} is NOT NULL without a default.",
                next_move="Give the column a DEFAULT, or add it nullable, fill it, and SET NOT NULL then.",
            ),
        )

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written; the way back keeps what was written into the column."""
        table = alterable(must_find(catalog, self.table), self.place, "ADD COLUMN")
        heirs = family.heirs(catalog, self.table)
        inheritance.must_be_new(table, heirs, self.column.name, self.place)
        is_rewritten = bool(self.rewrites_because) and not table.is_new
        if is_rewritten:
            self._must_be_small(table, sum(each.size_bytes for each in (table, *heirs)))
        missing = ""
        if self.column.default is not None:
            missing = new_column.stored_default(table, self.column, run)
        is_kept = not self.column.generated
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"add {self.table}.{self.column.name}",
                    sql=(f"ALTER TABLE {self.table.sql} ADD COLUMN {self.definition}",),
                    locks=exclusive(self.table),
                    rewrites=(self.table,) if self.rewrites_because else (),
                    done=questions.column_exists(self.table, self.column.name),
                ),
                undo=new_column.undo(
                    table, self.column, catalog.types, run, missing=missing, is_kept=is_kept
                ),
                remains=(new_column.kept(self.table, self.column.name, run),) if is_kept else (),
            ),
        )

    def _must_be_small(self, table: Table, size_bytes: int) -> None:
        if size_bytes > SMALL_BYTES:
            with_heirs = f"{self.table} and what inherits from it" if table.has_heirs else str(self.table)
            raise refused(
                self.place,
                f"{self.table}.{self.column.name}: {self.rewrites_because}, so all of {with_heirs}"
                f" ({size_bytes // 1024} kB) would be written anew while nobody can read or write it.",
                "Make it VIRTUAL (18 and later), or an ordinary column that a trigger fills and an UPDATE"
                " completes."
                if self.column.generated
                else "Use the domain's base type, and its condition as a CHECK of the table.",
            )

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one more column."""
        table = must_find(catalog, self.table)
        column = self.column
        if column.not_null:
            name = column.not_null_name or not_null_path.constraint_name(catalog, self.table, column.name)
            column = replace(column, not_null_name=name)
        return catalog.with_table(replace(table, columns=(*table.columns, column)))
