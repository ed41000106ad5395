"""ALTER TABLE ... VALIDATE CONSTRAINT.

Plain form: SHARE UPDATE EXCLUSIVE while every row is read, and ROW SHARE on what a foreign key
points at; neither readers nor writers wait, so it is the online form too. For CHECK and foreign
keys, and from 18 on for NOT NULL. The inverse drops the constraint and adds it NOT VALID in one
transaction, so that no row slips in. Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, inheritance, rebuild
from workorders.migration.operations.add_foreign_key import orphans
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, must_find
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class ValidateConstraint:
    """Old rows, too, have to fulfil a constraint that is NOT VALID yet."""

    name: ClassVar[str] = "validate_constraint"
    place: Place
    table: RelationName
    #: As it is before; of a NOT NULL, one that names the column.
    constraint: Constraint

    @property
    def is_alone(self) -> bool:
        """Tables that inherit from this one do not have it."""
        return self.constraint.kind == "f" or self.constraint.is_no_inherit

    def hazard(self) -> str:
        """Nobody."""
        return f"nobody waits, while every row of {self.table} is read under SHARE UPDATE EXCLUSIVE"

    def checks(self) -> tuple[Check, ...]:
        """No row that violates it."""
        constraint = self.constraint
        if constraint.kind == "f" and constraint.referenced is not None:
            return (orphans(self.table, constraint, constraint.referenced),)
        condition = (
            " OR ".join(f"t.{quoted(column)} IS NULL" for column in constraint.columns)
            if constraint.kind == "n"
            else rebuild.violating(self.table, constraint, {})
        )
        return (
            Check(
                query=f"SELECT count(*) FROM {self.table.sql} t WHERE {condition}",
                reason=f"{{count}} rows of {self.table} violate {constraint.name}.",
                next_move=f"Mend the rows first: SELECT * FROM {self.table.sql} t WHERE {condition};"
                " finds them.",
            ),
        )

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        table = alterable(must_find(catalog, self.table), self.place, "VALIDATE CONSTRAINT")
        constraint = self.constraint
        heirs = () if self.is_alone else family.heirs(catalog, self.table)
        if heirs and constraint.kind == "n":
            inheritance.must_not_inherit(table, self.place, "VALIDATE CONSTRAINT of a NOT NULL")
        inheritance.must_be_valid_alike(table, heirs, constraint, self.place)
        alter = f"ALTER TABLE {self.table.sql}"
        is_valid = questions.constraint_is_valid(self.table, constraint.name)
        locks = [Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE)]
        if constraint.referenced not in (None, self.table):
            assert constraint.referenced is not None
            locks.append(Lock(relation=constraint.referenced, mode=LockMode.ROW_SHARE))
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"check every row against {constraint.name}",
                    sql=(f"{alter} VALIDATE CONSTRAINT {quoted(constraint.name)}",),
                    locks=tuple(locks),
                    scans=(self.table,),
                    done=is_valid,
                ),
                undo=(
                    Action(
                        title=f"hold only new rows of {self.table} to {constraint.name} again",
                        sql=(
                            f"{alter} DROP CONSTRAINT {quoted(constraint.name)}",
                            rebuild.checked_constraint(self.table, constraint),
                            *rebuild.comment_on(self.table, constraint),
                        ),
                        locks=rebuild.dropping_locks(self.table, constraint),
                        done=questions.negated(is_valid),
                    ),
                ),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The constraint is valid."""
        table = must_find(catalog, self.table)
        name = self.constraint.name
        return catalog.with_table(
            replace(
                table,
                constraints=tuple(
                    replace(c, is_validated=True) if c.name == name else c for c in table.constraints
                ),
                columns=tuple(
                    replace(c, is_not_null_validated=True) if c.not_null_name == name else c
                    for c in table.columns
                ),
            )
        )
