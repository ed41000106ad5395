"""A column of a domain that forbids NULL, out of the way: it is of the domain's base type there.

From the domain to what it stands on the server changes the catalog alone; on the way back it reads
and writes every row under ACCESS EXCLUSIVE, to hold each to the domain. So this is for small tables.
"""

from __future__ import annotations

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Column, Table
from workorders.migration.names import RelationName, ours, quoted
from workorders.migration.operations.alter_type import marks
from workorders.migration.operations.labels import SMALL_BYTES
from workorders.migration.operations.operation import Place, exclusive, refused
from workorders.migration.steps import Action


def must_be_small(table: Table, column: Column, place: Place) -> None:
    """Raises Refused for a table that could not be written anew within the stall budget."""
    if table.size_bytes > SMALL_BYTES or table.kind == "p":
        size = "is partitioned" if table.kind == "p" else f"has {table.size_bytes // 2**20} MB"
        raise refused(
            place,
            f"{table.name}.{column.name} is of the domain {column.type}, which does not allow NULL, and the"
            f" table {size}: on the way back it would be written anew under ACCESS EXCLUSIVE.",
            "Change its type to the domain's base type first.",
        )


def loosened(table: RelationName, column: Column, hidden: str, base: str) -> tuple[str, ...]:
    """The statements that let it be NULL, once it has its hidden name."""
    return _retyped(table, hidden, base, column.default)


def guard(table: RelationName, column: Column, run: str) -> str:
    """The clause of ALTER TABLE after which no new NULL can be written while it is of the base type."""
    name = quoted(_guard(table, column, run))
    return f"ADD CONSTRAINT {name} CHECK ({quoted(column.name)} IS NOT NULL) NOT VALID"


def tightened(table: Table, column: Column, run: str) -> Action:
    """Of its domain again, once no row is without a value."""
    name = table.name
    return Action(
        title=f"make {name}.{column.name} {column.type} again",
        sql=(
            *_retyped(name, column.name, column.type, column.default),
            *marks(table, column),
            f"ALTER TABLE {name.sql} DROP CONSTRAINT {quoted(_guard(name, column, run))}",
        ),
        locks=exclusive(name),
        rewrites=(name,),
        done=questions.column_is_of_type(name, column.name, column.type),
    )


def _retyped(table: RelationName, column: str, type_name: str, default: str | None) -> tuple[str, ...]:
    alter = f"ALTER TABLE {table.sql} ALTER COLUMN {quoted(column)}"
    if default is None:
        return (f"{alter} TYPE {type_name}",)
    return (f"{alter} DROP DEFAULT", f"{alter} TYPE {type_name}", f"{alter} SET DEFAULT {default}")


def _guard(table: RelationName, column: Column, run: str) -> str:
    return ours("domain", run, str(table), column.name)
