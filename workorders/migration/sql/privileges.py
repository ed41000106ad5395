"""GRANT, REVOKE and ALTER DEFAULT PRIVILEGES: on the way back, told anew for the roles that they name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import restoration
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.sql import objects, tree
from workorders.migration.sql.objects import KINDS
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import strings

_TAKE_OUT = "Take it out of this script, or run it by hand."


def grants(reading: Reading) -> Iterator[Operation]:
    """One operation for all objects that the statement names."""
    node, role = reading.node, reading.catalog.role
    if node.get("grantor"):
        raise refused(reading.place, "GRANTED BY is not modelled.", "Grant as the owner.")
    grantees = tuple(dict.fromkeys(restoration.grantees_of(node, role)))
    undo: list[str] = []
    archive = reading.archive
    names = []
    for entry, name in _granted_objects(reading):
        names.append(str(name))
        if entry is None:
            continue  # made by this script: it goes as a whole
        if not restoration.is_granted(entry):
            raise refused(reading.place, f"GRANT on {entry} is not modelled yet.", _TAKE_OUT)
        if any("SET SESSION AUTHORIZATION" in acl.definition for acl in archive.attached(entry, "ACL")):
            raise refused(
                reading.place,
                f"Privileges on {entry} were granted by somebody who does not own it: they could not be"
                " given back in that name.",
                "Grant them as its owner first.",
            )
        undo += restoration.granted(entry, archive, grantees, entry.owner or role)
        archive = archive.with_entry(replace(reading.said_of(entry, "ACL"), number=archive.next_number))
    if not names:
        return
    verb = "grant" if node.get("is_grant") else "revoke"
    table = names[0].split(".", 1)
    yield ChangeDefinition(
        place=reading.place,
        table=RelationName(schema=table[0], name=table[-1]),
        title=f"{verb} privileges on {', '.join(names)}",
        sql=reading.raw.text,
        undo_title=f"give back the privileges on {', '.join(names)}",
        undo=tuple(dict.fromkeys(undo)) if len(names) == 1 else tuple(undo),
        becomes=replace(reading.catalog, archive=archive),
    )


def _granted_objects(reading: Reading) -> Iterator[tuple[Entry | None, object]]:
    node = reading.node
    kinds = KINDS.get(node["objtype"])
    if kinds is None:
        kind = node["objtype"].removeprefix("OBJECT_").replace("_", " ").lower()
        raise refused(reading.place, f"GRANT on a {kind} is not modelled.", _TAKE_OUT)
    if node.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        wanted = {name for item in node["objects"] for name in objects.names_of(item)}
        if node["objtype"] == "OBJECT_TABLE":
            kinds = ("TABLE", "VIEW", "MATERIALIZED VIEW")
        for entry in reading.archive.objects:
            if entry.schema in wanted and entry.kind in kinds:
                yield entry, f"{entry.schema}.{entry.tag}"
        return
    for item in node["objects"]:
        found = reading.objects.meant(node["objtype"], item)
        if found is not None:
            entry = found
            yield entry, f"{entry.schema}.{entry.tag}" if entry.schema else entry.tag
        elif "RangeVar" in item and reading.is_new(name := reading.relation(item["RangeVar"])):
            yield None, name
        else:
            reading.must_mean(node["objtype"], item)


_DEFAULTS = {
    "OBJECT_TABLE": ("TABLES", "", "TABLES"),
    "OBJECT_SEQUENCE": ("SEQUENCES", "", "SEQUENCES"),
    "OBJECT_FUNCTION": ("FUNCTIONS", "EXECUTE", "FUNCTIONS"),
    "OBJECT_TYPE": ("TYPES", "USAGE", "TYPES"),
    "OBJECT_SCHEMA": ("SCHEMAS", "", "SCHEMAS"),
}


def defaults(reading: Reading) -> ChangeDefinition:
    """For each role and schema: what new objects get, told anew for the roles that it names."""
    node, own = reading.node, reading.catalog.role
    grant = node["action"]
    if grant["objtype"] not in _DEFAULTS:
        raise refused(reading.place, "These default privileges are not modelled yet.", _TAKE_OUT)
    kind, everybody, tag = _DEFAULTS[grant["objtype"]]
    options = (
        {item["DefElem"]["defname"]: item["DefElem"]["arg"]["List"]["items"] for item in node["options"]}
        if node.get("options")
        else {}
    )
    owners = [restoration.role_name(item["RoleSpec"], own) for item in options.get("roles", [])] or [own]
    schemas = list(strings(options.get("schemas", []))) or [""]
    grantees = restoration.grantees_of(grant, own)
    undo = []
    for owner in owners:
        for schema in schemas:
            where = f" IN SCHEMA {quoted(schema)}" if schema else ""
            head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(owner)}{where}"
            listed = ", ".join(map(restoration.grantee_sql, grantees))
            undo.append(f"{head} REVOKE ALL ON {kind} FROM {listed}")
            if not schema and owner in grantees:
                undo.append(f"{head} GRANT ALL ON {kind} TO {quoted(owner)}")
            if not schema and everybody and restoration.PUBLIC in grantees:
                undo.append(f"{head} GRANT {everybody} ON {kind} TO PUBLIC")
            undo += [
                statement.text
                for entry in reading.archive.entries
                if entry.kind == "DEFAULT ACL"
                and (entry.schema, entry.owner, entry.tag) == (schema, owner, f"DEFAULT PRIVILEGES FOR {tag}")
                for statement in tree.statements(entry.definition)
            ]
    entry = Entry(
        number=reading.archive.next_number,
        kind="DEFAULT ACL",
        schema=schemas[0],
        tag=f"DEFAULT PRIVILEGES FOR {tag}",
        definition=reading.raw.text,
        drop="",
        owner=owners[0],
        search_path=reading.catalog.search_path,
    )
    return ChangeDefinition(
        place=reading.place,
        table=RelationName(schema=schemas[0] or owners[0], name=tag),
        title=f"change default privileges of {', '.join(owners)}",
        sql=reading.raw.text,
        undo_title=f"give back the default privileges of {', '.join(owners)}",
        undo=tuple(undo),
        becomes=reading.added_entry(entry),
    )
