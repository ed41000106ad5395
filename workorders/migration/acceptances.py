"""What a plan asks to be accepted expressly, and why, in words."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.draft import PlannedStatement
from workorders.migration.errors import Problem
from workorders.migration.plan import Plan

#: The application may write by position while a column is out of sight, or stands at its table's end.
POSITIONAL = "positional"
#: The script's LOCK TABLE is left out, and statements after it read or change rows.
UNLOCKED = "unlocked"

#: Subscribers are sent a column that is out of sight.
PUBLISHED = "published"

#: Operations that read or change rows as they are at that moment.
_OF_ROWS = frozenset(
    {"update", "delete", "insert", "merge", "truncate", "do", "call", "select", "set_sequence", "refresh"}
)


def needed(plan: Plan, *, has_hidden: bool, writers: tuple[str, ...] | None) -> tuple[str, ...]:
    """Their names. `writers` write by position; None where nobody can tell."""
    found = (
        (POSITIONAL, has_hidden and (writers is None or bool(writers))),
        (UNLOCKED, any(_unlocked(plan))),
        (PUBLISHED, plan.hides_published),
    )
    return tuple(name for name, is_needed in found if is_needed)


def risk(name: str, plan: Plan, writers: tuple[str, ...] | None) -> str:
    """What may come of it, in sentences."""
    if name == UNLOCKED:
        lines = sorted({locking.statement.line for locking in _unlocked(plan)})
        where = f"LOCK TABLE of line {', '.join(map(str, lines))}"
        return (
            f"{where} is left out, for it would hold the application up as long as the script takes:"
            " others may write the table between the statements after it, which read or change rows."
        )
    if name == PUBLISHED:
        return (
            "A dropped column of a published table stays in it, under another name, until it is purged."
            " Subscribers do not have it: a subscription of Postgres's own stops there, unless the"
            " publication lists the table's columns."
        )
    why = (
        "pg_stat_statements cannot be read here, so nobody can tell whether the application does that."
        if writers is None
        else f"The application does that: {writers[0][:200]!r}."
    )
    return (
        "A dropped or former column stays in its table, out of sight, until it is purged, and a column of"
        " another type stands at the table's end: INSERT without column names and COPY would meet it."
        f" {why}"
    )


def problem(name: str, plan: Plan, writers: tuple[str, ...] | None) -> Problem:
    """Why a plan is not applied where this was not accepted."""
    return Problem(line=None, reason=risk(name, plan, writers), next_move=f"Accept it with --accept {name}.")


def _unlocked(plan: Plan) -> Iterator[PlannedStatement]:
    """Each LOCK TABLE with statements of rows after it."""
    for position, planned in enumerate(plan.statements):
        later = plan.statements[position + 1 :]
        if planned.statement.raw.kind == "LockStmt" and any(map(_is_of_rows, later)):
            yield planned


def _is_of_rows(planned: PlannedStatement) -> bool:
    return not _OF_ROWS.isdisjoint(planned.operations) or planned.statement.raw.kind == "CreateTableAsStmt"
