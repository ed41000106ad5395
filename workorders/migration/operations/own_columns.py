"""Columns of ours that stand in the way of a type's end: what is kept of it stays as text.

Row images and kept values have the types of the columns that they are of, so that nothing is lost.
A type that a script made goes on the way back, after all that needed it was undone.
"""

from __future__ import annotations

from workorders.migration.names import OUR_SCHEMA, literal

_AS_TEXT = """DO $lockkeeper$
DECLARE own record;
BEGIN
    FOR own IN
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS relation, a.attname AS name
        FROM pg_catalog.pg_attribute a
        JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE n.nspname = {schema} AND c.relkind = 'r' AND NOT a.attisdropped
            AND {condition}
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s ALTER COLUMN %I TYPE text', own.relation, own.name);
    END LOOP;
END
$lockkeeper$"""

_OF_EXTENSION = """EXISTS (SELECT FROM pg_catalog.pg_depend d
                JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
                    AND d.objid IN (t.oid, t.typelem) AND d.deptype = 'e'
                    AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                    AND e.extname = {name})"""


def as_text(kind: str, schema: str, name: str) -> tuple[str, ...]:
    """What is sent before a TYPE, DOMAIN or EXTENSION is dropped; nothing for other kinds."""
    if kind == "EXTENSION":
        condition = _OF_EXTENSION.format(name=literal(name))
    elif kind in ("TYPE", "DOMAIN"):
        condition = (
            "EXISTS (SELECT FROM pg_catalog.pg_type w JOIN pg_catalog.pg_namespace s"
            f" ON s.oid = w.typnamespace WHERE s.nspname = {literal(schema)}"
            f" AND w.typname = {literal(name)} AND t.oid IN (w.oid, w.typarray))"
        )
    else:
        return ()
    return (_AS_TEXT.format(schema=literal(OUR_SCHEMA), condition=condition),)
