"""ALTER TABLE ... ALTER COLUMN ... TYPE from one enum to another, each value by its label

Plain form: every row and index is written anew under ACCESS EXCLUSIVE. It is the online form too, under
lock retry and only for tables small enough to be written within the stall budget (2 MB with indexes);
larger ones go the way of `twin_column`. The way back is the same the other way round; rows that hold
a label by then that the former type lacks are named before anything is undone. Since no column of the
former type is left, the script may drop and rename types as it likes: so tools take a label away.
Source: https://www.postgresql.org/docs/18/datatype-enum.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import former_values, labels
from workorders.migration.operations.alter_type import TypeChange, marks, with_type
from workorders.migration.operations.labels import SMALL_BYTES, EnumColumn
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, ordinary, refused
from workorders.migration.steps import Action, Step


def is_meant(table: Table, column: Column, change: TypeChange, catalog: Catalog) -> bool:
    """Whether it is such a change of an ordinary table that is small, or the script's own."""
    is_small = table.is_new or table.size_bytes <= SMALL_BYTES
    return table.kind == "r" and is_small and former_values.keeps_label(catalog, column, change)


@dataclass(frozen=True, kw_only=True)
class ChangeLabels:
    """A column is of another enum, in place."""

    name: ClassVar[str] = "change_labels"
    place: Place
    table: RelationName
    column: str
    change: TypeChange

    def hazard(self) -> str:
        """Everybody, for as long as the table takes to write."""
        return f"reads and writes of {self.table} wait while every row and index is written anew"

    def checks(self) -> tuple[Check, ...]:
        """What has no such label stops it, as it would stop the plain form."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written; then what the planner knows of the column."""
        table = must_find(catalog, self.table)
        column = table.column(self.column)
        assert column is not None
        alter = f"ALTER TABLE {self.table.sql}"
        forth = Action(
            title=f"make {self.table}.{self.column} {self.change.written}",
            sql=(f"{alter} ALTER COLUMN {quoted(self.column)} {self.change.clause}",),
            locks=exclusive(self.table),
            rewrites=(self.table,),
            done=questions.column_is_of_type(self.table, self.column, self.change.written),
        )
        if table.is_new:
            return (self._step(forth),)
        own = EnumColumn(table=ordinary(table, self.place, "ALTER TYPE"), column=column)
        for dependant in table.dependants:
            if dependant.column == self.column and dependant.kind not in ("foreign key", "default"):
                raise refused(
                    self.place,
                    f"{dependant.description} needs {self.table}.{self.column}: the server would refuse to"
                    " change its type.",
                    f"Drop the {dependant.kind} first, and create it again afterwards.",
                )
        lost = self._lost(catalog, column)
        settling = own.settling(lost, run, 0) if lost else ()
        misfits = (own.misfit(catalog, lost, run),) if lost else ()
        back = Action(
            title=f"make {self.table}.{self.column} {column.type} again",
            sql=(
                own.unguarded(run),
                f"{alter} {own.retyped(column.type.removesuffix('[]'))}",
                *marks(table, column),
            ),
            locks=exclusive(self.table),
            rewrites=(self.table,),
        )
        return (
            replace(
                self._step(forth),
                undo=(*settling, back, own.analysis()),
                misfits=misfits,
                remains=tuple(misfit.aside for misfit in misfits),
            ),
            self._step(own.analysis()),
        )

    def _step(self, action: Action) -> Step:
        return Step(
            statement=self.place.statement, operation=self.name, action=action, is_undone_instantly=True
        )

    def _lost(self, catalog: Catalog, column: Column) -> tuple[str, ...]:
        """The labels that the former type does not have."""
        former, latter = (labels.enum_of(catalog, name) for name in (column.type, self.change.written))
        assert former is not None
        assert latter is not None
        return tuple(label for label in catalog.enums[latter] if label not in catalog.enums[former])

    def after(self, catalog: Catalog) -> Catalog:
        """The column is of the other type, and the table needs that."""
        table = must_find(catalog, self.table)
        column = table.column(self.column)
        assert column is not None
        former, latter = (labels.enum_of(catalog, name) for name in (column.type, self.change.written))
        changed = catalog.with_table(with_type(table, self.column, self.change))
        if catalog.archive is None or former is None or latter is None:
            return changed
        is_needed = any(each.table.name == self.table for each in labels.columns_of(changed, former))
        archive = _needing(catalog.archive, self.table, former, latter, keeps=is_needed)
        return replace(changed, archive=archive)


def _needing(
    archive: Archive, table: RelationName, former: RelationName, latter: RelationName, *, keeps: bool
) -> Archive:
    """The archive with a table that needs the latter type."""
    entries = _found(archive, "TABLE", table)
    if not entries:
        return archive
    gone = set() if keeps else {each.number for each in _found(archive, "TYPE", former)}
    came = {each.number for each in _found(archive, "TYPE", latter)}
    return archive.with_entry(replace(entries[0], needs=tuple(sorted({*entries[0].needs, *came} - gone))))


def _found(archive: Archive, kind: str, name: RelationName) -> list[Entry]:
    return [e for e in archive.objects if (e.kind, e.schema, e.tag) == (kind, name.schema, name.name)]
