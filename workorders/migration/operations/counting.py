"""Columns whose defaults take their values from a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workorders.migration.catalog.archive import Archive
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import RelationName
from workorders.migration.sql import tree


@dataclass(frozen=True, kw_only=True)
class Counting:
    """A column with its table."""

    table: Table
    column: Column


def columns(catalog: Catalog, sequence: RelationName) -> Iterator[Counting]:
    """Those of all tables, in their order."""
    for table in catalog.tables.values():
        for column in table.columns:
            if not column.generated and draws(column.default, sequence, catalog):
                yield Counting(table=table, column=column)


def draws(expression: str | None, sequence: RelationName, catalog: Catalog) -> bool:
    """Whether an expression takes values from the sequence."""
    if expression is None or "nextval" not in expression:
        return False
    for found in tree.walk({"Expr": tree.expression(expression)}):
        text = found.node.get("sval", {}).get("sval") if found.kind == "A_Const" else None
        if text:
            (named,) = tree.statements(f"TABLE {text}")
            for each in tree.walk(named.node):
                if each.kind == "RangeVar" and each.node["relname"] == sequence.name:
                    schema = each.node.get("schemaname")
                    if schema == sequence.schema or (
                        schema is None and sequence.schema in catalog.search_path
                    ):
                        return True
    return False


def without_former(catalog: Catalog, archive: Archive, sequence: RelationName) -> Archive:
    """The archive in which tables need the sequence no more whose defaults have changed in the script."""
    named = ("SEQUENCE", sequence.schema, sequence.name)
    number = next((e.number for e in archive.objects if (e.kind, e.schema, e.tag) == named), None)
    if number is None:
        return archive
    counting = {each.table.name for each in columns(catalog, sequence)}
    for entry in tuple(archive.objects):
        if entry.kind == "TABLE" and number in entry.needs:
            table = catalog.tables.get(RelationName(schema=entry.schema, name=entry.tag))
            if table is not None and table.name not in counting and not _says(table, sequence, catalog):
                left = tuple(each for each in entry.needs if each != number)
                archive = archive.with_entry(replace(entry, needs=left))
    return archive


def _says(table: Table, sequence: RelationName, catalog: Catalog) -> bool:
    """Whether a CHECK draws from it."""
    checks = (each.definition for each in table.constraints if each.kind == "c")
    return any("nextval" in each and draws(_condition(each), sequence, catalog) for each in checks)


def _condition(definition: str) -> str:
    return definition.removeprefix("CHECK ").removesuffix(" NO INHERIT")
