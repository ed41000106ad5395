"""The way to NOT NULL that nobody waits for: a promise first, then a check of the rows.

18 and later have NOT NULL constraints with names that can be NOT VALID. Before that, a
CHECK that is validated lets SET NOT NULL skip its scan (since 12); it is dropped afterwards
in a command of its own, because one that drops it in the same command scans again.
"""

from __future__ import annotations

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, chosen, ours, quoted
from workorders.migration.operations.operation import exclusive
from workorders.migration.steps import Action

_NAMED_SINCE = 18


def constraint_name(catalog: Catalog, table: RelationName, column: str) -> str | None:
    """The name that the server would give the constraint; None before 18."""
    if catalog.major < _NAMED_SINCE:
        return None
    taken = catalog.constraint_names.get(table.schema, frozenset())
    return chosen(table.name, column, "not_null", taken)


def promise(table: RelationName, column: str, name: str | None, run: str) -> str:
    """The clause of ALTER TABLE after which no new NULL can be written."""
    if name is not None:
        return f"ADD CONSTRAINT {quoted(name)} NOT NULL {quoted(column)} NOT VALID"
    guard = _guard(table, column, run)
    return f"ADD CONSTRAINT {quoted(guard)} CHECK ({quoted(column)} IS NOT NULL) NOT VALID"


def promised(table: RelationName, column: str, name: str | None, run: str) -> str:
    """A question: has the promise been given?"""
    return questions.constraint_exists(table, name or _guard(table, column, run))


def fulfilment(table: RelationName, column: str, name: str | None, run: str) -> tuple[Action, ...]:
    """The actions after the promise: every row checked, the column marked."""
    if name is not None:
        return (_validation(table, name, questions.constraint_is_valid(table, name)),)
    guard = _guard(table, column, run)
    is_marked = questions.column_is_not_null(table, column)
    validated = f"SELECT ({questions.constraint_is_valid(table, guard)}) OR ({is_marked})"
    return (
        _validation(table, guard, validated),
        Action(
            title=f"mark {column} NOT NULL",
            sql=(
                f"ALTER TABLE {table.sql} ALTER COLUMN {quoted(column)} SET NOT NULL",
                f"ALTER TABLE {table.sql} DROP CONSTRAINT {quoted(guard)}",
            ),
            locks=exclusive(table),
            done=questions.both(is_marked, questions.negated(questions.constraint_exists(table, guard))),
        ),
    )


def withdrawal(
    table: RelationName,
    column: str,
    name: str | None,
    run: str,
    *,
    below: tuple[RelationName, ...] | None = None,
) -> Action:
    """Takes back the promise and the mark, from wherever the path was left.

    Of a table with heirs, `below` are those whose mark goes as well.
    """
    if name is not None:
        sql: tuple[str, ...] = (f"ALTER TABLE {table.sql} DROP CONSTRAINT IF EXISTS {quoted(name)}",)
        done = questions.negated(questions.constraint_exists(table, name))
    else:
        guard = _guard(table, column, run)
        alter, named = ("ALTER TABLE", (table,)) if below is None else ("ALTER TABLE ONLY", (table, *below))
        sql = (
            *(f"{alter} {each.sql} ALTER COLUMN {quoted(column)} DROP NOT NULL" for each in named),
            f"ALTER TABLE {table.sql} DROP CONSTRAINT IF EXISTS {quoted(guard)}",
        )
        done = questions.both(
            questions.negated(questions.column_is_not_null(table, column)),
            questions.negated(questions.constraint_exists(table, guard)),
        )
    return Action(title=f"let {column} be NULL again", sql=sql, locks=exclusive(table), done=done)


def _validation(table: RelationName, constraint: str, done: str) -> Action:
    return Action(
        title=f"check every row against {constraint}",
        sql=(f"ALTER TABLE {table.sql} VALIDATE CONSTRAINT {quoted(constraint)}",),
        locks=(Lock(relation=table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
        scans=(table,),
        done=done,
    )


def _guard(table: RelationName, column: str, run: str) -> str:
    return ours("not_null", run, str(table), column)
