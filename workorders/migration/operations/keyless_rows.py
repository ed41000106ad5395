"""Row images of a table without a key: rows are told apart by all of their values, and counted.

Equal rows are interchangeable, so it is enough to know what became of a value: an image that
takes up the value that an earlier one left is joined with it, and what is left of such a chain
is its first image's before and its last one's after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workorders.migration.names import quoted

if TYPE_CHECKING:
    from workorders.migration.operations.row_images import RowImages

#: Net changes that are rows to be taken out.
_CAME = "n.came AND NOT n.went AND NOT n.is_restored"


def chains(images: RowImages) -> str:
    """What follows SELECT for the net changes: `f` is the first and `l` the last image of each chain."""
    table = images.images.sql
    before = f"ROW({', '.join(images.before(c) for c in images.columns)})::text"
    after = f"ROW({', '.join(images.after(c) for c in images.columns)})::text"
    # The nearest image that takes a value up belongs to the one that left it, as brackets do.
    return (
        "FROM (WITH RECURSIVE event AS"
        f" (SELECT n, 1 AS change, {after} AS value FROM {table} WHERE operation <> 'D'"
        f" UNION ALL SELECT n, -1, {before} FROM {table} WHERE operation <> 'I'),"
        " leveled AS (SELECT n, change, value, sum(change) OVER (PARTITION BY value ORDER BY n, change)"
        " + CASE change WHEN -1 THEN 1 ELSE 0 END AS level FROM event),"
        " followed AS (SELECT n, change, lead(n) OVER w AS next, lead(change) OVER w AS then_change"
        " FROM leveled WINDOW w AS (PARTITION BY value, level ORDER BY n, change)),"
        " link AS (SELECT n, next FROM followed WHERE change = 1 AND then_change = -1),"
        f" chain AS (SELECT i.n AS first, i.n AS last FROM {table} i"
        " WHERE NOT EXISTS (SELECT FROM link WHERE link.next = i.n)"
        " UNION ALL SELECT chain.first, link.next FROM chain JOIN link ON link.n = chain.last)"
        " SELECT first, max(last) AS last FROM chain GROUP BY first) c"
        f" JOIN {table} f ON f.n = c.first JOIN {table} l ON l.n = c.last"
        " WHERE NOT (f.operation = 'I' AND l.operation = 'D')"
    )


def restored(images: RowImages) -> tuple[str, ...]:
    """Brings changed and deleted rows back, as many of each as there were."""
    table, into, net = images.table.own_rows, images.table.name.sql, images.net.sql
    assignments = ", ".join(f"{quoted(c)} = n.{images.before(c)}" for c in images.assignable)
    columns = ", ".join(quoted(c) for c in images.columns)
    values = ", ".join(f"n.{images.before(c)}" for c in images.columns)
    may_stand = " AND ".join(["true", *images.parents_exist({})])
    wanted = f"n.went AND NOT n.is_restored AND {may_stand}"
    statements = []
    if assignments:
        statements.append(
            f"{_pairs(images, f'NOT n.came AND NOT n.went AND NOT n.is_restored AND {may_stand}')}"
            f" done AS (UPDATE {table} t SET {assignments} FROM pairs JOIN {net} n ON n.n = pairs.n"
            f" WHERE t.tableoid = pairs.home AND t.ctid = pairs.place RETURNING n.n) {_marked(net)}"
        )
    statements.append(
        f"WITH back AS (INSERT INTO {into} AS t ({columns}) OVERRIDING SYSTEM VALUE SELECT {values}"
        f" FROM {net} n WHERE {wanted} ORDER BY n.n ON CONFLICT DO NOTHING"
        f" RETURNING {_row(images)} AS image),"
        " copies AS (SELECT image, count(*) AS copies FROM back GROUP BY image),"
        f" want AS (SELECT n.n, ROW({values})::text AS image,"
        f" row_number() OVER (PARTITION BY ROW({values})::text ORDER BY n.n) AS copy"
        f" FROM {net} n WHERE {wanted}),"
        " done AS (SELECT n FROM want JOIN copies USING (image) WHERE copy <= copies)"
        f" {_marked(net)}"
    )
    return tuple(statements)


def removed(images: RowImages, unreferenced: str) -> tuple[str, ...]:
    """Takes inserted rows out, as many of each as came; `unreferenced` is a further condition on `t`."""
    image = f"ROW({', '.join(f'n.{images.after(c)}' for c in images.columns)})::text"
    locked = (
        f"SELECT count(*) FROM (SELECT FROM {images.table.own_rows} t WHERE {_row(images)} IN (SELECT {image}"
        f" FROM {images.net.sql} n WHERE {_CAME}) FOR UPDATE OF t) q"
    )
    return (
        *((locked,) if unreferenced else ()),
        f"{_pairs(images, _CAME)}"
        f" done AS (DELETE FROM {images.table.own_rows} t USING pairs"
        f" WHERE t.tableoid = pairs.home AND t.ctid = pairs.place{unreferenced} RETURNING pairs.n)"
        f" {_marked(images.net.sql)}",
    )


def _pairs(images: RowImages, which: str) -> str:
    """Rows of the table, each paired with a net change that left such a row."""
    image = f"ROW({', '.join(f'n.{images.after(c)}' for c in images.columns)})::text"
    return (
        "WITH want AS (SELECT n.n, image, row_number() OVER (PARTITION BY image ORDER BY n.n) AS copy"
        f" FROM (SELECT n.*, {image} AS image FROM {images.net.sql} n WHERE {which}) n),"
        " have AS (SELECT t.home, t.place, t.image, row_number() OVER (PARTITION BY t.image) AS copy"
        f" FROM (SELECT t.tableoid AS home, t.ctid AS place, {_row(images)} AS image"
        f" FROM {images.table.own_rows} t) t"
        " WHERE t.image IN (SELECT image FROM want)),"
        # Two partitions may each have a row in the same place.
        " pairs AS (SELECT want.n, have.home, have.place FROM want JOIN have USING (image, copy)),"
    )


def _row(images: RowImages) -> str:
    return f"ROW({', '.join(f't.{quoted(c)}' for c in images.columns)})::text"


def _marked(net: str) -> str:
    return f"UPDATE {net} SET is_restored = true WHERE n IN (SELECT n FROM done)"
