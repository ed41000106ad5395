"""ALTER TABLE ... DROP CONSTRAINT of a unique constraint or a primary key.

Plain form: ACCESS EXCLUSIVE for a catalog change, so it is the online form too, under lock
retry. Foreign keys that need it are in its way; with CASCADE they are dropped before it, each by
its name. The columns of a primary key stay NOT NULL. The inverse builds the index concurrently
and makes it the constraint again; rows that are alike by then are what the old schema cannot
hold. What excludes overlapping rows can only be built while nobody reads or writes the table: it is
dropped where that is small (512 kB). Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index, Table
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import exclusions, family, index_tree, rebuild
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import (
    Check,
    Place,
    must_find,
    refused,
)
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class DropKey:
    """Rows may be alike from now on."""

    name: ClassVar[str] = "drop_key"
    place: Place
    table: RelationName
    constraint: Constraint

    def hazard(self) -> str:
        """Nobody for longer than the lock itself; but what used the index reads the table."""
        return (
            f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for;"
            " queries that used its index read the table instead"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        table = alterable(must_find(catalog, self.table), self.place, "DROP CONSTRAINT")
        for reference in catalog.referencing(self.table):
            if reference.constraint.referenced_index == self.constraint.index:
                raise refused(
                    self.place,
                    f"{reference.constraint.name} of {reference.table} needs {self.constraint.name} of"
                    f" {self.table}, so the server would refuse to drop it.",
                    f"ALTER TABLE {reference.table.sql} DROP CONSTRAINT"
                    f" {quoted(reference.constraint.name)}; first, or write CASCADE.",
                )
        drop = Action(
            title=f"drop {self.constraint.name} of {self.table}",
            sql=(f"ALTER TABLE {self.table.sql} DROP CONSTRAINT {quoted(self.constraint.name)}",),
            locks=family.locks(catalog, (self.table,), LockMode.ACCESS_EXCLUSIVE),
            done=questions.negated(questions.constraint_exists(self.table, self.constraint.name)),
        )
        if table.is_new:
            # It goes as a whole, so that there is nothing to bring back.
            return (Step(statement=self.place.statement, operation=self.name, action=drop),)
        if exclusions.is_one(self.constraint):
            exclusions.must_be_small(table, self.constraint, self.place, "Drop it by hand, in a window.")
        misfit = rebuild.misfit(catalog, self.table, self.constraint, {}, run)
        assert misfit is not None
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=drop,
                undo=(
                    Action(title=f"settle rows that are alike in {self.constraint.name}", settles=0),
                    *(
                        (rebuild.exclusion(self.table, self.constraint, self._index(table)),)
                        if exclusions.is_one(self.constraint)
                        else index_tree.again(index_tree.standing(catalog, table, self._index(table)))
                        if table.kind == "p"
                        else rebuild.unique_constraint(self.table, self.constraint, self._index(table))
                    ),
                ),
                misfits=(misfit,),
                remains=(misfit.aside,),
                is_undone_instantly=False,
            ),
        )

    def _index(self, table: Table) -> Index:
        return next(index for index in table.indexes if index.constraint == self.constraint.name)

    def after(self, catalog: Catalog) -> Catalog:
        """The table without the constraint and its index."""
        table = must_find(catalog, self.table)
        catalog = catalog.without_entries(self.table, (self.constraint.name,))
        if table.kind == "p" and not table.is_new:
            return index_tree.without_parts(catalog, index_tree.standing(catalog, table, self._index(table)))
        return catalog.with_table(
            replace(
                table,
                constraints=tuple(c for c in table.constraints if c.name != self.constraint.name),
                indexes=tuple(i for i in table.indexes if i.constraint != self.constraint.name),
            )
        )
