"""Row images: what every written row was before and after, and how to bring it back.

Triggers of ours write one image for each row that a statement changes, in typed columns
(jsonb would lose duplicate keys, array bounds and -0). They fire for our own session only,
also under `session_replication_role = replica`. Bringing back works on the *net* change of a
row: the first image's before against the last one's after, judged column by column, so that
a value written since is never overwritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Table
from workorders.migration.names import FIRST, OUR_SCHEMA, RelationName, clipped, literal, ours, quoted
from workorders.migration.operations import family, keyless_rows
from workorders.migration.steps import Action, Batches, Restored


def same(left: str, right: str) -> str:
    """Whether two values are the same to the bit: exact, and defined for every type."""
    return f"pg_catalog.record_image_eq(ROW({left}), ROW({right}))"


def different(left: str, right: str) -> str:
    """The opposite of `same`."""
    return f"pg_catalog.record_image_ne(ROW({left}), ROW({right}))"


@dataclass(frozen=True, kw_only=True)
class RowImages:
    """The images of one captured table in one statement of one run."""

    table: Table
    #: Unique in the run: the statement's position.
    part: str
    run: str
    #: What domains stand on, by column: an image holds NULLs, whatever the domain forbids.
    bases: Mapping[str, str] = field(default_factory=dict)
    #: Tables whose heirs' rows nothing points at: foreign keys and unique indexes are each table's own.
    with_heirs: frozenset[RelationName] = frozenset()

    @property
    def images(self) -> RelationName:
        """The table that the trigger fills."""
        return self._ours("images")

    @property
    def net(self) -> RelationName:
        """The table of net changes, made when the way back begins."""
        return self._ours("net")

    @property
    def trigger(self) -> str:
        """The trigger's name; its function's in our schema, too."""
        # First, so that images stand in the order of the writes: a user's trigger may write the row again.
        return clipped(FIRST + ours("capture", self.run, self.part, str(self.table.name)))

    def _ours(self, kind: str) -> RelationName:
        return RelationName(schema=OUR_SCHEMA, name=ours(kind, self.run, self.part, str(self.table.name)))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that have values of their own, those out of sight too: generated ones follow."""
        return tuple(column.name for column in self._all_columns if not column.generated)

    @property
    def _all_columns(self) -> tuple[Column, ...]:
        return (*self.table.columns, *self.table.hidden)

    def before(self, column: str) -> str:
        """The image's column that holds a value from before."""
        return f"b{self.columns.index(column)}"

    def after(self, column: str) -> str:
        """The image's column that holds a value from after."""
        return f"a{self.columns.index(column)}"

    def standing(self, column: str) -> str:
        """A value of the row `t`, of the type that images have."""
        cast = f"::{self.bases[column]}" if column in self.bases else ""
        return f"t.{quoted(column)}{cast}"

    def creation(self, capture: str) -> tuple[str, ...]:
        """The statements that start the capture; they take SHARE ROW EXCLUSIVE on the table."""
        types = {**{column.name: column.type for column in self._all_columns}, **self.bases}
        image_columns = ", ".join(
            f"{name} {types[column]}"
            for side in (self.before, self.after)
            for column in self.columns
            for name in (side(column),)
        )
        old, new = (", ".join(f"{row}.{quoted(c)}" for c in self.columns) for row in ("OLD", "NEW"))
        before, after = (", ".join(side(c) for c in self.columns) for side in (self.before, self.after))
        function = f"{quoted(OUR_SCHEMA)}.{quoted(self.trigger)}"
        insert = f"INSERT INTO {self.images.sql} (operation, "
        came, went = f"{insert}{after}) VALUES ('I', {new});", f"{insert}{before}) VALUES ('D', {old});"
        changed = f"{insert}{before}, {after}) VALUES ('U', {old}, {new});"
        if self._lasting:
            # Under another key it is another row; and GENERATED ALWAYS can only be inserted.
            was, becomes = (", ".join(f"{row}.{quoted(c)}" for c in self._lasting) for row in ("OLD", "NEW"))
            changed = f"IF {same(was, becomes)} THEN {changed} ELSE {went} {came} END IF;"
        body = (
            f"BEGIN IF TG_OP = 'INSERT' THEN {came} ELSIF TG_OP = 'UPDATE' THEN {changed}"
            f" ELSE {went} END IF; RETURN NULL; END"
        )
        return (
            f"CREATE TABLE {self.images.sql}"
            ' (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, operation "char" NOT NULL,'
            f" {image_columns})",
            f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql"
            f" SET search_path = '' AS {literal(body)}",
            f"CREATE TRIGGER {quoted(self.trigger)} AFTER INSERT OR UPDATE OR DELETE ON {self.table.name.sql}"
            " FOR EACH ROW WHEN"
            f" (pg_catalog.current_setting('lockkeeper.capture', true) = {literal(capture)})"
            f" EXECUTE FUNCTION {function}()",
            f"ALTER TABLE {self.table.name.sql} ENABLE ALWAYS TRIGGER {quoted(self.trigger)}",
        )

    def copying(self) -> str:
        """The statement that keeps every row as if it were deleted, for what gets past triggers."""
        before = ", ".join(self.before(c) for c in self.columns)
        values = ", ".join(quoted(c) for c in self.columns)
        return f"INSERT INTO {self.images.sql} (operation, {before}) SELECT 'D', {values} FROM {self.written}"

    @property
    def written(self) -> str:
        """The table as FROM and TRUNCATE name it, with its partitions if it has some."""
        return self.table.name.sql if self.table.kind == "p" else f"ONLY {self.table.name.sql}"

    def rows_of(self, name: RelationName) -> str:
        """As FROM names a table to see what a foreign key at it, or one of its own, holds to."""
        return f"ONLY {name.sql}" if name in self.with_heirs else name.sql

    def removal(self) -> tuple[str, ...]:
        """The statements that end the capture; they take ACCESS EXCLUSIVE on the table."""
        function = f"{quoted(OUR_SCHEMA)}.{quoted(self.trigger)}"
        return (
            f"DROP TRIGGER IF EXISTS {quoted(self.trigger)} ON {self.table.name.sql}",
            f"DROP FUNCTION IF EXISTS {function}()",
        )

    @property
    def _lasting(self) -> tuple[str, ...]:
        """The columns that tell rows apart; without a key, those that no UPDATE could set back."""
        fixed = tuple(c for c in self.columns if c not in self.assignable)
        return self.table.key or fixed

    def netting(self) -> Action:
        """Works out what became of each row in all: one line a row, in the order of the first image."""
        if self.table.key:
            key = ", ".join(f"coalesce({self.before(c)}, {self.after(c)})" for c in self.table.key)
            first, last = (
                f"SELECT DISTINCT ON ({key}) i.*, ROW({key}) AS key FROM {self.images.sql} i"
                f" ORDER BY {key}, n {way}"
                for way in ("ASC", "DESC")
            )
            keys = "".join(
                f"coalesce(f.{self.before(c)}, f.{self.after(c)}) AS k{position}, "
                for position, c in enumerate(self.table.key)
            )
            before = ", ".join(f"f.{self.before(c)}" for c in self.columns)
            after = ", ".join(f"l.{self.after(c)}" for c in self.columns)
            source = f"FROM ({first}) f JOIN ({last}) l ON f.key = l.key"
            order = "f.n"
        else:
            keys = ""
            before = ", ".join(f"f.{self.before(c)}" for c in self.columns)
            after = ", ".join(f"l.{self.after(c)}" for c in self.columns)
            source = keyless_rows.chains(self)
            order = "f.n DESC"
        came, went = "f.operation = 'I'", "l.operation = 'D'"
        return Action(
            title=f"work out what became of the rows of {self.table.name}",
            sql=(
                f"CREATE TABLE {self.net.sql} AS SELECT row_number() OVER (ORDER BY {order}) AS n,"
                f" ({came}) AS came, ({went}) AS went, false AS is_restored,"
                f" {keys}{before}, {after} {source}",
                f"ALTER TABLE {self.net.sql} ADD PRIMARY KEY (n)",
                # Without it the planner takes a batch for a large part of the table, and reads all of both.
                f"ANALYZE {self.net.sql}",
            ),
            done=questions.relation_exists(self.net),
        )

    def restoring(self) -> Action:
        """Brings changed and deleted rows back in ranges of the net table; without a key, all in one go."""
        net = self.net.sql
        title = f"bring rows of {self.table.name} back"
        leaves = f"SELECT count(*) FROM {net} WHERE NOT is_restored"
        if not self.table.key:
            return Action(
                title=title,
                sql=(*self.parents_locked("true"), *keyless_rows.restored(self)),
                as_replica=True,
                leaves=leaves,
            )
        return Action(
            title=title, batches=self.in_ranges(self._restored_by_key), as_replica=True, leaves=leaves
        )

    def in_ranges(self, statements: Callable[[str], tuple[str, ...]]) -> Batches:
        """Statements over ranges of the net table; they are given a range's condition."""
        net = self.net.sql
        low = "n.n >= pg_catalog.current_setting('lockkeeper.low_1')::bigint"
        high = "n.n < pg_catalog.current_setting('lockkeeper.high_1')::bigint"
        return Batches(
            # Qualified: a bare name would mean the text beside SELECT, and 10 comes before 9 there.
            first=f"SELECT n.n::text FROM {net} n ORDER BY n.n LIMIT 1",
            next=f"SELECT n.n::text FROM {net} n WHERE {low} ORDER BY n.n"
            " OFFSET pg_catalog.current_setting('lockkeeper.batch_rows')::bigint LIMIT 1",
            between=statements(f"{low} AND {high}"),
            rest=statements(low),
            key_columns=1,
        )

    def by_key(self, row: str = "t", net: str = "n") -> str:
        """A row of the table is a row of the net table."""
        return " AND ".join(f"{row}.{quoted(c)} = {net}.k{place}" for place, c in enumerate(self.table.key))

    @property
    def is_as_left(self) -> str:
        """The row `t` is what the row `n` of the net table says that the statement left."""
        return " AND ".join(same(self.standing(c), f"n.{self.after(c)}") for c in self.columns)

    @property
    def left_so(self) -> str:
        """The row `t` is as the statement has left one, though a column may be of another type by now."""
        alike = (same(f"t.{quoted(c)}::text", f"i.{self.after(c)}::text") for c in self.columns)
        return f"EXISTS (SELECT FROM {self.images.sql} i WHERE {' AND '.join(alike)})"

    @property
    def restored(self) -> Restored:
        """What the way back brings again."""
        columns = tuple((column, self.before(column)) for column in self.columns)
        return Restored(table=self.table.name, rows=self.left_so, images=self.images, columns=columns)

    def _restored_by_key(self, span: str) -> tuple[str, ...]:
        table, into, net = self.table.own_rows, self.table.name.sql, self.net.sql
        by_key = self.by_key()
        all_columns = ", ".join(quoted(c) for c in self.columns)
        was_changed = {c: different(f"n.{self.before(c)}", f"n.{self.after(c)}") for c in self.columns}
        stands = {c: same(self.standing(c), f"n.{self.after(c)}") for c in self.columns}
        changed = [f"({was_changed[c]} AND {stands[c]})" for c in self.columns]
        overwritten = " OR ".join(
            # What is GENERATED ALWAYS cannot be written back, whoever wrote it.
            f"({was_changed[c]} AND NOT {stands[c]})" if c in self.assignable else f"({was_changed[c]})"
            for c in self.columns
        )
        assignments = ", ".join(
            f"{quoted(c)} = CASE WHEN {condition} THEN n.{self.before(c)} ELSE t.{quoted(c)} END"
            for c, condition in zip(self.columns, changed, strict=True)
            if c not in self.table.key and c in self.assignable
        )
        comes_back = dict(zip(self.columns, changed, strict=True))
        may_stand = " AND ".join(
            ["true", *self.parents_exist(comes_back), *self._values_are_free(comes_back)]
        )
        restored = f"UPDATE {net} SET is_restored = true FROM done WHERE {net}.n = done.n"
        statements = [
            f"SELECT count(*) FROM (SELECT FROM {table} t JOIN {net} n"
            f" ON {by_key} WHERE {span} FOR UPDATE OF t) q",
            *self.parents_locked(span),
        ]
        if assignments:
            statements += [
                f"WITH done AS (SELECT n.n FROM {table} t JOIN {net} n ON {by_key}"
                f" WHERE {span} AND NOT n.came AND NOT n.went AND NOT ({overwritten}) AND {may_stand})"
                f" {restored}",
                f"UPDATE {table} t SET {assignments} FROM {net} n WHERE {span} AND NOT n.came"
                f" AND NOT n.went AND {by_key} AND ({' OR '.join(changed)}) AND {may_stand}",
            ]
        statements += [
            f"WITH back AS (INSERT INTO {into} AS t ({all_columns}) OVERRIDING SYSTEM VALUE SELECT"
            f" {', '.join(f'n.{self.before(c)}' for c in self.columns)} FROM {net} n"
            f" WHERE {span} AND n.went AND NOT n.came AND {' AND '.join(['true', *self.parents_exist({})])}"
            f" ON CONFLICT DO NOTHING RETURNING {', '.join(f't.{quoted(c)}' for c in self.table.key)}),"
            f" done AS (SELECT n.n FROM {net} n JOIN back t ON {by_key} WHERE {span}) {restored}",
            f"UPDATE {net} n SET is_restored = true WHERE {span} AND n.came AND n.went",
        ]
        return tuple(statements)

    @property
    def assignable(self) -> tuple[str, ...]:
        """The columns that an UPDATE may set: all but those that are GENERATED ALWAYS AS IDENTITY."""
        fixed = {column.name for column in self._all_columns if column.identity == "a"}
        return tuple(column for column in self.columns if column not in fixed)

    def _own_foreign_keys(self) -> list[Constraint]:
        return [key for key in self.table.foreign_keys if set(key.columns) <= set(self.columns)]

    def parents_locked(self, span: str) -> list[str]:
        """Parents stay until the commit: foreign keys do not check while triggers are held still."""
        return [
            f"SELECT count(*) FROM (SELECT FROM {self.rows_of(key.referenced)} p JOIN {self.net.sql} n ON "
            + " AND ".join(
                f"p.{quoted(theirs)} = n.{self.before(mine)}"
                for theirs, mine in zip(key.referenced_columns, key.columns, strict=True)
            )
            + f" WHERE {span} FOR KEY SHARE OF p) q"
            for key in self._own_foreign_keys()
            if key.referenced is not None
        ]

    def parents_exist(self, comes_back: Mapping[str, str]) -> list[str]:
        """For each foreign key: what the former values of the row `n` point at is there.

        One that is NOT VALID lets old rows point at nothing, and those are old.
        """
        keys = (key for key in self._own_foreign_keys() if key.is_validated)
        return [self._parent_exists(key, comes_back) for key in keys]

    def _parent_exists(self, key: Constraint, comes_back: Mapping[str, str]) -> str:
        """`comes_back` tells, by column, when its former value is written; without it, it always is."""
        assert key.referenced is not None
        empty = " OR ".join(f"n.{self.before(c)} IS NULL" for c in key.columns)
        if comes_back:
            empty += f" OR NOT ({' OR '.join(comes_back[c] for c in key.columns)})"
        pairs = list(zip(key.referenced_columns, key.columns, strict=True))
        there = " AND ".join(f"p.{quoted(theirs)} = n.{self.before(mine)}" for theirs, mine in pairs)
        condition = f"{empty} OR EXISTS (SELECT FROM {self.rows_of(key.referenced)} p WHERE {there})"
        if key.referenced == self.table.name:
            coming = " AND ".join(
                f"m.{self.before(theirs)} = n.{self.before(mine)}" for theirs, mine in pairs
            )
            condition += f" OR EXISTS (SELECT FROM {self.net.sql} m WHERE m.went AND {coming})"
        return f"({condition})"

    def _values_are_free(self, comes_back: Mapping[str, str]) -> list[str]:
        """For each unique index: no other row has taken the former values meanwhile."""
        conditions = []
        for index in self.table.indexes:
            columns = index.key_columns
            if (
                not index.is_unique
                or index.is_primary
                or not columns
                or not set(columns) <= set(self.columns)
            ):
                continue
            taken = " AND ".join(f"o.{quoted(c)} = n.{self.before(c)}" for c in columns)
            other = " OR ".join(f"o.{quoted(c)} <> n.{self.before(c)}" for c in self.table.key)
            stays = f"NOT ({' OR '.join(comes_back[c] for c in columns)})"
            conditions.append(
                f"({stays} OR NOT EXISTS (SELECT FROM {self.table.own_rows} o WHERE {taken} AND ({other})))"
            )
        return conditions


def closure(
    catalog: Catalog, written: Table, *, deletes: bool, updated: frozenset[str], is_alone: bool = False
) -> tuple[Table, ...]:
    """The tables whose rows a statement may change, through foreign-key actions too, parents first.

    It reaches all that inherits from the table, unless it says ONLY; a foreign key's action never does.
    """
    heirs = () if is_alone else family.heirs(catalog, written.name)
    found: dict[RelationName, Table] = {table.name: table for table in (written, *heirs)}
    waiting = [(name, deletes, updated) for name in found]
    walked = set()
    while waiting:
        # The same table may be reached in several ways, and each leads on to others.
        if waiting[-1] in walked:
            waiting.pop()
            continue
        walked.add(waiting[-1])
        name, is_delete, columns = waiting.pop()
        # A foreign key to a partitioned table acts on rows of its partitions, and the other way round.
        tree = (name, *family.above(catalog, name), *(each.name for each in family.below(catalog, name)))
        for reference in (each for table in tree for each in catalog.referencing(table)):
            key = reference.constraint
            acts = key.on_delete if is_delete else key.on_update
            reaches = is_delete or columns & set(key.referenced_columns)
            if acts not in "cnd" or not reaches:
                continue
            found[reference.table] = catalog.tables[reference.table]
            cascades = is_delete and acts == "c"
            waiting.append((reference.table, cascades, frozenset(key.columns)))
    return parents_first(family.whole(catalog, found.values()))


def parents_first(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """Tables in an order in which each comes after those that it points at, cycles aside."""
    left = sorted(tables, key=lambda table: table.name)
    ordered: list[Table] = []
    while left:
        names = {table.name for table in left}
        ready = [
            table
            for table in left
            if not any(k.referenced in names - {table.name} for k in table.foreign_keys)
        ] or left[:1]
        ordered += ready
        left = [table for table in left if table not in ready]
    return tuple(ordered)
