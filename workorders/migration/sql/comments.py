"""COMMENT ON: the former comment, or none, is set again on the way back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Index, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, literal
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.operations.restoration import PROLOGUE
from workorders.migration.sql import objects, tree
from workorders.migration.sql.objects import KINDS, relation_of
from workorders.migration.sql.reading import Reading, said
from workorders.migration.sql.tree import Node

_TAKE_OUT = "Take it out of this script, or run it by hand."

#: Parts of a relation, and what a comment on them is told from others by.
_PARTS = {"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"}


def comments(reading: Reading) -> Iterator[Operation]:
    """The operation; what it is on may be an object, or part of a table."""
    node = reading.node
    objtype, target = node["objtype"], node["object"]
    names = objects.names_of(target)
    bare = {key: value for key, value in node.items() if key != "comment"}
    locks: tuple[Lock, ...] = ()
    if objtype == "OBJECT_INDEX" and (found_index := _index(reading, names)) is not None:
        yield _comment_on_index(reading, *found_index)
        return
    if objtype in _PARTS:
        relation: Node = {"relname": names[-2]} | ({"schemaname": names[-3]} if len(names) > 2 else {})
        on = reading.relation(relation)
        if reading.is_new(on):
            yield _comment_on_new(reading, on, locks=objtype == "OBJECT_COLUMN")
            return
        full = (on.schema, on.name, names[-1])
        bare["object"] = {"List": {"items": [{"String": {"sval": name}} for name in full]}}
        holder = reading.must_find(KINDS["OBJECT_TABLE"], (on.schema, on.name))
        if objtype not in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT"):
            holder = reading.must_find(KINDS[objtype], full)
        if objtype == "OBJECT_COLUMN":
            locks = (Lock(relation=on, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
    elif objtype in KINDS:
        found = reading.objects.meant(objtype, target)
        if found is None and objtype in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"):
            on = reading.relation({"relname": names[-1]} | ({"schemaname": names[-2]} if names[1:] else {}))
            if reading.is_new(on):
                yield _comment_on_new(reading, on, locks=True)
                return
        holder = reading.must_mean(objtype, target)
        bare["object"] = _qualified(target, holder)
        relation_name = relation_of(holder)
        if objtype in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW") and relation_name is not None:
            locks = (Lock(relation=relation_name, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
    else:
        kind = objtype.removeprefix("OBJECT_").replace("_", " ").lower()
        raise refused(reading.place, f"COMMENT ON {kind} is not modelled.", _TAKE_OUT)
    nothing = tree.statement_text("CommentStmt", bare)
    wanted = nothing.rpartition(" IS ")[0]
    # As the script may have written it before, it would be read under another path.
    former = [
        tree.statement_text("CommentStmt", {**bare, "comment": statement.node.get("comment", "")})
        for entry in reading.archive.entries
        if entry.kind == "COMMENT"
        for statement in _statements(entry, holder, objtype)
        if _about(statement.node, reading) == wanted
    ]
    yield said(
        reading,
        holder,
        undo=(*PROLOGUE[:1], former[-1] if former else nothing),
        locks=locks,
        after=reading.archive.with_entry(reading.said_of(holder, "COMMENT")),
        title=f"comment on {'.'.join(names)}",
    )


def _statements(entry: Entry, holder: Entry, objtype: str) -> tuple[tree.RawStatement, ...]:
    is_of = holder.number in entry.needs or objtype == "OBJECT_TABCONSTRAINT"
    return tree.statements(entry.definition) if is_of else ()


def _about(node: Node, reading: Reading) -> str:
    """What a comment is on, written like any other comment on the same."""
    bare = {key: value for key, value in node.items() if key != "comment"}
    if node["objtype"] not in _PARTS:
        holder = reading.objects.meant(node["objtype"], node["object"])
        if holder is None:
            return ""
        bare["object"] = _qualified(node["object"], holder)
    return tree.statement_text("CommentStmt", bare).rpartition(" IS ")[0]


def _qualified(target: Node, entry: Entry) -> Node:
    """An object's node with its schema given."""
    name = objects.names_of(target)[-1]
    full = [{"String": {"sval": part}} for part in (entry.schema, name) if part]
    match target:
        case {"ObjectWithArgs": _}:
            (known,) = tree.statements(entry.drop)
            node: Node = known.node["objects"][0]
            return node
        case {"TypeName": inner}:
            return {"TypeName": {**inner, "names": full}}
        case {"List": _}:
            return {"List": {"items": full}}
    return target


def _comment_on_new(reading: Reading, on: RelationName, *, locks: bool) -> ChangeDefinition:
    """It goes with what it is on."""
    return ChangeDefinition(
        place=reading.place,
        table=on,
        title=f"comment on {on}",
        sql=reading.raw.text,
        locks=(Lock(relation=on, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),) if locks else (),
        undo_title="",
        undo=(),
        becomes=reading.catalog,
    )


def _index(reading: Reading, names: Sequence[str]) -> tuple[Table, Index] | None:
    """The index of that name with its table, whether it was there or is made by the script."""
    for schema in names[:-1] or reading.catalog.search_path:
        for table in reading.catalog.tables.values():
            for index in table.indexes:
                if (table.name.schema, index.name) == (schema, names[-1]):
                    return table, index
    return None


def _comment_on_index(reading: Reading, table: Table, index: Index) -> ChangeDefinition:
    """What the catalog says of it is set again; the archive has no entry of an index behind a key."""
    comment, name = reading.node.get("comment"), RelationName(schema=table.name.schema, name=index.name)
    former = "NULL" if index.comment is None else literal(index.comment)
    entry = reading.objects.find(("INDEX",), (name.schema, name.name))
    archive = reading.archive
    if entry is not None:
        archive = archive.with_entry(reading.said_of(entry, "COMMENT"))
    indexes = tuple(
        replace(each, comment=comment or None) if each.name == index.name else each for each in table.indexes
    )
    return ChangeDefinition(
        place=reading.place,
        table=table.name,
        title=f"comment on index {name}",
        sql=reading.raw.text,
        undo_title=f"give index {name} back what it had",
        undo=(f"COMMENT ON INDEX {name.sql} IS {former}",),
        becomes=replace(reading.catalog, archive=archive).with_table(replace(table, indexes=indexes)),
    )
