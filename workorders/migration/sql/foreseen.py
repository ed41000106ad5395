"""A block's question of the catalog, asked as if the statements before it had run.

The target is asked before anything is changed. Where a question reads of the system catalogs what the
script changes first, it gets rows in their place: those that nobody changes, as they are, and those of
the changed objects, as the planner knows that they will be. What the planner does not know is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Protocol

from workorders.migration.catalog.archive import Archive
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.names import RelationName
from workorders.migration.renames import Names
from workorders.migration.sql import tree
from workorders.migration.sql.foreseen_rows import Rows
from workorders.migration.sql.tree import Node, strings
from workorders.migration.sql.variables import Untold


class Stage(Protocol):
    """What the script has come to by now."""

    @property
    def before(self) -> Catalog:
        """As the target has it."""

    @property
    def catalog(self) -> Catalog:
        """After the statements so far."""

    @property
    def changed(self) -> Collection[RelationName]:
        """Tables whose rows are not as they were."""

    @property
    def names(self) -> Names:
        """From the names before to those of now."""


_SYSTEM = ("pg_catalog", "information_schema")

#: What no statement of a migration changes.
_STEADY = frozenset(
    {"pg_roles", "pg_user", "pg_authid", "pg_group", "pg_auth_members", "pg_shadow", "pg_database"}
    | {"pg_settings", "pg_available_extensions", "pg_am", "pg_language", "pg_tablespace"}
    | {"pg_timezone_names", "pg_stat_activity", "pg_collation"}
    | {"applicable_roles", "enabled_roles"}
)

#: Catalogs that show objects of these kinds, as the archive calls them.
_OF_KINDS: Mapping[str, tuple[str, ...]] = {
    "pg_extension": ("EXTENSION",),
    "foreign_tables": ("FOREIGN TABLE",),
    "pg_foreign_table": ("FOREIGN TABLE",),
    "foreign_servers": ("SERVER",),
    "pg_foreign_server": ("SERVER",),
    "pg_proc": ("FUNCTION", "PROCEDURE", "AGGREGATE"),
    "routines": ("FUNCTION", "PROCEDURE", "AGGREGATE"),
    "pg_trigger": ("TRIGGER",),
    "triggers": ("TRIGGER",),
    "pg_policy": ("POLICY",),
    "pg_policies": ("POLICY",),
    "pg_views": ("VIEW",),
    "views": ("VIEW",),
    "pg_matviews": ("MATERIALIZED VIEW",),
}

#: Stable functions that read no catalog that a migration changes.
_UNMOVED = frozenset(
    {"current_setting", "current_schema", "current_schemas", "current_database", "version", "now"}
    | {"format", "concat", "concat_ws", "to_char", "to_date", "to_timestamp", "array_to_string", "date_trunc"}
    | {"string_agg", "array_agg", "json_agg", "jsonb_agg", "max", "min", "count", "quote_literal"}
    | {"quote_nullable", "to_json", "to_jsonb", "array_to_json", "row_to_json", "age", "date_part", "extract"}
    | {"length", "generate_series", "date", "timezone", "to_number", "convert_from", "convert_to", "overlaps"}
    | {"json_build_object", "json_build_array", "jsonb_build_object", "jsonb_build_array", "make_timestamptz"}
    | {"json_object_agg", "jsonb_object_agg", "pg_typeof", "transaction_timestamp"}
)


def asked(select: Node, stage: Stage) -> Node:
    """The query as it has to be asked before the script to be answered as after its statements so far.

    Raises Untold for what cannot be told before.
    """
    now = replace(stage.catalog, settings=stage.before.settings)
    if now == stage.before and not stage.changed:
        return select
    return _Foreseen(stage).query(select)


def reads_rows(select: Node) -> bool:
    """Whether a query reads rows of a table, not only the catalogs."""
    shadowed = {part.node["ctename"] for part in tree.walk(select) if part.kind == "CommonTableExpr"}
    return any(
        part.node.get("schemaname") not in _SYSTEM and not part.node["relname"].startswith("pg_")
        for part in tree.walk(select)
        if part.kind == "RangeVar" and part.node["relname"] not in shadowed
    )


class _Foreseen:
    def __init__(self, stage: Stage) -> None:
        self._before, self._now, self._changed = stage.before, stage.catalog, stage.changed
        self._rows = Rows(stage.before, stage.catalog, stage.names)

    def query(self, select: Node) -> Node:
        shadowed = {part.node["ctename"] for part in tree.walk(select) if part.kind == "CommonTableExpr"}
        for name in tree.functions_in(select):
            known = name in self._now.immutable_functions or name in _UNMOVED or name.startswith("to_reg")
            if not known:
                raise Untold(f"what {name}() reads may be changed before it is asked")
        made = self._node(select, shadowed)
        assert isinstance(made, dict)
        return made

    def _node(self, node: object, shadowed: Collection[str]) -> object:
        if isinstance(node, list):
            return [self._node(item, shadowed) for item in node]
        if not isinstance(node, dict):
            return node
        match node:
            case {"RangeVar": relation} if relation["relname"] not in shadowed or "schemaname" in relation:
                return self._relation(node)
            case {"TypeCast": {"arg": argument, "typeName": type_name}}:
                found = self._cast(argument, strings(type_name.get("names", []))[-1])
                if found is not None:
                    return found
            case {"FuncCall": {"funcname": function, "args": [argument]}}:
                name = strings(function)[-1]
                found = self._cast(argument, name.removeprefix("to_")) if name.startswith("to_reg") else None
                if found is not None:
                    return found
        return {key: self._node(value, shadowed) for key, value in node.items()}

    def _relation(self, node: Node) -> Node:
        relation = node["RangeVar"]
        schema, name = relation.get("schemaname"), relation["relname"]
        table = None if schema in _SYSTEM else self._now.find(schema, name)
        if table is not None:
            self._must_be_untouched(table)
            return node
        if schema is None and not name.startswith("pg_"):
            raise Untold(f"{name} is not what it was")
        if name in _STEADY:
            return node
        if name in _OF_KINDS:
            self._must_be_the_same(_OF_KINDS[name], name)
            return node
        rows = self._rows.of(name)
        if rows is None:
            raise Untold(f"{name} is not foreseen")
        (parsed,) = tree.statements(f"SELECT FROM ({rows}) AS {name}")
        made: Node = parsed.node["fromClause"][0]
        if "alias" in relation:
            made["RangeSubselect"]["alias"] = relation["alias"]
        return made

    def _must_be_untouched(self, table: Table) -> None:
        is_view = table.kind in "vm"
        if table.name in self._changed or table.name in self._rows.moved or (is_view and self._changed):
            raise Untold(f"{table.name} is not what it was")

    def _must_be_the_same(self, kinds: Collection[str], name: str) -> None:
        def entries(archive: Archive | None) -> list[object]:
            return [each for each in archive.entries if each.kind in kinds] if archive else []

        triggers = [
            [each.triggers for each in (self._before.tables.get(name), self._now.tables.get(name)) if each]
            for name in self._rows.moved
        ]
        is_moved = "TRIGGER" in kinds and any(len(each) < 2 or each[0] != each[1] for each in triggers)
        if is_moved or entries(self._before.archive) != entries(self._now.archive):
            raise Untold(f"{name} is not what it was")

    def _cast(self, argument: Node, type_name: str) -> Node | None:
        """A name's number; None where the target's is the same."""
        text = _constant(argument)
        if type_name not in ("regclass", "regtype", "regnamespace", "regproc", "regprocedure"):
            return None
        if type_name in ("regproc", "regprocedure"):
            self._must_be_the_same(_OF_KINDS["pg_proc"], "pg_proc")
            return None
        if text is None:
            if self._rows.new or any(
                self._rows.was(name) != name for name in self._now.tables if name in self._rows.moved
            ):
                raise Untold(f"which {type_name} is meant cannot be told")
            return None
        parts = [token.text for token in tree.tokens(text) if token.text != "."]
        schema, name = (parts[-2] if len(parts) > 1 else None), parts[-1]
        if type_name == "regclass":
            return self._number_of(schema, name)
        known = (
            self._rows.types_moved() if type_name == "regtype" else self._now.schemas ^ self._before.schemas
        )
        if name in {getattr(each, "name", each) for each in known}:
            raise Untold(f"{text} is not what it was")
        return None

    def _number_of(self, schema: str | None, name: str) -> Node | None:
        table, was = self._now.find(schema, name), self._before.find(schema, name)
        schemas = (schema,) if schema else self._now.search_path
        taken = [any(name in c.relation_names.get(s, ()) for s in schemas) for c in (self._before, self._now)]
        if table is None:
            if was is None and taken[0] == taken[1]:
                return None
            if not taken[1]:
                return tree.expression("NULL::pg_catalog.oid")
            raise Untold(f"{name} is not what it was")
        if was is not None and was.name == table.name and self._rows.was(table.name) == was.name:
            return None
        return tree.expression(self._rows.oid(table.name))


def _constant(argument: Node) -> str | None:
    while "TypeCast" in argument:
        argument = argument["TypeCast"]["arg"]
    text: str | None = argument.get("A_Const", {}).get("sval", {}).get("sval")
    return text
