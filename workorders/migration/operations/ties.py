"""Which table inherits from which, taken apart and put together so that nothing tells afterwards.

NO INHERIT makes a column or constraint that only this parent gave the table's own, for good:
INHERIT only ever adds a parent to it. So where that would show, a stand-in takes the parents' place first:
an empty table of ours with the same columns and constraints, which the table inherits from until
its ties come back or are gone for good. While it does, its columns stay inherited ones.
Source: RemoveInheritance and MergeAttributesIntoExisting in the server's tablecmds.c.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, quoted
from workorders.migration.operations.inheritance import inherits, must_be_separable
from workorders.migration.operations.operation import Place, exclusive, refused

#: What has to be alike in all of a table's parents, or a dump of it could not be restored.
_LIKE = "INCLUDING GENERATED INCLUDING STORAGE INCLUDING COMPRESSION"


@dataclass(frozen=True, kw_only=True)
class Ties:
    """A table that stops inheriting from some of its parents, and may come back to them."""

    #: As it was.
    table: Table
    #: The parents that it leaves.
    left: tuple[RelationName, ...]
    #: The stand-in's name; None where none is needed.
    stand_in: RelationName | None

    @property
    def untying(self) -> tuple[str, ...]:
        """The statements that take it from these parents."""
        alter = f"ALTER TABLE {self.table.name.sql}"
        return (*self._standing_in, *(f"{alter} NO INHERIT {parent.sql}" for parent in self.left))

    @property
    def tying(self) -> tuple[str, ...]:
        """The statements that give it all its parents back, in their order."""
        alter = f"ALTER TABLE {self.table.name.sql}"
        behind = self._behind
        return (
            *(f"{alter} NO INHERIT {parent.sql}" for parent in behind if parent not in self.left),
            *(f"{alter} INHERIT {parent.sql}" for parent in behind),
            *self.ending,
        )

    @property
    def ending(self) -> tuple[str, ...]:
        """The statements that take the stand-in away."""
        if self.stand_in is None:
            return ()
        return (
            f"ALTER TABLE {self.table.name.sql} NO INHERIT {self.stand_in.sql}",
            f"DROP TABLE {self.stand_in.sql}",
        )

    @property
    def tying_locks(self) -> tuple[Lock, ...]:
        """What `tying` takes of the parents, and of a stand-in that is in the application's sight."""
        parents = tuple(Lock(relation=name, mode=LockMode.SHARE_UPDATE_EXCLUSIVE) for name in self._behind)
        if self.stand_in is None or self.stand_in.schema == OUR_SCHEMA:
            return parents
        return (*parents, *exclusive(self.stand_in))

    @property
    def _behind(self) -> tuple[RelationName, ...]:
        """The parents from the first one on that it leaves: INHERIT adds at the end."""
        return self.table.parents[min(map(self.table.parents.index, self.left)) :]

    @property
    def _standing_in(self) -> tuple[str, ...]:
        if self.stand_in is None:
            return ()
        name, table = self.stand_in.sql, self.table
        checks = (
            f"ALTER TABLE {name} ADD CONSTRAINT {quoted(each.name)} {each.definition}"
            f" {'NOT VALID' if each.is_enforced else 'NOT ENFORCED'}"
            for each in table.constraints
            if each.is_inherited and inherits(each)
        )
        return (
            f"CREATE TABLE {name} (LIKE {table.name.sql} {_LIKE})",
            *checks,
            f"ALTER TABLE {table.name.sql} INHERIT {name}",
        )


def of(
    catalog: Catalog, table: Table, left: Collection[RelationName], stand_in: RelationName, place: Place
) -> Ties:
    """How a table leaves these parents. Raises Refused where it could not come back to them."""
    leaving = tuple(name for name in table.parents if name in left)
    for name in leaving:
        _must_take_back(table, catalog.tables[name], place)
        must_be_separable(catalog, table, catalog.tables[name], place)
    is_last = table.parents[-len(leaving) :] == leaving
    return Ties(table=table, left=leaving, stand_in=None if is_last and not _only_given(table) else stand_in)


def _only_given(table: Table) -> bool:
    """Whether something of it is there through its parents alone."""
    given = (c for c in table.columns if c.is_inherited)
    checks = (each for each in table.constraints if each.is_inherited and inherits(each))
    return any(not c.is_local or (c.not_null and not c.is_not_null_local) for c in given) or any(
        not each.is_local for each in checks
    )


def _must_take_back(table: Table, parent: Table, place: Place) -> None:
    for column in table.columns:
        theirs = parent.column(column.name)
        if theirs is None:
            continue
        if (theirs.not_null and not column.not_null) or not column.is_not_null_validated:
            raise refused(
                place,
                f"{table.name}.{column.name} may hold NULLs that {parent.name}'s may not, so the server would"
                " not let it inherit again on the way back.",
                f"ALTER TABLE {table.name.sql} ALTER COLUMN {quoted(column.name)} SET NOT NULL; first.",
            )
    for constraint in table.constraints:
        whose = parent.constraint(constraint.name)
        is_newer = (
            whose is not None and inherits(whose) and whose.is_validated and not constraint.is_validated
        )
        if constraint.is_inherited and is_newer:
            raise refused(
                place,
                f"{constraint.name} of {table.name} is NOT VALID, and valid in {parent.name}, so the server"
                " would not let it inherit again on the way back.",
                f"ALTER TABLE {table.name.sql} VALIDATE CONSTRAINT {quoted(constraint.name)}; first.",
            )
