"""A whole history, file after file, on databases that follow each other.

    before   as psql left it after the files until now, with rows; never run on
    plain    a copy of it, on which psql runs the file; becomes `before` of the next
    ours     the same state, but brought about by the engine; kept for as long as it is the same

A file that the engine refuses or gets wrong is run by psql alone, and `ours` is copied anew, so
that one fault does not hide those after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import psycopg

from workorders.migration.connections import Shadow
from workorders.migration.corpus import rows as made_up
from workorders.migration.corpus.databases import Databases
from workorders.migration.corpus.layouts import Migration
from workorders.migration.corpus.outcome import Kind, Outcome
from workorders.migration.corpus.proving import unproven
from workorders.migration.corpus.trial import Trial, Verdict
from workorders.migration.corpus.values import Mood
from workorders.migration.errors import Unreadable
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import oracle, state
from workorders.migration.rehearsal.oracle import PlainSqlFails
from workorders.migration.rehearsal.shadow import Copy, ShadowServer
from workorders.migration.rehearsal.shuffle import BY_HASHES, BY_SORTING, shuffle, without
from workorders.migration.rehearsal.state import Chance, State
from workorders.migration.sql import tree


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """A database that nobody is connected to, and all that is in it."""

    copy: Copy
    state: State


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """What psql made of a file, and of which rows."""

    before: _Stage
    after: Copy
    notes: tuple[str, ...] = ()


class Corpus:
    """The databases of one history. Use as a context manager."""

    def __init__(
        self,
        server: ShadowServer,
        binaries: Path,
        *,
        with_proofs: bool = False,
        alter: Callable[[Plan], Plan] = lambda plan: plan,
    ) -> None:
        """`with_proofs` rehearses each file as well, which takes some seconds more.

        `alter` is for tests that plant a fault in a plan and must see it caught.
        """
        self._server = server
        self._databases = Databases(server)
        self._binaries = binaries
        self._with_proofs = with_proofs
        self._alter = alter

    def __enter__(self) -> Self:
        self._databases.__enter__()
        empty = self._databases.make()
        self._before = _Stage(copy=empty, state=state.read(empty))
        self._ours: Copy | None = None
        return self

    def __exit__(self, *_: object) -> None:
        self._databases.__exit__()

    @property
    def url(self) -> str:
        """The superuser's URL of the database that the next file meets."""
        return self._before.copy.superuser

    def run(self, migrations: Sequence[Migration], *, begin: str | None = None) -> Iterator[Outcome]:
        """One outcome for each file. Those before `begin` are run by psql alone, and give none."""
        is_skipping = begin is not None
        for migration in migrations:
            is_skipping = is_skipping and migration.name != begin
            outcome = self._outcome(migration, is_tried=not is_skipping)
            if not is_skipping:
                yield outcome

    def _outcome(self, migration: Migration, *, is_tried: bool) -> Outcome:
        began = time.monotonic()
        notes: tuple[str, ...] = ()
        try:
            plain = self._run_by_psql(migration)
        except PlainSqlFails as failure:
            verdict = Verdict(kind=Kind.PSQL_FAILS, reasons=(f"SQLSTATE {failure.sqlstate}: {failure}",))
        else:
            notes = plain.notes
            wanted = state.read(plain.after)
            verdict = Verdict(kind=Kind.APPLIED)
            if is_tried:
                verdict = self._tried(migration, plain, wanted)
            self._go_on(plain, wanted, verdict)
        return Outcome(
            file=migration.name,
            kind=verdict.kind,
            seconds=time.monotonic() - began,
            reasons=verdict.reasons,
            notes=notes,
        )

    def _tried(self, migration: Migration, plain: _Plain, wanted: State) -> Verdict:
        if plain.before is not self._before or self._ours is None:
            self._forget_ours()
            self._ours = self._databases.make(plain.before.copy)
        trial = Trial(
            text=migration.text,
            before=plain.before.state,
            wanted=wanted,
            binaries=self._binaries,
            alter=self._alter,
        )
        verdict = trial.run(self._ours)
        if verdict.kind is Kind.DIFFERS and verdict.plan is not None and verdict.found is not None:
            for ways in (BY_SORTING, BY_HASHES):
                chance = self._left_to_chance(migration, plain, wanted, ways)
                if chance and verdict.kind is Kind.DIFFERS:
                    verdict = trial.judged(verdict.plan, verdict.found, chance=chance)
        if self._with_proofs and verdict.kind is Kind.APPLIED:
            reasons = unproven(
                plain.before.copy, migration.text, self._server, self._binaries, alter=self._alter
            )
            if reasons:
                return replace(verdict, kind=Kind.UNPROVEN, reasons=reasons)
        return verdict

    def _left_to_chance(
        self, migration: Migration, plain: _Plain, wanted: State, ways: Sequence[str]
    ) -> Chance:
        """What differs from one run of the plain SQL to the next, on rows that lie and are read otherwise."""
        again = self._databases.make(plain.before.copy)
        try:
            with psycopg.connect(again.superuser, autocommit=True) as connection:
                shuffle(Shadow(connection))
            self._send(replace(again, dsn=without(ways, again.dsn)), migration)
            second = state.read(again)
        except PlainSqlFails:
            return Chance()
        finally:
            self._databases.drop(again)
        return Chance.between(wanted, second, plain.before.state.rows)

    def _go_on(self, plain: _Plain, wanted: State, verdict: Verdict) -> None:
        """The next file meets what psql left, with rows where there are none."""
        if not verdict.is_the_same:
            self._forget_ours()
        if plain.before is not self._before:
            self._databases.drop(plain.before.copy)
        self._databases.drop(self._before.copy)
        missing = _changed(self._before.state, wanted)
        if missing:
            with psycopg.connect(plain.after.superuser, autocommit=True) as connection:
                written = made_up.fill(Shadow(connection), missing)
            if written:
                self._forget_ours()
                wanted = state.read(plain.after)
        self._before = _Stage(copy=plain.after, state=wanted)

    def _forget_ours(self) -> None:
        if self._ours is not None:
            self._databases.drop(self._ours)
            self._ours = None

    def _run_by_psql(self, migration: Migration) -> _Plain:
        """The file on a copy; where the made-up rows are in its way, on tamer or fewer ones.

        Raises PlainSqlFails with the first reason where it does not run on any.
        """
        try:
            return _Plain(before=self._before, after=self._copied(self._before, migration))
        except PlainSqlFails as failure:
            if not failure.is_by_rows:
                raise
            first = failure
        everything = frozenset(self._before.state.rows)
        touched = made_up.named_in(migration.text, everything)
        for emptied, is_filled, note in (
            (touched, True, "tame rows in the tables that it names"),
            (touched, False, "no rows in the tables that it names"),
            (everything, False, "no rows in any table"),
        ):
            before = self._with_fewer_rows(emptied, is_filled=is_filled)
            try:
                after = self._copied(before, migration)
            except PlainSqlFails:
                self._databases.drop(before.copy)
            else:
                return _Plain(before=before, after=after, notes=(f"{note}: SQLSTATE {first.sqlstate}",))
        raise first

    def _with_fewer_rows(self, tables: frozenset[RelationName], *, is_filled: bool) -> _Stage:
        copy = self._databases.make(self._before.copy)
        with psycopg.connect(copy.superuser, autocommit=True) as connection:
            shadow = Shadow(connection)
            emptied = made_up.empty(shadow, tables)
            if is_filled:
                made_up.fill(shadow, emptied, Mood.TAME)
        return _Stage(copy=copy, state=state.read(copy))

    def _copied(self, before: _Stage, migration: Migration) -> Copy:
        copy = self._databases.make(before.copy)
        try:
            self._send(copy, migration)
        except PlainSqlFails:
            self._databases.drop(copy)
            raise
        return copy

    def _send(self, copy: Copy, migration: Migration) -> None:
        """As the project's tool would; what may not be in a transaction, statement by statement."""
        psql = self._binaries / "psql"
        try:
            tree.statements(migration.text)
        except Unreadable:
            # It may hold a command of psql's, such as \! or \connect, which is never run here.
            oracle.run_whole(copy.dsn, migration.text)
            return
        if migration.is_in_one_transaction:
            try:
                oracle.send(copy.dsn, migration.text, psql, in_one_transaction=True)
            except PlainSqlFails as failure:
                if failure.sqlstate != _NOT_IN_A_TRANSACTION:
                    raise
            else:
                return
        oracle.send(copy.dsn, migration.text, psql)


#: active_sql_transaction
_NOT_IN_A_TRANSACTION = "25001"


def _changed(before: State, after: State) -> frozenset[RelationName]:
    """Tables that have no row, or a column that they had not."""
    return frozenset(
        name
        for name, table in after.rows.items()
        if not table.rows or name not in before.rows or set(table.columns) - set(before.rows[name].columns)
    )
