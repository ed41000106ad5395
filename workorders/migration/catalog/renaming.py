"""The catalog once a table, a column, a constraint, an index or a type has another name."""

from __future__ import annotations

from dataclasses import replace

from workorders.migration.catalog import renamed_entries
from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Index, Table
from workorders.migration.names import RelationName
from workorders.migration.sql import renamed, tree
from workorders.migration.sql.renamed import RenamedType


def column_renamed(catalog: Catalog, name: RelationName, was: str, now: str) -> Catalog:
    """The column is called otherwise, and so in everything that is made of it."""
    columns = {was: now}

    def listed(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(columns.get(each, each) for each in names)

    def in_constraint(table: Table, constraint: Constraint) -> Constraint:
        own = columns if table.name == name and was in constraint.columns else {}
        there = columns if constraint.referenced == name and was in constraint.referenced_columns else {}
        if not (own or there) or constraint.kind == "t":
            return constraint
        return replace(
            constraint,
            definition=renamed.constraint(constraint.definition, own, there, None),
            columns=tuple(own.get(each, each) for each in constraint.columns),
            referenced_columns=tuple(there.get(each, each) for each in constraint.referenced_columns),
        )

    def in_column(column: Column) -> Column:
        generation = column.generation
        if generation is not None and was in tree.columns_in(tree.expression(generation)):
            generation = tree.renamed_columns(generation, columns)
        return replace(column, name=columns.get(column.name, column.name), generation=generation)

    def in_index(index: Index) -> Index:
        if was not in index.columns:
            return index
        return replace(
            index,
            definition=renamed.index(index.definition, index.name, name, columns),
            columns=listed(index.columns),
            key_columns=listed(index.key_columns),
        )

    tables = {}
    for table in catalog.tables.values():
        table = replace(
            table,
            constraints=tuple(in_constraint(table, each) for each in table.constraints),
            hidden_constraints=tuple(in_constraint(table, each) for each in table.hidden_constraints),
        )
        if table.name == name:
            table = replace(
                table,
                columns=tuple(in_column(column) for column in table.columns),
                indexes=tuple(in_index(index) for index in table.indexes),
                hidden_indexes=tuple(in_index(index) for index in table.hidden_indexes),
                triggers=tuple(
                    replace(each, definition=renamed.trigger(each.definition, name, columns))
                    if _is_about(each.definition, was)
                    else each
                    for each in table.triggers
                ),
                statistics=tuple(
                    replace(
                        each,
                        definition=renamed.statistics(each.definition, name, columns),
                        columns=listed(each.columns),
                    )
                    if was in each.columns
                    else each
                    for each in table.statistics
                ),
                dependants=tuple(
                    replace(each, column=now) if each.column == was else each for each in table.dependants
                ),
            )
        tables[table.name] = table
    archive = catalog.archive and renamed_entries.column_called(catalog.archive, name, was, now)
    return replace(catalog, tables=tables, archive=archive)


def _is_about(trigger: str, column: str) -> bool:
    (raw,) = tree.statements(trigger)
    named = tree.strings(raw.node.get("columns", []))
    return column in (*named, *tree.columns_in(raw.node.get("whenClause")))


def table_renamed(catalog: Catalog, old: RelationName, new: RelationName) -> Catalog:
    """The table has another name or schema; its indexes, constraints and own sequences go along."""
    moves = old.schema != new.schema
    sequences = tuple(
        sequence
        for column in catalog.tables[old].columns
        for sequence in column.owned_sequences
        if moves and sequence.schema == old.schema
    )
    moved = {each: RelationName(schema=new.schema, name=each.name) for each in sequences}
    written = {was.written: now.written for was, now in moved.items()}
    row_types = {f"{old.written}{many}": f"{new.written}{many}" for many in ("", "[]")}

    def called(name: RelationName | None) -> RelationName | None:
        return new if name == old else name

    def in_constraint(constraint: Constraint) -> Constraint:
        if constraint.referenced != old:
            return constraint
        definition = renamed.constraint(constraint.definition, {}, {}, new)
        return replace(constraint, referenced=new, definition=definition)

    def in_column(column: Column) -> Column:
        default = column.default
        return replace(
            column,
            type=row_types.get(column.type, column.type),
            default=renamed.default(default, written) if default and written else default,
            owned_sequences=tuple(moved.get(each, each) for each in column.owned_sequences),
        )

    wholes = {
        RelationName(schema=old.schema, name=each.name): RelationName(schema=new.schema, name=each.name)
        for each in catalog.tables[old].indexes
    }

    def everywhere(table: Table) -> Table:
        return replace(
            table,
            indexes=tuple(
                replace(each, attached_to=wholes.get(each.attached_to, each.attached_to))
                if each.attached_to
                else each
                for each in table.indexes
            ),
            columns=tuple(in_column(each) for each in table.columns),
            constraints=tuple(in_constraint(each) for each in table.constraints),
            hidden_constraints=tuple(in_constraint(each) for each in table.hidden_constraints),
            dependants=tuple(replace(each, relation=called(each.relation)) for each in table.dependants),
            parents=tuple(called(each) or each for each in table.parents),
            children=tuple(sorted(called(each) or each for each in table.children)),
        )

    tables = {name: everywhere(table) for name, table in catalog.tables.items()}
    table = tables.pop(old)
    was_there = frozenset({old.name})
    if moves:
        was_there |= {index.name for index in table.indexes} | {each.name for each in sequences}
    names = {**catalog.relation_names}
    names[old.schema] = names.get(old.schema, frozenset()) - was_there
    names[new.schema] = names.get(new.schema, frozenset()) | {each.name for each in sequences}
    constraints = {**catalog.constraint_names}
    if moves:
        others = (each.constraint_names for each in tables.values() if each.name.schema == old.schema)
        constraints[old.schema] = frozenset().union(*others)
    without = replace(
        catalog,
        tables=tables,
        relation_names=names,
        constraint_names=constraints,
        archive=catalog.archive and renamed_entries.table_called(catalog.archive, old, new),
    )
    return without.with_table(
        replace(
            table,
            name=new,
            indexes=tuple(
                replace(each, definition=renamed.index(each.definition, each.name, new, {}))
                for each in table.indexes
            ),
            hidden_indexes=tuple(
                replace(each, definition=renamed.index(each.definition, each.name, new, {}))
                for each in table.hidden_indexes
            ),
            triggers=tuple(
                replace(each, definition=renamed.trigger(each.definition, new, {})) for each in table.triggers
            ),
            statistics=tuple(
                replace(each, definition=renamed.statistics(each.definition, new, {}))
                for each in table.statistics
            ),
        )
    )


def constraint_renamed(catalog: Catalog, name: RelationName, was: str, now: str) -> Catalog:
    """The constraint is called otherwise; the index behind it is called the same."""
    if catalog.archive is not None:
        archive = renamed_entries.constraint_called(catalog.archive, name, was, now)
        catalog = replace(catalog, archive=archive)
    table = catalog.tables[name]
    index = next((each.index for each in table.constraints if each.name == was), None)
    after = catalog.with_table(
        replace(
            table,
            columns=tuple(
                replace(each, not_null_name=now) if each.not_null_name == was else each
                for each in table.columns
            ),
            constraints=tuple(
                replace(each, name=now) if each.name == was else each for each in table.constraints
            ),
        )
    )
    return after if index is None else _index_called(after, name, index, now)


def index_renamed(catalog: Catalog, name: RelationName, was: str, now: str) -> Catalog:
    """The index is called otherwise, and so is the constraint that stands on it."""
    index = next(each for each in catalog.tables[name].indexes if each.name == was)
    if index.constraint is not None:
        return constraint_renamed(catalog, name, index.constraint, now)
    return _index_called(catalog, name, was, now)


def _index_called(catalog: Catalog, name: RelationName, was: str, now: str) -> Catalog:
    if catalog.archive is not None:
        relation = RelationName(schema=name.schema, name=was)
        catalog = replace(catalog, archive=renamed_entries.index_called(catalog.archive, relation, now))

    whole = RelationName(schema=name.schema, name=was)

    def in_index(index: Index) -> Index:
        if index.name != was:
            return index
        definition = renamed.index(index.definition, now, name, {})
        constraint = None if index.constraint is None else now
        return replace(index, name=now, definition=definition, constraint=constraint)

    def stands_on(table: Table, constraint: Constraint) -> Constraint:
        if table.name == name and constraint.index == was:
            constraint = replace(constraint, index=now)
        if constraint.referenced == name and constraint.referenced_index == was:
            constraint = replace(constraint, referenced_index=now)
        return constraint

    for table in catalog.tables.values():
        changed = replace(
            table,
            constraints=tuple(stands_on(table, each) for each in table.constraints),
            hidden_constraints=tuple(stands_on(table, each) for each in table.hidden_constraints),
        )
        if changed != table:
            catalog = catalog.with_table(changed)
    for child in catalog.tables[name].children:
        if child in catalog.tables:
            below = catalog.tables[child]
            parts = tuple(_part_of(each, whole, replace(whole, name=now)) for each in below.indexes)
            catalog = catalog.with_table(replace(below, indexes=parts))
    table = catalog.tables[name]
    return catalog.with_table(replace(table, indexes=tuple(in_index(each) for each in table.indexes)))


def _part_of(index: Index, was: RelationName, now: RelationName) -> Index:
    return replace(index, attached_to=now) if index.attached_to == was else index


def type_renamed(table: Table, given: RenamedType) -> Table:
    """The table with a type, or a label, under another name in all that is made of it.

    Its columns' own types aside.
    """
    return replace(
        table,
        columns=tuple(
            replace(
                each, default=given.expression(each.default), generation=given.expression(each.generation)
            )
            for each in table.columns
        ),
        constraints=tuple(
            replace(each, definition=given.constraint(each.definition)) if each.kind in "cx" else each
            for each in table.constraints
        ),
        indexes=tuple(replace(each, definition=given.statement(each.definition)) for each in table.indexes),
        triggers=tuple(replace(each, definition=given.statement(each.definition)) for each in table.triggers),
        statistics=tuple(
            replace(each, definition=given.statement(each.definition)) for each in table.statistics
        ),
    )
