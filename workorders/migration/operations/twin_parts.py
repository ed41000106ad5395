"""What hangs on a column, built once more on its twin before the swap: nothing of it blocks anybody.

Each part gets a hidden name; the swap then only renames. The old parts stay on the old column
until purged, so that the way back only renames, too. Three cannot stay: CHECKs, which could
reject what the new column may hold; the primary key, of which a table has one; and foreign keys
that point at the column, which would reject what the old one cannot hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from workorders.migration import questions
from workorders.migration.catalog.attached import Statistics
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index, Reference
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, literal, quoted
from workorders.migration.operations import not_null_path, rebuild
from workorders.migration.operations.operation import exclusive
from workorders.migration.operations.twin import Twin
from workorders.migration.sql import renamed, tree
from workorders.migration.steps import Action


@dataclass(frozen=True, kw_only=True)
class Built:
    """An action before the swap, with what takes it back where dropping the new column does not."""

    action: Action
    undo: tuple[Action, ...] = ()


@dataclass(frozen=True)
class Parts:
    """The parts of one twin, as the catalog has them on the old column."""

    twin: Twin
    catalog: Catalog

    @cached_property
    def indexes(self) -> tuple[Index, ...]:
        """Those that belong to no constraint."""
        table, name = self.twin.table, self.twin.name
        return tuple(i for i in table.indexes if i.constraint is None and name in i.columns)

    @cached_property
    def statistics(self) -> tuple[Statistics, ...]:
        """Extended statistics."""
        return tuple(each for each in self.twin.table.statistics if self.twin.name in each.columns)

    def constraints(self, kinds: str) -> tuple[Constraint, ...]:
        """Those of some kinds, each a letter, that have the column."""
        return tuple(
            each
            for each in self.twin.table.constraints
            if each.kind in kinds and self.twin.name in each.columns
        )

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Foreign keys of any table that point at the column."""
        return tuple(
            each
            for each in self.catalog.referencing(self.twin.table.name)
            if self.twin.name in each.constraint.referenced_columns
        )

    def index_of(self, constraint: Constraint) -> Index:
        """The index behind a primary key or unique constraint."""
        return next(i for i in self.twin.table.indexes if i.constraint == constraint.name)

    @property
    def not_null_name(self) -> str | None:
        """What the NOT NULL constraint is called before the swap; None before 18."""
        return self.twin.ours("not_null", "twin") if self.catalog.major >= 18 else None

    def new(self, kind: str, *parts: str) -> str:
        """A part's name before the swap."""
        return self.twin.ours(f"twin_{kind}", *parts)

    def old(self, kind: str, *parts: str) -> str:
        """A part's name after the swap."""
        return self.twin.ours(f"was_{kind}", *parts)

    def spare(self, constraint: Constraint) -> str:
        """The unique index on the old column that the primary key stands on again after the way back."""
        return self.twin.ours("spare", constraint.name)

    def foreign_key(self, constraint: Constraint) -> Constraint:
        """An own foreign key, from the new column."""
        names = {self.twin.name: self.twin.hidden}
        return replace(
            constraint,
            name=self.new("f", constraint.name),
            definition=tree.renamed_constraint(constraint.definition, names, {}),
        )

    def reference(self, reference: Reference) -> Constraint:
        """Another's foreign key, to the new column."""
        names = {self.twin.name: self.twin.hidden}
        return replace(
            reference.constraint,
            name=self.new("r", str(reference.table), reference.constraint.name),
            definition=tree.renamed_constraint(reference.constraint.definition, {}, names),
        )

    def builds(self) -> Iterator[Built]:
        """Everything, in an order in which each finds what it needs."""
        for index in self.indexes:
            yield from self._index(index, self.new("i", index.name))
        for constraint in self.constraints("u"):
            yield from self._unique(constraint)
        for constraint in self.constraints("p"):
            yield from self._index(self.index_of(constraint), self.new("p", constraint.name))
            yield from self._spare(constraint)
        if self.twin.column.not_null:
            yield from self._not_null()
        for constraint in self.constraints("c"):
            yield from self._check(constraint)
        for constraint in self.constraints("f"):
            yield from self._foreign_key(constraint)
        for reference in self.references:
            yield from self._reference(reference)
        for statistics in self.statistics:
            yield self._statistics(statistics)

    def _renamed(self, index: Index, name: str) -> Index:
        definition = tree.renamed_index(index.definition, name, {self.twin.name: self.twin.hidden})
        # A table has one of each mark: those move in the swap.
        return replace(index, name=name, definition=definition, is_clustered=False, is_replica_identity=False)

    def _index(self, index: Index, name: str) -> Iterator[Built]:
        for action in rebuild.index(self.twin.table.name, self._renamed(index, name)):
            yield Built(action=replace(action, title=f"build the twin of index {index.name}"))

    def _unique(self, constraint: Constraint) -> Iterator[Built]:
        name = self.new("u", constraint.name)
        index = replace(self._renamed(self.index_of(constraint), name), comment=None)
        for action in rebuild.unique_constraint(self.twin.table.name, replace(constraint, name=name), index):
            yield Built(action=replace(action, title=f"build the twin of {constraint.name}"))

    def _spare(self, constraint: Constraint) -> Iterator[Built]:
        name = self.spare(constraint)
        definition = tree.renamed_index(self.index_of(constraint).definition, name, {})
        index = Index(name=name, definition=definition)
        (action,) = rebuild.index(self.twin.table.name, index)
        sql = f"DROP INDEX IF EXISTS {self.twin.relation(name).sql}"
        drop = Action(
            title=f"drop the spare of {constraint.name}",
            sql=(sql,),
            locks=exclusive(self.twin.table.name),
            done=questions.negated(questions.relation_exists(self.twin.relation(name))),
        )
        title = f"build a spare of {constraint.name}, for the way back"
        yield Built(action=replace(action, title=title), undo=(drop,))

    def _not_null(self) -> Iterator[Built]:
        table, hidden, name = self.twin.table.name, self.twin.hidden, self.not_null_name
        promise = not_null_path.promise(table, hidden, name, self.twin.run)
        yield Built(
            action=Action(
                title=f"forbid new NULLs in the twin of {table}.{self.twin.name}",
                sql=(f"{self.twin.alter} {promise}",),
                locks=exclusive(table),
                done=not_null_path.promised(table, hidden, name, self.twin.run),
            )
        )
        for action in not_null_path.fulfilment(table, hidden, name, self.twin.run):
            yield Built(action=action)

    def _check(self, constraint: Constraint) -> Iterator[Built]:
        names = {self.twin.name: self.twin.hidden}
        twin = replace(
            constraint,
            name=self.new("c", constraint.name),
            definition=tree.renamed_constraint(constraint.definition, names, {}),
        )
        yield self._added(twin, constraint.name, exclusive(self.twin.table.name))
        for action in rebuild.validation(self.twin.table.name, twin):
            yield Built(action=action)

    def _foreign_key(self, constraint: Constraint) -> Iterator[Built]:
        table, twin = self.twin.table.name, self.foreign_key(constraint)
        both = exclusive(*sorted({table, constraint.referenced or table}))
        added = self._added(twin, constraint.name, rebuild.constraint_locks(table, twin))
        drop = Action(
            title=f"drop the twin of {constraint.name}",
            sql=(f"{self.twin.alter} DROP CONSTRAINT IF EXISTS {quoted(twin.name)}",),
            locks=both,
            done=questions.negated(questions.constraint_exists(table, twin.name)),
        )
        yield replace(added, undo=(drop,))
        for action in rebuild.validation(table, twin):
            yield Built(action=action)

    def _reference(self, reference: Reference) -> Iterator[Built]:
        table, twin = reference.table, self.reference(reference)
        drop = Action(
            title=f"drop the twin of {reference.constraint.name} of {table}",
            sql=(f"ALTER TABLE {table.sql} DROP CONSTRAINT IF EXISTS {quoted(twin.name)}",),
            locks=exclusive(*sorted({table, self.twin.table.name})),
            done=questions.negated(questions.constraint_exists(table, twin.name)),
        )
        yield Built(
            action=Action(
                title=f"add the twin of {reference.constraint.name} of {table}",
                sql=(rebuild.checked_constraint(table, twin), *rebuild.comment_on(table, twin)),
                locks=rebuild.constraint_locks(table, twin),
                done=questions.constraint_exists(table, twin.name),
            ),
            undo=(drop,),
        )
        for action in rebuild.validation(table, twin):
            yield Built(action=action)

    def _added(self, twin: Constraint, name: str, locks: tuple[Lock, ...]) -> Built:
        table = self.twin.table.name
        return Built(
            action=Action(
                title=f"add the twin of {name}",
                sql=(rebuild.checked_constraint(table, twin), *rebuild.comment_on(table, twin)),
                locks=locks,
                done=questions.constraint_exists(table, twin.name),
            )
        )

    def _statistics(self, statistics: Statistics) -> Built:
        name = self.new("s", str(statistics.name))
        schema = statistics.name.schema
        definition = renamed.statistics_of_twin(
            statistics.definition, schema, name, {self.twin.name: self.twin.hidden}
        )
        # The server itself keeps the comment through ALTER TYPE, and forgets the target.
        kept = replace(statistics, target=None).said_of(RelationName(schema=schema, name=name))
        return Built(
            action=Action(
                title=f"create the twin of the statistics {statistics.name}",
                sql=(definition, *kept),
                locks=(Lock(relation=self.twin.table.name, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
                done="SELECT EXISTS (SELECT FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n"
                f" ON n.oid = s.stxnamespace WHERE n.nspname = {literal(schema)}"
                f" AND s.stxname = {literal(name)})",
            )
        )
