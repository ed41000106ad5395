"""What a script renames or puts out of sight after it has made a twin, told to the twin's trigger.

The trigger's function says the columns' names; it is told the new ones in the transaction that gives
them, and the former ones in the one that takes them back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workorders.migration.names import RelationName, quoted
from workorders.migration.operations.twin import Twin
from workorders.migration.renames import Names, Part, Renamed
from workorders.migration.sql.renamed import RenamedType
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class Twins:
    """Those of a script, each with its table's name of now."""

    known: tuple[tuple[RelationName, Twin], ...] = ()

    def and_one(self, table: RelationName, twin: Twin) -> Twins:
        """With one more."""
        return Twins(known=(*self.known, (table, twin)))

    def under(self, given: Renamed) -> Twins:
        """After a table has got another name."""
        name = Names(renames=(given,)).table
        return Twins(known=tuple((name(table), twin) for table, twin in self.known))

    def under_type(self, given: RenamedType, step: Step) -> tuple[Twins, Step]:
        """The twins after a type has got another name, and the step that gives it, telling their triggers."""
        known = tuple((table, twin.with_type(given)) for table, twin in self.known)
        for (_, before), (_, after) in zip(self.known, known, strict=True):
            if after.change == before.change:
                continue
            forth, back = (twin.step_function(is_swapped=True) for twin in (after, before))
            step = replace(
                step,
                action=replace(step.action, sql=(*step.action.sql, forth)),
                undo=tuple(replace(action, sql=(*action.sql, back)) for action in step.undo),
            )
        return Twins(known=known), step

    def told(self, step: Step) -> tuple[Twins, Step]:
        """The twins after a step, and the step that tells their triggers."""
        twins = self
        for table, was, now in _renamings(step):
            for position, (name, twin) in enumerate(twins.known):
                if name == table and was in {twin.name, *twin.read}:
                    after = twin.renamed(was, now)
                    step = _telling(step, (was, now), twin, after)
                    known = (*twins.known[:position], (name, after), *twins.known[position + 1 :])
                    twins = Twins(known=known)
        return twins, step


def _renamings(step: Step) -> Iterator[tuple[RelationName, str, str]]:
    if step.renamed is not None and step.renamed.part is Part.COLUMN:
        yield step.renamed.table, step.renamed.was, step.renamed.now
    for each in step.hides:
        yield each.table, each.column, each.hidden


def _telling(step: Step, names: tuple[str, str], twin: Twin, after: Twin) -> Step:
    was, now = map(quoted, names)
    forth, back = f"RENAME COLUMN {was} TO {now}", f"RENAME COLUMN {now} TO {was}"
    return replace(
        step,
        action=_with(step.action, forth, after),
        undo=tuple(_with(action, back, twin) for action in step.undo),
    )


def _with(action: Action, renaming: str, twin: Twin) -> Action:
    """The action, with the function after the statement that renames."""
    sql: list[str] = []
    for statement in action.sql:
        sql.append(statement)
        if renaming in statement:
            sql.append(twin.step_function(is_swapped=True))
    return replace(action, sql=tuple(sql))

