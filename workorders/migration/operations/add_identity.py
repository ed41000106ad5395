"""ALTER TABLE ... ALTER COLUMN ... ADD GENERATED AS IDENTITY.

Plain form: ACCESS EXCLUSIVE for a catalog change, so it is the online form too, under lock
retry; the column is NOT NULL before. Where a new column was filled from a sequence of ours,
the identity goes on where that stands. The inverse drops the identity.
Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName, literal, quoted
from workorders.migration.operations.fill_column import lender, next_number
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, ordinary, refused
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AddIdentity:
    """A column takes its values from a sequence of its own."""

    name: ClassVar[str] = "add_identity"
    place: Place
    table: RelationName
    column: str
    #: "a" always, "d" by default (`attidentity`).
    identity: str
    #: The sequence's options in parentheses, or "".
    options: str = ""
    #: The column was filled from a sequence of ours, and the identity goes on where that stands.
    continues: bool = False

    def hazard(self) -> str:
        """Nobody for longer than the lock itself."""
        return f"reads and writes of {self.table} wait for a catalog change, and for whom it waits for"

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break: that the column is NOT NULL is the catalog's."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written."""
        self._must_fit(catalog)
        alter = f"ALTER TABLE {self.table.sql} ALTER COLUMN {quoted(self.column)}"
        own = f"pg_catalog.pg_get_serial_sequence({literal(self.table.sql)}, {literal(self.column)})"
        kind = "ALWAYS" if self.identity == "a" else "BY DEFAULT"
        forth = [f"{alter} ADD GENERATED {kind} AS IDENTITY {self.options}".rstrip()]
        back = [f"{alter} DROP IDENTITY IF EXISTS"]
        purge: tuple[Action, ...] = ()
        if self.continues:
            lent_by = lender(self.table, self.column, run)
            sequence = lent_by.sql
            forth.insert(0, f"{alter} DROP DEFAULT")
            forth.append(f"SELECT pg_catalog.setval({own}, last_value, is_called) FROM {sequence}")
            back.insert(
                0,
                f"SELECT pg_catalog.setval({literal(sequence)}, v) FROM"
                f" (SELECT pg_catalog.pg_sequence_last_value({own}::regclass) AS v) q WHERE v IS NOT NULL",
            )
            back.append(f"{alter} SET DEFAULT {next_number(lent_by)}")
            gone = Action(
                title=f"drop {lent_by}",
                sql=(f"DROP SEQUENCE IF EXISTS {sequence}",),
                done=questions.negated(questions.relation_exists(lent_by)),
            )
            purge = (gone,)
        is_identity = questions.column_is_identity(self.table, self.column)
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=Action(
                    title=f"make {self.table}.{self.column} an identity",
                    sql=tuple(forth),
                    locks=exclusive(self.table),
                    done=is_identity,
                ),
                undo=(
                    Action(
                        title=f"make {self.table}.{self.column} an ordinary column again",
                        sql=tuple(back),
                        locks=exclusive(self.table),
                        done=questions.negated(is_identity),
                    ),
                ),
                purge=purge,
            ),
        )

    def _must_fit(self, catalog: Catalog) -> None:
        table = ordinary(must_find(catalog, self.table), self.place, "ADD GENERATED AS IDENTITY")
        column = table.column(self.column)
        assert column is not None
        why = ""
        if column.identity:
            why = "is an identity already"
        elif not column.not_null:
            why = "may be NULL"
        elif column.default is not None and not self.continues:
            why = "has a default"
        if why:
            raise refused(
                self.place,
                f"{self.table}.{self.column} {why}, so it cannot become an identity.",
                "SET NOT NULL and DROP DEFAULT first, in statements before this one.",
            )

    def after(self, catalog: Catalog) -> Catalog:
        """The column is an identity."""
        table = must_find(catalog, self.table)
        columns = tuple(
            replace(column, identity=self.identity, default=None) if column.name == self.column else column
            for column in table.columns
        )
        return catalog.with_table(replace(table, columns=columns))
