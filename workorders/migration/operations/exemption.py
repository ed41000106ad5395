"""Rows that came before a NOT VALID constraint and break it: the way back writes them again.

A script may mend such rows and validate the constraint next. While they are brought back, a
constraint of ours stands for it that lets through our own session alone: what the application
writes meanwhile is checked as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Constraint, Table
from workorders.migration.names import literal, ours, quoted
from workorders.migration.operations import rebuild
from workorders.migration.operations.operation import exclusive
from workorders.migration.operations.row_images import RowImages
from workorders.migration.steps import Action

_SETTING = "lockkeeper.restoring"


@dataclass(frozen=True, kw_only=True)
class _Loosened:
    """A constraint that old rows may break, and what stands for it meanwhile."""

    name: str
    #: What rows have to fulfil, as an expression.
    condition: str
    #: Behind ALTER TABLE: how it is taken away and made again, NOT VALID.
    removal: str
    making: str
    #: " NO INHERIT", where it says so.
    modifier: str = ""
    comment: Constraint | None = None


def around(images: RowImages, restoring: Action) -> tuple[Action, ...]:
    """The action that brings rows of a table back, between two that loosen and tighten its constraints."""
    loosened = tuple(_loosened(images.table))
    if not loosened:
        return (restoring,)
    table, alter = images.table.name, f"ALTER TABLE {images.table.name.sql}"
    word = f"{images.run}/{images.part}"
    names = {each.name: ours("exempt", images.run, images.part, str(table), each.name) for each in loosened}
    first = names[loosened[0].name]
    is_ours = f"coalesce(pg_catalog.current_setting('{_SETTING}', true), '') = {literal(word)}"
    listed = ", ".join(names)
    return (
        Action(
            title=f"let this session alone write what {listed} of {table} forbids",
            sql=tuple(
                f"{alter} ADD CONSTRAINT {quoted(names[each.name])}"
                f" CHECK (({each.condition}) OR {is_ours}){each.modifier} NOT VALID, {each.removal}"
                for each in loosened
            ),
            locks=exclusive(table),
            done=questions.constraint_exists(table, first),
        ),
        _saying(restoring, f"SELECT pg_catalog.set_config('{_SETTING}', {literal(word)}, true)"),
        Action(
            title=f"hold new rows of {table} to {listed} again",
            sql=tuple(
                statement
                for each in loosened
                for statement in (
                    f"{alter} {each.making}, DROP CONSTRAINT {quoted(names[each.name])}",
                    *(rebuild.comment_on(table, each.comment) if each.comment else ()),
                )
            ),
            locks=exclusive(table),
            done=questions.negated(questions.constraint_exists(table, first)),
        ),
    )


def _saying(action: Action, setting: str) -> Action:
    """The action with a setting that holds in each of its transactions."""
    if action.batches is None:
        return replace(action, sql=(setting, *action.sql))
    batches = replace(
        action.batches,
        between=(setting, *action.batches.between),
        rest=(setting, *action.batches.rest),
    )
    return replace(action, batches=batches)


def _loosened(table: Table) -> Iterator[_Loosened]:
    for each in table.constraints:
        if each.kind == "c" and not each.is_validated and each.is_enforced and not each.is_inherited:
            yield _Loosened(
                name=each.name,
                condition=rebuild.condition_of(each),
                removal=f"DROP CONSTRAINT {quoted(each.name)}",
                making=f"ADD CONSTRAINT {quoted(each.name)} {each.definition} NOT VALID",
                modifier=" NO INHERIT" if each.is_no_inherit else "",
                comment=each,
            )
    for column in table.columns:
        if column.not_null and not column.is_not_null_validated and not column.is_inherited:
            name, own = column.not_null_name or column.name, quoted(column.name)
            yield _Loosened(
                name=name,
                condition=f"{own} IS NOT NULL",
                removal=f"ALTER COLUMN {own} DROP NOT NULL",
                making=f"ADD CONSTRAINT {quoted(name)} NOT NULL {own} NOT VALID",
            )
