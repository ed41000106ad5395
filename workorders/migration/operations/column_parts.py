"""A column with everything that goes out of sight with it, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workorders.migration import questions
from workorders.migration.catalog.attached import Statistics
from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Index, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, ours, quoted
from workorders.migration.operations import (
    domain_column,
    exclusions,
    family,
    index_tree,
    not_null_path,
    rebuild,
)
from workorders.migration.operations.inheritance import inherits
from workorders.migration.operations.operation import exclusive, must_find
from workorders.migration.operations.restoration import strongest
from workorders.migration.steps import Action, Misfit


def needs_values(column: Column) -> bool:
    """Whether rows written while the column is hidden would lack a value that it demands."""
    return (column.not_null or column.is_not_null_domain) and not column.identity


@dataclass(frozen=True, kw_only=True)
class ColumnParts:
    """A column with everything that goes and comes back with it."""

    table: RelationName
    column: Column
    hidden: str
    constraints: tuple[Constraint, ...]
    #: Of no constraint.
    indexes: tuple[Index, ...]
    constraint_indexes: tuple[Index, ...]
    statistics: tuple[Statistics, ...]
    #: The type that it has while it is hidden, where its own domain forbids NULL.
    base: str
    run: str
    #: What heirs have on the same column that is their own; the column itself follows.
    below: tuple[ColumnParts, ...] = ()

    @classmethod
    def of(cls, table: Table, column: Column, hidden: str, run: str, *, base: str = "") -> ColumnParts:
        """What a table has on its column, what its parents give it with theirs left out."""
        return cls(
            table=table.name,
            column=column,
            hidden=hidden,
            constraints=tuple(
                c
                for c in table.constraints
                if column.name in c.columns and not (table.is_heir and c.is_inherited)
            ),
            indexes=tuple(i for i in table.indexes if i.constraint is None and column.name in i.columns),
            constraint_indexes=tuple(i for i in table.indexes if i.constraint is not None),
            statistics=tuple(s for s in table.statistics if column.name in s.columns),
            base=base,
            run=run,
        )

    def dropping(self) -> list[str]:
        """What hangs on the column, really dropped."""
        alter = f"ALTER TABLE {self.table.sql}"
        sql = [f"{alter} DROP CONSTRAINT {quoted(constraint.name)}" for constraint in self.constraints]
        sql += [f"DROP INDEX {quoted(self.table.schema)}.{quoted(index.name)}" for index in self.indexes]
        return [*sql, *(f"DROP STATISTICS {statistics.name.sql}" for statistics in self.statistics)]

    def adding(self) -> list[str]:
        """The same made again, as far as that reads no row."""
        sql: list[str] = []
        for constraint in self._checked:
            sql.append(rebuild.checked_constraint(self.table, constraint))
            sql.extend(rebuild.comment_on(self.table, constraint))
        for statistics in self.statistics:
            sql += [statistics.definition, *statistics.said_of(statistics.name)]
        return sql

    @property
    def _checked(self) -> tuple[Constraint, ...]:
        return tuple(c for c in self.constraints if c.kind in "cf")

    def hiding(self) -> tuple[str, ...]:
        """The statements that put it out of sight."""
        alter = f"ALTER TABLE {self.table.sql}"
        sql = [statement for each in (self, *self.below) for statement in each.dropping()]
        sql.append(f"{alter} RENAME COLUMN {quoted(self.column.name)} TO {quoted(self.hidden)}")
        if self.column.not_null and not self.column.identity:
            sql.append(f"{alter} ALTER COLUMN {quoted(self.hidden)} DROP NOT NULL")
        if self.base:
            sql += domain_column.loosened(self.table, self.column, self.hidden, self.base)
        sql += [
            f"ALTER SEQUENCE {sequence.sql} RENAME TO {quoted(self._hidden_sequence(sequence))}"
            for sequence in self.column.owned_sequences
        ]
        return tuple(sql)

    def undo(self, catalog: Catalog) -> tuple[Action, ...]:
        """What brings it back, and builds again online what hung on it."""
        alter = f"ALTER TABLE {self.table.sql}"
        back = [f"{alter} RENAME COLUMN {quoted(self.hidden)} TO {quoted(self.column.name)}"]
        back += [
            f"ALTER SEQUENCE {quoted(sequence.schema)}.{quoted(self._hidden_sequence(sequence))}"
            f" RENAME TO {quoted(sequence.name)}"
            for sequence in self.column.owned_sequences
        ]
        if self.base:
            back.append(f"{alter} {domain_column.guard(self.table, self.column, self.run)}")
        if self.column.not_null and not self.column.identity:
            promise = not_null_path.promise(self.table, self.column.name, self.column.not_null_name, self.run)
            back.append(f"{alter} {promise}")
        back += [statement for each in (self, *self.below) for statement in each.adding()]
        back += [
            comment
            for constraint in self.constraints
            for heir in family.heirs(catalog, self.table)
            if inherits(constraint) and (own := heir.constraint(constraint.name))
            for comment in rebuild.comment_on(heir.name, own)
        ]
        actions = [
            Action(
                title=f"bring {self.table}.{self.column.name} back",
                sql=tuple(back),
                locks=self.locks(LockMode.SHARE_ROW_EXCLUSIVE),
                done=questions.column_exists(self.table, self.column.name),
            )
        ]
        actions += [
            Action(title=f"settle rows that {misfit.reason.lower()}", settles=position)
            for position, misfit in enumerate(self.misfits(catalog))
        ]
        if self.base:
            table = must_find(catalog, self.table)
            actions.append(domain_column.tightened(table, self.column, self.run))
        if self.column.not_null and not self.column.identity:
            actions += not_null_path.fulfilment(
                self.table, self.column.name, self.column.not_null_name, self.run
            )
        return (*actions, *(action for each in (self, *self.below) for action in each.rebuilding(catalog)))

    def rebuilding(self, catalog: Catalog) -> Iterator[Action]:
        """Rows checked and indexes built, online."""
        table = must_find(catalog, self.table)
        parents = (table,) if table.has_heirs else ()
        actions: tuple[Action, ...]
        for constraint in self._checked:
            for action in rebuild.validation(self.table, constraint):
                yield action if inherits(constraint) else family.alone(parents, action)
        for constraint in self.constraints:
            if constraint.kind in "pux":
                index = next(i for i in self.constraint_indexes if i.constraint == constraint.name)
                actions = (
                    (rebuild.exclusion(self.table, constraint, index),)
                    if exclusions.is_one(constraint)
                    else index_tree.again(index_tree.standing(catalog, table, index))
                    if table.kind == "p"
                    else rebuild.unique_constraint(self.table, constraint, index)
                )
                yield from (family.alone(parents, action) for action in actions)
        for index in self.indexes:
            yield from (
                index_tree.again(index_tree.standing(catalog, table, index))
                if table.kind == "p"
                else rebuild.index(self.table, index)
            )

    def misfits(self, catalog: Catalog) -> tuple[Misfit, ...]:
        """Rows written meanwhile that it, or what hung on it, would not have let in."""
        found: list[Misfit] = []
        if needs_values(self.column):
            found.append(rebuild.null_misfit(catalog, self.table, self.column.name, self.hidden, self.run))
        return (*found, *(misfit for each in (self, *self.below) for misfit in each.own_misfits(catalog)))

    def own_misfits(self, catalog: Catalog) -> tuple[Misfit, ...]:
        """Rows that what hung on the column would not have let in."""
        current = {self.column.name: self.hidden}
        found: list[Misfit] = []
        for constraint in self.constraints:
            misfit = rebuild.misfit(catalog, self.table, constraint, current, self.run)
            if misfit is not None:
                found.append(misfit)
        for index in self.indexes:
            twins = rebuild.duplicates(catalog, self.table, index, current, self.run)
            if twins is not None:
                found.append(twins)
        return tuple(found)

    def locks(self, on_parents: LockMode = LockMode.ACCESS_EXCLUSIVE) -> tuple[Lock, ...]:
        """The table, and what its foreign keys point at: dropping one locks that more than adding it."""
        pointed_at = {
            constraint.referenced
            for each in (self, *self.below)
            for constraint in each.constraints
            if constraint.kind == "f" and constraint.referenced not in (None, each.table)
        }
        parents = sorted(name for name in pointed_at if name is not None)
        return strongest(
            (*exclusive(self.table), *(Lock(relation=name, mode=on_parents) for name in parents))
        )

    def _hidden_sequence(self, sequence: RelationName) -> str:
        return ours("sequence", self.run, str(sequence))
