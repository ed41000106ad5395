"""What each step of a rehearsed plan costs: time, rows that it writes, WAL, indexes that it builds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from psycopg import sql

from workorders.migration.connections import Target
from workorders.migration.names import OUR_SCHEMA, RelationName
from workorders.migration.outcome import Outcome
from workorders.migration.plan import Plan
from workorders.migration.steps import Action

_WAL = "SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn"

#: Whoever wrote them: the statement, or triggers. What earlier transactions wrote may still be counted.
_WRITTEN = """
SELECT schemaname, relname, n_tup_ins + n_tup_upd + n_tup_del
FROM pg_catalog.pg_stat_xact_user_tables
WHERE schemaname <> %s AND n_tup_ins + n_tup_upd + n_tup_del > 0
"""

_INDEXES = """
SELECT i.indexrelid FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN (%s, 'information_schema') AND i.indisvalid
"""

_INDEX = """
SELECT n.nspname::text, t.relname::text, m.amname::text, i.indisunique,
       coalesce(pg_catalog.pg_get_expr(i.indpred, i.indrelid), 'true'),
       (SELECT array_agg(pg_catalog.pg_get_indexdef(i.indexrelid, k, true) ORDER BY k)
        FROM generate_series(1, i.indnatts) k)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE i.indexrelid = %s
"""


@dataclass(frozen=True, kw_only=True)
class Built:
    """An index that a step built on the sample."""

    table: RelationName
    method: str
    is_unique: bool
    #: Rows of the table, and those of them that the index holds.
    rows: int
    entries: int
    #: Of a key with all that it includes, on average.
    key_bytes: float


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one step took on the sample."""

    milliseconds: float = 0.0
    #: By which the server's log grew; that others write at the same time counts as well.
    wal_bytes: float = 0.0
    #: Rows inserted, changed and deleted, by table; without those in our schema.
    written: Mapping[RelationName, int] = field(default_factory=dict)
    built: tuple[Built, ...] = ()

    @property
    def rows(self) -> int:
        """All rows that it wrote."""
        return sum(self.written.values())


class Metering:
    """An observer of the executor's session, for one run of a plan."""

    def __init__(self) -> None:
        self._wal = 0.0
        self._written: Mapping[RelationName, int] = {}
        self._indexes: frozenset[int] = frozenset()
        self._costs: dict[Action, Cost] = {}

    def before(self, target: Target, action: Action) -> None:
        """Notes what there is."""
        self._indexes = frozenset() if action.batches else _indexes(target)
        self._written = _written(target)
        self._wal = _one(target, _WAL)

    def after(self, target: Target, action: Action) -> None:
        """Adds what has come; an action in batches comes here once for each."""
        wal = _one(target, _WAL) - self._wal
        so_far = self._costs.get(action, Cost())
        written = dict(so_far.written)
        for table, rows in _written(target).items():
            if (more := rows - self._written.get(table, 0)) > 0:
                written[table] = written.get(table, 0) + more
        new = frozenset() if action.batches else _indexes(target) - self._indexes
        built = tuple(_built(target, oid) for oid in sorted(new))
        self._costs[action] = Cost(
            wal_bytes=so_far.wal_bytes + wal, written=written, built=(*so_far.built, *built)
        )

    def costs(self, plan: Plan, outcome: Outcome) -> Mapping[int, Cost]:
        """By step, with the times of the same run."""
        times = {timed.step: timed.milliseconds for timed in outcome.timings}
        return {
            number: replace(self._costs.get(step.action, Cost()), milliseconds=times[number])
            for number, step in enumerate(plan.steps)
            if number in times
        }


def cheaper(first: Mapping[int, Cost], again: Mapping[int, Cost]) -> Mapping[int, Cost]:
    """The costs of the second run, whose batches are large; of the log the smaller growth.

    What others wrote meanwhile is in one of them at most, where it is short.
    """
    return {
        step: replace(cost, wal_bytes=min(cost.wal_bytes, first[step].wal_bytes)) if step in first else cost
        for step, cost in again.items()
    }


def _written(target: Target) -> Mapping[RelationName, int]:
    return {
        RelationName(schema=schema, name=name): rows
        for schema, name, rows in target.execute(_WRITTEN, (OUR_SCHEMA,))
    }


def _indexes(target: Target) -> frozenset[int]:
    return frozenset(row[0] for row in target.execute(_INDEXES, (OUR_SCHEMA,)))


def _built(target: Target, oid: int) -> Built:
    row = target.execute(_INDEX, (oid,)).fetchone()
    assert row is not None
    schema, name, method, is_unique, predicate, keys = row
    table = RelationName(schema=schema, name=name)
    sizes = " + ".join(f"coalesce(pg_catalog.pg_column_size({key}), 0)" for key in keys)
    found = target.execute(
        sql.SQL(
            f"SELECT count(*), count(*) FILTER (WHERE {predicate}),"
            f" coalesce(avg({sizes}) FILTER (WHERE {predicate}), 0)::float8 FROM ONLY {table.sql}"
        )
    ).fetchone()
    assert found is not None
    return Built(
        table=table,
        method=method,
        is_unique=is_unique,
        rows=found[0],
        entries=found[1],
        key_bytes=found[2],
    )


def _one(target: Target, query: str) -> float:
    row = target.execute(query.encode()).fetchone()
    return 0.0 if row is None else float(row[0])
