"""What a statement does to the tables that inherit from its own (INHERITS), which partitions do not."""

from __future__ import annotations

from workorders.migration.atlas.effect import Effect
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import LockMode
from workorders.migration.operations import family
from workorders.migration.sql.tree import Node

#: Commands of ALTER TABLE that the server does to each heir as well.
_TAKEN_DOWN = frozenset(
    {
        *("AT_AddColumn", "AT_DropColumn", "AT_AlterColumnType", "AT_ColumnDefault"),
        *("AT_SetNotNull", "AT_DropNotNull", "AT_SetStorage", "AT_SetStatistics"),
    }
)


def altered(found: Effect, command: Node, table: Table, catalog: Catalog) -> Effect:
    """The effect of one command of an ALTER TABLE without ONLY, on its heirs, too."""
    kind = command["subtype"]
    if kind in ("AT_AddInherit", "AT_DropInherit"):
        relation = command["def"]["RangeVar"]
        parent = catalog.find(relation.get("schemaname"), relation["relname"])
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE if kind == "AT_AddInherit" else LockMode.ACCESS_SHARE
        return found if parent is None else Effect(locks={**found.locks, parent.name: mode})
    if kind in _TAKEN_DOWN:
        return reached(found, table, catalog)
    if kind == "AT_AddConstraint":
        constraint = command["def"]["Constraint"]
        is_own = constraint["contype"] not in ("CONSTR_CHECK", "CONSTR_NOTNULL")
        # Keys are the table's own, but the server locks heirs before it looks.
        return reached(found, table, catalog, is_only_locked=is_own or bool(constraint.get("is_no_inherit")))
    if kind in ("AT_DropConstraint", "AT_ValidateConstraint"):
        named = table.constraint(command["name"])
        if named is not None and named.kind == "c" and not named.is_no_inherit:
            return reached(found, table, catalog)
    return found


def written(found: Effect, node: Node, table: Table, catalog: Catalog) -> Effect:
    """The effect of an INSERT, which has no heirs, or of an UPDATE or DELETE, which has without ONLY."""
    is_insert = "override" in node
    return found if is_insert or not node["relation"].get("inh") else reached(found, table, catalog)


def renamed(found: Effect, node: Node, table: Table, catalog: Catalog) -> Effect:
    """The effect of a new name for the table, which is no heir's, or for a part of it, which is."""
    is_whole = node.get("renameType") == "OBJECT_TABLE"
    return found if is_whole else reached(found, table, catalog)


def reached(found: Effect, table: Table, catalog: Catalog, *, is_only_locked: bool = False) -> Effect:
    """The effect that does to each heir what it does to the table."""
    heirs = frozenset(heir.name for heir in family.heirs(catalog, table.name))
    mode = found.locks.get(table.name)
    if not heirs or mode is None:
        return found
    own = frozenset() if is_only_locked else heirs
    return Effect(
        locks={**dict.fromkeys(heirs, mode), **found.locks},
        scans=found.scans | own if table.name in found.scans else found.scans,
        rewrites=found.rewrites | own if table.name in found.rewrites else found.rewrites,
    )
