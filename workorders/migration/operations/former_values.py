"""Old values that a new one may have come from, where no cast leads back to the old type.

`USING CASE n WHEN 0 THEN 'Active' WHEN 1 THEN 'Hot' END::sort` says by itself which number a label
was made of: each value of the old type is tried, and the one that USING makes the new value of is
its way back. Tried are both values of a boolean, and for a whole number those that USING itself names.
"""

from __future__ import annotations

from workorders.migration.catalog.snapshot import Catalog, Column
from workorders.migration.catalog.types import bare
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
    return ()


def _numbers(using: str) -> tuple[int, ...]:
    """The whole numbers that an expression names, each once, in order."""
    constants = (
        found.node["ival"].get("ival", 0)
        for found in tree.walk({"Expr": tree.expression(using)})
        if found.kind == "A_Const" and "ival" in found.node
    )
    return tuple(dict.fromkeys(constants))
