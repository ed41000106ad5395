"""ALTER TABLE ... ADD COLUMN with a volatile default, or a serial or identity column.

Plain form: ACCESS EXCLUSIVE while every row and every index is written anew, since each row
gets a value of its own (p99 4,578 ms for 1 M rows). Online form: the bare column with its
default for new rows, then the old rows in batches by primary key, then NOT NULL and the
identity by their own paths. The user's triggers do not fire for that, as they do not in the plain form.
The inverse hides the column, keeps its values in our schema, and drops it.
Which row gets which number of a sequence is as undetermined as in the plain form.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, "Notes".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import OUR_SCHEMA, RelationName, literal, ours, quoted
from workorders.migration.operations import family, inheritance, key_ranges, new_column
from workorders.migration.operations.family import alterable
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class FillColumn:
    """A new column in which each row, the old ones included, gets a value of its own."""

    name: ClassVar[str] = "fill_column"
    place: Place
    table: RelationName
    #: As it is before it becomes NOT NULL or an identity; its default fills it.
    column: Column
    #: The bare column as SQL: name, type and collation.
    definition: str
    #: A serial's sequence, which becomes the column's own.
    owned: RelationName | None = None
    #: For an identity: the options of our sequence that lends numbers until the identity is there.
    lends: str | None = None

    def hazard(self) -> str:
        """Everybody, for the length of a rewrite."""
        return (
            f"reads and writes of {self.table} wait under ACCESS EXCLUSIVE while every row and every index"
            " is written anew"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """The column with its default for new rows, then a value for each old row."""
        table = alterable(must_find(catalog, self.table), self.place, "ADD COLUMN")
        heirs = family.heirs(catalog, self.table)
        inheritance.must_be_new(table, heirs, self.column.name, self.place)
        if heirs and self.lends is not None:
            raise refused(
                self.place,
                f"{heirs[0].name} inherits from {self.table}: the server adds no identity column to it.",
                "Use serial, or add the column and a default.",
                sqlstate="42P16",
            )
        undo = new_column.undo(table, self.column, catalog.types, run)
        if self.lends is not None:
            last = undo[-1]
            gone = f"DROP SEQUENCE IF EXISTS {lender(self.table, self.column.name, run).sql}"
            undo = (*undo[:-1], replace(last, sql=(*last.sql, gone)))
        add = Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"add {self.table}.{self.column.name}, with a value for each new row",
                sql=self._addition(run),
                locks=exclusive(self.table),
                done=questions.column_exists(self.table, self.column.name),
            ),
            undo=undo,
            remains=(new_column.kept(self.table, self.column.name, run),),
            is_undone_instantly=False,
        )
        return (add, *(self._fill(catalog, each) for each in (table, *heirs)))

    def _fill(self, catalog: Catalog, table: Table) -> Step:
        """The values of one table's own rows: each heir has a key of its own, or none."""

        def filling(condition: str) -> str:
            column = quoted(self.column.name)
            rows = table.own_rows
            return f"UPDATE {rows} t SET {column} = DEFAULT WHERE t.{column} IS NULL AND {condition}"

        return Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"give each old row of {table.name} its {self.column.name}",
                sql=() if table.key else (filling("true"),),
                batches=key_ranges.batches(table, "t", filling) if table.key else None,
                as_replica=self._holds_triggers_still(catalog, table),
            ),
        )

    def _addition(self, run: str) -> tuple[str, ...]:
        alter = f"ALTER TABLE {self.table.sql}"
        column, default = quoted(self.column.name), self.column.default
        sql = [f"{alter} ADD COLUMN {self.definition}"]
        if self.owned is not None:
            sql.insert(0, f"CREATE SEQUENCE {self.owned.sql} AS {self.column.type}")
            sql.append(f"ALTER SEQUENCE {self.owned.sql} OWNED BY {self.table.sql}.{column}")
        elif self.lends is not None:
            lent_by = lender(self.table, self.column.name, run)
            default = next_number(lent_by)
            sql.insert(0, f"CREATE SEQUENCE {lent_by.sql} AS {self.column.type} {self.lends}".rstrip())
            # An identity's sequence asks nobody for privileges; this one stands in for it.
            sql.append(f"GRANT USAGE ON SEQUENCE {lent_by.sql} TO PUBLIC")
        return (*sql, f"{alter} ALTER COLUMN {column} SET DEFAULT {default}")

    def _holds_triggers_still(self, catalog: Catalog, table: Table) -> bool:
        always = [trigger.name for trigger in table.triggers if trigger.enabled == "A"]
        if always:
            raise refused(
                self.place,
                f"{table.name} has the trigger {always[0]}, which fires always: it would fire for each old"
                f" row that gets its {self.column.name}, as it does not when the table is rewritten.",
                f"ALTER TABLE {table.name.sql} ENABLE TRIGGER {quoted(always[0])}; if ordinary firing is"
                " enough, or add the column without a default.",
            )
        fires = [trigger.name for trigger in table.triggers if trigger.enabled == "O"]
        if fires and not catalog.role_sets_replication_role:
            raise refused(
                self.place,
                f"{table.name} has the trigger {fires[0]}, which would fire for each old row that gets its"
                f" {self.column.name}, and the role {catalog.role} may not hold it still.",
                f"GRANT SET ON PARAMETER session_replication_role TO {quoted(catalog.role)};"
                " as a superuser (15 and later).",
            )
        return bool(fires)

    def after(self, catalog: Catalog) -> Catalog:
        """The table with one more column, and its sequence's name taken."""
        table = must_find(catalog, self.table)
        column = self.column
        if self.owned is not None:
            schema = self.owned.schema
            taken = catalog.relation_names.get(schema, frozenset()) | {self.owned.name}
            catalog = replace(catalog, relation_names={**catalog.relation_names, schema: taken})
            column = replace(column, owned_sequences=(self.owned,))
        return catalog.with_table(replace(table, columns=(*table.columns, column)))


def lender(table: RelationName, column: str, run: str) -> RelationName:
    """Our sequence from which a column is filled that becomes an identity."""
    return RelationName(schema=OUR_SCHEMA, name=ours("numbers", run, str(table), column))


def next_number(sequence: RelationName) -> str:
    """The default that takes a sequence's next value, as the server writes it for a serial."""
    return f"nextval({literal(sequence.sql)}::regclass)"
