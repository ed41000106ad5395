"""The way back from a column that was added: out of the application's way, kept, then dropped."""

from __future__ import annotations

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Column, Table
from workorders.migration.catalog.types import Types
from workorders.migration.names import OUR_SCHEMA, RelationName, literal, ours, quoted
from workorders.migration.operations.operation import exclusive
from workorders.migration.operations.row_images import different
from workorders.migration.steps import Action


def kept(table: RelationName, column: str, run: str) -> RelationName:
    """Where the values are kept that were in the column when it went."""
    return RelationName(schema=OUR_SCHEMA, name=ours("kept", run, str(table), column))


def keepable(column: Column, name: str, types: Types) -> str:
    """A column's value as it is kept: as text where its type may go while that is still there."""
    text = "" if types.is_built_in(column.type) else "::text"
    return f"{quoted(name)}{text} AS {quoted(column.name)}"


def undo(
    table: Table, column: Column, types: Types, run: str, *, missing: str = "", is_kept: bool = True
) -> tuple[Action, ...]:
    """Hides the column, keeps what was written into it beside the rows' keys, and drops it.

    `missing` is what the rows that were there before hold, as SQL over the hidden column's name;
    "" for NULL. Not kept is what follows from other columns anyway.
    """
    name = table.name
    hidden = ours("added", run, str(name), column.name)
    is_hidden = questions.negated(questions.column_exists(name, column.name))
    hide = [f"ALTER TABLE {name.sql} RENAME COLUMN {quoted(column.name)} TO {quoted(hidden)}"]
    if column.not_null:
        hide.append(f"ALTER TABLE {name.sql} ALTER COLUMN {quoted(hidden)} DROP NOT NULL")
    others = [each for each in table.columns if each.name in table.key or not table.key]
    values = [*(keepable(each, each.name, types) for each in others), keepable(column, hidden, types)]
    keep = (
        f"CREATE TABLE {kept(name, column.name, run).sql} AS SELECT {', '.join(values)} FROM {name.sql}"
        f" WHERE {different(quoted(hidden), missing or f'NULL::{column.type}')}"
    )
    keeping = Action(
        title=f"keep what was written into {name}.{column.name}",
        sql=(keep,),
        scans=(name,),
        done=f"SELECT ({questions.relation_exists(kept(name, column.name, run))})"
        f" OR NOT ({questions.column_exists(name, hidden)})",
    )
    return (
        Action(title=f"hide {name}.{column.name}", sql=tuple(hide), locks=exclusive(name), done=is_hidden),
        *((keeping,) if is_kept else ()),
        Action(
            title=f"drop {name}.{column.name}",
            sql=(f"ALTER TABLE {name.sql} DROP COLUMN IF EXISTS {quoted(hidden)}",),
            locks=exclusive(name),
            done=questions.both(is_hidden, questions.negated(questions.column_exists(name, hidden))),
        ),
    )


def stored_default(table: Table, column: Column, run: str) -> str:
    """What the rows that were there before hold without having been written: `attmissingval`.

    Each partition has its own, and each heir.
    """
    hidden = ours("added", run, str(table.name), column.name)
    relation = (
        "tableoid"
        if table.kind == "p" or table.has_heirs
        else f"{literal(table.name.sql)}::pg_catalog.regclass"
    )
    # Through text: an array's missing value is an array of arrays, which no cast can take apart.
    return (
        f"(SELECT (a.attmissingval::text::text[])[1]::{column.type} FROM pg_catalog.pg_attribute a"
        f" WHERE a.attrelid = {relation}"
        f" AND a.attname = {literal(hidden)})"
    )
