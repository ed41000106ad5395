"""`*` in a statement that comes after a column was put out of sight: the columns that the script sees.

The server would take the hidden column along, in a view's definition or a new table. So `*` is
written out, where the tables that it is of are known; else the statement is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName
from workorders.migration.operations.operation import Place, refused
from workorders.migration.renames import Names, Renamed
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, RawStatement

#: By table with hidden columns: the columns that a script sees, in the order in which it sees them.
Seen = Mapping[RelationName, tuple[str, ...]]


def seen(table: Table, hiding: Seen) -> tuple[str, ...]:
    """A table's columns in the order of the plain SQL; one that had to move to the end is where it was."""
    there = [column.name for column in table.columns]
    known = [name for name in hiding.get(table.name, ()) if name in there]
    return (*known, *(name for name in there if name not in known))


def renamed(hiding: Seen, given: Renamed) -> Seen:
    """The same under the names after one renaming more."""
    names = Names(renames=(given,))
    return {
        names.table(table): tuple(names.column(table, column) for column in columns)
        for table, columns in hiding.items()
    }


def written_out(raw: RawStatement, hiding: Seen, place: Place, catalog: Catalog) -> RawStatement:
    """The statement with each `*` that a hidden column would come with written out; else as it is."""
    if not hiding or "*" not in raw.text:
        return raw
    shadowed = {part.node["ctename"] for part in tree.walk(raw.node) if part.kind == "CommonTableExpr"}
    is_changed = False
    for part in tree.walk({raw.kind: raw.node}):
        if part.kind != "SelectStmt":
            continue
        tables = list(_tables(part.node.get("fromClause", []), shadowed, catalog))
        if not any(table is not None and table.name in hiding for _, table in tables):
            continue
        targets: list[Node] = []
        for item in part.node.get("targetList", []):
            fields = item["ResTarget"].get("val", {}).get("ColumnRef", {}).get("fields", [])
            if not fields or "A_Star" not in fields[-1]:
                targets.append(item)
                continue
            qualifier = tree.strings(fields[:-1])[-1:] if len(fields) > 1 else ()
            meant = [(name, table) for name, table in tables if not qualifier or name == qualifier[0]]
            if not any(table is not None and table.name in hiding for _, table in meant):
                targets.append(item)
                continue
            for name, table in meant:
                if table is None or table.is_unread:
                    raise refused(
                        place,
                        "A column that the script drops or changes is only put out of sight until it is"
                        " purged, and * would take it along.",
                        "Name the columns.",
                    )
                targets += [_column(name, column) for column in seen(table, hiding)]
            is_changed = True
        part.node["targetList"] = targets
    if not is_changed:
        return raw
    return replace(raw, text=tree.statement_text(raw.kind, raw.node))


def _column(table: str, column: str) -> Node:
    fields = [{"String": {"sval": table}}, {"String": {"sval": column}}]
    return {"ResTarget": {"val": {"ColumnRef": {"fields": fields}}}}


def _tables(
    items: Collection[Node], shadowed: Collection[str], catalog: Catalog
) -> Iterator[tuple[str, Table | None]]:
    """What a FROM names, in order, each as the query calls it; None for what is no table, or is joined
    in a way that changes what `*` means."""
    for item in items:
        ((kind, node),) = item.items()
        if kind == "JoinExpr" and not (node.get("usingClause") or node.get("isNatural") or node.get("alias")):
            yield from _tables([node["larg"], node["rarg"]], shadowed, catalog)
        elif kind == "JoinExpr":
            yield "", None
        elif kind == "RangeVar":
            is_table = node.get("schemaname") or node["relname"] not in shadowed
            table = catalog.find(node.get("schemaname"), node["relname"]) if is_table else None
            yield node.get("alias", {}).get("aliasname", node["relname"]), table
        else:
            yield node.get("alias", {}).get("aliasname", ""), None
