"""The actions of a run in the order in which they are walked: forth, back, or to the purge."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from workorders.migration.journal import Position, Run
from workorders.migration.later_names import purged_under
from workorders.migration.outcome import LeftAsWritten
from workorders.migration.renames import Renamed
from workorders.migration.steps import Action, Step, purging_order


@dataclass(frozen=True, kw_only=True)
class Stop:
    """One action with its place in the walk."""

    position: Position
    step: Step
    action: Action


def forth(run: Run) -> list[Stop]:
    """Every step's action, first to last."""
    return [
        Stop(position=Position(direction="forth", step=number), step=step, action=step.action)
        for number, step in enumerate(run.steps)
    ]


def begun(run: Run, entries: Collection[Position]) -> list[Step]:
    """The steps that were begun, last to first: what a way back has to undo."""
    return [run.steps[number] for number in _begun(run, entries)]


def back(run: Run, entries: Collection[Position]) -> list[Stop]:
    """What undoes the steps that were begun, last to first."""
    return [
        Stop(
            position=Position(direction="back", step=number, action=place),
            step=run.steps[number],
            action=action,
        )
        for number in _begun(run, entries)
        for place, action in enumerate(run.steps[number].undo)
    ]


def purge(run: Run, since: Sequence[Renamed] = ()) -> list[Stop]:
    """What makes the run final, in the order of `purging_order`; then our own tables go.

    After a rollback, too: what the steps' purges drop is not there any more. `since` are the
    other names that later runs have given, in their order.
    """
    steps = [functools.reduce(purged_under, since, step) for step in run.steps]
    stops = [
        Stop(position=Position(direction="purge", step=number, action=place), step=step, action=action)
        for number in purging_order(steps)
        for step in (steps[number],)
        for place, action in enumerate(step.purge)
    ]
    remains = [(step, name) for step in run.steps for name in step.remains]
    for place, (step, name) in enumerate(remains):
        drop = Action(title=f"drop {name}", sql=(f"DROP TABLE IF EXISTS {name.sql}",))
        position = Position(direction="purge", step=len(run.steps), action=place)
        stops.append(Stop(position=position, step=step, action=drop))
    return stops


def left(stops: Collection[Stop], ask: Callable[[str], object]) -> Iterator[LeftAsWritten]:
    """What the stops have left as it was; `ask` gives the single value of a query."""
    for stop in stops:
        if stop.action.leaves:
            rows = ask(stop.action.leaves)
            if isinstance(rows, int) and rows:
                yield LeftAsWritten(title=stop.action.title, rows=rows)


def _begun(run: Run, entries: Collection[Position]) -> list[int]:
    numbers = reversed(range(len(run.steps)))
    return [number for number in numbers if Position(direction="forth", step=number) in entries]
