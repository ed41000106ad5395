"""ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY.

Plain form: ACCESS EXCLUSIVE for a catalog change, which takes the column's sequence along; so it is the
online form too, under lock retry, after the same transaction has kept how far that had counted. The
inverse makes the sequence again as pg_dump has it, privileges and comment included, and lets it count on.
Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import sequences
from workorders.migration.operations.operation import Check, Place, exclusive
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class DropIdentity:
    """A column gives its rows no numbers any more."""

    name: ClassVar[str] = "drop_identity"
    place: Place
    table: RelationName
    column: str
    sequence: RelationName
    #: Makes the column an identity again, with the sequence as it was.
    restoring: tuple[str, ...]
    #: The catalog once it has gone.
    becomes: Catalog

    def hazard(self) -> str:
        """A moment, and whoever inserts without a number afterwards."""
        return (
            f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for; rows"
            f" without a {self.column} are refused from then on"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """How far it counted is kept, and the sequence goes."""
        kept = sequences.kept(self.sequence, run, str(self.place.statement))
        is_identity = questions.column_is_identity(self.table, self.column)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"make {self.table}.{self.column} an ordinary column",
                    sql=(
                        sequences.keeping(self.sequence, kept),
                        f"ALTER TABLE {self.table.sql} ALTER COLUMN {quoted(self.column)} DROP IDENTITY",
                    ),
                    locks=exclusive(self.table),
                    done=questions.negated(is_identity),
                ),
                undo=(
                    Action(
                        title=f"make {self.table}.{self.column} an identity again",
                        sql=(*self.restoring, sequences.raising(self.sequence, kept)),
                        locks=exclusive(self.table),
                        done=is_identity,
                    ),
                ),
                remains=(kept,),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The column without its sequence."""
        return self.becomes
