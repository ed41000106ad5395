"""DROP SCHEMA ... CASCADE: all that is in them as if each were dropped with CASCADE before, then they.

Tables go first, with what others have that needs them, then sequences, and at last what holds no
rows: by then only what is out of sight needs any of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.names import RelationName
from workorders.migration.operations.drop_sequence import DropSequence
from workorders.migration.operations.drop_table import DropTable
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.restoration import ROWLESS, SILENT
from workorders.migration.sql import cascades
from workorders.migration.sql.reading import Reading

#: Kinds that hold rows, and their parts.
_WITH_ROWS = frozenset(
    {
        *("TABLE", "SEQUENCE", "INDEX", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "TABLE DATA"),
        *("SEQUENCE SET", "SEQUENCE OWNED BY", "TABLE ATTACH", "INDEX ATTACH", "ROW SECURITY"),
        *("PUBLICATION TABLE", "STATISTICS DATA"),
    }
)

#: Kinds that go and come with what they are a part of.
_PARTS = frozenset({"TRIGGER", "POLICY", "RULE", "DEFAULT", *SILENT})


def with_rows(reading: Reading, schemas: Collection[Entry]) -> Iterator[Operation]:
    """The operations that take their tables and sequences. Raises Refused for what could not come back."""
    names = {entry.tag for entry in schemas}
    for entry in reading.archive.objects:
        if _is_in(entry, schemas) and entry.kind not in ROWLESS | _WITH_ROWS:
            raise _cannot_come_back(entry, schemas, reading.place)
    tables = tuple(
        table.name
        for table in reading.catalog.tables.values()
        if table.name.schema in names and table.kind in ("r", "p", "f")
    )
    if tables:
        for default in cascades.of_tables(reading, tables):
            yield default
            reading = replace(reading, catalog=default.after(reading.catalog))
        dropped = DropTable(place=reading.place, tables=tables, cascades=True)
        yield dropped
        reading = replace(reading, catalog=dropped.after(reading.catalog))
    for entry in tuple(reading.archive.objects):
        if entry.kind == "SEQUENCE" and entry.schema in names:
            sequence = RelationName(schema=entry.schema, name=entry.tag)
            for operation in cascades.of_sequence(reading, sequence):
                yield operation
                reading = replace(reading, catalog=operation.after(reading.catalog))
            gone = DropSequence(place=reading.place, table=sequence)
            yield gone
            reading = replace(reading, catalog=gone.after(reading.catalog))


def rowless(reading: Reading, schemas: Collection[Entry]) -> tuple[Entry, ...]:
    """What is left in them once their tables and sequences have gone."""
    return tuple(e for e in reading.archive.objects if _is_in(e, schemas) and e.kind in ROWLESS - _PARTS)


def must_be_empty(reading: Reading, schemas: Collection[Entry]) -> None:
    """Raises Refused where a function has to stay in its place, and so its schema."""
    names = {entry.tag for entry in schemas}
    _must_hold_no_extension(reading, names)
    for function in sorted(reading.catalog.left_in_place):
        if function.schema in names:
            raise refused(
                reading.place,
                f"Before a rollback, rows may be counted with the function {function}, which is called by its"
                " name and therefore has to stay until the purge; so would its schema.",
                "Drop what calls it in a migration of its own, to be purged before this one.",
            )


def _must_hold_no_extension(reading: Reading, names: Collection[str]) -> None:
    for extension in sorted(reading.catalog.left_extensions):
        members = reading.catalog.extension_members.get(extension, ())
        if any(member.name.schema in names for member in members):
            raise refused(
                reading.place,
                f"The extension {extension} that this script has dropped stays in its place until the purge,"
                " and so would its schema.",
                "Drop the schema in a migration of its own, after this one is purged.",
            )


def must_come_back(reading: Reading, schemas: Collection[Entry]) -> None:
    """Raises Refused for a schema of which not all that is said could be said again."""
    catalog = reading.catalog
    if any(entry.tag == "public" for entry in schemas):
        raise refused(
            reading.place,
            "The schema public came with the database: what it was given then is not told by pg_dump, and"
            " could not be given back.",
            "Drop what is in it by its name.",
        )
    for entry in reading.archive.objects:
        if not _is_in(entry, schemas):
            continue
        if entry.kind == "DEFAULT ACL" and entry.owner != catalog.role and not catalog.role_is_superuser:
            raise refused(
                reading.place,
                f"{entry.schema} has default privileges for what {entry.owner} makes, which {catalog.role}"
                " could not give back.",
                f"Let {entry.owner} drop the schema, or revoke them first.",
            )


def _is_in(entry: Entry, schemas: Collection[Entry]) -> bool:
    is_of_it = any(entry.schema == schema.tag or schema.number in entry.needs for schema in schemas)
    return is_of_it and entry.kind != "SCHEMA"


def _cannot_come_back(entry: Entry, schemas: Collection[Entry], place: Place) -> Exception:
    names = ", ".join(str(schema) for schema in schemas)
    return refused(
        place,
        f"CASCADE on {names} would take along {entry}: nothing here can make that again as it was.",
        f"Drop the {entry.kind.lower()} by hand first.",
    )
