"""Rows that the old schema cannot hold: counted beforehand, then filled or set aside as decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from workorders.migration.connections import Target
from workorders.migration.errors import Blocked, Problem, Refused
from workorders.migration.later_names import misfits_now
from workorders.migration.names import clipped, quoted
from workorders.migration.sql import tree
from workorders.migration.steps import Misfit, Step


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What is to become of rows that the old schema cannot hold."""

    #: Column -> SQL expression over the row.
    fill: Mapping[str, str] = field(default_factory=dict)
    #: The rows go to our schema, out of the table.
    set_aside: bool = False

    def covers(self, misfit: Misfit) -> bool:
        """Whether this decision says anything about such rows."""
        return self.set_aside or any(column in self.fill for column in misfit.fillable)


@dataclass(frozen=True, kw_only=True)
class Count:
    """So many rows of a table do not fit."""

    misfit: Misfit
    rows: int

    def __str__(self) -> str:
        rows = "1 row" if self.rows == 1 else f"{self.rows} rows"
        return f"{rows} of {self.misfit.table} cannot go back: {self.misfit.reason}."


class Undecided(Blocked):
    """Rows do not fit the old schema and nobody has said what is to become of them."""

    def __init__(self, counts: tuple[Count, ...]) -> None:
        columns = sorted({column for count in counts for column in count.misfit.fillable})
        fills = " ".join(f"--fill {column}=EXPR" for column in columns[:1])
        super().__init__(
            " ".join(str(count) for count in counts),
            f"Roll back with {fills or '--set-aside'}{' or --set-aside' if fills else ''}.",
        )
        self.counts = counts


class PointedAt(Blocked):
    """Rows cannot be set aside while a foreign key points at them."""


def checked(fill: Mapping[str, str]) -> Mapping[str, str]:
    """The expressions, each read by the parser. Raises Unreadable for what is not one expression."""
    return {column: tree.expression_text(tree.expression(text)) for column, text in fill.items()}


def count(target: Target, steps: list[Step]) -> tuple[Count, ...]:
    """Every kind of row that does not fit, as the tables are now, before anything is undone.

    `steps` are those that were begun, last to first: a later one may have put tables out of
    sight, or given other names to what an earlier one speaks of.
    """
    found = []
    for misfit, now in misfits_now(steps):
        rows = _count(target, now, now.rows)
        if rows:
            found.append(Count(misfit=misfit, rows=rows))
    return tuple(found)


def must_be_decided(target: Target, steps: list[Step], decision: Decision) -> None:
    """Raises Undecided, having changed nothing, for rows that the decision does not cover."""
    fillable = {column for step in steps for misfit in step.misfits for column in misfit.fillable}
    unknown = sorted(set(decision.fill) - fillable)
    if unknown:
        raise Refused(
            Problem(
                line=None,
                reason=f"--fill {unknown[0]}: no rollback of this run needs values for it.",
                next_move=f"It may fill {', '.join(sorted(fillable)) or 'nothing'}.",
            )
        )
    open_counts = tuple(each for each in count(target, steps) if not decision.covers(each.misfit))
    if open_counts:
        raise Undecided(open_counts)


def names_must_be_free(target: Target, steps: list[Step]) -> None:
    """Raises Blocked, having changed nothing, where somebody has made what is to come back."""
    for move in (move for step in steps for move in step.moves if not move.is_remade):
        name = move.relation
        row = target.execute("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (name.sql,)).fetchone()
        if row is not None and row[0]:
            raise Blocked(
                f"{name} was dropped, and somebody else has made another {name} since.",
                f"ALTER TABLE {name.sql} RENAME TO {quoted(clipped(f'new_{name.name}'))}; then roll back"
                " again.",
            )


def settle(target: Target, misfit: Misfit, decision: Decision) -> None:
    """Fills, then sets aside, in the caller's transaction. Raises Undecided for what is left."""
    table = _own_rows(misfit)
    filled = [column for column in misfit.fillable if column in decision.fill]
    if filled and _count(target, misfit, misfit.rows_back):
        hold_triggers_still(target)
        values = ", ".join(f"{quoted(column)} = ({decision.fill[column]})" for column in filled)
        target.execute(sql.SQL(f"UPDATE {table} t SET {values} WHERE {misfit.rows_back}"))
    left = _count(target, misfit, misfit.rows_back)
    if left and decision.set_aside:
        _must_be_unreferenced(target, misfit)
        hold_triggers_still(target)
        aside = misfit.aside.sql
        target.execute(sql.SQL(f"CREATE TABLE IF NOT EXISTS {aside} AS SELECT * FROM {table} WHERE false"))
        target.execute(
            sql.SQL(
                f"WITH gone AS (DELETE FROM {table} t WHERE {misfit.rows_back} RETURNING t.*)"
                f" INSERT INTO {aside} SELECT * FROM gone"
            )
        )
        left = 0
    if left:
        raise Undecided((Count(misfit=misfit, rows=left),))


def hold_triggers_still(target: Target) -> None:
    """For this transaction, the user's triggers do not fire.

    Where the role may not set that, they may only be absent: Refused where a table of the
    user's has an enabled trigger is raised when the plan is made, so here it is let go.
    """
    try:
        with target.transaction():
            target.execute("SELECT pg_catalog.set_config('session_replication_role', 'replica', true)")
    except psycopg.errors.InsufficientPrivilege:
        return


def _must_be_unreferenced(target: Target, misfit: Misfit) -> None:
    for condition in misfit.referenced_when:
        rows = _count(target, misfit, f"({misfit.rows_back}) AND {condition}")
        if rows:
            raise PointedAt(
                f"{rows} rows of {misfit.table} that would be set aside are pointed at by a foreign key.",
                "Fill them instead, or change the rows that point at them.",
            )


def _own_rows(misfit: Misfit) -> str:
    """As FROM, UPDATE and DELETE name the table."""
    return f"ONLY {misfit.table.sql}" if misfit.is_alone else misfit.table.sql


def _count(target: Target, misfit: Misfit, condition: str) -> int:
    query = f"SELECT count(*) FROM {_own_rows(misfit)} t WHERE {condition}"
    row = target.execute(sql.SQL(query)).fetchone()
    return 0 if row is None else int(row[0])
