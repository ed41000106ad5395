"""One history, file after file: linted on the database that those before it made, then run and watched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from typing import Self

import psycopg

from benchmarks.histories.claims import Answer, There, Trial, Verdict
from benchmarks.histories.watching import Did, WatchedRun
from workorders.migration import sessions
from workorders.migration.catalog import read as catalogs
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Shadow
from workorders.migration.corpus import rows as made_up
from workorders.migration.corpus.databases import Databases
from workorders.migration.corpus.layouts import Migration
from workorders.migration.corpus.values import Mood
from workorders.migration.errors import Unreadable
from workorders.migration.hazards import emptiness
from workorders.migration.hazards.hanging import hanging
from workorders.migration.hazards.linting import Finding, lint
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName
from workorders.migration.rehearsal import oracle
from workorders.migration.rehearsal.oracle import PlainSqlFails
from workorders.migration.rehearsal.shadow import Copy, ShadowServer
from workorders.migration.sql import tree
from workorders.migration.sql.tree import RawStatement

#: Statements that rows are read and written with: what they scan is no matter of a lock of theirs.
_OF_ROWS = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_OIDS = """
SELECT pg_catalog.format('%s.%s', n.nspname, c.relname), c.oid
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm', 'v') AND c.oid >= 16384
"""


@dataclass(frozen=True, kw_only=True)
class Missed:
    """A table that was there, with rows, and suffered from a statement of which lint says nothing."""

    line: int
    table: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of one file."""

    file: str
    #: "" where it ran; else why it does not run here, and nothing of it counts.
    failure: str = ""
    answers: tuple[Answer, ...] = ()
    missed: tuple[Missed, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Run:
    """The file, run once on one copy."""

    after: Copy
    trials: tuple[Trial, ...]
    missed: tuple[Missed, ...]
    failure: str
    sqlstate: str


class _Rows(Enum):
    """What is in the tables, the most first: where a file cannot run on it, the next is tried."""

    AS_THEY_ARE = "as they are"
    TAME = "tame in the tables that it names"
    NONE_NAMED = "none in the tables that it names"
    NONE = "none"


class Replay:
    """The databases of one history. Use as a context manager."""

    def __init__(
        self,
        server: ShadowServer,
        *,
        alter: Callable[[tuple[Finding, ...]], tuple[Finding, ...]] = lambda findings: findings,
    ) -> None:
        """`alter` is for tests that plant a false finding, or take one away, and must see it counted."""
        self._databases = Databases(server)
        self._alter = alter

    def __enter__(self) -> Self:
        self._databases.__enter__()
        self._before = self._databases.make()
        self._catalog = _catalog(self._before)
        return self

    def __exit__(self, *_: object) -> None:
        self._databases.__exit__()

    def run(self, migrations: Sequence[Migration]) -> Iterator[Replayed]:
        """One result for each file. One that does not run here leaves nothing behind."""
        for migration in migrations:
            try:
                statements = tree.statements(migration.text)
            except Unreadable:
                yield self._by_server_alone(migration)
            else:
                yield self._replayed(migration, statements)

    def _by_server_alone(self, migration: Migration) -> Replayed:
        after = self._databases.make(self._before)
        try:
            oracle.run_whole(after.dsn, migration.text)
        except PlainSqlFails as failure:
            self._databases.drop(after)
            return Replayed(file=migration.name, failure=f"SQLSTATE {failure.sqlstate}: {failure}")
        self._go_on(after)
        return Replayed(file=migration.name, failure="not SQL alone: the server took it, lint cannot read it")

    def _replayed(self, migration: Migration, statements: tuple[RawStatement, ...]) -> Replayed:
        findings, empty = self._linted(migration.text)
        answers: dict[int, Answer] = {}
        emptied: frozenset[RelationName] = frozenset()
        failure = ""
        fills = [_Rows.AS_THEY_ARE, _Rows.TAME, _Rows.NONE_NAMED, _Rows.NONE]
        by_rows = True
        while fills and by_rows:
            before = self._with_rows(fills[0], migration, emptied)
            by_rows = False
            for together in (False, True) if migration.is_in_one_transaction else (False,):
                run = self._run(before, statements, findings, empty, together=together)
                for number, trial in enumerate(run.trials):
                    answers[number] = _better(answers.get(number), trial.answer)
                failure = failure or run.failure
                by_rows |= run.sqlstate.startswith(oracle.BY_ROWS)
                if not run.failure:
                    break
                self._databases.drop(run.after)
            if before is not self._before:
                self._databases.drop(before)
            if not run.failure:
                self._go_on(run.after)
                return Replayed(file=migration.name, answers=tuple(answers.values()), missed=run.missed)
            foretold = self._foretold(answers.values())
            if foretold <= emptied:
                fills.pop(0)
            else:
                emptied |= foretold
        return Replayed(file=migration.name, failure=failure)

    def _foretold(self, answers: Iterable[Answer]) -> frozenset[RelationName]:
        """The tables whose rows are in the way of a statement, as lint said: so it goes on without them."""
        return frozenset(
            name
            for name in self._catalog.tables
            for each in answers
            if each.finding.hazard.effect.fails_with == "23502"
            and each.verdict is Verdict.CONFIRMED
            and str(name) in each.finding.tables
        )

    def _linted(self, text: str) -> tuple[tuple[Finding, ...], frozenset[RelationName]]:
        with closing(sessions.connect(self._before.dsn)) as target:
            empty = emptiness.empty(target, self._catalog, text)
            hangs = hanging(target, text)
        return self._alter(lint(text, self._catalog, empty, hangs).findings), empty

    def _with_rows(self, rows: _Rows, migration: Migration, emptied: frozenset[RelationName]) -> Copy:
        """The database before the file, with as much in it as is said."""
        if rows is _Rows.AS_THEY_ARE and not emptied:
            return self._before
        copy = self._databases.make(self._before)
        everything = frozenset(self._catalog.tables)
        chosen = emptied
        if rows is _Rows.NONE:
            chosen = everything
        elif rows is not _Rows.AS_THEY_ARE:
            chosen = made_up.named_in(migration.text, everything)
        with psycopg.connect(copy.superuser, autocommit=True) as connection:
            cleared = made_up.empty(Shadow(connection), chosen)
            if rows is _Rows.TAME:
                made_up.fill(Shadow(connection), cleared - emptied, Mood.TAME)
            connection.execute("ANALYZE")
        return copy

    def _run(
        self,
        before: Copy,
        statements: tuple[RawStatement, ...],
        findings: tuple[Finding, ...],
        empty: frozenset[RelationName],
        *,
        together: bool,
    ) -> _Run:
        after = self._databases.make(before)
        missed: list[Missed] = []
        failure, sqlstate = "", ""
        with WatchedRun(after.dsn) as watched:
            there = There(oids=dict(watched.session.execute(_OIDS).fetchall()))
            names = {oid: name for name, oid in there.oids.items()}
            unaffected = {there.oids.get(str(name)) for name in empty}
            trials = tuple(Trial(finding=finding, there=there) for finding in findings)
            for trial in trials:
                trial.begin(watched)
            raw: RawStatement | None = None
            for event in watched.run(statements, together=together):
                if isinstance(event, RawStatement):
                    for trial in trials:
                        trial.meanwhile(watched)
                    raw = event
                    for trial in _of(trials, raw):
                        trial.before(watched, raw)
                    continue
                sqlstate = event.sqlstate
                failure = f"SQLSTATE {sqlstate}: {event.message}" if sqlstate else ""
                if raw is None:
                    continue
                for trial in _of(trials, raw):
                    trial.after(watched, raw, event)
                if all(trial.finding.hazard.is_note for trial in _of(trials, raw)):
                    missed += [
                        Missed(line=raw.line, table=names[oid], what=what)
                        for oid, what in _suffered(raw, event).items()
                        if oid in names and oid not in unaffected
                    ]
            for trial in trials:
                trial.meanwhile(watched)
                if failure:
                    trial.broken_off()
                else:
                    trial.end(watched)
        return _Run(after=after, trials=trials, missed=tuple(missed), failure=failure, sqlstate=sqlstate)

    def _go_on(self, after: Copy) -> None:
        """The next file meets this, with rows in what is new."""
        catalog = _catalog(after)
        new = {
            name
            for name, table in catalog.tables.items()
            if name not in self._catalog.tables
            or {each.name for each in table.columns}
            - {each.name for each in self._catalog.tables[name].columns}
        }
        with psycopg.connect(after.superuser, autocommit=True) as connection:
            written = made_up.fill(Shadow(connection), new) if new else 0
            if written:
                connection.execute("ANALYZE")
        self._databases.drop(self._before)
        self._before = after
        self._catalog = _catalog(after) if written else catalog


def _catalog(copy: Copy) -> Catalog:
    with closing(sessions.connect(copy.dsn)) as target:
        return catalogs.read(target)


def _of(trials: Sequence[Trial], raw: RawStatement) -> list[Trial]:
    return [trial for trial in trials if trial.finding.line == raw.line]


def _better(one: Answer | None, other: Answer) -> Answer:
    """A finding that any run confirms is confirmed; what no run could try stays open."""
    order = list(Verdict)
    is_later_reason = one is not None and one.verdict is other.verdict is Verdict.NOT_TRIED
    if one is None or is_later_reason or order.index(other.verdict) < order.index(one.verdict):
        return other
    return one


def _suffered(raw: RawStatement, did: Did) -> dict[int, str]:
    """What a statement did to a table under a lock of its own, of which a warning could have told."""
    if raw.kind in _OF_ROWS:
        return {}
    found = {}
    for oid in did.new_locks:
        if did.holds(oid, LockMode.ACCESS_EXCLUSIVE) and oid in did.rewrites:
            found[oid] = "written anew under ACCESS EXCLUSIVE"
        elif did.holds(oid, LockMode.SHARE) and oid in did.scans:
            found[oid] = f"read from end to end under {did.locks[oid].sql}"
    return found
