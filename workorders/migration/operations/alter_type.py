"""ALTER TABLE ... ALTER COLUMN ... TYPE, where it and its way back are changes of the catalog alone.

Plain form, and online form under lock retry: ACCESS EXCLUSIVE for a catalog change, which takes
along what the planner knew of the column, so it is analysed again. Free in both directions are
text and varchar without a length, and timestamp with and without time zone (without an index, and
only where the sessions' TimeZone is UTC); all that only where no CHECK, partial index or
expression reads the column, since those are scanned or rebuilt. A longer varchar or numeric is free
on its way forth only: back, every row is written anew under ACCESS EXCLUSIVE, so it goes the way
of `twin_column`. Tables that the same script creates are altered as the script says.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, "Notes", and measurements.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.catalog.types import bare
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, literal, quoted
from workorders.migration.operations import family, inheritance
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, exclusive, must_find
from workorders.migration.steps import Action, Step

_STRINGS = frozenset({"text", "character varying"})
_TIMES = frozenset({"timestamp with time zone", "timestamp without time zone"})
_UTC = frozenset({"UTC", "Etc/UTC", "Universal", "Zulu", "GMT", "Etc/GMT"})

#: `attstorage` as ALTER TABLE writes it.
_STORAGES = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
_COMPRESSIONS = {"p": "pglz", "l": "lz4"}


@dataclass(frozen=True, kw_only=True)
class TypeChange:
    """What an ALTER COLUMN ... TYPE says."""

    #: As the catalog writes it afterwards, e.g. `character varying(20)`.
    written: str
    #: As the script writes it.
    sql: str
    #: Schema-qualified and quoted, or None for the type's own.
    collation: str | None = None
    #: The expression after USING; None without one.
    using: str | None = None

    @property
    def domain(self) -> str:
        """The type's unqualified name as the catalog has those of domains."""
        return bare(self.written).rpartition(".")[2].replace('"', "")

    @property
    def clause(self) -> str:
        """What follows ALTER COLUMN name."""
        collation = f" COLLATE {self.collation}" if self.collation else ""
        using = f" USING {self.using}" if self.using else ""
        return f"TYPE {self.sql}{collation}{using}"


def is_free(table: Table, column: Column, change: TypeChange, catalog: Catalog) -> bool:
    """Whether neither the change nor the way back reads or writes a row, by what is in the catalog."""
    if change.using is not None or change.collation != column.collation or column.identity:
        return False
    if any(c.kind in "cx" and column.name in c.columns for c in table.constraints):
        return False
    indexes = [index for index in table.indexes if column.name in index.columns]
    if any("" in i.key_columns or " WHERE " in i.definition for i in indexes):
        return False
    for below in family.reached(catalog, table.name):
        own = below.column(column.name)
        if below.kind != "p" and own is not None and not is_free(below, own, change, catalog):
            return False
    if change.written == column.type or {change.written, column.type} <= _STRINGS:
        return True
    times = {bare(change.written), bare(column.type)} == _TIMES
    precise = all("(" not in name or "(6)" in name for name in (change.written, column.type))
    return times and precise and not indexes and catalog.settings.get("TimeZone") in _UTC


@dataclass(frozen=True, kw_only=True)
class AlterType:
    """A column is of another type, in place."""

    name: ClassVar[str] = "alter_type"
    place: Place
    table: RelationName
    column: str
    change: TypeChange

    def hazard(self) -> str:
        """Nobody for longer than the lock itself."""
        return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written, then what the planner knows of the column."""
        table = must_find(catalog, self.table)
        if not table.is_new:
            table = alterable(table, self.place, "ALTER TYPE")
        column = table.column(self.column)
        assert column is not None
        heirs = family.heirs(catalog, self.table)
        inheritance.must_be_given_here(catalog, table, heirs, self.column, self.place)
        locks = _locks(catalog, table, column)
        change = Action(
            title=f"make {self.table}.{self.column} {self.change.written}",
            sql=(*_utc(self.change), f"{_alter(self.table, self.column)} {self.change.clause}"),
            locks=locks,
            done=questions.column_is_of_type(self.table, self.column, self.change.written),
        )
        if table.is_new:
            change = replace(change, rewrites=(self.table,))
            return (Step(statement=self.place.statement, operation=self.name, action=change),)
        former = TypeChange(written=column.type, sql=column.type, collation=column.collation)
        analysis = Action(
            title=f"analyse {self.table}.{self.column}",
            sql=(f"ANALYZE {self.table.sql} ({quoted(self.column)})",),
            locks=(Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
        )
        back = Action(
            title=f"make {self.table}.{self.column} {column.type} again",
            sql=(
                *_utc(former),
                f"{_alter(self.table, self.column)} {former.clause}",
                *marks(table, column),
                *(
                    mark
                    for below in family.reached(catalog, self.table)
                    for mark in _marks(below, self.column)
                ),
            ),
            locks=locks,
            done=questions.column_is_of_type(self.table, self.column, column.type),
        )
        if change.done == back.done:
            back = replace(back, done="SELECT false")
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=change,
                undo=(back, analysis),
            ),
            Step(statement=self.place.statement, operation=self.name, action=analysis),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The column with its new type; storage and compression are the type's own again."""
        return catalog.with_table(with_type(must_find(catalog, self.table), self.column, self.change))


def with_type(table: Table, name: str, change: TypeChange) -> Table:
    """The table with a column of another type, in its place."""
    columns = tuple(
        replace(
            column,
            type=change.written,
            collation=change.collation,
            storage="",
            compression="",
            is_domain=False,
        )
        if column.name == name
        else column
        for column in table.columns
    )
    return replace(table, columns=columns)


def marks(table: Table, column: Column) -> tuple[str, ...]:
    """The statements that give a column back what a change of its type resets."""
    found = []
    # Heirs have their own, which SET STORAGE would overwrite.
    only = "ONLY " if table.has_heirs else ""
    alter = f"ALTER TABLE {only}{table.name.sql} ALTER COLUMN {quoted(column.name)}"
    if column.storage:
        found.append(f"{alter} SET STORAGE {_STORAGES[column.storage]}")
    if column.compression:
        found.append(f"{alter} SET COMPRESSION {_COMPRESSIONS[column.compression]}")
    return tuple(found)


def _marks(table: Table, name: str) -> tuple[str, ...]:
    column = table.column(name)
    return () if column is None else marks(table, column)


def _utc(change: TypeChange) -> tuple[str, ...]:
    """Between the two kinds of timestamp it is free only under this time zone."""
    if bare(change.written) not in _TIMES:
        return ()
    return (f"SELECT pg_catalog.set_config('TimeZone', {literal('UTC')}, true)",)


def _locks(catalog: Catalog, table: Table, column: Column) -> tuple[Lock, ...]:
    """The table, and both ends of the foreign keys that the server makes again."""
    names = {table.name}
    names |= {k.referenced for k in table.foreign_keys if column.name in k.columns and k.referenced}
    names |= {
        reference.table
        for reference in catalog.referencing(table.name)
        if column.name in reference.constraint.referenced_columns
    }
    return exclusive(*sorted(names))


def _alter(table: RelationName, column: str) -> str:
    return f"ALTER TABLE {table.sql} ALTER COLUMN {quoted(column)}"
