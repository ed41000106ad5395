"""What is asked of the server to try a claim; whatever a question changes is undone."""

from __future__ import annotations

import re
from collections.abc import Mapping

import psycopg
from psycopg import sql

from benchmarks.histories.watching import WatchedRun
from workorders.migration.hazards.linting import Finding
from workorders.migration.names import literal, quoted
from workorders.migration.sql import tree
from workorders.migration.sql.tree import RawStatement

#: dependent_objects_still_exist
HANGS_ON_IT = "2BP01"

#: What the application's statement of before fails with; the whole table may go later in the file.
FAILS_THEN: Mapping[str, tuple[str, ...]] = {
    "drop-column": ("42703", "42P01"),
    "rename-column": ("42703", "42P01"),
    "rename-table": ("42P01",),
    "add-json-column": ("42883",),
}

#: The foreign keys of a table that begin with a column: table, condition with parameters, columns.
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
_INDEX = re.compile(r"(?:using|Bitmap Index Scan on) (\"[^\"]+\"|\S+)")
_LEADING = """
SELECT a.attname::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] WHERE c.relname = {}
"""
_IS_INVALID = """
SELECT 1 FROM pg_catalog.pg_index JOIN pg_catalog.pg_class c ON c.oid = indexrelid
WHERE NOT indisvalid AND c.relname = {}
"""
_IS_OFF = """
SELECT 1 FROM pg_catalog.pg_trigger WHERE tgrelid = {} AND tgenabled = 'D' AND {} IN ('', tgname)
"""
_ATTNUM = "SELECT attnum FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attname = {}"
_IS_THERE = """
SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = {} AND attnum = {} AND NOT attisdropped
"""
_IS_SET = "SELECT 1 FROM pg_catalog.pg_settings WHERE name = {} AND source = 'session'"


def of_the_application(finding: Finding) -> sql.SQL | None:
    """What it may have said before the file, and cannot say afterwards."""
    if finding.hazard.id not in FAILS_THEN or not finding.tables:
        return None
    if finding.hazard.id == "drop-column" and "running application" not in finding.sentence:
        return None  # another column gets its name
    schema, _, name = finding.tables[0].partition(".")
    table = f"{quoted(schema)}.{quoted(name)}" if name else quoted(schema)
    match finding.hazard.id:
        case "drop-column" | "rename-column":
            return sql.SQL(f"SELECT {quoted(finding.name)} FROM {table} LIMIT 0")
        case "rename-table":
            return sql.SQL(f"SELECT FROM {table} LIMIT 0")
    return sql.SQL(f"SELECT DISTINCT * FROM {table}")


def without_cascade(raw: RawStatement, name: str) -> sql.SQL | None:
    """The DROP of this one object, so that the server says whether anything hangs on it."""
    node = raw.node
    if raw.kind == "DropStmt":
        last = name.rpartition(".")[2]
        objects = [each for each in node["objects"] if last in set(tree.texts(each))]
        changed = {**node, "objects": objects or node["objects"], "behavior": "DROP_RESTRICT"}
    elif raw.kind == "AlterTableStmt":
        commands = [item["AlterTableCmd"] for item in node["cmds"]]
        chosen = [each for each in commands if each.get("name") == name]
        changed = {
            **node,
            "cmds": [{"AlterTableCmd": {**each, "behavior": "DROP_RESTRICT"}} for each in chosen],
        }
    else:
        return None
    return sql.SQL(tree.statement_text(raw.kind, changed))


def rows(watched: WatchedRun, table: int | None) -> int:
    """How many the table holds now; 0 where it is gone."""
    _, found = watched.ask(
        sql.SQL("SELECT oid::regclass::text FROM pg_catalog.pg_class WHERE oid = {}").format(
            sql.Literal(table)
        )
    )
    if not found:
        return 0
    _, counted = watched.ask(sql.SQL(f"SELECT pg_catalog.count(*) FROM {found[0][0]}"))
    return int(counted[0][0]) if counted else 0


def lock_timeout(watched: WatchedRun) -> str:
    """As the session has it; "0" for none."""
    _, found = watched.ask(sql.SQL("SELECT pg_catalog.current_setting('lock_timeout')"))
    return str(found[0][0])


def sqlstate_of_label(watched: WatchedRun, raw: RawStatement, label: str) -> str:
    """What the application gets that says a label of the enum that the statement changes."""
    name = ".".join(quoted(each) for each in tree.strings(raw.node["typeName"]))
    state, _ = watched.ask(sql.SQL(f"SELECT {literal(label)}::{name}"))
    return state


def attnum(watched: WatchedRun, table: int, column: str) -> int:
    """The column's number; 0 where there is none."""
    _, found = watched.ask(sql.SQL(_ATTNUM).format(sql.Literal(table), sql.Literal(column)))
    return int(found[0][0]) if found else 0


def is_there(watched: WatchedRun, table: int, column: int) -> bool:
    """Whether the column of this number is."""
    return bool(watched.ask(sql.SQL(_IS_THERE).format(sql.Literal(table), sql.Literal(column)))[1])


def is_still_set(watched: WatchedRun, setting: str) -> bool:
    """Whether the session has a value of its own."""
    return bool(watched.ask(sql.SQL(_IS_SET).format(sql.Literal(setting)))[1])


def is_off(watched: WatchedRun, table: int, trigger: str) -> bool:
    """Whether this trigger of the table, or for "" any, is off in the eyes of others."""
    question = sql.SQL(_IS_OFF).format(sql.Literal(table), sql.Literal(trigger))
    with psycopg.connect(watched.dsn) as other:
        return bool(other.execute(question).fetchall())


def is_invalid(watched: WatchedRun, index: str) -> bool:
    """Whether an index of this name is."""
    return bool(watched.ask(sql.SQL(_IS_INVALID).format(sql.Literal(index)))[1])


def reads_all(watched: WatchedRun, finding: Finding) -> bool | None:
    """Whether the server's own query for a foreign key reads the table, or an index, from end to end.

    Sequential scans are made dear, so that an index is taken wherever one serves. None where the
    key is not there any more.
    """
    name = finding.tables[0].rpartition(".")[2]
    _, keys = watched.ask(sql.SQL(_KEYS).format(sql.Literal(name), sql.Literal(finding.name)))
    for table, conditions, columns in keys:
        watched.session.execute("SET enable_seqscan = off")
        query = f"EXPLAIN (GENERIC_PLAN) SELECT 1 FROM {table} x WHERE {conditions} FOR KEY SHARE OF x"
        state, lines = watched.ask(sql.SQL(query))
        watched.session.execute("RESET enable_seqscan")
        if state:
            return None
        taken = _INDEX.search("\n".join(line[0] for line in lines))
        if taken is None:
            return True
        _, leading = watched.ask(sql.SQL(_LEADING).format(sql.Literal(taken[1].strip('"'))))
        if not any(each[0] in columns for each in leading):
            return True
    return False if keys else None
