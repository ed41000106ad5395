"""A database's catalog, read in a fixed number of queries whatever the number of tables.

Reads the catalogs alone, never a row of a table, and needs no privilege: pg_catalog is readable
by every role. Sizes take ACCESS SHARE on each table; where that cannot be had, they
are the estimates of the last VACUUM or ANALYZE.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from psycopg import errors

from workorders.migration.catalog import scope as scopes
from workorders.migration.catalog import tables
from workorders.migration.catalog.members import Member
from workorders.migration.catalog.queries import Reading, queries, reading
from workorders.migration.catalog.scope import Scope
from workorders.migration.catalog.settled import BY_SETTINGS
from workorders.migration.catalog.snapshot import Catalog, Identity
from workorders.migration.catalog.types import Cast, Types
from workorders.migration.connections import Database
from workorders.migration.names import RelationName

_QUERIES = queries("read.sql")

_Row: TypeAlias = Mapping[str, Any]

#: Settings that change what a statement means or what it leaves behind.
MEANINGFUL_SETTINGS = (
    "search_path",
    "TimeZone",
    "DateStyle",
    "IntervalStyle",
    "timezone_abbreviations",
    "standard_conforming_strings",
    "backslash_quote",
    "array_nulls",
    "transform_null_equals",
    "extra_float_digits",
    "bytea_output",
    "xmlbinary",
    "xmloption",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "default_text_search_config",
    "default_tablespace",
    "default_table_access_method",
    "default_toast_compression",
    "default_transaction_isolation",
    "check_function_bodies",
    "row_security",
    "session_replication_role",
)


def read(database: Database, words: Collection[str] | None = None) -> Catalog:
    """The catalog as the role sees it, without system schemas, OUR_SCHEMA and temporary objects.

    With `words`, its tables are those that a script of these words can concern (`scope`), and
    those beside them; its names are all names. The rest costs nothing then.

    What is ours outside OUR_SCHEMA (`names.is_ours`) is in it. Consistent within itself: one
    REPEATABLE READ transaction, or the caller's. Leaves the session's settings as they were.
    `settings` holds MEANINGFUL_SETTINGS as a new session of this role would have them, and the
    role's and the database's own settings with a dot in their name.
    Raises Blocked as `reading` does.
    """
    with reading(database) as view:
        around = None if words is None else scopes.around(view, words)
        session = view.rows(_QUERIES["session"])[0]
        volatility = view.rows(_QUERIES["volatility"], by_settings=list(BY_SETTINGS))[0]
        domains = view.rows(_QUERIES["constrained_domains"])
        published = view.rows(_QUERIES["publications"])
        return Catalog(
            identity=Identity(system_identifier=_system_identifier(view), database=session["database"]),
            server_version=session["server_version"],
            search_path=view.search_path,
            role=session["role"],
            role_is_superuser=session["is_superuser"],
            role_sets_replication_role=session["sets_replication_role"],
            tables=tables.read(view, _sizes(view, around), around),
            relation_names=_by_schema(view.tuples(_QUERIES["relation_names"])),
            constraint_names=_by_schema(view.tuples(_QUERIES["constraint_names"])),
            schemas=frozenset(row["name"] for row in view.rows(_QUERIES["schemas"])),
            immutable_functions=frozenset(volatility["immutable"]),
            settled_functions=frozenset(volatility["settled"]),
            stable_functions=frozenset(volatility["stable"]),
            volatile_functions=frozenset(volatility["volatile"]),
            procedural_functions=frozenset(volatility["procedural"] or ()),
            constrained_domains=frozenset(row["name"] for row in domains),
            not_null_domains=frozenset(row["name"] for row in domains if row["forbids_null"]),
            publications=frozenset(row["name"] for row in published),
            publishing_changes=frozenset(row["name"] for row in published if row["publishes_changes"]),
            types=_types(view),
            enums={_name(row): tuple(row["labels"]) for row in view.rows(_QUERIES["enums"])},
            settings={
                row["name"]: row["value"]
                for row in view.rows(_QUERIES["settings"], names=list(MEANINGFUL_SETTINGS))
            },
        )


def creatable_extensions(database: Database, names: Collection[str]) -> Mapping[str, bool | None]:
    """Whether the role may create each of these; None where the server has no such. Raises Blocked."""
    with reading(database) as view:
        found = {
            row["name"]: row["may"]
            for row in view.rows(_QUERIES["creatable_extensions"], extensions=sorted(names))
        }
    return {name: found.get(name) for name in names}


def extension_members(database: Database, names: Collection[str]) -> Mapping[str, tuple[Member, ...]]:
    """What belongs to these extensions, by their names. Raises Blocked as `reading` does."""
    found: dict[str, list[Member]] = {name: [] for name in names}
    with reading(database) as view:
        for row in view.rows(_QUERIES["extension_members"], extensions=sorted(names)):
            name = RelationName(schema=row["schema"], name=row["name"])
            found[row["extension"]].append(Member(kind=row["kind"], name=name))
    return {name: tuple(members) for name, members in found.items()}


def identity(database: Database) -> Identity:
    """Which database this is.

    The system identifier is the cluster's own; where the role may not execute
    `pg_control_system`, it is `hash-` and a digest of the database's oid and name, the template
    databases and the version, which is stable but could be the same in a copy of the cluster.
    """
    with reading(database) as view:
        session = view.rows(_QUERIES["session"])[0]
        return Identity(system_identifier=_system_identifier(view), database=session["database"])


def sizes(database: Database, names: Collection[RelationName]) -> dict[RelationName, int]:
    """Bytes of each table (heap, TOAST, indexes) or index; those that do not exist are left out."""
    wanted = list(names)
    with reading(database) as view:
        rows = view.rows(
            _QUERIES["sizes_of"],
            schemas=[name.schema for name in wanted],
            names=[name.name for name in wanted],
        )
    return {_name(row): row["size_bytes"] for row in rows}


def _system_identifier(view: Reading) -> str:
    try:
        with view.attempt():
            return str(view.rows(_QUERIES["identity"])[0]["system_identifier"])
    except errors.InsufficientPrivilege:
        facts = view.rows(_QUERIES["identity_without_control"])[0]
        return "hash-" + hashlib.sha256(repr(sorted(facts.items())).encode()).hexdigest()[:20]


def _types(view: Reading) -> Types:
    rows = view.rows(_QUERIES["types"])
    casts = view.rows(_QUERIES["casts"])
    return Types(
        names={_name(row): row["written"] for row in rows},
        categories={row["written"]: row["category"] for row in rows},
        bases={row["written"]: row["base"] for row in rows if row["base"] is not None},
        casts=frozenset(Cast(source=row["source"], target=row["target"]) for row in casts),
        assignments=frozenset(
            Cast(source=row["source"], target=row["target"]) for row in casts if row["is_assigned"]
        ),
        free=frozenset(Cast(source=row["source"], target=row["target"]) for row in casts if row["is_free"]),
    )


def _sizes(view: Reading, scope: Scope | None) -> dict[int, int]:
    try:
        with view.attempt():
            relations = None if scope is None else scope.relations
            rows = view.rows_of(_QUERIES["sizes"], "relation", relations)
    except errors.LockNotAvailable:
        rows = view.rows(_QUERIES["estimated_sizes"])
    # A relation dropped meanwhile has no size any more.
    return {row["oid"]: row["size_bytes"] or 0 for row in rows}


def _by_schema(rows: Iterable[tuple[str, ...]]) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for schema, name in rows:
        found[schema].add(name)
    return {schema: frozenset(names) for schema, names in found.items()}


def _name(row: _Row) -> RelationName:
    return RelationName(schema=row["schema"], name=row["name"])
