"""ALTER TABLE ... ADD COLUMN with a constant or stable default, or none.

Plain form: ACCESS EXCLUSIVE for a catalog change (0.3-2.7 ms since server 11, `now()`
included), so it is the online form too, under lock retry. A volatile default rewrites the
table and is not modelled yet. The inverse hides the column, keeps the values that were
written into it in our schema, and drops it.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, "Notes".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import OUR_SCHEMA, RelationName, literal, ours, quoted
from workorders.migration.operations import not_null_path
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, ordinary, refused
from workorders.migration.operations.row_images import different
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
    #: Functions that the default calls, unqualified.
    default_calls: tuple[str, ...] = ()
    if_not_exists: bool = False

    def hazard(self) -> str:
        """Nobody for longer than the lock itself."""
        return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"

    def checks(self) -> tuple[Check, ...]:
        """A NOT NULL column without a default needs an empty table."""
        if not self.column.not_null or self.column.default is not None:
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
        table = ordinary(must_find(catalog, self.table), self.place, "ADD COLUMN")
        if table.column(self.column.name) is not None and self.if_not_exists:
            return ()
        for call in self.default_calls:
            if call in catalog.volatile_functions:
                raise refused(
                    self.place,
                    f"The default of {self.table}.{self.column.name} calls {call}(), which is volatile:"
                    " the whole table would be rewritten, and an online form is not modelled yet.",
                    "ADD COLUMN without the default, then ALTER COLUMN ... SET DEFAULT, then UPDATE.",
                )
        kept = RelationName(schema=OUR_SCHEMA, name=ours("kept", run, str(self.table), self.column.name))
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"add {self.table}.{self.column.name}",
                    sql=(f"ALTER TABLE {self.table.sql} ADD COLUMN {self.definition}",),
                    locks=exclusive(self.table),
                    done=questions.column_exists(self.table, self.column.name),
                ),
                undo=self._undo(table, kept, run),
                remains=(kept,),
            ),
        )

    def _undo(self, table: Table, kept: RelationName, run: str) -> tuple[Action, ...]:
        hidden = ours("added", run, str(self.table), self.column.name)
        is_hidden = questions.negated(questions.column_exists(self.table, self.column.name))
        hide = [f"ALTER TABLE {self.table.sql} RENAME COLUMN {quoted(self.column.name)} TO {quoted(hidden)}"]
        if self.column.not_null:
            hide.append(f"ALTER TABLE {self.table.sql} ALTER COLUMN {quoted(hidden)} DROP NOT NULL")
        columns = [quoted(column) for column in table.key] or [
            quoted(column.name) for column in table.columns
        ]
        keep = (
            f"CREATE TABLE {kept.sql} AS SELECT {', '.join(columns)},"
            f" {quoted(hidden)} AS {quoted(self.column.name)} FROM {self.table.sql}"
            f" WHERE {different(quoted(hidden), self._missing_value(hidden))}"
        )
        return (
            Action(
                title=f"hide {self.table}.{self.column.name}",
                sql=tuple(hide),
                locks=exclusive(self.table),
                done=is_hidden,
            ),
            Action(
                title=f"keep what was written into {self.table}.{self.column.name}",
                sql=(keep,),
                scans=(self.table,),
                done=f"SELECT ({questions.relation_exists(kept)})"
                f" OR NOT ({questions.column_exists(self.table, hidden)})",
            ),
            Action(
                title=f"drop {self.table}.{self.column.name}",
                sql=(f"ALTER TABLE {self.table.sql} DROP COLUMN IF EXISTS {quoted(hidden)}",),
                locks=exclusive(self.table),
                done=questions.both(
                    is_hidden, questions.negated(questions.column_exists(self.table, hidden))
                ),
            ),
        )

    def _missing_value(self, hidden: str) -> str:
        """What the rows that were there before hold: the server's own stored default, or NULL."""
        if self.column.default is None:
            return f"NULL::{self.column.type}"
        # Through text: an array's missing value is an array of arrays, which no cast can take apart.
        return (
            f"(SELECT (a.attmissingval::text::text[])[1]::{self.column.type} FROM pg_catalog.pg_attribute a"
            f" WHERE a.attrelid = {literal(self.table.sql)}::pg_catalog.regclass"
            f" AND a.attname = {literal(hidden)})"
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one more column."""
        table = must_find(catalog, self.table)
        if table.column(self.column.name) is not None:
            return catalog
        column = self.column
        if column.not_null:
            name = not_null_path.constraint_name(catalog, self.table, column.name)
            column = replace(column, not_null_name=name)
        return catalog.with_table(replace(table, columns=(*table.columns, column)))
