"""Rows of materialised views: as filled as the target's, and what of them is a matter of chance."""

from __future__ import annotations

from collections.abc import Collection

import psycopg
from psycopg import sql

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Shadow
from workorders.migration.names import RelationName
from workorders.migration.rehearsal import rows
from workorders.migration.rehearsal.rows import Rows
from workorders.migration.rehearsal.shadow import Copy
from workorders.migration.rehearsal.state import Chance

#: Each after those that it reads.
_VIEWS = """
SELECT n.nspname::text, c.relname::text
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' ORDER BY c.oid
"""


def fill(shadow: Shadow, catalog: Catalog) -> bool:
    """Refreshes those that are filled by the catalog; one whose query fails on these rows stays as it is.

    Gives whether none failed.
    """
    filled = {name for name, view in catalog.tables.items() if view.kind == "m" and view.is_populated}
    return _refresh(shadow, filled) == len(filled)


def chance(copy: Copy, wanted: Rows, found: Rows) -> Chance:
    """The columns of views to which one more refresh gives other values than they have.

    `found` are the copy's rows after the way back, `wanted` those before it all. Refreshes those views
    of the copy that differ.
    """
    other = {name for name in wanted if wanted[name] != found.get(name)}
    with psycopg.connect(copy.superuser, autocommit=True) as connection:
        shadow = Shadow(connection)
        if not _refresh(shadow, other):
            return Chance()
        return Chance(columns=rows.nondeterministic(found, rows.read(shadow), found))


def _refresh(shadow: Shadow, chosen: Collection[RelationName]) -> int:
    refreshed = 0
    for schema, name in shadow.execute(_VIEWS).fetchall():
        if RelationName(schema=schema, name=name) in chosen:
            try:
                shadow.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(sql.Identifier(schema, name)))
            except psycopg.Error:
                continue
            refreshed += 1
    return refreshed
