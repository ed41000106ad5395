"""Functions that the count of rows before a rollback calls: they are there until the purge.

What an index or a constraint demanded is asked of the rows by its own expression, when all of the
script has run. A function that it calls by name is put aside under another name, by which it is
called then. What such a function says in its own body by name, nobody can rename there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from workorders.migration.catalog.archive import Archive
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName
from workorders.migration.sql import tree
from workorders.migration.steps import Misfit, Step


def told(catalog: Catalog, steps: Iterable[Step]) -> Catalog:
    """The catalog, knowing what the counts of these steps call."""
    misfits = [misfit for step in steps for misfit in step.misfits]
    if catalog.archive is None or not misfits:
        return catalog
    called = {name for misfit in misfits for name in _called(misfit)}
    if called <= catalog.called_by_counts:
        return catalog
    return replace(
        catalog,
        called_by_counts=catalog.called_by_counts | called,
        named_by_counts=catalog.named_by_counts | _named_within(catalog.archive, called),
    )


def is_ambiguous(catalog: Catalog, name: RelationName) -> bool:
    """Whether a count calls it by a name that it shares: which one is meant, no call tells."""
    found = catalog.archive.objects if catalog.archive else ()
    same = (name.schema, name.name)
    alike = [each for each in found if each.kind == "FUNCTION" and (each.schema, _bare(each.tag)) == same]
    is_shared = len(alike) > 1 or name in catalog.left_in_place
    return name in catalog.called_by_counts and is_shared


def _called(misfit: Misfit) -> Iterator[RelationName]:
    for found in tree.walk({"Expr": tree.expression(misfit.rows)}):
        if found.kind == "FuncCall":
            names = tree.strings(found.node["funcname"])
            if len(names) == 2 and names[0] != "pg_catalog":
                yield RelationName(schema=names[0], name=names[1])


def _named_within(archive: Archive, called: Iterable[RelationName]) -> frozenset[str]:
    """The functions that the bodies of these name, and theirs."""
    bodies: dict[str, set[str]] = {}
    for entry in archive.objects:
        if entry.kind == "FUNCTION":
            bodies.setdefault(_bare(entry.tag), set()).update(w.text for w in tree.words(entry.definition))
    found: set[str] = set()
    waiting = {name.name for name in called}
    while waiting:
        name = waiting.pop()
        more = {each for each in bodies.keys() & bodies.get(name, set()) if each != name} - found
        found |= more
        waiting |= more
    return frozenset(found)


def _bare(tag: str) -> str:
    return tag.partition("(")[0]
