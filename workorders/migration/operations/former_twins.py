"""An enum as it was, put in the place of one that has more labels, by way of twins: for large tables.

The former type is made under a name of ours, and each column of the enum gets a twin of it, online.
One short transaction then swaps them all, drops the columns that were, and gives the type its name.
The columns stand at their tables' ends afterwards, as no server can put one between two others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from workorders.migration import questions
from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.catalog.types import written_name
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName, literal, ours, quoted
from workorders.migration.operations import labels, restoration, twin_refusals
from workorders.migration.operations.alter_type import TypeChange
from workorders.migration.operations.labels import EnumColumn
from workorders.migration.operations.operation import Place
from workorders.migration.operations.restoration import PROLOGUE
from workorders.migration.operations.twin_column import TwinColumn
from workorders.migration.operations.twin_parts import Parts
from workorders.migration.operations.twin_swap import Swap
from workorders.migration.steps import Action, MovedColumn

LOSES = "the columns of the enum stand at their tables' ends after a rollback"


@dataclass(frozen=True, kw_only=True)
class FormerTwins:
    """The way back of an enum's columns, once nothing holds the labels that go."""

    place: Place
    #: Before the labels came.
    catalog: Catalog
    run: str
    enum: RelationName
    #: The type's definition, with all that is said of it.
    entry: Entry
    columns: tuple[EnumColumn, ...]

    def must_be_possible(self) -> None:
        """Raises Refused for the first column that cannot have a twin."""
        for each in self.columns:
            change = self._change(each)
            twin_refusals.must_be_possible(
                self.place, self._with_former, each.table, _bare(each).column, change
            )
            twin_refusals.must_sort_last(self.place, each.table, self._swap(each).twin.trigger)

    def back(self) -> tuple[Action, ...]:
        """The type, the twins, the exchange, and what the planner knows."""
        former, enums = self._former, self.catalog.enums[self.enum]
        make = Action(
            title=f"make a type of the former values of {self.enum}",
            sql=(f"CREATE TYPE {former.sql} AS ENUM ({', '.join(map(literal, enums))})",),
            done=f"SELECT pg_catalog.to_regtype({literal(former.sql)}) IS NOT NULL",
        )
        twins = (
            step.action
            for each in self.columns
            for step in self._operation(each).steps(self._with_former, self._run)[:-1]
        )
        return (make, *twins, self._exchange(), *(each.analysis() for each in self.columns))

    def moves(self) -> tuple[MovedColumn, ...]:
        """Where the columns stand afterwards, in the order of their moves."""
        found: list[MovedColumn] = []
        last = {each.table.name: each.table.columns[-1].name for each in self.columns}
        for each in self.columns:
            table, column = each.table.name, each.column.name
            if last[table] != column:
                found.append(MovedColumn(table=table, column=column, behind=last[table]))
                last[table] = column
        return tuple(found)

    @property
    def _run(self) -> str:
        """Another than the run's own: the same column may have had a twin on the way forth."""
        return f"{self.run} back"

    @property
    def _former(self) -> RelationName:
        return RelationName(schema=self.enum.schema, name=ours("former", self.run, str(self.enum)))

    @cached_property
    def _with_former(self) -> Catalog:
        """The catalog with the type of the former labels, and without defaults of the enum's columns."""
        catalog = replace(
            self.catalog,
            enums={**self.catalog.enums, self._former: self.catalog.enums[self.enum]},
            types=self.catalog.types.with_type(self._former),
        )
        for each in self.columns:
            table = catalog.tables[each.table.name]
            columns = tuple(
                _bare(each).column if column.name == each.column.name else column for column in table.columns
            )
            catalog = catalog.with_table(replace(table, columns=columns))
        return catalog

    def _change(self, of: EnumColumn) -> TypeChange:
        array, former = "[]" if of.is_array else "", self._former
        column = quoted(of.column.name)
        return TypeChange(
            written=written_name(former) + array,
            sql=former.sql + array,
            using=f"{column}::pg_catalog.text{array}::{former.sql}{array}",
        )

    def _operation(self, of: EnumColumn) -> TwinColumn:
        return TwinColumn(
            place=self.place, table=of.table.name, column=of.column.name, change=self._change(of)
        )

    def _swap(self, of: EnumColumn) -> Swap:
        twin = self._operation(of).twin(self._with_former, self._run)
        return Swap(twin=twin, parts=Parts(twin, self._with_former))

    def _exchange(self) -> Action:
        hidden = RelationName(schema=self.enum.schema, name=ours("labels", self.run, str(self.enum)))
        path = literal(", ".join(map(quoted, self.catalog.search_path)))
        swaps = [self._swap(each) for each in self.columns]
        archive = self.catalog.archive
        assert archive is not None
        # Its labels have their names of now already.
        archive = archive.without_said(self.entry, "ALTER")
        said = restoration.made(self.entry, archive, self.catalog.role)[1:]
        sql = [
            *(each.unguarded(self.run) for each in self.columns),
            *(f"{self._alter(each)} DROP DEFAULT" for each in self._with_default()),
            *(statement for swap in swaps for statement in (*swap.forth().sql, *swap.purge().sql)),
            f"ALTER TYPE {self.enum.sql} RENAME TO {quoted(hidden.name)}",
            f"ALTER TYPE {self._former.sql} RENAME TO {quoted(self.enum.name)}",
            *PROLOGUE,
            *said,
            f"SELECT pg_catalog.set_config('search_path', {path}, true)",
            *(f"{self._alter(each)} SET DEFAULT {each.column.default}" for each in self._with_default()),
            labels.kept_as(hidden, self.enum.sql),
            f"DROP TYPE {hidden.sql}",
        ]
        locks = [lock for swap in swaps for action in (swap.forth(), swap.purge()) for lock in action.locks]
        first = swaps[0].twin
        gone = questions.negated(questions.column_exists(first.table.name, first.hidden))
        return Action(
            title=f"make {self.enum} a type of its former values again",
            # In one go: while a busy client thinks between two statements, everybody waits.
            sql=(";\n".join(sql),),
            locks=restoration.strongest(lock for lock in locks if lock.mode is LockMode.ACCESS_EXCLUSIVE),
            done=f"SELECT ({gone}) AND pg_catalog.to_regtype({literal(self._former.sql)}) IS NULL",
        )

    def _with_default(self) -> Iterator[EnumColumn]:
        return (each for each in self.columns if each.column.default is not None)

    @staticmethod
    def _alter(of: EnumColumn) -> str:
        return f"ALTER TABLE {of.table.name.sql} {of.altered}"


def _bare(of: EnumColumn) -> EnumColumn:
    """The column without its default, which is of a type that changes its name."""
    return replace(of, column=replace(of.column, default=None))
