"""Hazards of indexes: built, dropped or rebuilt while others wait, and CONCURRENTLY gone wrong."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Table
from workorders.migration.hazards.hazard import Effect, Hazard, Seen
from workorders.migration.hazards.scene import Scene, Subject, has_option
from workorders.migration.locks import LockMode
from workorders.migration.sql import tree


def _created(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    if scene.raw.kind != "IndexStmt" or node.get("concurrent"):
        return
    subject = scene.filled(node["relation"])
    # ON ONLY a partitioned table builds nothing.
    if subject is None or not node["relation"].get("inh", False):
        return
    name = f" {node['idxname']}" if node.get("idxname") else ""
    if scene.catalog is not None and node.get("if_not_exists"):
        is_gone = node["idxname"] in scene.past.dropped_indexes
        if not is_gone and _index(scene, node["idxname"]):
            return
    way_out = ""
    if subject.table is not None and subject.table.kind == "p":
        way_out = (
            "CREATE INDEX ON ONLY the partitioned table, CREATE INDEX CONCURRENTLY on each partition, and"
            " ALTER INDEX ... ATTACH PARTITION for each."
        )
    yield Seen(
        tables=(subject.name,),
        sentence=f"{subject}: index{name} is built while writes wait (SHARE){subject.if_filled}.",
        way_out=way_out,
    )


def _dropped(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    if scene.raw.kind != "DropStmt" or node["removeType"] != "OBJECT_INDEX" or node.get("concurrent"):
        return
    for item in node["objects"]:
        name = tree.strings(item["List"]["items"])[-1]
        if scene.past.has_indexed(name):
            continue
        found = _index(scene, name) if scene.catalog is not None else None
        if scene.catalog is not None and found is None:
            continue
        where = str(found.name) if found else "its table"
        yield Seen(
            tables=(where,) if found else (),
            name=name,
            sentence=f"Index {name}: dropping it takes ACCESS EXCLUSIVE on {where}: reads and writes wait.",
        )


def _reindexed(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    if scene.raw.kind != "ReindexStmt" or has_option(node.get("params", []), "concurrently"):
        return
    kind = node["kind"].removeprefix("REINDEX_OBJECT_")
    name = node["relation"]["relname"] if "relation" in node else node.get("name", "")
    tables: tuple[str, ...] = ()
    words = name
    if kind == "TABLE":
        subject = scene.filled(node["relation"])
        if subject is None:
            return
        words, tables = str(subject), (subject.name,)
    elif kind == "INDEX" and scene.catalog is not None:
        table = _index(scene, name)
        if table is None or table.name in scene.empty:
            return
        tables = (str(table.name),)
    yield Seen(
        tables=tables,
        name=name,
        sentence=f"REINDEX {kind} {words}: writes to the table wait (SHARE), and so do reads that plan with"
        " the index (ACCESS EXCLUSIVE on it).",
    )


def _in_transaction(scene: Scene) -> Iterator[Seen]:
    if scene.past.opened is None:
        return
    node, words = scene.node, ""
    match scene.raw.kind:
        case "IndexStmt" if node.get("concurrent"):
            words = "CREATE INDEX CONCURRENTLY"
        case "DropStmt" if node.get("concurrent"):
            words = "DROP INDEX CONCURRENTLY"
        case "ReindexStmt" if has_option(node.get("params", []), "concurrently"):
            words = "REINDEX CONCURRENTLY"
        case "VacuumStmt" if node.get("is_vacuumcmd"):
            words = "VACUUM"
        case "AlterTableStmt":
            commands = [item["AlterTableCmd"] for item in node["cmds"]]
            if any(each.get("def", {}).get("PartitionCmd", {}).get("concurrent") for each in commands):
                words = "DETACH PARTITION CONCURRENTLY"
    if words:
        yield Seen(
            sentence=f"{words} stands between BEGIN (line {scene.past.opened.line}) and COMMIT, where it"
            " fails with SQLSTATE 25001."
        )


def _over_invalid(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    if scene.raw.kind != "IndexStmt" or not (node.get("concurrent") and node.get("if_not_exists")):
        return
    name, subject = node.get("idxname", ""), scene.old(node["relation"])
    if subject is None or name in scene.past.dropped_indexes:
        return
    condition = ", if an earlier build of it was broken off"
    if scene.catalog is not None:
        found = _index(scene, name)
        if found is None or all(index.is_valid for index in found.indexes if index.name == name):
            return
        condition = ", for an earlier build of it was broken off"
    yield Seen(
        tables=(subject.name,),
        name=name,
        sentence=f"{subject}: index {name}: IF NOT EXISTS passes over an index that is invalid and serves no"
        f" query{condition}.",
    )


def _index(scene: Scene, name: str) -> Table | None:
    """The table that has an index of this name."""
    assert scene.catalog is not None
    return next(
        (
            table
            for table in scene.catalog.tables.values()
            if any(each.name == name for each in table.indexes)
        ),
        None,
    )


def _refreshed(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    if scene.raw.kind != "RefreshMatViewStmt" or node.get("concurrent") or node.get("skipData"):
        return
    subject: Subject | None = scene.filled(node["relation"])
    if subject is not None:
        yield Seen(
            tables=(subject.name,),
            sentence=f"{subject}: the view is computed and written anew under ACCESS EXCLUSIVE: reads of it"
            " wait.",
        )


HAZARDS = (
    Hazard(
        id="create-index",
        title="An index built while writes wait",
        condition="CREATE INDEX without CONCURRENTLY on a table that holds rows.",
        consequence="Writes wait until the index is built; reads do not.",
        way_out="CREATE INDEX CONCURRENTLY, outside of a transaction.",
        bad="CREATE INDEX customers_email_idx ON customers (email);",
        good="CREATE INDEX CONCURRENTLY customers_email_idx ON customers (email);",
        effect=Effect(locks={"customers": LockMode.SHARE}, scans=("customers",)),
        judge=_created,
    ),
    Hazard(
        id="drop-index",
        title="An index dropped under ACCESS EXCLUSIVE",
        condition="DROP INDEX without CONCURRENTLY.",
        consequence="It waits for everybody who uses the table, and everybody else waits behind it.",
        way_out="DROP INDEX CONCURRENTLY, outside of a transaction.",
        bad="DROP INDEX orders_code_idx;",
        good="DROP INDEX CONCURRENTLY orders_code_idx;",
        effect=Effect(locks={"orders": LockMode.ACCESS_EXCLUSIVE}),
        judge=_dropped,
    ),
    Hazard(
        id="reindex",
        title="REINDEX without CONCURRENTLY",
        condition="REINDEX of an index, table, schema or database without CONCURRENTLY.",
        consequence="Writes wait until the index is built anew, and reads that plan with it do too.",
        way_out="REINDEX ... CONCURRENTLY (12 and later), outside of a transaction.",
        bad="REINDEX TABLE orders;",
        good="REINDEX TABLE CONCURRENTLY orders;",
        effect=Effect(locks={"orders": LockMode.SHARE}, scans=("orders",)),
        judge=_reindexed,
    ),
    Hazard(
        id="concurrently-in-transaction",
        title="CONCURRENTLY inside a transaction",
        condition="CONCURRENTLY, or VACUUM, between BEGIN and COMMIT.",
        consequence="The statement fails, and the transaction with it.",
        way_out="Put it before BEGIN or after COMMIT, or in a file that the tool runs without a transaction.",
        bad="""BEGIN;
CREATE INDEX CONCURRENTLY customers_email_idx ON customers (email);
COMMIT;""",
        good="CREATE INDEX CONCURRENTLY customers_email_idx ON customers (email);",
        effect=Effect(fails_with="25001"),
        judge=_in_transaction,
    ),
    Hazard(
        id="index-if-not-exists",
        title="IF NOT EXISTS over an invalid index",
        condition="CREATE INDEX CONCURRENTLY IF NOT EXISTS without a DROP INDEX CONCURRENTLY IF EXISTS"
        " before it.",
        consequence="A build that was broken off leaves an invalid index; the next run passes over it and"
        " succeeds.",
        way_out="DROP INDEX CONCURRENTLY IF EXISTS before it, and leave IF NOT EXISTS out.",
        prepare="INSERT INTO customers (id, name, email) VALUES (0, 'twin', 'mail1');"
        " CREATE UNIQUE INDEX CONCURRENTLY customers_email_key ON customers (email);"
        " DELETE FROM customers WHERE id = 0;",
        bad="CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS customers_email_key ON customers (email);",
        good="""DROP INDEX CONCURRENTLY IF EXISTS customers_email_key;
CREATE UNIQUE INDEX CONCURRENTLY customers_email_key ON customers (email);""",
        effect=Effect(
            leaves="SELECT NOT indisvalid FROM pg_index WHERE indexrelid = 'customers_email_key'::regclass"
        ),
        judge=_over_invalid,
    ),
    Hazard(
        id="refresh-materialized-view",
        title="A materialised view refreshed while reads wait",
        condition="REFRESH MATERIALIZED VIEW without CONCURRENTLY.",
        consequence="Reads of the view wait until it is computed.",
        way_out="REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view.",
        bad="REFRESH MATERIALIZED VIEW days;",
        good="REFRESH MATERIALIZED VIEW CONCURRENTLY days;",
        effect=Effect(locks={"days": LockMode.ACCESS_EXCLUSIVE}, rewrites=("days",)),
        judge=_refreshed,
    ),
)
