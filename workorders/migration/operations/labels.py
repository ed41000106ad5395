"""Columns of an enum: which they are, and what is done about values that a former type lacks.

No server takes a label away from a type. What has fewer labels is another type, and a column
becomes one of it only by being written anew under ACCESS EXCLUSIVE: so this is done only to tables that
are written within the stall budget.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.catalog.types import plain, written_name
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, literal, ours, quoted
from workorders.migration.operations import rebuild
from workorders.migration.operations.operation import exclusive
from workorders.migration.steps import Action, Misfit

#: What is written anew, indexes included, well within the usual stall budget of 100 ms.
SMALL_BYTES = 2 * 2**20


@dataclass(frozen=True, kw_only=True)
class EnumColumn:
    """A column of an enum, or of arrays of one."""

    table: Table
    column: Column

    @property
    def is_array(self) -> bool:
        """Whether it holds many values of the enum."""
        return self.column.type.endswith("[]")

    @property
    def altered(self) -> str:
        """The beginning of a clause of ALTER TABLE."""
        return f"ALTER COLUMN {quoted(self.column.name)}"

    def retyped(self, type_sql: str) -> str:
        """The clause of ALTER TABLE that makes it one of another enum, each value by its label."""
        array = "[]" if self.is_array else ""
        column = quoted(self.column.name)
        return (
            f"{self.altered} TYPE {type_sql}{array} USING {column}::pg_catalog.text{array}::{type_sql}{array}"
        )

    def guard(self, run: str) -> str:
        """The constraint's name that keeps some labels out during a way back."""
        return ours("labels", run, str(self.table.name), self.column.name)

    def holds(self, row: str, labels: Collection[str]) -> str:
        """True of a row that holds one of these labels; `row` is "t." or ""."""
        column = f"{row}{quoted(self.column.name)}"
        listed = ", ".join(map(literal, labels))
        if self.is_array:
            return f"{column}::pg_catalog.text[] && ARRAY[{listed}]"
        return f"{column}::pg_catalog.text IN ({listed})"

    def _held_by_now(self, labels: Collection[str]) -> str:
        """The same of a row `t` whose column the script itself may have dropped or renamed since."""
        listed = f"ARRAY[{', '.join(map(literal, labels))}]"
        value = f"pg_catalog.to_jsonb(t) -> {literal(self.column.name)}"
        if self.is_array:
            return f"pg_catalog.jsonb_exists_any({value}, {listed})"
        return f"({value}) #>> '{{}}' = ANY ({listed})"

    def misfit(self, catalog: Catalog, labels: Collection[str], run: str) -> Misfit:
        """Rows with labels that the former type does not have."""
        name = self.table.name
        return Misfit(
            table=name,
            fillable=(self.column.name,),
            rows=self._held_by_now(labels),
            rows_back=self.holds("t.", labels),
            aside=rebuild.aside(run, name, f"labels {self.column.name}"),
            reason=f"{name}.{self.column.name} could not be {', '.join(map(repr, labels))}",
            referenced_when=rebuild.referenced_when(catalog, name),
        )

    def settling(self, labels: Collection[str], run: str, position: int) -> tuple[Action, Action]:
        """Lets the labels in no more; then deals with the rows that hold them."""
        name, guard = self.table.name, self.guard(run)
        return (
            Action(
                title=f"let {name}.{self.column.name} hold only its former labels",
                sql=(
                    f"ALTER TABLE {name.sql} ADD CONSTRAINT {quoted(guard)}"
                    f" CHECK (NOT ({self.holds('', labels)})) NOT VALID",
                ),
                locks=exclusive(name),
                done=questions.constraint_exists(name, guard),
            ),
            Action(
                title=f"settle rows that do not fit: {name}.{self.column.name}",
                settles=position,
            ),
        )

    def unguarded(self, run: str) -> str:
        """The statement that ends the guard."""
        return f"ALTER TABLE {self.table.name.sql} DROP CONSTRAINT IF EXISTS {quoted(self.guard(run))}"

    def analysis(self) -> Action:
        """What the planner knew of the column went with its type."""
        name = self.table.name
        return Action(
            title=f"analyse {name}.{self.column.name}",
            sql=(f"ANALYZE {name.sql} ({quoted(self.column.name)})",),
            locks=(Lock(relation=name, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
        )


def columns_of(catalog: Catalog, enum: RelationName) -> tuple[EnumColumn, ...]:
    """Every column of the enum or of arrays of it, tables in order; a partition's is its parent's."""
    return tuple(
        EnumColumn(table=catalog.tables[name], column=column)
        for name in sorted(catalog.tables)
        if catalog.tables[name].kind not in "vm"
        for column in catalog.tables[name].columns
        if is_of(catalog, column.type, enum)
        and not (catalog.tables[name].is_partition and column.is_inherited)
    )


def is_of(catalog: Catalog, type_name: str, enum: RelationName) -> bool:
    """Whether a column's type, as the server or the script writes it, is this enum or an array of it."""
    forms = {written_name(enum), catalog.types.names.get(enum)}
    if enum.schema in catalog.search_path:
        forms.add(plain(enum.name))
    return type_name.removesuffix("[]") in forms


def enum_of(catalog: Catalog, type_name: str) -> RelationName | None:
    """The enum that a column's type is, or is an array of."""
    return next((enum for enum in catalog.enums if is_of(catalog, type_name, enum)), None)


def kept_as(type_name: RelationName, other: str) -> str:
    """Makes what we keep of columns of a type another's where its values can be, else text.

    The type may then be dropped.
    """
    convert = literal("ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %I::pg_catalog.text%s::%s")
    schema, name = literal(OUR_SCHEMA), literal(type_name.sql)

    def conversion(to: str) -> str:
        whole = f"{literal(to)} || kept.dimensions"
        values = f"kept.relation, kept.name, {whole}, kept.name, kept.dimensions, {whole}"
        return f"EXECUTE pg_catalog.format({convert}, {values});"

    body = (
        "DECLARE kept record; BEGIN"
        " FOR kept IN SELECT a.attrelid::pg_catalog.regclass AS relation, a.attname AS name,"
        " CASE WHEN a.atttypid = t.oid THEN '' ELSE '[]' END AS dimensions"
        " FROM pg_catalog.pg_type t"
        " JOIN pg_catalog.pg_attribute a ON a.atttypid IN (t.oid, nullif(t.typarray, 0))"
        " AND NOT a.attisdropped"
        " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'"
        f" WHERE c.relnamespace = pg_catalog.to_regnamespace({schema})"
        f" AND t.oid = pg_catalog.to_regtype({name})"
        f" LOOP BEGIN {conversion(other)} EXCEPTION WHEN invalid_text_representation THEN"
        f" {conversion('pg_catalog.text')} END; END LOOP; END"
    )
    return f"DO {literal(body)}"
