"""ALTER INDEX ... RENAME TO.

Plain form: SHARE UPDATE EXCLUSIVE on the index (ALTER TABLE ... RENAME TO takes ACCESS EXCLUSIVE on
it), and no lock on its table: nobody who reads or writes waits. So ALTER INDEX is the online form
of both. The index of a constraint takes the constraint along. The inverse gives the old name back.
Source: https://www.postgresql.org/docs/18/sql-alterindex.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.renaming import index_renamed
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations.operation import Check, Place, must_find, refused
from workorders.migration.renames import Part, Renamed
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class RenameIndex:
    """An index has another name."""

    name: ClassVar[str] = "rename_index"
    place: Place
    table: RelationName
    index: str
    becomes: str
    #: The constraint that stands on it.
    constraint: str | None = None

    def hazard(self) -> str:
        """Nobody."""
        return f"nobody waits: only the index {self.index} is locked, against others that change it"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """The renaming, and the same the other way round."""
        table = must_find(catalog, self.table)
        taken = self.becomes in catalog.relation_names.get(self.table.schema, frozenset())
        if taken or (self.constraint is not None and self.becomes in table.constraint_names):
            raise refused(
                self.place, f"There is already a {self.becomes}.", "Choose another name.", sqlstate="42P07"
            )
        renamed = Renamed(
            part=Part.CONSTRAINT,
            table=self.table,
            becomes=self.table,
            was=self.constraint or "",
            now=self.becomes,
        )
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=self._renamed(self.index, self.becomes),
                undo=(self._renamed(self.becomes, self.index),),
                renamed=None if self.constraint is None else renamed,
            ),
        )

    def _renamed(self, was: str, now: str) -> Action:
        before, after = (RelationName(schema=self.table.schema, name=name) for name in (was, now))
        return Action(
            title=f"rename index {before} to {now}",
            sql=(f"ALTER INDEX {before.sql} RENAME TO {quoted(now)}",),
            done=questions.both(
                questions.relation_exists(after), questions.negated(questions.relation_exists(before))
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The index under its new name, its constraint too."""
        return index_renamed(catalog, self.table, self.index, self.becomes)
