"""ALTER TABLE ... DETACH PARTITION.

Plain form: ACCESS EXCLUSIVE on the parent and the partition for a catalog change (0.3-1.3 ms), so it is
the online form too, under lock retry. CONCURRENTLY cannot be in a transaction, waits for every older
reader, and leaves a half-detached partition where it is stopped; it is planned in the same way, with the
CHECK of the bound that it leaves behind. The way back attaches it again: rows that do not fit the bound
by then are what the old schema cannot hold; rows that went to a DEFAULT partition move over.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, DETACH PARTITION.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, chosen, literal, quoted
from workorders.migration.operations import membership, rejoining
from workorders.migration.operations.operation import Check, Place, exclusive, must_find
from workorders.migration.sql import partition_bounds
from workorders.migration.steps import Action, Step

_LEFT_BEHIND = """DO $lockkeeper$
BEGIN
    EXECUTE pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I CHECK (%s) NOT VALID', {table}, {name},
        pg_catalog.pg_get_partition_constraintdef({table}::pg_catalog.regclass));
END
$lockkeeper$"""


@dataclass(frozen=True, kw_only=True)
class DetachPartition:
    """A partition becomes a table of its own."""

    name: ClassVar[str] = "detach_partition"
    place: Place
    #: The parent.
    table: RelationName
    child: RelationName
    #: The script says CONCURRENTLY.
    is_concurrent: bool = False

    @property
    def mentions(self) -> tuple[RelationName, ...]:
        """The partition."""
        return (self.child,)

    def hazard(self) -> str:
        """Everybody, for a moment; and who looks for its rows in the parent."""
        return (
            f"the rows of {self.child} are in {self.table} no more; reads and writes of both wait for a"
            " catalog change, and for whom it waits for"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that the catalog tells."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written, without CONCURRENTLY; attached again on the way back."""
        child = must_find(catalog, self.child)
        back = rejoining.of(catalog, self.table, self.child, run, self.place)
        misfit = None if child.is_new else back.misfit
        detach = Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"detach {self.child} from {self.table}",
                sql=(back.detaching,),
                locks=back.detaching_locks,
                done=questions.negated(membership.is_partition(self.table, self.child)),
            ),
            undo=(*(back.proving(0) if misfit is not None else ()), *back.attaching()),
            misfits=() if misfit is None else (misfit,),
            remains=() if misfit is None else (misfit.aside,),
            is_undone_instantly=misfit is None,
        )
        return (*self._left_behind(catalog, child), detach)

    def _left_behind(self, catalog: Catalog, child: Table) -> tuple[Step, ...]:
        if not self.is_concurrent:
            return ()
        name = self._check_name(catalog)
        exists = questions.constraint_exists(self.child, name)
        add = Action(
            title=f"hold new rows of {self.child} to its bound",
            sql=(_LEFT_BEHIND.format(table=literal(self.child.sql).strip(), name=literal(name).strip()),),
            locks=exclusive(child.name),
            done=exists,
        )
        validate = Action(
            title=f"check every row of {self.child} against its bound",
            sql=(f"ALTER TABLE {self.child.sql} VALIDATE CONSTRAINT {quoted(name)}",),
            locks=(Lock(relation=self.child, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
            scans=(self.child,),
            done=questions.constraint_is_valid(self.child, name),
        )
        drop = Action(
            title=f"drop {name} of {self.child}",
            sql=(f"ALTER TABLE {self.child.sql} DROP CONSTRAINT IF EXISTS {quoted(name)}",),
            locks=exclusive(child.name),
            done=questions.negated(exists),
        )

        def step(action: Action, *undo: Action) -> Step:
            return Step(statement=self.place.statement, operation=self.name, action=action, undo=undo)

        return (step(add, drop), step(validate))

    def _check_name(self, catalog: Catalog) -> str:
        """As the server calls what DETACH CONCURRENTLY leaves behind."""
        taken = catalog.constraint_names.get(self.child.schema, frozenset())
        columns = partition_bounds.columns_of(must_find(catalog, self.table))
        return chosen(self.child.name, columns[0] if len(columns) == 1 else None, "check", taken)

    def after(self, catalog: Catalog) -> Catalog:
        """One partition less."""
        name = self._check_name(catalog)
        became = membership.without_child(catalog, self.table, self.child)
        if not self.is_concurrent:
            return became
        child = must_find(became, self.child)
        # What it says, only the server writes out; it is named, and dropped by its name.
        left = Constraint(name=name, kind="c", definition="CHECK (true)")
        return became.with_table(replace(child, constraints=(*child.constraints, left)))
