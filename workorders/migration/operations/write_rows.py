"""INSERT, MERGE, WITH that changes rows, DO, CALL, and SELECT of functions that write.

Plain form: rows that it writes stay locked until the whole statement has committed; a key that
it inserts holds up whoever inserts the same key. It stays one statement: only its author knows
where it could be cut. What it writes is captured as row images. The tables that a DO block or a
function writes are told by no tree: a rehearsal finds them, and a run that writes others is
rolled back. The inverse takes out inserted rows that are as the statement left them and that
nobody points at, brings back what was changed and deleted, and lowers no sequence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName
from workorders.migration.operations import family
from workorders.migration.operations.captured import (
    capture_name,
    images_of,
    must_be_restorable,
    steps_around,
)
from workorders.migration.operations.operation import Check, Place, must_find
from workorders.migration.operations.row_images import closure, parents_first
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class Write:
    """One table that a statement's own tree names as written."""

    table: RelationName
    deletes: bool = False
    #: What inherits from the table keeps its rows: INSERT, and what says ONLY.
    is_alone: bool = False
    #: Columns that existing rows get new values in.
    updated: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class WriteRows:
    """A statement that writes rows and is run as it is."""

    place: Place
    #: insert, update, delete, merge, do, call or select.
    name: str
    #: The statement, complete.
    sql: str
    writes: tuple[Write, ...] = ()
    #: Existing tables that it reads, or that a block's text names: a rehearsal needs their rows.
    mentions: tuple[RelationName, ...] = ()
    #: Tables that it was seen to write beside those, in a rehearsal.
    also_written: tuple[RelationName, ...] = ()

    @property
    def table(self) -> RelationName | None:
        """The table that is written first; None where no tree tells."""
        return self.writes[0].table if self.writes else None

    def hazard(self) -> str:
        """Writers of the same rows or keys."""
        names = ", ".join(dict.fromkeys(str(each.table) for each in self.writes))
        where = f" of {names}" if names else " that it writes"
        return f"writers of the same rows and keys{where} wait until the whole statement has committed"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Capture, the statement, end of the capture."""
        written = self._written(catalog)
        names = ", ".join(dict.fromkeys(str(each.table) for each in self.writes))
        titles = {"do": "run the block", "call": "call the procedure", "select": "call the functions"}
        title = titles.get(self.name, f"{self.name} rows of {names}")
        change = Action(
            title=f"{title} of line {self.place.line}",
            sql=(self.sql,),
            capture=capture_name(self.place, run),
        )
        return steps_around(
            Step(statement=self.place.statement, operation=self.name, action=change),
            images_of(written, self.place, catalog, run),
            self.place,
            catalog,
            inserts=True,
        )

    def _written(self, catalog: Catalog) -> tuple[Table, ...]:
        found: dict[RelationName, Table] = {}
        for write in self.writes:
            reached = closure(
                catalog,
                must_find(catalog, write.table),
                deletes=write.deletes,
                updated=write.updated,
                is_alone=write.is_alone,
            )
            found |= {table.name: table for table in reached}
        for name in self.also_written:
            if name in catalog.tables:
                found.setdefault(name, catalog.tables[name])
        if not self.writes:
            found |= _reachable(catalog, found)
        written = family.whole(catalog, found.values())
        for table in written:
            must_be_restorable(table, self.place, catalog, f"{self.name.upper()} that writes it")
        return parents_first(written)

    def after(self, catalog: Catalog) -> Catalog:
        """Rows are not the catalog's."""
        return catalog

    def writing_also(self, names: tuple[RelationName, ...]) -> WriteRows:
        """The same, with the tables that it was seen to write."""
        return replace(self, also_written=names)


def _reachable(catalog: Catalog, found: dict[RelationName, Table]) -> dict[RelationName, Table]:
    """What foreign keys' actions could write: the sample's rows may not have set them off.

    Left out is what could not be captured anyway: a write there is noticed when it happens.
    """
    reached: dict[RelationName, Table] = {}
    waiting = list(found)
    while waiting:
        for reference in catalog.referencing(waiting.pop()):
            table = catalog.tables[reference.table]
            acts = {reference.constraint.on_delete, reference.constraint.on_update} & set("cnd")
            if acts and table.kind in "rp" and table.name not in reached:
                reached[table.name] = table
                waiting.append(table.name)
    return reached
