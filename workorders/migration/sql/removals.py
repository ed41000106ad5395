"""DROP of objects without rows: what goes along comes back with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.names import RelationName
from workorders.migration.operations.drop_type import DropType
from workorders.migration.operations.hidden_needs import HiddenNeeds
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.operations.restoration import taken, without
from workorders.migration.sql import cascaded_parts, objects, tree
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
        raise refused(
            reading.place,
            f"DROP EXTENSION {entries[0].tag}: what its columns and objects hold could not come back.",
            "Drop it by hand.",
        )
    table = relation_of(entries[0]) or _named(entries[0])
    changed: set[RelationName] = set()
    if node.get("behavior") == "DROP_CASCADE":
        for operation in cascaded_parts.of_tables(reading, entries):
            yield operation
            if operation.table is not None:
                changed.add(operation.table)
            reading = replace(reading, catalog=operation.after(reading.catalog))
    needs = HiddenNeeds.of(reading.catalog, reading.archive, changed)
    gone = taken(needs.archive, entries, reading.place, reading.catalog.role)
    if node.get("behavior") != "DROP_CASCADE":
        _must_be_needed_by_nobody(reading, entries, gone.entries)
    # What twins call may call any other function.
    is_left = bool(reading.catalog.called_by_twins)
    aside = [
        each
        for each in gone.entries
        if each.number in needs.numbers or each.kind in _TYPES or (each.kind == "FUNCTION" and is_left)
    ]
    others = [each for each in gone.entries if each not in aside]
    if aside and others:
        # The server would take along what is out of sight: each goes by itself.
        rest = replace(gone, entries=tuple(others))
        yield dropped(reading, table, rest, "; ".join(rest.dropping))
        reading = replace(reading, catalog=without(reading.catalog, others))
    if aside:
        yield from _put_aside(reading, aside, is_left=is_left)
    else:
        yield dropped(reading, table, gone, reading.raw.text)


#: Dropped types are always put aside: what is kept of rows for the way back may hold values of them.
_TYPES = ("TYPE", "DOMAIN")


def _put_aside(reading: Reading, gone: Sequence[Entry], *, is_left: bool) -> Iterator[DropType]:
    """Each by itself; what stands on another first."""
    left = reading
    for entry in reversed(gone):
        becomes = without(left.catalog, [entry])
        yield DropType(
            place=reading.place,
            dropped=_named(entry),
            kind=entry.kind,
            arguments=_arguments(entry),
            is_left=is_left and entry.kind == "FUNCTION",
            becomes=becomes,
        )
        left = replace(left, catalog=becomes)


def _arguments(entry: Entry) -> str:
    """A function's parameters as ALTER FUNCTION takes them; "" for a type."""
    (statement,) = tree.statements(entry.drop)
    item = statement.node["objects"][0].get("ObjectWithArgs")
    if item is None:
        return ""
    types = [tree.type_text(each["TypeName"]) for each in item.get("objargs", []) if "TypeName" in each]
    return f"({', '.join(types)})"


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
