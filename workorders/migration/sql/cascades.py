"""What DROP COLUMN ... CASCADE takes along, each as if it were dropped by its name before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Dependant, Table
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.drop_column import DropColumn
from workorders.migration.operations.drop_foreign_key import DropForeignKey
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.operations.restoration import taken
from workorders.migration.sql import rowless
from workorders.migration.sql.reading import Reading

_VIEWS = {"view": "VIEW", "materialized view": "MATERIALIZED VIEW"}


def of_column(reading: Reading, table: Table, column: str) -> Iterator[Operation]:
    """The operations that take it; nothing where nothing needs the column.

    Raises Refused, naming it, for what could not be brought back one by one.
    """
    needing = [each for each in table.dependants if each.column == column]
    views = [each for each in needing if each.kind in _VIEWS]
    if views:
        dropped = _views(reading, table, views)
        yield dropped
        reading = replace(reading, catalog=dropped.after(reading.catalog))
    for reference in reading.catalog.referencing(table.name):
        key = reference.constraint
        own = reference.table == table.name and column in key.columns
        if column in key.referenced_columns and not own:
            operation = DropForeignKey(place=reading.place, table=reference.table, constraint=key)
            yield operation
            reading = replace(reading, catalog=operation.after(reading.catalog))
    made_of_it = [each for each in needing if each.kind == "generated column"]
    for generated in table.columns:
        if any(_is_of(each, generated.name) for each in made_of_it):
            yield DropColumn(place=reading.place, table=table.name, column=generated.name)
    for each in needing:
        if each.kind not in (*_VIEWS, "foreign key", "generated column"):
            raise refused(
                reading.place,
                f"CASCADE on {table.name}.{column} would take along {each.description}.",
                f"Drop the {each.kind} by its name, in a statement before this one.",
            )


def _views(reading: Reading, table: Table, views: list[Dependant]) -> ChangeDefinition:
    found = [
        reading.must_find((_VIEWS[each.kind],), (each.relation.schema, each.relation.name))
        for each in views
        if each.relation is not None
    ]
    gone = taken(reading.archive, found, reading.place, reading.catalog.role)
    return rowless.dropped(reading, table.name, gone, "; ".join(gone.dropping))


def _is_of(dependant: Dependant, column: str) -> bool:
    """Whether it is this generated column of the same table."""
    return dependant.is_own and dependant.description.startswith(f"column {column} of ")
