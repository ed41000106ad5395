"""CREATE TABLE, and CREATE TABLE AS

Plain form: nobody waits for a table that is not there yet, but a foreign key takes SHARE ROW
EXCLUSIVE on the table that it points at, and INHERITS SHARE UPDATE EXCLUSIVE on the parents, which
stops no reader or writer. So it is the online form too, under lock retry. The inverse puts the
table out of the application's reach, keeps its rows in our schema, and drops it. Rows of a table that
inherits show in what reads its parents: on the way back they go from there, for they were written into
the new table and the old schema has none to hold them; the parents' own rows stay as they are.
Source: https://www.postgresql.org/docs/18/sql-createtable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, ours, quoted
from workorders.migration.operations import inheritance
from workorders.migration.operations.new_column import keepable
from workorders.migration.operations.operation import Check, Place, exclusive
from workorders.migration.operations.restoration import strongest
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class CreateTable:
    """A new table."""

    name: ClassVar[str] = "create_table"
    place: Place
    #: The table as it will be, `is_new` set.
    created: Table
    #: The statement with the table's schema given.
    sql: str
    #: Existing tables that its query reads.
    mentions: tuple[RelationName, ...] = ()

    @property
    def table(self) -> RelationName:
        """The new table's name."""
        return self.created.name

    def hazard(self) -> str:
        """Writers of the tables that it points at."""
        names = ", ".join(str(key.referenced) for key in self.created.foreign_keys)
        if not names:
            return "nobody waits: the table is new"
        return f"writes of {names} wait while the foreign key is added, and for whom that waits for"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written; on the way back its rows are kept."""
        hidden = RelationName(schema=self.table.schema, name=ours("created", run, str(self.table)))
        kept = RelationName(schema=OUR_SCHEMA, name=ours("kept", run, str(self.table)))
        values = ", ".join(keepable(column, column.name, catalog.types) for column in self.created.columns)
        if self.created.is_unread:
            values = "*"
        pointed_at = self._pointed_at(catalog)
        for parent in self.created.parents:
            inheritance.must_be_separable(catalog, self.created, catalog.tables[parent], self.place)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"create {self.table}",
                    sql=(self.sql,),
                    locks=strongest(
                        (
                            *(Lock(relation=name, mode=LockMode.SHARE_ROW_EXCLUSIVE) for name in pointed_at),
                            *(
                                Lock(relation=name, mode=LockMode.SHARE_UPDATE_EXCLUSIVE)
                                for name in self.created.parents
                            ),
                        )
                    ),
                    scans=self.mentions,
                    done=questions.relation_exists(self.table),
                ),
                undo=(
                    Action(
                        title=f"put {self.table} out of reach",
                        # What reads its parents must not show rows of what is out of reach.
                        sql=(
                            *(
                                f"ALTER TABLE {self.table.sql} NO INHERIT {parent.sql}"
                                for parent in self.created.parents
                            ),
                            f"ALTER TABLE {self.table.sql} RENAME TO {quoted(hidden.name)}",
                        ),
                        locks=exclusive(self.table),
                        done=questions.negated(questions.relation_exists(self.table)),
                    ),
                    Action(
                        title=f"keep the rows of {self.table}",
                        sql=(f"CREATE TABLE {kept.sql} AS SELECT {values} FROM {hidden.sql}",),
                        scans=(hidden,),
                        done=f"SELECT ({questions.relation_exists(kept)})"
                        f" OR NOT ({questions.relation_exists(hidden)})",
                    ),
                    Action(
                        title=f"drop {self.table}",
                        sql=(f"DROP TABLE IF EXISTS {hidden.sql}",),
                        locks=exclusive(hidden, *pointed_at),
                        done=questions.negated(questions.relation_exists(hidden)),
                    ),
                ),
                remains=(kept,),
            ),
        )

    def _pointed_at(self, catalog: Catalog) -> tuple[RelationName, ...]:
        names = {key.referenced for key in self.created.foreign_keys if key.referenced is not None}
        return tuple(sorted(names & set(catalog.tables)))

    def after(self, catalog: Catalog) -> Catalog:
        """One more table, and one more heir of its parents."""
        catalog = catalog.with_table(self.created)
        for name in self.created.parents:
            parent = catalog.tables[name]
            children = tuple(sorted({*parent.children, self.table}))
            catalog = catalog.with_table(replace(parent, children=children))
        return catalog
