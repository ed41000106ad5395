"""TRUNCATE.

Plain form: ACCESS EXCLUSIVE on every table until the commit, and the rows are gone for good.
Online form: rows are copied and the tables truncated in one transaction that holds that lock, so
that no row is written in between. The copy has to fit the stall budget, so it is for small
tables only; of a big one DELETE in batches stalls nobody. Two other ways were refused: copying
before the lock would miss what is written meanwhile, and swapping in an empty twin makes a
table with other oids, which old sessions' plans, views, foreign keys and publications do not
follow. CASCADE is planned as the tables that it reaches, by name, so that a table which
comes to point at them later is an error and no loss. The inverse puts the rows back among those
that were written since; where keys meet, it asks first. RESTART IDENTITY is undone by raising the
sequences. Source: https://www.postgresql.org/docs/18/sql-truncate.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName, literal, quoted
from workorders.migration.operations import family, rebuild, sequences
from workorders.migration.operations.captured import (
    capture_name,
    images_of,
    must_be_restorable,
    steps_around,
)
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.operations.row_images import RowImages, parents_first
from workorders.migration.steps import Action, Misfit, Step

#: Heap, TOAST and indexes of all tables: what is copied well within the stall budget's 100 ms.
LARGEST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Truncate:
    """Tables that are emptied at once."""

    name: ClassVar[str] = "truncate"
    place: Place
    #: As they are named.
    tables: tuple[RelationName, ...]
    cascades: bool = False
    restarts: bool = False
    #: Tables that its triggers were seen to write in a rehearsal.
    also_written: tuple[RelationName, ...] = ()

    @property
    def table(self) -> RelationName:
        """The first of them."""
        return self.tables[0]

    @property
    def mentions(self) -> tuple[RelationName, ...]:
        """The others."""
        return self.tables[1:]

    def hazard(self) -> str:
        """Everybody, and everybody behind what it waits for."""
        names = ", ".join(map(str, self.tables))
        return f"readers and writers of {names} wait, and for whom that waits for; the rows are gone"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Copied and emptied under one lock; what ON TRUNCATE triggers write is captured."""
        emptied = self._emptied(catalog)
        names = tuple(table.name for table in emptied)
        every = {*names, *(below.name for name in names for below in family.below(catalog, name))}
        also = tuple(
            catalog.tables[name] for name in self.also_written if name not in every and name in catalog.tables
        )
        for table in (*emptied, *also):
            must_be_restorable(table, self.place, catalog, "TRUNCATE")
        images = images_of(parents_first((*emptied, *also)), self.place, catalog, run)
        copied = tuple(each for each in images if each.table.name in names)
        part = str(self.place.statement)
        restarted = {
            sequence: sequences.kept(sequence, run, part)
            for table in emptied
            for column in table.columns
            for sequence in column.owned_sequences
            if self.restarts
        }
        restart = " RESTART IDENTITY" if self.restarts else ""
        listed = ", ".join(each.written for each in copied)
        misfits = tuple(_collision(each, catalog, run) for each in copied if _unique_keys(each))
        raising = tuple(
            Action(title=f"raise {sequence} to where it stood", sql=(sequences.raising(sequence, kept),))
            for sequence, kept in restarted.items()
        )
        change = Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"copy and truncate {', '.join(map(str, names))}",
                sql=(
                    *(sequences.keeping(sequence, kept) for sequence, kept in restarted.items()),
                    *(each.copying() for each in copied),
                    f"TRUNCATE {listed}{restart}",
                ),
                locks=exclusive(*sorted(names)),
                scans=names,
                rewrites=names,
                capture=capture_name(self.place, run),
            ),
            undo=(
                *(
                    Action(title=f"decide on rows of {misfit.table} with keys that come back", settles=place)
                    for place, misfit in enumerate(misfits)
                ),
                *raising,
            ),
            misfits=misfits,
            remains=(*restarted.values(), *(misfit.aside for misfit in misfits)),
        )
        return steps_around(change, images, self.place, catalog, inserts=bool(also))

    def _emptied(self, catalog: Catalog) -> tuple[Table, ...]:
        found = {name: must_find(catalog, name) for name in self.tables}
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            for reference in catalog.referencing(name):
                if reference.table in found:
                    continue
                if not self.cascades:
                    raise refused(
                        self.place,
                        f"{reference.table} points at {name} with {reference.constraint.name}: the server"
                        " truncates neither of them alone.",
                        f"Name both tables, or write TRUNCATE {name} CASCADE.",
                    )
                found[reference.table] = catalog.tables[reference.table]
                waiting.append(reference.table)
        found = {table.name: table for table in family.whole(catalog, found.values())}
        size = sum(leaf.size_bytes for name in found for leaf in family.leaves(catalog, name))
        if size > LARGEST_BYTES:
            largest = max(found.values(), key=lambda table: table.size_bytes).name
            raise refused(
                self.place,
                f"{', '.join(map(str, sorted(found)))} hold {size / 1024 / 1024:.0f} MB: keeping the rows for"
                " a rollback while TRUNCATE locks everybody out would hold the application up.",
                f"Write DELETE FROM {largest.sql}; instead, which runs in batches, and VACUUM it by hand.",
            )
        return tuple(found[name] for name in sorted(found))

    def after(self, catalog: Catalog) -> Catalog:
        """Rows are not the catalog's; what an emptied table holds now is small."""
        for table in self._emptied(catalog):
            catalog = catalog.with_table(replace(table, size_bytes=0, estimated_rows=0))
        return catalog

    def writing_also(self, names: tuple[RelationName, ...]) -> Truncate:
        """The same, with the tables that its triggers were seen to write."""
        return replace(self, also_written=names)


def _unique_keys(images: RowImages) -> tuple[tuple[str, ...], ...]:
    """The columns of each unique index that is on all rows and on plain columns."""
    keys = []
    for index in images.table.indexes:
        plain = index.key_columns and set(index.key_columns) <= set(images.columns)
        if index.is_unique and plain and " WHERE " not in index.definition:
            keys.append(index.key_columns)
    return tuple(dict.fromkeys(keys))


def _collision(images: RowImages, catalog: Catalog, run: str) -> Misfit:
    """A row that was written since and has a key of one that comes back."""
    # By name out of the whole row: a later statement of the script may have hidden the column.
    now = " OR ".join(
        " AND ".join(
            f"pg_catalog.to_jsonb(t) -> {literal(c)} = pg_catalog.to_jsonb(i.{images.before(c)})" for c in key
        )
        for key in _unique_keys(images)
    )
    then = " OR ".join(
        " AND ".join(f"t.{quoted(c)} = i.{images.before(c)}" for c in key) for key in _unique_keys(images)
    )
    which = f"EXISTS (SELECT FROM {images.images.sql} i WHERE i.operation = 'D' AND ("
    return Misfit(
        table=images.table.name,
        fillable=(),
        rows=f"{which}{now}))",
        rows_back=f"{which}{then}))",
        aside=rebuild.aside(run, images.table.name, f"truncated {images.part}"),
        reason="a row with the same key comes back",
        referenced_when=rebuild.referenced_when(catalog, images.table.name),
    )
