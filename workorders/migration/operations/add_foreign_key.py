"""ALTER TABLE ... ADD FOREIGN KEY.

Plain form: SHARE ROW EXCLUSIVE on both tables while every row is looked up; every write of
either waits. Online form: NOT VALID under lock retry on both, then VALIDATE under SHARE UPDATE
EXCLUSIVE and ROW SHARE in a transaction of its own. No index is added that the SQL does not
give: where the referencing side has none, a delete of a parent reads the whole table.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, ADD table_constraint NOT VALID.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Table
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, rebuild
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, must_find
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AddForeignKey:
    """Every row, new and old, has to have a parent."""

    name: ClassVar[str] = "add_foreign_key"
    place: Place
    table: RelationName
    #: As the catalog will have it, `is_validated` and `is_enforced` as the script says.
    constraint: Constraint
    referenced: RelationName
    #: An index of the table begins with the foreign key's columns.
    is_indexed: bool

    def hazard(self) -> str:
        """Writers of both tables; and who deletes parents, for ever, where an index is missing."""
        tables = " and ".join(dict.fromkeys((str(self.table), str(self.referenced))))
        told = (
            f"writes of {tables} wait while every row of {self.table} is looked up under SHARE ROW EXCLUSIVE"
        )
        if self.is_indexed or not self.constraint.is_enforced:
            return told
        columns = ", ".join(self.constraint.columns)
        return (
            f"{told}; no index of {self.table} begins with ({columns}), so that each delete in"
            f" {self.referenced}, and each update of its key, will read all of {self.table}"
        )

    def checks(self) -> tuple[Check, ...]:
        """No row without a parent."""
        if not self.constraint.is_validated:
            return ()
        return (orphans(self.table, self.constraint, self.referenced),)

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """NOT VALID, then validated; at once between two tables that are new."""
        table = alterable(must_find(catalog, self.table), self.place, "ADD FOREIGN KEY")
        referenced = alterable(must_find(catalog, self.referenced), self.place, "a foreign key's other end")
        family.must_take_not_valid(catalog, table, self.place, "ADD FOREIGN KEY")
        constraint = self.constraint
        sql = rebuild.checked_constraint(self.table, constraint)
        is_plain = constraint.is_validated and table.is_new and referenced.is_new
        add = Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"hold new rows of {self.table} to {constraint.name}",
                sql=(sql.removesuffix(" NOT VALID") if is_plain else sql,),
                locks=rebuild.constraint_locks(self.table, constraint),
                done=questions.constraint_exists(self.table, constraint.name),
            ),
            undo=(rebuild.dropped_constraint(self.table, constraint),),
        )
        if is_plain:
            return (add,)
        return (
            add,
            *(
                Step(statement=self.place.statement, operation=self.name, action=action)
                for action in rebuild.validation(self.table, constraint)
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one more foreign key."""
        table = must_find(catalog, self.table)
        return catalog.with_table(replace(table, constraints=(*table.constraints, self.constraint)))


def orphans(table: RelationName, constraint: Constraint, referenced: RelationName) -> Check:
    """No row that a foreign key would not let in."""
    condition = rebuild.violating(table, constraint, {})
    columns = ", ".join(constraint.columns)
    return Check(
        query=f"SELECT count(*) FROM {table.sql} t WHERE {condition}",
        reason=f"{{count}} rows of {table} have values in ({columns}) that {referenced} does not have.",
        next_move=f"Mend the rows first: SELECT * FROM {table.sql} t WHERE {condition}; finds them.",
        reads=(referenced,),
    )


def has_index_for(table: Table, columns: tuple[str, ...]) -> bool:
    """Whether an index of the table begins with these columns, in any order."""
    keys = [index.key_columns for index in table.indexes if index.is_valid]
    keys += [constraint.columns for constraint in table.constraints if constraint.kind in "pu"]
    return any(set(key[: len(columns)]) == set(columns) for key in keys)


def list_of(columns: tuple[str, ...]) -> str:
    """Columns as they stand in parentheses."""
    return ", ".join(quoted(column) for column in columns)
