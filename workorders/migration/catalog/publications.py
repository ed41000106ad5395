"""Publications as pg_dump tells them: what each names, and what it is once that has changed.

pg_dump has an entry for each publication, one for each table in it, and one for each schema. What a
script changes of them is written back into those entries in pg_dump's own manner, with every name in
full, so that the text means the same at any later place of the script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.attached import Dependant
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName, literal, quoted
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, strings

#: An entry of one table, and one of all tables of a schema.
OF_TABLE, OF_SCHEMA = "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA"

VIA_ROOT = "publish_via_partition_root"

#: How an option says that it is off.
_NO = ("false", "off", "0", "no")

#: What an option is where nobody has said anything.
DEFAULTS: Mapping[str, str] = {
    "publish": "insert, update, delete, truncate",
    VIA_ROOT: "false",
    "publish_generated_columns": "none",
}


@dataclass(frozen=True, kw_only=True)
class Member:
    """A table, or all tables of a schema, in a publication."""

    #: None for a schema's.
    table: RelationName | None = None
    schema: str = ""
    #: The columns that are published, in the order in which they are said; () for all.
    columns: tuple[str, ...] = ()
    #: Which rows are published; "" for all.
    where: str = ""

    def __str__(self) -> str:
        return f"the tables of schema {self.schema}" if self.table is None else str(self.table)

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that it names, each once."""
        in_condition = tree.columns_in(tree.expression(self.where)) if self.where else ()
        return tuple(dict.fromkeys((*self.columns, *in_condition)))

    def adding(self, publication: str) -> str:
        """The statement that puts it into a publication."""
        alter = f"ALTER PUBLICATION {quoted(publication)} ADD"
        if self.table is None:
            return f"{alter} TABLES IN SCHEMA {quoted(self.schema)}"
        listed = f" ({', '.join(map(quoted, self.columns))})" if self.columns else ""
        condition = f" WHERE ({self.where})" if self.where else ""
        return f"{alter} TABLE ONLY {self.table.sql}{listed}{condition}"

    def dropping(self, publication: str) -> str:
        """The statement that takes it out."""
        alter = f"ALTER PUBLICATION {quoted(publication)} DROP"
        if self.table is None:
            return f"{alter} TABLES IN SCHEMA {quoted(self.schema)}"
        return f"{alter} TABLE ONLY {self.table.sql}"


def member(specification: Node, table: RelationName) -> Member:
    """What a statement says of one table that it names."""
    return Member(
        table=table, columns=strings(specification.get("columns", [])), where=_condition(specification)
    )


def _condition(specification: Node) -> str:
    """Of one table alone, so that its name before a column is left out: it may be renamed."""
    if "whereClause" not in specification:
        return ""
    condition = tree.expression(tree.expression_text(specification["whereClause"]))
    for found in tree.walk({"Expr": condition}):
        if found.kind == "ColumnRef":
            found.node["fields"][:] = found.node["fields"][-1:]
    return tree.expression_text(condition)


@lru_cache(maxsize=4096)
def _member(definition: str) -> Member:
    (statement,) = tree.statements(definition)
    specification = statement.node["pubobjects"][0]["PublicationObjSpec"]
    if "pubtable" not in specification:
        return Member(schema=specification["name"])
    relation = specification["pubtable"]["relation"]
    name = RelationName(schema=relation["schemaname"], name=relation["relname"])
    return member(specification["pubtable"], name)


def of(entry: Entry) -> Member:
    """What an entry of a table or a schema puts into its publication."""
    return _member(entry.definition)


def publication_of(entry: Entry) -> str:
    """The name of the publication that an entry of a table or a schema belongs to."""
    (statement,) = tree.statements(entry.definition)
    return str(statement.node["pubname"])


def stops_changes(table: Table, named: Member) -> str:
    """Why each UPDATE and DELETE of a table fails while they are published so; "" where they go on."""
    if table.identity is None:
        return "nothing tells its rows apart for subscribers"
    if named.columns and table.replica_identity == "f":
        return "whole rows tell it apart, and the publication lists columns"
    read = tree.columns_in(tree.expression(named.where)) if named.where else ()
    for column in read:
        if column not in table.identity:
            return f"WHERE reads {column}, which is no part of what tells its rows apart"
    for column in table.identity if named.columns else ():
        if column not in named.columns:
            return f"{column} is left out, which tells its rows apart"
    return ""


def publishes_changes(given: Mapping[str, str]) -> bool:
    """Whether a publication of these options publishes UPDATE or DELETE."""
    said = given.get("publish", DEFAULTS["publish"]).lower()
    return not {"update", "delete"}.isdisjoint(each.strip() for each in said.split(","))


def is_for_all_tables(publication: Entry) -> bool:
    """Whether it carries every table of the database."""
    (statement,) = tree.statements(publication.definition)
    return bool(statement.node.get("for_all_tables"))


def options(node: Node) -> dict[str, str]:
    """The options that a CREATE or ALTER PUBLICATION gives, each as a text that the server takes."""
    return {
        item["DefElem"]["defname"]: _value(item["DefElem"].get("arg")) for item in node.get("options", [])
    }


def _value(argument: Node | None) -> str:
    match argument:
        case None:
            return "true"
        case {"String": {"sval": text}}:
            return str(text)
        case {"TypeName": {"names": names}}:
            return strings(names)[-1]
        case {"Integer": number}:
            return str(number.get("ival", 0))
    return ""


def options_of(publication: Entry) -> dict[str, str]:
    """The options that it was given; all others are as in DEFAULTS."""
    (statement,) = tree.statements(publication.definition)
    return options(statement.node)


def definition(name: str, given: Mapping[str, str], *, for_all_tables: bool) -> str:
    """The statement that makes it, with nothing in it yet."""
    every = " FOR ALL TABLES" if for_all_tables else ""
    listed = options_text(given)
    return f"CREATE PUBLICATION {quoted(name)}{every}{f' WITH ({listed})' if listed else ''};"


def options_text(given: Mapping[str, str]) -> str:
    """Options as CREATE and ALTER PUBLICATION take them."""
    return ", ".join(f"{quoted(name)} = {literal(value)}" for name, value in given.items())


def entries_of(archive: Archive, publication: Entry) -> tuple[Entry, ...]:
    """The entries of all that it names."""
    return tuple(
        each
        for each in archive.objects
        if each.kind in (OF_TABLE, OF_SCHEMA) and publication.number in each.needs
    )


def members(archive: Archive, publication: Entry) -> tuple[Member, ...]:
    """All that it names."""
    return tuple(map(of, entries_of(archive, publication)))


def naming(archive: Archive, names: Iterable[RelationName]) -> Iterator[Entry]:
    """The entries of these tables in any publication."""
    wanted = set(names)
    return (each for each in archive.objects if each.kind == OF_TABLE and of(each).table in wanted)


def with_members(catalog: Catalog, publication: Entry, wanted: Iterable[Member]) -> Catalog:
    """The catalog once a publication, which its archive has, names these and nothing else."""
    archive = catalog.archive or Archive()
    there = {of(entry): entry for entry in entries_of(archive, publication)}
    wanted = tuple(wanted)
    archive = archive.without([entry for each, entry in there.items() if each not in wanted])
    for each in wanted:
        if each not in there:
            archive = archive.with_entry(_entry(archive, publication, each))
    return told(replace(catalog, archive=archive), publication.tag)


def _entry(archive: Archive, publication: Entry, added: Member) -> Entry:
    schema = added.schema if added.table is None else added.table.schema
    needed = ("SCHEMA", "", schema)
    if added.table is not None:
        needed = ("TABLE", schema, added.table.name)
    numbers = (each.number for each in archive.objects if (each.kind, each.schema, each.tag) == needed)
    return Entry(
        number=archive.next_number,
        kind=OF_SCHEMA if added.table is None else OF_TABLE,
        schema=schema,
        tag=f"{publication.tag} {schema if added.table is None else added.table.name}",
        definition=f"{added.adding(publication.tag)};",
        drop="",
        owner="",
        needs=(publication.number, *numbers),
    )


def told(catalog: Catalog, name: str) -> Catalog:
    """The catalog whose tables know whether a publication, as its archive has it, carries them."""
    archive = catalog.archive or Archive()
    found = next((e for e in archive.objects if (e.kind, e.tag) == ("PUBLICATION", name)), None)
    named = () if found is None else members(archive, found)
    by_name = {each.table: each for each in named if each.table is not None}
    schemas = {each.schema for each in named if each.table is None}
    is_for_all = found is not None and is_for_all_tables(found)
    by_leaves = found is not None and options_of(found).get(VIA_ROOT, "false") in _NO

    def is_carried(table: Table) -> bool:
        if table.kind not in ("r", "p") or table.persistence != "p":
            return False
        above, open_ends = {table.name}, [table.name] if by_leaves and table.kind == "r" else []
        while open_ends:
            upper = catalog.tables.get(open_ends.pop())
            more = () if upper is None or not upper.is_partition else upper.parents
            open_ends += [each for each in more if each not in above]
            above |= {*more}
        return is_for_all or any(each in by_name or each.schema in schemas for each in above)

    tables = dict(catalog.tables)
    for table in catalog.tables.values():
        others = tuple(each for each in table.publications if each != name)
        kept = tuple(each for each in table.dependants if not _is_of(each, name))
        own = by_name.get(table.name)
        tables[table.name] = replace(
            table,
            publications=tuple(sorted((*others, name))) if is_carried(table) else others,
            dependants=(*kept, *(_dependants(table.name, name, own) if own else ())),
        )
    return replace(catalog, tables=tables)


def _is_of(dependant: Dependant, name: str) -> bool:
    return dependant.kind == "publication" and dependant.description.endswith(_in(name))


def _in(name: str) -> str:
    """How a dependant's description ends, by the publication's name: as dependants.sql has it."""
    return f" in publication {quoted(name)}"


def _dependants(table: RelationName, name: str, own: Member) -> Iterator[Dependant]:
    """What is in the way of a DROP of its columns."""
    for column in own.read:
        yield Dependant(
            kind="publication",
            description=f"publication of table {table}{_in(name)}",
            column=column,
            relation=table,
            is_own=True,
        )


def table_called(archive: Archive, old: RelationName, new: RelationName) -> Archive:
    """The archive in which all publications of a table name it otherwise."""
    for entry in tuple(naming(archive, [old])):
        publication = publication_of(entry)
        text = f"{replace(of(entry), table=new).adding(publication)};"
        archive = archive.with_entry(
            replace(entry, schema=new.schema, tag=f"{publication} {new.name}", definition=text)
        )
    return archive


def column_called(archive: Archive, table: RelationName, was: str, now: str) -> Archive:
    """The archive in which all publications of a table name its column otherwise."""
    for entry in tuple(naming(archive, [table])):
        own = of(entry)
        where = tree.renamed_columns(own.where, {was: now}) if own.where else ""
        columns = tuple(now if each == was else each for each in own.columns)
        changed = replace(own, columns=columns, where=where)
        if changed != own:
            text = f"{changed.adding(publication_of(entry))};"
            archive = archive.with_entry(replace(entry, definition=text))
    return archive


def called(catalog: Catalog, publication: Entry, new: str) -> Catalog:
    """The catalog once a publication, which its archive has, has another name."""
    archive, old = catalog.archive or Archive(), publication.tag
    is_for_all = is_for_all_tables(publication)
    changed = replace(
        publication,
        tag=new,
        definition=definition(new, options_of(publication), for_all_tables=is_for_all),
        drop=f"DROP PUBLICATION {quoted(new)};",
    )
    for entry in entries_of(archive, publication):
        tag = f"{new}{entry.tag.removeprefix(old)}"
        archive = archive.with_entry(replace(entry, tag=tag, definition=f"{of(entry).adding(new)};"))
    for comment in archive.attached(publication, "COMMENT"):
        texts = [
            tree.statement_text(raw.kind, {**raw.node, "object": {"String": {"sval": new}}})
            for raw in tree.statements(comment.definition)
        ]
        archive = archive.with_entry(replace(comment, definition=";\n".join(texts)))
    catalog = replace(catalog, archive=archive.with_entry(changed))
    return told(told(catalog, old), new)
