"""The operation that takes objects without rows away, with its way back."""

from __future__ import annotations

from workorders.migration import questions
from workorders.migration.names import RelationName
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.restoration import Taken, locks_of_what_stays, without
from workorders.migration.sql.objects import relation_of
from workorders.migration.sql.reading import Reading


def dropped(reading: Reading, table: RelationName, gone: Taken, sql: str) -> ChangeDefinition:
    """The operation that takes these away, and its way back; `table` is what it is about."""
    names = ", ".join(map(str, gone.entries))
    return ChangeDefinition(
        place=reading.place,
        table=table,
        title=f"drop {names}",
        sql=sql,
        locks=gone.locks,
        undo_title=f"make {names} again",
        undo=gone.restoring,
        undo_locks=locks_of_what_stays(gone),
        fills_again=gone.filled,
        undone_later=_are_there(gone) if gone.is_outdated else "",
        becomes=without(reading.catalog, gone.entries),
    )


def _are_there(gone: Taken) -> str:
    """Whether all of these views are there."""
    names = (relation_of(entry) for entry in gone.entries)
    return questions.every(questions.relation_exists(name) for name in names if name is not None)
