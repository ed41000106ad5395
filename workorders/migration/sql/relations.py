"""Which table of a catalog a statement's RangeVar means."""

from __future__ import annotations

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName
from workorders.migration.operations.operation import Place, refused
from workorders.migration.sql.tree import Node


def found(catalog: Catalog, relation: Node, place: Place) -> Table:
    """The table that a RangeVar means. Raises Refused where there is none, or it is ours."""
    schema, name = relation.get("schemaname"), relation["relname"]
    table = catalog.find(schema, name)
    if table is None:
        where = f"schema {schema}" if schema else f"the search path ({', '.join(catalog.search_path)})"
        raise refused(
            place, f"There is no table {name} in {where}.", "Check its name and its schema.", sqlstate="42P01"
        )
    return table


def qualified(relation: Node, name: RelationName) -> Node:
    """A RangeVar with its schema given; an unqualified name keeps standing for itself."""
    return {**relation, "schemaname": name.schema}
