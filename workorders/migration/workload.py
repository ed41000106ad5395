"""The application's own statements, as `pg_stat_statements` shows them: do they still plan?

Statements that touch a plan's tables are asked of the planner before and after: one that no
longer plans is broken; one that used an index and now reads a whole table has lost it. Their
mean times are compared from counters, so that only calls since the migration count.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from workorders.migration.connections import Database, Target
from workorders.migration.errors import Unreadable
from workorders.migration.names import RelationName
from workorders.migration.renames import Names, Part, Renamed
from workorders.migration.sql import tree

#: EXPLAIN (GENERIC_PLAN), which plans a statement with its parameters left open.
_GENERIC_PLAN_SINCE = 160000

#: The most called ones; the rest of a large application's statements hardly matter.
_MOST_STATEMENTS = 200

#: Fewer calls say little about a mean.
_FEWEST_CALLS = 10

#: Below this, a mean that grew says more of the machine than of the migration.
_LEAST_DIFFERENCE_MS = 1.0

_DML = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt")


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One normalised statement of the application, with what it has cost."""

    query_id: int
    text: str
    calls: int
    total_ms: float

    @property
    def mean_ms(self) -> float:
        """Milliseconds a call, over all of them."""
        return self.total_ms / max(self.calls, 1)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What the planner makes of a statement."""

    #: None where it plans; else the SQLSTATE.
    sqlstate: str | None
    indexes: tuple[str, ...] = ()
    #: Tables that are read from end to end.
    whole_tables: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The statements that touch certain tables, and how each is planned, at one time."""

    statements: tuple[Statement, ...]
    plans: Mapping[int, Planned]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What became of the workload."""

    #: How many statements were looked at.
    statements: int
    #: Texts of those that planned before and do not now.
    broken: tuple[str, ...]
    #: Those that used an index of a touched table and now read it from end to end.
    lost_index: tuple[str, ...]
    #: Those whose mean exceeds the limit, with the factor in words.
    slower: tuple[str, ...]
    #: Statements with enough calls before and since to compare their means.
    compared: int
    #: Statements with enough calls before.
    comparable: int


def read(target: Target, tables: Collection[RelationName]) -> Workload | None:
    """The workload of these tables now. None where `pg_stat_statements` cannot be read, or before 16."""
    if target.info.server_version < _GENERIC_PLAN_SINCE:
        return None
    touching = statements(target, tables)
    return None if touching is None else Workload(statements=touching, plans=plans(target, touching))


def statements(target: Target, tables: Collection[RelationName]) -> tuple[Statement, ...] | None:
    """The application's statements that touch these tables. None where they cannot be read."""
    found = _statements(target)
    if found is None:
        return None
    names = {table.name for table in tables}
    return tuple(each for each in found if _touches(each.text, names))


def plans(database: Database, touching: Collection[Statement]) -> Mapping[int, Planned]:
    """How each is planned now, by its id. Before 16 only whether it is, with no index named."""
    planned = _planned if database.info.server_version >= _GENERIC_PLAN_SINCE else prepared
    return {each.query_id: planned(database, each.text) for each in touching}


def prepared(database: Database, text: str) -> Planned:
    """Whether a statement can be prepared: all that a server before 16 can be asked."""
    try:
        with database.transaction(force_rollback=True):
            database.execute("SELECT pg_catalog.set_config('lock_timeout', '200ms', true)")
            database.execute(sql.SQL(f"PREPARE lockkeeper_try AS {text}"))
            database.execute("DEALLOCATE lockkeeper_try")
    except psycopg.Error as error:
        return Planned(sqlstate=error.sqlstate or "none")
    return Planned(sqlstate=None)


def saying(target: Target, names: Names) -> tuple[str, ...] | None:
    """The statements that say a name which is given up: they fail from then on.

    None where `pg_stat_statements` cannot be read.
    """
    found = _statements(target) if names.renames else ()
    if found is None:
        return None
    return tuple(each.text for each in found if _says(each.text, names.given_up))


def _says(text: str, given_up: Collection[Renamed]) -> bool:
    try:
        parsed = [raw for raw in tree.statements(text) if raw.kind in _DML]
    except Unreadable:
        return False
    for raw in parsed:
        relations = {found.node.get("relname") for found in _ranges(raw.kind, raw.node)}
        nodes = list(tree.walk({raw.kind: raw.node}))
        columns = set(tree.columns_in(raw.node)) | {
            str(found.node.get("name")) for found in nodes if found.kind in ("ResTarget", "IndexElem")
        }
        constraints = {
            str(each.node.get("onConflictClause", {}).get("infer", {}).get("conname")) for each in nodes
        }
        said = {Part.COLUMN: columns, Part.CONSTRAINT: constraints}
        for each in given_up:
            if each.table.name in relations and (each.part is Part.TABLE or each.was in said[each.part]):
                return True
    return False


def judge(before: Workload, start: Workload, after: Workload, *, slower_than: float) -> Judgement:
    """Compares readings from before a migration, from the start of a look at it, and from its end.

    Plans are compared between the first and the last, times between the first and what was
    called from `start` to the last. `slower_than` is the factor over the former mean that is
    too much, if that is also more than a millisecond.
    """
    begun = {each.query_id: each for each in start.statements}
    now = {each.query_id: each for each in after.statements}
    broken, lost, slower = [], [], []
    compared = 0
    for each in before.statements:
        was, is_now = before.plans[each.query_id], after.plans.get(each.query_id)
        if is_now is None or was.sqlstate is not None:
            continue
        if is_now.sqlstate is not None:
            broken.append(f"{each.text} (SQLSTATE {is_now.sqlstate})")
            continue
        if was.indexes and set(is_now.whole_tables) - set(was.whole_tables):
            lost.append(each.text)
        later, first = now[each.query_id], begun.get(each.query_id, each)
        calls = later.calls - first.calls
        if calls >= _FEWEST_CALLS and each.calls >= _FEWEST_CALLS:
            compared += 1
            mean = (later.total_ms - first.total_ms) / calls
            if mean > each.mean_ms * slower_than and mean - each.mean_ms > _LEAST_DIFFERENCE_MS:
                slower.append(f"{each.text} ({each.mean_ms:.2f} ms before, {mean:.2f} ms now)")
    return Judgement(
        statements=len(before.statements),
        broken=tuple(broken),
        lost_index=tuple(lost),
        slower=tuple(slower),
        compared=compared,
        comparable=sum(each.calls >= _FEWEST_CALLS for each in before.statements),
    )


def _statements(target: Target) -> tuple[Statement, ...] | None:
    try:
        with target.transaction():
            schema = target.execute(
                "SELECT n.nspname FROM pg_catalog.pg_extension e"
                " JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace"
                " WHERE e.extname = 'pg_stat_statements'"
            ).fetchone()
            if schema is None:
                return None
            rows = target.execute(
                sql.SQL(
                    "SELECT queryid, query, sum(calls)::bigint, sum(total_exec_time) FROM {} WHERE queryid"
                    " IS NOT NULL AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname ="
                    " pg_catalog.current_database()) GROUP BY queryid, query ORDER BY sum(calls) DESC"
                ).format(sql.Identifier(schema[0], "pg_stat_statements"))
            ).fetchall()
    except psycopg.Error:
        return None
    if any(row[1] == "<insufficient privilege>" for row in rows):
        return None
    found = [Statement(query_id=row[0], text=row[1], calls=row[2], total_ms=row[3]) for row in rows]
    return tuple(each for each in found if "lockkeeper" not in each.text)[:_MOST_STATEMENTS]


def _touches(text: str, names: set[str]) -> bool:
    try:
        parsed = tree.statements(text)
    except Unreadable:
        return False
    return any(
        found.kind == "RangeVar" and found.node.get("relname") in names
        for raw in parsed
        if raw.kind in _DML
        for found in _ranges(raw.kind, raw.node)
    )


def _ranges(kind: str, node: tree.Node) -> list[tree.RawNode]:
    """Every RangeVar, those of INSERT, UPDATE and DELETE included, which stand without their type."""
    found = list(tree.walk({kind: node}))
    relation = node.get("relation")
    return [*found, *([tree.RawNode(kind="RangeVar", node=relation)] if relation else [])]


def _planned(database: Database, text: str) -> Planned:
    try:
        with database.transaction(force_rollback=True):
            database.execute("SET TRANSACTION READ ONLY")
            database.execute("SELECT pg_catalog.set_config('statement_timeout', '2s', true)")
            database.execute("SELECT pg_catalog.set_config('lock_timeout', '200ms', true)")
            # The text is the application's own, as the server normalised it, and EXPLAIN runs nothing.
            row = database.execute(sql.SQL(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {text}")).fetchone()
    except psycopg.Error as error:
        return Planned(sqlstate=error.sqlstate or "none")
    assert row is not None
    raw = row[0] if isinstance(row[0], list) else json.loads(row[0])
    indexes: list[str] = []
    whole: list[str] = []
    _collect(raw[0]["Plan"], indexes, whole)
    return Planned(sqlstate=None, indexes=tuple(sorted(set(indexes))), whole_tables=tuple(sorted(set(whole))))


def _collect(node: Mapping[str, Any], indexes: list[str], whole: list[str]) -> None:
    if "Index Name" in node:
        indexes.append(str(node["Index Name"]))
    if node.get("Node Type") == "Seq Scan":
        whole.append(str(node.get("Relation Name")))
    for child in node.get("Plans", []):
        _collect(child, indexes, whole)


def to_json(workload: Workload) -> dict[str, Any]:
    """As it is kept from before a migration until after it."""
    return {
        "statements": [[s.query_id, s.text, s.calls, s.total_ms] for s in workload.statements],
        "plans": [
            [query_id, plan.sqlstate, list(plan.indexes), list(plan.whole_tables)]
            for query_id, plan in workload.plans.items()
        ],
    }


def from_json(raw: Mapping[str, Any]) -> Workload:
    """What `to_json` wrote."""
    return Workload(
        statements=tuple(
            Statement(query_id=each[0], text=each[1], calls=each[2], total_ms=each[3])
            for each in raw["statements"]
        ),
        plans={
            each[0]: Planned(sqlstate=each[1], indexes=tuple(each[2]), whole_tables=tuple(each[3]))
            for each in raw["plans"]
        },
    )
