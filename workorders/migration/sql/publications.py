"""Publications: what they name is taken back by what they named before, table by table.

An ALTER of them is undone by the smallest ADD and DROP that lead back, so that a table which stays
published as it is stays so. What no rollback reaches are the subscribers; each step says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from workorders.migration.catalog import publications
from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.publications import Member
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, is_ours, quoted
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.operations.restoration import made
from workorders.migration.sql import published
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import RawStatement

_KIND = "OBJECT_PUBLICATION"

#: What the ways back cannot bring back.
_ADDED = (
    "subscribers get an added table only after ALTER SUBSCRIPTION ... REFRESH PUBLICATION, and keep what they"
    " were sent of it"
)
_TAKEN_OUT = (
    "what is written while a table is not published does not reach its subscribers afterwards: they need"
    " ALTER SUBSCRIPTION ... REFRESH PUBLICATION, and a new copy of it"
)
_OTHERWISE = "what subscribers were sent meanwhile, or were not, stays so"
_RENAMED = "subscriptions say the publication's name, and are not told of another"


def is_one(raw: RawStatement) -> bool:
    """Whether the statement makes, changes, renames or drops publications."""
    of_one = {"DropStmt": "removeType", "RenameStmt": "renameType"}
    return raw.kind in ("CreatePublicationStmt", "AlterPublicationStmt") or (
        raw.kind in of_one and raw.node.get(of_one[raw.kind]) == _KIND
    )


def operations(reading: Reading) -> Iterator[Operation]:
    """The statement's operations. Raises Refused for what the server would refuse, or could not be undone."""
    match reading.raw.kind:
        case "CreatePublicationStmt":
            yield _created(reading)
        case "AlterPublicationStmt":
            entry = reading.must_mean(_KIND, {"String": {"sval": reading.node["pubname"]}})
            if reading.node.get("options"):
                yield _set(reading, entry)
            else:
                yield _altered(reading, entry)
        case "RenameStmt":
            yield _renamed(reading, reading.must_mean(_KIND, reading.node["object"]))
        case _:
            yield from _dropped(reading)


def _created(reading: Reading) -> ChangeDefinition:
    name = reading.node["pubname"]
    _must_be_free(reading, name)
    for_all = bool(reading.node.get("for_all_tables"))
    entry = Entry(
        number=reading.archive.next_number,
        kind="PUBLICATION",
        schema="",
        tag=name,
        definition=publications.definition(name, publications.options(reading.node), for_all_tables=for_all),
        drop=f"DROP PUBLICATION {quoted(name)};",
        owner="",
    )
    if for_all:
        published.must_be_allowed(reading, "FOR ALL TABLES")
        for table in reading.catalog.tables.values():
            published.must_be_whole(reading, table, ())
    wanted = published.wanted(reading, entry)
    return ChangeDefinition(
        place=reading.place,
        table=_about(name, wanted),
        title=f"create {entry}",
        sql=reading.raw.text,
        locks=_locks(wanted),
        undo_title=f"drop {entry}",
        undo=(f"DROP PUBLICATION {quoted(name)}",),
        stops=_stops(reading, entry, wanted),
        loses=_ADDED,
        becomes=publications.with_members(reading.added_entry(entry), entry, wanted),
    )


def _altered(reading: Reading, entry: Entry) -> ChangeDefinition:
    """ADD, SET or DROP of tables and schemas."""
    if publications.is_for_all_tables(entry):
        raise refused(
            reading.place,
            f"{entry} is FOR ALL TABLES: none can be added or taken out.",
            "Drop it, and create one that names its tables.",
            sqlstate="55000",
        )
    said, action = published.wanted(reading, entry), reading.node["action"]
    before = publications.members(reading.archive, entry)
    if action == "AP_DropObjects":
        for each in said:
            if each.columns or each.where:
                raise refused(
                    reading.place,
                    f"DROP of {each} takes no columns and no condition.",
                    "Leave them out.",
                    sqlstate="42601",
                )
            if not any(published.is_same(each, other) for other in before):
                raise refused(
                    reading.place,
                    f"{entry} does not name {each}.",
                    "Take it out of this statement.",
                    sqlstate="42704",
                )
        gone = tuple(each for each in before if any(published.is_same(each, other) for other in said))
        after = tuple(each for each in before if each not in gone)
        return changed(reading, entry, after, locked=gone, title=f"take {_listed(gone)} out of {entry}")
    if action == "AP_SetObjects":
        locked = (*said, *before)
        return changed(reading, entry, said, locked=locked, title=f"publish {_listed(said)} in {entry}")
    for each in said:
        if any(published.is_same(each, other) for other in before):
            raise refused(
                reading.place,
                f"{entry} names {each} already.",
                "Write SET TABLE to change what it says of it.",
                sqlstate="42710",
            )
    return changed(reading, entry, (*before, *said), locked=said, title=f"add {_listed(said)} to {entry}")


def changed(
    reading: Reading,
    entry: Entry,
    after: tuple[Member, ...],
    *,
    locked: Iterable[Member],
    title: str,
    sql: str = "",
) -> ChangeDefinition:
    """A publication names other tables or schemas; `locked` are those that the statement opens."""
    before = publications.members(reading.archive, entry)
    came = tuple(each for each in after if each not in before)
    went = tuple(each for each in before if each not in after)
    _must_be_addable_again(reading, entry, went)
    undo = (*(each.dropping(entry.tag) for each in came), *(each.adding(entry.tag) for each in went))
    loses = (*((_ADDED,) if came else ()), *((_TAKEN_OUT,) if went else ()))
    return ChangeDefinition(
        place=reading.place,
        table=_about(entry.tag, (*came, *went)),
        title=title,
        sql=sql or reading.raw.text,
        locks=_locks(locked),
        undo_title=f"publish in {entry} what it had",
        undo=undo,
        undo_locks=_locks((*came, *went)),
        stops=_stops(reading, entry, came),
        loses="; ".join(loses),
        becomes=publications.with_members(reading.catalog, entry, after),
    )


def without_schemas(reading: Reading, schemas: Iterable[Entry]) -> Iterator[ChangeDefinition]:
    """The operations that take schemas, which are dropped, out of publications."""
    names = {schema.tag for schema in schemas}
    for entry in tuple(reading.archive.objects):
        if entry.kind == "PUBLICATION":
            before = publications.members(reading.archive, entry)
            gone = tuple(each for each in before if each.table is None and each.schema in names)
            if gone:
                sql = "; ".join(each.dropping(entry.tag) for each in gone)
                after = tuple(each for each in before if each not in gone)
                title = f"take {_listed(gone)} out of {entry}"
                operation = changed(reading, entry, after, locked=(), title=title, sql=sql)
                yield operation
                reading = replace(reading, catalog=operation.after(reading.catalog))


def without_table(reading: Reading, table: RelationName, columns: str) -> Iterator[ChangeDefinition]:
    """The operations that take a table out of the publications that name a column of it."""
    for entry in tuple(reading.archive.objects):
        if entry.kind == "PUBLICATION":
            before = publications.members(reading.archive, entry)
            gone = tuple(each for each in before if each.table == table and columns in each.read)
            if gone:
                operation = changed(
                    reading,
                    entry,
                    tuple(each for each in before if each not in gone),
                    locked=gone,
                    title=f"take {table} out of {entry}",
                    sql=gone[0].dropping(entry.tag),
                )
                yield operation
                reading = replace(reading, catalog=operation.after(reading.catalog))


def _set(reading: Reading, entry: Entry) -> ChangeDefinition:
    """ALTER PUBLICATION ... SET of options: those that it gives are given back."""
    given, before = publications.options(reading.node), publications.options_of(entry)
    former = {name: before.get(name, publications.DEFAULTS.get(name, "")) for name in given}
    is_for_all = publications.is_for_all_tables(entry)
    text = publications.definition(entry.tag, {**before, **given}, for_all_tables=is_for_all)
    named, changed_entry = publications.members(reading.archive, entry), replace(entry, definition=text)
    return ChangeDefinition(
        place=reading.place,
        table=_about(entry.tag, named),
        title=f"alter {entry}",
        sql=reading.raw.text,
        undo_title=f"give {entry} its former options",
        undo=(f"ALTER PUBLICATION {quoted(entry.tag)} SET ({publications.options_text(former)})",),
        stops=_stops(reading, changed_entry, named),
        loses=_OTHERWISE,
        becomes=publications.told(reading.added_entry(changed_entry), entry.tag),
    )


def _renamed(reading: Reading, entry: Entry) -> ChangeDefinition:
    new = reading.node["newname"]
    _must_be_free(reading, new)
    return ChangeDefinition(
        place=reading.place,
        table=_about(entry.tag, publications.members(reading.archive, entry)),
        title=f"rename {entry}",
        sql=reading.raw.text,
        undo_title=f"give {entry} its name back",
        undo=(f"ALTER PUBLICATION {quoted(new)} RENAME TO {quoted(entry.tag)}",),
        loses=_RENAMED,
        becomes=publications.called(reading.catalog, entry, new),
    )


def _dropped(reading: Reading) -> Iterator[ChangeDefinition]:
    """One operation for each that is there; CASCADE takes nothing along."""
    found: dict[int, Entry] = {}
    for item in reading.node["objects"]:
        entry = reading.objects.meant(_KIND, item)
        if entry is not None:
            found[entry.number] = entry
        elif not reading.node.get("missing_ok"):
            reading.must_mean(_KIND, item)
    for entry in found.values():
        named = publications.members(reading.archive, entry)
        if publications.is_for_all_tables(entry):
            published.must_be_allowed(reading, f"{entry} is FOR ALL TABLES, and to give that back")
        _must_be_addable_again(reading, entry, named)
        gone = publications.with_members(reading.catalog, entry, ())
        gone = replace(gone, archive=gone.archive and gone.archive.without([entry]))
        yield ChangeDefinition(
            place=reading.place,
            table=_about(entry.tag, named),
            title=f"drop {entry}",
            sql=f"DROP PUBLICATION {quoted(entry.tag)}",
            undo_title=f"make {entry} again",
            undo=(
                *made(entry, reading.archive, reading.catalog.role),
                *(each.adding(entry.tag) for each in named),
            ),
            undo_locks=_locks(named),
            loses=f"{_TAKEN_OUT}; subscriptions stop while it is gone",
            becomes=publications.told(gone, entry.tag),
        )
        reading = replace(reading, catalog=publications.told(gone, entry.tag))


def _must_be_addable_again(reading: Reading, entry: Entry, gone: Iterable[Member]) -> None:
    if any(each.table is None for each in gone):
        published.must_be_allowed(reading, f"{entry} names the tables of a schema, and to give that back")


def _must_be_free(reading: Reading, name: str) -> None:
    if is_ours(name):
        raise refused(reading.place, f"{name} would be Lockkeeper's own.", "Choose another name.")
    if reading.objects.find(("PUBLICATION",), (name,)) is not None:
        raise refused(
            reading.place,
            f"There is already a publication {name}.",
            "Choose another name.",
            sqlstate="42710",
        )


def _stops(reading: Reading, entry: Entry, came: Iterable[Member]) -> str:
    """The tables of which each UPDATE and DELETE fails from then on, and why."""
    if not publications.publishes_changes(publications.options_of(entry)):
        return ""
    found = []
    tables = reading.catalog.tables
    named = {each.table: each for each in came if each.table is not None}
    schemas = {each.schema for each in came if each.table is None}
    for name, table in sorted(tables.items()):
        is_wide = publications.is_for_all_tables(entry) or name.schema in schemas
        if name in named or (is_wide and table.kind in ("r", "p") and table.persistence == "p"):
            why = publications.stops_changes(table, named.get(name, Member(table=name)))
            found += [f"each UPDATE and DELETE of {name} fails from then on: {why}"] if why else []
    return "; ".join(found)


def _locks(named: Iterable[Member]) -> tuple[Lock, ...]:
    """Of the tables themselves; partitions are left alone."""
    tables = sorted({each.table for each in named if each.table is not None})
    return tuple(Lock(relation=each, mode=LockMode.SHARE_UPDATE_EXCLUSIVE) for each in tables)


def _about(name: str, named: Iterable[Member]) -> RelationName:
    """The first table that feels it; a publication without tables stands for itself."""
    tables = (each.table for each in named if each.table is not None)
    return next(tables, RelationName(schema=name, name=name))


def _listed(named: Iterable[Member]) -> str:
    return ", ".join(map(str, named))
