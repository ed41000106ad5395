"""Rows that break a NOT VALID constraint: nobody can write them any more, and a backfill neither."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Table
from workorders.migration.names import quoted
from workorders.migration.operations import rebuild
from workorders.migration.operations.operation import Check

#: Operations that write every row where the plain form checks none of the old constraints.
BACKFILLED = frozenset({"twin_column", "fill_column"})


def checks(table: Table) -> Iterator[Check]:
    """One for each such constraint."""
    broken = {
        each.name: rebuild.violating(table.name, each, {})
        for each in table.constraints
        if each.kind == "c" and not each.is_validated and each.is_enforced
    }
    for column in table.columns:
        if column.not_null and not column.is_not_null_validated:
            broken[column.not_null_name or column.name] = f"t.{quoted(column.name)} IS NULL"
    for name, condition in broken.items():
        yield Check(
            query=f"SELECT count(*) FROM {table.own_rows} t WHERE {condition}",
            reason=f"{{count}} rows of {table.name} break {name}, which is NOT VALID: the backfill could not"
            " write them.",
            next_move=f"Mend the rows first: SELECT * FROM {table.own_rows} t WHERE {condition}; finds them.",
        )
