"""Constraints as they stand in a column's definition: what the parser gives apart, put together."""

from __future__ import annotations

from workorders.migration.sql.tree import Node

#: `DEFERRABLE` and the like come as constraints of their own, after the one that they are said of.
_ATTRIBUTES = {
    "CONSTR_ATTR_DEFERRABLE": {"deferrable": True},
    "CONSTR_ATTR_NOT_DEFERRABLE": {"deferrable": False},
    "CONSTR_ATTR_DEFERRED": {"deferrable": True, "initdeferred": True},
    "CONSTR_ATTR_IMMEDIATE": {"initdeferred": False},
    "CONSTR_ATTR_ENFORCED": {"is_enforced": True},
    "CONSTR_ATTR_NOT_ENFORCED": {"is_enforced": False, "initially_valid": False, "skip_validation": True},
}


def constraints(definition: Node) -> list[Node]:
    """Those of a ColumnDef, each with its attributes."""
    merged: list[Node] = []
    for item in definition.get("constraints", []):
        constraint = item["Constraint"]
        attributes = _ATTRIBUTES.get(constraint["contype"])
        if attributes is None:
            merged.append(dict(constraint))
        elif merged:
            merged[-1].update(attributes)
    return merged
