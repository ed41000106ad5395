"""What pg_dump says of a database's objects: how each is made, dropped, owned and allowed, and what it needs.

Read from the table of contents of a custom-format archive, which holds more than the SQL does: each
object's dependencies. Format: `ReadHead` and `ReadToc` in Postgres's own
`src/bin/pg_dump/pg_backup_archiver.c`, versions 1.14 (server 12) to 1.16 (server 17 and 18).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from workorders.migration.errors import Broken

#: Entries that say something of another entry, and come and go with it.
ATTACHED = frozenset({"ACL", "COMMENT", "SECURITY LABEL", "ALTER"})

#: Entries of the archive itself.
_SETTINGS = frozenset({"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE"})

#: Constraints that pg_dump makes apart from their table.
_CONSTRAINTS = ("CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT")

#: How pg_dump ends the making of every materialised view.
_EMPTY = "WITH NO DATA"

_FIRST_VERSION, _LAST_VERSION = (1, 14), (1, 16)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One object, or something that is said of one."""

    #: The archive's own number for it (`dumpId`).
    number: int
    #: VIEW, FUNCTION, TRIGGER, ACL ... as `pg_restore -l` writes it.
    kind: str
    #: "" for what is in no schema.
    schema: str
    #: The name, unquoted: `v`, `f(integer)`, `table trigger`.
    tag: str
    #: The statements that make it, with nothing but pg_catalog in the search path.
    definition: str
    #: The statement that drops it; "" for what is not dropped by itself.
    drop: str
    #: "" where it has none of its own.
    owner: str
    #: The numbers of the entries that it cannot be without.
    needs: tuple[int, ...] = ()
    #: What the definition is read with, where a script wrote it; () for what pg_dump wrote.
    search_path: tuple[str, ...] = ()
    #: The address that the definition gives it, where it was renamed since.
    made_as: str = ""

    @property
    def address(self) -> str:
        """Kind and quoted name as a statement writes it, e.g. `VIEW public.v`; "" if never dropped."""
        dropped = self.drop.strip().removesuffix(";")
        return dropped.removeprefix("DROP ") if dropped.startswith("DROP ") else ""

    def __str__(self) -> str:
        return (
            f"{self.kind.lower()} {self.schema}.{self.tag}"
            if self.schema
            else f"{self.kind.lower()} {self.tag}"
        )


@dataclass(frozen=True, kw_only=True)
class Archive:
    """All of a database's objects, each after those that it needs."""

    entries: tuple[Entry, ...] = ()
    #: Numbers of objects whose text says what was renamed since by its former name.
    outdated: frozenset[int] = frozenset()

    @property
    def objects(self) -> Iterator[Entry]:
        """The entries that are objects of their own."""
        return (entry for entry in self.entries if entry.kind not in ATTACHED)

    def attached(self, entry: Entry, *kinds: str) -> tuple[Entry, ...]:
        """What is said of an object, in order: privileges, comments, labels."""
        wanted = kinds or tuple(ATTACHED)
        return tuple(each for each in self.entries if each.kind in wanted and entry.number in each.needs)

    def needing(self, entries: Collection[Entry]) -> tuple[Entry, ...]:
        """These and every object that cannot be without them, in the order in which they are made.

        It is what DROP ... CASCADE takes along.
        """
        found = {entry.number for entry in entries}
        objects = tuple(self.objects)
        grew = True
        while grew:
            more = {each.number for each in objects if each.number not in found and found & {*each.needs}}
            grew = bool(more)
            found |= more
        taken = [each for each in objects if each.number in found]
        made: list[Entry] = []
        while taken:
            # A definition that was replaced may need what was made after it.
            ready = next((each for each in taken if not _needs_any(each, taken)), taken[0])
            taken.remove(ready)
            made.append(ready)
        return tuple(made)

    def with_entry(self, entry: Entry) -> Archive:
        """The archive with an entry added, or changed where its number is known."""
        if any(each.number == entry.number for each in self.entries):
            changed = (entry if each.number == entry.number else each for each in self.entries)
            return replace(self, entries=tuple(changed))
        return replace(self, entries=(*self.entries, entry))

    def without(self, entries: Collection[Entry]) -> Archive:
        """The archive without these and all that is said of them."""
        gone = {entry.number for entry in entries}
        left = (
            each
            for each in self.entries
            if each.number not in gone and not (each.kind in ATTACHED and gone & {*each.needs})
        )
        return replace(self, entries=tuple(left))

    def without_parts(self, schema: str, table: str, names: Collection[str]) -> Archive:
        """The archive without indexes and constraints of a table, where it has them apart from it."""
        apart = {(kind, f"{table} {name}") for name in names for kind in _CONSTRAINTS}
        apart |= {("INDEX", name) for name in names}
        return self.without([e for e in self.objects if e.schema == schema and (e.kind, e.tag) in apart])

    def without_said(self, entry: Entry, kind: str) -> Archive:
        """The archive without what is said of an object in this way."""
        gone = set(self.attached(entry, kind))
        return replace(self, entries=tuple(each for each in self.entries if each not in gone))

    def filled(self, schema: str, name: str) -> Archive:
        """The archive with a materialised view that is made with its rows; pg_dump fills them later."""
        found = (e for e in self.entries if (e.kind, e.schema, e.tag) == ("MATERIALIZED VIEW", schema, name))
        archive = self
        for entry in found:
            # Settings of its columns may follow, none of which can hold those words.
            made, _, settings = entry.definition.rpartition(_EMPTY)
            archive = archive.with_entry(replace(entry, definition=f"{made.rstrip()}{settings}"))
        return archive

    @property
    def next_number(self) -> int:
        """A number that no entry has."""
        return max((entry.number for entry in self.entries), default=0) + 1


def _needs_any(entry: Entry, others: list[Entry]) -> bool:
    return any(other.number in entry.needs and other is not entry for other in others)


def read(content: bytes) -> Archive:
    """The archive that `pg_dump -Fc` wrote. Raises Broken for a format that is not known."""
    source = _Source(content)
    if source.take(5) != b"PGDMP":
        raise Broken("What pg_dump wrote is no archive.")
    version = (source.byte(), source.byte())
    source.byte()
    if not _FIRST_VERSION <= version <= _LAST_VERSION:
        raise Broken(f"pg_dump wrote an archive of version {version[0]}.{version[1]}, which is not known.")
    source.integer_bytes, source.offset_bytes = source.byte(), source.byte()
    source.byte()  # the format: custom
    if version >= (1, 15):
        source.byte()
    else:
        source.integer()  # how it is compressed
    for _ in range(7):
        source.integer()  # when it was made
    for _ in range(3):
        source.text()  # the database, and the versions of server and pg_dump
    entries = tuple(_entry(source, version) for _ in range(source.integer()))
    kept = Archive(entries=tuple(entry for entry in entries if entry.kind not in _SETTINGS))
    return _with_public(kept)


def _with_public(archive: Archive) -> Archive:
    """pg_dump leaves out the schema `public`, which every new database has, but not what is said of it."""
    if any((entry.kind, entry.tag) == ("SCHEMA", "public") for entry in archive.objects):
        return archive
    said = [entry for entry in archive.entries if entry.kind in ATTACHED and entry.tag == "SCHEMA public"]
    number = next((needed for entry in said for needed in entry.needs), archive.next_number)
    public = Entry(
        number=number,
        kind="SCHEMA",
        schema="",
        tag="public",
        definition="",
        drop="DROP SCHEMA public;",
        owner="pg_database_owner",
    )
    return replace(archive, entries=(public, *archive.entries))


def _entry(source: _Source, version: tuple[int, int]) -> Entry:
    number = source.integer()
    source.integer()  # whether it has data
    source.text(), source.text()  # oids
    tag, kind = source.text(), source.text()
    source.integer()  # before, with or after the data
    definition, drop = source.text(), source.text()
    source.text()  # COPY
    schema = source.text()
    source.text(), source.text()  # tablespace, access method
    if version >= (1, 16):
        source.integer()  # relkind
    owner = source.text()
    source.text()  # WITH OIDS, which is no more
    needs = []
    while (needed := source.optional_text()) is not None:
        needs.append(int(needed))
    source.take(1 + source.offset_bytes)  # where its data would be
    return Entry(
        number=number,
        kind=kind,
        schema=schema,
        tag=tag,
        definition=definition.strip(),
        drop=drop.strip(),
        owner=owner,
        needs=tuple(needs),
    )


class _Source:
    """Bytes that are read once, from the first to the last."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0
        self.integer_bytes = self.offset_bytes = 0

    def take(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) < count:
            raise Broken("The archive that pg_dump wrote ends too early.")
        self._at += count
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def integer(self) -> int:
        sign = self.byte()
        value = int.from_bytes(self.take(self.integer_bytes), "little")
        return -value if sign else value

    def optional_text(self) -> str | None:
        length = self.integer()
        return None if length < 0 else self.take(length).decode()

    def text(self) -> str:
        return self.optional_text() or ""
