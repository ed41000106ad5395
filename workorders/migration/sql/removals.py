"""DROP of objects without rows: what goes along comes back with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.operations.restoration import taken
from workorders.migration.sql import objects
from workorders.migration.sql.objects import relation_of
from workorders.migration.sql.reading import Reading

#: Objects that are named with their relation.
_ON_TABLES = ("TRIGGER", "POLICY", "RULE")


def drops(reading: Reading) -> Iterator[Operation]:
    """The operation of a DROP; none where IF EXISTS finds nothing."""
    node = reading.node
    entries: list[Entry] = []
    for item in node["objects"]:
        entry = reading.objects.meant(node["removeType"], item)
        if entry is not None:
            entries.append(entry)
        elif not node.get("missing_ok"):
            kind = node["removeType"].removeprefix("OBJECT_").replace("_", " ").lower()
            name = ".".join(objects.names_of(item))
            raise refused(
                reading.place,
                f"There is no {kind} {name}, or more than one.",
                "Check its name and arguments.",
            )
    if not entries:
        return
    if node["removeType"] == "OBJECT_EXTENSION":
        raise refused(
            reading.place,
            f"DROP EXTENSION {entries[0].tag}: what its columns and objects hold could not come back.",
            "Drop it by hand.",
        )
    gone = taken(reading.archive, entries, reading.place, reading.catalog.role)
    if node.get("behavior") != "DROP_CASCADE":
        _must_be_needed_by_nobody(reading, entries, gone.entries)
    names = ", ".join(map(str, gone.entries))
    yield ChangeDefinition(
        place=reading.place,
        table=relation_of(entries[0]) or _named(entries[0]),
        title=f"drop {names}",
        sql=reading.raw.text,
        locks=gone.locks,
        undo_title=f"make {names} again",
        undo=gone.restoring,
        undo_locks=_still_there(gone.locks, gone.entries),
        becomes=_without(reading, gone.entries),
    )


def _still_there(locks: Sequence[Lock], gone: Sequence[Entry]) -> tuple[Lock, ...]:
    """Those on relations that stay when these go; making a trigger again stops no reader."""
    relations = {relation_of(entry) for entry in gone if "VIEW" in entry.kind}
    kinds = {(relation_of(entry), entry.kind) for entry in gone}
    found = []
    for lock in locks:
        if lock.relation in relations:
            continue
        only = {kind for relation, kind in kinds if relation == lock.relation}
        gentler = only == {"TRIGGER"}
        found.append(replace(lock, mode=LockMode.SHARE_ROW_EXCLUSIVE) if gentler else lock)
    return tuple(found)


def _must_be_needed_by_nobody(reading: Reading, entries: list[Entry], taken_along: Sequence[Entry]) -> None:
    """Raises Refused as the server would; parts of a relation go along silently."""
    own = {relation_of(entry) for entry in entries if "VIEW" in entry.kind}
    for other in taken_along:
        is_part = other.kind not in ("VIEW", "MATERIALIZED VIEW") and relation_of(other) in own
        if other not in entries and not is_part:
            raise refused(
                reading.place,
                f"{other} needs {entries[0]}, so the server would refuse to drop it.",
                f"Drop the {other.kind.lower()} first, or write CASCADE: the rollback restores all of it.",
            )


def _named(entry: Entry) -> RelationName:
    return RelationName(schema=entry.schema or entry.tag, name=entry.tag.partition("(")[0])


def _without(reading: Reading, gone: Sequence[Entry]) -> Catalog:
    """The catalog without these, and with nothing left that hangs on them."""
    catalog = reading.catalog
    views = {relation_of(entry) for entry in gone if "VIEW" in entry.kind}
    parts = {(relation_of(e), e.kind.lower(), e.tag) for e in gone if e.kind in _ON_TABLES}
    tables = {name: table for name, table in catalog.tables.items() if name not in views}
    for name, table in tables.items():
        own = {(kind, tag.removeprefix(f"{name.name} ")) for on, kind, tag in parts if on == name}
        described = tuple(f"{kind} {part} on " for kind, part in own)
        changed = replace(
            table,
            triggers=tuple(t for t in table.triggers if ("trigger", t.name) not in own),
            dependants=tuple(
                d
                for d in table.dependants
                if d.relation not in views and not d.description.startswith(described or ("\0",))
            ),
        )
        if changed != table:
            tables[name] = changed
    names = {
        schema: taken_names - {view.name for view in views if view is not None and view.schema == schema}
        for schema, taken_names in catalog.relation_names.items()
    }
    schemas = catalog.schemas - {entry.tag for entry in gone if entry.kind == "SCHEMA"}
    return replace(
        catalog,
        tables=tables,
        relation_names=names,
        schemas=schemas,
        archive=reading.archive.without(gone),
    )
