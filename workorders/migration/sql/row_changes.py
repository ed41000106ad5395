"""Statements that write rows as they are: INSERT, MERGE, TRUNCATE, DO, CALL, SELECT, and WITH that writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.errors import Unreadable
from workorders.migration.names import RelationName
from workorders.migration.operations import family
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.set_sequence import SetSequence
from workorders.migration.operations.truncate import Truncate
from workorders.migration.operations.write_rows import Write, WriteRows
from workorders.migration.sql import blocks, tree
from workorders.migration.sql.relations import found, qualified
from workorders.migration.sql.tree import Node, RawStatement, strings

#: Node types that are read here; UPDATE and DELETE only where their WITH writes.
KINDS = frozenset({"InsertStmt", "MergeStmt", "TruncateStmt", "DoStmt", "CallStmt", "SelectStmt"})

WRITING = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")


def operations(kind: str, node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The statement's operation; none for a SELECT that only reads, which has no effect."""
    match kind:
        case "TruncateStmt":
            yield _truncate(node, place, catalog)
        case "DoStmt":
            raw = RawStatement(kind=kind, node=node, text=tree.statement_text(kind, node), line=place.line)
            words = blocks.read(raw).words
            mentions = tuple(sorted(name for name in catalog.tables if name.name in words))
            yield WriteRows(place=place, name="do", sql=raw.text, mentions=mentions)
        case "SelectStmt":
            yield from _select(node, place, catalog)
        case _:
            yield _written(kind, node, place, catalog)


def changes_within(node: Node) -> bool:
    """A part of its WITH writes rows."""
    return any(part.kind in WRITING for part in tree.walk(node.get("withClause", {})))


def _written(kind: str, node: Node, place: Place, catalog: Catalog) -> WriteRows:
    writes = []
    if kind in WRITING:
        table = found(catalog, node["relation"], place)
        node = {key: value for key, value in node.items() if key not in ("returningList", "returningClause")}
        node["relation"] = qualified(node["relation"], table.name)
        if kind == "InsertStmt":
            node = _with_columns(node, table)
        writes.append(_write(kind, node, table))
    writes += [
        _write(part.kind, part.node, found(catalog, part.node["relation"], place))
        for part in tree.walk(node)
        if part.kind in WRITING
    ]
    return WriteRows(
        place=place,
        name=kind.removesuffix("Stmt").lower(),
        sql=tree.statement_text(kind, node),
        writes=tuple(writes),
        mentions=read_by(node, catalog, {write.table for write in writes}),
    )


def _write(kind: str, node: Node, table: Table) -> Write:
    match kind:
        case "DeleteStmt":
            return Write(table=table.name, deletes=True, is_alone=not node["relation"].get("inh"))
        case "MergeStmt":
            clauses = [item["MergeWhenClause"] for item in node.get("mergeWhenClauses", [])]
            targets = [
                t for each in clauses if each["commandType"] == "CMD_UPDATE" for t in each["targetList"]
            ]
            deletes = any(each["commandType"] == "CMD_DELETE" for each in clauses)
        case "InsertStmt":
            targets = node.get("onConflictClause", {}).get("targetList", [])
            deletes = False
        case _:
            targets, deletes = node.get("targetList", []), False
    updated = frozenset(target["ResTarget"]["name"] for target in targets)
    is_alone = kind == "InsertStmt" or not node["relation"].get("inh")
    return Write(table=table.name, deletes=deletes, updated=updated, is_alone=is_alone)


def _with_columns(node: Node, table: Table) -> Node:
    """VALUES by position mean the columns that the script sees: a dropped one is only hidden."""
    rows = node.get("selectStmt", {}).get("SelectStmt", {}).get("valuesLists")
    if node.get("cols") or not rows or len(rows[0]["List"]["items"]) > len(table.columns):
        return node
    filled = table.columns[: len(rows[0]["List"]["items"])]
    return {**node, "cols": [{"ResTarget": {"name": column.name}} for column in filled]}


def read_by(node: Node, catalog: Catalog, written: Collection[RelationName] = ()) -> tuple[RelationName, ...]:
    """Existing tables that a statement or query reads from, heirs too, those aside that it writes."""
    found: set[RelationName] = set()
    for part in tree.walk(node):
        if part.kind == "RangeVar":
            table = catalog.find(part.node.get("schemaname"), part.node["relname"])
            heirs = family.heirs(catalog, table.name) if table is not None and part.node.get("inh") else ()
            found |= {each.name for each in (table, *heirs) if each is not None}
    return tuple(sorted(found - set(written)))


def _truncate(node: Node, place: Place, catalog: Catalog) -> Truncate:
    names: list[RelationName] = []
    for item in node["relations"]:
        table = found(catalog, item["RangeVar"], place)
        heirs = family.heirs(catalog, table.name) if item["RangeVar"].get("inh") else ()
        names += [table.name, *(heir.name for heir in heirs)]
    return Truncate(
        place=place,
        tables=tuple(dict.fromkeys(names)),
        cascades=node.get("behavior") == "DROP_CASCADE",
        restarts=bool(node.get("restart_seqs")),
    )


def _select(node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    calls = [target["ResTarget"]["val"] for target in node.get("targetList", [])]
    set_here = [call for call in calls if _called(call) == "setval"]
    volatile = catalog.volatile(tree.functions_in(node))
    if set_here and len(set_here) == len(calls) and volatile == {"setval"}:
        if len(calls) > 1:
            raise refused(
                place, "One SELECT sets several sequences.", "Write one SELECT setval(...) for each."
            )
        sequence = _sequence(set_here[0]["FuncCall"], place, catalog)
        text = tree.statement_text("SelectStmt", node)
        yield SetSequence(place=place, table=sequence, sql=text, mentions=read_by(node, catalog))
    elif volatile or changes_within(node):
        yield _written("SelectStmt", node, place, catalog)


def _called(value: Node) -> str:
    return strings(value["FuncCall"]["funcname"])[-1] if "FuncCall" in value else ""


def _sequence(call: Node, place: Place, catalog: Catalog) -> RelationName:
    """The sequence that a setval names, as a constant or through its column."""
    argument = call["args"][0]
    while "TypeCast" in argument:
        argument = argument["TypeCast"]["arg"]
    if _called(argument) == "pg_get_serial_sequence":
        texts = [_constant(each) for each in argument["FuncCall"].get("args", [])]
        if len(texts) == 2 and all(texts):
            table = found(catalog, _relation(texts[0] or "", place), place)
            column = table.column(texts[1] or "")
            if column is not None and column.owned_sequences:
                return column.owned_sequences[0]
    text = _constant(argument)
    if text:
        relation = _relation(text, place)
        schemas = [relation["schemaname"]] if relation.get("schemaname") else catalog.search_path
        for schema in schemas:
            if relation["relname"] in catalog.relation_names.get(schema, ()):
                return RelationName(schema=schema, name=relation["relname"])
    raise refused(
        place,
        "Which sequence is set cannot be told before it runs.",
        "Write its name as a constant: SELECT setval('schema.sequence', ...).",
    )


def _constant(value: Node) -> str | None:
    text: str | None = value.get("A_Const", {}).get("sval", {}).get("sval")
    return text


def _relation(text: str, place: Place) -> Node:
    """A name as regclass reads it."""
    try:
        (parsed,) = tree.statements(f"TABLE {text}")
        relation: Node = parsed.node["fromClause"][0]["RangeVar"]
    except (Unreadable, ValueError, KeyError, IndexError) as error:
        raise refused(place, f"{text!r} is no relation's name.", "Check its name.") from error
    return relation
