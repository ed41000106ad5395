"""What only things out of sight still need: it is not dropped, but put out of sight itself.

pg_dump tells of whole tables what they need. Which of it is a dropped column's alone is seen from
the columns, constraints and indexes that are left: what none of them names is needed by no one else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import OUR_SCHEMA, RelationName
from workorders.migration.sql import tree

#: What a definition casts to, as the server writes it.
_CAST = re.compile(r'::(?:"?[^"\s:]+"?\.)?"?([^"\s:,)\[]+)"?')

_MOVABLE = frozenset({"TYPE", "DOMAIN", "FUNCTION"})


@dataclass(frozen=True, kw_only=True)
class HiddenNeeds:
    """A catalog's archive as if nothing were out of sight or dropped in part, and what that needs."""

    archive: Archive
    #: The numbers of the entries that hidden tables and columns cannot be without.
    numbers: frozenset[int]

    @classmethod
    def of(cls, catalog: Catalog, archive: Archive, gone: Collection[Entry]) -> HiddenNeeds:
        """From the catalog as it is when the turn of a statement comes that drops these."""
        movable = {entry.number: entry for entry in archive.needing(gone) if entry.kind in _MOVABLE}
        numbers: set[int] = set()
        left = archive
        for entry in archive.objects:
            if entry.kind != "TABLE":
                continue
            needs = {number for number in entry.needs if number in movable}
            if entry.schema == OUR_SCHEMA:
                numbers |= needs
            else:
                table = catalog.tables.get(RelationName(schema=entry.schema, name=entry.tag))
                if table is None or not needs or _is_of_type(entry):
                    continue
                named = set(_words(table))
                needs = {number for number in needs if _bare(movable[number]) not in named}
                numbers |= needs
            if needs:
                kept = tuple(number for number in entry.needs if number not in needs)
                left = left.with_entry(replace(entry, needs=kept))
        return cls(archive=left, numbers=frozenset(numbers))


def _is_of_type(entry: Entry) -> bool:
    """Whether a table has the columns of a composite type, and goes with it."""
    made = (each.node for each in tree.statements(entry.definition) if each.kind == "CreateStmt")
    return any("ofTypename" in node for node in made)


def _bare(entry: Entry) -> str:
    return entry.tag.partition("(")[0]


def _words(table: Table) -> Iterator[str]:
    """Every name in what is left of a table in sight."""
    for column in table.columns:
        yield from _words_of(column)
    texts = [each.definition for each in table.constraints]
    texts += [each.definition for each in table.indexes]
    texts += [each.definition for each in table.triggers]
    texts += [each.definition for each in table.statistics]
    texts.append(table.partition_key or "")
    columns = {column.name for column in table.columns}
    for text in texts:
        cast_to = set(_CAST.findall(text))
        # A column may have a type's name, and be none of it.
        yield from (
            word.text
            for word in tree.words(text)
            if word.is_called or word.text not in columns or word.text in cast_to
        )


def _words_of(column: Column) -> Iterator[str]:
    for text in (column.type, column.default or "", column.generation or ""):
        yield from (word.text for word in tree.words(text))
