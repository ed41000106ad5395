"""ALTER TABLE of settings: triggers on or off, row security, owner, and a column's storage and the like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import quoted
from workorders.migration.operations import family, restoration
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.sql import column_settings, heirs, tree
from workorders.migration.sql.objects import KINDS
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import Node

_FIRES = {
    "O": "ENABLE TRIGGER",
    "A": "ENABLE ALWAYS TRIGGER",
    "R": "ENABLE REPLICA TRIGGER",
    "D": "DISABLE TRIGGER",
}

#: The command -> how the triggers then fire.
_TRIGGERS = {
    "AT_EnableTrig": "O",
    "AT_EnableAlwaysTrig": "A",
    "AT_EnableReplicaTrig": "R",
    "AT_DisableTrig": "D",
    "AT_EnableTrigUser": "O",
    "AT_DisableTrigUser": "D",
}

_IDENTITIES = {"d": "DEFAULT", "n": "NOTHING", "f": "FULL"}


def operations(reading: Reading) -> Iterator[Operation]:
    """One operation for the whole statement."""
    relation = reading.node["relation"]
    table = reading.catalog.find(relation.get("schemaname"), relation["relname"])
    if table is None and reading.node.get("missing_ok"):
        return
    if table is None:
        name = reading.relation(relation)
        raise refused(reading.place, f"{name} is not a table or view.", "Check its name.")
    family.alterable(table, reading.place, "ALTER TABLE of its settings")
    if table.has_heirs and not relation.get("inh"):
        for item in reading.node["cmds"]:
            heirs.must_be_alone(item["AlterTableCmd"], table, reading.place)
    undo: list[str] = []
    locks: list[Lock] = []
    catalog = reading.catalog
    before = table
    for item in reading.node["cmds"]:
        command = item["AlterTableCmd"]
        undo = [*_back(reading, before, command), *_back_below(reading, catalog, before, command), *undo]
        locks += _locks(catalog, table, command)
        table = _after(table, command)
        for below in _reached(catalog, before, command):
            catalog = catalog.with_table(_after(catalog.tables[below.name], command))
        if command["subtype"] == "AT_ChangeOwner":
            entry = reading.objects.find(KINDS["OBJECT_TABLE"], (table.name.schema, table.name.name))
            if entry is not None:
                owner = restoration.role_name(command["newowner"], catalog.role)
                archive = reading.archive.with_entry(replace(entry, owner=owner))
                catalog = replace(catalog, archive=archive)
    mine = restoration.strongest(locks)
    yield ChangeDefinition(
        place=reading.place,
        table=table.name,
        title=f"set what holds for {table.name}",
        sql=reading.raw.text,
        locks=mine,
        undo_title=f"set what held for {table.name}",
        undo=() if table.is_new else tuple(undo),
        undo_locks=mine,
        becomes=catalog.with_table(table),
    )


def mode(command: Node) -> LockMode:
    """The lock that a command of ALTER TABLE takes, where it only sets something."""
    if "Trig" in command["subtype"]:
        return LockMode.SHARE_ROW_EXCLUSIVE
    if command["subtype"] in ("AT_SetStatistics", "AT_SetRelOptions", "AT_ResetRelOptions"):
        return LockMode.SHARE_UPDATE_EXCLUSIVE
    return column_settings.MODES.get(command["subtype"], LockMode.ACCESS_EXCLUSIVE)


def _recurses(command: Node) -> bool:
    """Whether the server does the same to each partition."""
    return "Trig" in command["subtype"] or command["subtype"] in ("AT_SetStatistics", "AT_SetStorage")


def _reached(catalog: Catalog, table: Table, command: Node) -> tuple[Table, ...]:
    """What the server does the same to. Triggers are each heir's own."""
    if not _recurses(command):
        return ()
    is_of_trigger = "Trig" in command["subtype"]
    return (family.below if is_of_trigger else family.reached)(catalog, table.name)


def _locks(catalog: Catalog, table: Table, command: Node) -> tuple[Lock, ...]:
    if _recurses(command):
        names = (table.name, *(below.name for below in _reached(catalog, table, command)))
        return tuple(Lock(relation=name, mode=mode(command)) for name in names)
    return (Lock(relation=table.name, mode=mode(command)),)


def _back_below(reading: Reading, catalog: Catalog, table: Table, command: Node) -> list[str]:
    """What partitions have otherwise than their parent, which the way back gives its own to all."""
    undo: list[str] = []
    for below in _reached(catalog, table, command):
        alter = f"ALTER TABLE {below.name.sql}"
        if command["subtype"] in column_settings.MODES:
            undo += column_settings.back(reading, below, command)
            continue
        if command["subtype"] == "AT_SetStatistics":
            column = below.column(command.get("name", ""))
            if column is not None:
                target = -1 if column.statistics_target is None else column.statistics_target
                undo.append(f"{alter} ALTER COLUMN {quoted(column.name)} SET STATISTICS {target}")
            continue
        usual = {trigger.name: trigger.enabled for trigger in table.triggers}
        names = _triggers(below, command)
        undo += [
            f"{alter} {_FIRES[trigger.enabled]} {quoted(trigger.name)}"
            for trigger in below.triggers
            if trigger.name in names and trigger.enabled != usual.get(trigger.name)
        ]
    return undo


def _back(reading: Reading, table: Table, command: Node) -> list[str]:
    alter = f"ALTER TABLE {table.name.sql}"
    subtype = command["subtype"]
    if subtype in column_settings.MODES:
        return column_settings.back(reading, table, command)
    if subtype in _TRIGGERS:
        names = _triggers(table, command)
        if not names and not subtype.endswith("User"):
            raise refused(
                reading.place,
                f"{table.name} has no trigger {command.get('name')}.",
                "Check its name.",
                sqlstate="42704",
            )
        return [
            f"{alter} {_FIRES[trigger.enabled]} {quoted(trigger.name)}"
            for trigger in table.triggers
            if trigger.name in names
        ]
    match subtype:
        case "AT_EnableRowSecurity" | "AT_DisableRowSecurity":
            return [f"{alter} {'ENABLE' if table.has_row_security else 'DISABLE'} ROW LEVEL SECURITY"]
        case "AT_ForceRowSecurity" | "AT_NoForceRowSecurity":
            return [f"{alter} {'FORCE' if table.forces_row_security else 'NO FORCE'} ROW LEVEL SECURITY"]
        case "AT_ReplicaIdentity":
            index = next((index.name for index in table.indexes if index.is_replica_identity), "")
            former = _IDENTITIES.get(table.replica_identity) or f"USING INDEX {quoted(index)}"
            return [f"{alter} REPLICA IDENTITY {former}"]
        case "AT_SetStatistics" if "name" in command:
            target = _target(reading, table, command["name"])
            return [f"{alter} ALTER COLUMN {quoted(command['name'])} SET STATISTICS {target}"]
        case "AT_SetRelOptions" | "AT_ResetRelOptions":
            return _options(reading, table, command)
        case "AT_ChangeOwner":
            return _owner(reading, table, command)
    raise refused(
        reading.place,
        f"ALTER TABLE {table.name}: {subtype.removeprefix('AT_')} is not modelled yet.",
        "Take it out of this script, or run it by hand.",
    )


def _triggers(table: Table, command: Node) -> set[str]:
    if "name" in command:
        return {trigger.name for trigger in table.triggers if trigger.name == command["name"]}
    return {trigger.name for trigger in table.triggers}


def _dumped(reading: Reading, table: Table) -> tuple[tree.RawStatement, ...]:
    entry = reading.objects.find(("TABLE",), (table.name.schema, table.name.name))
    return () if entry is None else tree.statements(entry.definition)


def _target(reading: Reading, table: Table, column: str) -> int:
    """The column's statistics target as pg_dump has it; -1 where it is the server's."""
    for statement in _dumped(reading, table):
        for item in statement.node.get("cmds", []):
            command = item["AlterTableCmd"]
            if (command["subtype"], command.get("name")) == ("AT_SetStatistics", column):
                return int(command["def"]["Integer"].get("ival", 0))
    return -1


def _options(reading: Reading, table: Table, command: Node) -> list[str]:
    """Each option that is touched, with its former value or none."""
    made = next((s.node for s in _dumped(reading, table) if s.kind == "CreateStmt"), {})
    known = {_option(item["DefElem"]): item for item in made.get("options", [])}
    touched = [_option(item["DefElem"]) for item in command["def"]["List"]["items"]]
    alter = f"ALTER TABLE {table.name.sql}"
    undo = [f"{alter} RESET ({name})" for name in touched if name not in known]
    for name in touched:
        if name in known:
            value = known[name]["DefElem"]["arg"]
            text = next(iter(value.values()))
            undo.append(f"{alter} SET ({name} = '{text.get('sval', text.get('ival', text.get('fval')))}')")
    return undo


def _option(element: Node) -> str:
    prefix = f"{element['defnamespace']}." if element.get("defnamespace") else ""
    return f"{prefix}{element['defname']}"


def _owner(reading: Reading, table: Table, command: Node) -> list[str]:
    entry = reading.objects.find(("TABLE",), (table.name.schema, table.name.name))
    role = reading.catalog.role
    new = restoration.role_name(command["newowner"], role)
    undo = [f"ALTER TABLE {table.name.sql} OWNER TO {quoted(table.owner)}"]
    if entry is not None and new != table.owner:
        undo += restoration.granted(entry, reading.archive, (table.owner, new), table.owner)
    return undo


def _after(table: Table, command: Node) -> Table:
    subtype = command["subtype"]
    if subtype in column_settings.MODES:
        return column_settings.after(table, command)
    if subtype in _TRIGGERS:
        names = _triggers(table, command)
        return replace(
            table,
            triggers=tuple(
                replace(trigger, enabled=_TRIGGERS[subtype]) if trigger.name in names else trigger
                for trigger in table.triggers
            ),
        )
    if subtype in ("AT_EnableRowSecurity", "AT_DisableRowSecurity"):
        return replace(table, has_row_security=subtype == "AT_EnableRowSecurity")
    if subtype in ("AT_ForceRowSecurity", "AT_NoForceRowSecurity"):
        return replace(table, forces_row_security=subtype == "AT_ForceRowSecurity")
    if subtype == "AT_ReplicaIdentity":
        return replace(table, replica_identity=command["def"]["ReplicaIdentityStmt"]["identity_type"])
    return table
