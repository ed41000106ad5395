"""Hazards of statements that write many rows, or every row, at once."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.hazards.hazard import Effect, Hazard, Seen
from workorders.migration.hazards.scene import Scene, has_option, listed
from workorders.migration.locks import LockMode

_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
_WRITES = {"UpdateStmt": "UPDATE", "DeleteStmt": "DELETE"}


def _all_rows(scene: Scene) -> Iterator[Seen]:
    words = _WRITES.get(scene.raw.kind)
    if words is None or not _is_of_all(scene):
        return
    subject = scene.filled(scene.node["relation"])
    # Each row is paired with every row of the other: all are written, or none.
    clause = next((each for each in ("fromClause", "usingClause") if each in scene.node), "")
    joined = f", if what {clause.removesuffix('Clause').upper()} names gives a row" if clause else ""
    if subject is not None:
        yield Seen(
            tables=(subject.name,),
            sentence=f"{subject}: {words} without WHERE locks every row until the end of its transaction:"
            f" other writes to them wait{subject.if_filled}{joined}.",
        )


def _is_of_all(scene: Scene) -> bool:
    node = scene.node
    condition = node.get("whereClause", {}).get("A_Const", {})
    return "whereClause" not in node or bool(condition.get("boolval", {}).get("boolval"))


def _under_lock(scene: Scene) -> Iterator[Seen]:
    if scene.raw.kind not in _WRITES:
        return
    subject = scene.filled(scene.node["relation"])
    if subject is None or subject.relname not in scene.past.exclusive:
        return
    since = scene.past.exclusive[subject.relname]
    yield Seen(
        tables=(subject.name,),
        sentence=f"{subject}: rows are written under the ACCESS EXCLUSIVE lock that line {since.line} took"
        f" in the same transaction: reads and writes wait for all of it{subject.if_filled}.",
    )


def _locked(scene: Scene) -> Iterator[Seen]:
    if scene.raw.kind != "LockStmt":
        return
    mode = list(LockMode)[scene.node["mode"] - 1]
    if not mode.stops_writes:
        return
    for relation in listed(scene.node["relations"]):
        subject = scene.old(relation)
        if subject is not None:
            who = "reads and writes wait" if mode.stops_reads else "writes wait"
            yield Seen(
                tables=(subject.name,),
                sentence=f"{subject}: LOCK TABLE takes {mode.sql}: {who} until the transaction ends.",
            )


def _packed(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    found = []
    if (
        scene.raw.kind == "VacuumStmt"
        and node.get("is_vacuumcmd")
        and has_option(node.get("options", []), "full")
    ):
        found = [("VACUUM FULL", item["VacuumRelation"]["relation"]) for item in node.get("rels", [])]
        if not found:
            yield Seen(
                sentence="VACUUM FULL writes every table anew, one after the other, under ACCESS EXCLUSIVE."
            )
    elif scene.raw.kind == "ClusterStmt":
        found = [("CLUSTER", node["relation"])] if "relation" in node else []
        if not found:
            yield Seen(
                sentence="CLUSTER writes every table with a clustered index anew under ACCESS EXCLUSIVE."
            )
    for words, relation in found:
        subject = scene.filled(relation)
        if subject is not None:
            yield Seen(
                tables=(subject.name,),
                sentence=f"{subject}: {words} writes the table and its indexes anew under ACCESS EXCLUSIVE:"
                f" reads and writes wait until it is done{subject.if_filled}.",
            )


def _logged(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("SetLogged", "SetUnLogged"):
        words = "SET LOGGED" if command.kind == "SetLogged" else "SET UNLOGGED"
        already = "p" if command.kind == "SetLogged" else "u"
        if command.subject.table is not None and command.subject.table.persistence == already:
            continue
        yield Seen(
            tables=(command.subject.name,),
            sentence=f"{command.subject}: {words} writes the table and its indexes anew under ACCESS"
            f" EXCLUSIVE: reads and writes wait until it is done{command.subject.if_filled}.",
        )


HAZARDS = (
    Hazard(
        id="write-all-rows",
        title="UPDATE or DELETE of all rows in one statement",
        condition="UPDATE or DELETE without WHERE on a table that the script has not made itself.",
        consequence="Every row is locked until the transaction ends, and the table grows by as much as is"
        " updated.",
        way_out="Go through the table in batches by key, each in a transaction of its own.",
        bad="UPDATE customers SET points = 0;",
        good="""UPDATE customers SET points = 0 WHERE id BETWEEN 1 AND 1000;
UPDATE customers SET points = 0 WHERE id BETWEEN 1001 AND 2000;
UPDATE customers SET points = 0 WHERE id BETWEEN 2001 AND 3000;""",
        effect=Effect(writes=("customers",)),
        judge=_all_rows,
    ),
    Hazard(
        id="write-under-lock",
        title="Rows written under the lock of an ALTER TABLE",
        condition="BEGIN, ALTER TABLE, and UPDATE or DELETE of the same table before the COMMIT.",
        consequence="The lock of ALTER TABLE, which stops reads and writes, is held until all rows are"
        " written.",
        way_out="COMMIT between the two, and write the rows in batches.",
        bad="""BEGIN;
ALTER TABLE customers ADD COLUMN country text;
UPDATE customers SET country = 'unknown';
COMMIT;""",
        good="""ALTER TABLE customers ADD COLUMN country text;
UPDATE customers SET country = 'unknown' WHERE id BETWEEN 1 AND 1000;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, writes=("customers",)),
        judge=_under_lock,
    ),
    Hazard(
        id="lock-table",
        title="LOCK TABLE",
        condition="LOCK TABLE in a mode that stops writes.",
        consequence="Others wait until the transaction ends, and everybody waits while it waits itself.",
        way_out="Leave it out: each statement takes the lock that it needs. Rows are locked by SELECT ..."
        " FOR UPDATE.",
        bad="""BEGIN;
LOCK TABLE customers;
UPDATE customers SET points = 0 WHERE id = 1;
COMMIT;""",
        good="""BEGIN;
SELECT FROM customers WHERE id = 1 FOR UPDATE;
UPDATE customers SET points = 0 WHERE id = 1;
COMMIT;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}),
        judge=_locked,
    ),
    Hazard(
        id="vacuum-full",
        title="VACUUM FULL or CLUSTER",
        condition="VACUUM FULL or CLUSTER of a table that holds rows.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE.",
        way_out="Plain VACUUM; where the space has to be given back, an extension such as pg_repack.",
        bad="VACUUM FULL orders;",
        good="VACUUM orders;",
        effect=Effect(locks={"orders": _EXCLUSIVE}, rewrites=("orders",)),
        judge=_packed,
    ),
    Hazard(
        id="set-logged",
        title="SET LOGGED or SET UNLOGGED",
        condition="ALTER TABLE ... SET LOGGED or SET UNLOGGED of a table that holds rows.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE; what is"
        " unlogged is empty after a crash.",
        way_out="Create a table of the other kind and fill it in batches.",
        bad="ALTER TABLE orders SET UNLOGGED;",
        good="CREATE UNLOGGED TABLE orders_next (LIKE orders INCLUDING ALL);",
        effect=Effect(locks={"orders": _EXCLUSIVE}, rewrites=("orders",)),
        judge=_logged,
    ),
)
