"""What ALTER COLUMN ... TYPE is expected to do with the rows if it runs as it is written.

The rules are those of `ATColumnChangeRequiresRewrite` and of `CheckIndexCompatible` in the server's
source, and of the functions that its planner asks whether a change of length changes a value.
"""

from __future__ import annotations

import re
from enum import Enum

from workorders.migration.atlas.effect import Effect
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.catalog.types import Cast, bare
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName
from workorders.migration.operations.operation import Place
from workorders.migration.sql import types
from workorders.migration.sql.tree import Node, strings

_UTC = frozenset({"UTC", "Etc/UTC", "Universal", "Zulu", "GMT", "Etc/GMT"})
_TIMES = frozenset({"timestamp with time zone", "timestamp without time zone"})

#: Types of which a longer form takes every value of a shorter one as it is.
_LENGTHS = frozenset(
    {
        *("character varying", "bit varying", "interval"),
        *("time without time zone", "time with time zone", *_TIMES),
    }
)


class Rows(Enum):
    """What becomes of the rows."""

    UNTOUCHED = "untouched"
    READ = "read"  # every one, against what a type or a constraint demands
    WRITTEN = "written"


def effect(command: Node, table: Table, catalog: Catalog, place: Place) -> Effect | None:
    """What the command does; None where there is no such column."""
    column = table.column(command["name"])
    if column is None:
        return None
    definition = command["def"]["ColumnDef"]
    wanted = types.written(definition["typeName"], place, catalog)
    collation = _collation(definition)
    rows = becomes(column, wanted, catalog) if "raw_default" not in definition else Rows.WRITTEN
    if "raw_default" in definition and wanted == column.type:
        rows = Rows.READ if _is_bare(definition["raw_default"], column) else Rows.WRITTEN
    if rows is Rows.UNTOUCHED and (
        _is_checked(column, table) or _is_built_again(column, table, wanted, is_sorted_anew=collation)
    ):
        rows = Rows.READ
    locks, scans = {table.name: LockMode.ACCESS_EXCLUSIVE}, set()
    if rows is not Rows.UNTOUCHED:
        scans.add(table.name)
    for name, is_validated in _tied(column, table, catalog):
        locks[name] = LockMode.ACCESS_EXCLUSIVE
        if rows is Rows.WRITTEN and is_validated:
            scans.add(name)
    return Effect(
        locks=locks,
        scans=frozenset(scans),
        rewrites=frozenset({table.name}) if rows is Rows.WRITTEN else frozenset(),
    )


def becomes(column: Column, wanted: str, catalog: Catalog) -> Rows:
    """What a change of type alone does with the rows, by the catalog and the session's settings."""
    was = column.type
    if was == wanted:
        return Rows.UNTOUCHED
    one, other = bare(was), bare(wanted)
    if one == other:
        return Rows.UNTOUCHED if _is_longer(one, _modifiers(was), _modifiers(wanted)) else Rows.WRITTEN
    if {one, other} == _TIMES:
        is_precise = all(not _modifiers(each) or _modifiers(each) == (6,) for each in (was, wanted))
        return Rows.UNTOUCHED if is_precise and catalog.settings.get("TimeZone") in _UTC else Rows.WRITTEN
    if catalog.types.bases.get(one) == other:
        return Rows.UNTOUCHED
    if catalog.types.bases.get(other) == one:
        is_free = other.rpartition(".")[2].strip('"') not in catalog.constrained_domains
        return Rows.READ if is_free else Rows.WRITTEN
    is_free = Cast(source=one, target=other) in catalog.types.free
    # A cast that changes no bit says nothing of a length that has to be kept afterwards.
    return Rows.UNTOUCHED if is_free and not _modifiers(wanted) else Rows.WRITTEN


def _is_longer(name: str, was: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    if not wanted:
        return name != "character" and name != "bit"
    if not was:
        # Without one, times have all their six digits.
        return name in _LENGTHS and "varying" not in name and wanted == (6,)
    if name == "numeric":
        scales = [each[1] if len(each) > 1 else 0 for each in (was, wanted)]
        return wanted[0] >= was[0] and scales[0] == scales[1]
    return name in _LENGTHS and wanted[0] >= was[0]


def _modifiers(type_name: str) -> tuple[int, ...]:
    found = re.search(r"\(([\d, -]+)\)", type_name)
    return () if found is None else tuple(int(part) for part in found[1].split(","))


def _is_bare(node: Node, column: Column) -> bool:
    """Whether USING gives nothing but the column itself: the server then compares nothing, and reads."""
    fields = node.get("ColumnRef", {}).get("fields", [])
    return bool(fields) and strings(fields)[-1] == column.name


def _collation(definition: Node) -> bool:
    """Whether another collation is asked for; the type's own is asked for by naming none."""
    return "collClause" in definition


def _is_checked(column: Column, table: Table) -> bool:
    """Whether a constraint over the column is looked at again, row by row."""
    return any(
        constraint.kind == "c" and constraint.is_validated and column.name in constraint.columns
        for constraint in table.constraints
    )


def _is_built_again(column: Column, table: Table, wanted: str, *, is_sorted_anew: bool) -> bool:
    """Whether an index over the column does not fit its new form."""
    indexes = [index for index in table.indexes if column.name in index.columns]
    if is_sorted_anew and indexes:
        return True
    if {bare(column.type), bare(wanted)} == _TIMES and indexes:
        return True
    return any("" in index.key_columns or " WHERE " in index.definition for index in indexes)


def _tied(column: Column, table: Table, catalog: Catalog) -> list[tuple[RelationName, bool]]:
    """Tables at the other ends of the foreign keys that are made again, with whether those are valid."""
    found = [
        (constraint.referenced, constraint.is_validated)
        for constraint in table.foreign_keys
        if column.name in constraint.columns and constraint.referenced is not None
    ]
    found += [
        (reference.table, reference.constraint.is_validated)
        for reference in catalog.referencing(table.name)
        if column.name in reference.constraint.referenced_columns
    ]
    return [(name, is_validated) for name, is_validated in found if name != table.name]
