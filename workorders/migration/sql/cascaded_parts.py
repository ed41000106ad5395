"""What DROP TYPE, DOMAIN or FUNCTION ... CASCADE takes of tables, each as if dropped by its name before.

Columns of the type go with their values out of sight; of a column that stays goes a default or
generation that names what is dropped, of the table a CHECK or an index. The server knows types of
columns and names in expressions by their full names, as they are compared here; what pg_dump says
that a table needs tells apart functions that share a name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.members import Member
from workorders.migration.catalog.snapshot import Column, Table
from workorders.migration.catalog.types import bare, written_name
from workorders.migration.names import RelationName
from workorders.migration.operations.defaults import ChangeDefault
from workorders.migration.operations.drop_check import DropCheck
from workorders.migration.operations.drop_column import DropColumn
from workorders.migration.operations.drop_index import DropIndex
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.sql import cascades, tree
from workorders.migration.sql.objects import relation_of
from workorders.migration.sql.reading import Reading

_TYPES = ("TYPE", "DOMAIN")

#: Tables, and the parts of them that pg_dump makes apart.
_HOLDERS = ("TABLE", "INDEX", "CHECK CONSTRAINT", "DEFAULT")


def of_tables(reading: Reading, entries: Sequence[Entry]) -> Iterator[Operation]:
    """The operations that take them; nothing where no table needs any of these.

    Raises Refused, naming it, where only a part of a type would go.
    """
    gone = _with_what_is_made_of_them(reading.archive, entries)
    numbers = {entry.number for entry in gone}
    for entry in reading.archive.objects:
        if entry.kind in _TYPES and entry.number not in numbers and numbers & {*entry.needs}:
            _must_be_left_whole(entry, gone, reading.place)
    needs: dict[RelationName, set[int]] = {}
    for entry in reading.archive.objects:
        relation = relation_of(entry) if entry.kind in _HOLDERS and numbers & {*entry.needs} else None
        if relation is not None:
            needs.setdefault(relation, set()).update(entry.needs)
    for relation, needed in needs.items():
        table = reading.catalog.tables.get(relation)
        # What holds no rows of its own, or is out of sight, is not for here.
        if table is not None and table.kind in ("r", "p"):
            names = _Names.of(reading.archive, gone, needed)
            _must_divide_rows_without(table, names, reading.place)
            for operation in _of_table(reading, table, names):
                yield operation
                reading = replace(reading, catalog=operation.after(reading.catalog))


def of_extension(reading: Reading, extension: Entry) -> Iterator[Operation]:
    """The operations that take what tables have of an extension: its types, calls and kinds of index."""
    members = reading.catalog.extension_members.get(extension.tag, ())
    entries = [e for e in reading.archive.objects if e.kind in _HOLDERS and extension.number in e.needs]
    names = _Names.of_members(reading.archive, members)
    for relation in dict.fromkeys(relation_of(entry) for entry in entries):
        table = None if relation is None else reading.catalog.tables.get(relation)
        if table is None or table.kind not in ("r", "p"):
            continue
        _must_divide_rows_without(table, names, reading.place)
        for operation in _of_table(reading, table, names):
            yield operation
            reading = replace(reading, catalog=operation.after(reading.catalog))
        indexes = {(e.schema, e.tag) for e in entries if e.kind == "INDEX"}
        for index in reading.catalog.tables[table.name].indexes:
            is_by_itself = index.constraint is None and index.attached_to is None
            if is_by_itself and (table.name.schema, index.name) in indexes:
                dropped = DropIndex(place=reading.place, table=table.name, index=index)
                yield dropped
                reading = replace(reading, catalog=dropped.after(reading.catalog))


def _of_table(reading: Reading, found: Table, names: _Names) -> Iterator[Operation]:
    place, name = reading.place, found.name
    for column in found.columns:
        goes = names.is_type_of(column) or names.are_in(column.generation)
        if goes and not column.is_inherited:
            table = reading.catalog.tables[name]
            if table.column(column.name) is None:
                continue
            for operation in (
                *cascades.of_column(reading, table, column.name),
                DropColumn(place=place, table=name, column=column.name),
            ):
                yield operation
                reading = replace(reading, catalog=operation.after(reading.catalog))
    table = reading.catalog.tables[name]
    for column in table.columns:
        if not column.generated and names.are_in(column.default):
            yield ChangeDefault(place=place, table=name, column=column.name, default=None)
    for constraint in table.constraints:
        if (
            constraint.kind == "c"
            and not constraint.is_inherited
            and names.are_in_check(constraint.definition)
        ):
            yield DropCheck(place=place, table=name, constraint=constraint)
    for index in table.indexes:
        is_by_itself = index.constraint is None and index.attached_to is None
        if is_by_itself and names.are_in_statement(index.definition):
            yield DropIndex(place=place, table=name, index=index)


def _must_divide_rows_without(table: Table, names: _Names, place: Place) -> None:
    """Raises Refused for a table whose rows are divided by what is dropped: it would go as a whole."""
    key = table.partition_key
    if key is not None and names.are_in_statement(f"CREATE TABLE t () PARTITION BY {key}"):
        raise refused(
            place,
            f"CASCADE would take along the table {table.name}, which is partitioned by what is dropped.",
            f"DROP TABLE {table.name.sql}; in a statement before this one.",
        )


def _with_what_is_made_of_them(archive: Archive, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """These and the domains, ranges and functions that go with them."""
    found = {entry.number: entry for entry in entries if entry.kind in (*_TYPES, "FUNCTION")}
    grew = bool(found)
    while grew:
        more = [
            each for each in archive.objects if each.number not in found and _goes_whole(each, found.values())
        ]
        found |= {each.number: each for each in more}
        grew = bool(more)
    return tuple(found.values())


def _goes_whole(entry: Entry, gone: Collection[Entry]) -> bool:
    needed = [each for each in gone if each.number in entry.needs]
    if entry.kind == "FUNCTION":
        return bool(needed)
    is_made_of = entry.kind == "DOMAIN" or (entry.kind == "TYPE" and " AS RANGE " in entry.definition)
    return is_made_of and any(each.kind in _TYPES for each in needed)


def _must_be_left_whole(entry: Entry, gone: Collection[Entry], place: Place) -> None:
    """Raises Refused: of a composite type goes an attribute, of a domain a CHECK, and both stay."""
    needed = next(each for each in gone if each.number in entry.needs)
    raise refused(
        place,
        f"CASCADE on {needed} would take a part of {entry}, which itself stays.",
        f"Change {entry} first, in a statement before this one: drop the attribute or constraint that needs"
        f" {needed}.",
    )


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What is dropped, as expressions and columns name it."""

    types: frozenset[tuple[str, ...]]
    functions: frozenset[tuple[str, ...]]

    @classmethod
    def of(cls, archive: Archive, gone: Collection[Entry], needed: Collection[int]) -> _Names:
        """In a table that needs these objects, by their numbers.

        Without functions that share their name with one that it needs and that stays: a call does not
        tell which it is.
        """
        needs = [each for each in archive.objects if each.number in needed and each.kind == "FUNCTION"]
        staying = {_full(each) for each in needs if each not in gone}
        return cls(
            types=frozenset(_full(each) for each in gone if each.kind in _TYPES),
            functions=frozenset(_full(each) for each in needs) - staying,
        )

    @classmethod
    def of_members(cls, archive: Archive, members: Collection[Member]) -> _Names:
        """Of what belongs to an extension."""
        own = {_full(each) for each in archive.objects if each.kind == "FUNCTION"}
        names = {
            kind: {(each.name.schema, each.name.name) for each in members if each.kind == kind}
            for kind in ("TYPE", "FUNCTION")
        }
        return cls(types=frozenset(names["TYPE"]), functions=frozenset(names["FUNCTION"] - own))

    def is_type_of(self, column: Column) -> bool:
        """Whether a column has one of the types, or an array of it."""
        written = bare(column.type).removesuffix("[]")
        return any(written == written_name(RelationName(schema=each[0], name=each[1])) for each in self.types)

    def are_in(self, expression: str | None) -> bool:
        """Whether an expression names one of them."""
        return expression is not None and self._are_in(tree.expression(expression))

    def are_in_check(self, definition: str) -> bool:
        """The same of a CHECK as pg_get_constraintdef writes it."""
        return self.are_in_statement(f"ALTER TABLE t ADD CONSTRAINT c {definition}")

    def are_in_statement(self, sql: str) -> bool:
        """The same of a statement."""
        return any(self._are_in(statement.node) for statement in tree.statements(sql))

    def _are_in(self, node: object) -> bool:
        for part in tree.walk(node):
            if part.kind == "TypeCast" and tree.strings(part.node["typeName"]["names"]) in self.types:
                return True
            if part.kind == "FuncCall" and tree.strings(part.node["funcname"]) in self.functions:
                return True
        return False


def _full(entry: Entry) -> tuple[str, ...]:
    return (entry.schema, entry.tag.partition("(")[0])
