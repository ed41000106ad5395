"""What a statement is expected to do if it runs as it is written, from the catalog and the version alone.

Unknown means unknown: a statement that is not modelled here has no expectation, never an
empty one. Source: the server's own `tablecmds.c` and measurements on servers 12 to 18.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from workorders.migration.atlas import altered, heirs, published
from workorders.migration.atlas.effect import Effect, together
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.errors import Refused
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, RawStatement, strings

_NOTHING = Effect()

#: Of these no relation's lock is held that an application would meet.
_LOCKLESS = frozenset(
    {
        *("AlterEnumStmt", "CreateEnumStmt", "CompositeTypeStmt", "CreateRangeStmt", "CreateDomainStmt"),
        *("CreateSchemaStmt", "CreateSeqStmt", "CreateFunctionStmt", "DefineStmt", "AlterStatsStmt"),
        *("VariableSetStmt", "TransactionStmt", "CreateExtensionStmt", "AlterFunctionStmt"),
    }
)

#: Of these, too, whatever is done with them.
_WITHOUT_RELATION = frozenset(
    f"OBJECT_{kind}"
    for kind in (
        *("SEQUENCE", "TYPE", "DOMAIN", "SCHEMA", "FUNCTION", "PROCEDURE", "AGGREGATE", "EXTENSION"),
        "PUBLICATION",
    )
)

#: What DROP locks of the relation that the object is part of.
_PARTS = {"OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"}


def effect(raw: RawStatement, catalog: Catalog) -> Effect | None:
    """What the statement is expected to do; None where that is not modelled."""
    if raw.kind in _LOCKLESS:
        return _NOTHING
    found = _HANDLERS.get(raw.kind)
    try:
        return None if found is None else found(raw.node, catalog)
    except Refused:
        # It names what is not there; whoever plans it says so.
        return None


def of_all(statements: tuple[RawStatement, ...], catalog: Catalog) -> Effect | None:
    """Of several in one transaction, each on the catalog as it was before the first."""
    found = []
    for raw in statements:
        found.append(effect(raw, catalog))
        if raw.kind == "VariableSetStmt" and raw.node.get("name", "").lower() == "timezone":
            zone = raw.node["args"][0]["A_Const"]["sval"]["sval"]
            catalog = replace(catalog, settings={**catalog.settings, "TimeZone": zone})
    return None if None in found else together(each for each in found if each is not None)


def _table(catalog: Catalog, relation: Node) -> Table | None:
    return catalog.find(relation.get("schemaname"), relation["relname"])


def _on(mode: LockMode, *names: RelationName | None) -> Effect:
    return Effect(locks={name: mode for name in names if name is not None})


def _alter_table(node: Node, catalog: Catalog) -> Effect | None:
    if node.get("objtype") not in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"):
        return None
    table = _table(catalog, node["relation"])
    if table is None:
        return _NOTHING if node.get("missing_ok") else None
    found: list[Effect] = []
    for command in (item["AlterTableCmd"] for item in node["cmds"]):
        own = altered.effect(command, table, catalog)
        if own is None:
            return None
        reaches = node["relation"].get("inh", False)
        found.append(heirs.altered(own, command, table, catalog) if reaches else own)
    return together(found)


def _create_index(node: Node, catalog: Catalog) -> Effect | None:
    table = _table(catalog, node["relation"])
    if table is None:
        return None
    if node.get("concurrent"):
        return _on(LockMode.SHARE_UPDATE_EXCLUSIVE, table.name)
    reaches = node["relation"].get("inh", False) and table.kind == "p"
    names = (table.name, *(altered.leaves(catalog, table) if reaches else ()))
    read = frozenset(name for name in names if catalog.tables[name].kind in "rm")
    return Effect(locks=dict.fromkeys(names, LockMode.SHARE), scans=read)


def _drop(node: Node, catalog: Catalog) -> Effect | None:
    kind = node.get("removeType")
    named = [strings(item["List"]["items"]) for item in node["objects"] if "List" in item]
    if kind == "OBJECT_INDEX":
        tables = [table for names in named if (table := altered.table_of_index(catalog, names)) is not None]
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE if node.get("concurrent") else LockMode.ACCESS_EXCLUSIVE
        return _on(mode, *(table.name for table in tables))
    if kind in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"):
        return together(_dropped(names, catalog) for names in named)
    if kind in _PARTS:
        return together(_on(LockMode.ACCESS_EXCLUSIVE, _relation(catalog, names[:-1])) for names in named)
    apart = ("OBJECT_SEQUENCE", "OBJECT_TYPE", "OBJECT_SCHEMA", "OBJECT_FUNCTION", "OBJECT_PUBLICATION")
    return _NOTHING if kind in apart else None


def _dropped(names: tuple[str, ...], catalog: Catalog) -> Effect:
    """A dropped table takes the tables along that its foreign keys tie it to, and what it is a part of."""
    name = _relation(catalog, names)
    if name is None:
        return _NOTHING
    table = catalog.tables[name]
    tied = [key.referenced for key in table.foreign_keys]
    tied += [reference.table for reference in catalog.referencing(name)]
    parents = table.parents if table.is_partition else ()
    return _on(LockMode.ACCESS_EXCLUSIVE, name, *tied, *parents, *altered.leaves(catalog, table))


def _relation(catalog: Catalog, names: tuple[str, ...]) -> RelationName | None:
    table = catalog.find(names[-2] if len(names) > 1 else None, names[-1])
    return None if table is None else table.name


def _create_table(node: Node, catalog: Catalog) -> Effect | None:
    found: list[Effect] = []
    for relation in node.get("inhRelations", []):
        parent = _table(catalog, relation["RangeVar"])
        if parent is None:
            return None
        found.append(_new_child(parent, catalog, is_partition="partbound" in node))
    for item in node.get("tableElts", []):
        if "TableLikeClause" in item:
            like = _table(catalog, item["TableLikeClause"]["relation"])
            found.append(_on(LockMode.ACCESS_SHARE, None if like is None else like.name))
    for constraint in _constraints(node):
        if constraint.get("contype") == "CONSTR_FOREIGN":
            parent = _table(catalog, constraint["pktable"])
            found.append(_on(LockMode.SHARE_ROW_EXCLUSIVE, None if parent is None else parent.name))
    return together(found)


def _new_child(parent: Table, catalog: Catalog, *, is_partition: bool) -> Effect:
    if not is_partition:
        return _on(LockMode.SHARE_UPDATE_EXCLUSIVE, parent.name)
    default = altered.default_partition(catalog, parent)
    read = frozenset() if default is None else frozenset({default})
    return Effect(locks=_on(LockMode.ACCESS_EXCLUSIVE, parent.name, default).locks, scans=read)


def _constraints(node: Node) -> Iterator[Node]:
    for item in node.get("tableElts", []):
        if "Constraint" in item:
            yield item["Constraint"]
        for inner in item.get("ColumnDef", {}).get("constraints", []):
            yield inner["Constraint"]


def _create_table_as(node: Node, catalog: Catalog) -> Effect | None:
    return _reading(node["query"], catalog)


def _reading(query: object, catalog: Catalog, *, is_read: bool = True) -> Effect:
    """What a query reads, as if none of it went by an index."""
    names = [
        table.name
        for part in tree.walk(query)
        if part.kind == "RangeVar" and (table := _table(catalog, part.node)) is not None
    ]
    read = frozenset(name for name in names if is_read and catalog.tables[name].kind in "rm")
    return Effect(locks=_on(LockMode.ACCESS_SHARE, *names).locks, scans=read)


def _view(node: Node, catalog: Catalog) -> Effect | None:
    view = _table(catalog, node["view"])
    own = _on(LockMode.ACCESS_EXCLUSIVE, None if view is None else view.name)
    return together((_reading(node["query"], catalog, is_read=False), own))


def _refresh(node: Node, catalog: Catalog) -> Effect | None:
    view = _table(catalog, node["relation"])
    if view is None:
        return None
    # What it is made from stands in its definition, which the catalog's snapshot does not hold.
    sources = [
        table.name
        for table in catalog.tables.values()
        if any(dependant.relation == view.name for dependant in table.dependants)
    ]
    read = frozenset(sources)
    if node.get("concurrent"):
        locks = {**dict.fromkeys(sources, LockMode.ACCESS_SHARE), view.name: LockMode.EXCLUSIVE}
        return Effect(locks=locks, scans=read | {view.name})
    locks = {**dict.fromkeys(sources, LockMode.ACCESS_SHARE), view.name: LockMode.ACCESS_EXCLUSIVE}
    # Its indexes are built from what it holds then.
    built = frozenset({view.name}) if view.indexes else frozenset()
    return Effect(locks=locks, scans=read | built, rewrites=frozenset({view.name}))


def _rename(node: Node, catalog: Catalog) -> Effect | None:
    kind = node.get("renameType")
    if kind == "OBJECT_INDEX":
        return _NOTHING
    relation = node.get("relation")
    table = None if relation is None else _table(catalog, relation)
    if table is None:
        apart = ("OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_SCHEMA", "OBJECT_SEQUENCE", "OBJECT_PUBLICATION")
        return _NOTHING if kind in apart else None
    return heirs.renamed(_on(LockMode.ACCESS_EXCLUSIVE, table.name), node, table, catalog)


def _set_schema(node: Node, catalog: Catalog) -> Effect | None:
    relation = node.get("relation")
    table = None if relation is None else _table(catalog, relation)
    return None if table is None else _on(LockMode.ACCESS_EXCLUSIVE, table.name)


def _reindex(node: Node, catalog: Catalog) -> Effect | None:
    relation = node.get("relation")
    if relation is None:
        return None
    if node.get("kind") == "REINDEX_OBJECT_INDEX":
        names = tuple(part for part in (relation.get("schemaname"), relation["relname"]) if part)
        table = altered.table_of_index(catalog, names)
    else:
        table = _table(catalog, relation)
    if table is None:
        return None
    if _has_option(node.get("params", []), "concurrently"):
        return _on(LockMode.SHARE_UPDATE_EXCLUSIVE, table.name)
    return Effect(locks={table.name: LockMode.SHARE}, scans=frozenset({table.name}))


def _has_option(options: list[Node], name: str) -> bool:
    return any(option["DefElem"]["defname"] == name for option in options)


def _rewritten(node: Node, catalog: Catalog) -> Effect | None:
    """CLUSTER, and VACUUM FULL."""
    relation = node.get("relation")
    table = None if relation is None else _table(catalog, relation)
    if table is None:
        return None
    only = frozenset({table.name})
    return Effect(locks={table.name: LockMode.ACCESS_EXCLUSIVE}, rewrites=only, scans=only)


def _vacuum(node: Node, catalog: Catalog) -> Effect | None:
    found = []
    for item in node.get("rels", []):
        relation = item["VacuumRelation"]
        if _has_option(node.get("options", []), "full"):
            found.append(_rewritten(relation, catalog))
        else:
            table = _table(catalog, relation["relation"])
            found.append(None if table is None else _on(LockMode.SHARE_UPDATE_EXCLUSIVE, table.name))
    return None if not found or None in found else together(each for each in found if each is not None)


def _truncate(node: Node, catalog: Catalog) -> Effect | None:
    names: list[RelationName] = []
    for item in node["relations"]:
        table = _table(catalog, item["RangeVar"])
        if table is None:
            return None
        reaches = item["RangeVar"].get("inh", False) or table.kind == "p"
        names += [table.name, *(altered.leaves(catalog, table) if reaches else ())]
    if node.get("behavior") == "DROP_CASCADE":
        for name in names:
            names += [each.table for each in catalog.referencing(name) if each.table not in names]
    stored = frozenset(name for name in names if catalog.tables[name].kind == "r")
    return Effect(locks=dict.fromkeys(names, LockMode.ACCESS_EXCLUSIVE), rewrites=stored)


def _written(node: Node, catalog: Catalog) -> Effect | None:
    table = _table(catalog, node["relation"])
    return (
        None
        if table is None
        else heirs.written(_on(LockMode.ROW_EXCLUSIVE, table.name), node, table, catalog)
    )


def _trigger(node: Node, catalog: Catalog) -> Effect | None:
    table = _table(catalog, node["relation"])
    return None if table is None else _on(LockMode.SHARE_ROW_EXCLUSIVE, table.name)


def _policy(node: Node, catalog: Catalog) -> Effect | None:
    table = _table(catalog, node["table"] if "table" in node else node["relation"])
    return None if table is None else _on(LockMode.ACCESS_EXCLUSIVE, table.name)


def _statistics(node: Node, catalog: Catalog) -> Effect | None:
    table = _table(catalog, node["relations"][0]["RangeVar"])
    return None if table is None else _on(LockMode.SHARE_UPDATE_EXCLUSIVE, table.name)


def _comment(node: Node, catalog: Catalog) -> Effect | None:
    kind, thing = node["objtype"], node["object"]
    if kind not in ("OBJECT_COLUMN", "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW"):
        return _NOTHING if kind in _WITHOUT_RELATION else None
    names = strings(thing["List"]["items"])
    return _on(
        LockMode.SHARE_UPDATE_EXCLUSIVE, _relation(catalog, names[:-1] if kind == "OBJECT_COLUMN" else names)
    )


def _grant(node: Node, catalog: Catalog) -> Effect | None:
    if node.get("objtype") != "OBJECT_TABLE" or node.get("targtype") != "ACL_TARGET_OBJECT":
        return _NOTHING
    if catalog.major < 18:
        return _NOTHING
    tables = [_table(catalog, item["RangeVar"]) for item in node["objects"]]
    return _on(LockMode.ACCESS_SHARE, *(table.name for table in tables if table is not None))


def _lock(node: Node, catalog: Catalog) -> Effect | None:
    modes = list(LockMode)
    tables = [_table(catalog, item["RangeVar"]) for item in node["relations"]]
    return _on(modes[node["mode"] - 1], *(table.name for table in tables if table is not None))


def _sequence(node: Node, catalog: Catalog) -> Effect | None:
    sequence = node["sequence"]
    schema = sequence.get("schemaname") or next(
        (s for s in catalog.search_path if sequence["relname"] in catalog.relation_names.get(s, ())), None
    )
    moves = {"restart", "start", "increment", "maxvalue", "minvalue", "cache", "cycle", "as"}
    changed = any(option["DefElem"]["defname"] in moves for option in node.get("options", []))
    if schema is None or not changed:
        return _NOTHING
    return Effect(rewrites=frozenset({RelationName(schema=schema, name=sequence["relname"])}))


def _domain(node: Node, catalog: Catalog) -> Effect | None:
    names = strings(node["typeName"])
    # What is added or demanded is looked up in every table that uses it.
    is_read = (node["subtype"] == "C" and not node["def"]["Constraint"].get("skip_validation")) or (
        node["subtype"] == "O"
    )
    if not is_read:
        return _NOTHING
    written = catalog.types.written(names, catalog.search_path)
    users = [
        table.name
        for table in catalog.tables.values()
        if table.kind in "rm" and any(column.type == written for column in table.columns)
    ]
    return Effect(locks=dict.fromkeys(users, LockMode.SHARE), scans=frozenset(users))


_HANDLERS: Mapping[str, altered.Handler] = {
    "AlterTableStmt": _alter_table,
    "IndexStmt": _create_index,
    "DropStmt": _drop,
    "CreateStmt": _create_table,
    "CreateTableAsStmt": _create_table_as,
    "ViewStmt": _view,
    "RefreshMatViewStmt": _refresh,
    "RenameStmt": _rename,
    "AlterObjectSchemaStmt": _set_schema,
    "ReindexStmt": _reindex,
    "ClusterStmt": _rewritten,
    "VacuumStmt": _vacuum,
    "TruncateStmt": _truncate,
    "UpdateStmt": _written,
    "DeleteStmt": _written,
    "InsertStmt": _written,
    "CreateTrigStmt": _trigger,
    "CreatePolicyStmt": _policy,
    "AlterPolicyStmt": _policy,
    "RuleStmt": _policy,
    "CreateStatsStmt": _statistics,
    "CommentStmt": _comment,
    "GrantStmt": _grant,
    "LockStmt": _lock,
    "AlterSeqStmt": _sequence,
    "AlterDomainStmt": _domain,
    "CreatePublicationStmt": published.effect,
    "AlterPublicationStmt": published.effect,
}
