"""Statements that say something of an object, or alter one without rows, into operations.

GRANT, COMMENT, OWNER TO, RENAME, ALTER of views, functions, policies, types and sequences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import counted, restoration
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Operation, exclusive, refused
from workorders.migration.operations.refresh import Refresh
from workorders.migration.operations.restoration import PROLOGUE, taken
from workorders.migration.other_names import OtherName
from workorders.migration.renames import Part
from workorders.migration.sql import (
    called_otherwise,
    comments,
    enums,
    objects,
    privileges,
    sequences,
    statistics,
    table_settings,
    tree,
)
from workorders.migration.sql.definition_kinds import is_table_setting
from workorders.migration.sql.objects import KINDS, relation_names, relation_of
from workorders.migration.sql.reading import Reading, said
from workorders.migration.sql.renamed import RenamedType
from workorders.migration.sql.tree import Node, strings

_TAKE_OUT = "Take it out of this script, or run it by hand."


def alterations(reading: Reading) -> Iterator[Operation]:
    """The operations of one statement. Raises Refused for what could not be undone."""
    node = reading.node
    match reading.raw.kind:
        case "GrantStmt":
            yield from privileges.grants(reading)
        case "AlterDefaultPrivilegesStmt":
            yield privileges.defaults(reading)
        case "CommentStmt":
            yield from comments.comments(reading)
        case "AlterTableStmt" if is_table_setting(reading.raw) and node.get("objtype") == "OBJECT_TABLE":
            yield from table_settings.operations(reading)
        case "RenameStmt":
            yield _renamed(reading)
        case "AlterOwnerStmt":
            yield owned(reading, reading.must_mean(node["objectType"], node["object"]), node["newowner"])
        case "AlterTableStmt":
            yield from _altered_view(reading)
        case "AlterFunctionStmt":
            yield touched(reading, reading.must_mean(node["objtype"], {"ObjectWithArgs": node["func"]}))
        case "AlterPolicyStmt":
            on = reading.relation(node["table"])
            yield touched(reading, reading.must_find(("POLICY",), (on.schema, on.name, node["policy_name"])))
        case "AlterEnumStmt":
            yield from enums.alterations(reading)
        case "AlterStatsStmt":
            yield from statistics.targets(reading)
        case "AlterDomainStmt":
            yield touched(reading, reading.must_find(("DOMAIN",), strings(node["typeName"])))
        case "RefreshMatViewStmt":
            yield _refresh(reading)
        case "AlterSeqStmt":
            yield from sequences.operations(reading)
        case kind:
            raise refused(reading.place, f"{kind} is not modelled yet.", _TAKE_OUT)


def touched(reading: Reading, entry: Entry) -> ChangeDefinition:
    """An object that is altered in any way: it is dropped and made again on the way back."""
    gone = taken(reading.archive, (entry,), reading.place, reading.catalog.role)
    relation = relation_of(entry)
    changed = said(
        reading,
        entry,
        undo=(*gone.dropping, *gone.restoring),
        locks=tuple(lock for lock in gone.locks if lock.relation == relation),
        undo_locks=gone.locks,
        after=reading.archive.with_entry(reading.said_of(entry, "ALTER")),
    )
    return replace(changed, fills_again=gone.filled)


def owned(reading: Reading, entry: Entry, spec: Node) -> ChangeDefinition:
    """ALTER ... OWNER TO: privileges move with it, so they are told anew on the way back."""
    role = reading.catalog.role
    new, old = restoration.role_name(spec, role), entry.owner or role
    relation = relation_of(entry)
    undo = [*PROLOGUE[:1], f"ALTER {entry.address} OWNER TO {quoted(old)}"]
    if restoration.is_granted(entry) and new != old:
        undo += restoration.granted(entry, reading.archive, (old, new), old)
    return said(
        reading,
        entry,
        undo=tuple(undo),
        locks=() if relation is None or entry.kind in ("STATISTICS", "SEQUENCE") else exclusive(relation),
        after=reading.archive.with_entry(replace(entry, owner=new)),
        title=f"give {entry} to {new}",
    )


def _altered_view(reading: Reading) -> Iterator[Operation]:
    node = reading.node
    entry = reading.objects.find(KINDS[node["objtype"]], relation_names(node["relation"]))
    if entry is None:
        if node.get("missing_ok"):
            return
        raise refused(
            reading.place, f"There is no {node['relation']['relname']}.", "Check its name.", sqlstate="42P01"
        )
    commands = [command["AlterTableCmd"] for command in node["cmds"]]
    if [command["subtype"] for command in commands] == ["AT_ChangeOwner"]:
        yield owned(reading, entry, commands[0]["newowner"])
    else:
        changed = touched(reading, entry)
        if entry.kind == "MATERIALIZED VIEW":
            modes = (table_settings.mode(command) for command in commands)
            own = (Lock(relation=changed.table, mode=mode) for mode in modes)
            changed = replace(changed, locks=restoration.strongest(own))
        yield changed


def _renamed(reading: Reading) -> ChangeDefinition:
    """The name goes back by the same statement the other way round."""
    node = reading.node
    kind, new = node["renameType"], node["newname"]
    back: Node = {key: value for key, value in node.items() if key != "missing_ok"}
    if "subname" in node:
        on = reading.relation(node["relation"])
        back |= {"relation": {**node["relation"], "schemaname": on.schema}}
        back |= {"subname": new, "newname": node["subname"]}
        if kind == "OBJECT_COLUMN":
            entry = reading.must_find(KINDS[node["relationType"]], (on.schema, on.name))
        else:
            entry = reading.must_find(KINDS[kind], (on.schema, on.name, node["subname"]))
    elif "relation" in node:
        entry = reading.must_find(KINDS[kind], relation_names(node["relation"]))
        back |= {"newname": entry.tag}
        back["relation"] = {**node["relation"], "schemaname": entry.schema, "relname": new}
    else:
        entry = reading.must_mean(kind, node["object"])
        back |= {"newname": objects.names_of(node["object"])[-1]}
        back["object"] = renamed_node(entry, new)
        if "TypeName" in back["object"]:
            # ALTER TYPE takes a bare name where DROP TYPE takes a type.
            back["object"] = {"List": {"items": back["object"]["TypeName"]["names"]}}
    relation = relation_of(entry)
    locks = () if relation is None or kind in _APART else exclusive(relation)
    there = locks
    if "VIEW" in entry.kind and kind != "OBJECT_COLUMN":
        there = exclusive(RelationName(schema=entry.schema, name=new))
    after = reading.archive.with_entry(reading.said_of(entry, "ALTER"))
    if kind != "OBJECT_COLUMN":
        after = after.with_entry(_called(entry, new))
    becomes = _with_name(replace(reading.catalog, archive=after), entry, new, kind)
    name = RelationName(schema=entry.schema, name=entry.tag)
    is_enum = kind == "OBJECT_TYPE" and name in reading.catalog.enums
    if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN") and not is_enum:
        enums.must_not_be_said_by_twins(reading, name)
    given = None if kind == "OBJECT_COLUMN" else _other_name(reading, entry, new)
    if given is not None:
        becomes = called_otherwise.after(reading, entry, given, becomes)
    return replace(
        said(
            reading,
            entry,
            undo=(*PROLOGUE[:1], tree.statement_text("RenameStmt", back)),
            locks=locks,
            undo_locks=there,
            after=after,
            title=f"rename {entry}",
        ),
        renames=RenamedType(was=name, becomes=replace(name, name=new)) if is_enum else None,
        other_names=() if given is None else (given,),
        becomes=becomes,
    )


#: What has a name of its own beside its relation.
_APART = ("OBJECT_SEQUENCE", "OBJECT_STATISTIC_EXT")

#: Kinds that others say by their name.
_SAID = {
    **dict.fromkeys(("TYPE", "DOMAIN"), Part.TYPE),
    **dict.fromkeys(("FUNCTION", "AGGREGATE"), Part.FUNCTION),
    **dict.fromkeys(("VIEW", "MATERIALIZED VIEW"), Part.TABLE),
}


def _other_name(reading: Reading, entry: Entry, new: str) -> OtherName | None:
    """What it is called then. Raises Refused where rows are counted with one of several of its name."""
    name = RelationName(schema=entry.schema, name=entry.tag.partition("(")[0])
    if entry.kind == "FUNCTION" and counted.is_ambiguous(reading.catalog, name):
        raise refused(
            reading.place,
            f"Before a rollback, rows are counted with a function of the name {name}, and there is more than"
            " one.",
            "Rename it in a migration of its own, after this one is purged.",
        )
    part = _SAID.get(entry.kind)
    there = RelationName(schema=entry.schema, name=new)
    return None if part is None else OtherName(part=part, name=name, there=there)


def renamed_node(entry: Entry, new: str) -> Node:
    """An object's node as its DROP has it, under another name."""
    (known,) = tree.statements(entry.drop)
    node: Node = known.node["objects"][0]
    match node:
        case {"ObjectWithArgs": inner}:
            return {
                "ObjectWithArgs": {**inner, "objname": [*inner["objname"][:-1], {"String": {"sval": new}}]}
            }
        case {"TypeName": inner}:
            return {"TypeName": {**inner, "names": [*inner["names"][:-1], {"String": {"sval": new}}]}}
        case {"List": inner}:
            return {"List": {"items": [*inner["items"][:-1], {"String": {"sval": new}}]}}
    return node


def _called(entry: Entry, new: str) -> Entry:
    """The entry under another name."""
    (known,) = tree.statements(entry.drop)
    drop = tree.statement_text("DropStmt", {**known.node, "objects": [renamed_node(entry, new)]})
    _, parenthesis, arguments = entry.tag.partition("(")
    tag = f"{new}{parenthesis}{arguments}"
    relation = relation_of(entry)
    if relation is not None and "VIEW" not in entry.kind and entry.kind in ("TRIGGER", "POLICY", "RULE"):
        tag = f"{relation.name} {new}"
    return replace(entry, tag=tag, drop=f"{drop};", made_as=entry.made_as or entry.address)


def _with_name(catalog: Catalog, entry: Entry, new: str, kind: str) -> Catalog:
    if "VIEW" not in entry.kind or kind == "OBJECT_COLUMN":
        return catalog
    old = RelationName(schema=entry.schema, name=entry.tag)
    table = catalog.tables.get(old)
    if table is None:
        return catalog
    left = {name: each for name, each in catalog.tables.items() if name != old}
    return replace(catalog, tables=left).with_table(
        replace(table, name=RelationName(schema=entry.schema, name=new))
    )


def _refresh(reading: Reading) -> Refresh:
    node = reading.node
    view = reading.catalog.find(node["relation"].get("schemaname"), node["relation"]["relname"])
    if view is None or view.kind != "m":
        name = node["relation"]["relname"]
        raise refused(
            reading.place, f"There is no materialised view {name}.", "Check its name.", sqlstate="42P01"
        )
    return Refresh(
        place=reading.place,
        table=view.name,
        is_concurrent=bool(node.get("concurrent")),
        fills=not node.get("skipData"),
    )
