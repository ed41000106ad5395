"""Which relations a script can concern: a plan reads these, however many others there are.

A superset, found by words: whatever in the script could be the name of something is looked up.
What a function or a trigger does in secret is found by the rehearsal, which names the table.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from workorders.migration.catalog.queries import Reading, queries
from workorders.migration.names import clipped

_QUERIES = queries("scope.sql")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Relations by oid."""

    #: Those that are read whole.
    relations: frozenset[int]
    #: Those, and what their foreign keys point at: of these the columns are read.
    with_columns: frozenset[int]


def around(view: Reading, words: Collection[str]) -> Scope:
    """The relations that these words may mean, all that a change of them reaches, and their neighbours."""
    names = sorted({clipped(word) for word in words if word})
    found = _oids(view, "named", words=names)
    open_ends = found
    while open_ends:
        open_ends = _oids(view, "tied", oids=sorted(open_ends)) - found
        found |= open_ends
    found |= _oids(view, "beside", oids=sorted(found))
    pointed_at = _oids(view, "pointed_at", oids=sorted(found))
    return Scope(relations=frozenset(found), with_columns=frozenset(found | pointed_at))


def _oids(view: Reading, query: str, **parameters: object) -> set[int]:
    return {row["oid"] for row in view.rows(_QUERIES[query], **parameters)}
