"""ALTER TABLE ... ADD CHECK.

Plain form: ACCESS EXCLUSIVE while every row is read. Online form: NOT VALID under lock
retry, then VALIDATE under SHARE UPDATE EXCLUSIVE in a transaction of its own.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, ADD table_constraint.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, exclusive, must_find
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AddCheck:
    """Every row, new and old, has to fulfil a condition."""

    name: ClassVar[str] = "add_check"
    place: Place
    table: RelationName
    #: Given, or chosen as the server would.
    constraint: str
    #: The condition as SQL.
    condition: str
    columns: tuple[str, ...]
    #: " NO INHERIT" and " NOT ENFORCED", where the script says so.
    modifiers: str = ""
    #: The script says NOT VALID: old rows are left alone.
    is_not_valid: bool = False

    def hazard(self) -> str:
        """Reads and writes of the table."""
        return f"reads and writes of {self.table} wait while every row is read under ACCESS EXCLUSIVE"

    def checks(self) -> tuple[Check, ...]:
        """No row that violates it."""
        if not self._validates:
            return ()
        return (
            Check(
                query=f"SELECT count(*) FROM {self.table.sql} WHERE NOT ({self.condition})",
                reason=f"{{count}} rows of {self.table} violate CHECK ({self.condition}).",
                next_move="Mend the rows first: SELECT * FROM"
                f" {self.table.sql} WHERE NOT ({self.condition}); finds them.",
            ),
        )

    @property
    def is_alone(self) -> bool:
        """Tables that inherit from this one do not get it."""
        return "NO INHERIT" in self.modifiers

    @property
    def _validates(self) -> bool:
        return not self.is_not_valid and "NOT ENFORCED" not in self.modifiers

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """NOT VALID, then validated."""
        alterable(must_find(catalog, self.table), self.place, "ADD CHECK")
        alter = f"ALTER TABLE {self.table.sql}"
        not_valid = "" if "NOT ENFORCED" in self.modifiers else " NOT VALID"
        add = Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"hold new rows of {self.table} to {self.constraint}",
                sql=(
                    f"{alter} ADD CONSTRAINT {quoted(self.constraint)}"
                    f" CHECK ({self.condition}){self.modifiers}{not_valid}",
                ),
                locks=exclusive(self.table),
                done=questions.constraint_exists(self.table, self.constraint),
            ),
            undo=(
                Action(
                    title=f"drop {self.constraint} of {self.table}",
                    sql=(f"{alter} DROP CONSTRAINT IF EXISTS {quoted(self.constraint)}",),
                    locks=exclusive(self.table),
                    done=questions.negated(questions.constraint_exists(self.table, self.constraint)),
                ),
            ),
        )
        if not self._validates:
            return (add,)
        validate = Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"check every row against {self.constraint}",
                sql=(f"{alter} VALIDATE CONSTRAINT {quoted(self.constraint)}",),
                locks=(Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
                scans=(self.table,),
                done=questions.constraint_is_valid(self.table, self.constraint),
            ),
        )
        return (add, validate)

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one more constraint."""
        table = must_find(catalog, self.table)
        constraint = Constraint(
            name=self.constraint,
            kind="c",
            definition=f"CHECK ({self.condition}){self.modifiers.removesuffix(' NOT ENFORCED')}",
            columns=self.columns,
            is_validated=self._validates,
            is_no_inherit=self.is_alone,
            is_enforced="NOT ENFORCED" not in self.modifiers,
        )
        return catalog.with_table(replace(table, constraints=(*table.constraints, constraint)))
