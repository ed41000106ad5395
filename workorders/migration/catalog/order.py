"""A fingerprint with one column elsewhere in its table's order, and what follows from that order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from workorders.migration.catalog.fingerprint import BELONGS_TO, Fingerprint, column_key
from workorders.migration.names import RelationName
from workorders.migration.sql import renamed


@dataclass(frozen=True, kw_only=True)
class _Part:
    """An object of a table, with its key."""

    key: str
    attributes: dict[str, str | int | bool | list[str]]


def with_column_behind(schema: Fingerprint, table: RelationName, column: str, behind: str) -> Fingerprint:
    """The same with one column of a table behind another, or at the end where that one has gone."""
    columns = {part.key: part.attributes for part in _parts(schema, table, "column")}
    order = sorted(columns, key=lambda key: cast("int", columns[key]["position"]))
    moving, before = (column_key(table, name) for name in (column, behind))
    if moving not in order:
        return schema
    order.remove(moving)
    order.insert(order.index(before) + 1 if before in order else len(order), moving)
    places = {key: place for place, key in enumerate(order, start=1)}
    changed = {key: {**columns[key], "position": place} for key, place in places.items()}
    for part in _parts(schema, table, "statistics"):
        # The server lists the columns of extended statistics in the table's order.
        definition = renamed.statistics_in_order(
            cast("str", part.attributes["definition"]),
            lambda name: places.get(column_key(table, name), len(places)),
        )
        changed[part.key] = {**part.attributes, "definition": definition}
    return Fingerprint(objects={**schema.objects, **changed})


def _parts(schema: Fingerprint, table: RelationName, kind: str) -> Iterator[_Part]:
    for key, attributes in schema.objects.items():
        if key.startswith(f"{kind} ") and attributes.get(BELONGS_TO) == [table.schema, table.name]:
            yield _Part(key=key, attributes=dict(attributes))
