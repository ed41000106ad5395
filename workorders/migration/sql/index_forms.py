"""Indexes of a partitioned table and of its partitions: which are alike, and what a new one is called."""

from __future__ import annotations

from typing import Any

from workorders.migration.catalog.snapshot import Constraint, Index
from workorders.migration.names import RelationName, chosen, index_columns_part
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node

_NAMES = frozenset({"idxname", "relation", "concurrent", "if_not_exists", "location"})


def are_alike(one: Index, other: Index) -> bool:
    """Whether the server would take the one for a part of the other: the same but for their names."""
    return bool(_form(one.definition) == _form(other.definition))


def _form(definition: str) -> Any:
    (raw,) = tree.statements(definition)
    return _bare({key: value for key, value in raw.node.items() if key not in _NAMES})


def _bare(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if key not in ("location", "options")}
    return [_bare(item) for item in node] if isinstance(node, list) else node


def name_in(child: RelationName, index: Index, key: Constraint | None, taken: frozenset[str]) -> str:
    """What the server calls a partition's index that it makes like its parent's."""
    if key is not None and key.kind == "p":
        return chosen(child.name, None, "pkey", taken)
    part = part_of_name(index.definition)
    return chosen(child.name, part, "idx" if key is None else "key" if key.kind == "u" else "excl", taken)


def part_of_name(definition: str) -> str:
    """The middle of an unnamed index's name, for one like this."""
    (raw,) = tree.statements(definition)
    elements = [*raw.node.get("indexParams", []), *raw.node.get("indexIncludingParams", [])]
    return index_columns_part([name_part(item["IndexElem"]) for item in elements])


def name_part(key: Node) -> str:
    """What an index column contributes to an unnamed index's name (`transformIndexStmt`)."""
    if "name" in key:
        return str(key["name"])
    expression = key["expr"]
    ((kind, inner),) = expression.items()
    if kind == "FuncCall":
        return tree.strings(inner["funcname"])[-1]
    return "expr"


def definition_for(definition: str, table: RelationName, name: str) -> str:
    """A CREATE INDEX of the same form on another table."""
    (raw,) = tree.statements(definition)
    relation = {"schemaname": table.schema, "relname": table.name, "inh": True, "relpersistence": "p"}
    node = {key: value for key, value in raw.node.items() if key != "concurrent"}
    return tree.statement_text(raw.kind, {**node, "idxname": name, "relation": relation})
