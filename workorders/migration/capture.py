"""The transaction in which a script's own data statement runs, and what it must not have done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workorders.migration.connections import Target
from workorders.migration.errors import Refused
from workorders.migration.names import OUR_SCHEMA, RelationName
from workorders.migration.steps import Action

_GUARDS = """
SELECT pg_catalog.current_setting('session_replication_role'), pg_catalog.current_setting('row_security'),
       current_user::text, pg_catalog.current_setting('lockkeeper.capture', true)
"""

#: Tables that this transaction has written, or locked more strongly than writing does.
_WRITTEN = """
SELECT DISTINCT n.nspname::text, c.relname::text, l.mode <> 'RowExclusiveLock' AS is_strong
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND c.relkind IN ('r', 'p')
  AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND n.nspname NOT IN (%s, 'pg_catalog')
ORDER BY 1, 2
"""

#: Rows of the catalog that this session has written, as far as it has not reported them yet.
_CATALOG_WRITES = """
SELECT pg_catalog.current_setting('track_counts')::bool,
       sum(pg_catalog.pg_stat_get_xact_tuples_inserted(oid) + pg_catalog.pg_stat_get_xact_tuples_updated(oid)
           + pg_catalog.pg_stat_get_xact_tuples_deleted(oid))
FROM pg_catalog.pg_class WHERE oid < 16384 AND relkind = 'r' AND relnamespace = 'pg_catalog'::regnamespace
"""


#: Materialised views that this transaction fills anew.
_REFRESHED = """
SELECT DISTINCT n.nspname || '.' || c.relname
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND c.relkind = 'm'
  AND l.mode IN ('ExclusiveLock', 'AccessExclusiveLock')
ORDER BY 1
"""


class Uncaptured(Refused):
    """The statement wrote tables of which no images were kept; it was rolled back."""

    tables: tuple[RelationName, ...] = ()
    #: 0-based position in the script.
    statement: int = 0


@contextmanager
def capturing(target: Target, action: Action) -> Iterator[None]:
    """Images are captured inside; afterwards the guards must stand and all writes be captured.

    Raises Uncaptured or Refused, which rolls the caller's transaction back.
    """
    target.execute("SELECT pg_catalog.set_config('lockkeeper.capture', %s, true)", (action.capture,))
    before = target.execute(_GUARDS).fetchone()
    catalog_before = target.execute(_CATALOG_WRITES).fetchone()
    yield
    # Deferred triggers write, too; at the commit it would be too late to see what.
    target.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if target.execute(_GUARDS).fetchone() != before:
        raise Refused.because(
            f"{action.title}: the statement, or a trigger of it, changed the session's guards.",
            "Look for set_config, SET or SET ROLE in the triggers' functions.",
        )
    declared = {lock.relation for lock in action.locks}
    if not declared:
        _must_not_change_the_schema(target, action, catalog_before)
    found = target.execute(_WRITTEN, (OUR_SCHEMA,)).fetchall()
    written = {RelationName(schema=row[0], name=row[1]) for row in found}
    strong = sorted({RelationName(schema=row[0], name=row[1]) for row in found if row[2]} - declared)
    if strong:
        # TRUNCATE gets past triggers for rows, and a lock that stops writers has no place in a data step.
        raise Refused.because(
            f"{action.title}: it locks {strong[0]} more strongly than writing rows does.",
            "Write TRUNCATE, LOCK and what changes the schema as statements of their own.",
        )
    missed = tuple(sorted(written - set(action.captured)))
    if missed:
        names = ", ".join(map(str, missed))
        error = Uncaptured.because(
            f"{action.title}: it also wrote {names}, of which no row images were kept.",
            "A rehearsal finds such tables by itself: rehearse again.",
        )
        assert isinstance(error, Uncaptured)
        error.tables = missed
        error.statement = int(action.capture.rpartition("/")[2])
        raise error
    target.execute("SELECT pg_catalog.set_config('lockkeeper.capture', '', true)")


def _must_not_change_the_schema(target: Target, action: Action, before: tuple[Any, ...] | None) -> None:
    after = target.execute(_CATALOG_WRITES).fetchone()
    if after is None or not after[0]:
        raise Refused.because(
            f"{action.title}: track_counts is off, so nobody can tell whether it changes the schema.",
            "Set track_counts to on for the database.",
        )
    if after == before:
        return
    refreshed = ", ".join(row[0] for row in target.execute(_REFRESHED))
    if refreshed:
        raise Refused.because(
            f"{action.title}: a trigger or a function of it refreshes {refreshed}, while others wait for the"
            " statement; and the way back would not.",
            "ALTER TABLE ... DISABLE TRIGGER before it, and ENABLE TRIGGER and REFRESH MATERIALIZED VIEW"
            " after it.",
        )
    raise Refused.because(
        f"{action.title}: this statement, or a trigger or function of it, changes the schema.",
        "Write out what changes the schema: each statement then has its online form and its way back.",
    )
