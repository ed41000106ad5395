"""DROP TABLE.

Plain form: ACCESS EXCLUSIVE on the table, on those that its foreign keys point at and on those that
point at it, for a catalog change; but the rows are gone. Online form, the quarantine: the table
moves to our schema, under lock retry. What would keep it alive there is really dropped, with the
definitions kept: foreign keys from and to it, triggers, policies, rules, publications. Foreign
keys among tables that are dropped together move with them; so do, with CASCADE, the tables that inherit from
it. From parents that stay it is taken, or they would go on showing its rows. The inverse moves it back and
makes all of that again, foreign keys NOT VALID first and then validated; rows that have lost
their parent meanwhile are what the old schema cannot hold. Purged, it is dropped.
Source: measured, see the project's documentation of the quarantine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Reference, Table
from workorders.migration.errors import Broken
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, ours, quoted
from workorders.migration.operations import (
    alter_inherit,
    counting,
    family,
    inheritance,
    membership,
    rebuild,
    rejoining,
    ties,
)
from workorders.migration.operations.drop_foreign_key import is_temporal
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.operations.quarantined_table import QuarantinedTable
from workorders.migration.operations.rejoining import Rejoining
from workorders.migration.operations.restoration import Taken, locks_of_what_stays, strongest, without
from workorders.migration.operations.surroundings import Surroundings
from workorders.migration.operations.ties import Ties
from workorders.migration.steps import Action, Misfit, Move, Step


@dataclass(frozen=True, kw_only=True)
class DropTable:
    """Tables go, at first only out of sight."""

    name: ClassVar[str] = "drop_table"
    place: Place
    #: As they are named, without those that IF EXISTS does not find.
    tables: tuple[RelationName, ...]
    cascades: bool = False

    @property
    def table(self) -> RelationName:
        """The first of them."""
        return self.tables[0]

    @property
    def mentions(self) -> tuple[RelationName, ...]:
        """The others."""
        return self.tables[1:]

    def hazard(self) -> str:
        """The data."""
        names = ", ".join(map(str, self.tables))
        return (
            f"the rows of {names} are gone at once; reads and writes of the tables that its foreign keys"
            " point at, and of those that point at it, wait for a catalog change, and for whom it waits for"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Quarantine, with its way back and its purge."""
        tables = self._going(catalog)
        going = {table.name for table in tables}
        around = _surroundings(catalog, tables)
        gone = around.taken_along(self.place, catalog.role, cascades=self.cascades)
        keys = self._keys(catalog, going)
        leaving = _leaving(catalog, tables, run, self.place)
        untied = _untied(catalog, tables, run, self.place)
        hidden = tuple(
            QuarantinedTable(table=table, run=run, part=str(self.place.statement)) for table in tables
        )
        moved = {each.table.name: each.name for each in hidden}
        own = around.own_parts(catalog.role)
        # A table that the script itself made goes as a whole afterwards: its rows need no look.
        checked = tuple(
            key
            for key in keys
            if key.constraint.is_validated
            and not any(must_find(catalog, name).is_new for name in (key.table, _referenced(key)))
        )
        misfits = tuple(_misfit(catalog, key, moved, run) for key in checked)
        ours_now = (*moved.values(), *(each.stand_in for each in untied if each.stand_in is not None))
        names = ", ".join(map(str, self.tables))
        are_there = [questions.relation_exists(name) for name in moved.values()]
        is_free = questions.every(map(questions.negated, are_there))
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"put {names} out of sight{_along(keys, gone, going)}",
                    sql=(
                        *(each.detaching for each in leaving),
                        *(statement for each in untied for statement in each.untying),
                        *(_dropping(key) for key in keys),
                        *gone.dropping,
                        *own.dropping,
                        *around.unpublishing,
                        *(statement for each in hidden for statement in each.hiding),
                    ),
                    locks=strongest(
                        (
                            *exclusive(*sorted(going)),
                            *family.locks(
                                catalog,
                                (name for key in keys for name in (key.table, _referenced(key))),
                                LockMode.ACCESS_EXCLUSIVE,
                            ),
                            *gone.locks,
                            *(lock for each in leaving for lock in each.detaching_locks),
                        )
                    ),
                    done=questions.every(are_there),
                ),
                undo=(
                    Action(
                        title=f"bring {names} back",
                        sql=(
                            *(statement for each in hidden for statement in each.bringing_back),
                            *(statement for each in hidden for statement in each.counting_again),
                            *own.restoring,
                            *around.publishing,
                            *(statement for each in untied for statement in each.tying),
                            *(statement for key in keys for statement in _adding(key)),
                            *gone.restoring,
                        ),
                        locks=_locks_back(
                            catalog,
                            keys,
                            (
                                *locks_of_what_stays(gone),
                                *(lock for each in untied for lock in each.tying_locks),
                            ),
                            going,
                        ),
                        done=is_free,
                    ),
                    *(
                        Action(title=f"settle rows that violate {key.constraint.name}", settles=position)
                        for position, key in enumerate(checked)
                    ),
                    *(action for key in checked for action in rebuild.validation(key.table, key.constraint)),
                    *(action for each in leaving for action in (*each.proving(), *each.attaching())),
                    *(_forcing(each) for each in hidden if each.forcing),
                ),
                purge=(
                    Action(
                        title=f"drop {names} for good",
                        sql=(f"DROP TABLE IF EXISTS {', '.join(name.sql for name in ours_now)}",),
                        locks=exclusive(*moved.values()),
                        done=is_free,
                    ),
                ),
                misfits=misfits,
                remains=tuple(misfit.aside for misfit in misfits),
                moves=tuple(Move(relation=name, there=there) for name, there in moved.items()),
                is_undone_instantly=not misfits and not gone.filled and not leaving,
            ),
        )

    def fills_again(self, catalog: Catalog) -> tuple[RelationName, ...]:
        """The materialised views that CASCADE takes along with their rows."""
        around = _surroundings(catalog, self._going(catalog))
        return around.taken_along(self.place, catalog.role, cascades=self.cascades).filled

    def _going(self, catalog: Catalog) -> tuple[Table, ...]:
        """The tables that are named, the partitions of those that have some, and with CASCADE their heirs."""
        found: dict[RelationName, Table] = {}
        waiting = list(self.tables)
        while waiting:
            table = must_find(catalog, waiting.pop(0))
            found[table.name] = table
            down = table.kind == "p" or self.cascades
            waiting += (name for name in table.children if down and name not in found)
        for table in found.values():
            inheritance.must_have_parents(table, self.place)
            staying = [name for name in table.children if name not in found and name in catalog.tables]
            if table.has_heirs and staying:
                raise refused(
                    self.place,
                    f"{staying[0]} inherits from {table.name}, so the server would refuse to drop it.",
                    f"ALTER TABLE {staying[0].sql} NO INHERIT {table.name.sql}; first, or write CASCADE to"
                    " drop both.",
                    sqlstate="2BP01",
                )
            _must_move_whole(table, self.place)
            _must_be_no_goal(catalog, table, found, self.place)
        return tuple(found.values())

    def _keys(self, catalog: Catalog, going: set[RelationName]) -> tuple[Reference, ...]:
        """Foreign keys between tables that go and others, in a fixed order."""
        own = [
            Reference(table=name, constraint=key)
            for name in sorted(going)
            for key in must_find(catalog, name).foreign_keys
            # A partition's goes and comes with its parent's, unless it goes alone.
            if key.referenced not in (None, *going) and going.isdisjoint(family.above(catalog, name))
        ]
        others = [
            reference
            for name in sorted(going)
            for reference in catalog.referencing(name)
            if reference.table not in going and not reference.constraint.is_inherited
        ]
        for reference in (*own, *others):
            pointing = must_find(catalog, reference.table)
            family.must_take_not_valid(catalog, pointing, self.place, "the way back of DROP TABLE")
            if is_temporal(catalog, reference.constraint):
                raise refused(
                    self.place,
                    f"{reference.constraint.name} of {reference.table} is a foreign key over periods: its"
                    " rows cannot be told beforehand on the way back.",
                    "Drop it by hand.",
                )
        for reference in others:
            if must_find(catalog, reference.table).forces_row_security and not catalog.role_is_superuser:
                raise refused(
                    self.place,
                    f"{reference.table} points at {reference.constraint.referenced} and holds its owner to"
                    " its policies: its rows could not all be looked at on the way back.",
                    f"ALTER TABLE {reference.table.sql} NO FORCE ROW LEVEL SECURITY; first.",
                )
        if others and not self.cascades:
            first = others[0]
            raise refused(
                self.place,
                f"{first.constraint.name} of {first.table} needs {first.constraint.referenced}, so the"
                " server would refuse to drop it.",
                f"ALTER TABLE {first.table.sql} DROP CONSTRAINT {quoted(first.constraint.name)}; first, or"
                " write CASCADE.",
            )
        return (*own, *others)

    def after(self, catalog: Catalog) -> Catalog:
        """Without the tables, and without what pointed at them or hung on them."""
        tables = self._going(catalog)
        going = {table.name for table in tables}
        around = _surroundings(catalog, tables)
        gone = around.taken_along(self.place, catalog.role, cascades=self.cascades)
        for key in self._keys(catalog, going):
            table = must_find(catalog, key.table)
            left = tuple(each for each in table.constraints if each.name != key.constraint.name)
            catalog = catalog.with_table(replace(table, constraints=left))
        for each in _leaving(catalog, tables, "", self.place):
            catalog = membership.without_child(catalog, each.parent.name, each.child.name)
        for tie in _untied(catalog, tables, "", self.place):
            for parent in tie.left:
                catalog = alter_inherit.untied(catalog, tie.table.name, parent)
        catalog = without(catalog, gone.entries).without_tables(going)
        assert catalog.archive is not None
        return replace(catalog, archive=around.archive_after(catalog.archive))


def _surroundings(catalog: Catalog, tables: tuple[Table, ...]) -> Surroundings:
    if catalog.archive is None:
        raise Broken("The catalog was read without pg_dump's archive.")
    archive = catalog.archive
    owned = [each for table in tables for column in table.columns for each in column.owned_sequences]
    for sequence in owned:
        archive = counting.without_former(catalog, archive, sequence)
    return Surroundings(archive=archive, tables=tables)


def _must_be_no_goal(catalog: Catalog, table: Table, going: Collection[RelationName], place: Place) -> None:
    """Raises Refused for a partition of what foreign keys point at: it is a part of their goal."""
    for name in family.above(catalog, table.name):
        for reference in () if name in going else catalog.referencing(name):
            raise refused(
                place,
                f"{reference.constraint.name} of {reference.table} points at {name}, of which {table.name} is"
                " a part, so the server would refuse to drop it.",
                f"ALTER TABLE {table.parents[0].sql} DETACH PARTITION {table.name.sql}; first.",
            )


def _must_move_whole(table: Table, place: Place) -> None:
    """Raises Refused for a part of something that stays."""
    if table.kind == "f":
        raise refused(place, f"{table.name} is a foreign table: its rows are not here.", "Drop it by hand.")


def _leaving(catalog: Catalog, tables: tuple[Table, ...], run: str, place: Place) -> tuple[Rejoining, ...]:
    """Partitions that go while their parents stay: out of those first, and back into them at last."""
    going = {table.name for table in tables}
    return tuple(
        rejoining.of(catalog, parent, table.name, run, place)
        for table in tables
        if table.is_partition
        for parent in table.parents
        if parent not in going
    )


def _untied(catalog: Catalog, tables: tuple[Table, ...], run: str, place: Place) -> tuple[Ties, ...]:
    """Tables that inherit from others that stay, which would go on showing their rows."""
    going = {table.name for table in tables}
    found: list[Ties] = []
    for table in tables:
        left = [name for name in table.parents if name not in going]
        if table.is_heir and left:
            name = ours("parent", run, str(place.statement), str(table.name))
            stand_in = RelationName(schema=OUR_SCHEMA, name=name)
            found.append(ties.of(catalog, table, left, stand_in, place))
    return tuple(found)


def _locks_back(
    catalog: Catalog, keys: tuple[Reference, ...], more: tuple[Lock, ...], going: Collection[RelationName]
) -> tuple[Lock, ...]:
    """What stays in the application's sight: adding a foreign key locks both its tables."""
    names = {name for key in keys for name in (key.table, _referenced(key))} - set(going)
    locks = family.locks(catalog, sorted(names), LockMode.SHARE_ROW_EXCLUSIVE)
    return strongest((*locks, *(lock for lock in more if lock.relation not in going)))


def _forcing(hidden: QuarantinedTable) -> Action:
    name = hidden.table.name
    return Action(
        title=f"hold the owner of {name} to its policies", sql=hidden.forcing, locks=exclusive(name)
    )


def _referenced(key: Reference) -> RelationName:
    assert key.constraint.referenced is not None
    return key.constraint.referenced


def _along(keys: tuple[Reference, ...], gone: Taken, going: Collection[RelationName]) -> str:
    """What of others goes too, in words."""
    others = (key for key in keys if key.table not in going)
    parts = [f"the foreign key {key.constraint.name} of {key.table}" for key in others]
    parts += [str(entry) for entry in gone.entries]
    return f", with {', '.join(parts)}" if parts else ""


def _dropping(key: Reference) -> str:
    return f"ALTER TABLE {key.table.sql} DROP CONSTRAINT {quoted(key.constraint.name)}"


def _adding(key: Reference) -> tuple[str, ...]:
    return (
        rebuild.checked_constraint(key.table, key.constraint),
        *rebuild.comment_on(key.table, key.constraint),
    )


def _misfit(catalog: Catalog, key: Reference, moved: Mapping[RelationName, RelationName], run: str) -> Misfit:
    """Rows without their parent: counted where both tables are before anything is undone."""
    back = rebuild.misfit(catalog, key.table, key.constraint, {}, run)
    assert back is not None
    there = replace(key.constraint, referenced=moved.get(_referenced(key), _referenced(key)))
    return replace(back, rows=rebuild.violating(key.table, there, {}), found_in=moved.get(key.table))
