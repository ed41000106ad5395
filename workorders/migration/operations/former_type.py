"""An enum as it was, put in the place of one that has more labels, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.attached import Dependant
from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Index, Table
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName, literal, ours, quoted
from workorders.migration.operations import family, inheritance, labels, rebuild, restoration
from workorders.migration.operations.alter_type import marks
from workorders.migration.operations.family import alterable
from workorders.migration.operations.former_twins import FormerTwins
from workorders.migration.operations.labels import SMALL_BYTES, EnumColumn
from workorders.migration.operations.operation import Place, exclusive, refused
from workorders.migration.operations.restoration import PROLOGUE, Taken, taken
from workorders.migration.sql import partition_bounds
from workorders.migration.sql.objects import relation_of
from workorders.migration.steps import Action, Misfit, MovedColumn

#: Parts of a table, which this takes off and puts back by itself.
_PARTS = frozenset({"TABLE", "DEFAULT", "CONSTRAINT", "CHECK CONSTRAINT", "INDEX", "STATISTICS"})

#: What stands on a column and is dropped and made again as a whole.
_ON_COLUMNS = frozenset({"VIEW", "MATERIALIZED VIEW", "POLICY", "TRIGGER", "RULE"})

_BY_HAND = "Run the statement by hand: it locks no table, and nothing can take the value away again."


@dataclass(frozen=True, kw_only=True)
class FormerType:
    """An enum of the catalog, and the labels that it does not have yet."""

    place: Place
    #: Before the labels came.
    catalog: Catalog
    run: str
    enum: RelationName
    #: The labels that came.
    gone: tuple[str, ...]

    def misfits(self) -> tuple[Misfit, ...]:
        """For each column, the rows that hold one of them."""
        return tuple(each.misfit(self.catalog, self.gone, self.run) for each in self._columns)

    def back(self) -> tuple[Action, ...]:
        """The labels let in no more, rows with them settled, the type exchanged. Raises Refused."""
        self._must_be_possible()
        before = [
            action
            for position, each in enumerate(self._columns)
            for action in each.settling(self.gone, self.run, position)
        ]
        if self.is_large:
            return (*before, *self._twins.back())
        after = [each.analysis() for each in self._columns if not each.table.is_new]
        return (*before, self._exchange(), *after)

    def moves(self) -> tuple[MovedColumn, ...]:
        """The columns that stand elsewhere after the way back."""
        return self._twins.moves() if self.is_large else ()

    @cached_property
    def is_large(self) -> bool:
        """Whether to write the tables anew would take longer than the application may wait."""
        every = (leaf for table in self._tables for leaf in family.leaves(self.catalog, table.name))
        return sum(table.size_bytes for table in every) > SMALL_BYTES

    @property
    def _twins(self) -> FormerTwins:
        return FormerTwins(
            place=self.place, catalog=self.catalog, run=self.run, enum=self.enum, entry=self._entry,
            columns=self._columns,
        )  # fmt: skip

    def _must_have_twins(self) -> None:
        """Raises Refused where a large table has what would stand against the swap."""
        for each in self._columns:
            own = [check.name for check in self._checks(each.table)]
            own += [index.name for index in self._indexes(each.table)]
            if own:
                raise self._refused(
                    f"{each.table.name} is large, and {own[0]} of it stands on {each.column.name}"
                )
        if self._taken is not None:
            needs = next(iter(self._in_the_way()))
            raise self._refused(f"{needs} needs {self.enum}, and its tables are large")
        self._twins.must_be_possible()

    @cached_property
    def _columns(self) -> tuple[EnumColumn, ...]:
        return labels.columns_of(self.catalog, self.enum)

    @property
    def _tables(self) -> tuple[Table, ...]:
        return tuple(dict.fromkeys(each.table for each in self._columns))

    def _own(self, table: Table) -> list[EnumColumn]:
        return [each for each in self._columns if each.table == table]

    @cached_property
    def _entry(self) -> Entry:
        archive = self.catalog.archive
        assert archive is not None
        return next(
            entry
            for entry in archive.objects
            if (entry.kind, entry.schema, entry.tag) == ("TYPE", self.enum.schema, self.enum.name)
        )

    @cached_property
    def _taken(self) -> Taken | None:
        """What needs the type or one of its columns, and is made again as a whole."""
        archive = self.catalog.archive
        assert archive is not None
        found = {entry.number: entry for entry in self._in_the_way()}
        if not found:
            return None
        return taken(archive, list(found.values()), self.place, self.catalog.role)

    def _in_the_way(self) -> Iterator[Entry]:
        archive = self.catalog.archive
        assert archive is not None
        for entry in archive.objects:
            if self._entry.number in entry.needs and entry.kind not in _PARTS:
                if entry.kind in ("TYPE", "DOMAIN"):
                    raise self._refused(f"{entry} stands on {self.enum}")
                yield entry
        numbers = {
            entry.number
            for entry in archive.objects
            if entry.kind == "TABLE" and any(relation_of(entry) == table.name for table in self._tables)
        }
        for entry in archive.objects:
            # Of what the script itself made, nobody knows which columns it needs.
            if entry.search_path and entry.kind in _ON_COLUMNS and numbers & {*entry.needs}:
                yield entry
        for each in self._columns:
            for dependant in each.table.dependants:
                if dependant.column == each.column.name and dependant.kind not in ("foreign key", "default"):
                    yield self._entry_of(dependant, each)

    def _entry_of(self, dependant: Dependant, of: EnumColumn) -> Entry:
        archive = self.catalog.archive
        assert archive is not None
        for entry in archive.objects:
            if entry.kind not in _ON_COLUMNS or relation_of(entry) != dependant.relation:
                continue
            name = entry.tag.removeprefix(f"{of.table.name.name} ")
            is_part = dependant.description.startswith(f"{entry.kind.lower()} {name} on ")
            if "VIEW" in entry.kind or is_part:
                return entry
        raise self._refused(f"{dependant.description} needs {of.table.name}.{of.column.name}")

    def _refused(self, why: str) -> Exception:
        return refused(
            self.place,
            f"{why}: on the way back a type without {', '.join(map(repr, self.gone))} would not do.",
            _BY_HAND,
        )

    def _must_be_possible(self) -> None:
        archive = self.catalog.archive
        assert archive is not None
        if archive.attached(self._entry, "ALTER") and self._taken is not None:
            raise refused(
                self.place,
                f"A value of {self.enum} has just been renamed in this script:"
                f" {next(iter(self._in_the_way()))}, which needs the type, is known by its former name.",
                "Add values first, and rename them afterwards.",
            )
        for each in self._columns:
            table, column = each.table, each.column
            name = f"{table.name}.{column.name}"
            alterable(table, self.place, f"ALTER TYPE {self.enum} ADD VALUE")
            inheritance.must_not_inherit(table, self.place, f"ALTER TYPE {self.enum} ADD VALUE")
            if column.generated:
                raise self._refused(f"{name} is generated")
            self._must_be_alike_below(table, column)
            for constraint in table.constraints:
                if constraint.kind in "fx" and column.name in constraint.columns:
                    raise self._refused(f"{constraint.name} of {table.name} stands on {name}")
            for reference in self.catalog.referencing(table.name):
                if column.name in reference.constraint.referenced_columns:
                    raise self._refused(f"{reference.constraint.name} of {reference.table} points at {name}")
        if self.is_large:
            self._must_have_twins()
        assert self._taken is None or self._taken.entries

    def _must_be_alike_below(self, table: Table, column: Column) -> None:
        """Raises Refused where the column is more than its parent says, in a partition, or divides rows."""
        below = family.below(self.catalog, table.name)
        for each in (table, *below):
            if each.kind == "p" and column.name in partition_bounds.columns_of(each):
                raise self._refused(f"{column.name} is part of the partition key of {each.name}")
        if table.kind == "p" and self._indexes(table):
            raise self._refused(f"{self._indexes(table)[0].name} of {table.name} stands on {column.name}")
        for each in below:
            own = each.column(column.name)
            more = [i.name for i in self._indexes_on(each, {column.name}) if not i.is_inherited]
            own_checks = (c for c in each.constraints if c.kind == "c" and not c.is_inherited)
            more += [c.name for c in own_checks if column.name in c.columns]
            more += [d.description for d in each.dependants if d.column == column.name]
            if own is not None and own.default != column.default:
                more.append("a default of its own")
            if more:
                raise self._refused(f"the partition {each.name} has {more[0]}")

    def _exchange(self) -> Action:
        archive = self.catalog.archive
        assert archive is not None
        gone = self._taken
        hidden = RelationName(schema=self.enum.schema, name=ours("labels", self.run, str(self.enum)))
        path = literal(", ".join(map(quoted, self.catalog.search_path)))
        sql = [
            *(() if gone is None else gone.dropping),
            *(statement for table in self._tables for statement in self._taking_off(table)),
            f"ALTER TYPE {self.enum.sql} RENAME TO {quoted(hidden.name)}",
            *PROLOGUE,
            *restoration.made(self._entry, archive, self.catalog.role),
            f"SELECT pg_catalog.set_config('search_path', {path}, true)",
            *(statement for table in self._tables for statement in self._putting_back(table)),
            labels.kept_as(hidden, self.enum.sql),
            f"DROP TYPE {hidden.sql}",
            *(() if gone is None else gone.restoring),
        ]
        names = [table.name for table in self._tables]
        locks: tuple[Lock, ...] = exclusive(*names)
        return Action(
            title=f"make {self.enum} a type of its former values again",
            # In one go: while a busy client thinks between two statements, everybody waits.
            sql=(";\n".join(sql),),
            locks=restoration.strongest([*locks, *(() if gone is None else gone.locks)]),
            rewrites=tuple(names),
        )

    def _taking_off(self, table: Table) -> Iterator[str]:
        alter = f"ALTER TABLE {table.name.sql}"
        for each in self._own(table):
            yield each.unguarded(self.run)
            if each.column.default is not None:
                yield f"{alter} {each.altered} DROP DEFAULT"
        for constraint in self._checks(table):
            yield f"{alter} DROP CONSTRAINT {quoted(constraint.name)}"
        for index in self._indexes(table):
            yield f"DROP INDEX {RelationName(schema=table.name.schema, name=index.name).sql}"

    def _putting_back(self, table: Table) -> Iterator[str]:
        alter = f"ALTER TABLE {table.name.sql}"
        yield f"{alter} {', '.join(each.retyped(self.enum.sql) for each in self._own(table))}"
        for each in self._own(table):
            yield from marks(table, each.column)
            if each.column.default is not None:
                yield f"{alter} {each.altered} SET DEFAULT {each.column.default}"
        for constraint in self._checks(table):
            state = "" if constraint.is_validated else " NOT VALID"
            state = state if constraint.is_enforced else " NOT ENFORCED"
            yield f"{alter} ADD CONSTRAINT {quoted(constraint.name)} {constraint.definition}{state}"
            yield from rebuild.comment_on(table.name, constraint)
        for index in self._indexes(table):
            yield index.definition
            yield from rebuild.marks(table.name, index)

    def _checks(self, table: Table) -> list[Constraint]:
        """Those whose expressions are of the type; they would stand against the change."""
        own = {each.column.name for each in self._own(table)}
        return [c for c in table.constraints if c.kind == "c" and own & {*c.columns}]

    def _indexes(self, table: Table) -> list[Index]:
        return self._indexes_on(table, {each.column.name for each in self._own(table)})

    @staticmethod
    def _indexes_on(table: Table, columns: set[str]) -> list[Index]:
        return [
            index
            for index in table.indexes
            if columns & {*index.columns} and ("" in index.key_columns or " WHERE " in index.definition)
        ]


def definition(enum: RelationName, names: tuple[str, ...]) -> str:
    """The statement that makes an enum."""
    return f"CREATE TYPE {enum.sql} AS ENUM ({', '.join(map(literal, names))});"


def described(entry: Entry, enum: RelationName, names: tuple[str, ...]) -> Entry:
    """The archive's entry of an enum, as one statement of today would make it."""
    return replace(
        entry,
        tag=enum.name,
        definition=definition(enum, names),
        drop=f"DROP TYPE {enum.sql};",
        search_path=(),
        made_as="",
    )
