"""Hazards of partitions: locks on the parent, and rows read to be sure of them."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Table
from workorders.migration.hazards.hazard import Effect, Hazard, Seen
from workorders.migration.hazards.scene import Scene, Subject
from workorders.migration.locks import LockMode
from workorders.migration.sql.tree import Node

_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE


def _parent(scene: Scene) -> Subject | None:
    node = scene.node
    if scene.raw.kind != "CreateStmt" or "partbound" not in node:
        return None
    return scene.old(node["inhRelations"][0]["RangeVar"])


def _partition_of(scene: Scene) -> Iterator[Seen]:
    subject = _parent(scene)
    if subject is not None:
        yield Seen(
            tables=(subject.name,),
            sentence=f"{subject}: CREATE TABLE ... PARTITION OF takes ACCESS EXCLUSIVE on it: reads and"
            " writes of all its partitions wait.",
        )


def _default_of(scene: Scene, table: Table | None) -> Table | None:
    """The DEFAULT partition that holds rows."""
    if table is None or scene.catalog is None:
        return None
    children = (scene.catalog.tables.get(name) for name in table.children)
    for child in children:
        if child is None or child.partition_bound != "DEFAULT" or child.name in scene.empty:
            continue
        # Whether its CHECK excludes the bounds is not for us to prove: whoever wrote it meant it so.
        if not (scene.past.has_check(child.name.name) or _has_check(child)):
            return child
    return None


def _has_check(table: Table) -> bool:
    return any(each.kind == "c" and each.is_validated for each in table.constraints)


def _default_read(scene: Scene) -> Iterator[Seen]:
    subject, bound = _parent(scene), scene.node.get("partbound", {})
    for command in scene.commands("AttachPartition", even_empty=True):
        subject, bound = command.subject, command.definition.get("bound", {})
    default = None if subject is None or bound.get("is_default") else _default_of(scene, subject.table)
    if default is not None:
        yield Seen(
            tables=(str(default.name),),
            sentence=f"{default.name}, the DEFAULT partition of {subject}, is read from end to end under"
            " ACCESS EXCLUSIVE: reads and writes of it wait.",
        )


def _attached(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("AttachPartition", even_empty=True):
        relation: Node = command.definition["name"]
        child = scene.filled(relation)
        if child is None or command.definition["bound"].get("is_default"):
            continue
        unless = ", unless a validated CHECK of the same bounds is there"
        if scene.past.has_check(child.relname):
            continue
        if child.table is not None:
            if _has_check(child.table):
                continue
            unless = ""
        yield Seen(
            tables=(child.name,),
            sentence=f"{child}: ATTACH PARTITION reads every row under ACCESS EXCLUSIVE on"
            f" it{child.if_filled}{unless}.",
        )


def _detached(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("DetachPartition", even_empty=True):
        if not command.definition.get("concurrent"):
            yield Seen(
                tables=(command.subject.name,),
                sentence=f"{command.subject}: DETACH PARTITION takes ACCESS EXCLUSIVE on it: reads and"
                " writes of all its partitions wait.",
            )


HAZARDS = (
    Hazard(
        id="partition-of",
        title="A partition made under the parent's lock",
        condition="CREATE TABLE ... PARTITION OF a table that is there.",
        consequence="ACCESS EXCLUSIVE on the parent, so on everything that goes through it.",
        way_out="CREATE TABLE ... (LIKE parent), then ATTACH PARTITION, which lets reads and writes through.",
        bad="CREATE TABLE events_5 PARTITION OF events FOR VALUES FROM (5000) TO (6000);",
        good="""CREATE TABLE events_5 (LIKE events INCLUDING ALL);
ALTER TABLE events ATTACH PARTITION events_5 FOR VALUES FROM (5000) TO (6000);""",
        effect=Effect(locks={"events": _EXCLUSIVE}),
        judge=_partition_of,
    ),
    Hazard(
        id="default-partition-read",
        title="A new partition beside a DEFAULT one",
        condition="PARTITION OF or ATTACH PARTITION where the DEFAULT partition holds rows. Known from the"
        " database.",
        consequence="The DEFAULT partition is read from end to end under ACCESS EXCLUSIVE, for rows that"
        " would belong to the new one.",
        way_out="Give the DEFAULT partition a CHECK that excludes the new bounds, as NOT VALID, and"
        " VALIDATE it first.",
        bad="CREATE TABLE logs_5 PARTITION OF logs FOR VALUES FROM (5000) TO (6000);",
        good="""ALTER TABLE logs_rest ADD CONSTRAINT not_5 CHECK (day < 5000 OR day >= 6000) NOT VALID;
ALTER TABLE logs_rest VALIDATE CONSTRAINT not_5;
CREATE TABLE logs_5 (LIKE logs INCLUDING ALL);
ALTER TABLE logs ATTACH PARTITION logs_5 FOR VALUES FROM (5000) TO (6000);""",
        effect=Effect(locks={"logs_rest": _EXCLUSIVE}, scans=("logs_rest",)),
        judge=_default_read,
        needs_database=True,
    ),
    Hazard(
        id="attach-partition",
        title="A partition attached without a CHECK",
        condition="ATTACH PARTITION of a table that holds rows and has no validated CHECK of the same"
        " bounds.",
        consequence="Every row of it is read under ACCESS EXCLUSIVE on it.",
        way_out="Add a CHECK of the same bounds as NOT VALID, VALIDATE it, and ATTACH then.",
        bad="ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (1000) TO (2000);",
        good="""ALTER TABLE events_2 ADD CONSTRAINT bounds CHECK (day >= 1000 AND day < 2000) NOT VALID;
ALTER TABLE events_2 VALIDATE CONSTRAINT bounds;
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (1000) TO (2000);""",
        effect=Effect(locks={"events_2": _EXCLUSIVE}, scans=("events_2",)),
        judge=_attached,
    ),
    Hazard(
        id="detach-partition",
        title="A partition detached under the parent's lock",
        condition="DETACH PARTITION without CONCURRENTLY.",
        consequence="ACCESS EXCLUSIVE on the parent, so on everything that goes through it.",
        way_out="DETACH PARTITION ... CONCURRENTLY (14 and later), outside of a transaction.",
        bad="ALTER TABLE events DETACH PARTITION events_1;",
        good="ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY;",
        effect=Effect(locks={"events": _EXCLUSIVE}),
        judge=_detached,
    ),
)
