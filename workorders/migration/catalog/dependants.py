"""What is in the way of a DROP, found as the server finds it: by following pg_depend.

The walk is made here and not in a recursive query, since the planner has no idea how
many rows such a query gives and was seen to need minutes for 10,000 tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

from workorders.migration.catalog.attached import Dependant
from workorders.migration.catalog.queries import Reading, queries
from workorders.migration.names import RelationName

_QUERIES = queries("dependants.sql")


#: An object as pg_depend knows it: class, oid and a column's attnum (0 for the whole object). A bare
#: tuple, since 10,000 tables have half a million of them.
_Address: TypeAlias = tuple[int, ...]


class _Obstacle(NamedTuple):
    """An object that needs a relation or a column of it."""

    #: The relation (attnum 0) or its column.
    root: _Address
    address: _Address


def dependants_of(
    view: Reading,
    names: Mapping[int, RelationName],
    columns: Mapping[int, Mapping[int, str]],
    scope: Collection[int] | None = None,
) -> dict[int, tuple[Dependant, ...]]:
    """The dependants of each relation in `names`, by its oid, sorted by column, kind and description.

    `columns` are the relations' live columns by attnum; `scope` are those that are asked for, None for all.
    """
    needs: list[tuple[_Address, _Address]] = []
    owners: defaultdict[_Address, list[_Address]] = defaultdict(list)
    for row in view.tuples(_QUERIES["edges"]) if scope is None else _edges_around(view, scope):
        needed, needing = row[:3], row[3:6]
        if row[6] == "n":
            needs.append((needed, needing))
        else:
            owners[needing].append(needed)
    relations = view.rows(_QUERIES["classes"])[0]["relations"]

    asked = names if scope is None else names.keys() & set(scope)
    found: list[_Obstacle] = []
    for needed, needing in needs:
        # What goes along with the same DROP is not in its way.
        in_way_of = _roots(needed, owners) - _roots(needing, owners)
        found += (_Obstacle(root, needing) for root in in_way_of if root[0] == relations and root[1] in asked)
    described = _described(view, {obstacle.address for obstacle in found})

    dependants: defaultdict[int, set[Dependant]] = defaultdict(set)
    for obstacle in found:
        row_told = described[obstacle.address]
        _, relation, attnum = obstacle.root
        is_own = row_told["of_relation"] == relation
        # A view's own rule needs the view's columns, and goes with it.
        if not (is_own and row_told["is_view"]):
            dependants[relation].add(
                Dependant(
                    kind=row_told["kind"] or "",
                    description=row_told["description"] or "",
                    column=columns.get(relation, {}).get(attnum),
                    relation=names.get(row_told["of_relation"]),
                    is_own=is_own,
                )
            )
    return {oid: tuple(sorted(of_one, key=_order)) for oid, of_one in dependants.items()}


def _edges_around(view: Reading, scope: Collection[int]) -> set[tuple[Any, ...]]:
    """What needs these relations or a part of them, and what that is a part of itself."""
    found: set[tuple[Any, ...]] = set()
    seen: set[int] = set()
    open_ends = set(scope)
    while open_ends:
        seen |= open_ends
        rows = view.tuples(_QUERIES["edges_down"], oids=sorted(open_ends))
        found.update(rows)
        # Through what goes along with its owner; what merely needs it is looked at, not looked behind.
        open_ends = {row[4] for row in rows if row[6] != "n"} - seen
    seen, open_ends = set(), {row[4] for row in found}
    while open_ends:
        seen |= open_ends
        rows = view.tuples(_QUERIES["edges_up"], oids=sorted(open_ends))
        found.update(rows)
        open_ends = {row[1] for row in rows} - seen
    return found


def _roots(address: _Address, owners: Mapping[_Address, list[_Address]]) -> set[_Address]:
    """The object and all whose dropping would silently drop it too."""
    found, open_ends = {address}, [address]
    while open_ends:
        for owner in owners.get(open_ends.pop(), ()):
            if owner not in found:
                found.add(owner)
                open_ends.append(owner)
    return found


def _described(view: Reading, addresses: set[_Address]) -> dict[_Address, Mapping[str, Any]]:
    wanted = sorted(addresses)
    rows = view.rows(
        _QUERIES["described"],
        classes=[address[0] for address in wanted],
        objects=[address[1] for address in wanted],
        subs=[address[2] for address in wanted],
    )
    return {(row["class_given"], row["object_given"], row["sub_given"]): row for row in rows}


def _order(dependant: Dependant) -> tuple[str, ...]:
    return (dependant.column or "", dependant.kind, dependant.description)
