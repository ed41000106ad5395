"""Schema and rows of a copy at one moment, how two moments differ, and where its sequences stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from workorders.migration.catalog import diff, fingerprint, order
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.connections import Shadow
from workorders.migration.names import OUR_SCHEMA, RelationName
from workorders.migration.rehearsal import rows
from workorders.migration.rehearsal.rows import Rows
from workorders.migration.rehearsal.shadow import Copy
from workorders.migration.steps import MovedColumn

#: Columns whose values are a matter of chance.
Loose = frozenset[tuple[RelationName, str]]

_SEQUENCES = """
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND n.nspname <> %s
"""


@dataclass(frozen=True, kw_only=True)
class State:
    """Schema and rows of a copy at one moment, without what is ours."""

    schema: Fingerprint
    rows: Rows


@dataclass(frozen=True, kw_only=True)
class Counter:
    """How far a sequence has counted."""

    last_value: int
    is_called: bool


@dataclass(frozen=True, kw_only=True)
class Chance:
    """What differs from one run of the same SQL to the next, and so proves nothing."""

    #: Compared by their counts of NULLs and of distinct values.
    columns: Loose = frozenset()
    #: Of objects, as key and attribute: a view may have the time of its making in its definition.
    attributes: frozenset[tuple[str, str]] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.columns or self.attributes)

    @classmethod
    def between(cls, first: State, second: State, before: Rows) -> Chance:
        """Two states that the same SQL left, and the rows that the second run met."""
        found = diff.compare(first.schema, second.schema)
        return cls(
            columns=rows.nondeterministic(first.rows, second.rows, before),
            attributes=frozenset((each.key, each.attribute) for each in found if each.attribute),
        )


_NO_CHANCE = Chance()


def read(copy: Copy) -> State:
    """As it is now."""
    with psycopg.connect(copy.superuser, autocommit=True) as connection:
        shadow = Shadow(connection)
        return State(schema=fingerprint.read(shadow), rows=rows.read(shadow))


def read_rows(copy: Copy) -> Rows:
    """Its rows alone."""
    with psycopg.connect(copy.superuser, autocommit=True) as connection:
        return rows.read(Shadow(connection))


def moved(state: State, moves: Iterable[MovedColumn]) -> State:
    """A state with the columns where the plan says that they had to move."""
    schema = state.schema
    for move in moves:
        schema = order.with_column_behind(schema, move.table, move.column, move.behind)
    return replace(state, schema=schema)


def differences(wanted: State, found: State, chance: Chance = _NO_CHANCE) -> tuple[str, ...]:
    """In words, names and counts only; leaves out what is a matter of chance."""
    schema = tuple(
        str(each)
        for each in diff.compare(wanted.schema, found.schema)
        if (each.key, each.attribute) not in chance.attributes
    )
    return (*schema, *rows.differences(wanted.rows, found.rows, chance.columns))


def counters(copy: Copy) -> Mapping[RelationName, Counter]:
    """How far each sequence has counted: no part of a state, for no way back lowers one."""
    with psycopg.connect(copy.superuser, autocommit=True) as shadow:
        found = {}
        for schema, name in shadow.execute(_SEQUENCES, (OUR_SCHEMA,)).fetchall():
            query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
            row = shadow.execute(query).fetchone()
            assert row is not None
            found[RelationName(schema=schema, name=name)] = Counter(last_value=row[0], is_called=row[1])
        return found


def set_counters(copy: Copy, wanted: Mapping[RelationName, Counter]) -> None:
    """Sets sequences back, so that the same plan draws the same numbers from them again."""
    with psycopg.connect(copy.superuser, autocommit=True) as shadow:
        for name, counter in wanted.items():
            shadow.execute(
                "SELECT pg_catalog.setval(pg_catalog.to_regclass(%s), %s, %s)",
                (name.sql, counter.last_value, counter.is_called),
            )
