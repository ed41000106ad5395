"""Writes as an application makes them: generated for a schema, the same for the same script, and sent.

They go to the tables that a plan touches and to those that foreign keys tie to them: rows
inserted, with and without what the table fills in, twice, pointing nowhere, by position; each column
set to another row's value, to a made-up one, to NULL, out of range; children and parents deleted.
Many are meant to fail. Every write is one statement, complete and in a transaction of its own,
so that the same text can be sent to two copies and its outcomes compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import psycopg
from psycopg import sql

from workorders.migration.catalog.snapshot import Catalog, Constraint, Table
from workorders.migration.names import RelationName, is_ours, literal, quoted
from workorders.migration.rehearsal import sample
from workorders.migration.rehearsal.rows import Rows
from workorders.migration.rehearsal.shadow import Copy
from workorders.migration.rehearsal.state import Loose
from workorders.migration.rehearsal.trees import gathered, loosened

#: Columns of a table that are written; those of very wide ones beyond it are not.
_MOST_COLUMNS = 40

#: From here on keys are made up: above most samples', below what a smallint holds.
_FIRST_NUMBER, _NUMBERS = 20_000, 5_000

_TIMEOUT = "5s"

#: By type, what no value of that type should be, or what only a wider one takes.
_FAR_OUT = {
    "smallint": "40000",
    "integer": "3000000000",
    "bigint": "3000000000",
    "numeric": "1e30",
    "real": "1e30",
    "double precision": "1e300",
    "character varying": "repeat('x', 3000)",
    "character": "repeat('x', 3000)",
    "text": "repeat('x', 3000)",
    "date": "'infinity'",
    "timestamp without time zone": "'infinity'",
    "timestamp with time zone": "'infinity'",
}

#: By type, values that a CHECK often forbids.
_LOW = {"smallint": "-1", "integer": "-1", "bigint": "-1", "numeric": "-1", "text": "''"}


@dataclass(frozen=True, kw_only=True)
class Write:
    """One statement of the application's kind."""

    #: What it does, without a value.
    title: str
    table: RelationName
    #: Holds values of rows: never to be shown.
    statement: str


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What became of a write on one copy."""

    #: "" where it succeeded.
    sqlstate: str = ""
    rows: int = 0

    def __str__(self) -> str:
        if self.sqlstate:
            return f"SQLSTATE {self.sqlstate}"
        return "1 row" if self.rows == 1 else f"{self.rows} rows"


def generate(
    catalog: Catalog,
    rows: Rows,
    loose: Loose,
    touched: Collection[RelationName],
    *,
    by_position: Collection[RelationName],
    seed: str,
) -> tuple[Write, ...]:
    """The writes for a schema and its rows; pure, and the same for the same arguments.

    `by_position` are the tables that may be written without column names. Rows are told apart by
    columns that are not `loose`.
    """
    rows, loose = gathered(catalog, rows), loosened(catalog, loose)
    tied = {reference.table for name in touched for reference in catalog.referencing(name)}
    tied |= {
        key.referenced
        for name in touched
        if name in catalog.tables
        for key in catalog.tables[name].foreign_keys
        if key.referenced is not None
    }
    numbers = count(_FIRST_NUMBER + int(seed[:8], 16) % _NUMBERS)
    subjects = [
        _Subject(catalog, catalog.tables[name], rows, loose, numbers, seed)
        for name in sorted({*touched, *tied})
        if name in catalog.tables and catalog.tables[name].kind in "rp"
    ]
    full = [subject for subject in subjects if subject.table.name in touched]
    return (
        *(write for each in subjects for write in each.inserts(is_full=each in full)),
        *(write for each in full if each.table.name in by_position for write in each.inserts_by_position()),
        *(write for each in full for write in each.updates()),
        *(write for each in subjects for write in each.deletes()),
    )


def send(copy: Copy, writes: Collection[Write]) -> tuple[Sent, ...]:
    """Sends each as the role that the migration runs as, one transaction each."""
    found = []
    with psycopg.connect(copy.dsn, autocommit=True, prepare_threshold=None) as application:
        application.execute("SELECT pg_catalog.set_config('statement_timeout', %s, false)", (_TIMEOUT,))
        for write in writes:
            try:
                # Rendered with quoted names and literals; it has no parameters.
                cursor = application.execute(sql.SQL(write.statement))
                found.append(Sent(rows=cursor.rowcount))
            except psycopg.Error as error:
                found.append(Sent(sqlstate=error.sqlstate or "none"))
    return tuple(found)


#: A row as SQL expressions, by column.
_Row = Mapping[str, str]


class _Subject:
    """One table that is written, with the rows that it has."""

    def __init__(
        self,
        catalog: Catalog,
        table: Table,
        rows: Rows,
        loose: Loose,
        numbers: Iterator[int],
        seed: str,
    ) -> None:
        self.table = table
        self._numbers = numbers
        self._columns = [column for column in table.columns if not is_ours(column.name)]
        self._written = [column for column in self._columns if not column.generated]
        self._strict = [each.name for each in self._columns if (table.name, each.name) not in loose]
        self._key = table.key if set(table.key) <= set(self._strict) else ()
        self._rows = _rows(table, rows, loose, seed)
        pointed_at = [
            _pointed_at(reference.table, reference.constraint, catalog, rows)
            for reference in catalog.referencing(table.name)
        ]
        self._parents = [row for row in self._rows if any(_is_in(row, each) for each in pointed_at)]
        spare = [row for row in self._rows if row not in self._parents]
        #: Half of those that nobody points at, so that the other half stays as it is.
        self._spare = spare[: (len(spare) + 1) // 2]
        self._others = spare[len(self._spare) :] or self._rows
        #: One is not changed before it is deleted, so that nothing is deleted that a write has made of note.
        self._changed = self._spare[1:] or self._spare
        self._foreign = {
            key: _first(key, catalog, rows, loose, seed)
            for key in table.foreign_keys
            if key.referenced is not None
        }
        self._fresh: list[_Row] = []

    def inserts(self, *, is_full: bool) -> Iterator[Write]:
        """New rows; where the plan touches the table, doubled, bare and orphaned ones, too."""
        model = (self._others or self._spare or [self._made_up()])[0]
        new = self._renewed(model)
        self._fresh.append(new)
        yield self._insert("insert a row like another", new)
        if not is_full:
            return
        made_up = self._made_up()
        yield self._insert("insert a made-up row", made_up)
        needed = {c.name for c in self._written if c.not_null and not c.default and not c.identity}
        yield self._insert(
            "insert what is required alone", {c: v for c, v in self._made_up().items() if c in needed}
        )
        if self._rows:
            yield self._insert("insert a row again", model)
        if self.table.key:
            keyed = self._made_up()
            again = {**model, **{column: keyed[column] for column in self.table.key if column in keyed}}
            yield self._insert("insert a row again with another key", again)
        for key in self._foreign:
            nowhere = self._made_up()
            orphan = {**self._renewed(model), **{column: nowhere[column] for column in key.columns}}
            yield self._insert(f"insert a row that points nowhere by {key.name}", orphan)

    def inserts_by_position(self) -> Iterator[Write]:
        """A new row without naming the columns."""
        row = self._renewed((self._others or [self._made_up()])[0])
        values = ", ".join(row.get(column.name, "DEFAULT") for column in self._columns)
        yield self._write(
            "insert a row by position",
            f"INSERT INTO {self.table.name.sql}{self._overriding} VALUES ({values})",
        )

    def updates(self) -> Iterator[Write]:
        """Each column, of another row each time; heirs, whose rows may have the same keys, have their own."""
        for place, column in enumerate(self._columns[:_MOST_COLUMNS]):
            kind = column.type.split("(", maxsplit=1)[0]
            values = {
                "another row's value": (self._others or [{}])[place % max(len(self._others), 1)].get(
                    column.name
                ),
                "a made-up value": sample.made_up_value(column, next(self._numbers)),
                "NULL": "NULL",
                "a value far out": _FAR_OUT.get(kind),
                "a low value": _LOW.get(kind),
            }
            for number, (what, value) in enumerate(values.items()):
                rows = self._targets(place * len(values) + number, is_one=number < 2)
                if value is not None and rows:
                    yield self._write(
                        f"set {column.name} to {what}",
                        f"UPDATE {self.table.own_rows} AS t SET {quoted(column.name)} = {value}"
                        f" WHERE {' OR '.join(f'({self._is(row)})' for row in rows)}",
                    )

    def deletes(self) -> Iterator[Write]:
        """A row that nobody points at, then one that somebody does."""
        for title, rows in (("delete a row", self._spare[:1]), ("delete a parent", self._parents[:1])):
            for row in rows:
                yield self._write(title, f"DELETE FROM {self.table.own_rows} AS t WHERE {self._is(row)}")

    def _targets(self, number: int, *, is_one: bool) -> list[_Row]:
        """Rows to be changed, whose loss nobody else would notice.

        What may spoil a row is done to two: one may go with its parent before anybody looks.
        """
        rows = self._changed or (self._fresh if self._key else [])
        places = dict.fromkeys(each % len(rows) for each in (number, number + len(rows) // 2)) if rows else ()
        return [rows[place] for place in places][: 1 if is_one else 2]

    def _is(self, row: _Row) -> str:
        if self._key:
            return " AND ".join(f"t.{quoted(column)} = {row[column]}" for column in self._key)
        # Not every type has an equality; all have a text.
        pairs = [(column, row[column]) for column in self._strict if column in row]
        return (
            " AND ".join(
                f"t.{quoted(column)}::text IS NOT DISTINCT FROM ({value})::text" for column, value in pairs
            )
            or "false"
        )

    def _insert(self, title: str, row: _Row) -> Write:
        names = [column.name for column in self._written if column.name in row]
        into = f"INSERT INTO {self.table.name.sql}"
        if not names:
            return self._write(title, f"{into} DEFAULT VALUES")
        columns, values = ", ".join(map(quoted, names)), ", ".join(row[name] for name in names)
        return self._write(title, f"{into} ({columns}){self._overriding} VALUES ({values})")

    @property
    def _overriding(self) -> str:
        return " OVERRIDING SYSTEM VALUE" if any(column.identity for column in self._columns) else ""

    def _write(self, title: str, statement: str) -> Write:
        return Write(title=f"{title} ({self.table.name})", table=self.table.name, statement=statement)

    def _made_up(self) -> _Row:
        number = next(self._numbers)
        row = {column.name: sample.made_up_value(column, number) for column in self._written}
        return {**row, **{c: v for found in self._foreign.values() for c, v in found.items() if c in row}}

    def _renewed(self, row: _Row) -> _Row:
        """The row with new values where they have to be unique."""
        unique = [each.columns for each in self.table.constraints if each.kind in "pu"]
        unique += [each.key_columns for each in self.table.indexes if each.is_unique]
        pointing = {column for key in self.table.foreign_keys for column in key.columns}
        made_up, new = self._made_up(), dict(row)
        for columns in unique:
            own = [column for column in columns if column in made_up and column not in pointing]
            for column in own[:1]:
                new[column] = made_up[column]
        return new


def _rows(table: Table, rows: Rows, loose: Loose, seed: str) -> list[_Row]:
    """The table's rows as expressions, in an order that only the seed knows; without what is chance."""
    held = rows.get(table.name)
    if held is None:
        return []
    types = {each.name: each.type for each in table.columns if (table.name, each.name) not in loose}
    found = [
        {
            column: _expression(value, types[column])
            for column, value in zip(held.columns, row, strict=True)
            if column in types
        }
        for row in held.rows
    ]
    return sorted(found, key=lambda row: hashlib.sha256(f"{seed}{row}".encode()).digest())


def _expression(value: str | None, kind: str) -> str:
    return "NULL" if value is None else f"{literal(value).strip()}::{kind}"


@dataclass(frozen=True, kw_only=True)
class _Pointed:
    """Values of referenced columns to which some row points."""

    columns: tuple[str, ...]
    values: frozenset[tuple[str | None, ...]]


def _pointed_at(child: RelationName, key: Constraint, catalog: Catalog, rows: Rows) -> _Pointed:
    held, parent = rows.get(child), key.referenced
    if held is None or parent is None or not set(key.columns) <= set(held.columns):
        return _Pointed(columns=key.referenced_columns, values=frozenset())
    types = {column.name: column.type for column in catalog.tables[parent].columns}
    columns = [held.values(column) for column in key.columns]
    return _Pointed(
        columns=key.referenced_columns,
        values=frozenset(
            tuple(
                _expression(value, types[theirs])
                for value, theirs in zip(values, key.referenced_columns, strict=True)
            )
            for values in zip(*columns, strict=True)
        ),
    )


def _is_in(row: _Row, pointed: _Pointed) -> bool:
    return tuple(row.get(column) for column in pointed.columns) in pointed.values


def _first(key: Constraint, catalog: Catalog, rows: Rows, loose: Loose, seed: str) -> _Row:
    """Values for a foreign key's columns that some row of the parent has; none where it is empty."""
    parent = catalog.tables.get(key.referenced) if key.referenced else None
    found = [] if parent is None else _rows(parent, rows, loose, seed)
    if not found or not set(key.referenced_columns) <= set(found[-1]):
        return {}
    return {own: found[-1][theirs] for own, theirs in zip(key.columns, key.referenced_columns, strict=True)}
