"""Any statement about objects without rows into operations."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.operations.operation import Operation, Place
from workorders.migration.sql import attributes, definitions, publications, removals
from workorders.migration.sql.definition_kinds import is_creating, is_dropping
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import RawStatement


def operations(raw: RawStatement, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The statement's operations. Raises Refused for what could not be undone."""
    reading = Reading(raw=raw, place=place, catalog=catalog)
    if publications.is_one(raw):
        yield from publications.operations(reading)
    elif is_creating(raw):
        yield from definitions.creations(reading)
    elif is_dropping(raw):
        yield from removals.drops(reading)
    else:
        yield from attributes.alterations(reading)
