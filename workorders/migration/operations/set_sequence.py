"""SELECT setval(...).

Plain form: nobody waits; it takes effect at once, and a rollback of its transaction does not
undo it. So it is the online form too, after a step that remembers where the sequence stood. The
inverse puts it back only if that is further on: a lowered sequence would give out numbers twice.
Source: https://www.postgresql.org/docs/18/functions-sequence.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName
from workorders.migration.operations import sequences
from workorders.migration.operations.operation import Check, Place
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class SetSequence:
    """One sequence that is set by hand."""

    name: ClassVar[str] = "set_sequence"
    place: Place
    #: The sequence.
    table: RelationName
    #: The statement, complete.
    sql: str
    #: What it reads to find the value.
    mentions: tuple[RelationName, ...] = ()

    def hazard(self) -> str:
        """Nobody."""
        return f"nobody waits; numbers of {self.table} that it goes back over are given out again"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Where it stands is kept first, in a transaction of its own: setval is in none."""
        kept = sequences.kept(self.table, run, str(self.place.statement))
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"remember where {self.table} stands",
                    sql=(sequences.keeping(self.table, kept),),
                    done=questions.relation_exists(kept),
                ),
                remains=(kept,),
            ),
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(title=f"set {self.table}", sql=(self.sql,)),
                undo=(
                    Action(
                        title=f"raise {self.table} to where it stood",
                        sql=(sequences.raising(self.table, kept),),
                    ),
                ),
                loses=f"{self.table} stays where it is if it has come further: no number is given out twice",
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """A sequence's value is not the catalog's."""
        return catalog
