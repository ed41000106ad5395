"""Partitioned tables and partitions: CREATE TABLE, ATTACH and DETACH, and what may be said of a partition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Index, Table
from workorders.migration.names import RelationName, chosen, index_columns_part
from workorders.migration.operations import inheritance
from workorders.migration.operations.attach_index import AttachIndex
from workorders.migration.operations.attach_partition import AttachPartition
from workorders.migration.operations.create_partition import CreatePartition
from workorders.migration.operations.detach_partition import DetachPartition
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.sql import index_forms, partition_bounds, tree
from workorders.migration.sql.relations import found
from workorders.migration.sql.tree import Node

#: What a table made alone takes from its parent; indexes, keys and triggers come when it is attached.
_LIKE = "INCLUDING COMPRESSION INCLUDING CONSTRAINTS INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING STORAGE"

#: What a partition has as its parent has it, whatever ALTER TABLE says.
_OF_PARENT = {
    "AT_AddColumn": "which columns it has",
    "AT_DropColumn": "which columns it has",
    "AT_AlterColumnType": "of which types its columns are",
    "AT_AddIdentity": "its identity",
}


def key_text(spec: Node) -> str:
    """A PARTITION BY's tree as the catalog writes it, e.g. `RANGE (k)`."""
    relation = {"relname": "t", "inh": True, "relpersistence": "p"}
    text = tree.statement_text(
        "CreateStmt", {"relation": relation, "partspec": spec, "oncommit": "ONCOMMIT_NOOP"}
    )
    return text.split(" PARTITION BY ", maxsplit=1)[1]


def created(node: Node, name: RelationName, place: Place, catalog: Catalog) -> CreatePartition:
    """CREATE TABLE ... PARTITION OF, with names as the server will give them."""
    (item,) = node["inhRelations"]
    parent = found(catalog, item["RangeVar"], place)
    if parent.kind != "p":
        raise refused(place, f"{parent.name} is not partitioned.", "Check its name.")
    bound = node["partbound"]
    text = {key: value for key, value in node.items() if key != "if_not_exists"}
    text["relation"] = {**node["relation"], "schemaname": name.schema}
    text["inhRelations"] = [{"RangeVar": {**item["RangeVar"], "schemaname": parent.name.schema}}]
    alone = ""
    if not node.get("tableElts"):
        (like,) = tree.statements(f"CREATE TABLE t (LIKE {parent.name.sql} {_LIKE})")
        left = {key: value for key, value in text.items() if key not in ("inhRelations", "partbound")}
        alone = tree.statement_text("CreateStmt", {**left, "tableElts": like.node["tableElts"]})
    return CreatePartition(
        place=place,
        created=_child(node, parent, name, catalog),
        parent=parent.name,
        bound=partition_bounds.text(bound),
        sql=tree.statement_text("CreateStmt", text),
        alone=alone,
        condition=partition_bounds.condition(parent, bound),
    )


def _child(node: Node, parent: Table, name: RelationName, catalog: Catalog) -> Table:
    constraints: list[Constraint] = []
    for each in parent.constraints:
        own = each.name
        if each.kind in "pux":
            # Of a table that the script creates, constraints are known before their indexes.
            taken = catalog.relation_names.get(name.schema, frozenset())
            part = None if each.kind == "p" else index_columns_part(each.columns)
            own = chosen(name.name, part, {"p": "pkey", "u": "key"}.get(each.kind, "excl"), taken)
        index = own if each.kind in "pux" else None
        constraints.append(replace(each, name=own, index=index, is_inherited=True, comment=None))
    spec = node.get("partspec")
    return Table(
        name=name,
        kind="r" if spec is None else "p",
        partition_key=None if spec is None else key_text(spec),
        columns=tuple(_column(each) for each in parent.columns),
        constraints=tuple(constraints),
        indexes=_indexes(parent, name, catalog),
        is_new=True,
    )


def _column(column: Column) -> Column:
    return replace(column, is_inherited=True, owned_sequences=(), comment=None, grants=())


def _indexes(parent: Table, child: RelationName, catalog: Catalog) -> tuple[Index, ...]:
    made: list[Index] = []
    taken = catalog.relation_names.get(child.schema, frozenset())
    for index in parent.indexes:
        key = None if index.constraint is None else parent.constraint(index.constraint)
        own = index_forms.name_in(child, index, key, taken)
        taken |= {own}
        made.append(
            replace(
                index,
                name=own,
                definition=index_forms.definition_for(index.definition, child, own),
                constraint=None if key is None else own,
                is_inherited=True,
                attached_to=RelationName(schema=parent.name.schema, name=index.name),
                comment=None,
            )
        )
    return tuple(made)


def attached(command: Node, parent: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """ALTER TABLE ... ATTACH PARTITION."""
    child = found(catalog, command["def"]["PartitionCmd"]["name"], place)
    if parent.kind != "p":
        raise refused(place, f"{parent.name} is not partitioned.", "Check its name.")
    bound = command["def"]["PartitionCmd"]["bound"]
    yield AttachPartition(
        place=place,
        table=parent.name,
        child=child.name,
        bound=partition_bounds.text(bound),
        condition=partition_bounds.condition(parent, bound),
        is_proof=partition_bounds.is_proof(parent, bound),
    )


def index_attached(node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """ALTER INDEX ... ATTACH PARTITION."""
    (item,) = node["cmds"]
    command = item["AlterTableCmd"]
    if command["subtype"] != "AT_AttachPartition":
        words = command["subtype"].removeprefix("AT_")
        raise refused(place, f"ALTER INDEX: {words} is not modelled yet.", "Take it out of this script.")
    table, index = _index_of(node["relation"], place, catalog)
    child, part = _index_of(command["def"]["PartitionCmd"]["name"], place, catalog)
    whole = RelationName(schema=table.name.schema, name=index.name)
    if part.attached_to == whole:
        return
    if table.name not in child.parents or part.attached_to is not None:
        raise refused(
            place,
            f"{part.name} is no index of a partition of {table.name}, or is attached already.",
            "Check the names.",
        )
    yield AttachIndex(place=place, table=table.name, index=index, child=child.name, part=part)


def _index_of(relation: Node, place: Place, catalog: Catalog) -> tuple[Table, Index]:
    for schema in (relation["schemaname"],) if relation.get("schemaname") else catalog.search_path:
        for table in catalog.tables.values():
            for index in table.indexes:
                if (table.name.schema, index.name) == (schema, relation["relname"]):
                    return table, index
    raise refused(place, f"There is no index {relation['relname']}.", "Check its name and its schema.")


def detached(command: Node, parent: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """ALTER TABLE ... DETACH PARTITION."""
    wanted = command["def"]["PartitionCmd"]
    child = found(catalog, wanted["name"], place)
    if parent.name not in child.parents:
        raise refused(place, f"{child.name} is no partition of {parent.name}.", "Check the names.")
    yield DetachPartition(
        place=place, table=parent.name, child=child.name, is_concurrent=bool(wanted.get("concurrent"))
    )


def must_be_its_own(command: Node, table: Table, place: Place) -> None:
    """Raises Refused for what the server lets only a partition's, or an heir's, parent say."""
    name, subtype = command.get("name", ""), command["subtype"]
    inheritance.must_be_its_own(table, name, subtype, place)
    if not table.is_partition:
        return
    what = _OF_PARENT.get(subtype)
    constraint = table.constraint(name)
    if subtype == "AT_DropConstraint" and constraint is not None and constraint.is_inherited:
        what = f"its constraint {constraint.name}"
    column = table.column(name)
    if what is None or (column is not None and not column.is_inherited):
        return
    raise refused(
        place,
        f"{table.name} is a partition: {what} is for its parent to say, and the server would refuse it here.",
        f"Write it for {', '.join(map(str, table.parents))}.",
    )


def must_mean_all(node: Node, table: Table, place: Place) -> None:
    """Raises Refused for ALTER TABLE ONLY of a table that has partitions."""
    if table.kind == "p" and table.children and not node["relation"].get("inh"):
        raise refused(
            place,
            f"ALTER TABLE ONLY {table.name} would leave its partitions otherwise than their parent.",
            "Leave ONLY out.",
        )
