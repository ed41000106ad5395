"""Rows for the shadow: a sample of the target's, closed under foreign keys, or made-up ones.

The target is read lightly: a bounded number of rows, under a time limit, in a read-only
transaction. Where a table is empty there, a few rows are made up, so that a proof is of more
than the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Table
from workorders.migration.connections import Shadow, Target
from workorders.migration.names import OUR_SCHEMA, RelationName, quoted
from workorders.migration.operations.row_images import parents_first
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import matviews, unvalidated
from workorders.migration.sql import partition_bounds, renamed, tree

ROWS, ROWS_MATCHING, ROWS_MADE_UP = 200, 50, 6

#: How often parents of parents are fetched before the sample is left as it is.
_ROUNDS = 20


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What stands in the shadow's tables."""

    #: Rows from the target, by table.
    rows: Mapping[RelationName, int]
    #: Tables whose rows are made up, for the target has none.
    made_up: tuple[RelationName, ...]
    #: Tables of the plan that stayed without rows.
    empty: tuple[RelationName, ...]


def fill(target: Target, shadow: Shadow, catalog: Catalog, plan: Plan, *, makes_up: bool = True) -> Sample:
    """Copies the sample into the shadow's template; where there is something, what it lacks."""
    catalog = _pointing(catalog, plan)
    wanted = _wanted(catalog, plan)
    with target.transaction():
        target.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        target.execute("SELECT pg_catalog.set_config('statement_timeout', '10s', true)")
        with shadow.transaction(), unvalidated.set_aside(shadow):
            shadow.execute("SET LOCAL session_replication_role = replica")
            for table in wanted:
                _copy(target, shadow, table, f"{_all_of(table)} LIMIT {ROWS}")
            for table, condition in _conditions(catalog, plan):
                query = f"{_all_of(table)} WHERE {condition} LIMIT {ROWS_MATCHING}"
                _copy_if_possible(target, shadow, table, query)
            _close(target, shadow, catalog, wanted)
            _count_on(target, shadow)
    inserted = _inserted(plan)
    made_up = [
        table.name
        for table in wanted
        if makes_up
        and table.name not in inserted
        and _count(shadow, table.own_rows) == 0
        and _make_up(shadow, catalog, table)
    ]
    matviews.fill(shadow, catalog)
    counts = {
        table.name: _count(shadow, table.own_rows) for table in catalog.tables.values() if table.kind == "r"
    }
    # What a partitioned table holds, its partitions hold.
    whole = {name for name, table in catalog.tables.items() if table.kind == "p"}
    return Sample(
        rows={name: rows for name, rows in counts.items() if rows and name not in made_up},
        made_up=tuple(made_up),
        empty=tuple(name for name in plan.tables if not counts.get(name) and name not in whole),
    )


def without_made_up(shadow: Shadow, catalog: Catalog, taken: Sample) -> Sample:
    """Takes the made-up rows out of the template again: what the target has none of, the SQL may rely on.

    Those stay that the server would not delete, as of a published table whose rows nothing tells apart.
    """
    left: list[RelationName] = []
    with shadow.transaction():
        shadow.execute("SET LOCAL session_replication_role = replica")
        for name in taken.made_up:
            try:
                with shadow.transaction():
                    shadow.execute(sql.SQL(f"DELETE FROM {catalog.tables[name].own_rows}"))
            except psycopg.Error:
                left.append(name)
    matviews.fill(shadow, catalog)
    gone = set(taken.made_up) - set(left)
    return replace(taken, made_up=tuple(left), empty=tuple(sorted({*taken.empty, *gone})))


def _pointing(catalog: Catalog, plan: Plan) -> Catalog:
    """The catalog with the foreign keys that the plan will add: children come with their parents."""
    for reference in plan.references:
        table = catalog.tables[reference.table]
        keys = (*table.constraints, reference.constraint)
        catalog = catalog.with_table(replace(table, constraints=keys))
    return catalog


def _wanted(catalog: Catalog, plan: Plan) -> tuple[Table, ...]:
    """The plan's tables, what points at them, and what they point at; parents first."""
    names = set(plan.tables)
    for name in plan.tables:
        names |= {reference.table for reference in catalog.referencing(name)}
    waiting = list(names)
    while waiting:
        table = catalog.tables.get(waiting.pop())
        for key in table.foreign_keys if table else ():
            if key.referenced is not None and key.referenced not in names:
                names.add(key.referenced)
                waiting.append(key.referenced)
    found = (catalog.tables[name] for name in names if name in catalog.tables)
    return parents_first(tuple(table for table in found if table.kind == "r"))


def _inserted(plan: Plan) -> set[RelationName]:
    """Tables that the script may insert into: a made-up row could have the very key that it inserts."""
    found: set[RelationName] = set()
    for position, planned in enumerate(plan.statements):
        if set(planned.operations) & {"insert", "merge", "do", "call", "select"}:
            back = plan.names(position).reversed
            captured = (n for step in plan.steps if step.statement == position for n in step.action.captured)
            found |= {back.table(name) for name in (*planned.tables, *captured)}
    return found


def _conditions(catalog: Catalog, plan: Plan) -> list[tuple[Table, str]]:
    """Which rows the script's own statements are about, so that the sample holds some."""
    found = []
    for position, planned in enumerate(plan.statements):
        raw = planned.statement.raw
        if raw.kind not in ("UpdateStmt", "DeleteStmt") or not raw.node.get("whereClause"):
            continue
        joined = any(raw.node.get(part) for part in ("fromClause", "usingClause", "withClause"))
        if joined or raw.node["relation"].get("alias"):
            continue
        back = plan.names(position).reversed
        now = planned.tables[0]
        table = catalog.tables.get(back.table(now))
        if table is not None:
            condition = tree.expression_text(raw.node["whereClause"])
            found.append((table, renamed.condition(condition, back, main=now) if back.renames else condition))
    return found


def _all_of(table: Table) -> str:
    return f"SELECT {_columns(table)} FROM ONLY {table.name.sql}"


def _columns(table: Table) -> str:
    return ", ".join(quoted(column.name) for column in table.columns if not column.generated)


def _copy_if_possible(target: Target, shadow: Shadow, table: Table, query: str) -> None:
    """The script's condition may speak of what the script itself makes, or makes another."""
    try:
        with target.transaction():
            _copy(target, shadow, table, query)
    except psycopg.ProgrammingError:
        return


def _copy(target: Target, shadow: Shadow, table: Table, query: str) -> None:
    """Adds the query's rows to the shadow's table, leaving out those that it has."""
    columns = _columns(table)
    if not columns:
        return
    with target.cursor().copy(sql.SQL(f"COPY ({query}) TO STDOUT")) as out:
        data = b"".join(bytes(part) for part in out)
    shadow.execute(
        sql.SQL(
            "CREATE TEMP TABLE lockkeeper_stage ON COMMIT DROP AS"
            f" SELECT {columns} FROM {table.name.sql} LIMIT 0"
        )
    )
    with shadow.cursor().copy(sql.SQL(f"COPY lockkeeper_stage ({columns}) FROM STDIN")) as into:
        into.write(data)
    shadow.execute(
        sql.SQL(
            f"INSERT INTO {table.name.sql} ({columns}) OVERRIDING SYSTEM VALUE"
            f" SELECT {columns} FROM lockkeeper_stage s {_unless_there(table)}"
        )
    )
    shadow.execute("DROP TABLE lockkeeper_stage")


def _unless_there(table: Table) -> str:
    """Leaves out staged rows `s` that the table has: beside a deferrable constraint without ON CONFLICT."""
    unique = [constraint for constraint in table.constraints if constraint.kind in "pux"]
    if not any(constraint.is_deferrable for constraint in unique):
        return "ON CONFLICT DO NOTHING"
    there = (
        " AND ".join(f"t.{quoted(column)} = s.{quoted(column)}" for column in constraint.columns)
        for constraint in unique
        if constraint.kind != "x"
    )
    missing = (f"NOT EXISTS (SELECT FROM {table.own_rows} t WHERE {same})" for same in there)
    return f"WHERE {' AND '.join(['true', *missing])}"


def _count_on(target: Target, shadow: Shadow) -> None:
    """Sequences go on from where the target's stand, so that what they give is no row's key already."""
    found = target.execute(
        "SELECT pg_catalog.format('%%I.%%I', schemaname, sequencename), last_value"
        " FROM pg_catalog.pg_sequences WHERE last_value IS NOT NULL AND schemaname <> %s",
        (OUR_SCHEMA,),
    ).fetchall()
    shadow.execute(
        "SELECT pg_catalog.setval(pg_catalog.to_regclass(s.name), s.value)"
        " FROM ROWS FROM (pg_catalog.unnest(%s::text[]), pg_catalog.unnest(%s::bigint[])) AS s (name, value)"
        " WHERE pg_catalog.to_regclass(s.name) IS NOT NULL",
        ([row[0] for row in found], [row[1] for row in found]),
    )


def _close(target: Target, shadow: Shadow, catalog: Catalog, wanted: tuple[Table, ...]) -> None:
    """Fetches the rows that foreign keys of the sample point at, and theirs, until none is missing."""
    for _ in range(_ROUNDS):
        fetched = 0
        for table in wanted:
            for key in table.foreign_keys:
                parent = catalog.tables.get(key.referenced) if key.referenced else None
                if parent is not None:
                    fetched += _fetch_parents(target, shadow, table, key, parent)
        if not fetched:
            return


def _fetch_parents(target: Target, shadow: Shadow, table: Table, key: Constraint, parent: Table) -> int:
    own = ", ".join(f"t.{quoted(column)}::text" for column in key.columns)
    pairs = list(zip(key.referenced_columns, key.columns, strict=True))
    there = " AND ".join(f"p.{quoted(theirs)} = t.{quoted(mine)}" for theirs, mine in pairs)
    filled = " AND ".join(f"t.{quoted(column)} IS NOT NULL" for column in key.columns)
    missing = shadow.execute(
        sql.SQL(
            f"SELECT DISTINCT {own} FROM {table.own_rows} t WHERE {filled}"
            f" AND NOT EXISTS (SELECT FROM {parent.own_rows} p WHERE {there})"
        )
    ).fetchall()
    if not missing:
        return 0
    types = {column.name: column.type for column in parent.columns}
    arrays = ", ".join(
        f"ARRAY[{', '.join(_literal(row[place]) for row in missing)}]::{types[theirs]}[]"
        for place, theirs in enumerate(key.referenced_columns)
    )
    names = ", ".join(f"c{place}" for place in range(len(key.referenced_columns)))
    joined = " AND ".join(
        f"p.{quoted(theirs)} = u.c{place}" for place, theirs in enumerate(key.referenced_columns)
    )
    columns = ", ".join(f"p.{quoted(column.name)}" for column in parent.columns if not column.generated)
    before = _count(shadow, parent.own_rows)
    _copy(
        target,
        shadow,
        parent,
        f"SELECT {columns} FROM {parent.own_rows} p JOIN unnest({arrays}) AS u({names}) ON {joined}",
    )
    return _count(shadow, parent.own_rows) - before


def _literal(value: str) -> str:
    return sql.Literal(value).as_string(None)


def _count(shadow: Shadow, rows: str) -> int:
    row = shadow.execute(sql.SQL(f"SELECT count(*) FROM {rows}")).fetchone()
    return 0 if row is None else int(row[0])


def _inside(catalog: Catalog, table: Table) -> Mapping[str, str]:
    """Values that a row of a partition has, as its bound and those above it say."""
    parents = [catalog.tables[name] for name in table.parents if name in catalog.tables]
    if not table.is_partition or table.partition_bound is None or not parents:
        return {}
    own = partition_bounds.inside(parents[0], partition_bounds.read(table.partition_bound))
    return {**_inside(catalog, parents[0]), **own}


def _make_up(shadow: Shadow, catalog: Catalog, table: Table) -> int:
    """Inserts a few rows that the table accepts; gives how many it did."""
    accepted, inside = 0, _inside(catalog, table)
    for number in range(1, ROWS_MADE_UP + 1):
        values = {
            column.name: inside.get(column.name) or _value(shadow, catalog, table, column, number)
            for column in table.columns
            if not column.generated and column.identity != "a"
        }
        names = ", ".join(quoted(name) for name in values)
        statement = (
            f"INSERT INTO {table.name.sql} ({names}) VALUES ({', '.join(values.values())})"
            if values
            else f"INSERT INTO {table.name.sql} DEFAULT VALUES"
        )
        try:
            with shadow.transaction():
                shadow.execute(sql.SQL(statement))
                accepted += 1
        except psycopg.Error:
            continue  # a CHECK or a trigger that made-up values cannot guess
    return accepted


def _value(shadow: Shadow, catalog: Catalog, table: Table, column: Column, number: int) -> str:
    for key in table.foreign_keys:
        if key.columns == (column.name,) and key.referenced is not None:
            theirs, parent = quoted(key.referenced_columns[0]), catalog.tables[key.referenced].own_rows
            place = number % max(_count(shadow, parent), 1)
            return f"(SELECT {theirs} FROM {parent} ORDER BY 1 OFFSET {place} LIMIT 1)"
    if number == 1 and not column.not_null and column.name not in table.key:
        return "NULL"
    if (column.default or "").startswith("nextval("):
        return "DEFAULT"  # the script, or a trigger, draws its own numbers after this one
    return made_up_value(column, number)


def made_up_value(column: Column, number: int) -> str:
    """A value of the column's type as an SQL expression: another one for each number, as far as there are."""
    kind = column.type.split("(", maxsplit=1)[0]
    made = {
        "boolean": "true" if number % 2 else "false",
        "date": f"DATE '2001-01-01' + {number}",
        "uuid": f"md5('{number}')::uuid",
        "json": f"'{{\"n\": {number}}}'",
        "jsonb": f"'{{\"n\": {number}}}'",
        "bytea": f"'\\x{number:02x}'::bytea",
        "inet": f"'10.0.0.{number}'",
        "cidr": f"'10.0.{number}.0/24'",
        "interval": f"interval '{number} hours'",
    }
    if kind in made:
        return made[kind]
    if kind in ("smallint", "integer", "bigint", "numeric", "real", "double precision", "money", "oid"):
        return str(number)
    if kind in ("text", "character varying", "character", "name", "citext"):
        return f"'made up {number}'::{column.type}"
    if kind.startswith(("timestamp", "time")):
        return f"(TIMESTAMP '2001-01-01 00:00' + interval '{number} hours')::{column.type}"
    if column.type.endswith("[]"):
        return f"'{{}}'::{column.type}"
    return "DEFAULT" if column.default else f"(SELECT (enum_range(NULL::{column.type}))[1])"
