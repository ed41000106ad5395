"""The transaction in which a script's own data statement runs, and what it must not have done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
SELECT DISTINCT n.nspname::text, c.relname::text
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND c.relkind IN ('r', 'p')
  AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND n.nspname NOT IN (%s, 'pg_catalog')
ORDER BY 1, 2
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
    yield
    # Deferred triggers write, too; at the commit it would be too late to see what.
    target.execute("SET CONSTRAINTS ALL IMMEDIATE")
    if target.execute(_GUARDS).fetchone() != before:
        raise Refused.because(
            f"{action.title}: the statement, or a trigger of it, changed the session's guards.",
            "Look for set_config, SET or SET ROLE in the triggers' functions.",
        )
    written = {RelationName(schema=row[0], name=row[1]) for row in target.execute(_WRITTEN, (OUR_SCHEMA,))}
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
