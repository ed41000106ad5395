"""DROP SEQUENCE.

Plain form: nobody waits, but how far it has counted is gone. Online form, the quarantine: it moves to
our schema. Columns that count with it are in its way, as they are in the server's; CASCADE takes
their defaults first. The inverse moves it back, with what it has counted. Purged, it is dropped.
Source: https://www.postgresql.org/docs/18/sql-dropsequence.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import OUR_SCHEMA, RelationName, ours, quoted
from workorders.migration.operations import counting
from workorders.migration.operations.operation import Check, Place, refused
from workorders.migration.steps import Action, Move, Step


@dataclass(frozen=True, kw_only=True)
class DropSequence:
    """A sequence goes, at first only out of sight."""

    name: ClassVar[str] = "drop_sequence"
    place: Place
    #: The sequence.
    table: RelationName

    def hazard(self) -> str:
        """What it counted."""
        return f"how far {self.table} has counted is gone at once, and whoever still counts with it fails"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Quarantine, with its way back and its purge."""
        self._must_be_needed_by_nobody(catalog)
        sequence, owner = self.table, self._owner(catalog)
        name = ours("sequence", run, str(self.place.statement), sequence.schema, sequence.name)
        there = RelationName(schema=OUR_SCHEMA, name=name)
        here = RelationName(schema=sequence.schema, name=name)
        freeing = (f"ALTER SEQUENCE {sequence.sql} OWNED BY NONE",) if owner else ()
        owning = (f"ALTER SEQUENCE {sequence.sql} OWNED BY {owner}",) if owner else ()
        is_free = questions.negated(questions.relation_exists(there))
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"put {sequence} out of sight",
                    sql=(
                        *freeing,
                        f"ALTER SEQUENCE {sequence.sql} RENAME TO {quoted(name)}",
                        f"ALTER SEQUENCE {here.sql} SET SCHEMA {quoted(OUR_SCHEMA)}",
                    ),
                    done=questions.relation_exists(there),
                ),
                undo=(
                    Action(
                        title=f"bring {sequence} back",
                        sql=(
                            f"ALTER SEQUENCE {there.sql} SET SCHEMA {quoted(sequence.schema)}",
                            f"ALTER SEQUENCE {here.sql} RENAME TO {quoted(sequence.name)}",
                            *owning,
                        ),
                        done=is_free,
                    ),
                ),
                purge=(
                    Action(
                        title=f"drop {sequence} for good",
                        sql=(f"DROP SEQUENCE IF EXISTS {there.sql}",),
                        done=is_free,
                    ),
                ),
                moves=(Move(relation=sequence, there=there),),
            ),
        )

    def _must_be_needed_by_nobody(self, catalog: Catalog) -> None:
        for table in catalog.tables.values():
            for column in table.columns:
                if column.identity and self.table in column.owned_sequences:
                    raise refused(
                        self.place,
                        f"{table.name}.{column.name} is an identity column and needs {self.table}, so the"
                        " server would refuse to drop it.",
                        f"ALTER TABLE {table.name.sql} ALTER COLUMN {quoted(column.name)} DROP IDENTITY;"
                        " drops it.",
                    )
        for each in counting.columns(catalog, self.table):
            name, column = each.table.name, each.column
            raise refused(
                self.place,
                f"The default of {name}.{column.name} counts with {self.table}, so the server would refuse to"
                " drop it.",
                f"ALTER TABLE {name.sql} ALTER COLUMN {quoted(column.name)} DROP DEFAULT; first, or write"
                " CASCADE.",
            )

    def _owner(self, catalog: Catalog) -> str:
        """The column that owns it, as OWNED BY takes it; "" where none does."""
        for table in catalog.tables.values():
            for column in table.columns:
                if self.table in column.owned_sequences:
                    return f"{table.name.sql}.{quoted(column.name)}"
        return ""

    def after(self, catalog: Catalog) -> Catalog:
        """Without the sequence."""
        schema = self.table.schema
        names = catalog.relation_names.get(schema, frozenset()) - {self.table.name}
        assert catalog.archive is not None
        wanted = ("SEQUENCE", self.table.schema, self.table.name)
        gone = [each for each in catalog.archive.objects if (each.kind, each.schema, each.tag) == wanted]
        archive = catalog.archive.without(gone)
        tables = {
            name: replace(
                table,
                columns=tuple(
                    replace(
                        column,
                        owned_sequences=tuple(s for s in column.owned_sequences if s != self.table),
                    )
                    if self.table in column.owned_sequences
                    else column
                    for column in table.columns
                ),
            )
            for name, table in catalog.tables.items()
        }
        return replace(
            catalog,
            tables=tables,
            relation_names={**catalog.relation_names, schema: names},
            archive=archive,
        )
