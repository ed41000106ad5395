"""What each action of a rehearsed plan really locks and rewrites, against what it declares."""

from __future__ import annotations

from collections.abc import Mapping

from workorders.migration.connections import Target
from workorders.migration.locks import LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName
from workorders.migration.steps import Action

_LOCKS = """
SELECT n.nspname::text, c.relname::text, l.mode
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
  AND c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname NOT IN (%s, 'information_schema')
  -- Stops other refreshes only.
  AND NOT (c.relkind = 'm' AND l.mode = 'ExclusiveLock')
"""

_FILES = """
SELECT c.oid, n.nspname::text, c.relname::text, pg_catalog.pg_relation_filenode(c.oid)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_' AND n.nspname NOT IN (%s, 'information_schema')
"""


class Watching:
    """An observer of the executor's session. Collects what was not declared."""

    def __init__(self) -> None:
        self.undeclared: list[str] = []
        self._files: Mapping[int, int] = {}
        self._there: Mapping[RelationName, LockMode] = {}

    def before(self, target: Target, action: Action) -> None:  # noqa: ARG002 - the Observer's signature
        """Remembers which tables there are and where they are stored."""
        rows = target.execute(_FILES, (OUR_SCHEMA,)).fetchall()
        self._files = {row[0]: row[3] for row in rows}
        self._names = {RelationName(schema=row[1], name=row[2]) for row in rows}

    def after(self, target: Target, action: Action) -> None:
        """Compares locks and files with what the action declares."""
        declared = {lock.relation: lock.mode for lock in action.locks}
        order = list(LockMode)
        for schema, name, mode in target.execute(_LOCKS, (OUR_SCHEMA,)):
            relation, held = RelationName(schema=schema, name=name), LockMode(mode)
            if relation not in self._names or not held.stops_writes:
                continue
            allowed = declared.get(relation)
            if allowed is None or order.index(held) > order.index(allowed):
                self.undeclared.append(f"{action.title}: {held.sql} on {relation} was not foreseen")
        rewritten = set(action.rewrites)
        for oid, schema, name, file in target.execute(_FILES, (OUR_SCHEMA,)):
            relation = RelationName(schema=schema, name=name)
            if self._files.get(oid, file) != file and relation not in rewritten:
                self.undeclared.append(f"{action.title}: {relation} was written anew, which was not foreseen")
