"""All of a copy that a migration may change, as one value, and how two such values differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import psycopg

from workorders.migration.catalog import diff, fingerprint, order
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.connections import Shadow
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import rows
from workorders.migration.rehearsal.rows import Rows


@dataclass(frozen=True, kw_only=True)
class State:
    """Schema and rows of a copy at one moment."""

    schema: Fingerprint
    rows: Rows


def read(superuser: str) -> State:
    """The copy as it is now. Needs a superuser's URL, whom no row security hides a row from."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        shadow = Shadow(connection)
        return State(schema=fingerprint.read(shadow), rows=rows.read(shadow))


def moved(wanted: State, plan: Plan) -> State:
    """What the plain SQL leaves, with the columns where the plan says that they had to move."""
    schema = wanted.schema
    for move in plan.moved:
        schema = order.with_column_behind(schema, move.table, move.column, move.behind)
    return replace(wanted, schema=schema)


def differences(
    wanted: State, found: State, loose: frozenset[tuple[RelationName, str]] = frozenset()
) -> tuple[str, ...]:
    """How the second differs from the first, in words; `loose` columns are compared by their counts."""
    schema = tuple(str(difference) for difference in diff.compare(wanted.schema, found.schema))
    return (*schema, *rows.differences(wanted.rows, found.rows, loose))
