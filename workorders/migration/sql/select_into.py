"""SELECT ... INTO t, read as what the server makes of it: CREATE TABLE t AS SELECT ...

Source: https://www.postgresql.org/docs/18/sql-selectinto.html.
"""

from __future__ import annotations

from typing import Any


def as_table(kind: str, node: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A statement's kind and tree; the same for all others. Of a UNION, the first SELECT says INTO."""
    into = _clause(node) if kind == "SelectStmt" else None
    if into is None:
        return kind, node
    query = {"SelectStmt": _without(node)}
    return "CreateTableAsStmt", {"query": query, "into": into, "objtype": "OBJECT_TABLE"}


def _clause(node: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = node.get("intoClause")
    return _clause(node["larg"]) if found is None and "larg" in node else found


def _without(node: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in node.items() if key != "intoClause"}
    return {**rest, "larg": _without(rest["larg"])} if "larg" in rest else rest
