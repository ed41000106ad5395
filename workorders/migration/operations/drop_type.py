"""DROP TYPE and DROP DOMAIN, and DROP FUNCTION where something out of sight needs it.

Plain form: a catalog change that locks no table. Here the type is put out of reach instead, in Lockkeeper's
schema: what is kept of rows for the way back may hold values of it, and a dropped column that is generated
may need the function. The way back gives it its place and name again, with owner, privileges and comment; a
purge drops it. A function that a column's twin is kept in step through is called by its name, and therefore
stays in its place until then; so does one that rows may be counted with before a rollback, where its name
does not tell it from others.
Source: https://www.postgresql.org/docs/18/sql-altertype.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.catalog.types import written_name
from workorders.migration.names import OUR_SCHEMA, RelationName, ours, quoted
from workorders.migration.operations import labels
from workorders.migration.operations.operation import Check, Place
from workorders.migration.other_names import OtherName
from workorders.migration.renames import Part
from workorders.migration.sql.renamed import RenamedType
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class DropType:
    """A type goes, or a function."""

    name: ClassVar[str] = "drop_type"
    place: Place
    dropped: RelationName
    #: TYPE, DOMAIN or FUNCTION.
    kind: str
    #: Of a function: the types of its parameters, in parentheses.
    arguments: str = ""
    #: A function that stays where it is until the purge.
    is_left: bool = False
    #: The catalog once it has gone.
    becomes: Catalog

    @property
    def table(self) -> RelationName:
        """Its name."""
        return self.dropped

    def hazard(self) -> str:
        """Nobody."""
        return f"nobody waits: no column in sight needs {self.dropped}"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Out of reach, or left; dropped by the purge."""
        kind, name, of, aside = self.kind, self.dropped, self.arguments, self._aside(run)
        beside = RelationName(schema=name.schema, name=aside.name)
        if self.is_left:
            return (self._left(run),)
        freed = () if of else (labels.kept_as(aside, "pg_catalog.text"),)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"put {kind.lower()} {name} out of reach",
                    sql=(
                        f"ALTER {kind} {name.sql}{of} RENAME TO {quoted(aside.name)}",
                        f"ALTER {kind} {beside.sql}{of} SET SCHEMA {quoted(OUR_SCHEMA)}",
                    ),
                ),
                undo=(
                    Action(
                        title=f"give {kind.lower()} {name} its place back",
                        sql=(
                            f"ALTER {kind} {aside.sql}{of} SET SCHEMA {quoted(name.schema)}",
                            f"ALTER {kind} {beside.sql}{of} RENAME TO {quoted(name.name)}",
                        ),
                    ),
                ),
                purge=(
                    Action(
                        title=f"drop {kind.lower()} {name}",
                        # Its name is its own, and types of its parameters may have other names by now.
                        sql=(*freed, f"DROP {kind} IF EXISTS {aside.sql}"),
                    ),
                ),
                other_names=(OtherName(part=Part.FUNCTION if of else Part.TYPE, name=name, there=aside),),
            ),
        )

    def _left(self, run: str) -> Step:
        """Marked as gone by a table of ours, without which a purge drops nothing: it was rolled back."""
        of_name = f"{self.dropped}{self.arguments}"
        mark = RelationName(schema=OUR_SCHEMA, name=ours("left", run, of_name, self.dropped.name))
        is_marked = questions.relation_exists(mark)
        return Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"leave function {self.dropped} in its place: it may be called until the purge",
                sql=(f"CREATE TABLE {mark.sql} ()",),
                done=is_marked,
            ),
            undo=(
                Action(
                    title=f"function {self.dropped} stays",
                    sql=(f"DROP TABLE {mark.sql}",),
                    done=questions.negated(is_marked),
                ),
            ),
            purge=(
                Action(
                    title=f"drop function {self.dropped}",
                    sql=(
                        f"DROP FUNCTION IF EXISTS {self.dropped.sql}{self.arguments}",
                        f"DROP TABLE {mark.sql}",
                    ),
                    done=questions.negated(is_marked),
                ),
            ),
        )

    def _aside(self, run: str) -> RelationName:
        name = f"{self.dropped}{self.arguments}"
        return RelationName(schema=OUR_SCHEMA, name=ours("type", run, name, self.dropped.name))

    def renames(self, run: str) -> RenamedType:
        """What it is called until the purge."""
        return RenamedType(was=self.dropped, becomes=self._aside(run))

    def seen_by_hidden(self, catalog: Catalog, run: str) -> Catalog:
        """The catalog in which columns out of sight have the type under its name of then."""
        was, now = written_name(self.dropped), written_name(self._aside(run))
        types = {was: now, f"{was}[]": f"{now}[]"}
        for table in catalog.tables.values():
            hidden = tuple(replace(each, type=types.get(each.type, each.type)) for each in table.hidden)
            if hidden != table.hidden:
                catalog = catalog.with_table(replace(table, hidden=hidden))
        return catalog

    def after(self, catalog: Catalog) -> Catalog:
        """Without it."""
        if self.is_left:
            return replace(self.becomes, left_in_place=self.becomes.left_in_place | {self.dropped})
        return self.becomes
