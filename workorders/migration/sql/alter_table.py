"""One command of an ALTER TABLE into operations."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName
from workorders.migration.operations.defaults import ChangeDefault
from workorders.migration.operations.drop_column import DropColumn
from workorders.migration.operations.drop_not_null import DropNotNull
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.set_not_null import SetNotNull
from workorders.migration.sql import (
    cascades,
    columns,
    constraints,
    definition_kinds,
    heirs,
    identities,
    partitions,
    table_settings,
    tree,
    types,
)
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import Node

_TAKE_OUT = "Take it out of this script, or run it by hand."


def operations(command: Node, name: RelationName, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of one AlterTableCmd. Raises Refused for what is not modelled."""
    table = catalog.tables[name]
    partitions.must_be_its_own(command, table, place)
    column = command.get("name", "")
    subtype = command["subtype"]
    needs_column = (
        "AT_SetNotNull",
        "AT_DropNotNull",
        "AT_ColumnDefault",
        "AT_AddIdentity",
        "AT_AlterColumnType",
    )
    if subtype in needs_column:
        _must_have(table, column, place)
    match subtype:
        case "AT_AddColumn":
            yield from columns.added(command, table, place, catalog)
        case "AT_AddIdentity":
            yield columns.identity_added(command, table, place)
        case "AT_DropColumn":
            if not command.get("missing_ok"):
                _must_have(table, column, place)
            if command.get("behavior") == "DROP_CASCADE" and table.column(column) is not None:
                for taken in cascades.of_column(_reading(command, name, place, catalog), table, column):
                    yield taken
                    catalog = taken.after(catalog)
            yield DropColumn(
                place=place, table=name, column=column, if_exists=bool(command.get("missing_ok"))
            )
        case "AT_SetNotNull":
            yield SetNotNull(place=place, table=name, column=column)
        case "AT_DropNotNull":
            yield DropNotNull(place=place, table=name, column=column)
        case "AT_ColumnDefault":
            default = command.get("def")
            yield ChangeDefault(
                place=place,
                table=name,
                column=column,
                default=None if default is None else tree.expression_text(default),
            )
        case "AT_AddConstraint":
            yield from constraints.added(command["def"]["Constraint"], table, place, catalog)
        case "AT_DropConstraint":
            yield from constraints.dropped(command, table, place, catalog)
        case "AT_ValidateConstraint":
            yield from constraints.validated(command, table, place, catalog)
        case "AT_AlterConstraint":
            yield from constraints.altered(command, table, place, catalog)
        case "AT_AttachPartition":
            yield from partitions.attached(command, table, place, catalog)
        case "AT_DetachPartition":
            yield from partitions.detached(command, table, place, catalog)
        case "AT_DetachPartitionFinalize":
            raise refused(
                place,
                f"{name}: FINALIZE ends a DETACH CONCURRENTLY that was stopped, and has no way back.",
                "Run it by hand, then this script without it: a DETACH here is never left half done.",
            )
        case "AT_AddInherit" | "AT_DropInherit":
            yield from heirs.altered(command, table, place, catalog)
        case "AT_AlterColumnType":
            yield types.operation(command, table, place, catalog)
        case _ if subtype in identities.SUBTYPES:
            yield from identities.operations(_reading(command, name, place, catalog), table, command)
        case _ if subtype in definition_kinds.TABLE_SETTINGS:
            yield from table_settings.operations(_reading(command, name, place, catalog))
        case _:
            words = subtype.removeprefix("AT_")
            raise refused(place, f"ALTER TABLE {name}: {words} is not modelled yet.", _TAKE_OUT)


def _reading(command: Node, name: RelationName, place: Place, catalog: Catalog) -> Reading:
    """The command as a statement of its own, among others that need no archive."""
    relation = {"schemaname": name.schema, "relname": name.name, "inh": True, "relpersistence": "p"}
    node: Node = {"relation": relation, "cmds": [{"AlterTableCmd": command}], "objtype": "OBJECT_TABLE"}
    text = tree.statement_text("AlterTableStmt", node)
    raw = tree.RawStatement(kind="AlterTableStmt", node=node, text=text, line=place.line)
    return Reading(raw=raw, place=place, catalog=catalog)


def _must_have(table: Table, column: str, place: Place) -> None:
    if table.column(column) is None:
        raise refused(place, f"{table.name} has no column {column}.", "Check its name.", sqlstate="42703")
