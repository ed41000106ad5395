"""A statement's tree into operations, on the catalog as it is when the statement's turn comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.errors import Refused
from workorders.migration.names import RelationName
from workorders.migration.operations.alter_inherit import AlterInherit
from workorders.migration.operations.attach_partition import AttachPartition
from workorders.migration.operations.change_rows import ChangeRows
from workorders.migration.operations.create_partition import CreatePartition
from workorders.migration.operations.create_table import CreateTable
from workorders.migration.operations.defaults import ChangeDefault
from workorders.migration.operations.detach_partition import DetachPartition
from workorders.migration.operations.drop_table import DropTable
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.rename_table import RenameTable
from workorders.migration.operations.set_sequence import SetSequence
from workorders.migration.operations.truncate import Truncate
from workorders.migration.operations.write_rows import WriteRows
from workorders.migration.sql import (
    alter_table,
    blocks,
    called,
    constraints,
    definition_statements,
    drops,
    heirs,
    partitions,
    renamings,
    row_changes,
    unread,
    upkeep,
)
from workorders.migration.sql.creation import create_index, create_table
from workorders.migration.sql.relations import found, qualified
from workorders.migration.sql.script import Statement, StatementClass
from workorders.migration.sql.tree import Node, RawStatement

#: Operations that name more tables than one.
_MENTIONING = (
    AlterInherit
    | AttachPartition
    | CreatePartition
    | CreateTable
    | DetachPartition
    | DropTable
    | RenameTable
    | SetSequence
    | Truncate
    | WriteRows
)


def operations(statement: Statement, position: int, catalog: Catalog) -> Iterator[Operation]:
    """The operations of one statement, in the order in which the server would do them.

    A statement's later operations are made on the catalog as its earlier ones leave it.
    Raises Refused, naming the line, for what is not modelled.
    """
    place = Place(statement=position, line=statement.line)
    node = statement.raw.node
    of_another_kind = renamings.of_another_kind(statement.raw, catalog)
    if statement.statement_class is StatementClass.DEFINITION or of_another_kind is not None:
        yield from definition_statements.operations(of_another_kind or statement.raw, place, catalog)
        return
    match statement.raw.kind:
        case "AlterTableStmt":
            yield from _alter_table(node, place, catalog)
        case "IndexStmt":
            yield from create_index(node, place, catalog)
        case "CreateStmt":
            yield from create_table(node, place, catalog)
        case "CreateTableAsStmt":
            yield from unread.created(node, place, catalog)
        case "DropStmt":
            yield from drops.operations(statement.raw, place, catalog)
        case "RenameStmt" | "AlterObjectSchemaStmt":
            yield from renamings.operations(statement.raw, place, catalog)
        case "UpdateStmt" | "DeleteStmt":
            if row_changes.changes_within(node):
                yield from row_changes.operations(statement.raw.kind, node, place, catalog)
            else:
                yield _change_rows(statement.raw.kind, node, place, catalog)
        case "LockStmt":
            for relation in node["relations"]:
                found(catalog, relation["RangeVar"], place)
        case kind if kind in upkeep.KINDS:
            yield from upkeep.operations(kind, node, place, catalog)
        case kind if kind in row_changes.KINDS:
            yield from row_changes.operations(kind, node, place, catalog)
        case kind:
            raise refused(place, f"{kind} is not modelled yet.", "Take it out of this script.")


def _alter_table(node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    if node.get("objtype") == "OBJECT_INDEX":
        yield from partitions.index_attached(node, place, catalog)
        return
    if node.get("objtype") != "OBJECT_TABLE":
        kind = str(node.get("objtype", "")).removeprefix("OBJECT_").lower()
        raise refused(place, f"ALTER of a {kind} is not modelled yet.", "Take it out of this script.")
    if (
        node.get("missing_ok")
        and catalog.find(node["relation"].get("schemaname"), node["relation"]["relname"]) is None
    ):
        return
    made = found(catalog, node["relation"], place)
    if made.is_unread:
        yield from unread.altered(node, made, place, catalog)
        return
    partitions.must_mean_all(node, made, place)
    is_alone = made.has_heirs and not node["relation"].get("inh")
    table = made.name
    for command in sorted(node["cmds"], key=lambda command: _pass(command["AlterTableCmd"])):
        if is_alone:
            heirs.must_be_alone(command["AlterTableCmd"], made, place)
        for operation in alter_table.operations(command["AlterTableCmd"], table, place, catalog):
            yield (
                replace(operation, is_alone=True)
                if is_alone and isinstance(operation, ChangeDefault)
                else operation
            )
            catalog = operation.after(catalog)


def _pass(command: Node) -> int:
    """When the server does a part of ALTER TABLE (`AT_PASS_*` in its tablecmds.c): drops come first."""
    match command["subtype"]:
        case "AT_DropColumn" | "AT_DropConstraint" | "AT_DropNotNull" | "AT_DropIdentity":
            return 0
        case "AT_AlterColumnType":
            return 1
        case "AT_ColumnDefault":
            return 8 if "def" in command else 0
        case "AT_AddColumn":
            return 2
        case "AT_SetNotNull" | "AT_SetIdentity":
            return 3
        case "AT_AddConstraint":
            return 4 + constraints.turn_of(command["def"]["Constraint"])
        case _:
            return 9


def _change_rows(kind: str, node: Node, place: Place, catalog: Catalog) -> ChangeRows:
    table = found(catalog, node["relation"], place)
    updated = frozenset(
        target["ResTarget"]["name"] for target in node.get("targetList", []) if kind == "UpdateStmt"
    )
    unknown = sorted(updated - {column.name for column in table.columns})
    if unknown and not table.is_unread:
        raise refused(place, f"{table.name} has no column {unknown[0]}.", "Check its name.", sqlstate="42703")
    named = {key: value for key, value in node.items() if key not in ("returningList", "returningClause")}
    named["relation"] = qualified(node["relation"], table.name)
    return ChangeRows(place=place, table=table.name, kind=kind, node=named, updated=updated)


def needs_archive(statement: Statement, catalog: Catalog) -> bool:
    """Whether it changes definitions, so that what pg_dump says of them is needed."""
    block = blocks.read(statement.raw) if statement.raw.kind == "DoStmt" else None
    calls, within = called.names(statement.raw), tuple[RawStatement, ...]()
    if block is not None:
        calls, within = block.calls, block.statements
    return bool(statement.needs_archive or catalog.procedural_functions.intersection(calls)) or any(
        renamings.of_another_kind(each, catalog) is not None for each in (statement.raw, *within)
    )


def with_written(operation: Operation, also_written: tuple[RelationName, ...]) -> Operation:
    """The operation, knowing what its triggers write, where that matters to it."""
    if isinstance(operation, ChangeRows | WriteRows | Truncate) and also_written:
        return operation.writing_also(also_written)
    return operation


def concerned(operation: Operation) -> tuple[RelationName, ...]:
    """The table that it changes, and those that it only reads or names."""
    changed = () if operation.table is None else (operation.table,)
    mentions = operation.mentions if isinstance(operation, _MENTIONING) else ()
    return (*changed, *mentions)


def problems_of(error: Refused, line: int) -> Refused:
    """The same refusal, with the line where it had none."""
    return Refused(*(replace(problem, line=problem.line or line) for problem in error.problems))
