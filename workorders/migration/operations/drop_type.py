"""DROP TYPE and DROP DOMAIN, of what nothing of the user's needs any more

Plain form: a catalog change that locks no table. Here the type is put out of reach instead, in Lockkeeper's
schema: what is kept of rows for the way back may hold values of it. The way back gives it its place and
name again, with owner, privileges and comment; a purge drops it.
Source: https://www.postgresql.org/docs/18/sql-altertype.html.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import OUR_SCHEMA, RelationName, ours, quoted
from workorders.migration.operations import labels
from workorders.migration.operations.operation import Check, Place
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class DropType:
    """A type goes."""

    name: ClassVar[str] = "drop_type"
    place: Place
    dropped: RelationName
    #: TYPE or DOMAIN.
    kind: str
    #: The catalog once it has gone.
    becomes: Catalog

    @property
    def table(self) -> RelationName:
        """The type's name."""
        return self.dropped

    def hazard(self) -> str:
        """Nobody."""
        return f"nobody waits: no table has a column of {self.dropped}"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Out of reach; dropped by the purge."""
        kind, name = self.kind, self.dropped
        aside = RelationName(schema=OUR_SCHEMA, name=ours("type", run, str(name)))
        beside = RelationName(schema=name.schema, name=aside.name)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"put {kind.lower()} {name} out of reach",
                    sql=(
                        f"ALTER {kind} {name.sql} RENAME TO {quoted(aside.name)}",
                        f"ALTER {kind} {beside.sql} SET SCHEMA {quoted(OUR_SCHEMA)}",
                    ),
                ),
                undo=(
                    Action(
                        title=f"give {kind.lower()} {name} its place back",
                        sql=(
                            f"ALTER {kind} {aside.sql} SET SCHEMA {quoted(name.schema)}",
                            f"ALTER {kind} {beside.sql} RENAME TO {quoted(name.name)}",
                        ),
                    ),
                ),
                purge=(
                    Action(
                        title=f"drop {kind.lower()} {name}",
                        sql=(labels.kept_as(aside, "pg_catalog.text"), f"DROP {kind} IF EXISTS {aside.sql}"),
                    ),
                ),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """Without it."""
        return self.becomes
