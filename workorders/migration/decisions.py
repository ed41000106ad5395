"""What a DO block asks while it is unrolled, and the answers that decided what it comes to.

An answer that decided something is kept on the plan: the plan is made again before it is executed,
and what is answered otherwise by then makes it another plan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol

import psycopg

from workorders.migration.connections import Target
from workorders.migration.errors import Fails, Problem, Refused

#: Longer than any question about a catalog takes; one about rows that takes longer is none for a block.
_SECONDS = 60

#: read_only_sql_transaction, query_canceled
_WRITES, _TOO_LONG = "25006", "57014"


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column of an answer."""

    name: str
    #: As `format_type` writes it, with its modifier.
    type: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a query gave, each value as the server writes it."""

    fields: tuple[Field, ...]
    rows: tuple[tuple[str | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """An answer that decided what a block comes to."""

    #: 1-based line in the script.
    line: int
    #: What was asked, as the block has it.
    asked: str
    #: What came of it: true, false, a statement's text, or the rows of a loop.
    answer: str

    @property
    def note(self) -> str:
        """What a reader of the plan should know of it; "" where its statements show that."""
        if self.answer not in ("true", "false"):
            return ""
        return f"line {self.line}: {' '.join(self.asked.split())!r} is {self.answer} on this database."

    @property
    def digest(self) -> str:
        """Of question and answer, which may hold values of rows."""
        return hashlib.sha256(f"{self.line}\0{self.asked}\0{self.answer}".encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A decision without its words, which may hold values of rows."""

    line: int
    digest: str


class Questions(Protocol):
    """Whoever answers a query without changing anything."""

    def ask(self, query: str, settings: Mapping[str, str]) -> Answer:
        """The query's rows under these settings.

        Raises Fails where the server fails at it, and Refused where it would write or takes too long;
        neither names a line.
        """


class Nobody:
    """Answers nothing: for plans that are made of a catalog alone."""

    def ask(self, query: str, settings: Mapping[str, str]) -> Answer:  # noqa: ARG002 (as the Protocol has it)
        """Raises Refused."""
        raise Refused.because(
            "A block that changes the schema asks the database what to do, and there is none at hand.",
            "Plan it on a target.",
        )


class Asked:
    """A target that is asked in read-only transactions of its own."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def ask(self, query: str, settings: Mapping[str, str]) -> Answer:
        """As `Questions.ask`."""
        target = self._target
        pinned = {**settings, "statement_timeout": f"{_SECONDS}s", "lock_timeout": "2s"}
        try:
            with target.transaction(force_rollback=True):
                target.execute("SET TRANSACTION READ ONLY")
                for name, value in pinned.items():
                    target.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
                with target.cursor() as cursor:
                    return self._answer(cursor.execute(query.encode()))
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise Refused.because(
                "what it asks would write.", "Write it as a statement of its own."
            ) from error
        except (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable) as error:
            raise Refused.because(
                f"what it asks takes longer than {_SECONDS} s.", "Write out what it comes to."
            ) from error
        except psycopg.errors.Error as error:
            if error.sqlstate is None:
                raise
            problem = Problem(
                line=None,
                reason=f"the block fails here with SQLSTATE {error.sqlstate}.",
                next_move="Mend it.",
            )
            raise Fails(problem, sqlstate=error.sqlstate) from error

    def _answer(self, cursor: psycopg.Cursor[tuple[object, ...]]) -> Answer:
        result = cursor.pgresult
        if result is None or not result.nfields:
            count = 0 if result is None else result.ntuples
            return Answer(fields=(), rows=((),) * count)
        described = [(result.ftype(number), result.fmod(number)) for number in range(result.nfields)]
        types = self._target.execute(
            "SELECT pg_catalog.array_agg(pg_catalog.format_type(oid, modifier) ORDER BY place)"
            " FROM ROWS FROM (unnest(%s::oid[]), unnest(%s::int[])) WITH ORDINALITY"
            " AS described (oid, modifier, place)",
            ([oid for oid, _ in described], [modifier for _, modifier in described]),
        ).fetchone()
        names = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
        values = (
            tuple(self._text(result.get_value(row, number)) for number in range(result.nfields))
            for row in range(result.ntuples)
        )
        return Answer(
            fields=tuple(
                Field(name=name, type=type_name)
                for name, type_name in zip(names, types[0] if types else (), strict=True)
            ),
            rows=tuple(values),
        )

    def _text(self, value: bytes | None) -> str | None:
        return None if value is None else value.decode(self._target.info.encoding)


def kept(decided: Sequence[Decision]) -> tuple[Kept, ...]:
    """What is kept of decisions until they are asked again."""
    return tuple(Kept(line=each.line, digest=each.digest) for each in decided)


def changed(before: Sequence[Kept], now: Sequence[Decision]) -> int | None:
    """The line of the first decision that is another now; None where none is."""
    for was, then in zip_longest(before, kept(now)):
        if was != then:
            return (was or then).line
    return None


def another_answer(line: int) -> str:
    """What is said of a decision that is another now."""
    return (
        f"what the block asks in line {line} is answered otherwise now, so that it comes to other statements"
    )
