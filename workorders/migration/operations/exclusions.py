"""EXCLUDE and WITHOUT OVERLAPS: there is no concurrent way to them, so they are for small tables.

Which rows are in each other's way is read from the constraint's own definition.
Source: https://www.postgresql.org/docs/18/sql-createtable.html, "EXCLUDE" and "UNIQUE".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Constraint, Table
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations.operation import SMALL_BYTES, Place, exclusive, refused
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, strings
from workorders.migration.steps import Action


def is_one(constraint: Constraint) -> bool:
    """Whether its index finds more than what is equal."""
    return constraint.kind == "x" or "WITHOUT OVERLAPS" in constraint.definition


def must_be_small(table: Table, constraint: Constraint, place: Place, way_out: str) -> None:
    """Raises Refused for a table that could not be read within the stall budget."""
    if table.size_bytes > SMALL_BYTES or table.kind == "p":
        size = "partitioned" if table.kind == "p" else f"{table.size_bytes // 1024} kB"
        raise refused(
            place,
            f"{constraint.name} excludes overlapping rows of {table.name} ({size}): that has no online form,"
            " and every read and write would wait while the table is read.",
            way_out,
        )


def added(table: RelationName, constraint: Constraint, title: str, definition: str) -> Action:
    """The constraint and its index in one go, while nobody reads or writes the table."""
    return Action(
        title=title,
        sql=(f"ALTER TABLE {table.sql} ADD {definition}",),
        locks=exclusive(table),
        scans=(table,),
        done=questions.constraint_exists(table, constraint.name),
    )


def overlapping(table: RelationName, definition: str, current: Mapping[str, str]) -> str:
    """A condition: true of each row `t` that an earlier row excludes.

    `definition` as `pg_get_constraintdef` writes it; `current` gives the present name of a column that
    was renamed meanwhile.
    """
    (statement,) = tree.statements(f"ALTER TABLE t ADD {definition}")
    node = statement.node["cmds"][0]["AlterTableCmd"]["def"]["Constraint"]
    names = dict(current)
    conditions = ["(o.tableoid, o.ctid) < (t.tableoid, t.ctid)"]
    conditions += [
        f"{tree.on_row(each, 't', names)} {operator} {tree.on_row(each, 'o', names)}"
        for each, operator in _elements(node)
    ]
    if "where_clause" in node:
        among = tree.expression_text(node["where_clause"])
        conditions += [f"({tree.on_row(among, row, names)})" for row in ("t", "o")]
    return f"EXISTS (SELECT FROM {table.sql} o WHERE {' AND '.join(conditions)})"


def _elements(node: Node) -> Iterator[tuple[str, str]]:
    """What is compared, as an expression over the table, and by which operator."""
    keys = strings(node.get("keys", []))
    yield from ((quoted(key), "OPERATOR(pg_catalog.=)") for key in keys[:-1])
    if keys:
        yield quoted(keys[-1]), "OPERATOR(pg_catalog.&&)"
    for item in node.get("exclusions", []):
        element, operator = item["List"]["items"]
        *schema, sign = strings(operator["List"]["items"])
        compared = element["IndexElem"]
        text = quoted(compared["name"]) if "name" in compared else tree.expression_text(compared["expr"])
        yield text, f"OPERATOR({quoted(schema[0])}.{sign})" if schema else sign
