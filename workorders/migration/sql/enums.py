"""ALTER TYPE of an enum: labels added and renamed, and the type's own name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog import renamed_entries, renaming
from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.catalog.types import written_name
from workorders.migration.names import RelationName
from workorders.migration.operations import labels
from workorders.migration.operations.add_value import AddValue
from workorders.migration.operations.former_type import described
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.other_names import OtherName
from workorders.migration.renames import Part
from workorders.migration.sql import tree
from workorders.migration.sql.reading import Reading, said
from workorders.migration.sql.renamed import RenamedType
from workorders.migration.sql.tree import Node, strings


def alterations(reading: Reading) -> Iterator[Operation]:
    """ADD VALUE, or RENAME VALUE; none where IF NOT EXISTS finds the label."""
    node = reading.node
    entry = reading.must_find(("TYPE",), strings(node["typeName"]))
    name = RelationName(schema=entry.schema, name=entry.tag)
    known, new = reading.catalog.enums.get(name, ()), str(node["newVal"])
    if new in known:
        if node.get("skipIfNewValExists"):
            return
        raise refused(
            reading.place, f"{name} already has the value {new!r}.", "Write IF NOT EXISTS.", sqlstate="42710"
        )
    beside = node.get("oldVal", node.get("newValNeighbor"))
    if beside is not None and beside not in known:
        raise refused(
            reading.place, f"{name} has no value {beside!r}.", "Check its spelling.", sqlstate="22023"
        )
    if "oldVal" in node:
        must_not_be_said_by_twins(reading, name)
        names = tuple(new if each == beside else each for each in known)
        archive = reading.archive.with_entry(reading.said_of(entry, "ALTER"))
        given = RenamedType(was=name, becomes=name, label=(str(beside), new))
        tables = reading.catalog.tables.items()
        after = replace(
            reading.catalog,
            tables={each: renaming.type_renamed(table, given) for each, table in tables},
            enums={**reading.catalog.enums, name: names},
            archive=renamed_entries.type_called(archive, entry.number, given),
        )
        back = {"oldVal": new, "newVal": beside}
        qualified = [{"String": {"sval": part}} for part in (name.schema, name.name)]
        undo = tree.statement_text("AlterEnumStmt", {"typeName": qualified, **back})
        yield replace(
            said(reading, entry, undo=(undo,), after=reading.archive, title=f"rename a value of {name}"),
            other_names=(OtherName(part=Part.TYPE, name=name, there=name, was=str(beside), now=new),),
            becomes=after,
        )
        return
    place = len(known) if beside is None else known.index(beside) + bool(node.get("newValIsAfter"))
    yield AddValue(
        place=reading.place,
        enum=name,
        label=new,
        sql=reading.raw.text,
        is_new=not entry.owner,
        becomes=_with_labels(reading, entry, (*known[:place], new, *known[place:])),
    )


def _with_labels(reading: Reading, entry: Entry, names: tuple[str, ...]) -> Catalog:
    name = RelationName(schema=entry.schema, name=entry.tag)
    archive = reading.archive.with_entry(described(entry, name, names))
    return replace(reading.catalog, enums={**reading.catalog.enums, name: names}, archive=archive)


def must_not_be_said_by_twins(reading: Reading, name: RelationName) -> None:
    """Raises Refused for a type that the trigger of this script's twin says."""
    if name.name in reading.catalog.types_of_twins:
        raise refused(
            reading.place,
            f"A column has just got a twin in this script, whose trigger says what {name} is called and"
            " holds.",
            "Change the type in a migration of its own, after this one is purged.",
        )


def renamed(reading: Reading, entry: Entry, new: str) -> Catalog:
    """The catalog with an enum under another name, wherever that stands."""
    catalog, old = reading.catalog, RelationName(schema=entry.schema, name=entry.tag)
    name = RelationName(schema=entry.schema, name=new)
    names = catalog.enums[old]
    tables = {each: _retyped(catalog, table, old, name) for each, table in catalog.tables.items()}
    enums = {each: known for each, known in catalog.enums.items() if each != old}
    told = reading.archive.without_said(entry, "ALTER")
    archive = _told_anew(told, entry, new).with_entry(described(entry, name, names))
    return replace(
        catalog,
        tables=tables,
        enums={**enums, name: names},
        types_of_twins=frozenset(new if each == old.name else each for each in catalog.types_of_twins),
        types=catalog.types.without(old).with_type(name),
        archive=archive,
    )


def _retyped(catalog: Catalog, table: Table, old: RelationName, new: RelationName) -> Table:
    if not any(labels.is_of(catalog, each.type, old) for each in (*table.columns, *table.hidden)):
        return table

    def under(columns: tuple[Column, ...]) -> tuple[Column, ...]:
        return tuple(
            replace(column, type=written_name(new) + "[]" * column.type.endswith("[]"))
            if labels.is_of(catalog, column.type, old)
            else column
            for column in columns
        )

    changed = replace(table, columns=under(table.columns), hidden=under(table.hidden))
    return renaming.type_renamed(changed, RenamedType(was=old, becomes=new))


def _told_anew(archive: Archive, entry: Entry, new: str) -> Archive:
    """Privileges and comments of a type, under its new name."""
    for told in archive.attached(entry):
        statements = [
            _of(each.kind, each.node, new) or each.text for each in tree.statements(told.definition)
        ]
        archive = archive.with_entry(replace(told, definition=";\n".join(statements)))
    return archive


def _of(kind: str, node: Node, new: str) -> str | None:
    last = {"String": {"sval": new}}
    match kind:
        case "GrantStmt":
            objects = [
                {"List": {"items": [*item["List"]["items"][:-1], last]}} if "List" in item else item
                for item in node["objects"]
            ]
            return tree.statement_text(kind, {**node, "objects": objects})
        case "CommentStmt" if "TypeName" in node["object"]:
            inner = node["object"]["TypeName"]
            named = {"TypeName": {**inner, "names": [*inner["names"][:-1], last]}}
            return tree.statement_text(kind, {**node, "object": named})
    return None
