"""What a hazard claims of its example, claimed of the finding's own table and statement, and tried there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from psycopg import sql

from benchmarks.histories import questions
from benchmarks.histories.watching import Did, WatchedRun
from workorders.migration.hazards.linting import Finding
from workorders.migration.locks import LockMode
from workorders.migration.sql.tree import RawStatement


class Verdict(Enum):
    """How a finding ended, the best first."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not confirmed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the server made of one finding."""

    finding: Finding
    verdict: Verdict
    #: The claim that did not hold, or why it could not be tried.
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class There:
    """The tables before the file: name -> oid, as the catalog writes the names."""

    oids: Mapping[str, int]

    def oid(self, name: str) -> int | None:
        """A bare name is any schema's, if only one has it."""
        if name in self.oids:
            return self.oids[name]
        found = [oid for each, oid in self.oids.items() if each.partition(".")[2] == name]
        return found[0] if len(found) == 1 else None


@dataclass(kw_only=True)
class Trial:
    """One finding on one run of its file: asked before it, around its statement, and at the end."""

    finding: Finding
    there: There
    #: Claim -> whether it was so; None where it could not be seen.
    claims: dict[str, bool | None] = field(default_factory=dict)
    #: Why something could not be seen.
    why: str = "its statement was not reached"
    _asked: sql.SQL | None = None
    _failed_already: str = ""
    _lock_timeout: str = ""
    _rows: int = 0
    _is_done: bool = False
    #: The `attnum` of a column that is dropped.
    _column: int = 0

    @property
    def _id(self) -> str:
        return self.finding.hazard.id

    @property
    def _table(self) -> int | None:
        """The first of the finding's tables, where it was there before the file."""
        return self.there.oid(self.finding.tables[0]) if self.finding.tables else None

    def begin(self, watched: WatchedRun) -> None:
        """Before the file."""
        if self._id == "drop-column" and self._table is not None:
            self._column = questions.attnum(watched, self._table, self.finding.name)
        self._asked = questions.of_the_application(self.finding)
        if self._asked is not None:
            self._failed_already, _ = watched.ask(self._asked)

    def before(self, watched: WatchedRun, raw: RawStatement) -> None:
        """Before its statement, in the statement's own transaction."""
        effect = self.finding.hazard.effect
        if self._id == "drop-cascade":
            restricted = questions.without_cascade(raw, self.finding.name)
            state = watched.ask(restricted)[0] if restricted is not None else None
            self._claim(
                f"without CASCADE it fails with {questions.HANGS_ON_IT}",
                None if state is None else state == questions.HANGS_ON_IT,
                "it is in a block, of which no single DROP could be tried",
            )
        self._lock_timeout = questions.lock_timeout(watched) if effect.waits else ""
        if effect.writes or effect.fails_with == "23502" or self._id == "truncate":
            self._rows = questions.rows(watched, self._table)
            self._claim("the table holds rows", self._rows > 0 or None, "its table holds no row in this run")

    def after(self, watched: WatchedRun, raw: RawStatement, did: Did) -> None:
        """When its statement is done and its transaction is still open."""
        effect = self.finding.hazard.effect
        self._is_done = not did.sqlstate
        if effect.fails_with:
            fails = did.sqlstate == effect.fails_with
            if fails or None not in self.claims.values():
                self.claims = {f"fails with {effect.fails_with}": fails}
        elif did.sqlstate:
            self.claims = {}
            self._claim("its statement runs", None, f"its statement failed with {did.sqlstate}")
        elif effect.waits:
            self._waits(watched, did)
        elif did.is_alone:
            if effect.locks:
                self._claim("seen", None, "it cannot be in a transaction, in which it could be seen")
        else:
            self._of_tables(did)
            self._of_what_is_gone(watched, raw, did)

    def _waits(self, watched: WatchedRun, did: Did) -> None:
        if self._id == "lock-timeout-off":
            self._claim("lock_timeout is off", questions.lock_timeout(watched) == "0")
            return
        self._claim("lock_timeout is off", self._lock_timeout == "0")
        holds = self._table is not None and did.holds(self._table, LockMode.ACCESS_EXCLUSIVE)
        self._claim("ACCESS EXCLUSIVE", holds)

    def _of_tables(self, did: Did) -> None:
        effect = self.finding.hazard.effect
        self._of_locks(did, list(effect.locks.values()))
        table = self._table
        if table is None:
            return
        is_read_alone = "every row is read" in self.finding.sentence
        if effect.rewrites and not is_read_alone:
            self._claim("written anew", table in did.rewrites)
        if effect.scans or (effect.rewrites and is_read_alone):
            self._claim("read from end to end", table in did.scans)
        if self._id == "write-all-rows":
            written = did.writes.get(table, 0)
            holds = None if not written and "gives a row" in self.finding.sentence else written >= self._rows
            self._claim("every row is written", holds, "what it is joined with gives no row in this run")
        elif effect.writes:
            met = did.writes.get(table, 0) > 0 or None
            self._claim("rows are written", met, "its condition meets no row of this run")

    def _of_locks(self, did: Did, modes: list[LockMode]) -> None:
        """One for each table in their order; where the example has fewer, the last is for all the others."""
        if modes and not self.finding.tables:
            self._claim("its table is known", None, "it names no table")
        for place, name in enumerate(self.finding.tables if modes else ()):
            oid, mode = self.there.oid(name), modes[min(place, len(modes) - 1)]
            if oid is not None:  # else the script's own
                self._claim(f"{mode.sql} on {name}", did.holds(oid, mode))

    def _of_what_is_gone(self, watched: WatchedRun, raw: RawStatement, did: Did) -> None:
        if self._id == "truncate":
            self._claim("no row is left", questions.rows(watched, self._table) == 0)
        elif self._id == "drop-table":
            self._claim("the table is gone", self._table in did.gone)
        elif self._id == "rename-enum-label" and raw.kind == "AlterEnumStmt":
            state = questions.sqlstate_of_label(watched, raw, self.finding.name)
            self._claim("the old label fails with 22P02", state == "22P02")

    def meanwhile(self, watched: WatchedRun) -> None:
        """Before each later statement and at the end: what others see of what is committed."""
        if self._id == "disable-trigger" and self._is_done and self._table is not None:
            is_off = questions.is_off(watched, self._table, self.finding.name)
            self._claim(_OFF, is_off or self.claims.get(_OFF, False))

    def broken_off(self) -> None:
        """The file failed: what is asked at its end stays open."""
        if self._id in _AT_THE_END:
            self._claim("asked after the file", None, "the file failed before its end")

    def end(self, watched: WatchedRun) -> None:
        """After the whole file."""
        if self._id == "drop-column" and self._table is not None and self._column:
            self._claim("the column is gone", not questions.is_there(watched, self._table, self._column))
        if self._asked is not None:
            wanted = questions.FAILS_THEN[self._id]
            if self._failed_already:
                why = f"what it forbids failed before the file, with {self._failed_already}"
                self._claim("it was there before the file", None, why)
            else:
                state, _ = watched.ask(self._asked)
                self._claim(f"afterwards fails with {' or '.join(wanted)}", state in wanted)
        elif self._id == "session-setting":
            self._claim("still set after the file", questions.is_still_set(watched, self.finding.name))
        elif self._id == "index-if-not-exists":
            self._claim("invalid still", questions.is_invalid(watched, self.finding.name))
        elif self._id == "foreign-key-without-index":
            reads_all = questions.reads_all(watched, self.finding)
            self._claim("a DELETE reads all", reads_all, "the key is not there at the end of the file")

    def _claim(self, claim: str, holds: bool | None, why: str = "") -> None:
        self.claims[claim] = holds
        if holds is None:
            self.why = why

    @property
    def answer(self) -> Answer:
        """Every claim has to hold; what could not be seen leaves it open."""
        wrong = [claim for claim, holds in self.claims.items() if holds is False]
        verdict, why = Verdict.CONFIRMED, ""
        if wrong:
            verdict, why = Verdict.NOT_CONFIRMED, "; ".join(wrong)
        elif not self.claims or None in self.claims.values():
            verdict, why = Verdict.NOT_TRIED, self.why
        return Answer(finding=self.finding, verdict=verdict, why=why)


_OFF = "it is off for others"

#: Hazards of which something is asked when the whole file has run.
_AT_THE_END = frozenset(
    {
        *questions.FAILS_THEN,
        *("session-setting", "index-if-not-exists", "foreign-key-without-index"),
    }
)
