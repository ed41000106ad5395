"""Constraints that are added to and dropped from a table, into operations."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import chosen
from workorders.migration.operations.add_check import AddCheck
from workorders.migration.operations.drop_check import DropCheck
from workorders.migration.operations.drop_not_null import DropNotNull
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.set_not_null import SetNotNull
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, strings

_KINDS = {
    "p": "a primary key",
    "u": "a unique constraint",
    "f": "a foreign key",
    "x": "an exclusion constraint",
    "t": "a constraint trigger",
}
_TAKE_OUT = "Take it out of this script, or run it by hand."


def added(constraint: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of a table constraint. Raises Refused for what is not modelled."""
    kind = constraint["contype"]
    if kind == "CONSTR_NOTNULL":
        (column,) = strings(constraint["keys"])
        _must_have(table, column, place)
        if constraint.get("is_no_inherit") or not constraint.get("initially_valid", True):
            raise refused(
                place, "NOT NULL with NO INHERIT or NOT VALID is not modelled yet.", "Use SET NOT NULL."
            )
        yield SetNotNull(place=place, table=table.name, column=column, constraint=constraint.get("conname"))
        return
    if kind != "CONSTR_CHECK":
        words = kind.removeprefix("CONSTR_").replace("_", " ")
        raise refused(place, f"ADD {words} to {table.name} is not modelled yet.", _TAKE_OUT)
    columns = tree.columns_in(constraint["raw_expr"])
    for column in columns:
        _must_have(table, column, place)
    taken = catalog.constraint_names.get(table.name.schema, frozenset())
    name = constraint.get("conname") or chosen(
        table.name.name, columns[0] if len(columns) == 1 else None, "check", taken
    )
    if table.constraint(name) is not None:
        raise refused(place, f"{table.name} already has a constraint {name}.", "Choose another name.")
    modifiers = " NO INHERIT" if constraint.get("is_no_inherit") else ""
    modifiers += "" if constraint.get("is_enforced") else " NOT ENFORCED"
    yield AddCheck(
        place=place,
        table=table.name,
        constraint=name,
        condition=tree.expression_text(constraint["raw_expr"]),
        columns=columns,
        modifiers=modifiers,
        is_not_valid=bool(constraint.get("skip_validation")),
    )


def dropped(command: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of one AT_DropConstraint. Raises Refused for what is not modelled."""
    name = command["name"]
    if command.get("behavior") == "DROP_CASCADE" and catalog.referencing(table.name):
        raise refused(
            place,
            f"CASCADE on {table.name} would take along the foreign keys that point there, which is not"
            " modelled yet.",
            "Drop them by name, in statements of their own.",
        )
    not_null = next((column for column in table.columns if column.not_null_name == name), None)
    if not_null is not None:
        yield DropNotNull(place=place, table=table.name, column=not_null.name)
        return
    constraint = table.constraint(name)
    if constraint is None:
        if command.get("missing_ok"):
            return
        raise refused(place, f"{table.name} has no constraint {name}.", "Check its name.")
    if constraint.kind != "c":
        raise refused(
            place, f"{name} is {_KINDS[constraint.kind]}: dropping one is not modelled yet.", _TAKE_OUT
        )
    yield DropCheck(place=place, table=table.name, constraint=constraint)


def validated(command: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:  # noqa: ARG001
    """The operations of one AT_ValidateConstraint."""
    raise refused(place, f"VALIDATE CONSTRAINT of {table.name} is not modelled yet.", _TAKE_OUT)


def altered(command: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:  # noqa: ARG001
    """The operations of one AT_AlterConstraint."""
    raise refused(place, f"ALTER CONSTRAINT of {table.name} is not modelled yet.", _TAKE_OUT)


def _must_have(table: Table, column: str, place: Place) -> None:
    if table.column(column) is None:
        raise refused(place, f"{table.name} has no column {column}.", "Check its name.")
