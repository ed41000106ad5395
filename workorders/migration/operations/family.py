"""A table with all that is below it, partitions or heirs: what ALTER TABLE locks and changes on its own.

ALTER TABLE of a partitioned table does the same to each of its partitions, at any depth, and
takes the same lock on them; of a table that others inherit from, to those. What a statement would
break below it, or what a partition or an heir cannot have otherwise than its parent, is refused as
the server would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.operations import inheritance
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.sql.tree import RawStatement
from workorders.migration.steps import Action, Step

_KINDS = {"f": "a foreign table", "v": "a view", "m": "a materialised view"}


def alterable(table: Table, place: Place, what: str) -> Table:
    """The table, if it is an ordinary one, a partitioned one or a partition; else a refusal."""
    found = _KINDS.get(table.kind)
    if found is not None:
        raise refused(
            place,
            f"{table.name} is {found}: {what} is not modelled for those yet.",
            "Take the statement out of this script, or run it by hand.",
        )
    return table


def must_take_not_valid(catalog: Catalog, table: Table, place: Place, what: str) -> None:
    """Raises Refused where a foreign key of a partitioned table would have to be checked all at once."""
    if table.kind == "p" and catalog.major < 18 and not table.is_new:
        raise refused(
            place,
            f"{table.name} is partitioned: {what} needs a foreign key of it that is NOT VALID at first, which"
            " servers before 18 do not have for those.",
            "Do it partition by partition, or by hand in a window.",
        )


def below(catalog: Catalog, name: RelationName) -> tuple[Table, ...]:
    """Its partitions and theirs, each after its parent."""
    table = catalog.tables.get(name)
    if table is None or table.kind != "p":
        return ()
    found: list[Table] = []
    for child in table.children:
        if child in catalog.tables:
            found += [catalog.tables[child], *below(catalog, child)]
    return tuple(found)


def heirs(catalog: Catalog, name: RelationName) -> tuple[Table, ...]:
    """What inherits from it (INHERITS) at any depth, each once and after all of its parents."""
    found: dict[RelationName, Table] = {}
    waiting = [name]
    while waiting:
        table = catalog.tables.get(waiting.pop())
        children = table.children if table is not None and table.has_heirs else ()
        new = {
            each: catalog.tables[each] for each in children if each in catalog.tables and each not in found
        }
        found |= new
        waiting += new
    ordered: list[Table] = []
    while found:
        ready = [each for each in found.values() if found.keys().isdisjoint(each.parents)]
        ordered += sorted(ready, key=lambda table: table.name)
        found = {each: table for each, table in found.items() if table not in ready}
    return tuple(ordered)


def reached(catalog: Catalog, name: RelationName) -> tuple[Table, ...]:
    """What ALTER TABLE without ONLY goes down to: partitions, or heirs. No table has both."""
    return below(catalog, name) or heirs(catalog, name)


def above(catalog: Catalog, name: RelationName) -> tuple[RelationName, ...]:
    """What it is a partition of, and what that is one of."""
    table = catalog.tables.get(name)
    if table is None or not table.is_partition:
        return ()
    return tuple(each for parent in table.parents for each in (parent, *above(catalog, parent)))


def whole(catalog: Catalog, tables: Iterable[Table]) -> tuple[Table, ...]:
    """The tables without those that are below another one of them."""
    found = {table.name: table for table in tables}
    return tuple(table for name, table in found.items() if found.keys().isdisjoint(above(catalog, name)))


def leaves(catalog: Catalog, name: RelationName) -> tuple[Table, ...]:
    """Those of the table and all below it that hold rows."""
    every = (catalog.tables[name], *below(catalog, name))
    return tuple(table for table in every if table.kind != "p")


def locks(catalog: Catalog, names: Iterable[RelationName], mode: LockMode) -> tuple[Lock, ...]:
    """The lock on each of these and on all that is below them."""
    found = dict.fromkeys(
        each for name in names for each in (name, *(table.name for table in below(catalog, name)))
    )
    return tuple(Lock(relation=name, mode=mode) for name in found)


#: Operations that ALTER TABLE, or a trigger, takes down to each partition of a table.
_RECURSING = frozenset(
    {
        *("add_column", "fill_column", "drop_column", "rename_column", "set_not_null", "drop_not_null"),
        *("set_default", "drop_default", "add_check", "drop_check", "rename_constraint"),
        *("validate_constraint", "alter_constraint", "add_foreign_key", "drop_foreign_key"),
        *("alter_type", "add_value", "maintenance"),
        *("update", "delete", "insert", "merge", "do", "call", "select", "truncate"),
    }
)

#: Those that it takes down to each heir of a table. Keys, triggers and rows are each table's own.
_INHERITED = frozenset(
    {
        *("add_column", "drop_column", "rename_column", "set_not_null", "drop_not_null"),
        *("set_default", "drop_default", "add_check", "drop_check", "rename_constraint"),
        *("validate_constraint", "alter_type", "fill_column"),
    }
)


#: Those whose ALTER TABLE is about keys: without ONLY the server would lock heirs for nothing.
_OF_KEYS = frozenset(
    {
        *("add_foreign_key", "drop_foreign_key", "add_key", "drop_key", "use_index", "alter_constraint"),
        *("add_check", "drop_check", "validate_constraint", "rename_constraint", "drop_table", "drop_index"),
    }
)


def goes_to_heirs(operation: Operation) -> bool:
    """Whether the server does the same to each table that inherits from the operation's own."""
    return operation.name in _INHERITED and not getattr(operation, "is_alone", False)


def spread(
    name: str,
    catalog: Catalog,
    steps: Iterable[Step],
    raw: RawStatement | None = None,
    *,
    heirs_of: RelationName | None = None,
) -> tuple[Step, ...]:
    """An operation's steps: what they lock and read of a partitioned table, they do of its partitions.

    `raw` is the statement that they serve; `heirs_of` the table to whose heirs they go down as well.
    """
    if name in _OF_KEYS and heirs_of is None:
        parents = [table for table in catalog.tables.values() if table.has_heirs]
        steps = [_each(step, partial(alone, parents)) for step in steps] if parents else steps
    if name not in _RECURSING and not (raw is not None and _is_of_trigger(raw)):
        return tuple(steps)
    tree = () if heirs_of is None else (heirs_of, *(each.name for each in heirs(catalog, heirs_of)))
    down = {each: tuple(heir.name for heir in heirs(catalog, each)) for each in tree}
    return tuple(
        replace(
            _each(step, partial(_spread, catalog, down)),
            hides=tuple(
                replace(hidden, table=name)
                for hidden in step.hides
                for name in _names(catalog, down, (hidden.table,))
            ),
        )
        for step in steps
    )


def _each(step: Step, change: Callable[[Action], Action]) -> Step:
    return replace(
        step,
        action=change(step.action),
        undo=tuple(map(change, step.undo)),
        purge=tuple(map(change, step.purge)),
    )


def alone(parents: Iterable[Table], action: Action) -> Action:
    """An action that is about keys of these tables, so that the server leaves their heirs alone."""
    prefixes = tuple(f"ALTER TABLE {table.name.sql} " for table in parents)
    sql = tuple(
        f"ALTER TABLE ONLY{statement.removeprefix('ALTER TABLE')}"
        if statement.startswith(prefixes)
        else statement
        for statement in action.sql
    )
    return replace(action, sql=sql)


def _goes_down(statement: str, name: RelationName) -> bool:
    """Whether a statement of ours about this table is without ONLY."""
    return statement.startswith(tuple(f"{verb} {name.sql} " for verb in _VERBS))


#: As our own statements begin that reach heirs; ANALYZE does so since 18, and locks nobody out.
_VERBS = ("ALTER TABLE", "ALTER TABLE IF EXISTS", "ANALYZE")

#: The names of the heirs of each table whose heirs are reached.
_Down: TypeAlias = Mapping[RelationName, tuple[RelationName, ...]]


def _spread(catalog: Catalog, down: _Down, action: Action) -> Action:
    mine: dict[RelationName, Lock] = {}
    says_only = any(statement.startswith("ALTER TABLE ONLY") for statement in action.sql)
    for lock in action.locks:
        # CREATE INDEX ON ONLY, which alone takes SHARE, leaves partitions as they are, too.
        is_alone = says_only or lock.mode is LockMode.SHARE
        names = (lock.relation,) if is_alone else _names(catalog, {}, (lock.relation,))
        if any(_goes_down(statement, lock.relation) for statement in action.sql):
            names = (*names, *down.get(lock.relation, ()))
        for each in (replace(lock, relation=name) for name in names):
            known = mine.get(each.relation)
            if known is None or list(LockMode).index(known.mode) < list(LockMode).index(each.mode):
                mine[each.relation] = each
    return replace(
        action,
        locks=tuple(mine.values()),
        scans=_names(catalog, down, action.scans),
        rewrites=_names(catalog, down, action.rewrites),
        captured=_names(catalog, {}, action.captured),
    )


def _names(catalog: Catalog, down: _Down, names: tuple[RelationName, ...]) -> tuple[RelationName, ...]:
    found = (
        each
        for name in names
        for each in (name, *(table.name for table in below(catalog, name)), *down.get(name, ()))
    )
    return tuple(dict.fromkeys(found))


def changed(catalog: Catalog, name: RelationName, change: Callable[[Table], Table]) -> Catalog:
    """The catalog with the same change made in everything below the table."""
    for table in below(catalog, name):
        catalog = catalog.with_table(change(catalog.tables[table.name]))
    return catalog


def _is_of_trigger(raw: RawStatement) -> bool:
    """Whether it makes, renames or drops a trigger, of which each partition has a copy."""
    about = raw.node.get("removeType") or raw.node.get("renameType")
    is_about_one = about == "OBJECT_TRIGGER" and raw.kind in ("DropStmt", "RenameStmt")
    return is_about_one or raw.kind == "CreateTrigStmt"


def followed(operation: Operation, before: Catalog, after: Catalog) -> Catalog:
    """After ALTER TABLE of a partitioned table: its partitions have got and lost the same; so have heirs.

    Columns are told by their names; of constraints, those that have no index.
    """
    name = operation.table
    if name is None or operation.name not in _RECURSING:
        return after
    if name not in before.tables or name not in after.tables:
        return after
    was, now = before.tables[name], after.tables[name]
    if goes_to_heirs(operation):
        after = inheritance.followed(after, was, now, heirs(after, name))

    def change(table: Table) -> Table:
        return replace(
            table,
            columns=_columns(was.columns, now.columns, table.columns),
            constraints=_constraints(was.constraints, now.constraints, table.constraints),
        )

    return changed(after, name, change)


def _columns(was: tuple[Column, ...], now: tuple[Column, ...], own: tuple[Column, ...]) -> tuple[Column, ...]:
    former = {column.name: column for column in was}
    present = {column.name: column for column in now}
    kept = [column for column in own if column.name not in former or column.name in present]
    for place, column in enumerate(kept):
        old, new = former.get(column.name), present.get(column.name)
        if old is not None and new is not None and old != new:
            kept[place] = _as(column, old, new)
    have = {column.name for column in kept}
    added = (column for column in now if column.name not in former and column.name not in have)
    return (*kept, *(replace(column, is_inherited=True) for column in added))


def _as(column: Column, old: Column, new: Column) -> Column:
    if old.not_null != new.not_null:
        column = replace(column, not_null=new.not_null, not_null_name=new.not_null_name)
    elif column.not_null_name == old.not_null_name:
        column = replace(column, not_null_name=new.not_null_name)
    if old.is_not_null_validated != new.is_not_null_validated:
        column = replace(column, is_not_null_validated=new.is_not_null_validated)
    if old.type != new.type:
        column = replace(
            column, type=new.type, collation=new.collation, storage="", compression="", is_domain=False
        )
    if old.default != new.default:
        column = replace(column, default=new.default)
    return column


def _constraints(
    was: tuple[Constraint, ...], now: tuple[Constraint, ...], own: tuple[Constraint, ...]
) -> tuple[Constraint, ...]:
    former = {each.name: each for each in was if each.kind in "cf" and not each.is_no_inherit}
    present = {each.name: each for each in now if each.kind in "cf" and not each.is_no_inherit}
    kept = [each for each in own if each.name not in former or each.name in present]
    kept = [
        replace(each, is_validated=present[each.name].is_validated)
        if each.name in present and present[each.name] != former.get(each.name)
        else each
        for each in kept
    ]
    have = {each.name for each in kept}
    added = (each for name, each in present.items() if name not in former and name not in have)
    return (*kept, *(replace(each, is_inherited=True) for each in added))
