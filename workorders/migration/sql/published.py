"""What a CREATE or ALTER PUBLICATION names: tables with what inherits from them, and whole schemas."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog import publications
from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.publications import Member
from workorders.migration.catalog.snapshot import Table
from workorders.migration.names import OUR_SCHEMA, RelationName, is_ours
from workorders.migration.operations import family
from workorders.migration.operations.operation import refused
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import Node


def wanted(reading: Reading, entry: Entry) -> tuple[Member, ...]:
    """What a statement names, each once."""
    found: dict[RelationName | str, Member] = {}
    is_dropping = reading.node.get("action") == "AP_DropObjects"
    for item in reading.node.get("pubobjects", []):
        specification = item["PublicationObjSpec"]
        if "pubtable" in specification:
            for each in _tables(reading, specification["pubtable"], is_dropping=is_dropping):
                assert each.table is not None
                known = found.setdefault(each.table, each)
                if known != each and (known.columns or known.where or each.columns or each.where):
                    raise refused(
                        reading.place,
                        f"{each} is named twice, with other columns or another condition.",
                        "Name it once.",
                        sqlstate="42710",
                    )
        else:
            schema = _schema(reading, specification)
            found[schema] = Member(schema=schema)
    named = tuple(found.values())
    beside = named
    if reading.node.get("action") == "AP_AddObjects":
        beside = (*named, *publications.members(reading.archive, entry))
    if any(each.columns for each in named) and any(each.table is None for each in beside):
        raise refused(
            reading.place,
            f"{entry} names the tables of a schema: a list of columns cannot stand beside that.",
            "Put the table into a publication of its own.",
            sqlstate="22023",
        )
    return named


def _tables(reading: Reading, specification: Node, *, is_dropping: bool) -> Iterator[Member]:
    """A table with what inherits from it, unless ONLY is said."""
    relation = specification["relation"]
    table = reading.catalog.find(relation.get("schemaname"), relation["relname"])
    if table is None:
        raise refused(
            reading.place, f"There is no table {relation['relname']}.", "Check its name.", sqlstate="42P01"
        )
    below = family.heirs(reading.catalog, table.name) if relation.get("inh") else ()
    for each in (table, *below):
        named = publications.member(specification, each.name)
        if not is_dropping:
            if each.kind not in ("r", "p") or each.persistence != "p":
                raise refused(
                    reading.place,
                    f"{each.name} is no table whose changes are logged, and cannot be published.",
                    "Take it out of this statement.",
                    sqlstate="22023",
                )
            unknown = [name for name in named.read if not each.is_unread and each.column(name) is None]
            if unknown:
                reason = f"{each.name} has no column {unknown[0]}."
                raise refused(reading.place, reason, "Check its name.", sqlstate="42703")
            must_be_whole(reading, each, named.columns)
        yield named


def _schema(reading: Reading, specification: Node) -> str:
    name = specification.get("name")
    if specification["pubobjtype"] == "PUBLICATIONOBJ_TABLES_IN_CUR_SCHEMA":
        name = next(iter(reading.catalog.search_path), None)
    if name == OUR_SCHEMA:
        raise refused(reading.place, f"{OUR_SCHEMA} is Lockkeeper's own schema.", "Publish others.")
    if name is None or name not in reading.catalog.schemas:
        raise refused(
            reading.place,
            f"There is no schema {name or 'in the search path'}.",
            "Check its name.",
            sqlstate="3F000",
        )
    if reading.node.get("action") != "AP_DropObjects":
        must_be_allowed(reading, "TABLES IN SCHEMA")
        for table in reading.catalog.tables.values():
            if table.name.schema == name:
                must_be_whole(reading, table, ())
    return str(name)


def must_be_whole(reading: Reading, table: Table, columns: tuple[str, ...]) -> None:
    """Raises Refused for a table that would be published with a column out of sight."""
    hidden = [each.name for each in (*table.hidden, *table.columns) if is_ours(each.name)]
    if hidden and not columns and table.kind in ("r", "p") and table.persistence == "p":
        raise refused(
            reading.place,
            f"{table.name} has a column out of sight until its run is purged: subscribers do not have it, and"
            " would stop.",
            "Publish it in a migration of its own, after that purge, or name the columns.",
        )


def must_be_allowed(reading: Reading, what: str) -> None:
    """Raises Refused where it is not a superuser who migrates."""
    if not reading.catalog.role_is_superuser:
        raise refused(
            reading.place,
            f"{what} takes a superuser, which {reading.catalog.role} is not.",
            "Run it by hand, outside of a migration.",
        )


def is_same(one: Member, other: Member) -> bool:
    """Whether both are of the same table, or of the same schema."""
    return (one.table, one.schema) == (other.table, other.schema)
