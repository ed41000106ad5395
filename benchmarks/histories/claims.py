"""What a hazard claims of its example, claimed of the finding's own table and statement, and tried there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import zip_longest

from psycopg import sql

from benchmarks.histories.watching import Did, Watched
from workorders.migration.hazards.linting import Finding
from workorders.migration.locks import LockMode
from workorders.migration.names import literal, quoted
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, RawStatement


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
    """One finding, on one run of its file: asked before it, at its statement, and at the end."""

    finding: Finding
    there: There
    #: Claim -> whether it was so; None where it could not be seen.
    claims: dict[str, bool | None] = field(default_factory=dict)
    why: str = "its statement was not reached"
    _before: str = ""
    _probe: sql.SQL | None = None

    def begin(self, watched: Watched) -> None:
        """Before the file."""
        self._probe = _of_the_application(self.finding)
        if self._probe is not None:
            self._before, _ = watched.ask(self._probe)

    def before(self, watched: Watched, raw: RawStatement) -> None:
        """Before its statement, in the statement's own transaction."""
        if self.finding.hazard.id == "drop-cascade":
            restricted = _restricted(raw, self.finding.name)
            if restricted is None:
                self.claims["something hangs on it"] = None
                self.why = "no DROP of one object could be made of it"
            else:
                state, _ = watched.ask(sql.SQL(restricted))
                self.claims["without CASCADE it fails with 2BP01"] = state == _HANGS_ON_IT
        if self.finding.hazard.effect.waits:
            _, rows = watched.ask(sql.SQL("SELECT pg_catalog.current_setting('lock_timeout')"))
            self._before = str(rows[0][0]) if rows else ""
        if self._counts_rows:
            self.claims["the table holds rows"] = self._rows(watched) > 0 or None
            self.why = "its table holds no row in this run"

    @property
    def _counts_rows(self) -> bool:
        effect = self.finding.hazard.effect
        return bool(effect.writes or effect.fails_with == "23502" or self.finding.hazard.id == "truncate")

    def _rows(self, watched: Watched) -> int:
        oid = self._oid
        if oid is None:
            return 0
        _, rows = watched.ask(
            sql.SQL("SELECT pg_catalog.count(*) FROM {}").format(sql.SQL(_name(watched, oid)))
            if _name(watched, oid)
            else sql.SQL("SELECT 0")
        )
        self._all_rows = int(rows[0][0]) if rows else 0
        return self._all_rows

    _all_rows: int = 0

    @property
    def _oid(self) -> int | None:
        return self.there.oid(self.finding.tables[0]) if self.finding.tables else None

    def after(self, watched: Watched, raw: RawStatement, did: Did) -> None:
        """When its statement is done and its transaction is still open."""
        hazard, effect = self.finding.hazard, self.finding.hazard.effect
        if effect.fails_with:
            self.claims[f"fails with {effect.fails_with}"] = did.sqlstate == effect.fails_with
            return
        if did.sqlstate:
            self.claims = {"its statement runs": None}
            self.why = f"its statement failed with {did.sqlstate}"
            return
        if did.is_alone:
            if hazard.id not in ("index-if-not-exists", "foreign-key-without-index"):
                self.claims["seen in a transaction"] = None
                self.why = "it cannot be in a transaction, where it could be seen"
            return
        if effect.waits:
            self._waits(watched, did)
        else:
            self._of_tables(did)
        if hazard.id == "truncate":
            self.claims["no row is left"] = self._rows(watched) == 0
        if hazard.id == "drop-table":
            self.claims["the table is gone"] = self._oid in did.gone
        if hazard.id == "rename-enum-label" and raw.kind == "AlterEnumStmt":
            name = ".".join(quoted(each) for each in tree.strings(raw.node["typeName"]))
            state, _ = watched.ask(sql.SQL(f"SELECT {literal(self.finding.name)}::{name}"))
            self.claims["the old label fails"] = state == effect.then.fails_with if effect.then else None

    def _waits(self, watched: Watched, did: Did) -> None:
        if self.finding.hazard.id == "lock-timeout-off":
            _, rows = watched.ask(sql.SQL("SELECT pg_catalog.current_setting('lock_timeout')"))
            self.claims["lock_timeout is off"] = rows[0][0] == "0"
            return
        self.claims["lock_timeout is off"] = self._before == "0"
        self.claims["ACCESS EXCLUSIVE"] = self._oid is not None and did.holds(
            self._oid, LockMode.ACCESS_EXCLUSIVE
        )

    def _of_tables(self, did: Did) -> None:
        effect = self.finding.hazard.effect
        named = [self.there.oid(name) for name in self.finding.tables]
        modes = list(effect.locks.values())
        if modes and not named:
            self.claims["its table is known"] = None
            self.why = "it names no single table"
        for name, oid, mode in zip_longest(self.finding.tables, named, modes[: len(named)], fillvalue=None):
            wanted = mode or (modes[-1] if modes else None)
            if oid is not None and isinstance(wanted, LockMode):
                self.claims[f"{wanted.sql} on {name}"] = did.holds(oid, wanted)
        if not named or named[0] is None:
            return
        first = named[0]
        is_read_only = "every row is read" in self.finding.sentence
        if effect.rewrites and not is_read_only:
            self.claims["written anew"] = first in did.rewrites
        if effect.scans or (effect.rewrites and is_read_only):
            self.claims["read from end to end"] = first in did.scans
        if effect.writes:
            written = did.writes.get(first, 0)
            if self.finding.hazard.id == "write-all-rows":
                self.claims["every row is written"] = written >= self._all_rows
            else:
                self.claims["rows are written"] = written > 0 or None
                self.why = "its condition meets no row of this run"

    def end(self, watched: Watched, did_all: bool) -> None:
        """After the file; nothing is asked if it failed on the way."""
        if not did_all:
            return
        hazard = self.finding.hazard
        if self._probe is not None:
            wanted = _FAILS_THEN[hazard.id]
            if self._before:
                self.claims["it was there before the file"] = None
                self.why = f"before the file it failed already, with {self._before}"
            else:
                state, _ = watched.ask(self._probe)
                self.claims[f"afterwards fails with {' or '.join(wanted)}"] = state in wanted
        elif hazard.id == "session-setting":
            _, rows = watched.ask(
                sql.SQL("SELECT source = 'session' FROM pg_catalog.pg_settings WHERE name = {}").format(
                    sql.Literal(self.finding.name)
                )
            )
            self.claims["still set"] = bool(rows and rows[0][0])
        elif hazard.id == "disable-trigger" and self._oid is not None:
            _, rows = watched.ask(
                sql.SQL(
                    "SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = {} AND tgenabled = 'D'"
                    " AND {} IN ('', tgname)"
                ).format(sql.Literal(self._oid), sql.Literal(self.finding.name))
            )
            self.claims["still off after the file"] = bool(rows)
        elif hazard.id == "index-if-not-exists":
            _, rows = watched.ask(
                sql.SQL(
                    "SELECT FROM pg_catalog.pg_index JOIN pg_catalog.pg_class c ON c.oid = indexrelid"
                    " WHERE NOT indisvalid AND c.relname = {}"
                ).format(sql.Literal(self.finding.name))
            )
            self.claims["invalid still"] = bool(rows)
        elif hazard.id == "foreign-key-without-index":
            self.claims["its DELETE reads all"] = self._reads_all(watched)

    def _reads_all(self, watched: Watched) -> bool | None:
        """Whether the server's own query for the key reads the table, or an index, from end to end.

        Sequential scans are made dear, so that an index is taken wherever one serves.
        """
        name = self.finding.tables[0].rpartition(".")[2]
        _, keys = watched.ask(sql.SQL(_KEYS).format(sql.Literal(name), sql.Literal(self.finding.name)))
        for table, conditions, columns in keys:
            watched.session.execute("SET enable_seqscan = off")
            query = f"EXPLAIN (GENERIC_PLAN) SELECT 1 FROM {table} x WHERE {conditions} FOR KEY SHARE OF x"
            state, lines = watched.ask(sql.SQL(query))
            watched.session.execute("RESET enable_seqscan")
            if state:
                self.why = f"its query failed with {state}"
                return None
            taken = _INDEX.search("\n".join(line[0] for line in lines))
            if taken is None:
                return True
            _, leading = watched.ask(sql.SQL(_LEADING).format(sql.Literal(taken[1].strip('"'))))
            if not any(each[0] in columns for each in leading):
                return True
        self.why = "the key is not there at the end of the file"
        return False if keys else None

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


#: dependent_objects_still_exist
_HANGS_ON_IT = "2BP01"

#: What the application's statement of before fails with; the whole table may go later in the file.
_FAILS_THEN: Mapping[str, tuple[str, ...]] = {
    "drop-column": ("42703", "42P01"),
    "rename-column": ("42703", "42P01"),
    "rename-table": ("42P01",),
    "add-json-column": ("42883",),
}

#: The foreign keys of a table that begin with a column: the table, and the key's condition with parameters.
_KEYS = """
SELECT o.conrelid::regclass::text,
       (SELECT pg_catalog.string_agg(pg_catalog.format('x.%I = $%s::%s', a.attname, k.n,
                                                       pg_catalog.format_type(a.atttypid, NULL)), ' AND ')
        FROM pg_catalog.unnest(o.conkey) WITH ORDINALITY k(attnum, n)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.attnum),
       (SELECT pg_catalog.array_agg(a.attname::text) FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = o.conrelid AND a.attnum = ANY (o.conkey))
FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
JOIN pg_catalog.pg_attribute f ON f.attrelid = o.conrelid AND f.attnum = o.conkey[1]
WHERE o.contype = 'f' AND c.relname = {} AND f.attname = {}
"""
#: The index that a plan reads, and the column that leads it.
_INDEX = re.compile(r"(?:using|Bitmap Index Scan on) (\S+)")
_LEADING = """
SELECT a.attname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE c.relname = {}
"""


def _of_the_application(finding: Finding) -> sql.SQL | None:
    """What it may have said before, and cannot say afterwards."""
    if finding.hazard.id not in _FAILS_THEN or not finding.tables:
        return None
    schema, _, name = finding.tables[0].partition(".")
    table = f"{quoted(schema)}.{quoted(name)}" if name else quoted(schema)
    match finding.hazard.id:
        case "drop-column" | "rename-column":
            return sql.SQL(f"SELECT {quoted(finding.name)} FROM {table} LIMIT 0")
        case "rename-table":
            return sql.SQL(f"SELECT FROM {table} LIMIT 0")
    return sql.SQL(f"SELECT DISTINCT * FROM {table}")


def _name(watched: Watched, oid: int) -> str:
    _, rows = watched.ask(
        sql.SQL("SELECT oid::regclass::text FROM pg_catalog.pg_class WHERE oid = {}").format(sql.Literal(oid))
    )
    return str(rows[0][0]) if rows else ""


def _restricted(raw: RawStatement, name: str) -> str | None:
    """The DROP of this one object, without CASCADE."""
    node: Node = raw.node
    if raw.kind == "DropStmt":
        last = name.rpartition(".")[2]
        objects = [each for each in node["objects"] if last in set(tree.texts(each))]
        return tree.statement_text(
            raw.kind, {**node, "objects": objects or node["objects"], "behavior": "DROP_RESTRICT"}
        )
    if raw.kind == "AlterTableStmt":
        commands = [
            {"AlterTableCmd": {**each["AlterTableCmd"], "behavior": "DROP_RESTRICT"}}
            for each in node["cmds"]
            if each["AlterTableCmd"].get("name") == name
        ]
        return tree.statement_text(raw.kind, {**node, "cmds": commands})
    return None
