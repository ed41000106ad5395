"""Rows between two files: each table gets a few, closed under foreign keys, and so do new columns.

Made-up rows are inserted as the application would insert them, so that triggers and checks have
their say; what a table does not accept stays out.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import psycopg
from psycopg import sql

from workorders.migration.catalog import read as catalogs
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.connections import Shadow
from workorders.migration.corpus.values import Mood, value
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family
from workorders.migration.operations.row_images import parents_first
from workorders.migration.rehearsal import matviews

#: In each table.
ROWS = 6

_AS_OWNER = """
SELECT pg_catalog.set_config('role', pg_catalog.pg_get_userbyid(datdba)::text, true)
  FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
"""

_WORD = re.compile(r"[\w$]+")


def fill(shadow: Shadow, tables: Collection[RelationName], mood: Mood = Mood.HOSTILE) -> int:
    """Rows for those of the tables that have none, and values for their columns that hold none.

    Gives how many rows it inserted or changed. The same for the same schema.
    """
    catalog = catalogs.read(shadow)
    chosen = (catalog.tables[name] for name in tables if name in catalog.tables)
    written = 0
    for table in parents_first(tuple(table for table in chosen if table.kind in "rp")):
        if table.is_partition:
            continue  # its parent's rows find their way
        written += (
            _insert(shadow, catalog, table, mood)
            if _is_empty(shadow, table)
            else _fill_columns(shadow, catalog, table, mood)
        )
    if written and not matviews.fill(shadow, catalog) and mood is Mood.HOSTILE:
        # No application could have such rows beside such a view.
        written += fill(shadow, empty(shadow, tables), Mood.TAME)
    return written


def empty(shadow: Shadow, tables: Collection[RelationName]) -> frozenset[RelationName]:
    """No row is left in these tables or in those that point at them. Gives all that lost some."""
    if not tables:
        return frozenset()
    catalog = catalogs.read(shadow)
    names = {name for name in tables if name in catalog.tables and catalog.tables[name].kind in "rp"}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        pointing = [reference.table for reference in catalog.referencing(name)]
        for reached in (*pointing, *(heir.name for heir in family.heirs(catalog, name))):
            if reached not in names:
                names.add(reached)
                waiting.append(reached)
    if names:
        all_of_them = sql.SQL(", ").join(sql.Identifier(each.schema, each.name) for each in sorted(names))
        shadow.execute(sql.SQL("TRUNCATE {} CASCADE").format(all_of_them))
    return frozenset(names)


def named_in(text: str, tables: Collection[RelationName]) -> frozenset[RelationName]:
    """Those of the tables whose name occurs in the text: what the script may touch."""
    words = {word.lower() for word in _WORD.findall(text)}
    return frozenset(
        table
        for table in tables
        if (table.name.lower() in words if _WORD.fullmatch(table.name) else table.name in text)
    )


def _is_empty(shadow: Shadow, table: Table) -> bool:
    found = shadow.execute(sql.SQL(f"SELECT EXISTS (SELECT FROM {table.own_rows})")).fetchone()
    return found is None or not found[0]


def _insert(shadow: Shadow, catalog: Catalog, table: Table, mood: Mood) -> int:
    moods = [each for each in Mood if each is mood or mood is Mood.HOSTILE or each is Mood.BARE]
    return sum(
        any(_accepts(shadow, _insertion(catalog, table, number, each)) for each in moods)
        for number in range(1, ROWS + 1)
    )


def _insertion(catalog: Catalog, table: Table, number: int, mood: Mood) -> str:
    values = {
        column.name: _value(catalog, table, column, number, mood)
        for column in table.columns
        if _is_ours_to_give(column) and (mood is not Mood.BARE or _is_asked_for(column))
    }
    if not values:
        return f"INSERT INTO {table.name.sql} DEFAULT VALUES"
    names = ", ".join(quoted(name) for name in values)
    return f"INSERT INTO {table.name.sql} ({names}) VALUES ({', '.join(values.values())})"


def _is_ours_to_give(column: Column) -> bool:
    """Not what the server makes itself; a sequence has to count the rows that are there."""
    return not column.generated and not column.identity and "nextval(" not in (column.default or "")


def _is_asked_for(column: Column) -> bool:
    return (column.not_null or column.is_not_null_domain) and column.default is None


def _value(catalog: Catalog, table: Table, column: Column, number: int, mood: Mood) -> str:
    for key in table.foreign_keys:
        if column.name in key.columns and key.referenced is not None:
            may_be_null = not column.not_null and len(key.columns) == 1
            if may_be_null and (number == 1 or (key.referenced == table.name and number == 2)):
                return "NULL"
            theirs = key.referenced_columns[key.columns.index(column.name)]
            order = ", ".join(quoted(each) for each in key.referenced_columns)
            rows = catalog.tables[key.referenced].own_rows
            # The same place for all columns of a key, and for all keys of a table: what they share agrees.
            return (
                f"(SELECT {quoted(theirs)} FROM {rows} ORDER BY {order} OFFSET {number}"
                f" % greatest((SELECT count(*) FROM {rows}), 1) LIMIT 1)"
            )
    return value(catalog, table, column, number, mood)


def _fill_columns(shadow: Shadow, catalog: Catalog, table: Table, mood: Mood) -> int:
    """Columns that are NULL in every row, as a new one is, get values."""
    able = [column for column in table.columns if _is_ours_to_give(column) and not column.not_null]
    if not able:
        return 0
    counts = ", ".join(f"count({quoted(column.name)})" for column in able)
    filled = shadow.execute(sql.SQL(f"SELECT {counts} FROM {table.own_rows}")).fetchone() or ()
    written = 0
    for column, values in zip(able, filled, strict=True):
        for number in range(1, ROWS + 1) if not values else ():
            made = _value(catalog, table, column, number, mood)
            row = f"(SELECT ctid FROM {table.own_rows} ORDER BY ctid OFFSET {number - 1} LIMIT 1)"
            written += _accepts(
                shadow,
                f"UPDATE {table.own_rows} SET {quoted(column.name)} = {made} WHERE ctid = {row}",
            )
    return written


def _accepts(shadow: Shadow, statement: str) -> bool:
    """Tried as the database's owner, to whom belongs what a trigger makes then, else as the superuser."""
    for before in ((_AS_OWNER,), ()):
        try:
            with shadow.transaction():
                for each in before:
                    shadow.execute(each)
                shadow.execute(sql.SQL(statement))
        except psycopg.errors.InsufficientPrivilege:
            continue
        except psycopg.Error:
            return False
        return True
    return False
