"""Which publications there will be, and whether the tables in them can be told beforehand."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from workorders.migration.catalog import publications
from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName
from workorders.migration.sql.variables import Untold


def of(catalog: Catalog) -> Mapping[str, Entry]:
    """The publications that the archive has, by their names."""
    archive = catalog.archive or Archive()
    return {each.tag: each for each in archive.objects if each.kind == "PUBLICATION"}


def must_be_told(before: Catalog, now: Catalog, new: Collection[RelationName]) -> None:
    """Raises Untold where publications show other tables, and the planner does not know them all."""
    was, there = of(before), of(now)
    for name, entry in there.items():
        is_wide = publications.is_for_all_tables(entry) or any(
            each.table is None for each in _members(now, entry)
        )
        if is_wide and (new or name not in was):
            raise Untold(f"what the publication {name} shows of new tables is not foreseen")
        former = was.get(name, entry)
        roots = {publications.options_of(each).get(publications.VIA_ROOT) for each in (former, entry)}
        if former.number != entry.number or len(roots) > 1:
            raise Untold(f"the publication {name} is not what it was")
    for name, entry in was.items():
        gone = {each.table for each in _members(before, entry)}
        if name in there:
            gone -= {each.table for each in _members(now, there[name])}
        if not gone <= before.tables.keys():
            raise Untold(f"the publication {name} is not what it was")


def _members(catalog: Catalog, publication: Entry) -> tuple[publications.Member, ...]:
    return publications.members(catalog.archive or Archive(), publication)
