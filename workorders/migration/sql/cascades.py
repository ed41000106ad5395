"""What CASCADE takes along with a column, table or sequence, each as if dropped by its name before."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from workorders.migration.catalog.attached import Dependant
from workorders.migration.catalog.snapshot import Table
from workorders.migration.names import RelationName
from workorders.migration.operations import counting, family
from workorders.migration.operations.defaults import ChangeDefault
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.drop_column import DropColumn
from workorders.migration.operations.drop_foreign_key import DropForeignKey
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.operations.restoration import ROWLESS, is_described, taken
from workorders.migration.sql import publications, rowless
from workorders.migration.sql.objects import Objects
from workorders.migration.sql.reading import Reading

#: Kinds of what needs a column that are no objects without rows.
_APART = ("foreign key", "generated column", "default", "publication")


def of_column(reading: Reading, table: Table, column: str) -> Iterator[Operation]:
    """The operations that take it; nothing where nothing needs the column.

    Raises Refused, naming it, for what could not be brought back one by one.
    """
    needing = [each for each in table.dependants if each.column == column]
    rowless_ones = [each for each in needing if each.kind not in _APART]
    if rowless_ones:
        dropped = _dropped(reading, table, column, rowless_ones)
        yield dropped
        reading = replace(reading, catalog=dropped.after(reading.catalog))
    for unpublished in publications.without_table(reading, table.name, column):
        yield unpublished
        reading = replace(reading, catalog=unpublished.after(reading.catalog))
    for reference in reading.catalog.referencing(table.name):
        key = reference.constraint
        own = reference.table == table.name and column in key.columns
        if column in key.referenced_columns and not own:
            operation = DropForeignKey(place=reading.place, table=reference.table, constraint=key)
            yield operation
            reading = replace(reading, catalog=operation.after(reading.catalog))
    itself = table.column(column)
    for sequence in () if itself is None else itself.owned_sequences:
        for default in _defaults(reading, sequence):
            if (default.table, default.column) != (table.name, column):
                yield default
                reading = replace(reading, catalog=default.after(reading.catalog))
    made_of_it = [each for each in needing if each.kind == "generated column"]
    for generated in table.columns:
        if any(_is_of(each, generated.name) for each in made_of_it):
            yield DropColumn(place=reading.place, table=table.name, column=generated.name)


def of_tables(reading: Reading, names: Collection[RelationName]) -> Iterator[ChangeDefault]:
    """The defaults of others that count with sequences of tables which go."""
    below = (table for name in names for table in family.below(reading.catalog, name))
    going = {name: reading.catalog.tables[name] for name in names} | {table.name: table for table in below}
    for table in going.values():
        for column in table.columns:
            for sequence in column.owned_sequences:
                yield from (each for each in _defaults(reading, sequence) if each.table not in going)


def of_sequence(reading: Reading, sequence: RelationName) -> Iterator[Operation]:
    """The operations that take what draws from a sequence. Raises Refused, as the server, without CASCADE."""
    for operation in _defaults(reading, sequence) if reading.is_cascading else ():
        yield operation
        reading = replace(reading, catalog=operation.after(reading.catalog))
    archive = counting.without_former(reading.catalog, reading.archive, sequence)
    entry = Objects(archive, ()).find(("SEQUENCE",), (sequence.schema, sequence.name))
    needing = [
        each
        for each in archive.objects
        if entry is not None and entry.number in each.needs and each.kind not in _OF_SEQUENCES
    ]
    counted = (each.table.name for each in counting.columns(reading.catalog, sequence))
    by_default = {(name.schema, name.name) for name in counted}
    for each in needing:
        if not reading.is_cascading and (each.schema, each.tag) in by_default:
            continue  # its column is named by who drops the sequence
        if not reading.is_cascading or each.kind not in ROWLESS:
            raise refused(
                reading.place,
                f"{each} needs the sequence {sequence}, "
                + (
                    "and what it holds could not come back."
                    if reading.is_cascading
                    else "so the server would refuse to drop it."
                ),
                f"Change or drop the {each.kind.lower()} first, in a statement before this one.",
            )
    if needing and reading.is_cascading:
        gone = taken(archive, needing, reading.place, reading.catalog.role)
        yield rowless.dropped(reading, sequence, gone, "; ".join(gone.dropping))


#: What pg_dump says of a sequence and of defaults that draw from it.
_OF_SEQUENCES = ("DEFAULT", "SEQUENCE OWNED BY", "SEQUENCE SET")


def _defaults(reading: Reading, sequence: RelationName) -> Iterator[ChangeDefault]:
    for each in counting.columns(reading.catalog, sequence):
        name = each.table.name
        yield ChangeDefault(place=reading.place, table=name, column=each.column.name, default=None)


def _dropped(reading: Reading, table: Table, column: str, needing: list[Dependant]) -> ChangeDefinition:
    """Views, triggers, policies, rules and functions that name the column."""
    found = []
    for each in needing:
        entry = next((e for e in reading.archive.objects if is_described(e, each)), None)
        if entry is None or entry.kind not in ROWLESS:
            raise refused(
                reading.place,
                f"CASCADE on {table.name}.{column} would take along {each.description}.",
                f"Drop the {each.kind} by its name, in a statement before this one.",
            )
        found.append(entry)
    gone = taken(reading.archive, found, reading.place, reading.catalog.role)
    return rowless.dropped(reading, table.name, gone, "; ".join(gone.dropping))


def _is_of(dependant: Dependant, column: str) -> bool:
    """Whether it is this generated column of the same table."""
    return dependant.is_own and dependant.description.startswith(f"column {column} of ")
