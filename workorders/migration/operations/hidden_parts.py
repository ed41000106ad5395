"""What a twin leaves on the column that it has replaced, and a later statement of the script meets.

Until it is purged, that column keeps its foreign keys and unique indexes: the way back only renames. But
once a statement drops what has their names in sight, they would go on refusing what the plain form takes;
and they are in the way of one that changes the key that such a foreign key points at. They are dropped
just before that statement, and made and checked again on the way back, once its own way back is done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index, Table
from workorders.migration.names import RelationName, is_ours, quoted
from workorders.migration.operations.alter_constraint import AlterConstraint
from workorders.migration.operations.drop_column import DropColumn
from workorders.migration.operations.drop_foreign_key import DropForeignKey
from workorders.migration.operations.drop_index import DropIndex
from workorders.migration.operations.drop_key import DropKey
from workorders.migration.operations.operation import Operation, Place, exclusive, refused
from workorders.migration.operations.twin_column import TwinColumn
from workorders.migration.operations.twin_parts import Parts
from workorders.migration.sql import tree
from workorders.migration.steps import Action, Step


def kept(operation: TwinColumn, before: Catalog, after: Catalog, run: str) -> Catalog:
    """The catalog after a twin's swap, with what the old column keeps out of sight."""
    parts = Parts(operation.twin(before, run), before)
    names = {parts.twin.name: parts.twin.was}

    def of_old(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(each, each) for each in columns)

    def index(found: Index, name: str) -> Index:
        return replace(
            found,
            name=name,
            definition=tree.renamed_index(found.definition, name, names),
            columns=of_old(found.columns),
            key_columns=of_old(found.key_columns),
            constraint=None if found.constraint is None or found.is_primary else name,
            is_primary=False,
        )

    keys = parts.constraints("f")
    uniques = parts.constraints("u")
    constraints = [
        *(
            replace(
                key,
                name=parts.old("f", key.name),
                definition=tree.renamed_constraint(key.definition, names, {}),
                columns=of_old(key.columns),
            )
            for key in keys
        ),
        *(
            replace(each, name=(name := parts.old("u", each.name)), index=name, columns=of_old(each.columns))
            for each in uniques
        ),
    ]
    indexes = [
        *(index(each, parts.old("i", each.name)) for each in parts.indexes if each.is_unique),
        *(index(parts.index_of(each), parts.old("u", each.name)) for each in uniques),
        *(index(parts.index_of(each), parts.spare(each)) for each in parts.constraints("p")),
    ]
    table = after.tables[operation.table]
    earlier = [
        replace(
            each,
            definition=tree.renamed_constraint(each.definition, names, {})
            if each.kind == "f"
            else each.definition,
            columns=of_old(each.columns),
        )
        for each in table.hidden_constraints
    ]
    return after.with_table(
        replace(
            table,
            hidden_constraints=(*earlier, *constraints),
            hidden_indexes=(*(index(each, each.name) for each in table.hidden_indexes), *indexes),
        )
    )


def let_go(
    operation: Operation, catalog: Catalog, run: str, formers: Mapping[str, str]
) -> tuple[tuple[Step, ...], Catalog]:
    """The steps before an operation that drop what is out of sight, and the catalog without it.

    `formers` gives the names of old columns from before they were put out of sight.
    """
    _must_not_be_left_by_another_run(operation, catalog)
    steps: list[Step] = []
    for name, part in _in_the_way(operation, catalog):
        table = catalog.tables[name]
        steps += (
            replace(step, undo=(*step.undo, *_named(table, part, formers)))
            for step in _dropped(table, part, catalog, operation.place, run)
        )
        catalog = catalog.with_table(_without(table, part))
    return tuple(steps), catalog


def _must_not_be_left_by_another_run(operation: Operation, catalog: Catalog) -> None:
    """What an earlier run keeps is not this script's to drop, and would go on refusing rows."""
    own = None if operation.table is None else catalog.tables.get(operation.table)
    match operation:
        case DropForeignKey(constraint=seen) | DropKey(constraint=seen) | DropIndex(index=seen):
            pass
        case AlterConstraint(was=seen):
            pass
        case _:
            return
    parts: tuple[Constraint | Index, ...] = () if own is None else (*own.constraints, *own.indexes)
    for part in parts:
        olds = {column for column in part.columns if is_ours(column)}
        if olds and part.name != seen.name and _is_alike(olds, part, seen):
            raise refused(
                operation.place,
                f"{part.name} of {operation.table} is kept for the way back of an earlier run, and would go"
                f" on refusing rows without {seen.name}.",
                "Purge that run first.",
            )


def _in_the_way(operation: Operation, catalog: Catalog) -> list[tuple[RelationName, Constraint | Index]]:
    found: list[tuple[RelationName, Constraint | Index]] = []
    pointing = [
        (table.name, key)
        for table in catalog.tables.values()
        for key in table.hidden_constraints
        if key.kind == "f" and key.referenced == operation.table
    ]
    own = None if operation.table is None else catalog.tables.get(operation.table)
    olds = () if own is None else tuple(each.name for each in own.hidden)
    match operation:
        case DropForeignKey(constraint=key) | AlterConstraint(was=key):
            found += _own(own, (each for each in _hidden(own) if _is_alike(olds, each, key)))
        case DropKey(constraint=key):
            found += [each for each in pointing if each[1].referenced_index == key.index]
            found += _own(own, (each for each in _hidden(own) if _is_alike(olds, each, key)))
        case DropIndex(index=index):
            found += [each for each in pointing if each[1].referenced_index == index.name]
            found += _own(own, (each for each in _hidden(own) if _is_alike(olds, each, index)))
        case TwinColumn(column=column):
            found += [each for each in pointing if column in each[1].referenced_columns]
        case DropColumn(column=column):
            found += [each for each in pointing if column in each[1].referenced_columns]
            found += _own(own, (each for each in _hidden(own) if column in each.columns))
    return found


def _own(
    table: Table | None, parts: Iterable[Constraint | Index]
) -> list[tuple[RelationName, Constraint | Index]]:
    return [] if table is None else [(table.name, part) for part in parts]


def _hidden(table: Table | None) -> Iterator[Constraint | Index]:
    """Each part once: a constraint stands for its index, too."""
    if table is not None:
        yield from table.hidden_constraints
        yield from (index for index in table.hidden_indexes if index.constraint is None)


def _is_alike(olds: Collection[str], hidden: Constraint | Index, seen: Constraint | Index) -> bool:
    """Whether the one may stand for the other, on these old columns."""
    columns = set(hidden.columns) - set(olds)
    is_key = isinstance(hidden, Constraint) and hidden.kind == "f"
    if is_key != (isinstance(seen, Constraint) and seen.kind == "f"):
        return False
    return columns < set(seen.columns) and len(hidden.columns) == len(seen.columns)


def _dropped(
    table: Table, part: Constraint | Index, catalog: Catalog, place: Place, run: str
) -> Iterator[Step]:
    """As if it were in sight; its rows are settled already when the way back comes to it."""
    seen = catalog.with_table(
        replace(
            table,
            columns=(*table.columns, *table.hidden),
            constraints=(*table.constraints, *table.hidden_constraints),
            indexes=(*table.indexes, *table.hidden_indexes),
        )
    )
    drop: Operation
    if isinstance(part, Index):
        drop = DropIndex(place=place, table=table.name, index=part)
    elif part.kind == "f":
        drop = DropForeignKey(place=place, table=table.name, constraint=part)
    else:
        drop = DropKey(place=place, table=table.name, constraint=part)
    for step in drop.steps(seen, run):
        undo = tuple(action for action in step.undo if action.settles is None)
        yield replace(step, undo=undo, misfits=(), remains=(), is_undone_instantly=False)


def _named(table: Table, part: Constraint | Index, formers: Mapping[str, str]) -> Iterator[Action]:
    """An index keeps the names that its columns had when it was built: those were ours.

    A query takes the table's lock before its index's, and so has this.
    """
    name = part.index if isinstance(part, Constraint) else part.name
    for built in (each for each in table.hidden_indexes if each.name == name):
        index = RelationName(schema=table.name.schema, name=built.name)
        columns = tree.index_columns(built.definition)
        names = {ours: former for ours, former in formers.items() if columns.count(ours) == 1}
        if names:
            yield Action(
                title=f"give the columns of {index} their former names",
                sql=(
                    f"LOCK TABLE {table.name.sql} IN ACCESS EXCLUSIVE MODE",
                    *(
                        f"ALTER TABLE {index.sql} RENAME COLUMN {quoted(ours)} TO {quoted(former)}"
                        for ours, former in names.items()
                    ),
                ),
                locks=exclusive(table.name),
                done=questions.negated(questions.column_exists(index, min(names))),
            )


def _without(table: Table, part: Constraint | Index) -> Table:
    gone = {part.name, part.index if isinstance(part, Constraint) and part.kind == "u" else part.name}
    return replace(
        table,
        hidden_constraints=tuple(each for each in table.hidden_constraints if each.name not in gone),
        hidden_indexes=tuple(each for each in table.hidden_indexes if each.name not in gone),
    )
