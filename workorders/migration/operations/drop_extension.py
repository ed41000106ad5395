"""DROP EXTENSION.

Plain form: a catalog change that locks no table; what its own tables and columns of its types hold is
gone. Online form: it stays until the purge, for dropped columns and tables may hold values of its
types, and rows may be counted with its functions. Then its way back is that it was never away: its
version, its own tables' rows and what was granted on its objects stay as they are.
Source: https://www.postgresql.org/docs/18/sql-dropextension.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import OUR_SCHEMA, RelationName, ours, quoted
from workorders.migration.operations import labels
from workorders.migration.operations.operation import Check, Place
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class DropExtension:
    """An extension that nothing in sight needs goes, in the end."""

    name: ClassVar[str] = "drop_extension"
    place: Place
    extension: str
    #: The types that are its own.
    types: tuple[RelationName, ...]
    #: The catalog once it has gone.
    becomes: Catalog

    @property
    def table(self) -> RelationName:
        """Its name, twice: it is in no schema."""
        return RelationName(schema=self.extension, name=self.extension)

    def hazard(self) -> str:
        """Whoever calls what it brings."""
        return f"whoever calls what the extension {self.extension} brings fails; nobody waits"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Left, marked by a table of ours, without which a purge drops nothing: it was rolled back."""
        name = self.extension
        mark = RelationName(schema=OUR_SCHEMA, name=ours("extension", run, name))
        is_marked = questions.relation_exists(mark)
        freed = tuple(labels.kept_as(each, "pg_catalog.text") for each in self.types)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"leave extension {name} in its place until the purge",
                    sql=(f"CREATE TABLE {mark.sql} ()",),
                    done=is_marked,
                ),
                undo=(
                    Action(
                        title=f"extension {name} stays",
                        sql=(f"DROP TABLE {mark.sql}",),
                        done=questions.negated(is_marked),
                    ),
                ),
                purge=(
                    Action(
                        title=f"drop extension {name}",
                        sql=(*freed, f"DROP EXTENSION IF EXISTS {quoted(name)}", f"DROP TABLE {mark.sql}"),
                        done=questions.negated(is_marked),
                    ),
                ),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """Without it."""
        return replace(self.becomes, left_extensions=self.becomes.left_extensions | {self.extension})
