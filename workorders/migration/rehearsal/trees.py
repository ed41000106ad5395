"""Partitioned tables as one table each: which partition holds a row is not what a proof of rows is about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName
from workorders.migration.operations import family
from workorders.migration.rehearsal.moments import Allowed, Moments
from workorders.migration.rehearsal.rows import Rows, TableRows
from workorders.migration.rehearsal.state import Loose, State


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A partitioned table with all that is below it."""

    root: RelationName
    below: tuple[RelationName, ...]

    def judged_as_one(self, moments: Moments, allowed: Allowed) -> tuple[Moments, Allowed]:
        """The same with all its rows in the root."""
        before = moments.before.rows
        if self.root not in before:
            return moments, allowed
        names = (self.root, *self.below)
        return (
            Moments(
                before=self._joined(moments.before, before),
                planned=self._joined(moments.planned, before),
                written=self._joined(moments.written, before),
                reverted=self._joined(moments.reverted, before),
            ),
            Allowed(
                aside={**allowed.aside, self.root: sum(allowed.aside.get(name, 0) for name in names)},
                left=allowed.left,
                captured={
                    *allowed.captured,
                    *([self.root] if not set(names).isdisjoint(allowed.captured) else []),
                },
            ),
        )

    def _joined(self, state: State, before: Rows) -> State:
        """A partition that is not to be seen has the rows that it had before."""
        held = [rows for name in self.below if (rows := state.rows.get(name, before.get(name)))]
        held = [state.rows.get(self.root, before[self.root]), *held]
        shared = set(held[0].columns).intersection(*(rows.columns for rows in held[1:]))
        columns = tuple(column for column in held[0].columns if column in shared)
        joined = TableRows(
            columns=columns, rows=tuple(row for rows in held for row in _narrowed(rows, columns))
        )
        left = {name: rows for name, rows in state.rows.items() if name not in self.below}
        return replace(state, rows={**left, self.root: joined})


def _narrowed(rows: TableRows, columns: tuple[str, ...]) -> Iterator[tuple[str | None, ...]]:
    places = [rows.columns.index(column) for column in columns]
    return (tuple(row[place] for place in places) for row in rows.rows)


def gathered(catalog: Catalog, rows: Rows) -> Rows:
    """The rows of every table, with those of its partitions in each partitioned one."""
    found = dict(rows)
    for tree in trees(catalog):
        held = [rows[name] for name in tree.below if name in rows]
        root = rows.get(tree.root)
        if root is not None:
            alike = [each for each in held if each.columns == root.columns]
            found[tree.root] = replace(root, rows=tuple(row for each in alike for row in each.rows))
    return found


def loosened(catalog: Catalog, loose: Loose) -> Loose:
    """What is left to chance in a partition is so in its partitioned table."""
    return loose | {
        (tree.root, column) for tree in trees(catalog) for name, column in loose if name in tree.below
    }


def trees(catalog: Catalog) -> tuple[Tree, ...]:
    """Those of a catalog."""
    return tuple(
        Tree(root=name, below=tuple(each.name for each in family.below(catalog, name)))
        for name, table in sorted(catalog.tables.items())
        if table.kind == "p" and not table.is_partition
    )
