"""ALTER TABLE ... ALTER COLUMN ... TYPE, by way of a twin column.

Plain form: every row and index is written anew under ACCESS EXCLUSIVE, which for a million rows
takes seconds in which nobody reads. Online form: a hidden column of the new type is kept in
step by a trigger, filled in batches, given the old one's indexes and constraints online, compared with
it, and swapped with it by renaming, all in the stall budget. The old column stays in step until purged, so
the way back is a swap, too; a value that it cannot hold is flagged as it is written, and named before
a rollback. A change whose plain form is free but whose way back is not (varchar(50) to
varchar(100), varchar to a longer numeric) goes this way as well: back in place, it would write every
row anew under the lock. Whoever wants it at once writes text, whose limits are CHECKs.
Where no cast leads back, each old value that USING itself tells of is tried for the one that the new
value was made of; what nobody can tell is flagged.
The column stands at its table's end afterwards, as no server can put one between two others.
Source: measured, see the project's documentation of twin columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, literal, quoted
from workorders.migration.operations import key_ranges, twin_refusals
from workorders.migration.operations.alter_type import TypeChange, with_type
from workorders.migration.operations.operation import Check, Place, exclusive, must_find
from workorders.migration.operations.twin import Twin
from workorders.migration.operations.twin_parts import Parts
from workorders.migration.operations.twin_swap import Swap
from workorders.migration.sql import tree
from workorders.migration.steps import Action, Batches, HiddenColumn, MovedColumn, Step


@dataclass(frozen=True, kw_only=True)
class TwinColumn:
    """A column is of another type, by way of a second one."""

    name: ClassVar[str] = "twin_column"
    place: Place
    table: RelationName
    column: str
    change: TypeChange

    def hazard(self) -> str:
        """Everybody, for as long as the table takes to write."""
        return (
            f"reads and writes of {self.table} wait while every row and index is written anew under"
            " ACCESS EXCLUSIVE"
        )

    def checks(self) -> tuple[Check, ...]:
        """What cannot be cast stops the backfill, as it would stop the plain form."""
        return ()

    def twin(self, catalog: Catalog, run: str) -> Twin:
        """The column and its twin."""
        table = must_find(catalog, self.table)
        column = table.column(self.column)
        assert column is not None
        return Twin.of(catalog, table, column, self.change, run)

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Twin, trigger, backfill, parts, comparison, swap."""
        table = must_find(catalog, self.table)
        column = table.column(self.column)
        assert column is not None
        twin_refusals.must_be_possible(self.place, catalog, table, column, self.change)
        twin = Twin.of(catalog, table, column, self.change, run)
        twin_refusals.must_sort_last(self.place, table, twin.trigger)
        swap = Swap(twin=twin, parts=Parts(twin, catalog))
        return (
            self._step(self._creation(twin), undo=(self._removal(twin),), moved=self._moved(table)),
            self._step(self._backfill(twin)),
            *(self._step(built.action, undo=built.undo) for built in swap.parts.builds()),
            self._step(self._analysis(twin)),
            self._step(self._comparison(twin)),
            replace(
                self._step(swap.forth(), undo=swap.back()),
                purge=(swap.purge(),),
                misfits=swap.misfits(),
                remains=tuple(misfit.aside for misfit in swap.misfits()),
                hides=(HiddenColumn(table=self.table, column=self.column, hidden=twin.was),),
                is_undone_instantly=len(swap.back()) <= 3,  # nothing but promise, settling and swap
            ),
        )

    def _step(self, action: Action, undo: tuple[Action, ...] = (), moved: MovedColumn | None = None) -> Step:
        return Step(
            statement=self.place.statement, operation=self.name, action=action, undo=undo, moved=moved
        )

    def _moved(self, table: Table) -> MovedColumn | None:
        last = table.columns[-1].name
        if last == self.column:
            return None
        return MovedColumn(table=self.table, column=self.column, behind=last)

    def _creation(self, twin: Twin) -> Action:
        return Action(
            title=f"add a twin to {self.table}.{self.column} and keep it in step",
            sql=twin.creation(),
            locks=exclusive(self.table),
            rewrites=(self.table,) if twin.is_checked else (),
            done=questions.column_exists(self.table, twin.hidden),
        )

    def _removal(self, twin: Twin) -> Action:
        return Action(
            title=f"drop the twin of {self.table}.{self.column}",
            sql=(*twin.removal(), f"{twin.alter} DROP COLUMN IF EXISTS {quoted(twin.hidden)}"),
            locks=exclusive(self.table),
            done=questions.negated(questions.column_exists(self.table, twin.hidden)),
        )

    def _backfill(self, twin: Twin) -> Action:
        value = quoted(self.column) if self.change.using is None else twin.forth("t", self.column)
        update = (
            f"UPDATE {self.table.sql} AS t SET {quoted(twin.hidden)} = {value} WHERE {twin.out_of_step} AND "
        )
        return Action(
            title=f"fill the twin of {self.table}.{self.column}",
            batches=key_ranges.batches(twin.table, "t", lambda span: f"{update}{span}")
            if twin.table.key
            else _by_block(twin.table, update),
            as_replica=True,
        )

    def _analysis(self, twin: Twin) -> Action:
        return Action(
            title=f"analyse the twin of {self.table}.{self.column}",
            sql=(f"ANALYZE {self.table.sql} ({', '.join(map(quoted, self._analysed(twin)))})",),
            locks=(Lock(relation=self.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
        )

    def _analysed(self, twin: Twin) -> list[str]:
        """With the columns that stand beside it in extended statistics, which are gathered in one go."""
        beside = {
            name for each in twin.table.statistics if self.column in each.columns for name in each.columns
        }
        return [twin.hidden, *sorted(beside - {self.column})]

    def _comparison(self, twin: Twin) -> Action:
        question = f"EXISTS (SELECT FROM {self.table.sql} t WHERE {twin.out_of_step})"
        message = literal(f"{self.table}.{self.column} and its twin differ")
        body = (
            f"BEGIN IF {question} THEN"
            f" RAISE EXCEPTION USING ERRCODE = 'data_exception', MESSAGE = {message}; END IF; END"
        )
        return Action(
            title=f"compare {self.table}.{self.column} with its twin",
            sql=(f"DO {literal(body)}",),
            scans=(self.table,),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """The column with its new type, at the table's end."""
        table = with_type(must_find(catalog, self.table), self.column, self.change)
        others = tuple(column for column in table.columns if column.name != self.column)
        moved = tuple(column for column in table.columns if column.name == self.column)
        after = catalog.with_table(replace(table, columns=(*others, *moved)))
        return replace(
            after,
            called_by_twins=catalog.called_by_twins | self._called(catalog),
            types_of_twins=catalog.types_of_twins | self._types(),
        )

    def _types(self) -> frozenset[str]:
        """The types that the trigger's function says by name."""
        casts = tree.walk({"Expr": tree.expression(self.change.using or "NULL")})
        named = (tree.strings(f.node["typeName"]["names"])[-1] for f in casts if f.kind == "TypeCast")
        return frozenset({self.change.domain.removesuffix("[]"), *named})

    def _called(self, catalog: Catalog) -> frozenset[str]:
        """The user's functions that USING calls; none is known where no statement needs to know objects."""
        objects = () if catalog.archive is None else catalog.archive.objects
        functions = frozenset(each.tag.partition("(")[0] for each in objects if each.kind == "FUNCTION")
        return functions.intersection(tree.functions_in(tree.expression(self.change.using or "NULL")))


#: Rows in a block, at a guess; batches are sized by their time anyway.
_BLOCK_ROWS = 50


def _by_block(table: Table, update: str) -> Batches:
    """Ranges of blocks, for a table without a key.

    A row that is written meanwhile moves to another block, but the trigger has set its twin by then.
    """
    low = "pg_catalog.current_setting('lockkeeper.low_1')"
    high = "pg_catalog.current_setting('lockkeeper.high_1')"
    size = (
        f"(pg_catalog.pg_relation_size({literal(table.name.sql)}::pg_catalog.regclass)"
        " / pg_catalog.current_setting('block_size')::bigint)"
    )
    step = f"greatest(pg_catalog.current_setting('lockkeeper.batch_rows')::bigint / {_BLOCK_ROWS}, 1)"

    def place(block: str) -> str:
        return f"('(' || {block} || ',0)')::pg_catalog.tid"

    return Batches(
        first=f"SELECT '0' WHERE {size} > 0",
        next=f"SELECT ({low}::bigint + {step})::text WHERE {low}::bigint + {step} < {size}",
        between=(f"{update}t.ctid >= {place(low)} AND t.ctid < {place(high)}",),
        rest=(f"{update}t.ctid >= {place(low)}",),
        key_columns=1,
    )
