"""REFRESH MATERIALIZED VIEW

Plain form: ACCESS EXCLUSIVE on the materialised view for as long as its query takes. Online form: with
CONCURRENTLY, which stops no reader, where the view is filled and has a unique index over plain columns;
else as it is, within the stall budget. On the way back, when all else is undone, it is refreshed again: it
then shows what its query gives, which is what it showed before if it was fresh; one that was empty is
emptied.
Source: https://www.postgresql.org/docs/18/sql-refreshmaterializedview.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName
from workorders.migration.operations.operation import Check, Place, exclusive, must_find
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """A materialised view's rows are made anew, or taken away."""

    name: ClassVar[str] = "refresh"
    place: Place
    table: RelationName
    #: The script says CONCURRENTLY.
    is_concurrent: bool
    #: False for WITH NO DATA.
    fills: bool

    def hazard(self) -> str:
        """Readers of the view."""
        if self.is_concurrent:
            return f"nobody waits: {self.table} is refreshed concurrently"
        return f"reads of {self.table} wait while its query runs, under ACCESS EXCLUSIVE"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Concurrently, where that is possible."""
        view = must_find(catalog, self.table)
        step = Step(
            statement=self.place.statement,
            operation=self.name,
            action=_refresh(view, fills=self.fills, is_concurrent=self.is_concurrent),
        )
        if view.is_new:
            return (step,)
        after = replace(view, is_populated=self.fills)
        return (replace(step, undo=(_refresh(after, fills=view.is_populated, is_concurrent=False),)),)

    def after(self, catalog: Catalog) -> Catalog:
        """The view is filled, or empty."""
        return catalog.with_table(replace(must_find(catalog, self.table), is_populated=self.fills))


def _refresh(view: Table, *, fills: bool, is_concurrent: bool) -> Action:
    name = view.name
    has_key = any(
        index.is_unique and all(index.key_columns) and " WHERE " not in index.definition
        for index in view.indexes
    )
    if fills and (is_concurrent or (view.is_populated and has_key)):
        # EXCLUSIVE stops other refreshes only: nobody else writes a materialised view.
        return Action(title=f"refresh {name}", sql=(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {name.sql}",))
    if fills:
        return refilling(name)
    return Action(
        title=f"empty {name}",
        sql=(f"REFRESH MATERIALIZED VIEW {name.sql} WITH NO DATA",),
        locks=exclusive(name),
        rewrites=(name,),
    )


def refilling(name: RelationName) -> Action:
    """Its rows made anew while nobody reads it."""
    return Action(
        title=f"refresh {name}",
        sql=(f"REFRESH MATERIALIZED VIEW {name.sql}",),
        locks=exclusive(name),
        rewrites=(name,),
    )
