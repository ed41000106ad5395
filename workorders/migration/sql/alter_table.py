"""One command of an ALTER TABLE into operations."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import RelationName
from workorders.migration.operations.add_column import AddColumn
from workorders.migration.operations.defaults import ChangeDefault
from workorders.migration.operations.drop_column import DropColumn
from workorders.migration.operations.drop_not_null import DropNotNull
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.set_not_null import SetNotNull
from workorders.migration.sql import constraints, tree
from workorders.migration.sql.tree import Node, strings

_SERIAL = {"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"}
_TAKE_OUT = "Take it out of this script, or run it by hand."


def operations(command: Node, name: RelationName, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of one AlterTableCmd. Raises Refused for what is not modelled."""
    table = catalog.tables[name]
    column = command.get("name", "")
    subtype = command["subtype"]
    if subtype in ("AT_SetNotNull", "AT_DropNotNull", "AT_ColumnDefault"):
        _must_have(table, column, place)
    if command.get("behavior") == "DROP_CASCADE" and subtype == "AT_DropColumn":
        raise refused(
            place,
            f"CASCADE on {name} would take along whatever hangs on it, which is not modelled yet.",
            "Drop what hangs on it by name, in statements of their own.",
        )
    match subtype:
        case "AT_AddColumn":
            yield add_column(command, table, place)
        case "AT_DropColumn":
            if not command.get("missing_ok"):
                _must_have(table, column, place)
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
        case _:
            words = subtype.removeprefix("AT_")
            raise refused(place, f"ALTER TABLE {name}: {words} is not modelled yet.", _TAKE_OUT)


def column_of(definition: Node, place: Place, table: RelationName) -> Column:
    """The column that a ColumnDef with only NULL, NOT NULL and DEFAULT describes."""
    name = definition["colname"]
    type_name = definition["typeName"]
    if strings(type_name.get("names", []))[-1:] and strings(type_name["names"])[-1] in _SERIAL:
        raise refused(
            place,
            f"{table}.{name} is a serial: every row would be written anew, and an online form is not"
            " modelled yet.",
            _TAKE_OUT,
        )
    not_null, default = False, None
    for item in definition.get("constraints", []):
        constraint = item["Constraint"]
        match constraint["contype"]:
            case "CONSTR_NOTNULL" if not constraint.get("conname"):
                not_null = True
            case "CONSTR_NULL":
                not_null = False
            case "CONSTR_DEFAULT":
                default = tree.expression_text(constraint["raw_expr"])
            case other:
                words = other.removeprefix("CONSTR_").replace("_", " ")
                raise refused(
                    place,
                    f"{table}.{name} comes with {words}, which is not modelled yet for a new column.",
                    "Add the column first, and the rest in a statement of its own.",
                )
    return Column(name=name, type=tree.type_text(type_name), not_null=not_null, default=default)


def add_column(command: Node, table: Table, place: Place) -> AddColumn:
    """ADD COLUMN, its definition written back as SQL."""
    definition = command["def"]["ColumnDef"]
    column = column_of(definition, place, table.name)
    if_not_exists = bool(command.get("missing_ok"))
    if table.column(column.name) is not None and not if_not_exists:
        raise refused(
            place, f"{table.name} already has a column {column.name}.", "Write ADD COLUMN IF NOT EXISTS."
        )
    wrapper: Node = {
        "relation": {"relname": "t", "inh": True, "relpersistence": "p"},
        "cmds": [{"AlterTableCmd": {**command, "missing_ok": False}}],
        "objtype": "OBJECT_TABLE",
    }
    text = tree.statement_text("AlterTableStmt", wrapper)
    return AddColumn(
        place=place,
        table=table.name,
        column=column,
        definition=text.removeprefix("ALTER TABLE t ADD COLUMN").strip(),
        default_calls=tree.functions_in(definition.get("constraints", [])),
        if_not_exists=if_not_exists,
    )


def _must_have(table: Table, column: str, place: Place) -> None:
    if table.column(column) is None:
        raise refused(place, f"{table.name} has no column {column}.", "Check its name.")
