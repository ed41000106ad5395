"""What a server really does with a statement: each is tried on a schema of ours and undone.

Only ever run in a database that was made for it: the statements drop and rewrite what is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from workorders.migration.atlas import expected
from workorders.migration.atlas.effect import Effect
from workorders.migration.atlas.statements import SCHEMA, STATEMENTS
from workorders.migration.catalog import read as catalogs
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Shadow
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName
from workorders.migration.sql import tree
from workorders.migration.sql.tree import RawStatement

_RELATIONS = """
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
       pg_catalog.pg_relation_filenode(c.oid) AS file,
       pg_catalog.pg_stat_get_xact_tuples_returned(c.oid) AS rows_read
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S')
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""

_LOCKS = """
SELECT relation, mode FROM pg_catalog.pg_locks
WHERE pid = %s AND locktype = 'relation' AND granted = %s
"""

#: Statements that the server runs in no transaction block, or may run outside of one only.
_ALONE = {"VacuumStmt"}

#: How long a statement is looked at that cannot be in a transaction.
_AWAITED_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """Statements that are tried together."""

    name: str
    sql: str

    @property
    def statements(self) -> tuple[RawStatement, ...]:
        """As the parser reads them."""
        return tree.statements(self.sql)

    @property
    def is_transactional(self) -> bool:
        """Whether it can be tried in a transaction that is undone."""
        return not any(_is_alone(raw) for raw in self.statements)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One case on one server."""

    case: Case
    #: None where no rule of ours covers it.
    expected: Effect | None
    #: None where the server refuses it, as an older one does what it does not know.
    seen: Effect | None
    #: Why it refuses it.
    sqlstate: str = ""

    @property
    def differences(self) -> tuple[str, ...]:
        """Where expectation and server differ; nothing where the server does not know the statement."""
        if self.seen is None:
            return ()
        return ("nothing is known of it",) if self.expected is None else self.expected.differences(self.seen)


def cases() -> tuple[Case, ...]:
    """All that is tried."""
    return tuple(Case(name=name, sql=sql) for name, sql in STATEMENTS.items())


def furnish(database: Shadow) -> None:
    """Makes the schema on which the cases are tried. The database is a throw-away one."""
    database.execute(SCHEMA.encode())


def measure(dsn: str) -> Iterator[Seen]:
    """Tries every case in a furnished throw-away database, one after the other."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        database = Shadow(connection)
        database.execute("SET max_parallel_maintenance_workers = 0")
        database.execute("SET max_parallel_workers_per_gather = 0")
        catalog = catalogs.read(database)
        for case in cases():
            yield tried(database, dsn, case, catalog)


def tried(database: Shadow, dsn: str, case: Case, catalog: Catalog) -> Seen:
    """One case, with what the catalog makes expect of it; nothing of it is left."""
    wanted = expected.of_all(case.statements, catalog)
    try:
        seen = _undone(database, case) if case.is_transactional else _awaited(database, dsn, case)
    except psycopg.Error as error:
        if error.sqlstate is None:
            raise
        return Seen(case=case, expected=wanted, seen=None, sqlstate=error.sqlstate)
    return Seen(case=case, expected=wanted, seen=seen)


@dataclass(frozen=True, kw_only=True)
class _Relation:
    name: RelationName
    kind: str
    file: int | None
    #: By scans, in this transaction so far; what an index fetches is not in it.
    rows_read: int


def _relations(database: Shadow) -> Mapping[int, _Relation]:
    return {
        oid: _Relation(name=RelationName(schema=schema, name=name), kind=kind, file=file, rows_read=rows_read)
        for oid, schema, name, kind, file, rows_read in database.execute(_RELATIONS)
    }


def _undone(database: Shadow, case: Case) -> Effect:
    """In a transaction that is rolled back."""
    with database.transaction(force_rollback=True):
        before = _relations(database)
        database.execute(case.sql.encode())
        locks = _locks(database, database.info.backend_pid, before, is_granted=True)
        after = _relations(database)
    rewrites = {
        relation.name
        for oid, relation in before.items()
        if oid in after and relation.kind in "rmS" and after[oid].file != relation.file
    }
    scans = {
        relation.name
        for oid, relation in before.items()
        if oid in after and relation.kind in "rm" and after[oid].rows_read > relation.rows_read
    }
    return Effect(locks=locks, rewrites=frozenset(rewrites), scans=frozenset(scans))


def _awaited(database: Shadow, dsn: str, case: Case) -> Effect:
    """The lock that it asks for first, while another session is in its way; nothing of it is run.

    What cannot be in a transaction cannot be undone, and lets go of its locks by itself. What it
    reads is not seen so.
    """
    relations = _relations(database)
    tables = [relation.name.sql for relation in relations.values() if relation.kind == "r"]
    with psycopg.connect(dsn, autocommit=True) as other:
        sending = threading.Thread(target=_send_in_vain, args=(other, case.sql))
        with database.transaction(force_rollback=True):
            # In the way of all that it may ask for, but not of a look at the table's name.
            database.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE UPDATE EXCLUSIVE MODE".encode())
            sending.start()
            try:
                locks = _first_awaited(database, other.info.backend_pid, relations)
            finally:
                # Before the locks are let go: it must not get to run.
                other.cancel_safe()
                sending.join()
    return Effect(locks=locks)


def _send_in_vain(connection: psycopg.Connection[Any], sql: str) -> None:
    with suppress(psycopg.errors.QueryCanceled):
        connection.execute(sql.encode())


def _first_awaited(
    database: Shadow, pid: int, relations: Mapping[int, _Relation]
) -> Mapping[RelationName, LockMode]:
    deadline = time.monotonic() + _AWAITED_SECONDS
    while time.monotonic() < deadline:
        locks = _locks(database, pid, relations, is_granted=False)
        if locks:
            return locks
        time.sleep(0.01)
    return {}


def _locks(
    database: Shadow, pid: int, relations: Mapping[int, _Relation], *, is_granted: bool
) -> Mapping[RelationName, LockMode]:
    """The strongest lock of a session on each table and view."""
    order = list(LockMode)
    found: dict[RelationName, LockMode] = {}
    for oid, mode in database.execute(_LOCKS, (pid, is_granted)):
        relation = relations.get(oid)
        if relation is not None and relation.kind != "S":
            held = LockMode(mode)
            found[relation.name] = max(found.get(relation.name, held), held, key=order.index)
    return found


def _is_alone(raw: RawStatement) -> bool:
    is_concurrent = bool(raw.node.get("concurrent")) or any(
        option.get("DefElem", {}).get("defname") == "concurrently" for option in raw.node.get("params", [])
    )
    return raw.kind in _ALONE or (is_concurrent and raw.kind != "RefreshMatViewStmt")
