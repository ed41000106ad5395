"""SQL texts that name a table or a column, as they read under its other name.

Always by way of the tree: a name that stands in a string or in another table stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from workorders.migration.catalog.types import Types
from workorders.migration.names import RelationName
from workorders.migration.renames import Names, Part
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, RawStatement, strings

#: Objects that a DROP or COMMENT names behind their table.
_ON_TABLES = ("TRIGGER", "POLICY", "RULE", "TABCONSTRAINT", "COLUMN", "TABLE")


def with_table(text: str, old: RelationName, new: RelationName) -> str:
    """One statement that is no query, or a question of the catalog, under the table's new name."""
    (raw,) = tree.statements(text)
    if not _rename_table({raw.kind: raw.node}, old, new):
        return text
    return tree.statement_text(raw.kind, raw.node)


def with_column(text: str, table: RelationName, was: str, now: str) -> str:
    """A GRANT on columns, or a COMMENT on one, under the column's new name."""
    (raw,) = tree.statements(text)
    if raw.kind == "GrantStmt":
        for found in tree.walk(raw.node):
            if found.kind == "AccessPriv":
                _replace(found.node.get("cols", []), {was: now})
    elif raw.kind == "CommentStmt" and raw.node["objtype"] == "OBJECT_COLUMN":
        items = raw.node["object"]["List"]["items"]
        if strings(items) == (table.schema, table.name, was):
            items[-1]["String"]["sval"] = now
    return tree.statement_text(raw.kind, raw.node)


def comment(text: str, now: str) -> str:
    """A COMMENT on an object by another name."""
    (raw,) = tree.statements(text)
    raw.node["object"]["List"]["items"][-1]["String"]["sval"] = now
    return tree.statement_text(raw.kind, raw.node)


def query(text: str, names: Names, *, main: RelationName) -> str:
    """A query of ours with its tables and columns as they are called then; a bare column is `main`'s."""
    (raw,) = tree.statements(text)
    relations: dict[str, RelationName] = {}
    for found in tree.relations(raw.node):
        name = RelationName(schema=found.get("schemaname", main.schema), name=found["relname"])
        called = found.get("alias", {}).get("aliasname", name.name)
        relations[called] = name
        # What is qualified with the table's name goes on meaning it.
        found.setdefault("alias", {"aliasname": called})
        then = names.table(name)
        found["schemaname"], found["relname"] = then.schema, then.name
    for item in tree.walk(raw.node):
        if item.kind == "ColumnRef" and all("String" in field for field in item.node["fields"]):
            fields = item.node["fields"]
            table = main if len(fields) == 1 else relations.get(strings(fields)[-2], main)
            last = fields[-1]["String"]
            last["sval"] = names.column(table, last["sval"])
    _rename_calls(raw, names)
    then_text = tree.statement_text(raw.kind, raw.node)
    for each in names.renames:
        if each.part is Part.TYPE:
            label = (each.was, each.now) if each.was else None
            then_text = RenamedType(was=each.table, becomes=each.becomes, label=label).statement(then_text)
    return then_text


def calls(text: str, names: Names) -> str:
    """A statement with its functions as they are called then."""
    (raw,) = tree.statements(text)
    _rename_calls(raw, names)
    return tree.statement_text(raw.kind, raw.node)


def condition(text: str, names: Names, *, main: RelationName) -> str:
    """A condition over a row `t` of a table, as it reads then."""
    asked = query(f"SELECT FROM {main.sql} t WHERE {text}", names, main=main)
    (raw,) = tree.statements(asked)
    return tree.expression_text(raw.node["whereClause"])


def constraint(
    definition: str, own: dict[str, str], referenced: dict[str, str], points_at: RelationName | None
) -> str:
    """A constraint's definition with other columns, here and where it points, and another table there."""
    if not definition:  # of what the script itself makes, nothing need be made again
        return definition
    (raw,) = tree.statements(f"ALTER TABLE t ADD CONSTRAINT c {definition}")
    node = raw.node["cmds"][0]["AlterTableCmd"]["def"]["Constraint"]
    _rename_columns(node, own)
    for part in ("keys", "including", "fk_attrs", "fk_del_set_cols"):
        _replace(node.get(part, []), own)
    _replace(node.get("pk_attrs", []), referenced)
    if points_at is not None:
        node["pktable"] |= {"schemaname": points_at.schema, "relname": points_at.name}
    return tree.statement_text(raw.kind, raw.node).removeprefix("ALTER TABLE t ADD CONSTRAINT c ")


def index(definition: str, name: str, table: RelationName, columns: dict[str, str]) -> str:
    """A CREATE INDEX under another name, on another table or on other columns."""
    if not definition:  # of what the script itself makes, nothing need be made again
        return definition
    (raw,) = tree.statements(definition)
    _rename_columns(raw.node, columns)
    raw.node["relation"] |= {"schemaname": table.schema, "relname": table.name}
    return tree.statement_text(raw.kind, {**raw.node, "idxname": name})


def statistics(definition: str, table: RelationName, columns: dict[str, str]) -> str:
    """A CREATE STATISTICS on another table or on other columns."""
    if not definition:  # of what the script itself makes, nothing need be made again
        return definition
    (raw,) = tree.statements(definition)
    _rename_columns(raw.node, columns)
    raw.node["relations"][0]["RangeVar"] |= {"schemaname": table.schema, "relname": table.name}
    return tree.statement_text(raw.kind, raw.node)


def statistics_of_twin(definition: str, schema: str, name: str, names: dict[str, str]) -> str:
    """A CREATE STATISTICS under another name and on other columns."""
    (raw,) = tree.statements(definition)
    _rename_columns(raw.node.get("exprs"), names)
    named = [{"String": {"sval": part}} for part in (schema, name)]
    return tree.statement_text(raw.kind, {**raw.node, "defnames": named})


def statistics_in_order(definition: str, place: Callable[[str], int]) -> str:
    """A CREATE STATISTICS with its plain columns sorted; as it is where they are."""
    (raw,) = tree.statements(definition)
    elements = raw.node["exprs"]
    plain = [item for item in elements if "name" in item["StatsElem"]]
    ordered = sorted(plain, key=lambda item: place(item["StatsElem"]["name"]))
    if ordered == plain:
        return definition
    others = [item for item in elements if "name" not in item["StatsElem"]]
    return tree.statement_text(raw.kind, {**raw.node, "exprs": [*ordered, *others]})


def trigger(definition: str, table: RelationName, columns: dict[str, str]) -> str:
    """A CREATE TRIGGER on another table or on other columns."""
    if not definition:  # of what the script itself makes, nothing need be made again
        return definition
    (raw,) = tree.statements(definition)
    _rename_columns(raw.node.get("whenClause"), columns)
    _replace(raw.node.get("columns", []), columns)
    raw.node["relation"] |= {"schemaname": table.schema, "relname": table.name}
    return tree.statement_text(raw.kind, raw.node)


def default(text: str, moved: dict[str, str]) -> str:
    """A default whose sequence, quoted as the server does it, has moved."""
    node = tree.expression(text)
    changed = False
    for found in tree.walk({"Expr": node}):
        value = found.node.get("sval", {}) if found.kind == "A_Const" else {}
        if value.get("sval") in moved:
            value["sval"] = moved[value["sval"]]
            changed = True
    return tree.expression_text(node) if changed else text


@dataclass(frozen=True, kw_only=True)
class RenamedType:
    """A type of which the name, or the name of one of its labels, is another."""

    was: RelationName
    becomes: RelationName
    #: A label before and after; None where they are as they were.
    label: tuple[str, str] | None = None

    def statement(self, text: str) -> str:
        """A statement that writes the type with its schema, as it reads then."""
        if not text:  # of what the script itself makes, nothing need be made again
            return text
        (raw,) = tree.statements(text)
        names = [each for each in type_names(raw.node) if self._is_of(each)]
        if not names:
            return text
        if self.label is not None:
            for found in tree.walk(raw.node):
                if found.kind == "TypeCast" and self._is_of(found.node["typeName"]["names"]):
                    value = found.node["arg"].get("A_Const", {}).get("sval", {})
                    if value.get("sval") == self.label[0]:
                        value["sval"] = self.label[1]
        for each in names:
            each[:] = [{"String": {"sval": part}} for part in (self.becomes.schema, self.becomes.name)]
        return tree.statement_text(raw.kind, raw.node)

    def expression(self, text: str | None) -> str | None:
        """An expression, as it reads then."""
        return None if text is None else self.statement(f"SELECT {text}").removeprefix("SELECT ")

    def type(self, text: str) -> str:
        """A type as SQL writes it, as it reads then."""
        cast = tree.expression(self.expression(f"NULL::{text}") or "")
        return tree.type_text(cast["TypeCast"]["typeName"])

    def constraint(self, definition: str) -> str:
        """A constraint's definition, as it reads then."""
        alter = "ALTER TABLE t ADD CONSTRAINT c "
        return self.statement(f"{alter}{definition}").removeprefix(alter) if definition else definition

    def _is_of(self, names: list[Node]) -> bool:
        return strings(names) == (self.was.schema, self.was.name)


def types_qualified(text: str, types: Types, search_path: Sequence[str]) -> str:
    """An expression with the schema before each of the user's types."""
    node = tree.expression(text)
    for names in type_names(node):
        name = types.named(strings(names), search_path)
        if name is not None and name.schema != "pg_catalog":
            names[:] = [{"String": {"sval": part}} for part in (name.schema, name.name)]
    return tree.expression_text(node)


def type_qualified(text: str, types: Types, search_path: Sequence[str]) -> str:
    """A type as SQL writes it, with its schema if it is the user's."""
    cast = tree.expression(types_qualified(f"NULL::{text}", types, search_path))
    return tree.type_text(cast["TypeCast"]["typeName"])


def without_casts(text: str, to: Collection[RelationName]) -> str:
    """An expression without its casts to some types, which are written with their schemas."""

    def bare(node: object) -> object:
        if isinstance(node, list):
            return [bare(item) for item in node]
        if not isinstance(node, dict):
            return node
        names = strings(node["TypeCast"]["typeName"]["names"]) if "TypeCast" in node else ()
        if len(names) > 1 and RelationName(schema=names[-2], name=names[-1]) in to:
            return bare(node["TypeCast"]["arg"])
        return {key: bare(value) for key, value in node.items()}

    given = bare(tree.expression(text))
    assert isinstance(given, dict)
    return tree.expression_text(given)


def _rename_table(node: Node, old: RelationName, new: RelationName) -> bool:
    """Renames the table in a tree; tells whether it stood there."""
    changed = False
    for found in tree.relations(node):
        if (found.get("schemaname"), found["relname"]) == (old.schema, old.name):
            found["schemaname"], found["relname"] = new.schema, new.name
            changed = True
    for item in tree.walk(node):
        match item.kind:
            case "A_Const" if item.node.get("sval", {}).get("sval") == old.sql:
                item.node["sval"]["sval"] = new.sql
                changed = True
            case "DropStmt" | "CommentStmt":
                kind = str(item.node.get("removeType") or item.node.get("objtype"))
                of_tables = kind.removeprefix("OBJECT_") in _ON_TABLES
                for each in (*item.node.get("objects", []), item.node.get("object", {})):
                    parts = each.get("List", {}).get("items", []) if of_tables else []
                    if len(parts) > 1 and strings(parts[:2]) == (old.schema, old.name):
                        parts[0]["String"]["sval"], parts[1]["String"]["sval"] = new.schema, new.name
                        changed = True
    return changed


def _rename_calls(raw: RawStatement, names: Names) -> None:
    for item in tree.walk({raw.kind: raw.node}):
        if item.kind == "FuncCall" or (item.kind == "CreateTrigStmt" and item.node.get("funcname")):
            called = strings(item.node["funcname"])
            if len(called) == 2:  # without its schema, it is the server's
                then = names.function(RelationName(schema=called[0], name=called[1]))
                item.node["funcname"] = [{"String": {"sval": part}} for part in (then.schema, then.name)]


def type_names(node: object) -> Iterator[list[Node]]:
    """The names of every TypeName below a node, those included that stand without their type."""
    if isinstance(node, dict):
        if "names" in node and "typemod" in node:
            yield node["names"]
        for value in list(node.values()):
            yield from type_names(value)
    elif isinstance(node, list):
        for item in node:
            yield from type_names(item)


def _rename_columns(node: object, columns: dict[str, str]) -> None:
    """Renames in a part in which every column is the table's own."""
    for found in tree.walk(node):
        if found.kind == "ColumnRef" and "String" in found.node["fields"][-1]:
            last = found.node["fields"][-1]["String"]
            last["sval"] = columns.get(last["sval"], last["sval"])
        elif found.kind in ("IndexElem", "StatsElem") and "name" in found.node:
            found.node["name"] = columns.get(found.node["name"], found.node["name"])


def _replace(items: list[Node], names: dict[str, str]) -> None:
    for item in items:
        item["String"]["sval"] = names.get(item["String"]["sval"], item["String"]["sval"])
