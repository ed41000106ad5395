"""What cannot have a twin: the server itself refuses it, or the twin would be met by others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.catalog.types import bare
from workorders.migration.names import LAST, is_ours, quoted
from workorders.migration.operations.alter_type import TypeChange
from workorders.migration.operations.operation import SMALL_BYTES, Place, ordinary, refused
from workorders.migration.sql import tree


@dataclass(frozen=True, kw_only=True)
class _Obstacle:
    """Why not, and what to do."""

    reason: str
    next_move: str


def must_be_possible(
    place: Place, catalog: Catalog, table: Table, column: Column, change: TypeChange
) -> None:
    """Raises Refused for the first obstacle."""
    ordinary(table, place, "ALTER TYPE")
    for obstacle in _obstacles(catalog, table, column, change):
        raise refused(place, obstacle.reason, obstacle.next_move)


def must_sort_last(place: Place, table: Table, trigger: str) -> None:
    """Raises Refused for a trigger of the user's that would change the row after ours has read it."""
    for other in table.triggers:
        if other.is_row and " BEFORE " in other.definition and other.name.encode() > trigger.encode():
            raise refused(
                place,
                f"The trigger {other.name} of {table.name} fires after the one that would keep the twin in"
                " step, and may change the row.",
                f"ALTER TRIGGER {quoted(other.name)} ON {table.name.sql} RENAME TO ... with a name that sorts"
                f" before {LAST}.",
            )


def _obstacles(catalog: Catalog, table: Table, column: Column, change: TypeChange) -> Iterator[_Obstacle]:
    name = f"{table.name}.{column.name}"
    by_hand = "Run the statement by hand in a quiet hour."
    for dependant in table.dependants:
        if dependant.column == column.name and dependant.kind not in ("foreign key", "default"):
            yield _Obstacle(
                reason=f"{dependant.description} needs {name}: the server would refuse to change its type.",
                next_move=f"Drop the {dependant.kind} first, and create it again afterwards.",
            )
    if column.generated:
        yield _Obstacle(reason=f"{name} is generated.", next_move="Drop it, and add it with the new type.")
    if column.is_inherited:
        yield _Obstacle(reason=f"{name} is inherited.", next_move="Change it in the parent.")
    if table.publications:
        yield _Obstacle(
            reason=f"{table.name} is published by {table.publications[0]}: its subscribers do not have the"
            " hidden column and would stop.",
            next_move="Take the table out of the publication first.",
        )
    for trigger in table.triggers:
        if trigger.name.startswith(LAST) and is_ours(trigger.name):
            yield _Obstacle(
                reason=f"{table.name} still has the twin of an earlier run.",
                next_move="Purge that run first.",
            )
    if not column.is_not_null_validated:
        yield _Obstacle(reason=f"{name} is NOT NULL NOT VALID.", next_move="VALIDATE the constraint first.")
    if column.is_not_null_domain:
        yield _Obstacle(
            reason=f"{name} is of the domain {column.type}, which does not allow NULL: a value that"
            " does not fit could not be flagged.",
            next_move=by_hand,
        )
    yield from _of_parts(catalog, table, column, by_hand)
    yield from _of_triggers(catalog, table)
    yield from _of_types(catalog, table, column, change)


def _of_parts(catalog: Catalog, table: Table, column: Column, by_hand: str) -> Iterator[_Obstacle]:
    for constraint in table.constraints:
        if column.name not in constraint.columns:
            continue
        if constraint.kind == "x" or "WITHOUT OVERLAPS" in constraint.definition:
            yield _Obstacle(
                reason=f"{constraint.name} of {table.name} excludes overlapping rows: it has no online form.",
                next_move=by_hand,
            )
        if constraint.kind == "f" and "MATCH FULL" in constraint.definition:
            yield _Obstacle(
                reason=f"{constraint.name} of {table.name} is MATCH FULL: a value that the old column cannot"
                " hold would break it.",
                next_move="Make it MATCH SIMPLE first.",
            )
        if constraint.referenced == table.name and column.name in constraint.referenced_columns:
            yield _Obstacle(
                reason=f"{constraint.name} of {table.name} has {column.name} at both its ends.",
                next_move="Drop the constraint first, and add it again afterwards.",
            )
    for index in table.indexes:
        if column.name in index.columns:
            if index.is_replica_identity:
                yield _Obstacle(
                    reason=f"{index.name} is the replica identity of {table.name}.",
                    next_move=f"ALTER TABLE {table.name.sql} REPLICA IDENTITY DEFAULT; first.",
                )
            if not index.is_valid:
                yield _Obstacle(
                    reason=f"The index {index.name} is invalid.", next_move="Drop it, or REINDEX it first."
                )
            if "NULLS NOT DISTINCT" in index.definition:
                yield _Obstacle(
                    reason=f"{index.name} is NULLS NOT DISTINCT: of the values that the old column cannot"
                    " hold, it would let in one.",
                    next_move="Make it a plain unique index first.",
                )
    for reference in catalog.referencing(table.name):
        if column.name in reference.constraint.referenced_columns:
            other = catalog.tables[reference.table]
            if other.kind != "r" or other.is_partition or other.is_heir or other.has_heirs:
                yield _Obstacle(
                    reason=f"{reference.constraint.name} of {other.name}, which is partitioned or inherits,"
                    f" points at {table.name}.{column.name}.",
                    next_move="Drop the constraint first, and add it again afterwards.",
                )
    if not table.key and catalog.major < 14:
        yield _Obstacle(
            reason=f"{table.name} has no primary key: before 14, its rows cannot be walked in batches.",
            next_move="Add a primary key first.",
        )


def _of_triggers(catalog: Catalog, table: Table) -> Iterator[_Obstacle]:
    fires = [trigger.name for trigger in table.triggers if trigger.enabled in "OA"]
    always = [trigger.name for trigger in table.triggers if trigger.enabled in "AR"]
    if always:
        yield _Obstacle(
            reason=f"The trigger {always[0]} of {table.name} fires for replicas, too: the backfill would set"
            " it off.",
            next_move=f"ALTER TABLE {table.name.sql} ENABLE TRIGGER {quoted(always[0])}; first.",
        )
    if fires and not catalog.role_sets_replication_role:
        yield _Obstacle(
            reason=f"The backfill would set off the trigger {fires[0]} of {table.name}, and the role"
            f" {catalog.role} may not hold it still.",
            next_move=f"GRANT SET ON PARAMETER session_replication_role TO {quoted(catalog.role)};"
            " as a superuser (15 and later).",
        )


def _of_types(catalog: Catalog, table: Table, column: Column, change: TypeChange) -> Iterator[_Obstacle]:
    name, types = f"{table.name}.{column.name}", catalog.types
    if change.domain in catalog.not_null_domains:
        yield _Obstacle(
            reason=f"{change.written} does not take NULL, as a twin that is not filled yet would have it.",
            next_move="Use the domain's base type, and its conditions as NOT NULL and CHECK of the table.",
        )
    elif change.domain in catalog.constrained_domains and table.size_bytes > SMALL_BYTES:
        yield _Obstacle(
            reason=f"{change.written} is a domain with constraints: all of {table.name}"
            f" ({table.size_bytes // 1024} kB) would be written anew while nobody can read or write it.",
            next_move="Use the domain's base type, and its condition as a CHECK of the table.",
        )
    if column.identity and bare(change.written) not in ("smallint", "integer", "bigint"):
        yield _Obstacle(
            reason=f"{name} is an identity column: the server allows it whole numbers only.",
            next_move="DROP IDENTITY first.",
        )
    if change.using is None and not types.can_be_assigned(column.type, change.written):
        yield _Obstacle(
            reason=f"{column.type} does not become {change.written} by itself.",
            next_move=f"Say how: USING {quoted(column.name)}::{change.written}.",
        )
    if change.using is not None:
        node = tree.expression(change.using)
        known = {each.name for each in table.columns}
        unknown = sorted(set(tree.columns_in(node)) - known)
        volatile = sorted(set(tree.functions_in(node)) - catalog.settled_functions)
        if volatile:
            yield _Obstacle(
                reason=f"USING calls {volatile[0]}(), which may give something else each time: the twin could"
                " not be kept in step.",
                next_move="Write an expression over the row's own columns and functions of them alone.",
            )
        if unknown or any(f.kind in ("SubLink", "SQLValueFunction") for f in tree.walk(node)):
            yield _Obstacle(
                reason=f"USING reads more than the row's own columns{': ' + unknown[0] if unknown else ''}.",
                next_move="Write an expression over the row's own columns and functions of them alone.",
            )
