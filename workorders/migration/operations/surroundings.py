"""What hangs on tables that go: their own parts, and what others have that needs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workorders.migration.catalog import publications
from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.snapshot import Table
from workorders.migration.names import OUR_SCHEMA, RelationName
from workorders.migration.operations.operation import Place, refused
from workorders.migration.operations.restoration import ROWLESS, Taken, taken
from workorders.migration.sql import tree
from workorders.migration.sql.objects import relation_of

#: Parts of a table that are named with it, or read it.
_NAMED = frozenset(
    {
        *("TRIGGER", "POLICY", "RULE", "DEFAULT", "INDEX", "STATISTICS"),
        *("CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT"),
    }
)

#: Parts of a table that are known by what they need.
_NEEDING = frozenset(
    {
        *("SEQUENCE OWNED BY", "ROW SECURITY", "PUBLICATION TABLE", "TABLE ATTACH", "INDEX ATTACH"),
        *("TABLE DATA", "STATISTICS DATA"),
    }
)

#: Parts that would keep a table alive in our schema, and need nothing but a definition to come back.
_LIVELY = ("TRIGGER", "POLICY", "RULE")


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Tables that go together, and what pg_dump says of all around them."""

    archive: Archive
    tables: tuple[Table, ...]

    def taken_along(self, place: Place, role: str, *, cascades: bool) -> Taken:
        """What others have that needs them. Raises Refused as the server would, and where rows would go."""
        roots = tuple(self._roots())
        for root in roots:
            if not cascades:
                raise refused(
                    place,
                    f"{root} needs {self._named}, so the server would refuse to drop it.",
                    f"Drop the {root.kind.lower()} first, or write CASCADE: the rollback restores all of it.",
                )
            if root.kind not in ROWLESS:
                raise refused(
                    place,
                    f"{root} needs {self._named}: CASCADE would take a part of it that could not come back.",
                    "Change what needs it first, in statements of their own.",
                )
        if not roots:
            return Taken(archive=self.archive, entries=(), role=role)
        return taken(self.archive, roots, place, role)

    def own_parts(self, role: str) -> Taken:
        """Their triggers, policies and rules."""
        parts = tuple(entry for entry in self._parts() if entry.kind in _LIVELY)
        return Taken(archive=self.archive, entries=parts, role=role)

    @property
    def unpublishing(self) -> tuple[str, ...]:
        """Takes them out of the publications that name them."""
        return tuple(
            publications.of(entry).dropping(publications.publication_of(entry))
            for entry in self._publications()
        )

    @property
    def publishing(self) -> tuple[str, ...]:
        """Puts them into those publications again, with the same columns and rows."""
        return tuple(entry.definition.removesuffix(";") for entry in self._publications())

    def archive_after(self, archive: Archive) -> Archive:
        """The archive without them, but with the knowledge that hidden rows still need some things."""
        own, parts = self._own(), self._parts()
        archive = archive.without((*own, *parts))
        others = (entry for entry in archive.objects if entry.kind not in ("TABLE", "SEQUENCE", "SCHEMA"))
        staying = {entry.number for entry in others}
        for entry in own:
            needs = {*entry.needs}
            for part in parts:
                if entry.number in part.needs and part.kind not in (*_LIVELY, *_NEEDING, "FK CONSTRAINT"):
                    needs |= {*part.needs}
            hidden = replace(entry, schema=OUR_SCHEMA, drop="", needs=tuple(sorted(needs & staying)))
            archive = archive.with_entry(hidden)
        return archive

    @property
    def _named(self) -> str:
        return ", ".join(str(table.name) for table in self.tables)

    def _own(self) -> tuple[Entry, ...]:
        names = {table.name for table in self.tables}
        return tuple(
            entry
            for entry in self.archive.objects
            if entry.kind == "TABLE" and RelationName(schema=entry.schema, name=entry.tag) in names
        )

    def _parts(self) -> tuple[Entry, ...]:
        names = {table.name for table in self.tables}
        numbers = {entry.number for entry in self._own()}
        sequences = {
            sequence
            for table in self.tables
            for column in table.columns
            for sequence in column.owned_sequences
        }

        def is_part(entry: Entry) -> bool:
            if entry.kind == "SEQUENCE":
                return RelationName(schema=entry.schema, name=entry.tag) in sequences
            if entry.kind == publications.OF_TABLE:
                return publications.of(entry).table in names  # pg_dump knows nothing of new ones
            if entry.kind in _NEEDING:
                return bool(numbers & {*entry.needs})
            if entry.kind in _NAMED and not entry.drop:
                # A partition's part of what its parent has: it goes with that.
                return bool(numbers & {*entry.needs})
            return entry.kind in _NAMED and relation_of(entry) in names

        return tuple(entry for entry in self.archive.objects if is_part(entry))

    def _roots(self) -> Iterator[Entry]:
        """Objects of others that need one of them, or one of their parts."""
        own, parts = self._own(), self._parts()
        theirs = {entry.number for entry in (*own, *parts)}
        for entry in self.archive.objects:
            # Foreign keys are the catalog's to tell.
            is_other = entry.number not in theirs and entry.kind not in ("FK CONSTRAINT", *_NEEDING)
            if is_other and (theirs & {*entry.needs} or self._is_read_by_new(entry)):
                yield self._view_of(entry) or entry

    def _is_read_by_new(self, entry: Entry) -> bool:
        """Whether a view of this script's reads a table of this script's, of which pg_dump knows nothing."""
        new = {table.name for table in self.tables if table.is_new}
        if not (new and entry.search_path and "VIEW" in entry.kind):
            return False
        read = [named for raw in tree.statements(entry.definition) for named in tree.relations(raw.node)]
        return any(
            RelationName(schema=schema, name=named["relname"]) in new
            for named in read
            for schema in ([named["schemaname"]] if named.get("schemaname") else entry.search_path)
        )

    def _view_of(self, entry: Entry) -> Entry | None:
        """The view of which pg_dump gives the query apart, since it needs a key."""
        if entry.kind != "RULE" or not entry.tag.endswith(" _RETURN"):
            return None
        views = (each for each in self.archive.objects if "VIEW" in each.kind and each.number in entry.needs)
        return next(views, None)

    def _publications(self) -> Iterator[Entry]:
        return publications.naming(self.archive, (table.name for table in self.tables))
