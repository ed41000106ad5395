"""Statements of the application that write by position, and would meet a hidden column.

`SELECT *` shows a quarantined column, and `INSERT INTO t VALUES (...)` or COPY without columns
would fill it. `pg_stat_statements` shows whether the application does that; where it is
missing, nobody knows, and somebody has to accept it.
"""

from __future__ import annotations

from collections.abc import Collection

import psycopg

from workorders.migration.connections import Target
from workorders.migration.errors import Unreadable
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.sql import tree
from workorders.migration.steps import Step

#: Operations after which a column stays in its table, out of sight.
_HIDING = {"drop_column", "twin_column"}


def hidden_in(plan: Plan) -> tuple[RelationName, ...]:
    """The tables in which the plan leaves a hidden column until it is purged, by their names before."""
    named = {
        plan.names(position).reversed.table(name)
        for position, planned in enumerate(plan.statements)
        if _HIDING & set(planned.operations)
        for name in planned.tables
        if any(step.operation in _HIDING and _locks(step, name) for step in plan.steps)
    }
    # The partitions of a table have it, too.
    below = {
        plan.names(step.statement).reversed.table(each.table) for step in plan.steps for each in step.hides
    }
    return tuple(sorted(named | below))


def _locks(step: Step, table: RelationName) -> bool:
    return any(lock.relation == table for lock in step.action.locks)


def writers(target: Target, tables: Collection[RelationName]) -> tuple[str, ...] | None:
    """The application's statements that write one of these tables by position.

    None where `pg_stat_statements` cannot be read here.
    """
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
                psycopg.sql.SQL(
                    "SELECT query FROM {} WHERE dbid = (SELECT oid FROM pg_catalog.pg_database"
                    " WHERE datname = pg_catalog.current_database())"
                ).format(psycopg.sql.Identifier(schema[0], "pg_stat_statements"))
            ).fetchall()
    except psycopg.Error:
        return None
    texts = [row[0] for row in rows]
    if any(text == "<insufficient privilege>" for text in texts):
        return None
    names = {table.name for table in tables}
    return tuple(text for text in texts if _writes_by_position(text, names))


def _writes_by_position(text: str, names: set[str]) -> bool:
    lowered = text.lstrip().lower()
    if not lowered.startswith(("insert", "copy", "with", "merge")):
        return False
    try:
        parsed = tree.statements(text)
    except Unreadable:
        return False
    for raw in parsed:
        for found in tree.walk({raw.kind: raw.node}):
            if found.kind == "InsertStmt" and not found.node.get("cols"):
                if found.node["relation"]["relname"] in names and found.node.get("selectStmt"):
                    return True
            elif found.kind == "CopyStmt" and not found.node.get("attlist"):
                relation = found.node.get("relation", {})
                if relation.get("relname") in names and found.node.get("is_from"):
                    return True
    return False
