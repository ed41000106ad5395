"""ALTER TABLE ... ADD UNIQUE, ADD PRIMARY KEY, ADD EXCLUDE.

Plain form: ACCESS EXCLUSIVE while the table is read and sorted. Online form: the columns of a
primary key on the way to NOT NULL, a unique index concurrently, then the constraint USING INDEX,
which is a catalog change. From the moment the index is begun, duplicates are refused at once,
also for a constraint that is to be DEFERRABLE. EXCLUDE and WITHOUT OVERLAPS have no online form:
they are taken as they are on tables that the same script creates or that are so small (512 kB) that
this fits the stall budget, and refused on others.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, ADD table_constraint_using_index.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import exclusions, family, index_tree, not_null_path, rebuild
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import (
    Check,
    Place,
    exclusive,
    must_find,
)
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AddKey:
    """No two rows may be alike in some columns."""

    name: ClassVar[str] = "add_key"
    place: Place
    table: RelationName
    #: As the catalog will have it; its index has its name.
    constraint: Constraint
    index: Index
    #: CREATE UNIQUE INDEX CONCURRENTLY; "" where there is no online form.
    build: str
    #: The constraint as the script has it, with the name that it will have.
    plain: str

    def hazard(self) -> str:
        """Reads and writes of the table."""
        return f"reads and writes of {self.table} wait while it is read and sorted under ACCESS EXCLUSIVE"

    def checks(self) -> tuple[Check, ...]:
        """No duplicates, or rows that overlap."""
        if exclusions.is_one(self.constraint):
            condition = exclusions.overlapping(self.table, self.constraint.definition, {})
            return (
                Check(
                    query=f"SELECT count(*) FROM {self.table.sql} t WHERE {condition}",
                    reason=f"{{count}} rows of {self.table} are excluded by others: {self.constraint.name}.",
                    next_move=f"SELECT * FROM {self.table.sql} t WHERE {condition}; finds them.",
                ),
            )
        columns = self.constraint.columns
        names = ", ".join(quoted(column) for column in columns)
        are_same = self.constraint.definition.startswith("UNIQUE NULLS NOT DISTINCT")
        filled = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in columns)
        where = "" if are_same else f" WHERE {filled}"
        return (
            Check(
                query=f"SELECT count(*) FROM (SELECT FROM {self.table.sql}{where}"
                f" GROUP BY {names} HAVING count(*) > 1) q",
                reason=f"{{count}} values of ({', '.join(columns)}) occur more than once in {self.table}.",
                next_move=f"SELECT {names}, count(*) FROM {self.table.sql}{where} GROUP BY {names}"
                " HAVING count(*) > 1; finds them.",
            ),
        )

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """The index, then the constraint on it; at once on a new table."""
        table = alterable(must_find(catalog, self.table), self.place, "ADD CONSTRAINT")
        if table.is_new:
            step = self._attaching(f"ALTER TABLE {self.table.sql} ADD {self.plain}")
            return family.spread("add_check", catalog, (step,))
        if not self.build:
            way_out = (
                "Create a new table with it and copy the rows there, forbid what is alike with UNIQUE,"
                " or add it by hand in a window."
            )
            exclusions.must_be_small(table, self.constraint, self.place, way_out)
            title = f"hold {self.table}, which is small, to {self.constraint.name}"
            added = exclusions.added(self.table, self.constraint, title, self.plain)
            return (replace(self._attaching(""), action=added),)
        if table.kind == "p":
            parts = index_tree.wanted(catalog, table, self.index, self.constraint)
            return index_tree.built(catalog, parts, self.place, self.name)
        name = RelationName(schema=self.table.schema, name=self.index.name)
        drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name.sql}"
        locks = (Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"build index {name}",
                    sql=(self.build,),
                    locks=locks,
                    scans=(self.table,),
                    is_transactional=False,
                    done=questions.index_is_valid(name),
                    sweep=(drop,),
                ),
                undo=(
                    Action(
                        title=f"drop index {name}",
                        sql=(drop,),
                        locks=locks,
                        is_transactional=False,
                        done=questions.negated(questions.relation_exists(name)),
                    ),
                ),
            ),
            self._attaching(rebuild.using_index(self.table, self.constraint, self.index.name)),
        )

    def _attaching(self, sql: str) -> Step:
        return Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"hold {self.table} to {self.constraint.name}",
                sql=(sql,),
                locks=exclusive(self.table),
                done=questions.constraint_exists(self.table, self.constraint.name),
            ),
            undo=(rebuild.dropped_constraint(self.table, self.constraint),),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one more constraint and its index; a new primary key's columns are NOT NULL."""
        table = must_find(catalog, self.table)
        if table.kind == "p":
            parts = index_tree.wanted(catalog, table, self.index, self.constraint)
            columns = self.constraint.columns if self.constraint.kind == "p" else ()
            for each in (table, *family.below(catalog, self.table)):
                catalog = catalog.with_table(_demanded(catalog, each, columns))
            return index_tree.with_parts(catalog, parts)
        return catalog.with_table(
            replace(
                table,
                columns=_demanded(catalog, table, self.constraint.columns).columns
                if self.constraint.kind == "p"
                else table.columns,
                constraints=(*table.constraints, self.constraint),
                indexes=(*table.indexes, self.index),
            )
        )


def _demanded(catalog: Catalog, table: Table, columns: tuple[str, ...]) -> Table:
    """The table with these columns NOT NULL, under the names that the server would give."""
    for name in columns:
        chosen = not_null_path.constraint_name(catalog, table.name, name)
        table = replace(
            table,
            columns=tuple(
                replace(column, not_null=True, not_null_name=chosen)
                if column.name == name and not column.not_null
                else column
                for column in table.columns
            ),
        )
        catalog = catalog.with_table(table)
    return table
