"""Ranges of a table's primary key: how a change of all rows is cut into batches."""

from __future__ import annotations

from collections.abc import Callable

from workorders.migration.catalog.snapshot import Table
from workorders.migration.names import quoted
from workorders.migration.steps import Batches


def batches(table: Table, alias: str, within: Callable[[str], str]) -> Batches:
    """The batches of a table that has a primary key.

    `within` gives the statement for the rows that fulfil a condition, in which the table is
    called `alias` (quoted where it needs to be).
    """
    types = {column.name: column.type for column in table.columns}
    names = [quoted(column) for column in table.key]

    def bound(side: str) -> str:
        values = (
            f"pg_catalog.current_setting('lockkeeper.{side}_{position}')::{types[column]}"
            for position, column in enumerate(table.key, start=1)
        )
        return f"ROW({', '.join(values)})"

    key = f"ROW({', '.join(names)})"
    key_here = f"ROW({', '.join(f'{alias}.{name}' for name in names)})"
    texts = ", ".join(f"{name}::text" for name in names)
    # Qualified: a bare name would mean the text beside SELECT, and 10 comes before 9 there.
    order = ", ".join(f"t.{name}" for name in names)
    return Batches(
        first=f"SELECT {texts} FROM {table.own_rows} t ORDER BY {order} LIMIT 1",
        next=f"SELECT {texts} FROM {table.own_rows} t WHERE {key} >= {bound('low')} ORDER BY {order}"
        " OFFSET pg_catalog.current_setting('lockkeeper.batch_rows')::bigint LIMIT 1",
        between=(within(f"{key_here} >= {bound('low')} AND {key_here} < {bound('high')}"),),
        rest=(within(f"{key_here} >= {bound('low')}"),),
        key_columns=len(table.key),
    )
