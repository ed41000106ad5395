"""Rows of the system catalogs as they will be once the script has come as far as its plan.

Each as a query that the target can answer before: its own rows, but for those of what is changed, and
in their place what the planner knows of it. Columns that the planner does not know are left out, so
that a question of one fails.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Constraint, Table
from workorders.migration.names import RelationName, is_ours, literal, quoted
from workorders.migration.renames import Names
from workorders.migration.sql import foreseen_publications
from workorders.migration.sql.variables import Untold

_FORESEEN = frozenset(
    {"columns", "tables", "pg_tables", "pg_indexes", "table_constraints", "pg_constraint", "pg_attribute"}
    | {"pg_class", "pg_type", "pg_enum", "pg_namespace", "schemata"}
    | {"constraint_column_usage", "key_column_usage", "referential_constraints"}
    | {"pg_publication", "pg_publication_tables"}
)

#: Where the made-up numbers of new objects begin: no server has got so far.
_FIRST_OID = 4_200_000_000

_CONSTRAINTS = {"c": "CHECK", "f": "FOREIGN KEY", "p": "PRIMARY KEY", "u": "UNIQUE"}


class Rows:
    """What differs between the catalog before a script and the one of now."""

    def __init__(self, before: Catalog, now: Catalog, names: Names) -> None:
        self._before, self._now = before, now
        self._back = names.reversed
        tables = {*before.tables, *now.tables}
        #: Tables that are not what they were, by the names of before and of now.
        self.moved = {name for name in tables if before.tables.get(name) != now.tables.get(name)}
        #: Those that the script makes.
        self.new = sorted(name for name in now.tables if not self.was(name))

    def of(self, catalog: str) -> str | None:
        """The query that stands for a catalog; None for one that is not foreseen."""
        query: str | None = getattr(self, f"_{catalog}")() if catalog in _FORESEEN else None
        return query

    def was(self, name: RelationName) -> RelationName | None:
        """A table's name before the script; None for one that the script makes."""
        if self._now.tables[name].is_new:
            return None
        return self._back.table(name)

    def oid(self, name: RelationName) -> str:
        """A table's number; a made-up one where the script makes it, the same in all catalogs."""
        was = self.was(name)
        if was is None:
            return f"{_FIRST_OID + self.new.index(name)}::pg_catalog.oid"
        return f"{literal(was.sql)}::pg_catalog.regclass::pg_catalog.oid"

    def _schema_oid(self, schema: str) -> str:
        if schema not in self._before.schemas:
            return f"{_FIRST_OID + 2_000_000 + self._new_schemas().index(schema)}::pg_catalog.oid"
        return f"{literal(quoted(schema))}::pg_catalog.regnamespace::pg_catalog.oid"

    def _named(self, name: RelationName) -> str:
        """A schema's number and a name in it."""
        return f"({self._schema_oid(name.schema)}, {literal(name.name)})"

    def _gone(self) -> list[RelationName]:
        """Moved tables as the target knows them."""
        return sorted(name for name in self.moved if name in self._before.tables)

    def _there(self) -> Iterator[Table]:
        """Moved tables as they will be."""
        for name in sorted(self.moved & set(self._now.tables)):
            table = self._now.tables[name]
            if is_ours(name.schema):
                continue
            if table.is_unread or (table.kind in "vm" and not table.columns):
                raise Untold(f"what columns {name} will have is not known")
            yield table

    def _by_name(self, catalog: str, schema: str, table: str, picked: str, rows: list[str]) -> str:
        gone = ", ".join(f"({literal(name.schema)}, {literal(name.name)})" for name in self._gone())
        where = f" WHERE ({schema}, {table}) NOT IN (VALUES {gone})" if gone else ""
        return _with_rows(f"SELECT {picked} FROM {catalog}{where}", rows)

    def _by_oid(self, catalog: str, column: str, picked: str, rows: list[str]) -> str:
        gone = ", ".join(f"{literal(name.sql)}::pg_catalog.regclass::pg_catalog.oid" for name in self._gone())
        where = f" WHERE {column} NOT IN ({gone})" if gone else ""
        return _with_rows(f"SELECT {picked} FROM pg_catalog.{catalog}{where}", rows)

    def _columns(self) -> str:
        rows = [
            _row(
                table.name.schema,
                table.name.name,
                column.name,
                "NO" if column.not_null or column.is_not_null_domain else "YES",
            )
            for table in self._there()
            for column in table.columns
        ]
        picked = "table_schema, table_name, column_name, is_nullable"
        return self._by_name("information_schema.columns", "table_schema", "table_name", picked, rows)

    def _tables(self) -> str:
        rows = [
            _row(table.name.schema, table.name.name, "VIEW" if table.kind == "v" else "BASE TABLE")
            for table in self._there()
            if table.kind in "rpv"
        ]
        picked = "table_schema, table_name, table_type"
        return self._by_name("information_schema.tables", "table_schema", "table_name", picked, rows)

    def _pg_tables(self) -> str:
        rows = [_row(table.name.schema, table.name.name) for table in self._there() if table.kind in "rp"]
        return self._by_name("pg_catalog.pg_tables", "schemaname", "tablename", "schemaname, tablename", rows)

    def _pg_indexes(self) -> str:
        rows = [
            _row(table.name.schema, table.name.name, index)
            for table in self._there()
            for index in table.index_names
        ]
        picked = "schemaname, tablename, indexname"
        return self._by_name("pg_catalog.pg_indexes", "schemaname", "tablename", picked, rows)

    def _table_constraints(self) -> str:
        rows = [
            _row(table.name.schema, each.name, table.name.schema, table.name.name, _CONSTRAINTS[each.kind])
            for table in self._there()
            for each in table.constraints
            if each.kind in _CONSTRAINTS
        ]
        # What is NOT NULL is shown there as a check, by a name that the server makes up.
        picked = (
            "constraint_schema, constraint_name, table_schema, table_name, NULLIF(constraint_type, 'CHECK')"
            " AS constraint_type"
        )
        catalog = "information_schema.table_constraints"
        return self._by_name(catalog, "table_schema", "table_name", picked, rows)

    def _key_column_usage(self) -> str:
        rows = [
            _row(table.name.schema, each.name, table.name.schema, table.name.name, column)
            for table in self._there()
            for each in table.constraints
            if each.kind in "puf"
            for column in each.columns
        ]
        picked = "constraint_schema, constraint_name, table_schema, table_name, column_name"
        catalog = "information_schema.key_column_usage"
        return self._by_name(catalog, "table_schema", "table_name", picked, rows)

    def _referential_constraints(self) -> str:
        rows = [_row(table.name.schema, key.name) for table, key in self._retied() if key.kind == "f"]
        return self._by_constraint("referential_constraints", "constraint_schema, constraint_name", rows)

    def _constraint_column_usage(self) -> str:
        """Of a foreign key, the columns that it points at; of others, their own."""
        rows = []
        for table, each in self._retied():
            used = table.name if each.referenced is None else each.referenced
            columns = each.columns if each.referenced is None else each.referenced_columns
            owner = (table.name.schema, each.name)
            rows += [_row(*owner, used.schema, used.name, column) for column in columns]
        picked = "constraint_schema, constraint_name, table_schema, table_name, column_name"
        return self._by_constraint("constraint_column_usage", picked, rows)

    def _retied(self) -> Iterator[tuple[Table, Constraint]]:
        """Constraints as they will be that share a name with one of a moved table, or that points at one."""
        list(self._there())  # raises Untold
        names = self._names_retied()
        for name, table in sorted(self._now.tables.items()):
            for each in table.constraints:
                if each.kind in _CONSTRAINTS and (name.schema, each.name) in names:
                    yield table, each

    def _names_retied(self) -> set[tuple[str, str]]:
        return {
            (name.schema, each.name)
            for catalog in (self._before, self._now)
            for name, table in catalog.tables.items()
            for each in table.constraints
            if not is_ours(name.schema) and {name, each.referenced} & self.moved
        }

    def _by_constraint(self, catalog: str, picked: str, rows: list[str]) -> str:
        gone = ", ".join(_row(*each) for each in sorted(self._names_retied()))
        where = f" WHERE (constraint_schema, constraint_name) NOT IN (VALUES {gone})" if gone else ""
        return _with_rows(f"SELECT {picked} FROM information_schema.{catalog}{where}", rows)

    def _pg_constraint(self) -> str:
        rows = [
            f'({literal(name)}, {self.oid(table.name)}, {literal(kind)}::"char")'
            for table in self._there()
            for name, kind in (
                *((each.name, each.kind) for each in table.constraints),
                *((each.not_null_name, "n") for each in table.columns if each.not_null_name),
            )
        ]
        return self._by_oid("pg_constraint", "conrelid", "conname, conrelid, contype", rows)

    def _pg_attribute(self) -> str:
        rows = [
            f"({literal(column.name)}, {self.oid(table.name)}, false, {str(column.not_null).lower()})"
            for table in self._there()
            for column in table.columns
        ]
        picked = "attname, attrelid, attisdropped, attnotnull"
        return self._by_oid("pg_attribute", "attrelid", picked, rows)

    def _pg_class(self) -> str:
        moved, rows = list[str](), list[str]()
        for schema in self._lasting({*self._before.relation_names, *self._now.relation_names}):
            was, now = (c.relation_names.get(schema, frozenset()) for c in (self._before, self._now))
            if schema in self._before.schemas:
                moved += [self._named(RelationName(schema=schema, name=name)) for name in sorted(was ^ now)]
            rows += [self._class_row(RelationName(schema=schema, name=name)) for name in sorted(now - was)]
        where = f" WHERE (relnamespace, relname) NOT IN (VALUES {', '.join(moved)})"
        query = "SELECT oid, relname, relnamespace, relkind FROM pg_catalog.pg_class"
        return _with_rows(query + (where if moved else ""), rows)

    def _class_row(self, name: RelationName) -> str:
        table = self._now.tables.get(name)
        kind, number = "", "NULL::pg_catalog.oid"
        if table is not None:
            kind, number = table.kind, self.oid(name)
        elif any(name.name in each.index_names for each in self._there()):
            kind = "i"
        elif any(name in column.owned_sequences for each in self._there() for column in each.columns):
            kind = "S"
        else:
            raise Untold(f"{name} is not foreseen")
        return f"({number}, {literal(name.name)}, {self._schema_oid(name.schema)}, '{kind}'::\"char\")"

    def _pg_publication(self) -> str:
        was, now = (foreseen_publications.of(each) for each in (self._before, self._now))
        rows = [_row(name) for name in sorted(now.keys() - was.keys())]
        gone = ", ".join(map(literal, sorted(was.keys() - now.keys())))
        where = f" WHERE pubname NOT IN ({gone})" if gone else ""
        return _with_rows(f"SELECT pubname FROM pg_catalog.pg_publication{where}", rows)

    def _pg_publication_tables(self) -> str:
        foreseen_publications.must_be_told(self._before, self._now, self.new)
        there = list(self._there())
        if any(table.publications and (table.kind == "p" or table.is_partition) for table in there):
            raise Untold("which partitions a publication shows is not foreseen")
        rows = [_row(each, *_parts(table.name)) for table in there for each in table.publications]
        picked = "pubname, schemaname, tablename"
        return self._by_name("pg_catalog.pg_publication_tables", "schemaname", "tablename", picked, rows)

    def types_moved(self) -> list[RelationName]:
        """Types that are not what they were, those of tables' rows too."""
        named = set(self._before.types.names) ^ set(self._now.types.names)
        enums = {*self._before.enums, *self._now.enums}
        relabelled = {name for name in enums if self._before.enums.get(name) != self._now.enums.get(name)}
        rows = {name for name in self.moved if (name in self._before.tables) != (name in self._now.tables)}
        return sorted(named | relabelled | rows)

    def _must_know_types(self) -> None:
        """Of what is no enum and no table's row, the planner knows too little."""
        others = set(self._before.types.names) ^ set(self._now.types.names)
        if others - set(self._before.enums) - set(self._now.enums):
            raise Untold("pg_type is not what it was")

    def _type_oid(self, name: RelationName) -> str:
        if name in self._before.enums:
            return f"{literal(name.sql)}::pg_catalog.regtype::pg_catalog.oid"
        enums = sorted(set(self._now.enums) - set(self._before.enums))
        number = _FIRST_OID + 1_000_000 + enums.index(name) if name in enums else None
        return "NULL::pg_catalog.oid" if number is None else f"{number}::pg_catalog.oid"

    def _pg_type(self) -> str:
        self._must_know_types()
        moved = self.types_moved()
        rows = [
            f"({self._type_oid(name)}, {literal(prefix + name.name)}, {self._schema_oid(name.schema)})"
            for name in moved
            if name in self._now.enums or name in self._now.tables
            for prefix in ("", "_")
        ]
        gone = ", ".join(
            self._named(replace(name, name=prefix + name.name))
            for name in moved
            if name.schema in self._before.schemas
            for prefix in ("", "_")
        )
        where = f" WHERE (typnamespace, typname) NOT IN (VALUES {gone})"
        query = "SELECT oid, typname, typnamespace FROM pg_catalog.pg_type"
        return _with_rows(query + (where if gone else ""), rows)

    def _pg_enum(self) -> str:
        moved = [
            name for name in self.types_moved() if {name} & (set(self._before.enums) | set(self._now.enums))
        ]
        rows = [
            f"({self._type_oid(name)}, {literal(label)})"
            for name in moved
            for label in self._now.enums.get(name, ())
        ]
        gone = ", ".join(self._type_oid(name) for name in moved if name in self._before.enums)
        where = f" WHERE enumtypid NOT IN ({gone})" if gone else ""
        return _with_rows(f"SELECT enumtypid, enumlabel FROM pg_catalog.pg_enum{where}", rows)

    def _pg_namespace(self) -> str:
        rows = [f"({self._schema_oid(each)}, {literal(each)})" for each in self._new_schemas()]
        return self._schemas("SELECT oid, nspname FROM pg_catalog.pg_namespace", "nspname", rows)

    def _schemata(self) -> str:
        rows = [_row(each) for each in self._new_schemas()]
        return self._schemas("SELECT schema_name FROM information_schema.schemata", "schema_name", rows)

    def _new_schemas(self) -> list[str]:
        return self._lasting(self._now.schemas - self._before.schemas)

    def _lasting(self, schemas: Collection[str]) -> list[str]:
        """Without the one in which a script's temporary tables stand."""
        return sorted(schema for schema in schemas if not is_ours(schema))

    def _schemas(self, query: str, name: str, rows: list[str]) -> str:
        gone = ", ".join(map(literal, sorted(self._before.schemas - self._now.schemas)))
        return _with_rows(f"{query} WHERE {name} NOT IN ({gone})" if gone else query, rows)


def _with_rows(query: str, rows: list[str]) -> str:
    return f"{query} UNION ALL VALUES {', '.join(rows)}" if rows else query


def _row(*values: str) -> str:
    return f"({', '.join(map(literal, values))})"


def _parts(name: RelationName) -> tuple[str, str]:
    return name.schema, name.name
