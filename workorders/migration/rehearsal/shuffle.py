"""Rows put into another physical order, without a change to any of them, and read in other ways.

What the plain SQL makes of the same rows in another order tells what in its result is a
matter of chance: which row gets which number of a sequence, which of two matches wins. The
server's own choice is as much of a chance: DISTINCT by hashes gives another order than by sorting.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from workorders.migration.connections import Shadow

#: Each ordinary table with a column that may be written without a change. A rule would rewrite the UPDATE.
_TABLES = """
SELECT DISTINCT ON (c.oid) n.nspname::text, c.relname::text, a.attname::text
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attgenerated = '' AND a.attidentity <> 'a'
WHERE c.relkind = 'r' AND NOT c.relhasrules AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY c.oid, a.attnum
"""

_NOT_WRITTEN = (
    psycopg.IntegrityError,
    psycopg.errors.ObjectNotInPrerequisiteState,
    psycopg.errors.InvalidColumnReference,
)

#: What a session may be kept from, so that it reads the same rows in another order.
BY_SORTING = ("enable_hashagg", "enable_hashjoin")
BY_HASHES = ("enable_sort", "enable_incremental_sort", "enable_mergejoin", "enable_nestloop")


def without(ways: Sequence[str], dsn: str) -> str:
    """The connection string of a session that takes other ways where it can."""
    given = conninfo_to_dict(dsn).get("options") or ""
    return make_conninfo(dsn, options=" ".join([str(given), *(f"-c {way}=off" for way in ways)]).strip())


def shuffle(shadow: Shadow) -> None:
    """Every other row of each table moves behind the rest. Fires no trigger; needs a superuser."""
    with shadow.transaction():
        shadow.execute("SELECT pg_catalog.set_config('session_replication_role', 'replica', true)")
        for schema, table, column in shadow.execute(_TABLES).fetchall():
            statement = sql.SQL(
                "UPDATE ONLY {table} t SET {column} = t.{column} FROM"
                " (SELECT ctid AS place, row_number() OVER () % 2 AS half FROM ONLY {table}) h"
                " WHERE h.place = t.ctid AND h.half = 1"
            )
            # A row that breaks a NOT VALID constraint can be written no more, nor can a published table
            # whose rows nothing tells apart: it stays as it lies.
            with suppress(*_NOT_WRITTEN), shadow.transaction():
                shadow.execute(
                    statement.format(table=sql.Identifier(schema, table), column=sql.Identifier(column))
                )
