"""Hazards of publications: from then on the application's own UPDATE and DELETE fail."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog import publications
from workorders.migration.catalog.publications import Member
from workorders.migration.catalog.snapshot import Table
from workorders.migration.hazards.hazard import Effect, Hazard, Seen, Then
from workorders.migration.hazards.scene import Scene, Subject
from workorders.migration.sql.tree import Node

_KINDS = ("CreatePublicationStmt", "AlterPublicationStmt")


def _without_identity(scene: Scene) -> Iterator[Seen]:
    for subject in _published(scene) if _publishes_changes(scene) else ():
        assert subject.table is not None
        why = publications.stops_changes(subject.table, Member(table=subject.table.name))
        if why and subject.relname not in scene.past.identified:
            yield _seen(scene, subject, why)


def _less_than_identity(scene: Scene) -> Iterator[Seen]:
    for specification in _named(scene) if _publishes_changes(scene) else ():
        subject = scene.old(specification["relation"])
        if subject is None or subject.table is None or subject.table.identity is None:
            continue
        why = publications.stops_changes(
            subject.table, publications.member(specification, subject.table.name)
        )
        if why and subject.relname not in scene.past.identified:
            yield _seen(scene, subject, why)


def _seen(scene: Scene, subject: Subject, why: str) -> Seen:
    return Seen(
        tables=(subject.name,),
        name=scene.node["pubname"],
        sentence=f"{subject}: {why}: every UPDATE and DELETE of it fails from then on.",
    )


def _publishes_changes(scene: Scene) -> bool:
    """Whether it is about what a publication names, and that publishes UPDATE or DELETE."""
    node, given = scene.node, publications.options(scene.node)
    if scene.raw.kind == "CreatePublicationStmt" or "publish" in given:
        return scene.raw.kind in _KINDS and publications.publishes_changes(given)
    if scene.raw.kind not in _KINDS or given or node.get("action") == "AP_DropObjects":
        return False
    catalog, name = scene.catalog, node["pubname"]
    if name in scene.past.publishing:
        return scene.past.publishing[name]
    return catalog is None or name in catalog.publishing_changes or name not in catalog.publications


def _named(scene: Scene) -> Iterator[Node]:
    for item in scene.node.get("pubobjects", []):
        if "pubtable" in item["PublicationObjSpec"]:
            yield item["PublicationObjSpec"]["pubtable"]


def _published(scene: Scene) -> Iterator[Subject]:
    """The tables, as the catalog has them, that the statement publishes or says more of."""
    if scene.catalog is None:
        return
    schemas = {
        item["PublicationObjSpec"].get("name", next(iter(scene.catalog.search_path), ""))
        for item in scene.node.get("pubobjects", [])
        if "pubtable" not in item["PublicationObjSpec"]
    }
    named = (scene.old(each["relation"]) for each in _named(scene))
    yield from (each for each in named if each is not None and each.table is not None)
    is_altered = scene.raw.kind == "AlterPublicationStmt" and bool(scene.node.get("options"))
    for table in scene.catalog.tables.values():
        is_one = scene.node.get("for_all_tables") or table.name.schema in schemas
        is_one = is_one or (is_altered and scene.node["pubname"] in table.publications)
        if is_one and _is_logged(table):
            yield Subject(name=str(table.name), relname=table.name.name, table=table)


def _is_logged(table: Table) -> bool:
    return table.kind in ("r", "p") and table.persistence == "p"


HAZARDS = (
    Hazard(
        id="publish-without-identity",
        title="A published table whose rows nothing tells apart",
        condition="A table without a primary key or other replica identity comes into a publication that"
        " publishes UPDATE or DELETE, as all do that do not say otherwise, or the publication begins to.",
        consequence="The application's UPDATE and DELETE of the table fail, on this server and at once,"
        " whether anybody subscribes or not.",
        way_out="Give it a primary key before, or ALTER TABLE ... REPLICA IDENTITY USING INDEX with a unique"
        " index; FULL where nothing is unique. Or publish nothing but inserts.",
        bad="CREATE PUBLICATION changes FOR TABLE events_2;",
        good="""ALTER TABLE events_2 REPLICA IDENTITY FULL;
CREATE PUBLICATION changes FOR TABLE events_2;""",
        effect=Effect(then=Then(sql="UPDATE events_2 SET what = 'y' WHERE id = 1", fails_with="55000")),
        judge=_without_identity,
        needs_database=True,
    ),
    Hazard(
        id="publish-less-than-identity",
        title="A publication that leaves out what tells rows apart",
        condition="A list of columns without the whole replica identity, or a WHERE over other columns than"
        " those, in a publication that publishes UPDATE or DELETE.",
        consequence="The application's UPDATE and DELETE of the table fail, on this server and at once,"
        " whether anybody subscribes or not.",
        way_out="Name all columns of the primary key, and no others in WHERE; or put the table into a"
        " publication WITH (publish = 'insert').",
        bad="CREATE PUBLICATION large FOR TABLE orders WHERE (total > 100);",
        good="CREATE PUBLICATION large FOR TABLE orders WHERE (total > 100) WITH (publish = 'insert');",
        effect=Effect(then=Then(sql="UPDATE orders SET code = 'x' WHERE id = 1", fails_with="42P10")),
        judge=_less_than_identity,
        needs_database=True,
        since=15,
    ),
)
