"""ALTER TABLE ... DROP CONSTRAINT of a CHECK.

Plain form: ACCESS EXCLUSIVE for a catalog change, so it is the online form too, under lock
retry. The inverse adds it NOT VALID and validates it; rows written meanwhile that violate it
are what the old schema cannot hold.
Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, inheritance, rebuild
from workorders.migration.operations.evaluation import Evaluation
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, exclusive, must_find
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class DropCheck:
    """A condition that rows need no longer fulfil."""

    name: ClassVar[str] = "drop_check"
    place: Place
    table: RelationName
    constraint: Constraint

    @property
    def is_alone(self) -> bool:
        """Tables that inherit from this one do not have it."""
        return self.constraint.is_no_inherit

    def hazard(self) -> str:
        """Nobody for longer than the lock itself."""
        return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        table = alterable(must_find(catalog, self.table), self.place, "DROP CONSTRAINT")
        constraint = self.constraint
        heirs = () if self.is_alone else family.heirs(catalog, self.table)
        inheritance.must_be_valid_alike(table, heirs, constraint, self.place)
        exists = questions.constraint_exists(self.table, constraint.name)
        misfit = rebuild.misfit(catalog, self.table, constraint, {}, run)
        trial = None if misfit is None else Evaluation.of_check(catalog, table, constraint, run)
        if misfit is not None and trial is not None:
            rows, rows_back = (f"{trial.fails} OR {each}" for each in (misfit.rows, misfit.rows_back))
            misfit = replace(misfit, rows=rows, rows_back=rows_back)
        settle = (
            ()
            if misfit is None
            else (Action(title=f"settle rows that violate {constraint.name}", settles=0),)
        )
        return (
            *(trial.steps(self.place, self.name) if trial is not None else ()),
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"drop {constraint.name} of {self.table}",
                    sql=(f"ALTER TABLE {self.table.sql} DROP CONSTRAINT {quoted(constraint.name)}",),
                    locks=exclusive(self.table),
                    done=questions.negated(exists),
                ),
                undo=(
                    Action(
                        title=f"hold new rows of {self.table} to {constraint.name}",
                        sql=(
                            rebuild.checked_constraint(self.table, constraint),
                            *rebuild.comment_on(self.table, constraint),
                            *(
                                comment
                                for heir in heirs
                                if (own := heir.constraint(constraint.name))
                                for comment in rebuild.comment_on(heir.name, own)
                            ),
                        ),
                        locks=exclusive(self.table),
                        done=exists,
                    ),
                    *settle,
                    *rebuild.validation(self.table, constraint),
                ),
                misfits=() if misfit is None else (misfit,),
                remains=() if misfit is None else (misfit.aside,),
                is_undone_instantly=not constraint.is_validated,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one constraint less."""
        table = must_find(catalog, self.table)
        left = tuple(c for c in table.constraints if c.name != self.constraint.name)
        catalog = catalog.without_entries(self.table, (self.constraint.name,))
        return catalog.with_table(replace(table, constraints=left))
