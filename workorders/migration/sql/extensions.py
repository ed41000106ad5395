"""DROP EXTENSION: what needs it goes first with CASCADE; it stays in its place until the purge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.members import Member
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import OUR_SCHEMA, RelationName
from workorders.migration.operations.drop_extension import DropExtension
from workorders.migration.operations.operation import refused
from workorders.migration.operations.restoration import ROWLESS, without
from workorders.migration.sql import blocks, renamed, tree
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import RawStatement


def dropped_by(raws: Iterable[RawStatement]) -> frozenset[str]:
    """The extensions that these statements drop, in blocks as well."""
    return frozenset(
        item["String"]["sval"]
        for each in _with_blocks(raws)
        if each.kind == "DropStmt" and each.node["removeType"] == "OBJECT_EXTENSION"
        for item in each.node["objects"]
    )


def created_by(raws: Iterable[RawStatement]) -> frozenset[str]:
    """Those that they create."""
    made = (each for each in _with_blocks(raws) if each.kind == "CreateExtensionStmt")
    return frozenset(each.node["extname"] for each in made)


def _with_blocks(raws: Iterable[RawStatement]) -> Iterator[RawStatement]:
    for raw in raws:
        yield raw
        if raw.kind == "DoStmt":
            yield from blocks.read(raw).statements


def needing(reading: Reading, extension: Entry) -> tuple[Entry, ...]:
    """What in sight needs it. Raises Refused, as the server without CASCADE, and where rows would go."""
    archive = _in_sight(reading.catalog, reading.archive, extension)
    members = reading.catalog.extension_members.get(extension.tag, ())
    constraints = {(each.name.schema, each.name.name) for each in members if each.kind == "CONSTRAINT"}
    found = tuple(
        entry
        for entry in archive.objects
        if extension.number in entry.needs
        or (entry.kind == "CONSTRAINT" and (entry.schema, entry.tag) in constraints)
    )
    for entry in found:
        if not reading.is_cascading:
            raise refused(
                reading.place,
                f"{entry} needs {extension}, so the server would refuse to drop it.",
                f"Drop the {entry.kind.lower()} or what of it needs it first, or write CASCADE: the rollback"
                " restores all of it.",
            )
        if entry.kind not in ROWLESS:
            raise refused(
                reading.place,
                f"CASCADE on {extension} would take along {entry}, or a part of it, which could not be told"
                " by its name and brought back.",
                "Drop what needs it by its name, in a statement before this one.",
            )
    return found


def dropped(reading: Reading, extension: Entry) -> DropExtension:
    """The operation on an extension that nothing in sight needs any more."""
    members = reading.catalog.extension_members.get(extension.tag, ())
    return DropExtension(
        place=reading.place,
        extension=extension.tag,
        types=tuple(each.name for each in members if each.kind == "TYPE"),
        becomes=without(reading.catalog, [extension]),
    )


def _in_sight(catalog: Catalog, archive: Archive, extension: Entry) -> Archive:
    """The archive in which tables do not need it that have nothing of it in sight."""
    members = catalog.extension_members.get(extension.tag)
    if members is None:  # an EXECUTE names it, which nobody reads beforehand
        return archive
    for entry in tuple(archive.objects):
        if entry.kind != "TABLE" or extension.number not in entry.needs:
            continue
        table = catalog.tables.get(RelationName(schema=entry.schema, name=entry.tag))
        if entry.schema == OUR_SCHEMA or (table is not None and not _names(table, members)):
            left = tuple(each for each in entry.needs if each != extension.number)
            archive = archive.with_entry(replace(entry, needs=left))
    return archive


def _names(table: Table, members: Collection[Member]) -> bool:
    """Whether a column, default, CHECK or partition key names one of these; all else stands by itself."""
    names = {
        kind: {(each.name.schema, each.name.name) for each in members if each.kind == kind}
        for kind in ("TYPE", "FUNCTION", "OPERATOR")
    }
    texts = [f"SELECT NULL::{each.type}" for each in table.columns]
    values = (text for each in table.columns for text in (each.default, each.generation))
    texts += [f"SELECT {text}" for text in values if text is not None]
    texts += [f"ALTER TABLE t ADD CONSTRAINT c {e.definition}" for e in table.constraints if e.kind == "c"]
    texts += [f"CREATE TABLE t () PARTITION BY {table.partition_key}"] if table.partition_key else []
    return any(_says(raw, names) for text in texts for raw in tree.statements(text))


def _says(raw: RawStatement, names: Mapping[str, Collection[tuple[str, ...]]]) -> bool:
    if any(tree.strings(each) in names["TYPE"] for each in renamed.type_names(raw.node)):
        return True
    for found in tree.walk({raw.kind: raw.node}):
        if found.kind == "FuncCall" and tree.strings(found.node["funcname"]) in names["FUNCTION"]:
            return True
        if found.kind == "A_Expr" and tree.strings(found.node["name"]) in names["OPERATOR"]:
            return True
    return False
