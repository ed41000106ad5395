"""What one command of an ALTER TABLE is expected to do if it runs as it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from workorders.migration.atlas import retyped
from workorders.migration.atlas.effect import Effect, together
from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Table
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName
from workorders.migration.operations.operation import Place
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, strings

#: A statement's node and the catalog before it, to what it does; None where that is not modelled.
Handler: TypeAlias = Callable[[Node, Catalog], Effect | None]

#: Commands that let reads and writes go on (`AlterTableGetLockLevel` in the server's tablecmds.c).
_SHARE_UPDATE_EXCLUSIVE = frozenset(
    {
        *("AT_SetStatistics", "AT_SetOptions", "AT_ResetOptions", "AT_SetRelOptions", "AT_ResetRelOptions"),
        *("AT_ClusterOn", "AT_DropCluster"),
    }
)

#: Those that let reads go on.
_SHARE_ROW_EXCLUSIVE = frozenset(
    {
        *("AT_EnableTrig", "AT_EnableAlwaysTrig", "AT_EnableReplicaTrig", "AT_DisableTrig"),
        *("AT_EnableTrigAll", "AT_EnableTrigUser", "AT_DisableTrigAll", "AT_DisableTrigUser"),
    }
)

#: Changes of the catalog alone, under ACCESS EXCLUSIVE.
_CATALOG_ONLY = frozenset(
    {
        *("AT_ColumnDefault", "AT_DropNotNull", "AT_SetStorage", "AT_SetCompression"),
        *("AT_ReplicaIdentity", "AT_ChangeOwner", "AT_EnableRowSecurity", "AT_DisableRowSecurity"),
        *("AT_ForceRowSecurity", "AT_NoForceRowSecurity", "AT_AddIdentity", "AT_SetIdentity"),
        *("AT_DropIdentity", "AT_DropExpression", "AT_AddInherit", "AT_DropInherit"),
        *("AT_EnableRule", "AT_DisableRule", "AT_EnableAlwaysRule", "AT_EnableReplicaRule"),
    }
)

_SERIALS = frozenset({"serial", "serial4", "bigserial", "serial8", "smallserial", "serial2"})


def effect(command: Node, table: Table, catalog: Catalog) -> Effect | None:
    """What the command does; None where that is not modelled."""
    kind = command["subtype"]
    if kind in _SHARE_UPDATE_EXCLUSIVE and table.kind != "v":
        return Effect(locks={table.name: LockMode.SHARE_UPDATE_EXCLUSIVE})
    if kind in _SHARE_ROW_EXCLUSIVE:
        return Effect(locks={table.name: LockMode.SHARE_ROW_EXCLUSIVE})
    if kind in _CATALOG_ONLY or table.kind == "v":
        return exclusive(table)
    found = _HANDLERS.get(kind)
    return None if found is None else found(command, table, catalog)


def exclusive(table: Table, *, is_read: bool = False, is_rewritten: bool = False) -> Effect:
    """ACCESS EXCLUSIVE on the table, which is read or written anew; whatever is written anew is read."""
    only = frozenset({table.name})
    return Effect(
        locks={table.name: LockMode.ACCESS_EXCLUSIVE},
        scans=only if is_read or is_rewritten else frozenset(),
        rewrites=only if is_rewritten else frozenset(),
    )


def leaves(catalog: Catalog, table: Table) -> tuple[RelationName, ...]:
    """All that inherits from the table, or is a partition of it, at any depth."""
    found: list[RelationName] = []
    for child in table.children:
        found += [child, *(leaves(catalog, catalog.tables[child]) if child in catalog.tables else ())]
    return tuple(found)


def default_partition(catalog: Catalog, parent: Table) -> RelationName | None:
    """The parent's DEFAULT partition, where it has one."""
    return next(
        (child for child in parent.children if catalog.tables[child].partition_bound == "DEFAULT"), None
    )


def table_of_index(catalog: Catalog, names: tuple[str, ...]) -> Table | None:
    """The table that an index belongs to."""
    schemas = names[:-1] or catalog.search_path
    return next(
        (
            table
            for schema in schemas
            for table in catalog.tables.values()
            if table.name.schema == schema and any(index.name == names[-1] for index in table.indexes)
        ),
        None,
    )


def _add_column(command: Node, table: Table, catalog: Catalog) -> Effect | None:
    definition = command["def"]["ColumnDef"]
    if table.column(definition["colname"]) is not None:
        return exclusive(table) if command.get("missing_ok") else None
    constraints = [item["Constraint"] for item in definition.get("constraints", [])]
    found = [exclusive(table, is_rewritten=_is_filled(definition, constraints, catalog))]
    for constraint in constraints:
        match constraint["contype"]:
            case "CONSTR_CHECK" | "CONSTR_UNIQUE" | "CONSTR_PRIMARY":
                found.append(exclusive(table, is_read=True))
            case "CONSTR_FOREIGN":
                # NULL points nowhere, so nothing is looked up.
                is_null = "CONSTR_DEFAULT" not in {each["contype"] for each in constraints}
                found.append(_foreign_key({**constraint, "skip_validation": is_null}, table, catalog))
    return together(found)


def _is_filled(definition: Node, constraints: list[Node], catalog: Catalog) -> bool:
    """Whether each row gets a value of its own, so that all are written."""
    by_kind = {constraint["contype"]: constraint for constraint in constraints}
    words = strings(definition["typeName"].get("names", []))
    if words[-1] in _SERIALS or "CONSTR_IDENTITY" in by_kind:
        return True
    if by_kind.get("CONSTR_GENERATED", {}).get("generated_kind") == "s":
        return True
    if words[-1] in catalog.constrained_domains:
        return True
    default = by_kind.get("CONSTR_DEFAULT")
    return default is not None and bool(catalog.volatile(tree.functions_in(default)))


def _set_not_null(command: Node, table: Table, _: Catalog) -> Effect | None:
    column = table.column(command["name"])
    if column is None:
        return None
    return exclusive(table, is_read=not column.not_null and not _is_proven(column, table))


def _is_proven(column: Column, table: Table) -> bool:
    """Whether a validated CHECK says that it has a value (12 and later)."""
    bare = {f"CHECK (({name} IS NOT NULL))" for name in (column.name, f'"{column.name}"')}
    return any(
        constraint.kind == "c" and constraint.is_validated and constraint.definition in bare
        for constraint in table.constraints
    )


def _add_constraint(command: Node, table: Table, catalog: Catalog) -> Effect | None:
    constraint = command["def"]["Constraint"]
    match constraint["contype"]:
        case "CONSTR_FOREIGN":
            return _foreign_key(constraint, table, catalog)
        case "CONSTR_CHECK" | "CONSTR_NOTNULL":
            return exclusive(table, is_read=not constraint.get("skip_validation"))
        case "CONSTR_UNIQUE" | "CONSTR_PRIMARY" if constraint.get("indexname"):
            return exclusive(table, is_read=_makes_not_null(constraint, table))
        case "CONSTR_UNIQUE" | "CONSTR_PRIMARY" | "CONSTR_EXCLUSION":
            return exclusive(table, is_read=True)
    return None


def _makes_not_null(constraint: Node, table: Table) -> bool:
    """Whether a primary key over an index demands values of a column that did not have to have one."""
    if constraint["contype"] != "CONSTR_PRIMARY":
        return False
    index = next((index for index in table.indexes if index.name == constraint["indexname"]), None)
    columns = () if index is None else tuple(table.column(name) for name in index.key_columns)
    return any(column is not None and not column.not_null for column in columns)


def _foreign_key(constraint: Node, table: Table, catalog: Catalog) -> Effect:
    relation = constraint["pktable"]
    parent = catalog.find(relation.get("schemaname"), relation["relname"])
    names = [table.name, *([] if parent is None else [parent.name])]
    is_read = not constraint.get("skip_validation")
    return Effect(
        locks=dict.fromkeys(names, LockMode.SHARE_ROW_EXCLUSIVE),
        scans=frozenset(names) if is_read else frozenset(),
    )


def _validate(command: Node, table: Table, _: Catalog) -> Effect | None:
    found = table.constraint(command["name"])
    if found is None:
        return None
    locks = {table.name: LockMode.SHARE_UPDATE_EXCLUSIVE}
    if found.is_validated:
        return Effect(locks=locks)
    scans = {table.name}
    if found.kind == "f" and found.referenced is not None:
        locks.setdefault(found.referenced, LockMode.ROW_SHARE)
        scans.add(found.referenced)
    return Effect(locks=locks, scans=frozenset(scans))


def _drop_constraint(command: Node, table: Table, _: Catalog) -> Effect | None:
    found = table.constraint(command["name"])
    return together((exclusive(table), *_parent_of(found)))


def _parent_of(constraint: Constraint | None) -> tuple[Effect, ...]:
    if constraint is None or constraint.referenced is None:
        return ()
    return (Effect(locks={constraint.referenced: LockMode.ACCESS_EXCLUSIVE}),)


def _drop_column(command: Node, table: Table, _: Catalog) -> Effect | None:
    keys = [key for key in table.foreign_keys if command["name"] in key.columns]
    return together((exclusive(table), *(effect for key in keys for effect in _parent_of(key))))


def _alter_constraint(command: Node, table: Table, _: Catalog) -> Effect | None:
    change = command["def"]["ATAlterConstraint"]
    found = table.constraint(change["conname"])
    if found is None or change.get("alterEnforceability"):
        return None
    return exclusive(table)


def _alter_type(command: Node, table: Table, catalog: Catalog) -> Effect | None:
    return retyped.effect(command, table, catalog, Place(statement=0, line=1))


def _persistence(command: Node, table: Table, _: Catalog) -> Effect | None:
    wanted = "u" if command["subtype"] == "AT_SetUnLogged" else "p"
    return exclusive(table, is_rewritten=table.persistence != wanted)


def _attach(command: Node, table: Table, catalog: Catalog) -> Effect | None:
    child = _partition(command, catalog)
    if child is None:
        return None
    locks = {table.name: LockMode.SHARE_UPDATE_EXCLUSIVE, child.name: LockMode.ACCESS_EXCLUSIVE}
    scans = {child.name} if not _is_bounded(child, table) else set()
    default = default_partition(catalog, table)
    if default is not None:
        locks[default] = LockMode.ACCESS_EXCLUSIVE
        scans.add(default)
    return Effect(locks=locks, scans=frozenset(scans))


def _is_bounded(child: Table, parent: Table) -> bool:
    """Whether a validated CHECK reads just the columns of the partition key.

    That it proves the bound is taken on trust here: the server reads the rows where it does not.
    """
    key = (parent.partition_key or "").partition("(")[2].rstrip(")").split(", ")
    return any(
        constraint.kind == "c" and constraint.is_validated and set(constraint.columns) == set(key)
        for constraint in child.constraints
    )


def _detach(command: Node, table: Table, catalog: Catalog) -> Effect | None:
    child = _partition(command, catalog)
    if child is None or command["def"]["PartitionCmd"].get("concurrent"):
        return None
    before_14 = LockMode.SHARE_UPDATE_EXCLUSIVE
    mode = before_14 if catalog.major < 14 else LockMode.ACCESS_EXCLUSIVE
    return Effect(locks={table.name: LockMode.ACCESS_EXCLUSIVE, child.name: mode})


def _partition(command: Node, catalog: Catalog) -> Table | None:
    relation = command["def"]["PartitionCmd"]["name"]
    return catalog.find(relation.get("schemaname"), relation["relname"])


_HANDLERS: Mapping[str, Callable[[Node, Table, Catalog], Effect | None]] = {
    "AT_AddColumn": _add_column,
    "AT_SetNotNull": _set_not_null,
    "AT_AddConstraint": _add_constraint,
    "AT_ValidateConstraint": _validate,
    "AT_DropConstraint": _drop_constraint,
    "AT_DropColumn": _drop_column,
    "AT_AlterConstraint": _alter_constraint,
    "AT_AlterColumnType": _alter_type,
    "AT_SetLogged": _persistence,
    "AT_SetUnLogged": _persistence,
    "AT_AttachPartition": _attach,
    "AT_DetachPartition": _detach,
}
