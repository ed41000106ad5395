"""What pg_dump says of a database's objects once a table or a part of it has another name.

Texts that name the table are written anew. A query that reads it is not: the server follows a
renaming in its own tree of a view, in ways that its text does not show. Such an object is marked,
so that nothing is made again from a text that holds no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from workorders.migration.catalog import publications
from workorders.migration.catalog.archive import ATTACHED, Archive, Entry
from workorders.migration.errors import Unreadable
from workorders.migration.names import RelationName
from workorders.migration.renames import Names, Part, Renamed
from workorders.migration.sql import renamed, tree
from workorders.migration.sql.renamed import RenamedType

_TABLES = ("TABLE", "FOREIGN TABLE")
_CONSTRAINTS = ("CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT")

#: Objects that are named together with their table.
_ON_TABLES = (*_CONSTRAINTS, "TRIGGER", "POLICY", "RULE")

#: Objects whose text may hold a query over the table.
_QUERIES = ("VIEW", "MATERIALIZED VIEW", "RULE", "FUNCTION", "PROCEDURE", "AGGREGATE", "POLICY")


def table_called(archive: Archive, old: RelationName, new: RelationName) -> Archive:
    """The archive with the table under its new name."""
    archive = publications.table_called(archive, old, new)
    table = _table(archive, old)
    if table is None:
        return archive
    stale: list[Entry] = []
    for entry in archive.entries:
        if entry.number != table.number and table.number not in entry.needs:
            continue
        if _holds_query(entry) or entry.search_path:
            stale.append(entry)
            continue
        try:
            changed = _rewritten(entry, lambda text: renamed.with_table(text, old, new))
        except Unreadable:
            stale.append(entry)
            continue
        if entry.number == table.number:
            changed = replace(changed, schema=new.schema, tag=new.name, definition=entry.definition)
        elif entry.kind in _ON_TABLES:
            changed = replace(changed, schema=new.schema, tag=f"{new.name}{entry.tag[len(old.name) :]}")
        archive = archive.with_entry(changed)
    return _marked(archive, stale)


def column_called(archive: Archive, name: RelationName, was: str, now: str) -> Archive:
    """The archive with the column under its new name."""
    archive = publications.column_called(archive, name, was, now)
    table = _table(archive, name)
    if table is None:
        return archive
    stale: list[Entry] = []
    for entry in archive.entries:
        if table.number not in entry.needs or was not in {word.text for word in tree.words(entry.definition)}:
            continue
        if entry.kind == publications.OF_TABLE:
            continue  # told above
        if entry.kind in ("ACL", "COMMENT") and not entry.search_path:
            changed = _rewritten(entry, lambda text: renamed.with_column(text, name, was, now))
            archive = archive.with_entry(changed)
        else:
            stale.append(entry)
    return _marked(archive, stale)


def constraint_called(archive: Archive, name: RelationName, was: str, now: str) -> Archive:
    """The archive with the constraint of a table under its new name."""
    for entry in archive.entries:
        if entry.kind in _CONSTRAINTS and (entry.schema, entry.tag) == (name.schema, f"{name.name} {was}"):
            archive = _last_name(archive, entry, now, tag=f"{name.name} {now}")
    return archive


def index_called(archive: Archive, was: RelationName, now: str) -> Archive:
    """The archive with the index under its new name."""
    for entry in archive.entries:
        if entry.kind == "INDEX" and (entry.schema, entry.tag) == (was.schema, was.name):
            archive = _last_name(archive, entry, now, tag=now)
    return archive


def type_called(archive: Archive, number: int, given: RenamedType) -> Archive:
    """The archive in which all that names a type, by its number, says its new name."""
    stale: list[Entry] = []
    for entry in _naming(archive, number, given.was.name):
        if entry.search_path:
            # What the script wrote itself is found by its new name, but not made again from its text.
            archive = archive.with_entry(replace(entry, drop=given.statement(entry.drop)))
            stale.append(entry)
        else:
            archive = archive.with_entry(_rewritten(entry, given.statement))
    return _marked(archive, stale)


def function_called(archive: Archive, number: int, was: RelationName, now: RelationName) -> Archive:
    """The same of a function; who needs another one of its name is marked."""
    alike = {e.number for e in archive.objects if e.kind == "FUNCTION" and _is_called(e, was)} - {number}
    names = Names(renames=(Renamed(part=Part.FUNCTION, table=was, becomes=now),))
    stale: list[Entry] = []
    for entry in _naming(archive, number, was.name):
        if entry.search_path or alike & {*entry.needs}:
            stale.append(entry)
        else:
            archive = archive.with_entry(_rewritten(entry, lambda text: renamed.calls(text, names)))
    return _marked(archive, stale)


def view_called(archive: Archive, number: int, was: RelationName) -> Archive:
    """The archive after a view has another name, with who reads it marked."""
    return _marked(archive, list(_naming(archive, number, was.name)))


def _naming(archive: Archive, number: int, name: str) -> Iterator[Entry]:
    """What needs an object and says its name, or is said of what does; tables aside."""
    needing = {e.number: e for e in archive.objects if number in e.needs and e.kind not in _TABLES}
    for entry in archive.entries:
        is_said = entry.kind in ATTACHED and not needing.keys().isdisjoint(entry.needs)
        text = f"{entry.definition} {entry.drop}" if is_said or entry.number in needing else ""
        if name in {word.text for word in tree.words(text)}:
            yield entry


def _is_called(entry: Entry, name: RelationName) -> bool:
    return (entry.schema, entry.tag.partition("(")[0]) == (name.schema, name.name)


def _table(archive: Archive, name: RelationName) -> Entry | None:
    wanted = (name.schema, name.name)
    return next((e for e in archive.entries if e.kind in _TABLES and (e.schema, e.tag) == wanted), None)


def _holds_query(entry: Entry) -> bool:
    if entry.kind != "POLICY":
        return entry.kind in _QUERIES
    nodes = (raw.node for raw in tree.statements(entry.definition))
    return any(found.kind == "SubLink" for node in nodes for found in tree.walk(node))


def _rewritten(entry: Entry, written: Callable[[str], str]) -> Entry:
    def anew(texts: str) -> str:
        return "\n".join(f"{written(raw.text)};" for raw in tree.statements(texts))

    is_table = entry.kind in _TABLES
    definition = entry.definition if is_table else anew(entry.definition)
    return replace(entry, definition=definition, drop=anew(entry.drop))


def _last_name(archive: Archive, entry: Entry, now: str, *, tag: str) -> Archive:
    """The object and its comment by another name; how it would be made is nobody's concern."""
    for comment in archive.attached(entry, "COMMENT"):
        changed = _rewritten(comment, lambda text: renamed.comment(text, now))
        archive = archive.with_entry(changed)
    return archive.with_entry(replace(entry, tag=tag))


def _marked(archive: Archive, entries: Iterable[Entry]) -> Archive:
    """With these, and all that cannot be without them, marked as told by a text that holds no more."""
    numbers = {entry.number for entry in archive.needing(tuple(entries))}
    return replace(archive, outdated=archive.outdated | numbers)
