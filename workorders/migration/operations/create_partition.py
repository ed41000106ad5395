"""CREATE TABLE ... PARTITION OF.

Plain form: ACCESS EXCLUSIVE on the parent, so that every read and write of it waits. Online form: the
table is made alone (LIKE the parent) and attached, empty as it is, under SHARE UPDATE EXCLUSIVE,
which gives it indexes, keys and triggers as PARTITION OF would. A DEFAULT partition is read for rows
that belong to the new one: a CHECK of ours, validated before, spares that. The way back gives the
rows that were written there since to the DEFAULT partition; where there is none, the old schema
cannot hold them. Source: https://www.postgresql.org/docs/18/sql-createtable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName, ours, quoted
from workorders.migration.operations import membership, rebuild
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.operations.restoration import strongest
from workorders.migration.sql import partition_bounds
from workorders.migration.steps import Action, Misfit, Step


@dataclass(frozen=True, kw_only=True)
class CreatePartition:
    """A new table that is a partition from the beginning."""

    name: ClassVar[str] = "create_partition"
    place: Place
    #: The table as it will be, `is_new` set.
    created: Table
    parent: RelationName
    #: `FOR VALUES ...` or `DEFAULT`.
    bound: str
    #: The statement with both schemas given.
    sql: str
    #: The table alone, to be attached; "" where PARTITION OF says more than that can.
    alone: str
    #: True of the rows that belong there; None where that cannot be told.
    condition: str | None = None

    @property
    def table(self) -> RelationName:
        """The new table's name."""
        return self.created.name

    @property
    def mentions(self) -> tuple[RelationName, ...]:
        """Its parent."""
        return (self.parent,)

    def hazard(self) -> str:
        """Everybody who uses the parent."""
        return (
            f"reads and writes of {self.parent} wait for ACCESS EXCLUSIVE, and for whom it waits for; its"
            " DEFAULT partition, where it has one, is read from end to end meanwhile"
        )

    def checks(self) -> tuple[Check, ...]:
        """No row of the DEFAULT partition that belongs to the new one."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Made alone and attached; as it is written, where the parent is new as well."""
        parent = must_find(catalog, self.parent)
        default = membership.default_of(catalog, self.parent)
        if default is not None and self.condition is None and not parent.is_new:
            what = (
                "another DEFAULT partition" if self.bound == "DEFAULT" else "a bound that is no plain value"
            )
            raise refused(
                self.place,
                f"{self.table} would be {what} beside {default.name}, whose rows could not be looked through"
                " beforehand.",
                "Write the bound as plain values.",
            )
        guards: tuple[Step, ...] = ()
        released: tuple[Step, ...] = ()
        if default is not None and not parent.is_new:
            guards, release = membership.guarded(
                catalog,
                default,
                f"NOT ({self.condition})",
                run,
                self.place,
                self.name,
                f"the bound of {self.table}",
            )
            released = (release,)
        is_plain = parent.is_new or not self.alone
        mode = LockMode.ACCESS_EXCLUSIVE if is_plain else LockMode.SHARE_UPDATE_EXCLUSIVE
        attach = f"ALTER TABLE {self.parent.sql} ATTACH PARTITION {self.table.sql} {self.bound}"
        undo, misfits, remains = self._undo(catalog, parent, default, run)
        create = Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"create {self.table} as a partition of {self.parent}",
                sql=(self.sql,) if is_plain else (self.alone, attach),
                locks=membership.attaching_locks(catalog, parent, None, on_parent=mode),
                done=membership.is_partition(self.parent, self.table),
            ),
            undo=undo,
            misfits=misfits,
            remains=remains,
            is_undone_instantly=parent.is_new or default is None,
        )
        return (*guards, create, *released)

    def _undo(
        self, catalog: Catalog, parent: Table, default: Table | None, run: str
    ) -> tuple[tuple[Action, ...], tuple[Misfit, ...], tuple[RelationName, ...]]:
        is_gone = questions.negated(questions.relation_exists(self.table))
        drop = Action(
            title=f"drop {self.table}",
            sql=(f"DROP TABLE IF EXISTS {self.table.sql}",),
            locks=membership.dropping_locks(catalog, parent, self.table),
            done=is_gone,
        )
        if parent.is_new:
            kept = membership.aside(run, self.place, self.table)
            keep = Action(
                title=f"keep the rows of {self.table}",
                sql=(f"CREATE TABLE {kept.sql} AS SELECT * FROM {self.table.sql}",),
                scans=(self.table,),
                done=f"SELECT ({questions.relation_exists(kept)}) OR ({is_gone})",
            )
            return (keep, drop), (), (kept,)
        if default is not None:
            return (self._given_back(catalog, parent),), (), ()
        shut = ours("shut", run, str(self.place.statement), str(self.table))
        alter = f"ALTER TABLE {self.table.sql} ADD CONSTRAINT {quoted(shut)} CHECK (false) NOT VALID"
        close = Action(
            title=f"let no more rows into {self.table}",
            sql=(alter,),
            locks=exclusive(self.table),
            done=f"SELECT ({questions.constraint_exists(self.table, shut)}) OR ({is_gone})",
        )
        rows = membership.rows_in(self.table)
        misfit = Misfit(
            table=self.parent,
            fillable=partition_bounds.columns_of(parent),
            rows=rows,
            rows_back=rows,
            aside=membership.aside(run, self.place, self.table),
            reason=f"{self.parent} had no partition for what {self.table} holds",
            referenced_when=rebuild.referenced_when(catalog, self.parent),
        )
        settle = Action(title=f"settle rows of {self.table}", settles=0)
        return (close, settle, drop), (misfit,), (misfit.aside,)

    def _given_back(self, catalog: Catalog, parent: Table) -> Action:
        others = membership.pointing(catalog, self.parent)
        if others:
            raise refused(
                self.place,
                f"{others[0]} points at {self.parent}: rows that come to {self.table} could not be given back"
                " to the DEFAULT partition while it does.",
                "Run the statement by hand.",
            )
        exists = questions.relation_exists(self.table)
        return Action(
            title=f"give the rows of {self.table} back to the DEFAULT partition",
            sql=(
                f"ALTER TABLE {self.parent.sql} DETACH PARTITION {self.table.sql}",
                membership.moved_rows(self.table, parent),
                f"DROP TABLE {self.table.sql}",
            ),
            locks=strongest(
                (
                    *membership.detaching_locks(catalog, parent, self.created),
                    *membership.dropping_locks(catalog, parent, self.table),
                )
            ),
            scans=(self.table,),
            as_replica=membership.must_hold_still(catalog, parent, self.place),
            done=questions.negated(exists),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """One more table, and one more partition."""
        created = replace(self.created, partition_bound=self.bound)
        return membership.with_child(catalog, self.parent, created, self.bound)
