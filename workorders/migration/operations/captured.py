"""The steps round a statement whose rows are captured: capture, the change, the end of the capture.

The way back first takes out what was inserted and nobody points at, so that its values are free
again; then brings back what was changed and deleted; then takes out the inserted rows that only
those had pointed at.
"""

from __future__ import annotations

from dataclasses import replace

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import is_ours, quoted
from workorders.migration.operations import exemption, family, inheritance
from workorders.migration.operations.family import alterable
from workorders.migration.operations.inserted_rows import removing
from workorders.migration.operations.operation import Place, exclusive, refused
from workorders.migration.operations.row_images import RowImages
from workorders.migration.steps import Action, Step

LOSES = "rows that were written since keep what was written, column by column"


def capture_name(place: Place, run: str) -> str:
    """What `lockkeeper.capture` is set to while the statement runs."""
    return f"{run}/{place.statement}"


def images_of(written: tuple[Table, ...], place: Place, catalog: Catalog, run: str) -> tuple[RowImages, ...]:
    """The images of each table, in the same order."""
    return tuple(
        RowImages(
            table=table,
            part=str(place.statement),
            run=run,
            with_heirs=frozenset(name for name, each in catalog.tables.items() if each.has_heirs),
            bases={
                column.name: catalog.types.base(column.type)
                for column in (*table.columns, *table.hidden)
                if catalog.types.is_domain(column.type)
            },
        )
        for table in written
    )


def steps_around(
    change: Step, images: tuple[RowImages, ...], place: Place, catalog: Catalog, *, inserts: bool
) -> tuple[Step, ...]:
    """A change with its capture. `images` are parents first; `inserts` if rows may come to be.

    What the change's own undo holds is done after the rows are back. No images are kept of a
    table that the script has made, nor of a temporary one: on the way back it goes as a whole.
    """
    written = tuple(each.table.name for each in images)
    images = tuple(each for each in images if not (each.table.is_new or is_ours(each.table.name.schema)))
    names = tuple(each.table.name for each in images)
    capture = change.action.capture
    if not images:
        return (replace(change, action=replace(change.action, captured=written)),)
    is_stopped = " AND ".join(
        f"NOT ({questions.trigger_exists(each.table.name, each.trigger)})" for each in images
    )
    listed = ", ".join(map(str, names))
    ending = Action(
        title=f"stop capturing rows of {listed}",
        sql=tuple(statement for each in images for statement in each.removal()),
        locks=exclusive(*sorted(names)),
        done=f"SELECT {is_stopped}",
    )
    begin = Action(
        title=f"capture rows of {listed}",
        sql=tuple(statement for each in images for statement in each.creation(capture)),
        locks=capture_locks(tuple(each.table for each in images)),
        done=questions.relation_exists(images[0].images),
    )
    taken_out, afterwards = (
        tuple(
            removing(each, catalog, f"take rows of {each.table.name} that were added out again{when}")
            for each in reversed(images)
            if inserts
        )
        for when in ("", ", those that were pointed at")
    )
    return (
        Step(
            statement=place.statement,
            operation=change.operation,
            action=begin,
            undo=(ending,),
            remains=tuple(name for each in images for name in (each.net, each.images)),
        ),
        replace(
            change,
            action=replace(change.action, captured=written),
            undo=(
                *(each.netting() for each in images),
                *(action for action in change.undo if action.settles is not None),
                *taken_out,
                *(action for each in images for action in exemption.around(each, each.restoring())),
                *afterwards,
                *(action for action in change.undo if action.settles is None),
            ),
            is_undone_instantly=False,
            loses=LOSES,
            restores=tuple(each.restored for each in images),
        ),
        Step(statement=place.statement, operation=change.operation, action=ending),
    )


def must_be_restorable(table: Table, place: Place, catalog: Catalog, what: str) -> None:
    """Raises Refused for a table whose rows could not be captured, or not be brought back as they were."""
    alterable(table, place, what)
    if table.is_new:
        return
    for below in family.below(catalog, table.name):
        must_be_restorable(below, place, catalog, what)
    inheritance.must_be_valid(table, place, what)
    fires = [trigger.name for trigger in table.triggers if trigger.enabled in "OA"]
    if fires and not catalog.role_sets_replication_role:
        raise refused(
            place,
            f"{table.name} has the trigger {fires[0]}, which would change rows as they are brought"
            f" back, and the role {catalog.role} may not hold it still.",
            f"GRANT SET ON PARAMETER session_replication_role TO {quoted(catalog.role)};"
            " as a superuser (15 and later).",
        )
    unstoppable = [trigger.name for trigger in table.triggers if trigger.enabled in "AR"]
    if unstoppable:
        raise refused(
            place,
            f"{table.name} has the trigger {unstoppable[0]}, ENABLE ALWAYS or REPLICA: it cannot be held"
            " still while rows are brought back, and would change them.",
            f"ALTER TABLE {table.name.sql} ENABLE TRIGGER {quoted(unstoppable[0])};"
            " or run the statement by hand.",
        )


def capture_locks(tables: tuple[Table, ...]) -> tuple[Lock, ...]:
    """What starting a capture locks."""
    return tuple(
        Lock(relation=table.name, mode=LockMode.SHARE_ROW_EXCLUSIVE)
        for table in sorted(tables, key=lambda table: table.name)
    )
