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
    return _named_after(key["expr"])[0] or "expr"


#: Expressions that are called the same, whatever is in them.
_CALLED = {
    "SubLink": {"EXISTS_SUBLINK": "exists", "ARRAY_SUBLINK": "array"},
    "MinMaxExpr": {"IS_GREATEST": "greatest", "IS_LEAST": "least"},
    "JsonFuncExpr": {
        "JSON_EXISTS_OP": "json_exists",
        "JSON_QUERY_OP": "json_query",
        "JSON_VALUE_OP": "json_value",
    },
    "XmlExpr": {
        f"IS_{name.upper()}": name
        for name in ("xmlconcat", "xmlelement", "xmlforest", "xmlparse", "xmlpi", "xmlroot")
    },
}
_ALWAYS_CALLED = {
    "A_ArrayExpr": "array",
    "RowExpr": "row",
    "CoalesceExpr": "coalesce",
    "XmlSerialize": "xmlserialize",
    "JsonObjectConstructor": "json_object",
    "JsonArrayConstructor": "json_array",
    "JsonScalarExpr": "json_scalar",
    "JsonParseExpr": "json",
    "JsonSerializeExpr": "json_serialize",
}


def _named_after(expression: Node) -> tuple[str | None, bool]:
    """What an expression is called, and whether that is more than a guess (`FigureColnameInternal`)."""
    ((kind, inner),) = expression.items()
    match kind:
        case "ColumnRef":
            fields = [item["String"]["sval"] for item in inner["fields"] if "String" in item]
            return (fields[-1], True) if fields else (None, False)
        case "A_Indirection":
            fields = [item["String"]["sval"] for item in inner["indirection"] if "String" in item]
            return (fields[-1], True) if fields else _named_after(inner["arg"])
        case "FuncCall":
            return tree.strings(inner["funcname"])[-1], True
        case "A_Expr" if inner["kind"] == "AEXPR_NULLIF":
            return "nullif", True
        case "TypeCast":
            return _else(_named_after(inner["arg"]), tree.strings(inner["typeName"]["names"])[-1])
        case "CollateClause":
            return _named_after(inner["arg"])
        case "CaseExpr":
            return _else(_named_after(inner["defresult"]) if "defresult" in inner else (None, False), "case")
    name = _ALWAYS_CALLED.get(kind) or _CALLED.get(kind, {}).get(inner.get("op") or inner.get("subLinkType"))
    return name, name is not None


def _else(found: tuple[str | None, bool], guess: str) -> tuple[str | None, bool]:
    return found if found[1] else (guess, False)


def definition_for(definition: str, table: RelationName, name: str) -> str:
    """A CREATE INDEX of the same form on another table."""
    (raw,) = tree.statements(definition)
    relation = {"schemaname": table.schema, "relname": table.name, "inh": True, "relpersistence": "p"}
    node = {key: value for key, value in raw.node.items() if key != "concurrent"}
    return tree.statement_text(raw.kind, {**node, "idxname": name, "relation": relation})
