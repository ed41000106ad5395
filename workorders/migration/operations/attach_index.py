"""ALTER INDEX ... ATTACH PARTITION.

Plain form: a catalog change that no reader or writer of the tables waits for, so it is the online form too.
No server detaches an index again: the way back drops the index of the whole, what is attached included,
and builds again what a partition had before the script. So it is for an index of the whole that the
script itself makes, ON ONLY the partitioned table.
Source: https://www.postgresql.org/docs/18/sql-alterindex.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration.catalog.snapshot import Catalog, Index
from workorders.migration.names import RelationName
from workorders.migration.operations import index_tree, membership, rebuild
from workorders.migration.operations.index_tree import Part
from workorders.migration.operations.operation import Check, Place, must_find, refused
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AttachIndex:
    """An index of a partition becomes a part of one of the whole."""

    name: ClassVar[str] = "attach_index"
    place: Place
    #: The partitioned table.
    table: RelationName
    index: Index
    #: The partition.
    child: RelationName
    part: Index

    def hazard(self) -> str:
        """Nobody."""
        return f"nobody waits: only {self.index.name} and {self.part.name} are locked"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        table = must_find(catalog, self.table)
        whole = Part(table=self.table, index=self.index, is_partitioned=True)
        name = RelationName(schema=self.child.schema, name=self.part.name)
        if not (self.index.is_new or table.is_new):
            raise refused(
                self.place,
                f"{whole.name} was there before this script, and no server detaches an index again: the way"
                " back would have to build all of it anew.",
                "Make the index of the whole in this script, or attach it by hand.",
            )
        again = () if self.part.is_new else rebuild.index(self.child, self.part)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"attach index {name} to {whole.name}",
                    sql=(f"ALTER INDEX {whole.name.sql} ATTACH PARTITION {name.sql}",),
                    done=membership.is_partition(whole.name, name),
                ),
                undo=(index_tree.dropped(catalog, (whole,)), *again),
                is_undone_instantly=not again,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The one belongs to the other."""
        child = must_find(catalog, self.child)
        whole = RelationName(schema=self.table.schema, name=self.index.name)
        indexes = tuple(
            replace(each, is_inherited=True, attached_to=whole) if each.name == self.part.name else each
            for each in child.indexes
        )
        return catalog.with_table(replace(child, indexes=indexes))
