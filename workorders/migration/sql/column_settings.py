"""Settings that change no row: a column's storage, compression and options, and CLUSTER ON."""

from __future__ import annotations

from dataclasses import replace

from workorders.migration.catalog.snapshot import Column, Table
from workorders.migration.locks import LockMode
from workorders.migration.names import literal, quoted
from workorders.migration.operations.operation import refused
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import Node

_STORAGES = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
_COMPRESSIONS = {"p": "pglz", "l": "lz4"}

#: `SET STORAGE DEFAULT` is there from this major version on.
_DEFAULT_STORAGE_SINCE = 16

#: The command -> its lock.
MODES = {
    "AT_SetStorage": LockMode.ACCESS_EXCLUSIVE,
    "AT_SetCompression": LockMode.ACCESS_EXCLUSIVE,
    "AT_SetOptions": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "AT_ResetOptions": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "AT_ClusterOn": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "AT_DropCluster": LockMode.SHARE_UPDATE_EXCLUSIVE,
}


def back(reading: Reading, table: Table, command: Node) -> list[str]:
    """What gives the table the settings that it has."""
    alter = f"ALTER TABLE {table.name.sql}"
    if "Cluster" in command["subtype"]:
        former = next((index.name for index in table.indexes if index.is_clustered), None)
        return [f"{alter} SET WITHOUT CLUSTER" if former is None else f"{alter} CLUSTER ON {quoted(former)}"]
    column = _column(reading, table, command)
    alter += f" ALTER COLUMN {quoted(column.name)}"
    match command["subtype"]:
        case "AT_SetStorage":
            if not column.storage and reading.catalog.major < _DEFAULT_STORAGE_SINCE:
                return [_storage_of_type(table, column)]
            return [f"{alter} SET STORAGE {_STORAGES.get(column.storage, 'DEFAULT')}"]
        case "AT_SetCompression":
            return [f"{alter} SET COMPRESSION {_COMPRESSIONS.get(column.compression, 'default')}"]
    touched = [item["DefElem"]["defname"] for item in command["def"]["List"]["items"]]
    known = dict(option.split("=", 1) for option in column.options)
    there = [f"{name} = {literal(known[name])}" for name in touched if name in known]
    missing = [name for name in touched if name not in known]
    undo = [f"{alter} RESET ({', '.join(missing)})"] if missing else []
    return [*undo, f"{alter} SET ({', '.join(there)})"] if there else undo


def after(table: Table, command: Node) -> Table:
    """The table with the setting."""
    subtype, name = command["subtype"], command.get("name")
    if "Cluster" in subtype:
        indexes = (replace(each, is_clustered=each.name == name) for each in table.indexes)
        return replace(table, indexes=tuple(indexes))
    columns = (_set(each, command) if each.name == name else each for each in table.columns)
    return replace(table, columns=tuple(columns))


def _set(column: Column, command: Node) -> Column:
    match command["subtype"]:
        case "AT_SetStorage":
            return replace(column, storage=_letter(_STORAGES, command))
        case "AT_SetCompression":
            return replace(column, compression=_letter(_COMPRESSIONS, command))
    items = [item["DefElem"] for item in command["def"]["List"]["items"]]
    touched = {item["defname"] for item in items}
    left = [option for option in column.options if option.split("=", 1)[0] not in touched]
    if command["subtype"] == "AT_SetOptions":
        left += [f"{item['defname']}={_value(item['arg'])}" for item in items]
    return replace(column, options=tuple(left))


def _letter(letters: dict[str, str], command: Node) -> str:
    word = command["def"]["String"]["sval"].upper()
    return next((letter for letter, name in letters.items() if name.upper() == word), "")


def _value(node: Node) -> str:
    ((_, value),) = node.items()
    return str(value.get("ival", value.get("fval", value.get("sval", 0))))


def _column(reading: Reading, table: Table, command: Node) -> Column:
    column = table.column(command["name"])
    if column is None:
        raise refused(reading.place, f"{table.name} has no column {command['name']}.", "Check its name.")
    return column


def _storage_of_type(table: Table, column: Column) -> str:
    """SET STORAGE to what the column's type has, which older servers have no word for."""
    body = (
        "DECLARE s text; BEGIN SELECT CASE t.typstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'"
        " WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END INTO s FROM pg_catalog.pg_attribute a"
        " JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
        f" WHERE a.attrelid = {literal(table.name.sql)}::pg_catalog.regclass"
        f" AND a.attname = {literal(column.name)};"
        f" EXECUTE pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s',"
        f" {literal(table.name.sql)}, {literal(column.name)}, s); END"
    )
    return f"DO {literal(body)}"
