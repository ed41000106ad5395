"""Tables that inherit (INHERITS): what CREATE TABLE makes of their parents, INHERIT, NO INHERIT and ONLY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Table
from workorders.migration.operations.alter_inherit import AlterInherit
from workorders.migration.operations.inheritance import inherited, inherits
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.sql import tree, types
from workorders.migration.sql.relations import found
from workorders.migration.sql.tree import Node

_KINDS = {"v": "a view", "m": "a materialised view"}

#: What ALTER TABLE ONLY does to the table alone: no heir has it, or has to have it alike.
_ALONE = frozenset(
    {
        *("AT_ColumnDefault", "AT_AddInherit", "AT_DropInherit", "AT_AlterConstraint", "AT_AddIdentity"),
        *("AT_SetIdentity", "AT_DropIdentity", "AT_ReplicaIdentity", "AT_ChangeOwner", "AT_ClusterOn"),
        *("AT_DropCluster", "AT_SetRelOptions", "AT_ResetRelOptions", "AT_SetCompression", "AT_SetOptions"),
        *("AT_ResetOptions", "AT_EnableRowSecurity", "AT_DisableRowSecurity", "AT_ForceRowSecurity"),
        *("AT_NoForceRowSecurity", "AT_EnableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig"),
        *("AT_DisableTrig", "AT_EnableTrigUser", "AT_DisableTrigUser"),
    }
)

#: What the server refuses for a table with heirs.
_NEVER_ALONE = frozenset({"AT_AddColumn", "AT_AlterColumnType"})


def parents_of(node: Node, place: Place, catalog: Catalog) -> tuple[Table, ...]:
    """The tables that a CREATE TABLE inherits from. Raises Refused as the server would."""
    parents: list[Table] = []
    for item in node.get("inhRelations", []):
        parent = found(catalog, item["RangeVar"], place)
        _must_be_inheritable(parent, place)
        if parent in parents:
            raise refused(
                place, f"{parent.name} is named twice after INHERITS.", "Name it once.", sqlstate="42P07"
            )
        parents.append(parent)
    return tuple(parents)


def _must_be_inheritable(parent: Table, place: Place) -> None:
    if parent.kind in _KINDS:
        raise refused(
            place,
            f"{parent.name} is {_KINDS[parent.kind]}: no table can inherit from it.",
            "Check its name.",
            sqlstate="42809",
        )
    if parent.kind == "p" or parent.is_partition:
        what = "partitioned" if parent.kind == "p" else "a partition"
        raise refused(
            place,
            f"{parent.name} is {what}: no table can inherit from it.",
            f"Write PARTITION OF {parent.name.sql} FOR VALUES ... instead.",
            sqlstate="42809",
        )
    if parent.kind == "f":
        raise refused(
            place,
            f"{parent.name} is a foreign table: what inherits from those is not modelled.",
            "Run the statement by hand.",
        )
    if parent.is_unread:
        raise refused(
            place,
            f"{parent.name} is made by the script from a query, so its columns are not known yet.",
            "Write its columns out with CREATE TABLE.",
        )


def merged(table: Table, parents: Iterable[Table], place: Place, catalog: Catalog) -> Table:
    """A new table as its definition says, with what its parents give it before that."""
    columns: dict[str, Column] = {}
    checks: dict[str, Constraint] = {}
    doubtful: set[str] = set()
    for parent in parents:
        for column in parent.columns:
            was = columns.get(column.name)
            columns[column.name] = (
                inherited(column) if was is None else _both(table, parent, was, column, place, catalog)
            )
            if was is not None and column.default is not None and column.default != was.default:
                doubtful.add(column.name)
        for check in filter(inherits, parent.constraints):
            # NOT VALID or not in the parent: of a table without rows it is valid.
            given_by = replace(check, is_inherited=True, is_local=False, is_validated=True, comment=None)
            known = checks.setdefault(check.name, given_by)
            _must_be_alike(table, known, check, place)
    for own in table.columns:
        given = columns.get(own.name)
        if given is not None:
            _must_be_of_type(table, given, own, place, catalog)
            own = replace(
                own,
                is_inherited=True,
                type=given.type,
                collation=given.collation,
                not_null=own.not_null or given.not_null,
                not_null_name=own.not_null_name or given.not_null_name,
                is_not_null_local=own.not_null,
                default=given.default if own.default is None else own.default,
                generated=own.generated or given.generated,
                generation=own.generation or given.generation,
            )
            doubtful -= {own.name} if own.default != given.default else set()
        columns[own.name] = own
    if doubtful:
        raise refused(
            place,
            f"{table.name} inherits different defaults for {min(doubtful)}, and has none of its own.",
            "Give the column a DEFAULT in the new table.",
            sqlstate="42611",
        )
    own_constraints = []
    for each in table.constraints:
        given_check = checks.pop(each.name, None) if each.kind == "c" else None
        if given_check is not None:
            _must_be_alike(table, given_check, each, place)
            each = replace(each, is_inherited=True)
        own_constraints.append(each)
    names = tuple(parent.name for parent in parents)
    return replace(
        table,
        columns=tuple(columns.values()),
        constraints=(*own_constraints, *checks.values()),
        parents=names,
    )


def _both(table: Table, parent: Table, was: Column, column: Column, place: Place, catalog: Catalog) -> Column:
    """A column that two parents give."""
    _must_be_of_type(table, was, column, place, catalog)
    for what, one, other in (
        ("STORAGE", was.storage, column.storage),
        ("COMPRESSION", was.compression, column.compression),
    ):
        if one != other and (what == "STORAGE" or (one and other)):
            raise refused(
                place,
                f"{parent.name} has {column.name} with another {what} than the parents before it.",
                "Make them alike first.",
                sqlstate="42804",
            )
    if was.generated != column.generated or was.generation != column.generation:
        raise refused(
            place,
            f"{column.name} is generated otherwise in {parent.name} than in the parents before it.",
            "Give the column an expression of its own, or make the parents alike.",
            sqlstate="42611",
        )
    return replace(
        was,
        not_null=was.not_null or column.not_null,
        not_null_name=was.not_null_name or column.not_null_name,
        compression=was.compression or column.compression,
        default=was.default or column.default,
    )


def _must_be_of_type(table: Table, given: Column, own: Column, place: Place, catalog: Catalog) -> None:
    one, other = (
        types.written(tree.expression(f"NULL::{each.type}")["TypeCast"]["typeName"], place, catalog)
        for each in (given, own)
    )
    if one != other:
        raise refused(
            place,
            f"{table.name} would inherit {own.name} as {given.type} and as {own.type}.",
            "Make the types alike.",
            sqlstate="42804",
        )


def _must_be_alike(table: Table, one: Constraint, other: Constraint, place: Place) -> None:
    written = (each.definition.replace("(", "").replace(")", "").replace(" ", "") for each in (one, other))
    if len(set(written)) > 1 and not one.is_local and not other.is_local:
        raise refused(
            place,
            f"{table.name} would inherit {one.name} twice, with different conditions.",
            "Rename one of the two first.",
            sqlstate="42710",
        )


def altered(command: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """ALTER TABLE ... INHERIT and NO INHERIT."""
    parent = found(catalog, command["def"]["RangeVar"], place)
    is_added = command["subtype"] == "AT_AddInherit"
    if table.is_partition or table.kind != "r":
        what = "a partition" if table.is_partition else "no ordinary table"
        raise refused(
            place, f"{table.name} is {what} and inherits nothing else.", "Take it out.", sqlstate="42809"
        )
    if is_added:
        _must_be_inheritable(parent, place)
    elif parent.name not in table.parents:
        raise refused(
            place, f"{table.name} does not inherit from {parent.name}.", "Check the names.", sqlstate="42P01"
        )
    yield AlterInherit(place=place, table=table.name, parent=parent.name, is_added=is_added)


def must_be_alone(command: Node, table: Table, place: Place) -> None:
    """Raises Refused for what ALTER TABLE ONLY would let a table have otherwise than its heirs."""
    subtype = command["subtype"]
    constraint = command.get("def", {}).get("Constraint", {})
    named = table.constraint(command.get("name", ""))
    is_own = subtype in _ALONE
    if subtype == "AT_AddConstraint":
        is_check = constraint["contype"] == "CONSTR_CHECK"
        is_own = (
            bool(constraint.get("is_no_inherit")) if is_check else constraint["contype"] != "CONSTR_NOTNULL"
        )
    elif subtype in ("AT_DropConstraint", "AT_ValidateConstraint"):
        is_own = named is not None and not inherits(named)
    if is_own:
        return
    fails = subtype in _NEVER_ALONE or (
        subtype == "AT_AddConstraint" and constraint.get("contype") == "CONSTR_CHECK"
    )
    words = subtype.removeprefix("AT_")
    raise refused(
        place,
        f"ALTER TABLE ONLY {table.name}: {words} would leave {table.children[0]}, which inherits from it,"
        + (
            " otherwise than its parent: the server refuses it."
            if fails
            else " what it has as its own for good: the way back could not tell what had been inherited."
        ),
        "Leave ONLY out.",
        sqlstate="42P16" if fails else "",
    )
