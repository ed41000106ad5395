"""What a script really does to a database, transaction by transaction, in the terms of `Effect`."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from tests.processes import wait_until
from workorders.migration.hazards.hazard import Effect
from workorders.migration.locks import LockMode
from workorders.migration.sql import tree

_TABLES = """
SELECT c.oid, c.relname::text, pg_relation_filenode(c.oid), coalesce(s.seq_scan, 0),
       coalesce(s.n_tup_upd + s.n_tup_del, 0)
  FROM pg_class c LEFT JOIN pg_stat_xact_user_tables s ON s.relid = c.oid
 WHERE c.relkind IN ('r', 'm', 'p') AND c.relnamespace = 'public'::regnamespace
"""
_LOCKS = "SELECT relation, mode FROM pg_locks WHERE pid = %s AND locktype = 'relation'"
_WAITS = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
_WRITABLE = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
"""
_ORDER = list(LockMode)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One transaction."""

    locks: Mapping[str, LockMode] = field(default_factory=dict)
    rewrites: frozenset[str] = frozenset()
    scans: frozenset[str] = frozenset()
    #: Table -> rows updated or deleted.
    writes: Mapping[str, int] = field(default_factory=dict)
    #: The SQLSTATE with which it ended; "" for none.
    sqlstate: str = ""

    def shows(self, effect: Effect, rows: Mapping[str, int]) -> bool:
        """Whether all that is claimed of one transaction is true of this one."""
        return (
            all(
                name in self.locks and _is_at_least(self.locks[name], mode)
                for name, mode in effect.locks.items()
            )
            and self.rewrites >= set(effect.rewrites)
            and self.scans >= set(effect.scans)
            and all(self.writes.get(name, 0) >= rows[name] for name in effect.writes)
            and effect.fails_with in ("", self.sqlstate)
        )


def _is_at_least(held: LockMode, mode: LockMode) -> bool:
    return _ORDER.index(held) >= _ORDER.index(mode)


@dataclass(frozen=True, kw_only=True)
class HeldUp:
    """How a script fared beside somebody who writes."""

    sqlstate: str
    has_waited: bool
    #: Held or asked for while it waited.
    locks: Mapping[str, LockMode]


class _Table(NamedTuple):
    """A table at one moment of a transaction."""

    name: str
    file: int
    scans: int
    #: Rows updated or deleted.
    writes: int


class Watched:
    """A session that runs a script and says what each of its transactions did."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.session = psycopg.connect(dsn, autocommit=True)

    def close(self) -> None:
        """The session ends."""
        self.session.close()

    def run(self, script: str) -> list[Observed]:
        """Up to the first failure."""
        found: list[Observed] = []
        for group in _transactions(script):
            found.append(self._transaction(group.statements))
            if found[-1].sqlstate == "25001" and not group.is_explicit:
                found[-1] = self._alone(group.statements[0])
            if found[-1].sqlstate:
                break
        return found

    def _transaction(self, statements: list[str]) -> Observed:
        try:
            with self.session.transaction():
                before = self._tables()
                for statement in statements:
                    self.session.execute(sql.SQL(statement))
                locks = _strongest(self.session, self.session.info.backend_pid, before)
                return _compared(before, self._tables(), locks)
        except psycopg.Error as error:
            return Observed(sqlstate=error.sqlstate or "?")

    def _alone(self, statement: str) -> Observed:
        """A statement that can be in no transaction: others hold it up, and see what it asks for."""
        before = self._tables()
        held_up = self.held_up(statement)
        return _compared(before, self._tables(), held_up.locks, held_up.sqlstate)

    def held_up(self, script: str) -> HeldUp:
        """Runs the script beside a writer of every table, who lets go when it waits for a lock."""
        pid = self.session.info.backend_pid
        outcome: list[str] = []

        def work() -> None:
            try:
                for statement in tree.statements(script):
                    self.session.execute(sql.SQL(statement.text))
            except psycopg.Error as error:
                outcome.append(error.sqlstate or "?")
            else:
                outcome.append("")

        there = self._tables()
        with psycopg.connect(self._dsn, autocommit=True) as looking, psycopg.connect(self._dsn) as writer:
            for (name,) in looking.execute(_WRITABLE).fetchall():
                writer.execute(sql.SQL("LOCK TABLE {} IN ROW EXCLUSIVE MODE").format(sql.Identifier(name)))
            working = threading.Thread(target=work)
            working.start()
            wait_until(lambda: outcome or (looking.execute(_WAITS, (pid,)).fetchone() or (False,))[0])
            has_waited = not outcome
            locks = _strongest(looking, pid, there)
            writer.rollback()
            working.join()
        return HeldUp(sqlstate=outcome[0], has_waited=has_waited, locks=locks)

    def _tables(self) -> dict[int, _Table]:
        return {row[0]: _Table(*row[1:]) for row in self.session.execute(_TABLES)}

    def counted(self, query: str) -> Any:
        """The query's value; None where it cannot be asked any more."""
        with suppress(psycopg.Error):
            row = self.session.execute(sql.SQL(query)).fetchone()
            return row[0] if row else None
        return None

    def rows(self) -> dict[str, int]:
        """By table, as last analysed."""
        return dict(self.session.execute("SELECT relname::text, reltuples::int FROM pg_class"))

    def afterwards(self, statement: str) -> Observed:
        """What a statement of the application does, and is then undone."""
        found: list[Observed] = []
        with suppress(psycopg.Rollback):
            with self.session.transaction():
                found.append(self._transaction([statement]))
                raise psycopg.Rollback
        return found[0]


def _compared(
    before: dict[int, _Table], after: dict[int, _Table], locks: Mapping[str, LockMode], sqlstate: str = ""
) -> Observed:
    """What happened to the tables that were there before, by the names that they had then."""
    both = [(before[oid], after[oid]) for oid in before.keys() & after.keys()]
    return Observed(
        locks=locks,
        rewrites=frozenset(was.name for was, now in both if was.file != now.file),
        scans=frozenset(was.name for was, now in both if was.scans < now.scans),
        writes={was.name: now.writes - was.writes for was, now in both},
        sqlstate=sqlstate,
    )


def _strongest(session: psycopg.Connection[Any], pid: int, there: dict[int, _Table]) -> dict[str, LockMode]:
    found: dict[str, LockMode] = {}
    for oid, mode in session.execute(_LOCKS, (pid,)):
        if oid in there:
            name = there[oid].name
            found[name] = max(LockMode(mode), found.get(name, LockMode(mode)), key=_ORDER.index)
    return found


class _Group(NamedTuple):
    """The statements of one transaction."""

    statements: list[str]
    is_explicit: bool


def _transactions(script: str) -> list[_Group]:
    """Outside of BEGIN and COMMIT each statement is one of its own."""
    groups: list[_Group] = []
    is_open = False
    for raw in tree.statements(script):
        if raw.kind == "TransactionStmt":
            is_open = raw.node["kind"] == "TRANS_STMT_BEGIN"
            groups += [_Group([], is_explicit=True)] if is_open else []
        elif is_open:
            groups[-1].statements.append(raw.text)
        else:
            groups.append(_Group([raw.text], is_explicit=False))
    return groups
