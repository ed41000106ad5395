"""ALTER TABLE ... DROP COLUMN.

Plain form: ACCESS EXCLUSIVE for a catalog change (0.3-0.5 ms), but the values are gone.
Online form, the quarantine: the column is renamed and may be NULL; what the plain form would
take along (indexes, constraints, statistics on it) is really dropped, with the definitions
kept. The inverse renames it back and builds those again online. Purged, it is dropped.
Source: measured, see the project's documentation of the quarantine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.attached import Dependant
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import RelationName, ours, quoted
from workorders.migration.operations import (
    counting,
    domain_column,
    exclusions,
    family,
    index_tree,
    inheritance,
)
from workorders.migration.operations.column_parts import ColumnParts, needs_values
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.sql import partition_bounds, tree
from workorders.migration.steps import Action, HiddenColumn, Step


@dataclass(frozen=True, kw_only=True)
class DropColumn:
    """A column goes, at first only out of sight."""

    name: ClassVar[str] = "drop_column"
    place: Place
    table: RelationName
    column: str
    if_exists: bool = False

    def hazard(self) -> str:
        """The data."""
        return (
            f"the values of {self.table}.{self.column} are gone at once; reads and writes of {self.table}"
            " wait for a catalog change, and for whom it waits for"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Quarantine, with its way back and its purge."""
        table = alterable(must_find(catalog, self.table), self.place, "DROP COLUMN")
        column = table.column(self.column)
        if column is None:
            return ()
        self._must_be_free(catalog, table, column)
        self._must_be_free_below(catalog, table)
        heirs = family.heirs(catalog, self.table)
        inheritance.must_go_along(catalog, table, heirs, column, self.place)
        if needs_values(column):
            inheritance.must_lose_alike(catalog, table, heirs, column, self.place)
        # One script may drop two columns of this name, if it gives another one the name in between.
        hidden = ours("dropped", run, str(self.place.statement), str(self.table), self.column)
        parts = replace(
            ColumnParts.of(
                table,
                column,
                hidden,
                run,
                base=catalog.types.base(column.type) if column.is_not_null_domain else "",
            ),
            below=tuple(
                ColumnParts.of(heir, own, hidden, run) for heir in heirs if (own := heir.column(self.column))
            ),
        )
        if any(constraint.kind == "f" for constraint in parts.constraints):
            family.must_take_not_valid(catalog, table, self.place, "the way back of DROP COLUMN")
        misfits = parts.misfits(catalog)
        is_simple = not (
            any(p.constraints or p.indexes for p in (parts, *parts.below)) or needs_values(column)
        )
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"put {self.table}.{self.column} out of sight",
                    sql=parts.hiding(),
                    locks=parts.locks(),
                    done=questions.both(
                        questions.column_exists(self.table, hidden),
                        questions.negated(questions.column_exists(self.table, self.column)),
                    ),
                ),
                undo=parts.undo(catalog),
                misfits=misfits,
                hides=(HiddenColumn(table=self.table, column=self.column, hidden=hidden),),
                remains=tuple(misfit.aside for misfit in misfits),
                purge=(
                    Action(
                        title=f"drop {self.table}.{self.column} for good",
                        # The script may have dropped the table itself since.
                        sql=tuple(
                            f"ALTER TABLE IF EXISTS {self.table.sql} DROP COLUMN IF EXISTS {quoted(name)}"
                            for name in (*self._made_of_it(table), hidden)
                        ),
                        locks=exclusive(self.table),
                        done=questions.negated(questions.column_exists(self.table, hidden)),
                    ),
                ),
                is_undone_instantly=is_simple,
            ),
        )

    def _made_of_it(self, table: Table) -> tuple[str, ...]:
        """Generated columns that are out of sight already, and would be in the way of its end."""
        return tuple(
            each.name
            for each in table.hidden
            if each.generation and self.column in tree.columns_in(tree.expression(each.generation))
        )

    def _must_be_free(self, catalog: Catalog, table: Table, column: Column) -> None:
        for reference in catalog.referencing(self.table):
            key = reference.constraint
            goes_along = reference.table == self.table and self.column in key.columns
            if self.column in key.referenced_columns and not goes_along:
                raise refused(
                    self.place,
                    f"The foreign key {key.name} of {reference.table} points at {self.table}.{self.column},"
                    " so the server would refuse to drop it.",
                    "Drop the foreign key first, or write CASCADE.",
                )
        for dependant in table.dependants:
            if dependant.column == self.column and not _is_gone(dependant, table, catalog, column):
                raise refused(
                    self.place,
                    f"{dependant.description} needs {self.table}.{self.column}, so the server would refuse"
                    " to drop it.",
                    f"Drop the {dependant.kind} first.",
                )
        for constraint in table.constraints:
            if self.column in constraint.columns and exclusions.is_one(constraint):
                way_out = f"Drop the constraint {constraint.name} by hand first, in a window."
                exclusions.must_be_small(table, constraint, self.place, way_out)
        if column.is_not_null_domain:
            inheritance.must_not_inherit(table, self.place, f"DROP COLUMN of the domain {column.type}")
            domain_column.must_be_small(table, column, self.place)

    def _must_be_free_below(self, catalog: Catalog, table: Table) -> None:
        """Raises Refused where the column is part of a partition key, or a partition has more on it."""
        if table.kind == "p" and self.column in partition_bounds.columns_of(table):
            raise refused(
                self.place,
                f"{self.table}.{self.column} is part of the partition key, so the server would refuse to drop"
                " it.",
                "Make a new table that is partitioned otherwise.",
            )
        for below in family.reached(catalog, self.table):
            column = below.column(self.column)
            if column is not None:
                self._must_be_free(catalog, below, column)
            if table.has_heirs:
                continue  # what heirs have on it goes and comes back with their column
            own = [i.name for i in below.indexes if self.column in i.columns and not i.is_inherited]
            own += [c.name for c in below.constraints if self.column in c.columns and not c.is_inherited]
            own += [str(s.name) for s in below.statistics if self.column in s.columns]
            if own:
                raise refused(
                    self.place,
                    f"{own[0]} of the partition {below.name} is on {self.column} and would go along.",
                    "Drop it first, in a statement of its own.",
                )

    def after(self, catalog: Catalog) -> Catalog:
        """The table without the column and all that hung on it."""
        table = must_find(catalog, self.table)
        if table.kind == "p":
            for index in table.indexes:
                if self.column in index.columns:
                    parts = index_tree.standing(catalog, table, index)
                    catalog = index_tree.without_parts(catalog, parts[1:])
        for each in (table, *family.heirs(catalog, self.table)):
            gone = [c.name for c in each.constraints if self.column in c.columns]
            gone += [i.name for i in each.indexes if self.column in i.columns]
            catalog = catalog.without_entries(each.name, gone).with_table(
                replace(
                    each,
                    columns=tuple(c for c in each.columns if c.name != self.column),
                    constraints=tuple(c for c in each.constraints if self.column not in c.columns),
                    indexes=tuple(i for i in each.indexes if self.column not in i.columns),
                    statistics=tuple(s for s in each.statistics if self.column not in s.columns),
                )
            )
        return catalog


def _is_gone(dependant: Dependant, table: Table, catalog: Catalog, column: Column) -> bool:
    """Whether the script has dropped it before; foreign keys are told by the catalog."""
    if dependant.kind == "default":
        return not any(
            each.table.name == dependant.relation
            for sequence in column.owned_sequences
            for each in counting.columns(catalog, sequence)
        )
    if dependant.kind == "generated column" and dependant.is_own:
        there = (each.name for each in table.columns)
        return not any(dependant.description.startswith(f"column {name} of ") for name in there)
    return dependant.kind == "foreign key"
