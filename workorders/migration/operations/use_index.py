"""ALTER TABLE ... ADD UNIQUE or PRIMARY KEY USING INDEX.

Plain form: ACCESS EXCLUSIVE for a catalog change, so it is the online form too, under lock
retry, once the columns of a primary key are NOT NULL. The index gets the constraint's name. The
inverse builds a second one like it, and drops the constraint in the transaction in which that
one takes the old name, so that duplicates are never let in.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, ADD table_constraint_using_index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, ours, quoted
from workorders.migration.operations import rebuild
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import (
    Check,
    Place,
    exclusive,
    must_find,
    refused,
)
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class UseIndex:
    """A unique index becomes a constraint."""

    name: ClassVar[str] = "use_index"
    place: Place
    table: RelationName
    #: As the catalog will have it.
    constraint: Constraint
    #: The index as it is before.
    index: Index

    def hazard(self) -> str:
        """Nobody for longer than the lock itself."""
        return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"

    def checks(self) -> tuple[Check, ...]:
        """The index is unique already."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        table = alterable(must_find(catalog, self.table), self.place, "USING INDEX")
        if table.kind == "p":
            raise refused(
                self.place,
                f"{self.table} is partitioned, and the server has no USING INDEX for those.",
                f"Write ADD {self.constraint.definition}: the partitions' indexes are built concurrently.",
            )
        for reference in catalog.referencing(self.table):
            if reference.constraint.referenced_index == self.index.name:
                raise refused(
                    self.place,
                    f"{reference.constraint.name} of {reference.table} points at {self.index.name}: the way"
                    " back could not take the constraint off it.",
                    f"Drop {reference.constraint.name} before, and add it again afterwards.",
                )
        exists = questions.constraint_exists(self.table, self.constraint.name)
        undo = self._undo(run)
        if table.is_new:
            undo = (rebuild.dropped_constraint(self.table, self.constraint),)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"make {self.index.name} of {self.table} the constraint {self.constraint.name}",
                    sql=(rebuild.using_index(self.table, self.constraint, self.index.name),),
                    locks=exclusive(self.table),
                    done=exists,
                ),
                undo=undo,
                is_undone_instantly=table.is_new,
            ),
        )

    def _undo(self, run: str) -> tuple[Action, ...]:
        exists = questions.constraint_exists(self.table, self.constraint.name)
        twin = RelationName(
            schema=self.table.schema, name=ours("index", run, str(self.table), self.index.name)
        )
        return (
            Action(
                title=f"build an index like {self.index.name}",
                sql=(rebuild.concurrently(self.index.definition, twin.name),),
                locks=(Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
                scans=(self.table,),
                is_transactional=False,
                done=f"SELECT ({questions.index_is_valid(twin)}) OR NOT ({exists})",
                sweep=(f"DROP INDEX CONCURRENTLY IF EXISTS {twin.sql}",),
            ),
            Action(
                title=f"make {self.index.name} an index without a constraint again",
                sql=(
                    f"ALTER TABLE {self.table.sql} DROP CONSTRAINT {quoted(self.constraint.name)}",
                    f"ALTER INDEX {twin.sql} RENAME TO {quoted(self.index.name)}",
                    *rebuild.marks(self.table, self.index),
                ),
                locks=exclusive(self.table),
                done=questions.negated(exists),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one more constraint; the index has its name."""
        table = must_find(catalog, self.table)
        name = self.constraint.name
        indexes = tuple(
            replace(index, name=name, constraint=name, is_primary=self.constraint.kind == "p")
            if index.name == self.index.name
            else index
            for index in table.indexes
        )
        return catalog.with_table(
            replace(table, constraints=(*table.constraints, self.constraint), indexes=indexes)
        )
