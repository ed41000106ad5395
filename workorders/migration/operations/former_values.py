"""Old values that a new one may have come from, where no cast leads back to the old type.

`USING CASE n WHEN 0 THEN 'Active' WHEN 1 THEN 'Hot' END::sort` says by itself which number a label
was made of: each value of the old type is tried, and the one that USING makes the new value of is
its way back. Tried are both values of a boolean, the labels of an enum, and for a whole number those
that USING itself names.
"""

from __future__ import annotations

from workorders.migration.catalog.snapshot import Catalog, Column
from workorders.migration.catalog.types import bare
from workorders.migration.names import literal
from workorders.migration.operations import labels
from workorders.migration.operations.alter_type import TypeChange
from workorders.migration.sql import tree

_WHOLE = frozenset({"smallint", "integer", "bigint"})


def tried(catalog: Catalog, column: Column, change: TypeChange) -> tuple[str, ...]:
    """Constants of the old type, as SQL; none where a cast goes back, or nothing can be told."""
    is_told = change.using is not None and catalog.types.has_equality(change.written)
    if not is_told or catalog.types.can_be_cast(change.written, column.type):
        return ()
    written = bare(column.type)
    if written == "boolean":
        return ("true", "false")
    if written in _WHOLE:
        return tuple(f"{number}::{written}" for number in _numbers(change.using or ""))
    enum = None if column.type.endswith("[]") else labels.enum_of(catalog, column.type)
    if enum is None or keeps_label(catalog, column, change):
        return ()
    return tuple(map(literal, catalog.enums[enum]))


def are_labels(values: tuple[str, ...]) -> bool:
    """Whether what is tried are labels, of which USING may make nothing."""
    return all(each.endswith("'") for each in values)


def keeps_label(catalog: Catalog, column: Column, change: TypeChange) -> bool:
    """Whether both types are enums, and USING is the column with nothing but casts around it."""
    former, latter = (labels.enum_of(catalog, name) for name in (column.type, change.written))
    return (
        None not in (former, latter)
        and former != latter
        and column.type.endswith("[]") == change.written.endswith("[]")
        and change.using is not None
        and _is_cast(tree.expression(change.using), column.name)
    )


def _is_cast(node: tree.Node, column: str) -> bool:
    match node:
        case {"TypeCast": {"arg": inner}}:
            return _is_cast(inner, column)
        case {"ColumnRef": {"fields": fields}}:
            return tree.columns_in({"ColumnRef": {"fields": fields}}) == (column,)
    return False


def _numbers(using: str) -> tuple[int, ...]:
    """The whole numbers that an expression names, each once, in order."""
    constants = (
        found.node["ival"].get("ival", 0)
        for found in tree.walk({"Expr": tree.expression(using)})
        if found.kind == "A_Const" and "ival" in found.node
    )
    return tuple(dict.fromkeys(constants))
