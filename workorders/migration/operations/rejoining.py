"""A former partition that becomes one again, with what was written since on both sides.

Rows that no longer fit its bound are what the old schema cannot hold. Rows that went to the DEFAULT
partition meanwhile, and belong to it, move over in the transaction that attaches it.
"""

from __future__ import annotations

from dataclasses import dataclass

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, ours, quoted
from workorders.migration.operations import family, membership, rebuild
from workorders.migration.operations.operation import Place, refused
from workorders.migration.sql import partition_bounds
from workorders.migration.steps import Action, Misfit

_FIRES = {
    "O": "ENABLE TRIGGER",
    "A": "ENABLE ALWAYS TRIGGER",
    "R": "ENABLE REPLICA TRIGGER",
    "D": "DISABLE TRIGGER",
}


@dataclass(frozen=True, kw_only=True)
class Rejoining:
    """The way back of a partition that was detached."""

    catalog: Catalog
    parent: Table
    #: As it was.
    child: Table
    run: str
    place: Place

    @property
    def condition(self) -> str | None:
        """True of the rows that belong there; None where nobody can tell."""
        bound = partition_bounds.read(self.child.partition_bound or "DEFAULT")
        if not partition_bounds.is_default(bound):
            return partition_bounds.condition(self.parent, bound)
        others = [
            self._of(self.catalog.tables[name])
            for name in self.parent.children
            if name != self.child.name and name in self.catalog.tables
        ]
        taken = [each for each in others if each is not None]
        if len(taken) < len(others):
            return None
        return f"NOT ({' OR '.join(f'({each})' for each in taken)})" if taken else "true"

    def _of(self, sibling: Table) -> str | None:
        if sibling.partition_bound is None:
            return None
        return partition_bounds.condition(self.parent, partition_bounds.read(sibling.partition_bound))

    @property
    def misfit(self) -> Misfit | None:
        """Rows that the parent would not let in there."""
        condition = self.condition
        if condition is None:
            return None
        return Misfit(
            table=self.child.name,
            fillable=partition_bounds.columns_of(self.parent),
            rows=f"({condition}) IS NOT TRUE",
            rows_back=f"({condition}) IS NOT TRUE",
            aside=membership.aside(self.run, self.place, self.child.name),
            reason=f"{self.child.name} was the partition {self.child.partition_bound} of {self.parent.name}",
            referenced_when=rebuild.referenced_when(self.catalog, self.child.name),
        )

    @property
    def detaching(self) -> str:
        """The statement that makes it a table of its own."""
        return f"ALTER TABLE {self.parent.name.sql} DETACH PARTITION {self.child.name.sql}"

    @property
    def detaching_locks(self) -> tuple[Lock, ...]:
        """What that takes."""
        return membership.detaching_locks(self.catalog, self.parent, self.child)

    def proving(self, settles: int | None = None) -> tuple[Action, ...]:
        """Actions after which every row is known to fit, so that attaching reads none.

        `settles` is the place of `misfit` in the step; None where nobody can have written since.
        """
        if self.condition is None:
            return ()
        name = self.child.name
        exists = questions.constraint_exists(name, self._guard)
        is_back = membership.is_partition(self.parent.name, name)
        return (
            Action(
                title=f"hold new rows of {name} to its former bound",
                sql=(
                    f"ALTER TABLE {name.sql} ADD CONSTRAINT {quoted(self._guard)}"
                    f" CHECK ({self.condition}) NOT VALID",
                ),
                locks=family.locks(self.catalog, (name,), LockMode.ACCESS_EXCLUSIVE),
                done=f"SELECT ({exists}) OR ({is_back})",
            ),
            *(
                ()
                if settles is None
                else (Action(title=f"settle rows of {name} that do not fit its bound", settles=settles),)
            ),
            Action(
                title=f"check every row of {name} against its former bound",
                sql=(f"ALTER TABLE {name.sql} VALIDATE CONSTRAINT {quoted(self._guard)}",),
                locks=family.locks(self.catalog, (name,), LockMode.SHARE_UPDATE_EXCLUSIVE),
                scans=tuple(each.name for each in family.leaves(self.catalog, name)),
                done=f"SELECT ({questions.constraint_is_valid(name, self._guard)}) OR ({is_back})",
            ),
        )

    def attaching(self) -> tuple[Action, ...]:
        """Makes it a partition again, with the DEFAULT partition's rows that belong to it."""
        name, parent = self.child.name, self.parent.name
        default = self._default
        sql: list[str] = []
        if default is not None and self.condition is not None:
            where = f" WHERE {self.condition}"
            sql = [
                membership.moved_rows(default.name, self.child, where),
                f"DELETE FROM {default.name.sql} t{where}",
            ]
        sql.append(f"ALTER TABLE {parent.sql} ATTACH PARTITION {name.sql} {self.child.partition_bound}")
        usual = {trigger.name: trigger.enabled for trigger in self.parent.triggers}
        sql += [
            f"ALTER TABLE {name.sql} {_FIRES[trigger.enabled]} {quoted(trigger.name)}"
            for trigger in self.child.triggers
            if trigger.is_inherited and usual.get(trigger.name) != trigger.enabled
        ]
        sql.append(f"ALTER TABLE {name.sql} DROP CONSTRAINT IF EXISTS {quoted(self._guard)}")
        holds_still = default is not None and membership.must_hold_still(
            self.catalog, self.parent, self.place
        )
        return (
            Action(
                title=f"attach {name} to {parent} again",
                sql=tuple(sql),
                locks=membership.attaching_locks(
                    self.catalog, self.parent, self.child, on_parent=LockMode.SHARE_UPDATE_EXCLUSIVE
                ),
                scans=() if default is None else (default.name,),
                as_replica=holds_still,
                done=membership.is_partition(parent, name),
            ),
        )

    @property
    def _default(self) -> Table | None:
        found = membership.default_of(self.catalog, self.parent.name)
        return None if found is None or found.name == self.child.name else found

    @property
    def _guard(self) -> str:
        return ours("fitted", self.run, str(self.place.statement), str(self.child.name))


def of(catalog: Catalog, parent: RelationName, child: RelationName, run: str, place: Place) -> Rejoining:
    """The way back of this partition. Raises Refused where the server would not give back all of it."""
    numbered = [column.name for column in catalog.tables[parent].columns if column.identity]
    if catalog.tables[child].kind == "p" and catalog.tables[child].children and numbered:
        raise refused(
            place,
            f"{child} has partitions of its own, and {numbered[0]} is an identity column: attached again, its"
            " partitions would be without that, which the server gives to its direct partitions alone.",
            "Detach it by hand.",
        )
    return Rejoining(
        catalog=catalog, parent=catalog.tables[parent], child=catalog.tables[child], run=run, place=place
    )
