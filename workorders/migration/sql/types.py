"""ALTER COLUMN ... TYPE: what it says, and which of the two ways it goes."""

from __future__ import annotations

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.catalog.types import plain
from workorders.migration.names import quoted
from workorders.migration.operations import change_labels
from workorders.migration.operations.alter_type import AlterType, TypeChange, is_free
from workorders.migration.operations.change_labels import ChangeLabels
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.twin_column import TwinColumn
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, strings

#: How the server writes a type's modifiers where they do not stand at the end.
_INFIX = ("timestamp", "time")


def operation(command: Node, table: Table, place: Place, catalog: Catalog) -> Operation:
    """One AT_AlterColumnType, in place where that is free both ways, else by way of a twin."""
    name = command["name"]
    column = table.column(name)
    assert column is not None
    definition = command["def"]["ColumnDef"]
    change = TypeChange(
        written=written(definition["typeName"], place, catalog),
        sql=tree.type_text(definition["typeName"]),
        collation=_collation(definition),
        using=_using(definition, name),
    )
    if change_labels.is_meant(table, column, change, catalog):
        return ChangeLabels(place=place, table=table.name, column=name, change=change)
    if table.is_new or is_free(table, column, change, catalog):
        return AlterType(place=place, table=table.name, column=name, change=change)
    return TwinColumn(place=place, table=table.name, column=name, change=change)


def written(type_name: Node, place: Place, catalog: Catalog) -> str:
    """As the catalog would write the type."""
    names = strings(type_name["names"])
    found = catalog.types.written(names, catalog.search_path)
    if found is None:
        raise refused(
            place,
            f"There is no type {'.'.join(names)} for a column.",
            "Check its name and its schema.",
            sqlstate="42704",
        )
    modifiers = [
        item.get("A_Const", {}).get("ival", {}).get("ival", 0) for item in type_name.get("typmods", [])
    ]
    if modifiers and names[-1] == "interval":
        found = tree.type_text(type_name)
    elif modifiers and names[-1] == "numeric" and len(modifiers) == 1:
        found = f"numeric({modifiers[0]},0)"
    elif modifiers:
        text = f"({','.join(map(str, modifiers))})"
        head, _, tail = found.partition(" ")
        found = f"{head}{text} {tail}" if head in _INFIX else f"{found}{text}"
    return found + ("[]" if type_name.get("arrayBounds") else "")


def _collation(definition: Node) -> str | None:
    clause = definition.get("collClause")
    if clause is None:
        return None
    names = strings(clause["collname"])
    # An unqualified one is the system's, unless the script's own search path says otherwise.
    schema = names[-2] if len(names) > 1 else "pg_catalog"
    return f"{plain(schema)}.{plain(names[-1])}"


def _using(definition: Node, column: str) -> str | None:
    """The expression after USING; None where it is the bare column."""
    node = definition.get("raw_default")
    if node is None:
        return None
    text = tree.expression_text(node)
    return None if text in (column, quoted(column)) else text
