"""UPDATE and DELETE.

Plain form: each changed row stays locked until the whole statement has committed. Online form:
in batches by primary key where that cannot change the outcome, else one statement. The
inverse is made of row images (see `row_images`), captured from every table that the
statement can reach through foreign keys and triggers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, key_ranges
from workorders.migration.operations.captured import (
    capture_name,
    images_of,
    must_be_restorable,
    steps_around,
)
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, must_find, refused
from workorders.migration.operations.row_images import closure, parents_first
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node
from workorders.migration.steps import Action, Batches, Step


@dataclass(frozen=True, kw_only=True)
class ChangeRows:
    """An UPDATE or a DELETE of one table's rows."""

    place: Place
    table: RelationName
    #: `UpdateStmt` or `DeleteStmt`, and its tree with the table's schema given.
    kind: str
    node: Node
    #: Columns that an UPDATE assigns.
    updated: frozenset[str] = frozenset()
    #: Tables that its triggers were seen to write in a rehearsal.
    also_written: tuple[RelationName, ...] = ()

    @property
    def _is_alone(self) -> bool:
        """It says ONLY: what inherits from the table keeps its rows."""
        return not self.node["relation"].get("inh")

    @property
    def name(self) -> str:
        """update or delete."""
        return "delete" if self.kind == "DeleteStmt" else "update"

    def hazard(self) -> str:
        """Writers of the same rows."""
        return f"writers of the same rows of {self.table} wait until the whole statement has committed"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Capture, change, end of the capture."""
        table = alterable(must_find(catalog, self.table), self.place, self.name.upper())
        heirs = () if self._is_alone else family.heirs(catalog, self.table)
        moved = self.updated & {column for each in (table, *heirs) for column in each.key}
        reasons = [self._why_not_moved(catalog, each) for each in (table, *heirs)] if moved else []
        why = next(filter(None, reasons), "")
        if why:
            raise refused(
                self.place,
                f"UPDATE of {self.table} changes its primary key ({', '.join(sorted(moved))}), and"
                f" {why}: which row is which could not be told on the way back.",
                "Leave the key as it is, or run the statement by hand.",
            )
        columns = (c for each in (table, *heirs) for c in each.columns)
        fixed = sorted(c.name for c in columns if c.identity == "a" and c.name in self.updated)
        if fixed:
            raise refused(
                self.place,
                f"UPDATE of {self.table} renews {fixed[0]}, which is GENERATED ALWAYS: its former values"
                " could not be written back.",
                "Leave that column as it is, or run the statement by hand.",
            )
        written = self._written(catalog, table)
        change = Action(
            title=f"{self.name} rows of {self.table}",
            sql=() if self._is_batched(catalog, table) else (tree.statement_text(self.kind, self.node),),
            batches=self._batches(table) if self._is_batched(catalog, table) else None,
            capture=capture_name(self.place, run),
        )
        return steps_around(
            Step(statement=self.place.statement, operation=self.name, action=change),
            images_of(written, self.place, catalog, run),
            self.place,
            catalog,
            # Under another key it is another row; one that moves to another partition goes and comes, too.
            inserts=bool(self.also_written or moved)
            or any(each.triggers or (each.kind == "p" and not each.key) for each in written),
        )

    def _why_not_moved(self, catalog: Catalog, table: Table) -> str:
        """A row under another key is another row on the way back: what that must not meet; "" for nothing."""
        if any(each.kind == "p" and each.is_deferrable for each in table.constraints):
            return "that is DEFERRABLE"
        references = catalog.referencing(table.name)
        if any(each.table == table.name for each in references):
            return "the table points at itself"
        others = [i for i in table.indexes if i.is_unique and not i.is_primary]
        if references and others:
            return f"{references[0].table} points at it while {others[0].name} forbids a second such row"
        if table.kind == "p" or table.is_partition:
            return "the table is partitioned"
        return ""

    def _written(self, catalog: Catalog, table: Table) -> tuple[Table, ...]:
        reached = closure(
            catalog,
            table,
            deletes=self.name == "delete",
            updated=self.updated,
            is_alone=self._is_alone,
        )
        known = {each.name for each in reached}
        more = tuple(
            catalog.tables[name] for name in self.also_written if name not in known and name in catalog.tables
        )
        written = family.whole(catalog, (*reached, *more))
        for each in written:
            must_be_restorable(each, self.place, catalog, f"{self.name.upper()} that reaches it")
        return parents_first(written)

    def _is_batched(self, catalog: Catalog, table: Table) -> bool:
        """Whether ranges, each in a transaction of its own, give what the one statement gives."""
        reads_elsewhere = any(
            found.kind in ("SubLink", "SQLValueFunction", "CurrentOfExpr", "SetToDefault")
            for found in tree.walk(self.node)
        )
        # A unique index looks at all rows: at a seam it could refuse what the whole would have left.
        is_unique = any(index.is_unique and self.updated & set(index.columns) for index in table.indexes)
        excludes = any(key.kind == "x" and self.updated & set(key.columns) for key in table.constraints)
        calls = set(tree.functions_in(self.node)) - catalog.settled_functions
        points_at_itself = any(key.referenced == table.name for key in table.foreign_keys)
        more_tables = any(self.node.get(part) for part in ("fromClause", "usingClause", "withClause"))
        return bool(
            table.key
            and not table.is_new
            # Heirs have keys of their own, or none.
            and (self._is_alone or not table.has_heirs)
            and not any(each.triggers for each in (table, *family.below(catalog, table.name)))
            and not self.also_written
            and not points_at_itself
            and not is_unique
            and not excludes
            and not reads_elsewhere
            and not calls
            and not more_tables
        )

    def _batches(self, table: Table) -> Batches:
        own = quoted(self.node["relation"].get("alias", {}).get("aliasname", self.table.name))
        return key_ranges.batches(table, own, self._within)

    def _within(self, span: str) -> str:
        condition = tree.expression(span)
        own = self.node.get("whereClause")
        if own is not None:
            condition = {"BoolExpr": {"boolop": "AND_EXPR", "args": [own, condition]}}
        return tree.statement_text(self.kind, {**self.node, "whereClause": condition})

    def after(self, catalog: Catalog) -> Catalog:
        """Rows are not the catalog's."""
        return catalog

    def writing_also(self, names: tuple[RelationName, ...]) -> ChangeRows:
        """The same, with the tables that its triggers were seen to write."""
        return replace(self, also_written=names)
