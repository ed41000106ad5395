"""A session that runs a script as a tool would, and says what each statement did to the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import psycopg
from psycopg import sql

from workorders.migration.locks import LockMode
from workorders.migration.sql.tree import RawStatement

_TABLES = """
SELECT c.oid, pg_catalog.pg_relation_filenode(c.oid), COALESCE(s.seq_scan, 0),
       COALESCE(s.n_tup_upd + s.n_tup_del, 0)
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_stat_xact_user_tables s ON s.relid = c.oid
WHERE c.relkind IN ('r', 'm', 'p') AND c.oid >= 16384
"""
_LOCKS = """
SELECT relation, mode FROM pg_catalog.pg_locks
WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'relation' AND granted
"""
_SECONDS = 60
_ORDER = list(LockMode)
_NOT_IN_A_TRANSACTION = psycopg.errors.ActiveSqlTransaction.sqlstate


@dataclass(frozen=True, kw_only=True)
class Did:
    """What one statement did. Tables are oids: a name may change on the way."""

    #: Held by its transaction when it was done, those of earlier statements too.
    locks: Mapping[int, LockMode] = field(default_factory=dict)
    #: Those that the transaction had not held, or not as strongly, before it.
    new_locks: frozenset[int] = frozenset()
    rewrites: frozenset[int] = frozenset()
    scans: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()
    #: Rows updated or deleted.
    writes: Mapping[int, int] = field(default_factory=dict)
    #: The SQLSTATE with which it ended; "" for none.
    sqlstate: str = ""
    message: str = ""
    #: It can be in no transaction, so that nothing was seen of it.
    is_alone: bool = False

    def holds(self, table: int, mode: LockMode) -> bool:
        """Whether it has this lock on the table, or a stronger one."""
        return table in self.locks and _ORDER.index(self.locks[table]) >= _ORDER.index(mode)


class _Table(NamedTuple):
    file: int | None
    scans: int
    writes: int


class WatchedRun:
    """Use as a context manager; the session ends with it."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.session = psycopg.connect(dsn, autocommit=True, prepare_threshold=None)
        self.session.execute(
            "SELECT pg_catalog.set_config('statement_timeout', %s, false)", (f"{_SECONDS}s",)
        )
        self._is_open = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.session.close()

    def run(self, statements: tuple[RawStatement, ...], *, together: bool) -> Iterator[RawStatement | Did]:
        """Each statement before it is run, then what it did while its transaction is open; up to a failure.

        A statement outside of BEGIN and COMMIT is a transaction of its own, unless all are together.
        """
        if together:
            self._begin("BEGIN")
        for raw in statements:
            if raw.kind == "TransactionStmt":
                self._transaction(raw)
                continue
            is_own = not self._is_open
            if is_own:
                self._begin("BEGIN")
            yield raw
            did = self._done(raw)
            if is_own and did.sqlstate == _NOT_IN_A_TRANSACTION:
                self._end("ROLLBACK")
                did = self._alone(raw)
            yield did
            if did.sqlstate:
                self._end("ROLLBACK")
                return
            if is_own:
                yield from self._committed()
        yield from self._committed()

    def ask(self, query: sql.SQL | sql.Composed) -> tuple[str, list[Any]]:
        """The SQLSTATE, "" for none, and the rows of a question; whatever it changes is undone."""
        found: list[Any] = []
        state = ""
        try:
            with self.session.transaction(force_rollback=True):
                cursor = self.session.execute(query)
                found = cursor.fetchall() if cursor.description is not None else []
        except psycopg.Error as error:
            state = error.sqlstate or "?"
        return state, found

    def _begin(self, text: str) -> None:
        self.session.execute(sql.SQL(text))
        self._is_open = True

    def _end(self, text: str) -> None:
        if self._is_open:
            self.session.execute(sql.SQL(text))
        self._is_open = False

    def _transaction(self, raw: RawStatement) -> None:
        kind = raw.node["kind"]
        if kind in ("TRANS_STMT_BEGIN", "TRANS_STMT_START"):
            if not self._is_open:
                self._begin(raw.text)
        elif kind in ("TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK"):
            self._end(raw.text)
        elif self._is_open:
            self.session.execute(sql.SQL(raw.text))

    def _committed(self) -> Iterator[Did]:
        """What only the COMMIT finds, such as a deferred constraint, is a failure too."""
        try:
            self._end("COMMIT")
        except psycopg.Error as error:
            self._is_open = False
            yield Did(sqlstate=error.sqlstate or "?", message=_first_line(error))

    def _done(self, raw: RawStatement) -> Did:
        before, held = self._tables(), self._locks()
        try:
            self.session.execute(sql.SQL(raw.text))
        except psycopg.Error as error:
            return Did(sqlstate=error.sqlstate or "?", message=_first_line(error))
        return replace(_compared(before, self._tables()), **self._locked(held))

    def _locked(self, held: Mapping[int, LockMode]) -> dict[str, Any]:
        now = self._locks()
        return {
            "locks": now,
            "new_locks": frozenset(table for table, mode in now.items() if held.get(table) is not mode),
        }

    def _alone(self, raw: RawStatement) -> Did:
        try:
            self.session.execute(sql.SQL(raw.text))
        except psycopg.Error as error:
            return Did(sqlstate=error.sqlstate or "?", message=_first_line(error), is_alone=True)
        return Did(is_alone=True)

    def _tables(self) -> dict[int, _Table]:
        return {row[0]: _Table(*row[1:]) for row in self.session.execute(_TABLES)}

    def _locks(self) -> dict[int, LockMode]:
        found: dict[int, LockMode] = {}
        for table, name in self.session.execute(_LOCKS):
            mode = LockMode(name)
            found[table] = max(mode, found.get(table, mode), key=_ORDER.index)
        return found


def _compared(before: Mapping[int, _Table], after: Mapping[int, _Table]) -> Did:
    both = [(oid, before[oid], after[oid]) for oid in before.keys() & after.keys()]
    return Did(
        rewrites=frozenset(oid for oid, was, now in both if was.file != now.file),
        scans=frozenset(oid for oid, was, now in both if was.scans < now.scans),
        writes={oid: now.writes - was.writes for oid, was, now in both},
        gone=frozenset(before.keys() - after.keys()),
    )


def _first_line(error: psycopg.Error) -> str:
    return next(iter(str(error).splitlines()), "")
