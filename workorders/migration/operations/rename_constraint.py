"""ALTER TABLE ... RENAME CONSTRAINT.

Plain form: ACCESS EXCLUSIVE for a catalog change. Online form of a primary key, unique or exclusion
constraint: its index is renamed, which renames the constraint too and locks the index alone (SHARE
UPDATE EXCLUSIVE). Others are renamed as written, under lock retry. The inverse gives the old
name back. A constraint's name is all that its violation tells the application, and what ON CONFLICT
ON CONSTRAINT names. Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.renaming import constraint_renamed
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, inheritance
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.renames import Part, Renamed
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class RenameConstraint:
    """A constraint has another name."""

    name: ClassVar[str] = "rename_constraint"
    place: Place
    table: RelationName
    constraint: str
    becomes: str
    #: An index of that name stands behind it.
    has_index: bool
    #: Tables that inherit from this one do not have it.
    is_alone: bool = True

    def hazard(self) -> str:
        """Everybody, for a moment."""
        return (
            f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for;"
            f" ON CONFLICT ON CONSTRAINT {self.constraint} fails from then on"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """The renaming, and the same the other way round."""
        table = alterable(must_find(catalog, self.table), self.place, "RENAME CONSTRAINT")
        taken = self.becomes in table.constraint_names
        if self.has_index and not taken:
            taken = self.becomes in catalog.relation_names.get(self.table.schema, frozenset())
        if taken:
            raise refused(
                self.place, f"There is already a {self.becomes}.", "Choose another name.", sqlstate="42710"
            )
        heirs = () if self.is_alone else family.heirs(catalog, self.table)
        inheritance.must_be_held_here(catalog, table, heirs, self.constraint, self.place)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=self._renamed(self.constraint, self.becomes),
                undo=(self._renamed(self.becomes, self.constraint),),
                renamed=Renamed(
                    part=Part.CONSTRAINT,
                    table=self.table,
                    becomes=self.table,
                    was=self.constraint,
                    now=self.becomes,
                ),
            ),
        )

    def _renamed(self, was: str, now: str) -> Action:
        index = RelationName(schema=self.table.schema, name=was)
        return Action(
            title=f"rename {was} of {self.table} to {now}",
            sql=(
                f"ALTER INDEX {index.sql} RENAME TO {quoted(now)}"
                if self.has_index
                else f"ALTER TABLE {self.table.sql} RENAME CONSTRAINT {quoted(was)} TO {quoted(now)}",
            ),
            locks=() if self.has_index else exclusive(self.table),
            done=questions.both(
                questions.constraint_exists(self.table, now),
                questions.negated(questions.constraint_exists(self.table, was)),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The constraint under its new name, its index too."""
        heirs = () if self.is_alone else family.heirs(catalog, self.table)
        for name in (self.table, *(heir.name for heir in heirs)):
            catalog = constraint_renamed(catalog, name, self.constraint, self.becomes)
        return catalog
