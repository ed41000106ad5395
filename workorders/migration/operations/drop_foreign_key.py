"""ALTER TABLE ... DROP CONSTRAINT of a foreign key.

Plain form: ACCESS EXCLUSIVE on both tables for a catalog change, so it is the online form too,
under lock retry. The inverse adds it NOT VALID and validates it; rows that have lost their
parent meanwhile are what the old schema cannot hold.
Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, rebuild
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, must_find, refused
from workorders.migration.steps import Action, Misfit, Step


@dataclass(frozen=True, kw_only=True)
class DropForeignKey:
    """Rows need no parent any more."""

    name: ClassVar[str] = "drop_foreign_key"
    place: Place
    table: RelationName
    constraint: Constraint

    def hazard(self) -> str:
        """Nobody for longer than the locks themselves."""
        tables = " and ".join(str(lock.relation) for lock in self._locks)
        return f"reads and writes of {tables} wait for a catalog change, and for whom it waits for"

    @property
    def _locks(self) -> tuple[Lock, ...]:
        return rebuild.dropping_locks(self.table, self.constraint)

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        table = alterable(must_find(catalog, self.table), self.place, "DROP CONSTRAINT")
        family.must_take_not_valid(catalog, table, self.place, "the way back of DROP CONSTRAINT")
        constraint = self.constraint
        if is_temporal(catalog, constraint):
            raise refused(
                self.place,
                f"{constraint.name} of {self.table} is a foreign key over periods: its rows cannot be told"
                " beforehand on the way back.",
                "Drop it by hand.",
            )
        misfit = None if table.is_new else rebuild.misfit(catalog, self.table, constraint, {}, run)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"drop {constraint.name} of {self.table}",
                    sql=(f"ALTER TABLE {self.table.sql} DROP CONSTRAINT {quoted(constraint.name)}",),
                    locks=self._locks,
                    done=questions.negated(questions.constraint_exists(self.table, constraint.name)),
                ),
                # A table that the script itself creates goes as a whole.
                undo=() if table.is_new else brought_back(self.table, constraint, misfit),
                misfits=() if misfit is None else (misfit,),
                remains=() if misfit is None else (misfit.aside,),
                is_undone_instantly=table.is_new or not constraint.is_validated,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one foreign key less."""
        table = must_find(catalog, self.table)
        left = tuple(c for c in table.constraints if c.name != self.constraint.name)
        return catalog.with_table(replace(table, constraints=left))


def brought_back(table: RelationName, constraint: Constraint, misfit: Misfit | None) -> tuple[Action, ...]:
    """The foreign key again: for new rows, then for those that do not fit, then for every row."""
    settle = (
        () if misfit is None else (Action(title=f"settle rows that violate {constraint.name}", settles=0),)
    )
    return (
        Action(
            title=f"hold new rows of {table} to {constraint.name}",
            sql=(
                rebuild.checked_constraint(table, constraint),
                *rebuild.comment_on(table, constraint),
            ),
            locks=rebuild.constraint_locks(table, constraint),
            done=questions.constraint_exists(table, constraint.name),
        ),
        *settle,
        *rebuild.validation(table, constraint),
    )


def is_temporal(catalog: Catalog, constraint: Constraint) -> bool:
    """Whether it compares periods instead of values."""
    referenced = None if constraint.referenced is None else catalog.tables.get(constraint.referenced)
    indexes = () if referenced is None else referenced.indexes
    return any(index.name == constraint.referenced_index and index.method != "btree" for index in indexes)
