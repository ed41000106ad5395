"""The tables of a catalog, put together from one query for each kind of part."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from workorders.migration.catalog.attached import Statistics, Trigger
from workorders.migration.catalog.dependants import dependants_of
from workorders.migration.catalog.queries import Reading, queries
from workorders.migration.catalog.scope import Scope
from workorders.migration.catalog.snapshot import Column, ColumnGrant, Constraint, Index, Table
from workorders.migration.names import RelationName

_QUERIES = queries("tables.sql")

_Row: TypeAlias = Mapping[str, Any]
_Part = TypeVar("_Part")

#: Written by the server at the end of a definition; `is_validated` and `is_enforced` say it.
_STATES = (" NOT VALID", " NOT ENFORCED")


def read(view: Reading, sizes: Mapping[int, int], scope: Scope | None = None) -> dict[RelationName, Table]:
    """Every table and view, or those of a scope, by name. `sizes` are bytes by oid."""
    return _Assembly(view, sizes, scope).tables()


class _Assembly:
    """What all tables' parts need to know of each other: names by oid and by attnum."""

    def __init__(self, view: Reading, sizes: Mapping[int, int], scope: Scope | None) -> None:
        self._view = view
        self._sizes = sizes
        #: None for all.
        self._scope = None if scope is None else scope.relations
        self._rows = view.rows_of(_QUERIES["tables"], "oid", self._scope)
        self._names = {
            oid: RelationName(schema=schema, name=name)
            for oid, schema, name in view.tuples(_QUERIES["names"])
        }
        named = None if scope is None else scope.with_columns
        self._column_rows = view.rows_of(_QUERIES["columns"], "relation", named)
        self._columns: defaultdict[int, dict[int, str]] = defaultdict(dict)
        for row in self._column_rows:
            self._columns[row["relation"]][row["attnum"]] = row["name"]

    def tables(self) -> dict[RelationName, Table]:
        columns = self._read_columns()
        constraints = self._parts("constraints", self._constraint)
        indexes = self._parts("indexes", self._index)
        triggers = self._parts("triggers", self._trigger)
        statistics = self._parts("statistics", self._statistics)
        publications = self._parts("publications", lambda row: str(row["name"]))
        dependants = dependants_of(self._view, self._names, self._columns, self._scope)
        parents, children = self._inheritance()
        tables = {}
        # In order of their names: a plan, and so its digest, must not depend on how the catalog lies.
        for row in sorted(self._rows, key=lambda row: (row["schema"], row["name"])):
            oid = row["oid"]
            name = self._names[oid]
            tables[name] = Table(
                name=name,
                kind=row["kind"],
                persistence=row["persistence"],
                owner=row["owner"],
                columns=columns.get(oid, ()),
                constraints=constraints.get(oid, ()),
                indexes=indexes.get(oid, ()),
                triggers=triggers.get(oid, ()),
                statistics=statistics.get(oid, ()),
                dependants=dependants.get(oid, ()),
                is_partition=row["is_partition"],
                is_populated=row["is_populated"],
                partition_key=row["partition_key"],
                partition_bound=row["partition_bound"],
                parents=tuple(parents.get(oid, ())),
                children=tuple(sorted(children.get(oid, ()))),
                has_row_security=row["has_row_security"],
                forces_row_security=row["forces_row_security"],
                replica_identity=row["replica_identity"],
                publications=publications.get(oid, ()),
                size_bytes=self._sizes.get(oid, 0),
                estimated_rows=row["estimated_rows"],
            )
        return tables

    def _parts(self, query: str, make: Callable[[_Row], _Part]) -> dict[int, tuple[_Part, ...]]:
        """One query's rows as values, by the oid of their table, in the query's order."""
        found: defaultdict[int, list[_Part]] = defaultdict(list)
        for row in self._view.rows_of(_QUERIES[query], "relation", self._scope):
            if row["relation"] in self._names:
                found[row["relation"]].append(make(row))
        return {oid: tuple(parts) for oid, parts in found.items()}

    def _read_columns(self) -> dict[int, tuple[Column, ...]]:
        refusing = {row["oid"] for row in self._view.rows(_QUERIES["not_null_domains"])}
        sequences: defaultdict[tuple[int, int], list[RelationName]] = defaultdict(list)
        for row in self._view.rows_of(_QUERIES["owned_sequences"], "relation", self._scope):
            sequences[row["relation"], row["attnum"]].append(_name(row))
        found: defaultdict[int, list[Column]] = defaultdict(list)
        for row in self._column_rows:
            is_plain = not row["generated"]
            found[row["relation"]].append(
                Column(
                    name=row["name"],
                    type=row["type"],
                    not_null=row["not_null"],
                    not_null_name=row["not_null_name"],
                    is_not_null_validated=row["is_not_null_validated"],
                    is_not_null_local=row["is_not_null_local"],
                    default=row["expression"] if is_plain else None,
                    identity=row["identity"],
                    generated=row["generated"],
                    generation=None if is_plain else row["expression"],
                    collation=row["collation"],
                    owned_sequences=tuple(sequences.get((row["relation"], row["attnum"]), ())),
                    is_domain=row["is_domain"],
                    is_not_null_domain=row["type_oid"] in refusing,
                    is_inherited=row["is_inherited"],
                    is_local=row["is_local"],
                    comment=row["comment"],
                    storage=row["storage"],
                    compression=row["compression"],
                    statistics_target=row["statistics_target"],
                    options=tuple(row["options"]),
                    grants=tuple(ColumnGrant(**grant) for grant in row["grants"] or ()),
                )
            )
        return {oid: tuple(columns) for oid, columns in found.items()}

    def _constraint(self, row: _Row) -> Constraint:
        definition = row["definition"]
        if not (row["is_validated"] and row["is_enforced"]):
            for state in _STATES:
                definition = definition.removesuffix(state)
        is_foreign_key = row["kind"] == "f"
        return Constraint(
            name=row["name"],
            kind=row["kind"],
            definition=definition,
            columns=self._column_names(row["relation"], row["attnums"]),
            is_validated=row["is_validated"],
            is_no_inherit=row["is_no_inherit"],
            is_enforced=row["is_enforced"],
            is_deferrable=row["is_deferrable"],
            is_initially_deferred=row["is_initially_deferred"],
            is_match_full=row["is_match_full"],
            is_inherited=row["is_inherited"],
            is_local=row["is_local"],
            index=row["index"],
            referenced=self._names.get(row["referenced"]) if is_foreign_key else None,
            referenced_columns=self._column_names(row["referenced"], row["referenced_attnums"]),
            referenced_index=row["referenced_index"],
            on_delete=row["on_delete"] if is_foreign_key else "a",
            on_update=row["on_update"] if is_foreign_key else "a",
            comment=row["comment"],
        )

    def _index(self, row: _Row) -> Index:
        listed = row["attnums"]
        # System columns (negative) and expressions (0) have no name of ours.
        reads = dict.fromkeys([*(number for number in listed if number > 0), *(row["read"] or ())])
        columns = self._columns[row["relation"]]
        return Index(
            name=row["name"],
            definition=row["definition"],
            columns=self._column_names(row["relation"], list(reads)),
            key_columns=tuple(columns.get(number, "") for number in listed[: row["key_count"]]),
            is_unique=row["is_unique"],
            is_primary=row["is_primary"],
            is_valid=row["is_valid"],
            is_replica_identity=row["is_replica_identity"],
            is_clustered=row["is_clustered"],
            constraint=row["constraint"],
            method=row["method"],
            is_inherited=row["is_inherited"],
            attached_to=RelationName(schema=row["whole_schema"], name=row["whole"]) if row["whole"] else None,
            size_bytes=self._sizes.get(row["oid"], 0),
            comment=row["comment"],
        )

    def _trigger(self, row: _Row) -> Trigger:
        return Trigger(
            name=row["name"],
            definition=row["definition"],
            enabled=row["enabled"],
            is_row=row["is_row"],
            function=row["function"],
            is_inherited=row["is_inherited"],
        )

    def _statistics(self, row: _Row) -> Statistics:
        return Statistics(
            name=_name(row),
            definition=row["definition"],
            columns=self._column_names(row["relation"], row["attnums"]),
            target=row["target"],
            comment=row["comment"],
        )

    def _inheritance(self) -> tuple[dict[int, list[RelationName]], dict[int, list[RelationName]]]:
        """Parents and children by oid."""
        parents: defaultdict[int, list[RelationName]] = defaultdict(list)
        children: defaultdict[int, list[RelationName]] = defaultdict(list)
        for row in self._view.rows(_QUERIES["inheritance"]):
            child, parent = self._names.get(row["child"]), self._names.get(row["parent"])
            # Indexes inherit too, and a quarantined relation is in no catalog of ours.
            if child is not None and parent is not None:
                parents[row["child"]].append(parent)
                children[row["parent"]].append(child)
        return parents, children

    def _column_names(self, relation: int, attnums: Iterable[int] | None) -> tuple[str, ...]:
        columns = self._columns.get(relation, {})
        return tuple(columns[number] for number in attnums or () if number in columns)


def _name(row: _Row) -> RelationName:
    return RelationName(schema=row["schema"], name=row["name"])
