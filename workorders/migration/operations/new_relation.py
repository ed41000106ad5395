"""ALTER TABLE and CREATE INDEX on what the same script made from a query

What columns a table of CREATE TABLE AS will have, only the server knows. Nobody waits for it, so its
statements are run as they are written, and on the way back it goes as a whole. A foreign key from it to
another table takes SHARE ROW EXCLUSIVE on that one; it is dropped on its own on the way back.
Source: https://www.postgresql.org/docs/18/sql-createtableas.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations.operation import Check, Place, exclusive
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class ChangeNewRelation:
    """A statement about a relation that the script itself made."""

    name: ClassVar[str] = "new_relation"
    place: Place
    #: The relation afterwards, as far as it is known.
    becomes: Table
    #: What is done, e.g. `index public.totals`.
    title: str
    #: The statement with the relation's schema given.
    sql: str
    #: What it takes on the relation.
    mode: LockMode
    #: Foreign keys to other tables that it adds.
    pointing: tuple[Constraint, ...] = ()
    #: Its rows are written anew, where it has any: nobody else knows of them yet.
    may_rewrite: bool = False

    @property
    def table(self) -> RelationName:
        """The relation's name."""
        return self.becomes.name

    def hazard(self) -> str:
        """Writers of the tables that it points at."""
        return f"nobody waits for {self.table}, which is new; writers of what it points at wait for a moment"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        pointed_at = tuple(sorted({key.referenced for key in self.pointing if key.referenced is not None}))
        undo = tuple(
            Action(
                title=f"drop foreign key {key.name} of {self.table}",
                sql=(f"ALTER TABLE {self.table.sql} DROP CONSTRAINT IF EXISTS {quoted(key.name)}",),
                locks=exclusive(*sorted({self.table, *pointed_at})),
                done=questions.negated(questions.constraint_exists(self.table, key.name)),
            )
            for key in self.pointing
        )
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=self.title,
                    sql=(self.sql,),
                    rewrites=(self.table,) if self.may_rewrite else (),
                    locks=(
                        Lock(relation=self.table, mode=self.mode),
                        *(Lock(relation=name, mode=LockMode.SHARE_ROW_EXCLUSIVE) for name in pointed_at),
                    ),
                ),
                undo=undo,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """As far as it is known."""
        return catalog.with_table(self.becomes)
