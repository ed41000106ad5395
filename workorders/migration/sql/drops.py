"""DROP of what holds something: indexes, tables and sequences, into operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName
from workorders.migration.operations.drop_foreign_key import DropForeignKey
from workorders.migration.operations.drop_index import DropIndex
from workorders.migration.operations.drop_sequence import DropSequence
from workorders.migration.operations.drop_table import DropTable
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.sql import cascades, sequences
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import Node, RawStatement, strings

_KINDS = {"v": "a view", "m": "a materialised view", "f": "a foreign table"}


def operations(raw: RawStatement, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of a DROP; none where IF EXISTS finds nothing."""
    node = raw.node
    match node.get("removeType"):
        case "OBJECT_INDEX":
            yield from _indexes(node, place, catalog)
        case "OBJECT_TABLE":
            yield from _tables(Reading(raw=raw, place=place, catalog=catalog))
        case "OBJECT_SEQUENCE":
            yield from _sequences(Reading(raw=raw, place=place, catalog=catalog))
        case other:
            kind = str(other).removeprefix("OBJECT_").replace("_", " ")
            raise refused(
                place,
                f"DROP {kind} is not modelled yet: no rollback can be promised for it.",
                "Take it out of this script, or run it by hand.",
            )


def _indexes(node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    for names in _named(node):
        schemas = names[:-1] or catalog.search_path
        match = next(
            (
                DropIndex(place=place, table=table.name, index=index)
                for schema in schemas
                for table in catalog.tables.values()
                if table.name.schema == schema
                for index in table.indexes
                if index.name == names[-1]
            ),
            None,
        )
        if match is not None:
            yield from _keys_on(match, node, catalog)
            yield match
        elif not node.get("missing_ok"):
            raise refused(
                place,
                f"There is no index {'.'.join(names)}.",
                "Check its name, or write IF EXISTS.",
                sqlstate="42704",
            )


def _keys_on(index: DropIndex, node: Node, catalog: Catalog) -> Iterator[Operation]:
    """The foreign keys that stand on a unique index. Raises Refused, as the server would, without CASCADE."""
    for reference in catalog.referencing(index.table):
        if reference.constraint.referenced_index != index.index.name:
            continue
        if node.get("behavior") != "DROP_CASCADE":
            raise refused(
                index.place,
                f"The foreign key {reference.constraint.name} of {reference.table} needs the index"
                f" {index.index.name}, so the server would refuse to drop it.",
                "Drop the foreign key first, or write CASCADE.",
            )
        yield DropForeignKey(place=index.place, table=reference.table, constraint=reference.constraint)


def _tables(reading: Reading) -> Iterator[Operation]:
    node, place, catalog = reading.node, reading.place, reading.catalog
    found: list[RelationName] = []
    for names in _named(node):
        table = catalog.find(names[-2] if len(names) > 1 else None, names[-1])
        if table is None:
            if not node.get("missing_ok"):
                raise refused(
                    place,
                    f"There is no table {'.'.join(names)}.",
                    "Check its name, or write IF EXISTS.",
                    sqlstate="42P01",
                )
        elif table.kind in _KINDS:
            raise refused(
                place,
                f"{table.name} is {_KINDS[table.kind]}: DROP TABLE is not for those.",
                "Write DROP VIEW or DROP MATERIALIZED VIEW; a foreign table is dropped by hand.",
            )
        else:
            found.append(table.name)
    if found:
        tables = tuple(dict.fromkeys(found))
        yield from cascades.of_tables(reading, tables) if reading.is_cascading else ()
        yield DropTable(place=place, tables=tables, cascades=reading.is_cascading)


def _sequences(reading: Reading) -> Iterator[Operation]:
    node, place = reading.node, reading.place
    for names in _named(node):
        entry = reading.objects.find(("SEQUENCE",), names)
        sequence = sequences.owned_sequence(reading.catalog, names)
        if entry is not None:
            sequence = RelationName(schema=entry.schema, name=entry.tag)
        if sequence is not None:
            for operation in cascades.of_sequence(reading, sequence):
                yield operation
                reading = replace(reading, catalog=operation.after(reading.catalog))
            dropped = DropSequence(place=place, table=sequence)
            yield dropped
            reading = replace(reading, catalog=dropped.after(reading.catalog))
        elif not node.get("missing_ok"):
            raise refused(
                place,
                f"There is no sequence {'.'.join(names)}.",
                "Check its name, or write IF EXISTS.",
                sqlstate="42P01",
            )


def _named(node: Node) -> Iterator[tuple[str, ...]]:
    for item in node["objects"]:
        yield strings(item["List"]["items"])
