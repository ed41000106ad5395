"""DROP INDEX.

Plain form: ACCESS EXCLUSIVE on the table. Online form: CONCURRENTLY. The inverse builds it
again concurrently, so that takes as long as building it takes.
Source: https://www.postgresql.org/docs/18/sql-dropindex.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Index
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.operations import index_tree, rebuild
from workorders.migration.operations.evaluation import Evaluation
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, must_find, refused
from workorders.migration.steps import Action, Misfit, Step


@dataclass(frozen=True, kw_only=True)
class DropIndex:
    """An index goes."""

    name: ClassVar[str] = "drop_index"
    place: Place
    table: RelationName
    index: Index

    def hazard(self) -> str:
        """Reads and writes of the table, and the plans that used the index."""
        return (
            f"reads and writes of {self.table} wait for ACCESS EXCLUSIVE, and for whom it waits for;"
            " queries that used the index read the table instead"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Dropped concurrently; built again concurrently on the way back."""
        table = must_find(catalog, self.table)
        if table.kind not in "mp":
            alterable(table, self.place, "DROP INDEX")
        name = RelationName(schema=self.table.schema, name=self.index.name)
        if self.index.constraint is not None:
            raise refused(
                self.place,
                f"{name} belongs to the constraint {self.index.constraint} of {self.table}.",
                f"ALTER TABLE {self.table.sql} DROP CONSTRAINT instead.",
            )
        if self.index.attached_to is not None:
            raise refused(
                self.place,
                f"{name} is a part of {self.index.attached_to}, so the server would refuse to drop it.",
                f"DROP INDEX {self.index.attached_to.sql}; drops all of it.",
            )
        trial = Evaluation.of_index(catalog, table, self.index, run)
        misfits, settle = self._misfits(catalog, trial, run)
        # There is no concurrent form for a partitioned table; the way back builds it part by part.
        parts = index_tree.standing(catalog, table, self.index) if table.kind == "p" else ()
        return (
            *(trial.steps(self.place, self.name) if trial is not None else ()),
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=index_tree.dropped(catalog, parts)
                if parts
                else Action(
                    title=f"drop index {name}",
                    sql=(f"DROP INDEX CONCURRENTLY IF EXISTS {name.sql}",),
                    locks=(Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
                    is_transactional=False,
                    done=questions.negated(questions.relation_exists(name)),
                ),
                undo=(
                    *settle,
                    *(index_tree.again(parts) if parts else rebuild.index(self.table, self.index)),
                ),
                misfits=misfits,
                remains=tuple(misfit.aside for misfit in misfits),
                is_undone_instantly=False,
            ),
        )

    def _misfits(
        self, catalog: Catalog, trial: Evaluation | None, run: str
    ) -> tuple[tuple[Misfit, ...], tuple[Action, ...]]:
        """Rows that it would not take, and how each kind of them is settled."""
        misfits, settle = list[Misfit](), list[Action]()
        if trial is not None:
            settle.append(Action(title=f"settle rows that {self.index.name} cannot take", settles=0))
            reason = f"{self.table} had the index {self.index.name}, whose expression fails on their values"
            misfits.append(trial.misfit(catalog, reason))
        only = "" if trial is None else trial.succeeds
        duplicates = rebuild.duplicates(catalog, self.table, self.index, {}, run, only=only)
        if duplicates is not None:
            settle.append(Action(title="settle duplicates", settles=len(misfits)))
            misfits.append(duplicates)
        return tuple(misfits), tuple(settle)

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one index less."""
        table = must_find(catalog, self.table)
        if table.kind == "p":
            catalog = index_tree.without_parts(catalog, index_tree.standing(catalog, table, self.index)[1:])
        left = tuple(index for index in table.indexes if index.name != self.index.name)
        archive = catalog.archive
        if archive is not None:
            wanted = ("INDEX", table.name.schema, self.index.name)
            archive = archive.without([e for e in archive.objects if (e.kind, e.schema, e.tag) == wanted])
        return replace(catalog.with_table(replace(table, indexes=left)), archive=archive)
