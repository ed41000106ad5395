"""CREATE INDEX.

Plain form: SHARE while the table is read and sorted; every write waits (p99 353 ms where
the concurrent form had 26). Online form: CONCURRENTLY, under a watchdog instead of a lock
timeout; an invalid index of a failed try is swept first, because IF NOT EXISTS would succeed
over it. Of a partitioned table the index is laid out first (ON ONLY), each partition's is built
concurrently, and then they are attached. Source: https://www.postgresql.org/docs/18/sql-createindex.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Index, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, index_tree
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, must_find
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class CreateIndex:
    """A new index."""

    name: ClassVar[str] = "create_index"
    place: Place
    table: RelationName
    index: Index
    #: The statement with CONCURRENTLY and every name given.
    sql: str
    #: The partial index's condition as SQL.
    predicate: str | None = None
    #: ON ONLY a partitioned table: its partitions have none.
    is_only: bool = False

    @property
    def index_name(self) -> RelationName:
        """The index's name, in its table's schema."""
        return RelationName(schema=self.table.schema, name=self.index.name)

    def hazard(self) -> str:
        """Writes of the table."""
        return f"writes of {self.table} wait while the table is read and sorted under SHARE"

    def checks(self) -> tuple[Check, ...]:
        """For a unique index over plain columns: no duplicates."""
        columns = self.index.key_columns
        if not self.index.is_unique or not all(columns):
            return ()
        names = ", ".join(quoted(column) for column in columns)
        filled = [f"{quoted(column)} IS NOT NULL" for column in columns]
        where = " AND ".join(filled + ([f"({self.predicate})"] if self.predicate else []))
        return (
            Check(
                query=f"SELECT count(*) FROM (SELECT FROM {self.table.sql} WHERE {where}"
                f" GROUP BY {names} HAVING count(*) > 1) q",
                reason=f"{{count}} values of ({', '.join(columns)}) occur more than once in {self.table}.",
                next_move=f"SELECT {names}, count(*) FROM {self.table.sql} GROUP BY {names}"
                " HAVING count(*) > 1; finds them.",
            ),
        )

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Built concurrently; dropped concurrently on the way back."""
        table = must_find(catalog, self.table)
        if table.kind == "p":
            return self._of_partitioned(catalog, table)
        if table.kind != "m":
            alterable(table, self.place, "CREATE INDEX")
        locks = (Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
        drop = f"DROP INDEX CONCURRENTLY IF EXISTS {self.index_name.sql}"
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"build index {self.index_name}",
                    sql=(self.sql,),
                    locks=locks,
                    scans=(self.table,),
                    is_transactional=False,
                    done=questions.index_is_valid(self.index_name),
                    sweep=(drop,),
                ),
                undo=(
                    Action(
                        title=f"drop index {self.index_name}",
                        sql=(drop,),
                        locks=locks,
                        is_transactional=False,
                        done=questions.negated(questions.relation_exists(self.index_name)),
                    ),
                ),
            ),
        )

    def _of_partitioned(self, catalog: Catalog, table: Table) -> tuple[Step, ...]:
        """Partition by partition; at once on a table that the script makes."""
        parts = index_tree.wanted(catalog, table, self.index, only=self.is_only)
        if not table.is_new:
            return index_tree.built(catalog, parts, self.place, self.name)
        below = () if self.is_only else family.below(catalog, table.name)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"build index {self.index_name}",
                    sql=(index_tree.on_only(self.sql) if self.is_only else self.index.definition,),
                    locks=tuple(Lock(relation=each.name, mode=LockMode.SHARE) for each in (table, *below)),
                    done=questions.relation_exists(self.index_name),
                ),
                undo=(index_tree.dropped(catalog, parts),),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one more index, and its partitions."""
        table = must_find(catalog, self.table)
        if table.kind == "p":
            parts = index_tree.wanted(catalog, table, replace(self.index, is_new=True), only=self.is_only)
            return index_tree.with_parts(catalog, parts)
        return catalog.with_table(replace(table, indexes=(*table.indexes, replace(self.index, is_new=True))))
