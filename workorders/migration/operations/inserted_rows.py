"""Taking back rows that a statement inserted: only those that are as it left them.

One that was changed since, or that a row of somebody else's points at, stays and is counted.
Foreign keys do not check while triggers are held still, so each row is locked first: who would
point at it waits, and then finds it gone.
"""

from __future__ import annotations

from workorders.migration.catalog.snapshot import Catalog, Reference
from workorders.migration.names import quoted
from workorders.migration.operations import keyless_rows
from workorders.migration.operations.row_images import RowImages
from workorders.migration.steps import Action

#: Net changes that are rows to be taken out.
_CAME = "n.came AND NOT n.went AND NOT n.is_restored"


def removing(images: RowImages, catalog: Catalog, title: str) -> Action:
    """Takes inserted rows out; rows that point at each other within the table, all at once."""
    references = catalog.referencing(images.table.name)
    own = tuple(each for each in references if each.table == images.table.name)
    others = tuple(each for each in references if each.table != images.table.name)
    if not images.table.key:
        statements = keyless_rows.removed(images, _unreferenced(images, references))
        return Action(title=title, sql=statements, as_replica=True)
    if own:
        return Action(title=title, sql=_all_at_once(images, own, others), as_replica=True)

    def in_range(span: str) -> tuple[str, ...]:
        net = images.net.sql
        return (
            _locked(images, span),
            f"WITH done AS (DELETE FROM {images.table.own_rows} t USING {images.net.sql} n WHERE {span}"
            f" AND {_CAME} AND {images.by_key()} AND {images.is_as_left}{_unreferenced(images, others)}"
            f" RETURNING n.n) UPDATE {net} SET is_restored = true FROM done WHERE {net}.n = done.n",
            _gone(images, span),
        )

    return Action(title=title, batches=images.in_ranges(in_range), as_replica=True)


def _locked(images: RowImages, span: str) -> str:
    return (
        f"SELECT count(*) FROM (SELECT FROM {images.table.own_rows} t JOIN {images.net.sql} n"
        f" ON {images.by_key()} WHERE {span} AND {_CAME} FOR UPDATE OF t) q"
    )


def _gone(images: RowImages, span: str) -> str:
    """What somebody else has deleted meanwhile is as gone as it should be."""
    return (
        f"UPDATE {images.net.sql} n SET is_restored = true WHERE {span} AND {_CAME}"
        f" AND NOT EXISTS (SELECT FROM {images.table.own_rows} t WHERE {images.by_key()})"
    )


def _all_at_once(
    images: RowImages, own: tuple[Reference, ...], others: tuple[Reference, ...]
) -> tuple[str, ...]:
    """A row stays if it has to, or if one that stays points at it: told from the leaves upwards."""
    table, net = images.table.own_rows, images.net.sql
    came = f"SELECT n.* FROM {net} n WHERE {_CAME}"
    of_child = images.by_key("r", "m")
    points = " OR ".join(f"({_points(each, 'r', 't')})" for each in own)
    stays = (
        f"SELECT n.n FROM came n JOIN {table} t ON {images.by_key()} WHERE NOT ({images.is_as_left}"
        f"{_unreferenced(images, others)})"
        f" OR EXISTS (SELECT FROM {table} r WHERE ({points})"
        f" AND NOT EXISTS (SELECT FROM came m WHERE {of_child}))"
    )
    edges = (
        f"SELECT m.n AS child, n.n AS parent FROM came m JOIN {table} r ON {of_child}"
        f" JOIN {table} t ON {points} JOIN came n ON {images.by_key()}"
    )
    return (
        _locked(images, "true"),
        f"WITH RECURSIVE came AS ({came}), edge AS ({edges}),"
        f" stays AS ({stays} UNION SELECT edge.parent FROM stays JOIN edge ON edge.child = stays.n),"
        f" done AS (DELETE FROM {table} t USING came n WHERE {images.by_key()}"
        " AND n.n NOT IN (SELECT n FROM stays) RETURNING n.n)"
        f" UPDATE {net} SET is_restored = true FROM done WHERE {net}.n = done.n",
        _gone(images, "true"),
    )


def _unreferenced(images: RowImages, references: tuple[Reference, ...]) -> str:
    return "".join(
        f" AND NOT EXISTS (SELECT FROM {images.rows_of(each.table)} r WHERE {_points(each, 'r', 't')})"
        for each in references
    )


def _points(reference: Reference, child: str, parent: str) -> str:
    key = reference.constraint
    return " AND ".join(
        f"{child}.{quoted(theirs)} = {parent}.{quoted(mine)}"
        for theirs, mine in zip(key.columns, key.referenced_columns, strict=True)
    )
