"""All of a database's schema as one canonical value, and its hash.

What is in it is what a DROP and CREATE by hand would have to give back: names, definitions,
owners, privileges, comments, validity, order of columns. What is not: data (rows, how far a
sequence has counted, whether a materialised view is filled), what is physical (oids, attnums,
file nodes), event triggers, and what belongs to the cluster (roles, tablespaces, databases).
Members of an extension are stood for by the extension. Ours is left out (`names.OUR_SCHEMA`,
`names.is_ours`).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, cast

from workorders.migration.catalog.queries import Reading, narrowed, queries, reading
from workorders.migration.connections import Database
from workorders.migration.names import OUR_SCHEMA, RelationName, is_ours, quoted

#: What an attribute may be.
Value: TypeAlias = str | int | bool | list[str]

_ABOUT = queries("fingerprint.sql")
_KINDS = {
    kind: query
    for kind, query in {**_ABOUT, **queries("fingerprint_programs.sql")}.items()
    if kind not in ("classes", "members", "comments", "privileges")
}

#: Columns of every query that are not attributes.
_ADDRESS = {
    *("class", "object", "sub", "row_type"),
    *("kind", "schema", "relation", "name", "arguments"),
    *("of_schema", "of_relation"),
}

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

#: The attribute that says which relation an object belongs to: its schema and its name.
BELONGS_TO = "belongs to"


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Every object of a schema by its key, e.g. `column public.t.a`, with its attributes.

    A key is the kind and the name, each part in double quotes unless it is a plain lower-case word,
    so that no two objects share one. An attribute that has its usual value is absent.
    """

    objects: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 over the canonical JSON, as 64 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def of(self, relations: Collection[RelationName]) -> Fingerprint:
        """Only the relations named and what belongs to them: columns, constraints, indexes, sequences."""
        wanted = {(name.schema, name.name) for name in relations}
        return Fingerprint(
            objects={
                key: attributes
                for key, attributes in self.objects.items()
                if tuple(cast("list[str]", attributes.get(BELONGS_TO, []))) in wanted
            }
        )

    def to_json(self) -> str:
        """Canonical: keys sorted, no white space, so that equal fingerprints are equal texts."""
        return json.dumps(self.objects, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Fingerprint:
        """What `to_json` wrote."""
        return cls(objects=json.loads(text))


class _Address(NamedTuple):
    """An object as pg_depend knows it."""

    class_oid: int
    oid: int
    #: A column's attnum; 0 for the whole object.
    sub: int


def read(database: Database, of: Collection[RelationName] | None = None) -> Fingerprint:
    """The whole database's fingerprint, read in one query for each kind of object.

    With `of`, the same as the whole one's `of` gives, without reading the rest.

    Needs no privilege. Raises Blocked as `reading` does: a view's definition takes
    ACCESS SHARE on what the view reads.
    """
    with reading(database) as view:
        return Fingerprint(objects=dict(sorted(_objects(view, of))))


def _rows(view: Reading, query: str, of: Collection[RelationName] | None) -> list[dict[str, Any]]:
    if of is None:
        return view.rows(query)
    names = sorted(of)
    those = (
        "(q.of_schema, q.of_relation) IN (SELECT * FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]),"
        " pg_catalog.unnest(%(names)s::text[])) AS wanted)"
    )
    schemas, tables = [name.schema for name in names], [name.name for name in names]
    return view.rows(narrowed(query, those), schemas=schemas, names=tables)


def _objects(view: Reading, of: Collection[RelationName] | None) -> Iterator[_Object]:
    members = {(row["class"], row["object"]) for row in view.rows(_ABOUT["members"])}
    comments = {_address(row): row["comment"] for row in view.rows(_ABOUT["comments"])}
    privileges = {_address(row): row["privileges"] for row in view.rows(_ABOUT["privileges"])}
    types = view.rows(_ABOUT["classes"])[0]["types"]
    for kind, query in _KINDS.items():
        # Position counts the columns that stay: a dropped column or one of ours leaves no gap.
        places: Counter[int] = Counter()
        for row in _rows(view, query, of):
            address = _address(row)
            if (address.class_oid, address.oid) in members or _is_excluded(kind, row):
                continue
            attributes = {
                name: value for name, value in row.items() if value is not None and name not in _ADDRESS
            }
            if row["of_relation"] is not None:
                attributes[BELONGS_TO] = [row["of_schema"], row["of_relation"]]
            if kind == "column":
                places[address.oid] += 1
                attributes["position"] = places[address.oid]
            if address in comments:
                attributes["comment"] = comments[address]
            if address in privileges:
                attributes["privileges"] = privileges[address]
            if row.get("row_type"):
                # What is said of a composite type hangs on its pg_type row.
                of_type = _Address(types, row["row_type"], 0)
                if of_type in comments:
                    attributes["comment"] = comments[of_type]
                if of_type in privileges:
                    attributes["type privileges"] = privileges[of_type]
            yield _Object(_key(kind, row), attributes)


class _Object(NamedTuple):
    """A key and its attributes."""

    key: str
    attributes: dict[str, Value]


def _address(row: Mapping[str, Any]) -> _Address:
    return _Address(row["class"], row["object"], row["sub"])


def _is_excluded(kind: str, row: Mapping[str, Any]) -> bool:
    """Whether it is ours: by its schema, its own name, its relation's or its column's."""
    if OUR_SCHEMA in (row["schema"], row["of_schema"]):
        return True
    if kind == "schema":
        return bool(row["name"] == OUR_SCHEMA)
    if kind == "default_privileges":
        # Its name is a role's.
        return False
    return any(
        name is not None and is_ours(name)
        for name in (row["name"], row["relation"], row["of_relation"], row.get("of_column"))
    )


def _key(kind: str, row: Mapping[str, Any]) -> str:
    parts = (row["schema"], row["relation"], row["name"])
    name = ".".join(_written(part) for part in parts if part is not None)
    arguments = "" if row["arguments"] is None else f"({row['arguments']})"
    return f"{row.get('kind') or kind.replace('_', ' ')} {name}{arguments}"


def column_key(table: RelationName, column: str) -> str:
    """The key of a table's column."""
    return f"column {_written(table.schema)}.{_written(table.name)}.{_written(column)}"


def _written(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quoted(name)
