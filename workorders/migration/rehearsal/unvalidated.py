"""NOT VALID constraints out of the way while the target's rows come in, for those rows may break them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from workorders.migration.connections import Shadow
from workorders.migration.names import literal, quoted

#: Each with its table, definition and comment; what a child has of its parent goes and comes with that.
_CONSTRAINTS = """
SELECT c.conrelid::pg_catalog.regclass::text, c.conname::text, pg_catalog.pg_get_constraintdef(c.oid),
       pg_catalog.obj_description(c.oid, 'pg_constraint')
  FROM pg_catalog.pg_constraint c
 WHERE c.contype IN ('c', 'n') AND NOT c.convalidated AND c.conrelid <> 0 AND c.coninhcount = 0
 ORDER BY c.oid
"""


@contextmanager
def set_aside(shadow: Shadow) -> Iterator[None]:
    """Within the caller's transaction; they are there again afterwards, as little validated as before."""
    found = shadow.execute(_CONSTRAINTS).fetchall()
    for table, name, _, _ in found:
        shadow.execute(sql.SQL(f"ALTER TABLE {table} DROP CONSTRAINT {quoted(name)}"))
    yield
    for table, name, definition, comment in found:
        shadow.execute(sql.SQL(f"ALTER TABLE {table} ADD CONSTRAINT {quoted(name)} {definition}"))
        if comment is not None:
            remark = f"COMMENT ON CONSTRAINT {quoted(name)} ON {table} IS {literal(comment)}"
            shadow.execute(sql.SQL(remark))
