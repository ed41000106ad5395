"""ALTER TABLE ... ALTER CONSTRAINT of a foreign key.

DEFERRABLE and INITIALLY: ACCESS EXCLUSIVE on the referencing table for a catalog change, so it
is the online form too, under lock retry. NOT ENFORCED (18): the same on both tables; the
inverse is the way to ENFORCED. ENFORCED (18): the plain form looks up every row under ACCESS
EXCLUSIVE; the online form drops the constraint and adds it NOT VALID in one transaction, then
validates it. Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, rebuild
from workorders.migration.operations.add_foreign_key import orphans
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import (
    Check,
    Place,
    exclusive,
    must_find,
)
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AlterConstraint:
    """A foreign key is checked at another time, or not at all."""

    name: ClassVar[str] = "alter_constraint"
    place: Place
    table: RelationName
    was: Constraint
    becomes: Constraint

    def hazard(self) -> str:
        """Who waits depends on whether rows are read."""
        tables = " and ".join(str(lock.relation) for lock in rebuild.dropping_locks(self.table, self.was))
        if self._enforces:
            return f"reads and writes of {tables} wait while every row of {self.table} is looked up"
        if self._relaxes:
            return f"reads and writes of {tables} wait for a catalog change, and for whom it waits for"
        return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"

    def checks(self) -> tuple[Check, ...]:
        """Where it will be enforced: no orphans."""
        if not self._enforces or self.was.referenced is None:
            return ()
        return (orphans(self.table, self.was, self.was.referenced),)

    @property
    def _enforces(self) -> bool:
        return self.becomes.is_enforced and not self.was.is_enforced

    @property
    def _relaxes(self) -> bool:
        return self.was.is_enforced and not self.becomes.is_enforced

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """A catalog change; on the way to ENFORCED, every row checked afterwards."""
        table = alterable(must_find(catalog, self.table), self.place, "ALTER CONSTRAINT")
        if self.was == self.becomes:
            return ()
        if self.was.is_enforced != self.becomes.is_enforced:
            family.must_take_not_valid(catalog, table, self.place, "ALTER CONSTRAINT")
        if self._enforces:
            return self._enforcing()
        if self._relaxes:
            return self._relaxing(catalog, run, is_new=table.is_new)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=self._altered(self.becomes),
                undo=(self._altered(self.was),),
            ),
        )

    def _altered(self, to: Constraint) -> Action:
        """The catalog change that needs no row."""
        when = rebuild.deferral(to) or " NOT DEFERRABLE"
        enforced = "" if to.is_enforced else " NOT ENFORCED"
        is_both = self.was.is_enforced != self.becomes.is_enforced
        return Action(
            title=f"make {to.name} of {self.table}{when.lower()}{enforced.lower()}",
            sql=(f"ALTER TABLE {self.table.sql} ALTER CONSTRAINT {quoted(to.name)}{when}{enforced}",),
            locks=rebuild.dropping_locks(self.table, to) if is_both else exclusive(self.table),
            done=questions.constraint_is_as(self.table, to, asks_enforced=is_both),
        )

    def _readded(self, constraint: Constraint) -> Action:
        """Enforced for new rows: in one transaction, so that nobody sees the table without it."""
        return Action(
            title=f"hold new rows of {self.table} to {constraint.name}",
            sql=(
                f"ALTER TABLE {self.table.sql} DROP CONSTRAINT {quoted(constraint.name)}",
                rebuild.checked_constraint(self.table, constraint),
                *rebuild.comment_on(self.table, constraint),
            ),
            locks=rebuild.dropping_locks(self.table, constraint),
            done=questions.constraint_is_as(self.table, constraint, asks_enforced=True),
        )

    def _enforcing(self) -> tuple[Step, ...]:
        steps = [
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=self._readded(self.becomes),
                undo=(self._altered(self.was),),
            )
        ]
        steps += [
            Step(statement=self.place.statement, operation=self.name, action=action)
            for action in rebuild.validation(self.table, self.becomes)
        ]
        return tuple(steps)

    def _relaxing(self, catalog: Catalog, run: str, *, is_new: bool) -> tuple[Step, ...]:
        misfit = None if is_new else rebuild.misfit(catalog, self.table, self.was, {}, run)
        settle = (
            () if misfit is None else (Action(title=f"settle rows that violate {self.was.name}", settles=0),)
        )
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=self._altered(self.becomes),
                # A table that the script itself creates goes as a whole.
                undo=()
                if is_new
                else (self._readded(self.was), *settle, *rebuild.validation(self.table, self.was)),
                misfits=() if misfit is None else (misfit,),
                remains=() if misfit is None else (misfit.aside,),
                is_undone_instantly=is_new or not self.was.is_validated,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The constraint as it is to be."""
        table = must_find(catalog, self.table)
        constraints = tuple(self.becomes if c.name == self.was.name else c for c in table.constraints)
        return catalog.with_table(replace(table, constraints=constraints))
