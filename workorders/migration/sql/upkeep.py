"""ANALYZE, VACUUM and REINDEX into one operation for each table or index."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName
from workorders.migration.operations.family import alterable
from workorders.migration.operations.maintenance import Maintain
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.sql import tree
from workorders.migration.sql.relations import found, qualified
from workorders.migration.sql.tree import Node

#: Node types that are read here.
KINDS = frozenset({"VacuumStmt", "ReindexStmt"})

#: Options of VACUUM and ANALYZE that keep nobody waiting.
_GENTLE = frozenset({"verbose", "analyze", "skip_locked", "index_cleanup", "truncate", "parallel"})


def operations(kind: str, node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """What the statement does, table by table; nothing for what the script itself made."""
    if kind == "ReindexStmt":
        yield from _reindexed(node, place, catalog)
        return
    options = {item["DefElem"]["defname"] for item in node.get("options", [])}
    if options - _GENTLE:
        raise refused(
            place,
            f"{min(options - _GENTLE).upper()} is not modelled: nobody may be kept from the table.",
            "Run it by hand, outside of a migration.",
        )
    named = [item["VacuumRelation"] for item in node.get("rels", [])]
    if not named:
        raise refused(
            place, "It names no table, so it would read the whole database.", "Name the tables that need it."
        )
    for item in named:
        table = found(catalog, item["relation"], place)
        if table.is_new and node.get("is_vacuumcmd"):
            continue
        about = {**item, "relation": qualified(item["relation"], table.name)}
        yield Maintain(
            place=place,
            table=table.name,
            sql=tree.statement_text(kind, {**node, "rels": [{"VacuumRelation": about}]}),
            is_transactional=not node.get("is_vacuumcmd"),
        )


def _reindexed(node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    match node["kind"]:
        case "REINDEX_OBJECT_TABLE":
            table = found(catalog, node["relation"], place)
            names = [index.name for index in table.indexes]
        case "REINDEX_OBJECT_INDEX":
            wanted = node["relation"]["relname"]
            schemas = [node["relation"].get("schemaname")] if node["relation"].get("schemaname") else []
            table = _table_of(wanted, schemas or list(catalog.search_path), place, catalog)
            names = [wanted]
        case _:
            raise refused(place, "REINDEX of more than one table is not modelled.", "Name each table.")
    if table.is_new:
        return
    if table.kind != "m":
        alterable(table, place, "REINDEX")
    for constraint in table.constraints:
        if constraint.kind == "x" and constraint.index in names:
            raise refused(
                place,
                f"{constraint.name} of {table.name} is an exclusion constraint: its index cannot be built"
                " anew while the table is written.",
                "Run REINDEX by hand when nobody writes.",
            )
    for name in names:
        index = RelationName(schema=table.name.schema, name=name)
        yield Maintain(place=place, table=table.name, index=index)


def _table_of(index: str, schemas: list[str], place: Place, catalog: Catalog) -> Table:
    for schema in schemas:
        for table in catalog.tables.values():
            if table.name.schema == schema and any(each.name == index for each in table.indexes):
                return table
    raise refused(place, f"There is no index {index}.", "Check its name and its schema.", sqlstate="42P01")
