"""What it takes for a table to become a partition, and to be one no more: locks, checks, moved rows."""

from __future__ import annotations

from dataclasses import replace

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, chosen, literal, ours, quoted
from workorders.migration.operations import family
from workorders.migration.operations.operation import Place, exclusive, refused
from workorders.migration.operations.restoration import strongest
from workorders.migration.steps import Action, Step


def is_partition(parent: RelationName, child: RelationName) -> str:
    """A question: is the one a partition of the other, and not on its way out?"""
    return (
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_inherits"
        f" WHERE inhrelid = pg_catalog.to_regclass({literal(child.sql)})"
        f" AND inhparent = pg_catalog.to_regclass({literal(parent.sql)}))"
    )


def default_of(catalog: Catalog, parent: RelationName) -> Table | None:
    """The parent's DEFAULT partition, if it has one."""
    children = (catalog.tables.get(name) for name in catalog.tables[parent].children)
    return next((each for each in children if each is not None and each.partition_bound == "DEFAULT"), None)


def rows_in(child: RelationName, row: str = "t") -> str:
    """A condition: the parent's row stands in this partition or below it; false where there is none."""
    return (
        f"{row}.tableoid IN (SELECT p.relid FROM pg_catalog.pg_partition_tree("
        f"pg_catalog.to_regclass({literal(child.sql)})) p)"
    )


def pointed_at(table: Table) -> tuple[RelationName, ...]:
    """What its foreign keys point at."""
    return tuple(sorted({key.referenced for key in table.foreign_keys if key.referenced is not None}))


def pointing(catalog: Catalog, name: RelationName) -> tuple[RelationName, ...]:
    """The tables whose foreign keys point at it, and their partitions."""
    return tuple(sorted({each.table for each in catalog.referencing(name)}))


def attaching_locks(
    catalog: Catalog, parent: Table, child: Table | None, *, on_parent: LockMode
) -> tuple[Lock, ...]:
    """What ATTACH PARTITION (or, of a new table, PARTITION OF) takes."""
    found = [Lock(relation=parent.name, mode=on_parent)]
    if child is not None:
        found += family.locks(catalog, (child.name,), LockMode.ACCESS_EXCLUSIVE)
    default = default_of(catalog, parent.name)
    if default is not None:
        found += family.locks(catalog, (default.name,), LockMode.ACCESS_EXCLUSIVE)
    others = (*pointed_at(parent), *pointing(catalog, parent.name))
    found += [Lock(relation=name, mode=LockMode.SHARE_ROW_EXCLUSIVE) for name in others]
    if child is not None:
        # A foreign key that it has becomes a part of its parent's, and gives up its own trigger there.
        lacking = {each.referenced for each in missing_foreign_keys(parent, child)}
        found += exclusive(*(name for name in pointed_at(parent) if name not in lacking))
    return strongest(found)


def missing_foreign_keys(parent: Table, child: Table) -> tuple[Constraint, ...]:
    """What the server would add: those of the parent that the child has no like of."""
    found: list[Constraint] = []
    taken = set(child.constraint_names)
    for key in parent.foreign_keys:
        if not any(_bare(each) == _bare(key) for each in child.foreign_keys):
            name = key.name
            if name in taken:
                name = chosen(child.name.name, "_".join(key.columns), "fkey", taken)
            taken.add(name)
            found.append(replace(key, name=name, comment=None, is_inherited=False))
    return tuple(found)


def _bare(key: Constraint) -> Constraint:
    return replace(key, name="", comment=None, is_inherited=False)


def detaching_locks(catalog: Catalog, parent: Table, child: Table) -> tuple[Lock, ...]:
    """What DETACH PARTITION takes."""
    found = [*exclusive(parent.name), *family.locks(catalog, (child.name,), LockMode.ACCESS_EXCLUSIVE)]
    default = default_of(catalog, parent.name)
    if default is not None:
        found += family.locks(catalog, (default.name,), LockMode.ACCESS_EXCLUSIVE)
    found += [
        Lock(relation=name, mode=LockMode.SHARE_ROW_EXCLUSIVE)
        for name in (*pointed_at(parent), *pointed_at(child))
    ]
    found += exclusive(*pointing(catalog, parent.name))
    return strongest(found)


def dropping_locks(catalog: Catalog, parent: Table, child: RelationName) -> tuple[Lock, ...]:
    """What DROP TABLE of a partition takes."""
    default = default_of(catalog, parent.name)
    names = [parent.name, child, *pointing(catalog, parent.name)]
    if default is not None:
        names += [default.name]
    return exclusive(*dict.fromkeys(names))


def guarded(
    catalog: Catalog, table: Table, condition: str, run: str, place: Place, operation: str, why: str
) -> tuple[tuple[Step, ...], Step]:
    """Steps that have every row of a table proven to fulfil a condition, and the one that lets go again.

    The proof is a CHECK of ours, validated while nobody waits.
    """
    guard = ours("fits", run, str(place.statement), str(table.name))
    alter = f"ALTER TABLE {table.name.sql}"
    exists = questions.constraint_exists(table.name, guard)
    drop = Action(
        title=f"drop the check of {table.name}",
        sql=(f"ALTER TABLE IF EXISTS {table.name.sql} DROP CONSTRAINT IF EXISTS {quoted(guard)}",),
        locks=family.locks(catalog, (table.name,), LockMode.ACCESS_EXCLUSIVE),
        done=questions.negated(exists),
    )
    add = Action(
        title=f"hold new rows of {table.name} to {why}",
        sql=(f"{alter} ADD CONSTRAINT {quoted(guard)} CHECK ({condition}) NOT VALID",),
        locks=family.locks(catalog, (table.name,), LockMode.ACCESS_EXCLUSIVE),
        done=exists,
    )
    check = Action(
        title=f"check every row of {table.name} against {why}",
        sql=(f"{alter} VALIDATE CONSTRAINT {quoted(guard)}",),
        locks=family.locks(catalog, (table.name,), LockMode.SHARE_UPDATE_EXCLUSIVE),
        scans=tuple(each.name for each in family.leaves(catalog, table.name)),
        done=questions.constraint_is_valid(table.name, guard),
    )

    def step(action: Action, undo: tuple[Action, ...] = ()) -> Step:
        return Step(statement=place.statement, operation=operation, action=action, undo=undo)

    return (step(add, (drop,)), step(check)), step(drop)


def moved_rows(source: RelationName, into: Table, where: str = "") -> str:
    """Rows of one table put into another one of the same columns."""
    names = ", ".join(quoted(column.name) for column in into.columns if not column.generated)
    return (
        f"INSERT INTO {into.name.sql} ({names}) OVERRIDING SYSTEM VALUE"
        f" SELECT {names} FROM {source.sql} t{where}"
    )


def must_hold_still(catalog: Catalog, table: Table, place: Place) -> bool:
    """Whether triggers have to be held still while rows move; Refused where the role may not."""
    fires = [trigger.name for trigger in table.triggers if trigger.enabled in "OA"]
    if fires and not catalog.role_sets_replication_role:
        raise refused(
            place,
            f"{table.name} has the trigger {fires[0]}, which would fire for rows that move between partitions"
            f" on the way back, and the role {catalog.role} may not hold it still.",
            f"GRANT SET ON PARAMETER session_replication_role TO {quoted(catalog.role)};"
            " as a superuser (15 and later).",
        )
    return bool(fires)


def aside(run: str, place: Place, child: RelationName) -> RelationName:
    """Where rows are put that have no partition any more."""
    return RelationName(schema=OUR_SCHEMA, name=ours("aside", run, str(place.statement), str(child)))


def with_child(catalog: Catalog, parent: RelationName, child: Table, bound: str) -> Catalog:
    """The catalog with one more partition of the parent."""
    whole = catalog.tables[parent]
    catalog = catalog.with_table(
        _marked(child, parents=(parent,), bound=bound, inherited={*_inherited_names(whole)})
    )
    return catalog.with_table(
        _with_children(catalog.tables[parent], tuple(sorted({*whole.children, child.name})))
    )


def without_child(catalog: Catalog, parent: RelationName, child: RelationName) -> Catalog:
    """The catalog with the child on its own again."""
    whole = catalog.tables[parent]
    catalog = catalog.with_table(_marked(catalog.tables[child], parents=(), bound=None, inherited=set()))
    left = tuple(name for name in whole.children if name != child)
    return catalog.with_table(_with_children(catalog.tables[parent], left))


def _inherited_names(parent: Table) -> tuple[str, ...]:
    return tuple(each.name for each in parent.constraints if each.kind in "cf")


def _with_children(table: Table, children: tuple[RelationName, ...]) -> Table:
    return replace(table, children=children)


def _marked(
    table: Table, *, parents: tuple[RelationName, ...], bound: str | None, inherited: set[str]
) -> Table:
    is_one = bool(parents)

    def marked(constraint: Constraint) -> Constraint:
        return replace(constraint, is_inherited=constraint.name in inherited)

    return replace(
        table,
        parents=parents,
        is_partition=is_one,
        partition_bound=bound,
        columns=tuple(replace(column, is_inherited=is_one) for column in table.columns),
        constraints=tuple(marked(each) for each in table.constraints),
        indexes=tuple(
            replace(each, is_inherited=False, attached_to=None) if not is_one else each
            for each in table.indexes
        ),
        triggers=tuple(each for each in table.triggers if is_one or not each.is_inherited),
    )
