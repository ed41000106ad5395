"""Identity columns: DROP IDENTITY, SET GENERATED and the settings of their sequences, into operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import RelationName
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.drop_identity import DropIdentity
from workorders.migration.operations.operation import Operation, exclusive, ordinary, refused
from workorders.migration.operations.restoration import PROLOGUE, made
from workorders.migration.sql import sequences, tree
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import Node

#: Commands of ALTER TABLE that are read here.
SUBTYPES = frozenset({"AT_DropIdentity", "AT_SetIdentity"})


def operations(reading: Reading, table: Table, command: Node) -> Iterator[Operation]:
    """The operations of one command; none where IF EXISTS finds no identity."""
    column = table.column(command["name"])
    if column is None:
        raise refused(reading.place, f"{table.name} has no column {command['name']}.", "Check its name.")
    if not column.identity:
        if command.get("missing_ok"):
            return
        raise refused(
            reading.place,
            f"{table.name}.{column.name} is no identity column.",
            "Write IF EXISTS, or leave it out.",
        )
    if table.is_new:
        yield _of_new_table(reading, table, column, command)
        return
    sequence = column.owned_sequences[0] if column.owned_sequences else None
    entry = None
    if sequence is not None:
        entry = reading.objects.find(("SEQUENCE",), (sequence.schema, sequence.name))
    if sequence is None or entry is None:
        raise refused(
            reading.place,
            f"{table.name}.{column.name} has just become an identity in this script.",
            "Write its settings where it is made.",
        )
    ordinary(table, reading.place, "ALTER of an identity column")
    if command["subtype"] == "AT_DropIdentity":
        yield _dropped(reading, table, column, sequence, entry)
    else:
        yield from _altered(reading, table, column, sequence, command)


def _of_new_table(reading: Reading, table: Table, column: Column, command: Node) -> ChangeDefinition:
    """The script's own table goes as a whole."""
    is_dropped = command["subtype"] == "AT_DropIdentity"
    identity = "" if is_dropped else _generated(command) or column.identity
    return ChangeDefinition(
        place=reading.place,
        table=table.name,
        title=f"set how {table.name}.{column.name} counts",
        sql=reading.raw.text,
        locks=exclusive(table.name),
        undo_title="",
        undo=(),
        becomes=_with(reading.catalog, table, replace(column, identity=identity)),
    )


def _dropped(
    reading: Reading, table: Table, column: Column, sequence: RelationName, entry: Entry
) -> DropIdentity:
    role = reading.catalog.role
    # The sequence belongs to whoever owns the table, and to nobody else.
    restoring = (*PROLOGUE[:1], *made(replace(entry, owner=role), reading.archive, role))
    catalog = _with(reading.catalog, table, replace(column, identity="", owned_sequences=()))
    names = catalog.relation_names.get(sequence.schema, frozenset()) - {sequence.name}
    return DropIdentity(
        place=reading.place,
        table=table.name,
        column=column.name,
        sequence=sequence,
        restoring=restoring,
        becomes=replace(
            catalog,
            relation_names={**catalog.relation_names, sequence.schema: names},
            archive=reading.archive.without((entry,)),
        ),
    )


def _altered(
    reading: Reading, table: Table, column: Column, sequence: RelationName, command: Node
) -> Iterator[Operation]:
    options = command["def"]["List"]["items"] if "List" in command["def"] else command["def"]
    restarts = [item for item in options if item["DefElem"]["defname"] == "restart"]
    others = [item for item in options if item not in restarts]
    if others:
        yield _reset(reading, table, column, sequence, {**command, "def": {"List": {"items": others}}})
    for item in restarts:
        yield sequences.restarted(reading, sequence, item)


def _reset(
    reading: Reading, table: Table, column: Column, sequence: RelationName, command: Node
) -> ChangeDefinition:
    entry = reading.must_find(("SEQUENCE",), (sequence.schema, sequence.name))
    generated: Node = {
        "DefElem": {"defname": "generated", "arg": {"Integer": {"ival": ord(column.identity)}}}
    }
    former = sequences.former([generated, *_dumped_options(entry)], command["def"]["List"]["items"])
    relation = {
        "schemaname": table.name.schema,
        "relname": table.name.name,
        "inh": True,
        "relpersistence": "p",
    }
    wrapper: Node = {"relation": relation, "objtype": "OBJECT_TABLE"}
    forth = {**wrapper, "cmds": [{"AlterTableCmd": command}]}
    back = {**wrapper, "cmds": [{"AlterTableCmd": {**command, "def": {"List": {"items": former}}}}]}
    changed = replace(column, identity=_generated(command) or column.identity)
    after = reading.archive.with_entry(reading.said_of(entry, "ALTER"))
    return ChangeDefinition(
        place=reading.place,
        table=table.name,
        title=f"set how {table.name}.{column.name} counts",
        sql=tree.statement_text("AlterTableStmt", forth),
        locks=exclusive(table.name),
        undo_title=f"let {table.name}.{column.name} count as it did",
        undo=(tree.statement_text("AlterTableStmt", back),),
        undo_locks=exclusive(table.name),
        becomes=_with(replace(reading.catalog, archive=after), table, changed),
    )


def _dumped_options(entry: Entry) -> list[Node]:
    """The options of an identity's sequence, as pg_dump writes them."""
    (statement,) = tree.statements(entry.definition)
    options: list[Node] = []
    for found in tree.walk(statement.node):
        if found.kind == "Constraint" and found.node.get("contype") == "CONSTR_IDENTITY":
            options = found.node.get("options", [])
    return options


def _generated(command: Node) -> str:
    """ALWAYS or BY DEFAULT, as the catalog has it; "" where the command says nothing of it."""
    options = command["def"]["List"]["items"] if "List" in command["def"] else command["def"]
    for item in options:
        if item["DefElem"]["defname"] == "generated":
            return chr(item["DefElem"]["arg"]["Integer"]["ival"])
    return ""


def _with(catalog: Catalog, table: Table, column: Column) -> Catalog:
    columns = (column if each.name == column.name else each for each in table.columns)
    return catalog.with_table(replace(table, columns=tuple(columns)))
