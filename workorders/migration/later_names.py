"""What a step leaves for later, under the names that its tables have by then.

The way back meets each name as it left it, last in first out. A purge comes at the very end, and
what does not fit is counted before anything is undone: by then a later step, or a later run,
may have given the table another name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from workorders.migration.catalog.snapshot import Table
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName, quoted
from workorders.migration.renames import Names, Part, Renamed
from workorders.migration.sql import renamed
from workorders.migration.steps import Action, Misfit, MovedColumn, Parent, Restored, Step


def purged_under(step: Step, given: Renamed) -> Step:
    """The step, its purge and its moved column as they are called after one renaming more."""
    moved = step.moved
    if moved is not None:
        names = Names(renames=(given,))
        moved = MovedColumn(
            table=names.table(moved.table),
            column=names.column(moved.table, moved.column),
            behind=names.column(moved.table, moved.behind),
        )
    purge = step.purge
    if given.part is Part.TABLE:
        purge = tuple(_on(action, given.table, given.becomes) for action in purge)
    return replace(step, purge=purge, moved=moved)


def behind_another(step: Step, table: Table, gone: Collection[str]) -> Step:
    """The step, its moved column behind the one before where a column is dropped. `table` as it was."""
    moved = step.moved
    if moved is None or moved.table != table.name or moved.behind not in gone:
        return step
    names = [column.name for column in table.columns]
    before = [name for name in names[: names.index(moved.behind)] if name != moved.column]
    return replace(step, moved=replace(moved, behind=before[-1]) if before else None)


def _on(action: Action, old: RelationName, new: RelationName) -> Action:
    """The action on a table that is called otherwise now; the same where it is not about it."""
    return replace(
        action,
        sql=tuple(renamed.with_table(statement, old, new) for statement in action.sql),
        locks=tuple(
            Lock(relation=new if lock.relation == old else lock.relation, mode=lock.mode)
            for lock in action.locks
        ),
        done=renamed.with_table(action.done, old, new),
    )


def misfits_now(begun: Sequence[Step]) -> list[tuple[Misfit, Misfit]]:
    """Each misfit of the steps that were begun, last to first; and the same as it can be asked of now.

    Rows that a later step's way back gives their former values first are none.
    """
    found = []
    later: tuple[Renamed, ...] = ()
    restored: list[Restored] = []
    for step in begun:
        names = Names(renames=later)
        found += [(misfit, _unless_restored(_called_now(misfit, names), restored)) for misfit in step.misfits]
        restored += [
            Restored(
                table=names.table(each.table),
                rows=renamed.condition(each.rows, names, main=each.table) if names.renames else each.rows,
                images=each.images,
                columns=tuple((names.column(each.table, column), was) for column, was in each.columns),
            )
            for each in step.restores
        ]
        later = (*_given(step), *later)
    return found


def _unless_restored(misfit: Misfit, restored: Sequence[Restored]) -> Misfit:
    rows = [each.rows for each in restored if each.table == misfit.table]
    rows += [
        _points_at_image(misfit.parent, each)
        for each in restored
        if misfit.parent is not None and each.table == misfit.parent.table
    ]
    if not rows:
        return misfit
    return replace(misfit, rows=f"({misfit.rows}) AND NOT ({' OR '.join(rows)})")


def _points_at_image(parent: Parent, restored: Restored) -> str:
    """The row `t` points at a row that comes back."""
    was = dict(restored.columns)
    same = (f"i.{was[theirs]} = t.{quoted(own)}" for theirs, own in parent.pairs)
    return f"EXISTS (SELECT FROM {restored.images.sql} i WHERE {' AND '.join(same)})"


def _given(step: Step) -> Iterator[Renamed]:
    """The step's other names; what is out of sight is there under another name, too."""
    for hidden in step.hides:
        table = hidden.table
        yield Renamed(part=Part.COLUMN, table=table, becomes=table, was=hidden.column, now=hidden.hidden)
    for each in step.other_names:
        yield Renamed(part=each.part, table=each.name, becomes=each.there, was=each.was, now=each.now)
    for move in step.moves:
        yield Renamed(part=Part.TABLE, table=move.relation, becomes=move.there)
    if step.renamed is not None:
        yield step.renamed


def _called_now(misfit: Misfit, names: Names) -> Misfit:
    if misfit.found_in is None and not names.renames:
        return misfit
    return replace(
        misfit,
        table=misfit.found_in or names.table(misfit.table),
        rows=renamed.condition(misfit.rows, names, main=misfit.table),
        parent=None if misfit.parent is None else _parent_now(misfit.parent, misfit.table, names),
    )


def _parent_now(parent: Parent, child: RelationName, names: Names) -> Parent:
    return Parent(
        table=names.table(parent.table),
        pairs=tuple(
            (names.column(parent.table, theirs), names.column(child, own)) for theirs, own in parent.pairs
        ),
    )
