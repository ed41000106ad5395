"""A column and its twin: their names, and the trigger that keeps one in step with the other.

Before the swap the column that the application writes is the old one, afterwards the new one; it
is the *main* one of the two, and the other is *hidden*. Whoever writes the main column sets the hidden
one. Whoever writes only the hidden one (a positional INSERT, a foreign key's action) sets the main
one; before the swap, an UPDATE of the hidden one alone is undone. A BEFORE trigger changes nothing
but the row at hand, so it never fires itself.

A value that the hidden column cannot hold leaves it NULL. That is the flag: after the swap a row
whose new column has a value and whose old one has none is one that could not go back. A value
counts as held only if it comes back as it was, so nothing is rounded or cut on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from workorders.migration.catalog.settled import SETTINGS
from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.catalog.types import bare
from workorders.migration.names import LAST, OUR_SCHEMA, RelationName, clipped, literal, ours, quoted
from workorders.migration.operations import former_values, labels
from workorders.migration.operations.alter_type import TypeChange
from workorders.migration.operations.row_images import different
from workorders.migration.sql import renamed, tree
from workorders.migration.sql.renamed import RenamedType

#: Whole numbers by width: from a narrower to a wider one every value has its equal.
_WHOLE = {"smallint": 15, "integer": 31, "bigint": 63}


@dataclass(frozen=True, kw_only=True)
class Twin:
    """One column on its way to another type."""

    table: Table
    column: Column
    change: TypeChange
    run: str
    #: The type has an equality under which two values may be equal though written otherwise.
    has_equality: bool
    #: As new sessions of the target have them.
    settings: tuple[tuple[str, str], ...]
    search_path: tuple[str, ...]
    #: The old type comes with the server.
    was_built_in: bool = True
    #: A cast leads from the new type to the old one.
    is_cast_back: bool = True
    #: The new type is a domain that does not take every value: adding a column of it writes the table anew.
    is_checked: bool = False
    #: The new type is a domain, which may have a default of its own.
    becomes_domain: bool = False
    #: Names that columns have got since, each after the one of then.
    given: tuple[tuple[str, str], ...] = ()
    #: Old values, as SQL, of which one may have become a new value; only where no cast leads back.
    tried: tuple[str, ...] = ()
    #: Both types are enums, and a value keeps its label.
    keeps_label: bool = False
    #: Enums that USING may name, whose names the script may change.
    enums: frozenset[RelationName] = frozenset()

    @classmethod
    def of(cls, catalog: Catalog, table: Table, column: Column, change: TypeChange, run: str) -> Twin:
        """With all that the catalog has to say of it."""
        change = _qualified(change, catalog)
        whole = {bare(column.type), bare(change.written)} <= set(_WHOLE)
        pins = () if whole and change.using is None else SETTINGS
        return cls(
            table=table,
            column=column,
            change=change,
            run=run,
            has_equality=catalog.types.has_equality(change.written),
            settings=tuple(
                (name, catalog.settings[name]) for name in pins if catalog.settings.get(name) is not None
            ),
            search_path=catalog.search_path if change.using else (),
            was_built_in=catalog.types.is_built_in(column.type),
            is_cast_back=catalog.types.can_be_cast(change.written, column.type),
            is_checked=change.domain in catalog.constrained_domains,
            becomes_domain=catalog.types.is_domain(change.written),
            tried=former_values.tried(catalog, column, change),
            keeps_label=former_values.keeps_label(catalog, column, change),
            enums=frozenset(catalog.enums) if labels.enum_of(catalog, change.written) else frozenset(),
        )

    @property
    def name(self) -> str:
        """The column's name for everybody."""
        return self._now(self.column.name)

    def _now(self, column: str) -> str:
        return dict(self.given).get(column, column)

    def renamed(self, was: str, now: str) -> Twin:
        """The same once a column of its table has got another name."""
        then = next((each for each, name in self.given if name == was), was)
        others = tuple(pair for pair in self.given if pair[0] != then)
        return replace(self, given=(*others, (then, now)))

    def with_type(self, given: RenamedType) -> Twin:
        """The same once a type has got another name."""
        using = given.expression(self.change.using)
        change = replace(self.change, sql=given.type(self.change.sql), using=using)
        return replace(self, change=change, enums=self.enums | {given.becomes})

    @property
    def hidden(self) -> str:
        """What the new column is called before the swap."""
        return self.ours("twin", self.column.name)

    @property
    def was(self) -> str:
        """What the old column is called after the swap."""
        return self.ours("was", self.column.name)

    @property
    def trigger(self) -> str:
        """The trigger's name, after every other; its function's in our schema, too."""
        return clipped(LAST + self.ours("step", self.column.name))

    def ours(self, kind: str, *parts: str) -> str:
        """A name for a part of this twin."""
        return ours(kind, self.run, str(self.table.name), self.column.name, *parts)

    @property
    def alter(self) -> str:
        """The beginning of a statement."""
        return f"ALTER TABLE {self.table.name.sql}"

    def forth(self, row: str, name: str) -> str:
        """The new type's value of a row's old one, which is called `name` there."""
        if self.change.using is None:
            return f"{quoted(row)}.{quoted(name)}::{self.change.sql}"
        names = {**dict(self.given), self.column.name: name}
        return f"({tree.on_row(self.change.using, row, names)})::{self.change.sql}"

    def step_function(self, *, is_swapped: bool) -> str:
        """CREATE OR REPLACE of the function that keeps the hidden column in step."""
        if is_swapped:
            main, hidden = self.name, self.was
            read: tuple[str, ...] = (self.name,)
            down = self._back(main, hidden)
            up = self._unless_it_fails(f"NEW.{quoted(main)} := {self._forth_of(hidden)};", down)
            hidden_alone = up
            # A row that comes back is in step already: what its old value was need not be guessed.
            forth, is_held = f"{self.forth('new', hidden)}", f"NEW.{quoted(hidden)} IS NOT NULL"
            out_of_step = f"NOT ({is_held} AND NOT {different(forth, f'NEW.{quoted(main)}')})"
            inserted = self._unless_it_fails(f"IF {out_of_step} THEN {down} END IF;", down)
            down = inserted
        else:
            main, hidden, read = self.name, self.hidden, self.read
            down = self._held(self._forth_of(main), hidden)
            up = self._back(hidden, main)
            # The backfill writes the hidden column alone, and what it writes is in step.
            hidden_alone = inserted = down
        new, old = (", ".join(f"{row}.{quoted(column)}" for column in read) for row in ("NEW", "OLD"))
        new_main, new_hidden, old_hidden = (
            f"NEW.{quoted(main)}",
            f"NEW.{quoted(hidden)}",
            f"OLD.{quoted(hidden)}",
        )
        body = (
            f"BEGIN IF TG_OP = 'INSERT' THEN"
            f" IF {new_main} IS NULL AND {new_hidden} IS NOT NULL THEN {up} ELSE {inserted} END IF;"
            f" ELSIF {different(new, old)} THEN {down}"
            f" ELSIF {different(new_hidden, old_hidden)} THEN {hidden_alone} END IF; RETURN NEW; END"
        )
        settings = "".join(f" SET {quoted(name)} = {literal(value)}" for name, value in self.settings)
        path = ", ".join(map(quoted, self.search_path)) or "''"
        return (
            f"CREATE OR REPLACE FUNCTION {self.function}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = {path}{settings} AS {literal(body)}"
        )

    @property
    def function(self) -> str:
        """The trigger's function, quoted."""
        return f"{quoted(OUR_SCHEMA)}.{quoted(self.trigger)}"

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that the new value is made of."""
        if self.change.using is None:
            return (self.name,)
        known = {column.name for column in self.table.columns}
        read = tree.columns_in(tree.expression(self.change.using))
        return tuple(dict.fromkeys((self.name, *(self._now(name) for name in read if name in known))))

    def _forth_of(self, name: str) -> str:
        """Assigned bare, as the plain form assigns it: a cast would cut what is too long."""
        return f"NEW.{quoted(name)}" if self.change.using is None else self.forth("new", name)

    def _held(self, value: str, into: str) -> str:
        """Assigns a value, or NULL where the column cannot hold it."""
        target = f"NEW.{quoted(into)}"
        if self.change.using is None and self._is_widening:
            return f"{target} := {value};"
        return f"BEGIN {target} := {value}; EXCEPTION WHEN OTHERS THEN {target} := NULL; END;"

    def _unless_it_fails(self, statement: str, otherwise: str) -> str:
        return f"BEGIN {statement} EXCEPTION WHEN OTHERS THEN {otherwise} END;"

    def _back(self, new: str, old: str) -> str:
        """Assigns the old type's value, or NULL where it would not come back as it is."""
        target, value = f"NEW.{quoted(old)}", f"NEW.{quoted(new)}"
        if self.change.using is None and self._is_widening:
            bits = _WHOLE[bare(self.column.type)]
            low, high = -(2**bits), 2**bits - 1
            return (
                f"IF {value} BETWEEN {low} AND {high} THEN {target} := {value};"
                f" ELSE {target} := NULL; END IF;"
            )
        compare = "record_ne" if self.has_equality else "record_image_ne"
        if self.tried and former_values.are_labels(self.tried):
            return f"{target} := NULL; {self._former_label(value, target)}"
        return (
            f"BEGIN {target} := {self._former_of(value)};"
            f" IF pg_catalog.{compare}(ROW({self.forth('new', old)}), ROW({value}))"
            f" THEN {target} := NULL; END IF;"
            f" EXCEPTION WHEN OTHERS THEN {target} := NULL; END;"
        )

    def _former_of(self, value: str) -> str:
        """The old type's value that a new one is, or is made of; NULL where nobody can tell."""
        if self.is_cast_back:
            # A type of the user's may be dropped in this script: assigned, the value needs no name of it.
            return f"{value}::{self.column.type}" if self.was_built_in else value
        if self.keeps_label:
            return f"{value}::pg_catalog.text"
        if not self.tried:
            return "NULL"
        whens = " ".join(f"WHEN {new} THEN {old}" for new, old in self._made())
        return f"CASE {value} {whens} END"

    def _former_label(self, value: str, target: str) -> str:
        """Assigns the first label that becomes this value; some may become none at all, and fail."""
        return " ".join(
            f"BEGIN IF {target} IS NULL AND {value} = {new} THEN {target} := {old}; END IF;"
            " EXCEPTION WHEN OTHERS THEN NULL; END;"
            for new, old in self._made()
        )

    def _made(self) -> Iterator[tuple[str, str]]:
        """Each value that is tried, behind what it becomes."""
        using = self.change.using or ""
        for each in self.tried:
            new = tree.on_row(tree.with_constants(using, {self.column.name: each}), "new", {})
            yield f"({new})::{self.change.sql}", each

    @property
    def has_way_back(self) -> bool:
        """Some value that is written afterwards has its equal in the old type."""
        return self.is_cast_back or self.keeps_label or bool(self.tried)

    @property
    def _is_widening(self) -> bool:
        old, new = _WHOLE.get(self.column.type), _WHOLE.get(self.change.written)
        return old is not None and new is not None and old < new

    def creation(self) -> tuple[str, ...]:
        """The hidden column with all that hangs on a column alone, and the trigger."""
        column, hidden, table = self.column, quoted(self.hidden), self.table.name.sql
        collation = f" COLLATE {self.change.collation}" if self.change.collation else ""
        default = " DEFAULT NULL" if self.becomes_domain else ""
        sql = [f"{self.alter} ADD COLUMN {hidden} {self.change.sql}{collation}{default}"]
        if column.statistics_target is not None:
            sql.append(f"{self.alter} ALTER COLUMN {hidden} SET STATISTICS {column.statistics_target}")
        if column.options:
            sql.append(f"{self.alter} ALTER COLUMN {hidden} SET ({', '.join(column.options)})")
        for grant in column.grants:
            to = "PUBLIC" if grant.grantee is None else quoted(grant.grantee)
            option = " WITH GRANT OPTION" if grant.is_grantable else ""
            sql.append(f"GRANT {grant.privilege} ({hidden}) ON {table} TO {to}{option}")
        if column.comment is not None:
            sql.append(f"COMMENT ON COLUMN {table}.{hidden} IS {literal(column.comment)}")
        trigger = quoted(self.trigger)
        return (
            *sql,
            self.step_function(is_swapped=False),
            f"CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION {self.function}()",
            f"{self.alter} ENABLE ALWAYS TRIGGER {trigger}",
        )

    def removal(self) -> tuple[str, ...]:
        """Ends the keeping in step."""
        return (
            f"DROP TRIGGER IF EXISTS {quoted(self.trigger)} ON {self.table.name.sql}",
            f"DROP FUNCTION IF EXISTS {self.function}()",
        )

    @property
    def out_of_step(self) -> str:
        """True of a row `t` whose hidden column is not what the main one's value comes to, to the bit."""
        return different(f"t.{quoted(self.hidden)}", self.forth("t", self.name))

    def cannot_go_back(self, row: str) -> str:
        """True of a row after the swap whose new value the old column cannot hold."""
        new, old = (f"{quoted(row)}.{quoted(name)}" for name in (self.name, self.was))
        flagged = f"{new} IS NOT NULL AND {old} IS NULL"
        if self.change.using is None or self.column.not_null:
            return flagged
        # What USING makes of NULL has always had none in the old column.
        forth = self.forth(row, self.was)
        if self.enums:
            # Compared by their labels: an enum may have another name when this is asked.
            using = renamed.without_casts(self.change.using, self.enums)
            named = tree.on_row(using, row, {**dict(self.given), self.column.name: self.was})
            forth, new = f"({named})::pg_catalog.text", f"{new}::pg_catalog.text"
        return f"{flagged} AND {different(forth, new)}"

    def relation(self, name: str) -> RelationName:
        """An index or sequence beside the table."""
        return RelationName(schema=self.table.name.schema, name=name)


def _qualified(change: TypeChange, catalog: Catalog) -> TypeChange:
    """With the schema before each of the user's types, which may get another name in the same script."""
    known = (catalog.types, catalog.search_path)
    using = change.using and renamed.types_qualified(change.using, *known)
    return replace(change, sql=renamed.type_qualified(change.sql, *known), using=using)
