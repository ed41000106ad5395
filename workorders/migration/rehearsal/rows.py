"""The rows of a whole database as values, and how two databases' rows differ.

Rows are compared as text, which for every type is exact (floats are written in full). A
column whose values differ between two runs of the same SQL is nondeterministic: it is compared
by how many NULLs and how many distinct values it has; one of moments by its NULLs alone, for the
clock stands still within a transaction, and a plan has other transactions than the plain SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from workorders.migration.connections import Shadow
from workorders.migration.names import OUR_PREFIX, OUR_SCHEMA, RelationName

_TABLES = """
SELECT n.nspname::text, c.relname::text, array_agg(a.attname::text ORDER BY a.attname),
    COALESCE(array_agg(a.attname::text) FILTER (WHERE t.typcategory = 'D'), '{}')
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', %s) AND NOT starts_with(a.attname, %s)
  -- What stands in for a parent until a purge is ours; left behind without an heir it would be a fault.
  AND NOT (starts_with(c.relname, %s) AND EXISTS (SELECT FROM pg_catalog.pg_inherits WHERE inhparent = c.oid))
  AND (c.relkind <> 'm' OR c.relispopulated)
GROUP BY 1, 2
"""


@dataclass(frozen=True, kw_only=True)
class TableRows:
    """All rows of one table: each a tuple of text or None, in the order of `columns`."""

    #: In alphabetical order, so that a column's place in the table does not matter here.
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    #: Those of a date or time.
    moments: frozenset[str] = frozenset()

    def outline(self, column: str) -> tuple[int, int]:
        """How many NULLs a column has, and how many distinct values where that is not the clock's."""
        values = self.values(column)
        return values.count(None), 0 if column in self.moments else len(set(values))

    def values(self, column: str) -> tuple[str | None, ...]:
        """One column's values, in no order that means anything."""
        place = self.columns.index(column)
        return tuple(row[place] for row in self.rows)


Rows = Mapping[RelationName, TableRows]


def read(shadow: Shadow) -> Rows:
    """Every row of every table but ours and what we hid. For copies of a sample: small."""
    found: dict[RelationName, TableRows] = {}
    for schema, name, columns, moments in shadow.execute(
        _TABLES, (OUR_SCHEMA, OUR_PREFIX, f"{OUR_PREFIX}parent_")
    ).fetchall():
        table = RelationName(schema=schema, name=name)
        texts = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns)
        query = sql.SQL("SELECT {} FROM ONLY {}").format(texts, sql.Identifier(schema, name))
        rows = tuple(shadow.execute(query).fetchall())
        found[table] = TableRows(columns=tuple(columns), rows=rows, moments=frozenset(moments))
    return found


def nondeterministic(first: Rows, second: Rows, before: Rows) -> frozenset[tuple[RelationName, str]]:
    """The columns whose values differ between two runs of the same SQL on the same rows.

    Also where each value is there in both, but in another row: then the fewest columns that
    explain it, those first that were not there `before`.
    """
    return frozenset(
        (table, column)
        for table, rows in first.items()
        if table in second and rows.columns == second[table].columns
        for column in _loose(rows, second[table], before.get(table))
    )


def _loose(first: TableRows, second: TableRows, before: TableRows | None) -> list[str]:
    loose = [
        column for column in first.columns if Counter(first.values(column)) != Counter(second.values(column))
    ]
    new = () if before is None else tuple(each for each in first.columns if each not in before.columns)
    while True:
        strict = [column for column in first.columns if column not in loose]
        if not strict or _mismatches(first, second, strict) == 0:
            return loose
        rest = {each: [other for other in strict if other != each] for each in strict}
        loose.append(
            min(strict, key=lambda each: (_mismatches(first, second, rest[each]), each not in new, each))
        )


def _mismatches(first: TableRows, second: TableRows, columns: list[str]) -> int:
    return (_chosen(first, columns) - _chosen(second, columns)).total()


def differences(
    wanted: Rows, found: Rows, loose: frozenset[tuple[RelationName, str]] = frozenset()
) -> tuple[str, ...]:
    """How the second differs from the first, in words; counts and names only, no values."""
    said: list[str] = []
    for table in sorted(set(wanted) | set(found)):
        if table not in found or table not in wanted:
            said.append(f"table {table} is {'missing' if table not in found else 'too many'}")
            continue
        want, have = wanted[table], found[table]
        if want.columns != have.columns:
            odd = sorted(set(want.columns) ^ set(have.columns))
            said.append(f"table {table}: the columns {', '.join(odd)} are in one only")
            continue
        strict = [column for column in want.columns if (table, column) not in loose]
        missing = _chosen(want, strict) - _chosen(have, strict)
        if missing or len(want.rows) != len(have.rows):
            said.append(
                f"table {table}: {len(want.rows)} rows were wanted and {len(have.rows)} are there,"
                f" {missing.total()} of them differ"
            )
        said += [
            f"column {table}.{column}: other counts of NULLs or of distinct values"
            for column in want.columns
            if (table, column) in loose and want.outline(column) != have.outline(column)
        ]
    return tuple(said)


def _chosen(table: TableRows, columns: list[str]) -> Counter[tuple[str | None, ...]]:
    places = [table.columns.index(column) for column in columns]
    return Counter(tuple(row[place] for place in places) for row in table.rows)
