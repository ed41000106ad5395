"""A database's catalog as values: what the planner decides from, without a connection."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from workorders.migration.catalog.archive import Archive
from workorders.migration.catalog.attached import Dependant, Statistics, Trigger
from workorders.migration.catalog.members import Member
from workorders.migration.catalog.types import Types
from workorders.migration.names import RelationName


@dataclass(frozen=True, kw_only=True)
class Column:
    """A live column of a table, in the table's order."""

    name: str
    #: As `format_type` writes it, e.g. `character varying(50)`; schema-qualified if not in pg_catalog.
    type: str
    not_null: bool = False
    #: The name of the NOT NULL constraint (18 and later), else None.
    not_null_name: str | None = None
    #: False for a NOT NULL NOT VALID (18 and later): `not_null` holds for new rows only.
    is_not_null_validated: bool = True
    #: False where only parents demand it (18 and later): it goes with theirs.
    is_not_null_local: bool = True
    #: As `pg_get_expr` writes it; None for identity and generated columns.
    default: str | None = None
    #: "" no, "a" always, "d" by default (`attidentity`).
    identity: str = ""
    #: "" no, "s" stored, "v" virtual (`attgenerated`).
    generated: str = ""
    #: The generation expression, where `generated`.
    generation: str | None = None
    #: The collation's schema-qualified name where it is not the type's own, else None.
    collation: str | None = None
    #: Sequences owned by the column (serial and identity).
    owned_sequences: tuple[RelationName, ...] = ()
    #: The column's type is a domain, or an array of one.
    is_domain: bool = False
    #: A NOT NULL holds through the type itself.
    is_not_null_domain: bool = False
    #: A parent has it too, so it cannot be dropped or altered here alone.
    is_inherited: bool = False
    #: It is the table's own, too, and stays when the parents' goes (`attislocal`).
    is_local: bool = True
    comment: str | None = None
    #: `attstorage` and `attcompression` where they are not the type's own; a change of type resets them.
    storage: str = ""
    compression: str = ""
    #: None where `default_statistics_target` holds.
    statistics_target: int | None = None
    #: As `name=value`.
    options: tuple[str, ...] = ()
    #: Privileges on this column alone, each as `SELECT TO "role" WITH GRANT OPTION`, in parts.
    grants: tuple[ColumnGrant, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ColumnGrant:
    """A privilege on one column."""

    #: SELECT, INSERT, UPDATE or REFERENCES.
    privilege: str
    #: A role's name; None for PUBLIC.
    grantee: str | None
    is_grantable: bool = False


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """A table's constraint of any kind but NOT NULL."""

    name: str
    #: c check, f foreign key, p primary key, u unique, x exclude, t constraint trigger (`contype`).
    kind: str
    #: As `pg_get_constraintdef` writes it, NOT VALID and NOT ENFORCED left out.
    definition: str
    #: The table's own columns in it, in its order; for a check, those that it reads.
    columns: tuple[str, ...] = ()
    is_validated: bool = True
    is_no_inherit: bool = False
    #: False for NOT ENFORCED (18 and later).
    is_enforced: bool = True
    is_deferrable: bool = False
    is_initially_deferred: bool = False
    #: A foreign key that allows no mixture of values and NULLs.
    is_match_full: bool = False
    #: A parent has it too, so it cannot be dropped here alone.
    is_inherited: bool = False
    #: It is the table's own, too, and stays when the parents' goes (`conislocal`).
    is_local: bool = True
    #: The index behind it (p, u, x), in the table's schema.
    index: str | None = None
    #: Where a foreign key points, and what it does there: `a r c n d` as `confdeltype`.
    referenced: RelationName | None = None
    referenced_columns: tuple[str, ...] = ()
    #: The unique index there that a foreign key needs, in that table's schema.
    referenced_index: str | None = None
    on_delete: str = "a"
    on_update: str = "a"
    comment: str | None = None


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index of a table."""

    name: str
    #: As `pg_get_indexdef` writes it: a complete statement.
    definition: str
    #: All columns that it reads: key, included, in expressions and in the predicate.
    columns: tuple[str, ...] = ()
    #: Plain key columns in order; an expression is an empty string.
    key_columns: tuple[str, ...] = ()
    is_unique: bool = False
    is_primary: bool = False
    is_valid: bool = True
    is_replica_identity: bool = False
    is_clustered: bool = False
    #: The constraint that it belongs to.
    constraint: str | None = None
    #: The access method, e.g. `btree`.
    method: str = "btree"
    #: It is attached to an index of the partitioned parent.
    is_inherited: bool = False
    #: That index.
    attached_to: RelationName | None = None
    #: Made by the script that is being planned.
    is_new: bool = False
    size_bytes: int = 0
    comment: str | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """A relation with rows, or a view (then only name, kind and columns are filled)."""

    name: RelationName
    #: r table, p partitioned, f foreign, v view, m materialised view (`relkind`).
    kind: str = "r"
    #: p permanent, u unlogged, t temporary (`relpersistence`).
    persistence: str = "p"
    owner: str = ""
    columns: tuple[Column, ...] = ()
    #: Columns that the script being planned has dropped: still there, under names of ours.
    hidden: tuple[Column, ...] = ()
    #: What such columns keep until they are purged and rows still feel: foreign keys, unique indexes.
    hidden_constraints: tuple[Constraint, ...] = ()
    hidden_indexes: tuple[Index, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    #: Extended statistics objects: their definitions, with the columns that they read.
    statistics: tuple[Statistics, ...] = ()
    dependants: tuple[Dependant, ...] = ()
    is_partition: bool = False
    #: As `pg_get_partkeydef` writes it, e.g. `RANGE (k)`, for a partitioned table.
    partition_key: str | None = None
    #: E.g. `FOR VALUES FROM (0) TO (100)`, for a partition.
    partition_bound: str | None = None
    #: What it inherits from, or is a partition of, in order.
    parents: tuple[RelationName, ...] = ()
    #: What inherits from it, or is a partition of it; sorted.
    children: tuple[RelationName, ...] = ()
    has_row_security: bool = False
    forces_row_security: bool = False
    #: d default, n nothing, f full, i index (`relreplident`).
    replica_identity: str = "d"
    #: Publications that carry it, FOR ALL TABLES included.
    publications: tuple[str, ...] = ()
    #: Heap, TOAST and indexes.
    size_bytes: int = 0
    #: `reltuples`; -1 where never analysed.
    estimated_rows: int = -1
    #: False for a materialised view that nobody has filled yet.
    is_populated: bool = True
    #: Created by the script that is being planned: no rows yet, nobody waits for it.
    is_new: bool = False
    #: New, and made from a query: what columns it will have is not known before it is there.
    is_unread: bool = False

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def constraint(self, name: str) -> Constraint | None:
        """The constraint of that name, or None."""
        return next((constraint for constraint in self.constraints if constraint.name == name), None)

    @property
    def constraint_names(self) -> frozenset[str]:
        """The names of all its constraints, NOT NULL included."""
        not_null = (column.not_null_name for column in self.columns if column.not_null_name)
        return frozenset((*(constraint.name for constraint in self.constraints), *not_null))

    @property
    def index_names(self) -> tuple[str, ...]:
        """The names of all its indexes, those behind constraints included."""
        behind = (constraint.index for constraint in self.constraints if constraint.index is not None)
        return tuple(dict.fromkeys((*(index.name for index in self.indexes), *behind)))

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell a row from every other: the primary key's, or () without one."""
        for constraint in self.constraints:
            if constraint.kind == "p":
                return constraint.columns
        return ()

    @property
    def identity(self) -> tuple[str, ...] | None:
        """The columns by which subscribers tell its rows apart; None where it has no replica identity."""
        if self.replica_identity == "f":
            return tuple(column.name for column in self.columns)
        if self.replica_identity == "i":
            return next((each.key_columns for each in self.indexes if each.is_replica_identity), None)
        keys = (each for each in self.constraints if each.kind == "p" and not each.is_deferrable)
        return next((each.columns for each in keys), None) if self.replica_identity == "d" else None

    @property
    def is_heir(self) -> bool:
        """It inherits from other tables (INHERITS), and is no partition."""
        return bool(self.parents) and not self.is_partition

    @property
    def has_heirs(self) -> bool:
        """Other tables inherit from it (INHERITS): what reads it without ONLY reads their rows, too."""
        return bool(self.children) and self.kind != "p"

    @property
    def own_rows(self) -> str:
        """As FROM, UPDATE and DELETE name it to reach its own rows alone, those of partitions included."""
        return f"ONLY {self.name.sql}" if self.has_heirs else self.name.sql

    @property
    def foreign_keys(self) -> tuple[Constraint, ...]:
        """The foreign keys that the table itself has."""
        return tuple(constraint for constraint in self.constraints if constraint.kind == "f")


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which database this is, whoever names it."""

    #: `pg_control_system().system_identifier`; as text, it has 19 digits.
    system_identifier: str
    database: str

    def __str__(self) -> str:
        return f"{self.system_identifier}/{self.database}"


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """What a script is planned on. Tables of OUR_SCHEMA are not in it."""

    identity: Identity
    #: `server_version_num`, e.g. 180006.
    server_version: int
    #: `current_schemas(false)`: the schemas in which an unqualified name is looked up.
    search_path: tuple[str, ...]
    #: The role that reads it, and what it may.
    role: str
    role_is_superuser: bool = False
    role_sets_replication_role: bool = False
    tables: Mapping[RelationName, Table] = field(default_factory=dict)
    #: Every name taken in pg_class, by schema: tables, indexes, sequences, views.
    relation_names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: Every constraint's name, by schema.
    constraint_names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    schemas: frozenset[str] = frozenset()
    #: Functions, by unqualified name, whose every overload is immutable.
    immutable_functions: frozenset[str] = frozenset()
    #: The same, or the server's own whose results change with `settled.SETTINGS` alone.
    settled_functions: frozenset[str] = frozenset()
    #: Functions, by unqualified name, with a stable overload.
    stable_functions: frozenset[str] = frozenset()
    #: Functions, by unqualified name, with a volatile overload.
    volatile_functions: frozenset[str] = frozenset()
    #: Functions, by unqualified name, with an overload in PL/pgSQL.
    procedural_functions: frozenset[str] = frozenset()
    #: The user's functions, by unqualified name, that this script's twins are kept in step through.
    called_by_twins: frozenset[str] = frozenset()
    #: The user's functions that rows are counted with before a rollback of this script.
    called_by_counts: frozenset[RelationName] = frozenset()
    #: Functions, by unqualified name, that those name in their bodies.
    named_by_counts: frozenset[str] = frozenset()
    #: Functions that this script has dropped, and that stay in their place until the purge.
    left_in_place: frozenset[RelationName] = frozenset()
    #: Extensions that it has dropped, which stay as well.
    left_extensions: frozenset[str] = frozenset()
    #: What belongs to each extension that the script drops.
    extension_members: Mapping[str, tuple[Member, ...]] = field(default_factory=dict)
    #: Of extensions that the script creates: whether the role may; None where the server has no such.
    creatable_extensions: Mapping[str, bool | None] = field(default_factory=dict)
    #: Types, by unqualified name, that the triggers of this script's twins say.
    types_of_twins: frozenset[str] = frozenset()
    #: Domains, by unqualified name, that have a CHECK or NOT NULL of their own or of what they stand on.
    constrained_domains: frozenset[str] = frozenset()
    #: Those among them that do not take NULL.
    not_null_domains: frozenset[str] = frozenset()
    #: Publications, and those of them that publish UPDATE or DELETE.
    publications: frozenset[str] = frozenset()
    publishing_changes: frozenset[str] = frozenset()
    #: Enum types with their labels in order.
    enums: Mapping[RelationName, tuple[str, ...]] = field(default_factory=dict)
    #: `name = value` of the settings of the role and the database that change what SQL means.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: What pg_dump says of every object; None where no statement of the script needs it.
    archive: Archive | None = None
    #: Types and the casts between them.
    types: Types = field(default_factory=Types)

    @property
    def major(self) -> int:
        """The server's major version, e.g. 18."""
        return self.server_version // 10000

    def volatile(self, called: Iterable[str]) -> frozenset[str]:
        """Those of some functions that may be volatile: unknown ones, as of an extension to come, too."""
        known = self.immutable_functions | self.stable_functions
        return frozenset(name for name in called if name in self.volatile_functions or name not in known)

    def find(self, schema: str | None, name: str) -> Table | None:
        """The table that a statement means, through the search path if unqualified."""
        schemas = (schema,) if schema else self.search_path
        for candidate in schemas:
            table = self.tables.get(RelationName(schema=candidate, name=name))
            if table is not None:
                return table
        return None

    def with_table(self, table: Table) -> Catalog:
        """The catalog after a table has changed or come to be, with the names that are taken by then."""
        tables = {**self.tables, table.name: table}
        schema = table.name.schema
        was = self.tables.get(table.name, Table(name=table.name))
        names = self.relation_names.get(schema, frozenset()) - {index.name for index in was.indexes}
        names |= {table.name.name, *(index.name for index in table.indexes)}
        # Two tables may each have a constraint of the same name.
        others = (each for each in tables.values() if each.name.schema == schema)
        constraints = self.constraint_names.get(schema, frozenset()) - was.constraint_names
        constraints = constraints.union(*(each.constraint_names for each in others))
        return replace(
            self,
            tables=tables,
            relation_names={**self.relation_names, schema: names},
            constraint_names={**self.constraint_names, schema: constraints},
        )

    def without_tables(self, gone: Collection[RelationName]) -> Catalog:
        """The catalog after tables have gone with all that is theirs: their names are free by then."""
        left = {name: table for name, table in self.tables.items() if name not in gone}
        for name, table in left.items():
            left[name] = replace(
                table,
                children=tuple(child for child in table.children if child not in gone),
                dependants=tuple(each for each in table.dependants if each.relation not in gone),
            )
        relations, constraints = dict(self.relation_names), dict(self.constraint_names)
        for name in gone:
            table, schema = self.tables[name], name.schema
            sequences = (each for column in table.columns for each in column.owned_sequences)
            freed = {name.name, *table.index_names, *(each.name for each in sequences)}
            relations[schema] = relations.get(schema, frozenset()) - freed
            # Two tables may each have a constraint of the same name.
            others = (each.constraint_names for each in left.values() if each.name.schema == schema)
            kept = constraints.get(schema, frozenset()) - table.constraint_names
            constraints[schema] = kept.union(*others)
        return replace(self, tables=left, relation_names=relations, constraint_names=constraints)

    def without_entries(self, table: RelationName, parts: Collection[str]) -> Catalog:
        """The catalog whose archive has these indexes and constraints of a table no more."""
        if self.archive is None:
            return self
        return replace(self, archive=self.archive.without_parts(table.schema, table.name, parts))

    def referencing(self, name: RelationName) -> tuple[Reference, ...]:
        """The foreign keys of any table that point at this one, itself included."""
        return tuple(
            Reference(table=table.name, constraint=constraint)
            for table in self.tables.values()
            for constraint in table.foreign_keys
            if constraint.referenced == name
        )


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A foreign key, seen from the table that it points at."""

    table: RelationName
    constraint: Constraint
