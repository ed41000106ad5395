"""RENAME and SET SCHEMA of tables, columns, constraints and indexes, into operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import NAME_BYTES, OUR_SCHEMA, RelationName, clipped, is_ours
from workorders.migration.operations import inheritance
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.rename_column import RenameColumn
from workorders.migration.operations.rename_constraint import RenameConstraint
from workorders.migration.operations.rename_index import RenameIndex
from workorders.migration.operations.rename_table import RenameTable
from workorders.migration.sql import relations
from workorders.migration.sql.tree import Node, RawStatement

#: What RENAME may be of, here.
_PARTS = {"OBJECT_TABLE", "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_INDEX"}

#: As the archive's kinds of objects are called in the grammar.
_VIEWS = {"v": "OBJECT_VIEW", "m": "OBJECT_MATVIEW"}


def is_modelled(raw: RawStatement) -> bool:
    """Whether it is a RENAME or SET SCHEMA that is read here."""
    if raw.kind == "RenameStmt":
        kind = raw.node.get("renameType")
        return kind in _PARTS and (kind != "OBJECT_COLUMN" or raw.node.get("relationType") == "OBJECT_TABLE")
    return raw.kind == "AlterObjectSchemaStmt" and raw.node.get("objectType") == "OBJECT_TABLE"


def of_another_kind(raw: RawStatement, catalog: Catalog) -> RawStatement | None:
    """The same statement as one on a view or sequence, where ALTER TABLE names such; else None."""
    is_setting = raw.kind == "AlterTableStmt" and raw.node.get("objtype") == "OBJECT_TABLE"
    if not is_setting and not is_modelled(raw):
        return None
    relation = raw.node["relation"]
    found = catalog.find(relation.get("schemaname"), relation["relname"])
    if found is None and _is_sequence(relation, catalog):
        key = _SAYS_WHAT.get(raw.kind, "")
        is_table = raw.node.get(key) == "OBJECT_TABLE"
        return replace(raw, node={**raw.node, key: "OBJECT_SEQUENCE"}) if is_table else None
    if raw.kind != "RenameStmt" or found is None or found.kind not in _VIEWS:
        return None
    key = "relationType" if raw.node["renameType"] == "OBJECT_COLUMN" else "renameType"
    return replace(raw, node={**raw.node, key: _VIEWS[found.kind]})


#: Where a statement has what it is about.
_SAYS_WHAT = {"AlterTableStmt": "objtype", "RenameStmt": "renameType"}


def _is_sequence(relation: Node, catalog: Catalog) -> bool:
    """Of the relations that are no tables, indexes belong to one."""
    schema, name = relation.get("schemaname"), relation["relname"]
    indexes = {
        RelationName(schema=table.name.schema, name=index.name)
        for table in catalog.tables.values()
        for index in table.indexes
    }
    return any(
        name in catalog.relation_names.get(each, frozenset())
        and RelationName(schema=each, name=name) not in indexes
        for each in ([schema] if schema else catalog.search_path)
    )


def operations(raw: RawStatement, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The statement's operation; none where IF EXISTS finds nothing. Raises Refused."""
    node = raw.node
    relation = node["relation"]
    kind = node.get("renameType", "OBJECT_TABLE")
    table = catalog.find(relation.get("schemaname"), relation["relname"])
    if kind in ("OBJECT_TABLE", "OBJECT_INDEX") and "newname" in node and table is None:
        yield from _index(node, place, catalog)
        return
    if table is None and node.get("missing_ok"):
        return
    table = relations.found(catalog, relation, place)
    if table.kind in _VIEWS:
        raise refused(place, f"{table.name} is a view.", "Write ALTER VIEW instead.")
    match kind:
        case "OBJECT_COLUMN":
            yield _column(node, table, place)
        case "OBJECT_TABCONSTRAINT":
            yield _constraint(node, table, place)
        case _:
            schema = node.get("newschema", table.name.schema)
            becomes = RelationName(
                schema=schema, name=_new(node, place) if "newname" in node else table.name.name
            )
            if becomes.schema == OUR_SCHEMA:
                raise refused(place, f"{becomes} would be Lockkeeper's own.", "Choose another schema.")
            # SET SCHEMA to where it is does nothing; a renaming to itself fails as the server says.
            if becomes != table.name or "newname" in node:
                yield RenameTable(place=place, table=table.name, becomes=becomes)


def _new(node: Node, place: Place) -> str:
    """The new name, cut as the server cuts it."""
    name = clipped(node["newname"], NAME_BYTES)
    if is_ours(name):
        raise refused(place, f"{name} would be Lockkeeper's own.", "Choose another name.")
    return name


def _column(node: Node, table: Table, place: Place) -> RenameColumn:
    column = table.column(node["subname"])
    if column is None:
        raise refused(
            place, f"{table.name} has no column {node['subname']}.", "Check its name.", sqlstate="42703"
        )
    inheritance.must_be_its_own(table, column.name, "RENAME COLUMN", place)
    _must_mean_heirs(node, table, place)
    return RenameColumn(place=place, table=table.name, column=column.name, becomes=_new(node, place))


def _must_mean_heirs(node: Node, table: Table, place: Place) -> None:
    if table.has_heirs and not node["relation"].get("inh"):
        raise refused(
            place,
            f"{table.children[0]} inherits from {table.name}: the server renames in both alone.",
            "Leave ONLY out.",
            sqlstate="42P16",
        )


def _constraint(node: Node, table: Table, place: Place) -> RenameConstraint:
    name = node["subname"]
    if name not in table.constraint_names:
        raise refused(place, f"{table.name} has no constraint {name}.", "Check its name.", sqlstate="42704")
    found = table.constraint(name)
    inheritance.must_be_its_own(table, name, "RENAME CONSTRAINT", place)
    if found is None:
        inheritance.must_not_inherit(table, place, "RENAME CONSTRAINT of a NOT NULL")
    elif inheritance.inherits(found):
        _must_mean_heirs(node, table, place)
    return RenameConstraint(
        place=place,
        table=table.name,
        constraint=name,
        becomes=_new(node, place),
        has_index=found is not None and found.index is not None,
        is_alone=found is None or not inheritance.inherits(found),
    )


def _index(node: Node, place: Place, catalog: Catalog) -> Iterator[RenameIndex]:
    schema, name = node["relation"].get("schemaname"), node["relation"]["relname"]
    for candidate in (schema,) if schema else catalog.search_path:
        for table in catalog.tables.values():
            for index in table.indexes:
                if (table.name.schema, index.name) == (candidate, name):
                    yield RenameIndex(
                        place=place,
                        table=table.name,
                        index=name,
                        becomes=_new(node, place),
                        constraint=index.constraint,
                    )
                    return
    if not node.get("missing_ok"):
        where = f"schema {schema}" if schema else f"the search path ({', '.join(catalog.search_path)})"
        raise refused(
            place, f"There is no table or index {name} in {where}.", "Check its name.", sqlstate="42P01"
        )
