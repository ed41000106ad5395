"""What is in the way of a DROP, found as the server finds it: by following pg_depend.

The walk is made here and not in a recursive query, since the planner has no idea how
many rows such a query gives and was seen to need minutes for 10,000 tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from workorders.migration.catalog.queries import Reading, queries
from workorders.migration.catalog.snapshot import Dependant
from workorders.migration.names import RelationName

_QUERIES = queries("dependants.sql")


class _Address(NamedTuple):
    """An object as pg_depend knows it."""

    class_oid: int
    oid: int
    #: A column's attnum; 0 for the whole object.
    sub: int


class _Obstacle(NamedTuple):
    """An object that needs a relation (attnum 0) or a column of it."""

    relation: int
    attnum: int
    address: _Address


_Edges: TypeAlias = Mapping[_Address, list[_Address]]


def dependants_of(
    view: Reading, names: Mapping[int, RelationName], columns: Mapping[int, Mapping[int, str]]
) -> dict[int, tuple[Dependant, ...]]:
    """The dependants of each relation in `names`, by its oid, sorted by column, kind and description.

    `columns` are the relations' live columns by attnum.
    """
    needing: defaultdict[_Address, list[_Address]] = defaultdict(list)
    taken_along: defaultdict[_Address, list[_Address]] = defaultdict(list)
    for *ends, how in view.tuples(_QUERIES["edges"]):
        edges = needing if how == "n" else taken_along
        edges[_Address(*ends[:3])].append(_Address(*ends[3:]))
    relations = view.rows(_QUERIES["classes"])[0]["relations"]

    found: list[_Obstacle] = []
    for oid in names:
        for attnum in (0, *columns.get(oid, ())):
            start = _Address(relations, oid, attnum)
            if start in needing or start in taken_along:
                addresses = _obstacles(start, needing, taken_along)
                found += (_Obstacle(oid, attnum, address) for address in addresses)
    described = _described(view, {obstacle.address for obstacle in found})

    dependants: defaultdict[int, set[Dependant]] = defaultdict(set)
    for obstacle in found:
        row = described[obstacle.address]
        is_own = row["of_relation"] == obstacle.relation
        # A view's own rule needs the view's columns, and goes with it.
        if not (is_own and row["is_view"]):
            dependants[obstacle.relation].add(
                Dependant(
                    kind=row["kind"] or "",
                    description=row["description"] or "",
                    column=columns.get(obstacle.relation, {}).get(obstacle.attnum),
                    relation=names.get(row["of_relation"]),
                    is_own=is_own,
                )
            )
    return {oid: tuple(sorted(of_one, key=_order)) for oid, of_one in dependants.items()}


def _obstacles(start: _Address, needing: _Edges, taken_along: _Edges) -> Iterator[_Address]:
    """What needs the start or anything that goes along with it, and does not itself go along."""
    dropped, open_ends = {start}, [start]
    while open_ends:
        for address in taken_along.get(open_ends.pop(), ()):
            if address not in dropped:
                dropped.add(address)
                open_ends.append(address)
    for address in dropped:
        for obstacle in needing.get(address, ()):
            if obstacle not in dropped:
                yield obstacle


def _described(view: Reading, addresses: set[_Address]) -> dict[_Address, Mapping[str, Any]]:
    wanted = sorted(addresses)
    rows = view.rows(
        _QUERIES["described"],
        classes=[address.class_oid for address in wanted],
        objects=[address.oid for address in wanted],
        subs=[address.sub for address in wanted],
    )
    return {_Address(row["class_given"], row["object_given"], row["sub_given"]): row for row in rows}


def _order(dependant: Dependant) -> tuple[str, ...]:
    return (dependant.column or "", dependant.kind, dependant.description)
