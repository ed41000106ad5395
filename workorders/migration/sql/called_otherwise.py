"""A type, a function or a view under another name, wherever that is said.

What is dropped later in the script is made again on the way back before the name is given back: so
its text says the new one. A query that reads a view is not written anew; it waits for the old name.
"""

from __future__ import annotations

from dataclasses import replace

from workorders.migration.catalog import renamed_entries, renaming
from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.catalog.types import written_name
from workorders.migration.other_names import OtherName
from workorders.migration.renames import Part
from workorders.migration.sql import enums
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.renamed import RenamedType


def after(reading: Reading, entry: Entry, given: OtherName, becomes: Catalog) -> Catalog:
    """The catalog in which others say the new name; `becomes` has the object itself under it."""
    assert becomes.archive is not None
    if given.part is Part.TABLE:
        archive = renamed_entries.view_called(becomes.archive, entry.number, given.name)
        return replace(becomes, archive=archive)
    if given.part is Part.FUNCTION:
        archive = renamed_entries.function_called(becomes.archive, entry.number, given.name, given.there)
        return replace(becomes, archive=archive)
    renamed = RenamedType(was=given.name, becomes=given.there)
    if given.name in reading.catalog.enums:
        becomes = enums.renamed(reading, entry, given.there.name)
    else:
        tables = {name: _retyped(table, renamed) for name, table in becomes.tables.items()}
        becomes = replace(
            becomes,
            tables=tables,
            types=becomes.types.renamed(given.name, given.there),
            constrained_domains=_with_name(becomes.constrained_domains, given),
            not_null_domains=_with_name(becomes.not_null_domains, given),
        )
    assert becomes.archive is not None
    archive = renamed_entries.type_called(becomes.archive, entry.number, renamed)
    return replace(becomes, archive=archive)


def _with_name(domains: frozenset[str], given: OtherName) -> frozenset[str]:
    return domains | {given.there.name} if given.name.name in domains else domains


def _retyped(table: Table, given: RenamedType) -> Table:
    was, now = written_name(given.was), written_name(given.becomes)
    types = {f"{was}{many}": f"{now}{many}" for many in ("", "[]")}
    texts = [text for each in table.columns for text in (each.type, each.default, each.generation)]
    texts += [each.type for each in table.hidden]
    texts += [each.definition for each in table.constraints]
    texts += [each.definition for each in table.indexes]
    texts += [each.definition for each in table.triggers]
    texts += [each.definition for each in table.statistics]
    if not any(was in text for text in texts if text):
        return table

    def under(columns: tuple[Column, ...]) -> tuple[Column, ...]:
        return tuple(replace(each, type=types.get(each.type, each.type)) for each in columns)

    changed = replace(table, columns=under(table.columns), hidden=under(table.hidden))
    return renaming.type_renamed(changed, given)
