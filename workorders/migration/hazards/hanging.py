"""What hangs on the functions, types and more that a script drops with CASCADE, asked of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workorders.migration.connections import Target
from workorders.migration.errors import Unreadable
from workorders.migration.names import RelationName
from workorders.migration.sql import objects, tree

#: What `hanging` can tell of. `DropStmt.removeType` without `OBJECT_`.
KINDS = frozenset({"FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE", "TYPE", "DOMAIN", "SEQUENCE", "SCHEMA"})


_QUERY = """
WITH classes AS (
    SELECT oid, relname FROM pg_catalog.pg_class WHERE relnamespace = 'pg_catalog'::pg_catalog.regnamespace
), inside AS (
    SELECT 'pg_class' AS class, c.oid, n.nspname::text AS schema FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'pg_proc', p.oid, n.nspname::text FROM pg_catalog.pg_proc p
      JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'pg_type', t.oid, n.nspname::text FROM pg_catalog.pg_type t
      JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = ANY (%(schemas)s)
), objects AS (
    SELECT class, oid, schema AS name, schema FROM inside
    UNION ALL
    SELECT 'pg_proc' AS class, oid, proname::text AS name, '' FROM pg_catalog.pg_proc
     WHERE proname = ANY (%(names)s)
    UNION ALL
    SELECT 'pg_namespace', oid, nspname::text, '' FROM pg_catalog.pg_namespace
     WHERE nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'pg_type', oid, typname::text, '' FROM pg_catalog.pg_type WHERE typname = ANY (%(names)s)
    UNION ALL
    SELECT 'pg_class', oid, relname::text, '' FROM pg_catalog.pg_class
     WHERE relkind = 'S' AND relname = ANY (%(names)s)
)
SELECT DISTINCT o.name, pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid),
       n.nspname::text, c.relname::text, coalesce(t.tgname::text, '')
FROM objects o JOIN classes has ON has.relname = o.class
JOIN pg_catalog.pg_depend d ON d.refclassid = has.oid AND d.refobjid = o.oid AND d.deptype = 'n'
JOIN classes needs ON needs.oid = d.classid
LEFT JOIN pg_catalog.pg_trigger t ON needs.relname = 'pg_trigger' AND t.oid = d.objid
LEFT JOIN pg_catalog.pg_rewrite w ON needs.relname = 'pg_rewrite' AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef f ON needs.relname = 'pg_attrdef' AND f.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint k ON needs.relname = 'pg_constraint' AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_policy p ON needs.relname = 'pg_policy' AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_index i ON needs.relname = 'pg_class' AND i.indexrelid = d.objid
LEFT JOIN pg_catalog.pg_class c
  ON c.oid = coalesce(t.tgrelid, w.ev_class, f.adrelid, k.conrelid, p.polrelid, i.indrelid,
                      CASE WHEN needs.relname = 'pg_class' THEN d.objid END)
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
-- What is in a schema itself is told once, and its parts go with it.
WHERE o.schema = '' OR (n.nspname IS DISTINCT FROM o.schema::name
  AND NOT EXISTS (SELECT FROM inside i WHERE (i.class, i.oid, i.schema) = (needs.relname, d.objid, o.schema)))
ORDER BY 1, 2
"""


@dataclass(frozen=True, kw_only=True)
class Hanging:
    """Something that CASCADE would take along."""

    #: As `pg_describe_object` puts it.
    description: str
    #: The table or view that it is, or is part of.
    relation: RelationName | None = None
    #: The trigger's name, if it is one.
    trigger: str = ""


def hanging(target: Target, script: str) -> Mapping[str, tuple[Hanging, ...]]:
    """By the bare name of each object of KINDS that the script drops with CASCADE. Reads catalogs alone."""
    names = _dropped(script, KINDS - {"SCHEMA"})
    schemas = _dropped(script, {"SCHEMA"})
    if not names | schemas:
        return {}
    found: defaultdict[str, list[Hanging]] = defaultdict(list)
    for name, description, schema, relation, trigger in target.execute(
        _QUERY, {"names": sorted(names), "schemas": sorted(schemas)}
    ):
        of = RelationName(schema=schema, name=relation) if relation else None
        found[name].append(Hanging(description=description, relation=of, trigger=trigger))
    return {name: tuple(found[name]) for name in names | schemas}


def _dropped(script: str, kinds: Collection[str]) -> frozenset[str]:
    try:
        statements = tree.statements(script)
    except Unreadable:
        return frozenset()
    return frozenset(
        objects.names_of(item)[-1]
        for raw in statements
        if raw.kind == "DropStmt" and raw.node.get("behavior") == "DROP_CASCADE"
        if raw.node["removeType"].removeprefix("OBJECT_") in kinds
        for item in raw.node["objects"]
    )
