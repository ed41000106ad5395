"""Validation queries, written out, asked before and after a migration, and compared.

Traffic goes on meanwhile, so counts may differ without anything being lost. What the server
itself counted (`pg_stat_all_tables`) tells how many rows were inserted and deleted by anybody:
a table has lost rows if it has fewer than it had, less those. Where nobody wrote, everything
has to be equal, checksums included.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.connections import Target
from workorders.migration.names import RelationName, literal, quoted
from workorders.migration.plan import Plan
from workorders.migration.renames import Names
from workorders.migration.sql import renamed

#: One query's time limit; what takes longer is reported as not measured.
_QUERY_MS = 30_000

#: Backends report their counters at most once a second; idle ones within this.
_COUNTERS_SECONDS = 12.0

#: Beyond so many rows, no checksum over all of them.
_CHECKSUM_ROWS = 5_000_000


@dataclass(frozen=True, kw_only=True)
class Query:
    """One validation query: it gives one row with one value."""

    #: rows, filled, checksum, orphans or violators.
    kind: str
    table: RelationName
    #: The column, columns or constraint that it is about; "" for the whole table.
    subject: str
    sql: str
    #: The table, and the query, under the names that they have once the plan has run, if others.
    table_after: RelationName | None = None
    sql_after: str = ""

    @property
    def afterwards(self) -> Query:
        """The same question as it is asked once the plan has run."""
        return replace(self, table=self.table_after or self.table, sql=self.sql_after or self.sql)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a query gave, and when."""

    query: Query
    #: None where it could not be measured.
    value: int | None
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Rows written in a table since the server began to count, by anybody."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All answers at one time."""

    answers: tuple[Answer, ...]
    traffic: Mapping[RelationName, Traffic]

    def value(self, query: Query) -> int | None:
        """The answer to the same question."""
        return next((each.value for each in self.answers if _is_same(each.query, query)), None)

    def milliseconds(self, table: RelationName) -> float | None:
        """How long it took to count a table's rows."""
        return next(
            (a.milliseconds for a in self.answers if a.query.kind == "rows" and a.query.table == table),
            None,
        )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One query's two answers. `agrees` is None where nothing can be said."""

    query: Query
    before: int | None
    after: int | None
    agrees: bool | None
    #: Why, in a sentence.
    words: str


def queries(plan: Plan, catalog: Catalog) -> tuple[Query, ...]:
    """The queries for a plan: of its tables, what it does not change on purpose."""
    changed, let_go = _changed_columns(plan), _let_go(plan, catalog)
    found: list[Query] = []
    # ONLY: what the script lets inherit from a table would be counted in it afterwards.
    # The server does not count what TRUNCATE takes away.
    emptied = {
        plan.names(step.statement).reversed.table(name)
        for step in plan.steps
        if step.operation == "truncate"
        for name in step.action.scans
    }
    gone = plan.gone
    names = plan.names()
    for name in plan.tables:
        table = catalog.tables.get(name)
        if table is None or table.kind != "r" or name in emptied | gone:
            continue
        found.append(
            _query("rows", name, "", f"count(*) FROM ONLY {name.sql}", names),
        )
        kept = [c.name for c in table.columns if (name, c.name) not in changed and not c.generated]
        if kept and table.estimated_rows <= _CHECKSUM_ROWS:
            columns = ", ".join(quoted(column) for column in kept)
            found.append(
                _query(
                    "checksum",
                    name,
                    ", ".join(kept),
                    f"coalesce(sum(pg_catalog.hashtext(ROW({columns})::text)::bigint), 0)::bigint"
                    f" FROM ONLY {name.sql}",
                    names,
                )
            )
        stays = replace(table, constraints=tuple(c for c in table.constraints if c.referenced not in gone))
        found += [
            query
            for query in _relationships(
                stays, {column for owner, column in changed if owner == name}, names, catalog
            )
            if (name, query.subject) not in let_go
        ]
    return tuple(found)


def _query(kind: str, table: RelationName, subject: str, asked: str, names: Names) -> Query:
    """A query as it is asked before, and as it is asked after other names were given."""
    before = f"SELECT {asked}"
    query = Query(kind=kind, table=table, subject=subject, sql=_ours(before))
    if not names.renames:
        return query
    after = _ours(renamed.query(before, names, main=table))
    return replace(query, table_after=names.table(table), sql_after=after)


def _ours(query: str) -> str:
    """Marked, so that it is not taken for one of the application's."""
    return f"SELECT /* lockkeeper */ {query.removeprefix('SELECT ')}"


def _relationships(table: Table, changed: set[str], names: Names, catalog: Catalog) -> list[Query]:
    found = []
    for constraint in table.constraints:
        if not constraint.is_validated or changed & set(constraint.columns):
            continue
        if constraint.kind == "f" and constraint.referenced is not None:
            pairs = " AND ".join(
                f"p.{quoted(theirs)} = t.{quoted(mine)}"
                for theirs, mine in zip(constraint.referenced_columns, constraint.columns, strict=True)
            )
            filled = " AND ".join(f"t.{quoted(column)} IS NOT NULL" for column in constraint.columns)
            parent = catalog.tables.get(constraint.referenced)
            there = constraint.referenced.sql if parent is None else parent.own_rows
            condition = f"{filled} AND NOT EXISTS (SELECT FROM {there} p WHERE {pairs})"
            kind = "orphans"
        elif constraint.kind == "c" and constraint.definition.startswith("CHECK "):
            inner = constraint.definition.removeprefix("CHECK ").removesuffix(" NO INHERIT")
            condition, kind = f"NOT {inner}", "violators"
        else:
            continue
        asked = f"count(*) FROM ONLY {table.name.sql} t WHERE {condition}"
        found.append(_query(kind, table.name, constraint.name, asked, names))
    return found


def _changed_columns(plan: Plan) -> set[tuple[RelationName, str]]:
    """Columns that the script changes on purpose, by their names before; none of them is compared."""
    found = set()
    direct: set[RelationName] = set()
    for position, planned in enumerate(plan.statements):
        raw, back = planned.statement.raw, plan.names(position).reversed
        direct |= {back.table(table) for table in planned.tables}
        changed = [item["ResTarget"]["name"] for item in raw.node.get("targetList", [])]
        for item in raw.node.get("cmds", []):
            command = item["AlterTableCmd"]
            if command["subtype"] in ("AT_DropColumn", "AT_AlterColumnType"):
                changed.append(command["name"])
        found |= {
            (back.table(table), back.column(table, column)) for table in planned.tables for column in changed
        }
    captured = {
        plan.names(step.statement).reversed.table(name)
        for step in plan.steps
        for name in step.action.captured
    }
    # A cascade or a trigger may change any column of a table that no statement names.
    return found | {(name, "*") for name in captured - direct}


def _let_go(plan: Plan, catalog: Catalog) -> set[tuple[RelationName, str]]:
    """Constraints that the script drops or no longer enforces, and what a CASCADE takes with them."""
    found: set[tuple[RelationName, str]] = set()
    for position, planned in enumerate(plan.statements):
        back = plan.names(position).reversed
        for item in planned.statement.raw.node.get("cmds", []):
            command = item["AlterTableCmd"]
            names = {
                "AT_DropConstraint": command.get("name", ""),
                "AT_AlterConstraint": command.get("def", {}).get("ATAlterConstraint", {}).get("conname", ""),
            }
            name = names.get(command["subtype"])
            for table in planned.tables if name else ():
                found.add((back.table(table), back.constraint(table, str(name))))
            if command.get("behavior") == "DROP_CASCADE":
                found |= {
                    (reference.table, reference.constraint.name)
                    for table in planned.tables
                    for reference in catalog.referencing(back.table(table))
                }
    return found


def measure(target: Target, asked: tuple[Query, ...]) -> Measured:
    """Asks each query, read-only and with a time limit."""
    tables = {query.table for query in asked}
    traffic = {table: counted(target, table) for table in tables}
    return Measured(answers=tuple(_ask(target, query) for query in asked), traffic=traffic)


def counted(target: Target, table: RelationName) -> Traffic:
    """The server's own counters of one table."""
    row = target.execute(
        "SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_catalog.pg_stat_all_tables"
        " WHERE relid = pg_catalog.to_regclass(%s)",
        (table.sql,),
    ).fetchone()
    return Traffic() if row is None else Traffic(inserted=row[0], updated=row[1], deleted=row[2])


def _ask(target: Target, query: Query) -> Answer:
    began = time.monotonic()
    try:
        with target.transaction():
            target.execute("SET TRANSACTION READ ONLY")
            target.execute("SELECT pg_catalog.set_config('statement_timeout', %s, true)", (f"{_QUERY_MS}ms",))
            row = target.execute(sql.SQL(query.sql)).fetchone()
        value = None if row is None else int(row[0])
    except psycopg.Error:
        value = None
    return Answer(query=query, value=value, milliseconds=(time.monotonic() - began) * 1000)


def validate(
    target: Target, before: Measured, *, counters_seconds: float = _COUNTERS_SECONDS
) -> tuple[Comparison, ...]:
    """Asks the same queries again and compares; waits a little for the server's counters."""
    deadline = time.monotonic() + counters_seconds
    while True:
        compared = _compare(target, before)
        if all(each.agrees is not False for each in compared) or time.monotonic() > deadline:
            return compared
        time.sleep(0.5)


def _compare(target: Target, before: Measured) -> tuple[Comparison, ...]:
    after = measure(target, tuple(answer.query.afterwards for answer in before.answers))
    # Counters are read last, too: a row counted must not be newer than its counter.
    after = replace(after, traffic={table: counted(target, table) for table in after.traffic})
    return tuple(
        _judged(answer.query, answer.value, after.value(answer.query.afterwards), before, after)
        for answer in before.answers
    )


def _judged(query: Query, was: int | None, now: int | None, before: Measured, after: Measured) -> Comparison:
    if was is None or now is None:
        words = f"not measured within {_QUERY_MS // 1000} s"
        return Comparison(query=query, before=was, after=now, agrees=None, words=words)
    old, new = before.traffic[query.table], after.traffic[query.afterwards.table]
    inserted, deleted = new.inserted - old.inserted, new.deleted - old.deleted
    updated = new.updated - old.updated
    is_quiet = not (inserted or deleted or updated)
    agrees: bool | None
    if query.kind in ("orphans", "violators"):
        agrees, words = now <= was, f"{now:,} rows violate {query.subject}, {was:,} before"
    elif query.kind == "rows":
        agrees = now >= was - deleted and (now == was or not is_quiet)
        words = f"{was:,} rows before, {now:,} after; {inserted:,} inserted and {deleted:,} deleted meanwhile"
    elif is_quiet:
        agrees, words = (
            now == was,
            "nobody wrote, and the checksums are " + ("equal" if now == was else "not"),
        )
    else:
        written = inserted + updated + deleted
        agrees, words = None, f"{written:,} rows were written meanwhile, so the checksums say nothing"
    return Comparison(query=query, before=was, after=now, agrees=agrees, words=words)


def _is_same(one: Query, other: Query) -> bool:
    return (one.kind, one.table, one.subject) == (other.kind, other.table, other.subject)


def rows_matching(target: Target, table: RelationName, condition: str) -> int | None:
    """How many rows a statement is about; None where that takes too long to count."""
    where = f" WHERE {condition}" if condition else ""
    query = _query("rows", table, literal(condition), f"count(*) FROM {table.sql}{where}", Names())
    return _ask(target, query).value


def to_json(measured: Measured) -> dict[str, Any]:
    """As it is kept from before a migration until after it."""
    return {
        "answers": [
            {
                "kind": answer.query.kind,
                "table": [answer.query.table.schema, answer.query.table.name],
                "subject": answer.query.subject,
                "sql": answer.query.sql,
                "table_after": [answer.query.afterwards.table.schema, answer.query.afterwards.table.name],
                "sql_after": answer.query.sql_after,
                "value": answer.value,
                "milliseconds": answer.milliseconds,
            }
            for answer in measured.answers
        ],
        "traffic": [
            [table.schema, table.name, traffic.inserted, traffic.updated, traffic.deleted]
            for table, traffic in measured.traffic.items()
        ],
    }


def from_json(raw: Mapping[str, Any]) -> Measured:
    """What `to_json` wrote."""
    return Measured(
        answers=tuple(
            Answer(
                query=Query(
                    kind=each["kind"],
                    table=_name(each["table"]),
                    subject=each["subject"],
                    sql=each["sql"],
                    table_after=_name(each.get("table_after", each["table"])),
                    sql_after=each.get("sql_after", ""),
                ),
                value=each["value"],
                milliseconds=each["milliseconds"],
            )
            for each in raw["answers"]
        ),
        traffic={
            RelationName(schema=each[0], name=each[1]): Traffic(
                inserted=each[2], updated=each[3], deleted=each[4]
            )
            for each in raw["traffic"]
        },
    )


def _name(raw: list[str]) -> RelationName:
    return RelationName(schema=raw[0], name=raw[1])
