"""DROP of objects without rows: what goes along comes back with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName
from workorders.migration.operations import counted
from workorders.migration.operations.drop_type import DropType
from workorders.migration.operations.hidden_needs import HiddenNeeds
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.operations.restoration import SILENT, taken, without
from workorders.migration.sql import (
    cascaded_parts,
    extensions,
    objects,
    publications,
    tree,
    whole_schemas,
)
from workorders.migration.sql.objects import relation_of
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.rowless import dropped


def drops(reading: Reading) -> Iterator[Operation]:
    """The operation of a DROP; none where IF EXISTS finds nothing."""
    node = reading.node
    entries: list[Entry] = []
    for item in node["objects"]:
        entry = reading.objects.meant(node["removeType"], item, is_outdated_too=True)
        if entry is not None:
            entries.append(entry)
        elif not node.get("missing_ok"):
            kind = node["removeType"].removeprefix("OBJECT_").replace("_", " ").lower()
            name = ".".join(objects.names_of(item))
            raise refused(
                reading.place,
                f"There is no {kind} {name}, or more than one.",
                "Check its name and arguments.",
                sqlstate=objects.missing(node["removeType"]),
            )
    if not entries:
        return
    if node["removeType"] == "OBJECT_EXTENSION":
        yield from _extensions(reading, entries)
        return
    if node["removeType"] == "OBJECT_SCHEMA":
        whole_schemas.must_come_back(reading, entries)
        for unpublished in publications.without_schemas(reading, entries):
            yield unpublished
            reading = _after(unpublished, reading)
        for operation in _all_in(reading, entries) if reading.is_cascading else ():
            yield operation
            reading = _after(operation, reading)
        whole_schemas.must_be_empty(reading, entries)
    yield from _taken_away(reading, entries)


def _all_in(reading: Reading, schemas: Sequence[Entry]) -> Iterator[Operation]:
    """What is in schemas, so that they are empty."""
    for operation in whole_schemas.with_rows(reading, schemas):
        yield operation
        reading = _after(operation, reading)
    left = whole_schemas.rowless(reading, schemas)
    if left:
        yield from _taken_away(reading, left)


def _extensions(reading: Reading, found: Sequence[Entry]) -> Iterator[Operation]:
    """Each by itself, after what needs it."""
    for extension in found:
        for operation in cascaded_parts.of_extension(reading, extension) if reading.is_cascading else ():
            yield operation
            reading = _after(operation, reading)
        needing = extensions.needing(reading, extension)
        for operation in _taken_away(reading, needing) if needing else ():
            yield operation
            reading = _after(operation, reading)
        dropped_one = extensions.dropped(reading, extension)
        yield dropped_one
        reading = _after(dropped_one, reading)


def _after(operation: Operation, reading: Reading) -> Reading:
    """The statement, read when this part of it has been done."""
    # Under any name of a run, rows are counted the same.
    made = operation.steps(reading.catalog, "")
    return replace(reading, catalog=counted.told(operation.after(reading.catalog), made))


def _taken_away(reading: Reading, entries: Sequence[Entry]) -> Iterator[Operation]:
    """These and what goes along with them."""
    table = relation_of(entries[0]) or _named(entries[0])
    if reading.is_cascading:
        for operation in cascaded_parts.of_tables(reading, entries):
            yield operation
            reading = _after(operation, reading)
    needs = HiddenNeeds.of(reading.catalog, reading.archive, entries)
    if not reading.is_cascading:
        _must_be_needed_by_nobody(reading, entries, needs.archive.needing(entries))
    gone = taken(needs.archive, entries, reading.place, reading.catalog.role)
    aside = [
        each
        for each in gone.entries
        if each.number in needs.numbers or each.kind in _TYPES or _is_called_later(reading.catalog, each)
    ]
    others = [each for each in gone.entries if each not in aside]
    is_apart = bool(aside and others) or reading.node["removeType"] == "OBJECT_SCHEMA"
    if is_apart:
        # The server would take along what is out of sight: each goes by itself.
        rest = replace(gone, entries=tuple(others))
        if others:
            yield dropped(reading, table, rest, "; ".join(rest.dropping))
        reading = replace(reading, catalog=without(reading.catalog, others))
    if aside:
        yield from _put_aside(reading, aside)
    elif not is_apart:
        yield dropped(reading, table, gone, reading.raw.text)


#: Dropped types are always put aside: what is kept of rows for the way back may hold values of them.
_TYPES = ("TYPE", "DOMAIN")


def _is_called_later(catalog: Catalog, entry: Entry) -> bool:
    """Whether it is a function that something may call until the purge."""
    is_counted_with = entry.kind == "FUNCTION" and _named(entry) in catalog.called_by_counts
    return is_counted_with or _is_left(catalog, entry)


def _is_left(catalog: Catalog, entry: Entry) -> bool:
    """Whether it may be called by its name, and not by one that it has meanwhile."""
    name = _named(entry)
    # What twins call may call any other function.
    is_named = bool(catalog.called_by_twins) or name.name in catalog.named_by_counts
    return entry.kind == "FUNCTION" and (is_named or counted.is_ambiguous(catalog, name))


def _put_aside(reading: Reading, gone: Sequence[Entry]) -> Iterator[DropType]:
    """Each by itself; what stands on another first."""
    left = reading
    for entry in reversed(gone):
        operation = DropType(
            place=reading.place,
            dropped=_named(entry),
            kind=entry.kind,
            arguments=_arguments(entry),
            is_left=_is_left(left.catalog, entry),
            becomes=without(left.catalog, [entry]),
        )
        yield operation
        left = replace(left, catalog=operation.after(left.catalog))


def _arguments(entry: Entry) -> str:
    """A function's parameters as ALTER FUNCTION takes them; "" for a type."""
    (statement,) = tree.statements(entry.drop)
    item = statement.node["objects"][0].get("ObjectWithArgs")
    if item is None:
        return ""
    types = [tree.type_text(each["TypeName"]) for each in item.get("objargs", []) if "TypeName" in each]
    return f"({', '.join(types)})"


def _must_be_needed_by_nobody(
    reading: Reading, entries: Sequence[Entry], taken_along: Sequence[Entry]
) -> None:
    """Raises Refused as the server would; parts of a relation go along silently."""
    own = {relation_of(entry) for entry in entries if "VIEW" in entry.kind}
    for other in taken_along:
        is_part = other.kind not in ("VIEW", "MATERIALIZED VIEW") and relation_of(other) in own
        if other not in entries and not is_part and other.kind not in SILENT:
            raise refused(
                reading.place,
                f"{other} needs {entries[0]}, so the server would refuse to drop it.",
                f"Drop the {other.kind.lower()} first, or write CASCADE: the rollback restores all of it.",
            )


def _named(entry: Entry) -> RelationName:
    return RelationName(schema=entry.schema or entry.tag, name=entry.tag.partition("(")[0])
