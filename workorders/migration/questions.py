"""Queries that give one boolean: has this happened to the catalog?

Recovery asks them after a stop, to tell a step that was done from one that was not.
They are asked with an empty search path and read nothing but the catalog.
"""

from __future__ import annotations

from collections.abc import Iterable

from workorders.migration.catalog.snapshot import Constraint
from workorders.migration.names import RelationName, literal


def relation_exists(name: RelationName) -> str:
    """A table, index, view or sequence of this name is there."""
    return f"SELECT pg_catalog.to_regclass({literal(name.sql)}) IS NOT NULL"


def schema_exists(name: str) -> str:
    """Whether there is a schema of this name."""
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {literal(name)})"


def index_is_valid(name: RelationName) -> str:
    """An index of this name is there and may be used."""
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_index"
        f" WHERE indexrelid = pg_catalog.to_regclass({literal(name.sql)}) AND indisvalid)"
    )


def column_exists(table: RelationName, column: str) -> str:
    """The table has a live column of this name."""
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE {_column(table, column)})"


def column_is_of_type(table: RelationName, column: str, type_name: str) -> str:
    """The column's type reads like this, as the catalog writes types."""
    return (
        f"SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE {_column(table, column)}"
        f" AND pg_catalog.format_type(atttypid, atttypmod) = {literal(type_name)})"
    )


def column_is_not_null(table: RelationName, column: str) -> str:
    """The column is marked NOT NULL, be that validated or not."""
    return (
        f"SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE {_column(table, column)} AND attnotnull)"
    )


def column_is_identity(table: RelationName, column: str) -> str:
    """The column takes its values from a sequence of its own."""
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute"
        f" WHERE {_column(table, column)} AND attidentity <> '')"
    )


def default_is(table: RelationName, column: str, default: str | None) -> str:
    """The column's default reads like this; None asks for no default."""
    expected = "IS NULL" if default is None else f"= {literal(default)}"
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d"
        " ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        f" WHERE {_column(table, column, 'a.')} AND pg_catalog.pg_get_expr(d.adbin, d.adrelid) {expected})"
    )


def constraint_exists(table: RelationName, name: str) -> str:
    """The table has a constraint of this name."""
    return f"SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE {_constraint(table, name)})"


def constraint_is_valid(table: RelationName, name: str) -> str:
    """The table has a constraint of this name, and every row was checked against it."""
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint"
        f" WHERE {_constraint(table, name)} AND convalidated)"
    )


def constraint_is_as(table: RelationName, constraint: Constraint, *, asks_enforced: bool) -> str:
    """The table has it, checked when this says; and from 18 on, where asked, enforced if this is."""
    enforced = f" AND conenforced = {str(constraint.is_enforced).lower()}" if asks_enforced else ""
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint"
        f" WHERE {_constraint(table, constraint.name)}"
        f" AND condeferrable = {str(constraint.is_deferrable).lower()}"
        f" AND condeferred = {str(constraint.is_initially_deferred).lower()}{enforced})"
    )


def trigger_exists(table: RelationName, name: str) -> str:
    """The table has a trigger of this name."""
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_trigger"
        f" WHERE tgrelid = pg_catalog.to_regclass({literal(table.sql)}) AND tgname = {literal(name)})"
    )


def negated(question: str) -> str:
    """The opposite of a question of this module."""
    return f"SELECT NOT ({question})"


def both(first: str, second: str) -> str:
    """Two questions that must both be answered with yes."""
    return f"SELECT ({first}) AND ({second})"


def every(asked: Iterable[str]) -> str:
    """Questions that must all be answered with yes."""
    return "SELECT " + " AND ".join(f"({question})" for question in asked)


def _column(table: RelationName, column: str, alias: str = "") -> str:
    return (
        f"{alias}attrelid = pg_catalog.to_regclass({literal(table.sql)})"
        f" AND {alias}attname = {literal(column)} AND NOT {alias}attisdropped"
    )


def _constraint(table: RelationName, name: str) -> str:
    return f"conrelid = pg_catalog.to_regclass({literal(table.sql)}) AND conname = {literal(name)}"
