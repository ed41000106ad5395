"""The swap of a column and its twin: renames, within the stall budget, forth and back."""

from __future__ import annotations

from dataclasses import dataclass

from workorders.migration import questions
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName, literal, quoted
from workorders.migration.operations import not_null_path, rebuild
from workorders.migration.operations.alter_type import marks
from workorders.migration.operations.operation import exclusive
from workorders.migration.operations.twin import Twin
from workorders.migration.operations.twin_parts import Parts
from workorders.migration.sql import tree
from workorders.migration.steps import Action, Misfit

#: The highest value of a type that an identity column may have.
_LIMITS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


@dataclass(frozen=True, kw_only=True)
class Swap:
    """Both directions, and what has to be settled before the way back."""

    twin: Twin
    parts: Parts

    @property
    def table(self) -> RelationName:
        """The twin's table."""
        return self.twin.table.name

    def forth(self) -> Action:
        """The new column takes the old one's name, and its parts the old ones' names."""
        twin, parts, column = self.twin, self.parts, self.twin.column
        alter, name = self.twin.alter, quoted(self.twin.name)
        sql: list[str] = []
        for reference in parts.references:
            theirs = f"ALTER TABLE {reference.table.sql}"
            key = quoted(reference.constraint.name)
            sql.append(f"{theirs} DROP CONSTRAINT {key}")
            sql.append(f"{theirs} RENAME CONSTRAINT {quoted(parts.reference(reference).name)} TO {key}")
        sql += [f"{alter} DROP CONSTRAINT {quoted(c.name)}" for c in parts.constraints("pc")]
        sql += [
            f"{alter} RENAME CONSTRAINT {quoted(parts.new('c', c.name))} TO {quoted(c.name)}"
            for c in parts.constraints("c")
        ]
        sql += self._renames(back=False)
        if column.identity:
            sql.append(self._identity(twin.name, twin.hidden))
        if column.default is not None:
            default = self._default(column.default)
            sql.append(f"{alter} ALTER COLUMN {quoted(twin.hidden)} SET DEFAULT {default}")
            sql.append(f"{alter} ALTER COLUMN {name} DROP DEFAULT")
        elif twin.becomes_domain:
            sql.append(f"{alter} ALTER COLUMN {quoted(twin.hidden)} DROP DEFAULT")
        if column.is_domain:
            # Out of sight it takes no default of its domain, or a row would be written by that.
            sql.append(f"{alter} ALTER COLUMN {name} SET DEFAULT NULL")
        if column.not_null:
            sql.append(f"{alter} ALTER COLUMN {name} DROP NOT NULL")
            if parts.not_null_name is not None and column.not_null_name is not None:
                sql.append(
                    f"{alter} RENAME CONSTRAINT {quoted(parts.not_null_name)}"
                    f" TO {quoted(column.not_null_name)}"
                )
        sql.append(f"{alter} RENAME COLUMN {name} TO {quoted(twin.was)}")
        sql.append(f"{alter} RENAME COLUMN {quoted(twin.hidden)} TO {name}")
        for constraint in parts.constraints("p"):
            sql += self._primary_key(parts.new("p", constraint.name))
        sql += self._named_in_indexes() + self._owned_by(twin.name) + self._clustered()
        sql += [twin.step_function(is_swapped=True), self._functions()]
        return Action(
            title=f"swap {self.table}.{twin.name} and its twin",
            sql=tuple(sql),
            locks=self._locks(),
            done=questions.column_exists(self.table, twin.was),
        )

    def _default(self, written: str) -> str:
        """The default as one of the old type: a literal of the script's own has been read as that."""
        types, old = self.parts.catalog.types, self.twin.column.type
        constant = tree.expression(written).get("A_Const", {})
        is_read = "sval" in constant and types.can_be_assigned(old, self.twin.change.written)
        return f"{written}::{types.base(old)}" if is_read else written

    def misfits(self) -> tuple[Misfit, ...]:
        """Rows whose new value the old column cannot hold; then what the old CHECKs would not let in."""
        twin, catalog = self.twin, self.parts.catalog
        is_pointed_at = bool(self.parts.references)
        held = Misfit(
            table=self.table,
            # Another value of a key would leave rows behind that point at it.
            fillable=() if is_pointed_at or not twin.has_way_back else (twin.name,),
            rows=twin.cannot_go_back("t"),
            rows_back=twin.cannot_go_back("t"),
            aside=rebuild.aside(twin.run, self.table, f"type of {twin.name}"),
            reason=f"{self.table}.{twin.name} was {twin.column.type}, which cannot hold their values",
            referenced_when=rebuild.referenced_when(catalog, self.table),
        )
        checks = [
            rebuild.misfit(catalog, self.table, constraint, {twin.name: twin.was}, twin.run)
            for constraint in self.parts.constraints("c")
        ]
        return (held, *(each for each in checks if each is not None))

    def back(self) -> tuple[Action, ...]:
        """From now on rows have to fit; those that do not are settled; then the names go back."""
        twin, parts = self.twin, self.parts
        misfits = self.misfits()
        is_back = questions.negated(questions.column_exists(self.table, twin.was))
        swapped = self._swapped_back(is_back)
        settling = Action(title=f"settle rows that do not fit: {misfits[0].reason}", settles=0)
        if twin.column.not_null:
            name = self._not_null_back
            promise = not_null_path.promise(self.table, twin.was, name, twin.run)
            promised = not_null_path.promised(self.table, twin.was, name, twin.run)
            before = (settling, *not_null_path.fulfilment(self.table, twin.was, name, twin.run))
        else:
            guard = quoted(self._guard)
            promise = f"ADD CONSTRAINT {guard} CHECK (NOT ({twin.cannot_go_back(self.table.name)})) NOT VALID"
            promised = questions.constraint_exists(self.table, self._guard)
            before = (settling,)
        must_fit = Action(
            title=f"let {self.table}.{twin.name} hold only what {twin.column.type} can",
            sql=(f"{twin.alter} {promise}",),
            locks=exclusive(self.table),
            done=f"SELECT ({promised}) OR ({is_back})",
        )
        after: list[Action] = []
        for position, misfit in enumerate(misfits[1:], start=1):
            after.append(Action(title=f"settle rows that do not fit: {misfit.reason}", settles=position))
        for constraint in parts.constraints("c"):
            after += rebuild.validation(self.table, constraint)
        for reference in parts.references:
            after += rebuild.validation(reference.table, reference.constraint)
        return (must_fit, *before, swapped, *after)

    def _swapped_back(self, is_back: str) -> Action:
        twin, parts, column = self.twin, self.parts, self.twin.column
        alter, name = twin.alter, quoted(twin.name)
        sql = [
            f"ALTER TABLE {reference.table.sql} DROP CONSTRAINT {quoted(reference.constraint.name)}"
            for reference in parts.references
        ]
        sql += [f"{alter} DROP CONSTRAINT {quoted(c.name)}" for c in parts.constraints("pc")]
        if not column.not_null:
            sql.append(f"{alter} DROP CONSTRAINT {quoted(self._guard)}")
        sql += self._renames(back=True)
        if column.identity:
            sql.append(self._identity(twin.name, twin.was))
        if column.default is not None:
            sql.append(f"{alter} ALTER COLUMN {quoted(twin.was)} SET DEFAULT {column.default}")
        elif column.is_domain:
            sql.append(f"{alter} ALTER COLUMN {quoted(twin.was)} DROP DEFAULT")
        if column.not_null and column.not_null_name is not None:
            sql.append(f"{alter} ALTER COLUMN {name} DROP NOT NULL")
            sql.append(
                f"{alter} RENAME CONSTRAINT {quoted(self._not_null_back or '')}"
                f" TO {quoted(column.not_null_name)}"
            )
        sql.append(f"{alter} RENAME COLUMN {name} TO {quoted(twin.hidden)}")
        sql.append(f"{alter} RENAME COLUMN {quoted(twin.was)} TO {name}")
        for constraint in parts.constraints("p"):
            sql += self._primary_key(parts.spare(constraint))
        for constraint in parts.constraints("c"):
            sql.append(rebuild.checked_constraint(self.table, constraint))
            sql += rebuild.comment_on(self.table, constraint)
        for reference in parts.references:
            sql.append(rebuild.checked_constraint(reference.table, reference.constraint))
            sql += rebuild.comment_on(reference.table, reference.constraint)
        sql += self._owned_by(twin.name) + self._clustered()
        sql += [*marks(twin.table, column), *twin.removal(), self._functions()]
        return Action(
            title=f"swap {self.table}.{twin.name} back",
            sql=tuple(sql),
            locks=self._locks(),
            done=is_back,
        )

    def purge(self) -> Action:
        """The old column goes with all that hangs on it."""
        twin = self.twin
        parents = {key.referenced for key in self.parts.constraints("f") if key.referenced}
        return Action(
            title=f"drop the old {self.table}.{twin.name} for good",
            sql=(*twin.removal(), f"{twin.alter} DROP COLUMN IF EXISTS {quoted(twin.was)}"),
            locks=exclusive(*sorted({self.table, *parents})),
            done=questions.negated(questions.column_exists(self.table, twin.was)),
        )

    def _locks(self) -> tuple[Lock, ...]:
        return exclusive(*sorted({self.table, *(each.table for each in self.parts.references)}))

    @property
    def _guard(self) -> str:
        return self.twin.ours("fits")

    @property
    def _not_null_back(self) -> str | None:
        return self.twin.ours("not_null", "back") if self.parts.catalog.major >= 18 else None

    def _renames(self, *, back: bool) -> list[str]:
        """Indexes, unique constraints, foreign keys and statistics change names in pairs."""
        parts, alter, schema = self.parts, self.twin.alter, quoted(self.table.schema)
        found: list[str] = []

        def pair(kind: str, name: str, before: str, *key: str) -> None:
            coming, going = parts.new(kind, *(key or (name,))), parts.old(kind, *(key or (name,)))
            if back:
                coming, going = going, coming
            rename = "" if "CONSTRAINT" in before[-11:] else " RENAME"
            found.append(f"{before}{quoted(name)}{rename} TO {quoted(going)}")
            found.append(f"{before}{quoted(coming)}{rename} TO {quoted(name)}")

        for index in parts.indexes:
            pair("i", index.name, f"ALTER INDEX {schema}.")
        for kind in "uf":
            for constraint in parts.constraints(kind):
                pair(kind, constraint.name, f"{alter} RENAME CONSTRAINT ")
        for statistics in parts.statistics:
            before = f"ALTER STATISTICS {quoted(statistics.name.schema)}."
            pair("s", statistics.name.name, before, str(statistics.name))
        return found

    def _named_in_indexes(self) -> list[str]:
        """An index keeps the names that its columns had when it was built."""
        constraints = {constraint.name for constraint in self.parts.constraints("pu")}
        hidden, name = quoted(self.twin.hidden), quoted(self.twin.name)
        return [
            f"ALTER TABLE {self.twin.relation(index.name).sql} RENAME COLUMN {hidden} TO {name}"
            for index in self.twin.table.indexes
            if (index in self.parts.indexes or index.constraint in constraints)
            and tree.index_columns(index.definition).count(self.twin.name) == 1
        ]

    def _primary_key(self, index: str) -> list[str]:
        (constraint,) = self.parts.constraints("p")
        return [
            rebuild.using_index(self.table, constraint, index),
            *rebuild.comment_on(self.table, constraint),
            *(
                [f"COMMENT ON INDEX {self.twin.relation(constraint.name).sql} IS {literal(comment)}"]
                if (comment := self.parts.index_of(constraint).comment) is not None
                else []
            ),
        ]

    def _owned_by(self, name: str) -> list[str]:
        if self.twin.column.identity:
            return []
        return [
            f"ALTER SEQUENCE {sequence.sql} OWNED BY {self.table.sql}.{quoted(name)}"
            for sequence in self.twin.column.owned_sequences
        ]

    def _clustered(self) -> list[str]:
        """The mark moves to the index that now has the name."""
        return [
            f"{self.twin.alter} CLUSTER ON {quoted(index.name)}"
            for index in self.twin.table.indexes
            if index.is_clustered and self.twin.name in index.columns
        ]

    def _functions(self) -> str:
        """Old sessions' trigger functions have looked the columns up once, and fail until created anew."""
        body = (
            "DECLARE d text; BEGIN FOR d IN SELECT DISTINCT pg_catalog.pg_get_functiondef(p.oid)"
            " FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid"
            " JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE l.lanname = 'plpgsql'"
            f" AND t.tgrelid = {literal(self.table.sql)}::pg_catalog.regclass AND NOT t.tgisinternal"
            f" AND p.pronamespace <> 'lockkeeper'::pg_catalog.regnamespace LOOP EXECUTE d; END LOOP; END"
        )
        return f"DO {literal(body)}"

    def _identity(self, from_column: str, to_column: str) -> str:
        """The sequence is dropped with the one and made again for the other, and goes on counting.

        Its limits follow the type where they were the former type's own, as in the plain form.
        """
        sequence = self.twin.column.owned_sequences[0]
        place, name = literal(sequence.sql), sequence.sql
        kind = {"a": "ALWAYS", "d": "BY DEFAULT"}[self.twin.column.identity]
        new = _LIMITS[self.twin.change.written if to_column == self.twin.hidden else self.twin.column.type]
        body = f"""
DECLARE s pg_catalog.pg_sequence; c pg_catalog.pg_class; old pg_catalog.int8; counted pg_catalog.int8;
  called pg_catalog.bool; said pg_catalog.text; g pg_catalog.record;
BEGIN
  SELECT * INTO s FROM pg_catalog.pg_sequence WHERE seqrelid = {place}::pg_catalog.regclass;
  SELECT * INTO c FROM pg_catalog.pg_class WHERE oid = {place}::pg_catalog.regclass;
  SELECT last_value, is_called INTO counted, called FROM {name};
  said := pg_catalog.obj_description(c.oid, 'pg_class');
  old := CASE s.seqtypid WHEN 'int2'::pg_catalog.regtype THEN {_LIMITS["smallint"]}
    WHEN 'int4'::pg_catalog.regtype THEN {_LIMITS["integer"]} ELSE {_LIMITS["bigint"]} END;
  IF s.seqmax = old THEN s.seqmax := {new}; END IF;
  IF s.seqmin = -old - 1 THEN s.seqmin := -{new} - 1; END IF;
  ALTER TABLE {self.table.sql} ALTER COLUMN {quoted(from_column)} DROP IDENTITY;
  EXECUTE pg_catalog.format({
            literal(
                f"ALTER TABLE {self.table.sql} ALTER COLUMN {quoted(to_column)} ADD GENERATED {kind}".replace(
                    "%", "%%"
                )
                + f" AS IDENTITY (SEQUENCE NAME {name}".replace("%", "%%")
                + " START %s INCREMENT %s MINVALUE %s MAXVALUE %s CACHE %s %s)"
            )
        }, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
    CASE WHEN s.seqcycle THEN 'CYCLE' ELSE 'NO CYCLE' END);
  PERFORM pg_catalog.setval({place}::pg_catalog.regclass, least(counted, s.seqmax), called);
  IF said IS NOT NULL THEN
    EXECUTE pg_catalog.format('COMMENT ON SEQUENCE %s IS %L', {place}, said);
  END IF;
  FOR g IN SELECT x.privilege_type, x.is_grantable, r.rolname FROM pg_catalog.aclexplode(c.relacl) x
      LEFT JOIN pg_catalog.pg_roles r ON r.oid = x.grantee WHERE x.grantee <> c.relowner LOOP
    EXECUTE pg_catalog.format('GRANT %s ON SEQUENCE %s TO %s%s', g.privilege_type, {place},
      coalesce(pg_catalog.quote_ident(g.rolname), 'PUBLIC'),
      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
END"""
        return f"DO {literal(body)}"
