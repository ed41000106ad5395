"""Which of a script's tables hold no row: what is true of a big table alone is not said of these."""

from __future__ import annotations

import psycopg
from psycopg import sql

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Target
from workorders.migration.hazards.linting import relations
from workorders.migration.names import RelationName

#: A table that was emptied but not vacuumed may take long to be found empty; then it counts as filled.
_LOOK_MS = 500

#: What can hold rows of its own or of its partitions.
_KINDS = "rpm"


def empty(target: Target, catalog: Catalog, script: str) -> frozenset[RelationName]:
    """The tables that the script names, their partitions included, in which nobody sees a row.

    Asks for one row of each. What cannot be read, or not soon, counts as filled.
    """
    named = (catalog.find(schema or None, name) for schema, name in relations(script))
    tables = {table.name: table for table in named if table is not None}
    for table in tuple(tables.values()):
        tables |= {name: catalog.tables[name] for name in table.children if name in catalog.tables}
    return frozenset(
        name for name, table in tables.items() if table.kind in _KINDS and _is_empty(target, name)
    )


def _is_empty(target: Target, name: RelationName) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name.schema, name.name))
    try:
        with target.transaction():
            target.execute("SET TRANSACTION READ ONLY")
            target.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", (f"{_LOOK_MS}ms",))
            row = target.execute(query).fetchone()
    except psycopg.Error:
        return False
    return row is not None and not row[0]
