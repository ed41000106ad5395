"""A partitioned table with all that is below it: what ALTER TABLE locks and changes on its own.

ALTER TABLE of a partitioned table does the same to each of its partitions, at any depth, and
takes the same lock on them. What a statement would break below it, or what a partition cannot
have otherwise than its parent, is refused as the server would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.operations.operation import Place, refused
from workorders.migration.sql.tree import RawStatement
from workorders.migration.steps import Action, HiddenColumn, Step

_KINDS = {"f": "a foreign table", "v": "a view", "m": "a materialised view"}


def alterable(table: Table, place: Place, what: str) -> Table:
    """The table, if it is an ordinary one, a partitioned one or a partition; else a refusal."""
    found = _KINDS.get(table.kind)
    if found is None and table.has_inheritance and not (table.is_partition or table.kind == "p"):
        found = "part of an inheritance tree (INHERITS)"
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


def spread(
    name: str, catalog: Catalog, steps: Iterable[Step], raw: RawStatement | None = None
) -> tuple[Step, ...]:
    """An operation's steps: what they lock and read of a partitioned table, they do of its partitions.

    `raw` is the statement that they serve.
    """
    if name not in _RECURSING and not (raw is not None and _is_of_trigger(raw)):
        return tuple(steps)
    return tuple(
        replace(
            step,
            action=_spread(catalog, step.action),
            undo=tuple(_spread(catalog, action) for action in step.undo),
            purge=tuple(_spread(catalog, action) for action in step.purge),
            hides=tuple(dict.fromkeys(each for hidden in step.hides for each in _hidden(catalog, hidden))),
        )
        for step in steps
    )


def _spread(catalog: Catalog, action: Action) -> Action:
    mine: dict[RelationName, Lock] = {}
    says_only = any(statement.startswith("ALTER TABLE ONLY") for statement in action.sql)
    for lock in action.locks:
        # CREATE INDEX ON ONLY, which alone takes SHARE, leaves partitions as they are, too.
        is_alone = says_only or lock.mode is LockMode.SHARE
        for each in (lock,) if is_alone else locks(catalog, (lock.relation,), lock.mode):
            known = mine.get(each.relation)
            if known is None or list(LockMode).index(known.mode) < list(LockMode).index(each.mode):
                mine[each.relation] = each
    return replace(
        action,
        locks=tuple(mine.values()),
        scans=_names(catalog, action.scans),
        rewrites=_names(catalog, action.rewrites),
        captured=_names(catalog, action.captured),
    )


def _names(catalog: Catalog, names: tuple[RelationName, ...]) -> tuple[RelationName, ...]:
    return tuple(
        dict.fromkeys(each for name in names for each in (name, *(t.name for t in below(catalog, name))))
    )


def _hidden(catalog: Catalog, hidden: HiddenColumn) -> tuple[HiddenColumn, ...]:
    return (hidden, *(replace(hidden, table=table.name) for table in below(catalog, hidden.table)))


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


def followed(operation: str, before: Catalog, after: Catalog, name: RelationName | None) -> Catalog:
    """After ALTER TABLE of a partitioned table: its partitions have got and lost the same.

    Columns are told by their names; of constraints, those that have no index.
    """
    if name is None or operation not in _RECURSING:
        return after
    if name not in before.tables or name not in after.tables:
        return after
    was, now = before.tables[name], after.tables[name]

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
