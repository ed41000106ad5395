"""A statement about objects without rows, with what it is read against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.errors import Broken
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Place, refused
from workorders.migration.sql import objects
from workorders.migration.sql.objects import KINDS, Objects, relation_names, relation_of
from workorders.migration.sql.tree import Node, RawStatement


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A statement with what it is read against."""

    raw: RawStatement
    place: Place
    catalog: Catalog

    @property
    def node(self) -> Node:
        """The statement's tree."""
        return self.raw.node

    @property
    def is_cascading(self) -> bool:
        """Whether a DROP takes along what needs what it drops."""
        return bool(self.node.get("behavior") == "DROP_CASCADE")

    @property
    def archive(self) -> Archive:
        """What pg_dump says. Raises Broken where the catalog was read without it."""
        if self.catalog.archive is None:
            raise Broken("The catalog was read without pg_dump's archive.")
        return self.catalog.archive

    @property
    def objects(self) -> Objects:
        """The archive's objects, as this script's names find them."""
        return Objects(self.archive, self.catalog.search_path)

    def relation(self, relation: Node) -> RelationName:
        """The relation that a RangeVar means, in the archive or made by the script."""
        table = self.catalog.find(relation.get("schemaname"), relation["relname"])
        if table is not None:
            return table.name
        entry = self.objects.find(KINDS["OBJECT_TABLE"], relation_names(relation))
        if entry is None:
            raise refused(
                self.place,
                f"There is no relation {'.'.join(relation_names(relation))}.",
                "Check its name.",
                sqlstate="42P01",
            )
        return RelationName(schema=entry.schema, name=entry.tag)

    def is_new(self, name: RelationName) -> bool:
        """Whether the script itself made it: nobody waits for it, and it goes as a whole."""
        table = self.catalog.tables.get(name)
        return table is not None and table.is_new

    def added_entry(self, entry: Entry) -> Catalog:
        """The catalog with an object more, or with one changed."""
        return replace(self.catalog, archive=self.archive.with_entry(entry))

    def said_of(self, entry: Entry, kind: str) -> Entry:
        """This statement, as something that is said of an object."""
        return Entry(
            number=self.archive.next_number,
            kind=kind,
            schema=entry.schema,
            tag=entry.tag,
            definition=self.raw.text,
            drop="",
            owner="",
            needs=(entry.number,),
            search_path=self.catalog.search_path,
        )

    def must_mean(self, objtype: str, node: Node) -> Entry:
        """The object that a node names. Raises Refused where there is none, or more than one."""
        entry = self.objects.meant(objtype, node)
        if entry is None:
            kind = objtype.removeprefix("OBJECT_").replace("_", " ").lower()
            name = ".".join(objects.names_of(node))
            raise refused(
                self.place,
                f"There is no {kind} {name}, or more than one.",
                "Check its name and arguments.",
                sqlstate=objects.missing(objtype),
            )
        return entry

    def must_find(self, kinds: Sequence[str], names: Sequence[str]) -> Entry:
        """The object of one of these kinds and this name. Raises Refused where there is none."""
        entry = self.objects.find(kinds, names)
        if entry is None:
            raise refused(
                self.place,
                f"There is no {kinds[0].lower()} {'.'.join(names)}.",
                "Check its name.",
                sqlstate="42704",
            )
        return entry


def said(
    reading: Reading,
    entry: Entry,
    *,
    undo: tuple[str, ...],
    locks: tuple[Lock, ...] = (),
    undo_locks: tuple[Lock, ...] | None = None,
    after: Archive,
    title: str = "",
) -> ChangeDefinition:
    """The operation on an object that stays."""
    return ChangeDefinition(
        place=reading.place,
        table=relation_of(entry) or RelationName(schema=entry.schema or entry.tag, name=entry.tag),
        title=title or f"alter {entry}",
        sql=reading.raw.text,
        locks=locks,
        undo_title=f"give {entry} back what it had",
        undo=undo,
        undo_locks=locks if undo_locks is None else undo_locks,
        becomes=replace(reading.catalog, archive=after),
    )
