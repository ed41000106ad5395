"""ALTER STATISTICS ... SET STATISTICS: the former target is set again on the way back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.names import RelationName
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.sql import tree
from workorders.migration.sql.reading import Reading, said

#: As every server takes it: the target of the columns themselves. 17 and later also say DEFAULT.
_DEFAULT = -1


def targets(reading: Reading) -> Iterator[ChangeDefinition]:
    """The operation; none where IF EXISTS finds nothing."""
    name: tree.Node = {"List": {"items": reading.node["defnames"]}}
    entry = reading.objects.meant("OBJECT_STATISTIC_EXT", name)
    if entry is None:
        if not reading.node.get("missing_ok"):
            reading.must_mean("OBJECT_STATISTIC_EXT", name)
        return
    address = RelationName(schema=entry.schema, name=entry.tag)
    changed = said(
        reading,
        entry,
        undo=(f"ALTER STATISTICS {address.sql} SET STATISTICS {_former(reading, entry)}",),
        after=reading.archive.with_entry(reading.said_of(entry, "ALTER")),
        title=f"set the target of {entry}",
    )
    target = _target(reading.node)
    becomes = changed.becomes
    for table in reading.catalog.tables.values():
        if any(each.name == address for each in table.statistics):
            known = (
                replace(each, target=None if target == _DEFAULT else target) if each.name == address else each
                for each in table.statistics
            )
            becomes = becomes.with_table(replace(table, statistics=tuple(known)))
    yield replace(changed, becomes=becomes)


def _former(reading: Reading, entry: Entry) -> int:
    """What was said last: by pg_dump behind the making of it, or by this script."""
    former = _DEFAULT
    for each in (entry, *reading.archive.attached(entry, "ALTER")):
        for statement in tree.statements(each.definition):
            if statement.kind == "AlterStatsStmt":
                former = _target(statement.node)
    return former


def _target(node: tree.Node) -> int:
    number = node.get("stxstattarget", {}).get("Integer", {"ival": _DEFAULT})
    return int(number.get("ival", 0))
