"""Constraints that are added to, changed in and dropped from a table, into operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Constraint, Table
from workorders.migration.names import chosen, quoted
from workorders.migration.operations import rebuild
from workorders.migration.operations.add_check import AddCheck
from workorders.migration.operations.alter_constraint import AlterConstraint
from workorders.migration.operations.drop_check import DropCheck
from workorders.migration.operations.drop_foreign_key import DropForeignKey
from workorders.migration.operations.drop_key import DropKey
from workorders.migration.operations.drop_not_null import DropNotNull
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.set_not_null import SetNotNull
from workorders.migration.operations.validate_constraint import ValidateConstraint
from workorders.migration.sql import keys, tree
from workorders.migration.sql.tree import Node, strings

_TAKE_OUT = "Take it out of this script, or run it by hand."


def added(constraint: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of a table constraint. Raises Refused for what is not modelled."""
    match constraint["contype"]:
        case "CONSTR_NOTNULL":
            yield _not_null(constraint, table, place)
        case "CONSTR_CHECK":
            yield _check(constraint, table, place, catalog)
        case "CONSTR_FOREIGN":
            yield keys.foreign_key(constraint, table, place, catalog)
        case "CONSTR_PRIMARY" | "CONSTR_UNIQUE" | "CONSTR_EXCLUSION":
            yield from keys.key(constraint, table, place, catalog)
        case other:
            words = other.removeprefix("CONSTR_").replace("_", " ")
            raise refused(place, f"ADD {words} to {table.name} is not modelled yet.", _TAKE_OUT)


def _not_null(constraint: Node, table: Table, place: Place) -> SetNotNull:
    (column,) = strings(constraint["keys"])
    keys.must_have(table, (column,), place)
    if constraint.get("is_no_inherit"):
        raise refused(place, "NOT NULL with NO INHERIT is not modelled yet.", "Use SET NOT NULL.")
    return SetNotNull(
        place=place,
        table=table.name,
        column=column,
        constraint=constraint.get("conname"),
        is_not_valid=bool(constraint.get("skip_validation")),
    )


def _check(constraint: Node, table: Table, place: Place, catalog: Catalog) -> AddCheck:
    columns = tree.columns_in(constraint["raw_expr"])
    keys.must_have(table, columns, place)
    taken = keys.constraint_names(catalog, table)
    name = constraint.get("conname") or chosen(
        table.name.name, columns[0] if len(columns) == 1 else None, "check", taken
    )
    keys.must_be_free(table, name, place)
    modifiers = " NO INHERIT" if constraint.get("is_no_inherit") else ""
    modifiers += "" if constraint.get("is_enforced") else " NOT ENFORCED"
    return AddCheck(
        place=place,
        table=table.name,
        constraint=name,
        condition=tree.expression_text(constraint["raw_expr"]),
        columns=columns,
        modifiers=modifiers,
        is_not_valid=bool(constraint.get("skip_validation")),
    )


def dropped(command: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of one AT_DropConstraint: with CASCADE, what points at it goes first."""
    name = command["name"]
    not_null = next((column for column in table.columns if column.not_null_name == name), None)
    if not_null is not None:
        yield DropNotNull(place=place, table=table.name, column=not_null.name)
        return
    constraint = table.constraint(name)
    if constraint is None and command.get("missing_ok"):
        return
    constraint = _found(name, table, place)
    match constraint.kind:
        case "c":
            yield DropCheck(place=place, table=table.name, constraint=constraint)
        case "f":
            yield DropForeignKey(place=place, table=table.name, constraint=constraint)
        case "p" | "u" | "x":
            if command.get("behavior") == "DROP_CASCADE":
                for reference in catalog.referencing(table.name):
                    if reference.constraint.referenced_index == constraint.index:
                        yield DropForeignKey(
                            place=place, table=reference.table, constraint=reference.constraint
                        )
            yield DropKey(place=place, table=table.name, constraint=constraint)
        case _:
            raise refused(
                place,
                f"{name} is a constraint trigger, which DROP CONSTRAINT cannot drop.",
                f"DROP TRIGGER {quoted(name)} ON {table.name.sql} instead.",
            )


def validated(command: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:  # noqa: ARG001
    """The operations of one AT_ValidateConstraint; none where it is valid already."""
    name = command["name"]
    for column in table.columns:
        if column.not_null_name == name:
            if not column.is_not_null_validated:
                definition = f"NOT NULL {quoted(column.name)}"
                demanded = Constraint(name=name, kind="n", definition=definition, columns=(column.name,))
                yield ValidateConstraint(place=place, table=table.name, constraint=demanded)
            return
    constraint = _found(name, table, place)
    if constraint.kind not in "cf" or not constraint.is_enforced:
        raise refused(
            place,
            f"{name} of {table.name} cannot be validated: "
            + ("it is NOT ENFORCED." if constraint.kind in "cf" else "it is no CHECK and no foreign key."),
            "Take it out of this script.",
        )
    if not constraint.is_validated:
        yield ValidateConstraint(place=place, table=table.name, constraint=constraint)


def altered(command: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of one AT_AlterConstraint: of a foreign key, when and whether it is checked."""
    change = command["def"]["ATAlterConstraint"]
    was = _found(change["conname"], table, place)
    if was.kind != "f":
        raise refused(
            place,
            f"{was.name} of {table.name} is no foreign key: the server alters no other constraint.",
            "Drop it and add it as it is to be.",
        )
    if change.get("alterInheritability") or (change.get("alterEnforceability") and catalog.major < 18):
        what = "INHERIT" if change.get("alterInheritability") else "ENFORCED"
        raise refused(place, f"{what} of {was.name} cannot be altered here.", _TAKE_OUT)
    becomes = was
    if change.get("alterEnforceability"):
        is_enforced = bool(change.get("is_enforced"))
        becomes = replace(
            becomes,
            is_enforced=is_enforced,
            is_validated=was.is_validated if is_enforced == was.is_enforced else is_enforced,
        )
    if change.get("alterDeferrability"):
        bare = was.definition.removesuffix(rebuild.deferral(was))
        becomes = replace(
            becomes,
            is_deferrable=bool(change.get("deferrable")),
            is_initially_deferred=bool(change.get("initdeferred")),
        )
        becomes = replace(becomes, definition=bare + rebuild.deferral(becomes))
    yield AlterConstraint(place=place, table=table.name, was=was, becomes=becomes)


def turn_of(constraint: Node) -> int:
    """When the server adds a constraint among those of one statement: keys, then foreign keys, last."""
    match constraint["contype"]:
        case "CONSTR_PRIMARY" | "CONSTR_UNIQUE" | "CONSTR_EXCLUSION":
            return 1 if constraint.get("indexname") else 2
        case "CONSTR_FOREIGN":
            return 3
        case _:
            return 0


def _found(name: str, table: Table, place: Place) -> Constraint:
    constraint = table.constraint(name)
    if constraint is None:
        raise refused(place, f"{table.name} has no constraint {name}.", "Check its name.", sqlstate="42704")
    return constraint
