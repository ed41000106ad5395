"""The only place that knows the parser: SQL text to trees, and trees back to text.

Trees are libpg_query's JSON form of the server's own raw parse tree (version 18). The
JSON path is used rather than the protobuf one because it reads expressions nested ten
times deeper; see https://github.com/pganalyze/libpg_query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.message import Error as ProtobufError
from postgast import PgQueryError, deparse, scan
from postgast.native import lib
from postgast.pg_query_pb2 import ParseResult

from workorders.migration.errors import Unreadable
from workorders.migration.sql import select_into

#: A node's fields, or `{"NodeType": fields}` where the grammar allows several types.
Node = dict[str, Any]

#: libpg_query's tree version, written into the trees that we give back to it.
_VERSION = 180004


@dataclass(frozen=True, kw_only=True)
class RawStatement:
    """One statement of a script, as the parser gives it."""

    #: The node's type, e.g. `AlterTableStmt`.
    kind: str
    node: Node
    #: The statement's own text, comments before it and the semicolon left out.
    text: str
    #: 1-based line on which its first word stands.
    line: int
    #: Where that is in the script, in bytes.
    offset: int = 0


def statements(text: str) -> tuple[RawStatement, ...]:
    """Every statement of a script, in order.

    Raises Unreadable with line and column for what the server's grammar does not accept,
    and for NUL, at which the parser would silently stop reading.
    """
    if "\0" in text:
        line, column = _place(text, text.index("\0"))
        raise Unreadable(
            "The script holds a NUL character, which Postgres cannot store or read.",
            "Remove it; some editors write UTF-16, save the file as UTF-8.",
            line=line,
            column=column,
        )
    source = text.removeprefix("\ufeff")
    shift = len(text) - len(source)
    try:
        encoded = source.encode()
    except UnicodeEncodeError as error:
        raise Unreadable("The script is not valid Unicode.", "Save the file as UTF-8.") from error
    result = lib.pg_query_parse(encoded)
    try:
        if result.error:
            failure = result.error.contents
            at = len(encoded[: max(failure.cursorpos - 1, 0)].decode(errors="ignore")) + shift
            line, column = _place(text, at)
            raise Unreadable(
                f"Postgres's grammar does not accept this: {failure.message.decode(errors='replace')}.",
                "Mend the statement; psql's backslash commands and COPY data are not SQL.",
                line=line,
                column=column,
            )
        tree = json.loads(result.parse_tree.decode())
    finally:
        lib.pg_query_free_parse_result(result)
    return tuple(_raw(encoded, entry) for entry in tree.get("stmts", ()))


def _raw(encoded: bytes, entry: Node) -> RawStatement:
    start = entry.get("stmt_location", 0)
    length = entry.get("stmt_len", 0) or len(encoded) - start
    body = encoded[start : start + length].decode()
    begins = start + len(body[: _first_word(body)].encode())
    text = encoded[begins : start + length].decode().strip()
    ((kind, node),) = entry["stmt"].items()
    kind, node = select_into.as_table(kind, node)
    line = encoded[:begins].count(b"\n") + 1
    return RawStatement(kind=kind, node=node, text=text, line=line, offset=begins)


def _first_word(body: str) -> int:
    """The character offset of the first token that is no comment."""
    comments = {"SQL_COMMENT", "C_COMMENT"}
    try:
        tokens = scan(body).tokens
    except PgQueryError:
        return len(body) - len(body.lstrip())
    names = type(tokens[0]).DESCRIPTOR.fields_by_name["token"].enum_type.values_by_number if tokens else {}
    for token in tokens:
        if names[token.token].name not in comments:
            return len(body.encode()[: token.start].decode())
    return 0


def _place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def statement_text(kind: str, node: Node) -> str:
    """A statement's tree as SQL, in the parser's canonical spelling."""
    if kind == "CreateStatsStmt":
        node = {**node, "exprs": [_quoted_element(each) for each in node.get("exprs", [])]}
    tree = {"version": _VERSION, "stmts": [{"stmt": {kind: node}}]}
    try:
        return str(deparse(ParseDict(tree, ParseResult())))
    except (PgQueryError, ProtobufError, RecursionError) as error:
        raise Unreadable(
            f"A {kind} cannot be written back as SQL.", "Split it into simpler statements."
        ) from error


def _quoted_element(item: Node) -> Node:
    """A column of CREATE STATISTICS, which libpg_query 18 writes back without its quotes."""
    name = item["StatsElem"].get("name")
    if name is None:
        return item
    return {"StatsElem": {"name": expression_text({"ColumnRef": {"fields": [{"String": {"sval": name}}]}})}}


def expression_text(node: Node) -> str:
    """An expression's tree as SQL."""
    select: Node = {
        "targetList": [{"ResTarget": {"val": node}}],
        "limitOption": "LIMIT_OPTION_DEFAULT",
        "op": "SETOP_NONE",
    }
    return statement_text("SelectStmt", select).removeprefix("SELECT").strip()


def type_text(type_name: Node) -> str:
    """A TypeName's tree as SQL."""
    null: Node = {"A_Const": {"isnull": True, "location": -1}}
    cast = expression_text({"TypeCast": {"arg": null, "typeName": type_name, "location": -1}})
    return cast.removeprefix("NULL::")


def expression(text: str) -> Node:
    """The tree of one expression, e.g. one that a person gave on the command line.

    Raises Unreadable for anything but exactly one expression.
    """
    parsed = statements(f"SELECT ({text}\n)")
    targets = parsed[0].node.get("targetList", []) if len(parsed) == 1 else []
    alone = set(parsed[0].node) <= {"targetList", "limitOption", "op"} if parsed else False
    if len(targets) != 1 or not alone or "name" in targets[0]["ResTarget"]:
        raise Unreadable(f"{text!r} is not one SQL expression.", "Give a value such as 0 or 'unknown'.")
    node: Node = targets[0]["ResTarget"]["val"]
    return node


#: Of a set operation, whose queries stand without their type; of a join they have it.
_SIDES = ("larg", "rarg")


def walk(node: object) -> Iterator[RawNode]:
    """Every typed node below and including this one, with its type; and both sides of a UNION."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict) and key[:1].isupper():
                yield RawNode(kind=key, node=value)
            elif key in _SIDES and isinstance(value, dict) and not next(iter(value), "")[:1].isupper():
                yield RawNode(kind="SelectStmt", node=value)
            yield from walk(value)
    elif isinstance(node, list):
        for item in node:
            yield from walk(item)


def relations(node: object) -> Iterator[Node]:
    """Every RangeVar below a node, those included that stand without their type."""
    if isinstance(node, dict):
        if "relname" in node:
            yield node
        for value in list(node.values()):
            yield from relations(value)
    elif isinstance(node, list):
        for item in node:
            yield from relations(item)


@dataclass(frozen=True, kw_only=True)
class RawNode:
    """A node met on a walk."""

    kind: str
    node: Node


def texts(node: object) -> Iterator[str]:
    """Every string below a node: names as the server reads them, and constants."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for item in node:
            yield from texts(item)


def strings(items: list[Node]) -> tuple[str, ...]:
    """The values of a list of String nodes, such as a qualified name."""
    return tuple(item["String"].get("sval", "") for item in items)


def renamed_columns(expression_sql: str, names: dict[str, str]) -> str:
    """An expression with some of its columns under other names."""
    node = expression(expression_sql)
    for found in walk({"Expr": node}):
        if found.kind == "ColumnRef" and "String" in found.node["fields"][-1]:
            last = found.node["fields"][-1]["String"]
            last["sval"] = names.get(last["sval"], last["sval"])
    return expression_text(node)


def on_row(expression_sql: str, row: str, names: dict[str, str]) -> str:
    """An expression over a table's columns as one over a row variable, e.g. NEW, some of them renamed."""
    node = expression(expression_sql)
    for found in walk({"Expr": node}):
        if found.kind == "ColumnRef" and "String" in found.node["fields"][-1]:
            column = found.node["fields"][-1]["String"]["sval"]
            found.node["fields"] = [{"String": {"sval": name}} for name in (row, names.get(column, column))]
    return expression_text(node)


def with_constants(expression_sql: str, constants: Mapping[str, str]) -> str:
    """An expression over a table's columns with constants, given as SQL, in the place of some."""

    def put(node: object) -> object:
        if isinstance(node, list):
            return [put(item) for item in node]
        if not isinstance(node, dict):
            return node
        fields = node["ColumnRef"]["fields"] if "ColumnRef" in node else []
        named = strings(fields)[-1] if fields and all("String" in field for field in fields) else ""
        if named in constants:
            return expression(constants[named])
        return {key: put(value) for key, value in node.items()}

    given = put(expression(expression_sql))
    assert isinstance(given, dict)
    return expression_text(given)


def renamed_index(definition: str, name: str, names: dict[str, str]) -> str:
    """A CREATE INDEX under another name and on other columns."""
    (raw,) = statements(definition)
    _rename(raw.node, names)
    return statement_text(raw.kind, {**raw.node, "idxname": name})


def index_columns(definition: str) -> tuple[str, ...]:
    """The plain columns of a CREATE INDEX, included ones too."""
    (raw,) = statements(definition)
    elements = [*raw.node["indexParams"], *raw.node.get("indexIncludingParams", [])]
    return tuple(item["IndexElem"]["name"] for item in elements if "name" in item["IndexElem"])


def renamed_constraint(definition: str, own: dict[str, str], referenced: dict[str, str]) -> str:
    """A constraint's definition with columns of its table, and of the one that it points at, renamed."""
    (raw,) = statements(f"ALTER TABLE t ADD CONSTRAINT c {definition}")
    constraint = raw.node["cmds"][0]["AlterTableCmd"]["def"]["Constraint"]
    _rename(constraint.get("raw_expr"), own)
    for part, names in (("fk_attrs", own), ("fk_del_set_cols", own), ("pk_attrs", referenced)):
        for item in constraint.get(part, []):
            item["String"]["sval"] = names.get(item["String"]["sval"], item["String"]["sval"])
    return statement_text(raw.kind, raw.node).removeprefix("ALTER TABLE t ADD CONSTRAINT c ")


def _rename(node: object, names: dict[str, str]) -> None:
    for found in walk(node):
        if found.kind == "ColumnRef" and "String" in found.node["fields"][-1]:
            last = found.node["fields"][-1]["String"]
            last["sval"] = names.get(last["sval"], last["sval"])
        elif found.kind in ("IndexElem", "StatsElem") and "name" in found.node:
            found.node["name"] = names.get(found.node["name"], found.node["name"])


def columns_in(node: object) -> tuple[str, ...]:
    """The unqualified names of the columns that an expression mentions, each once, in order."""
    found = [
        strings(item.node["fields"])[-1]
        for item in walk(node)
        if item.kind == "ColumnRef" and all("String" in field for field in item.node["fields"])
    ]
    return tuple(dict.fromkeys(found))


def functions_in(node: object) -> tuple[str, ...]:
    """The unqualified names of the functions that an expression calls."""
    return tuple(strings(item.node["funcname"])[-1] for item in walk(node) if item.kind == "FuncCall")


def block_tree(text: str) -> object:
    """The tree of a DO statement in PL/pgSQL; None for what libpg_query cannot read of that language."""
    result = lib.pg_query_parse_plpgsql(text.encode())
    try:
        return None if result.error else json.loads(result.plpgsql_funcs.decode())
    finally:
        lib.pg_query_free_plpgsql_parse_result(result)


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token that is no comment."""

    #: In lower case; an identifier as the server folds it.
    text: str
    #: In characters.
    start: int
    end: int


def tokens(text: str) -> tuple[Token, ...]:
    """A text's tokens, as the server's scanner finds them. Raises Unreadable where it finds none."""
    encoded = text.encode()
    try:
        found = scan(text).tokens
    except PgQueryError as error:
        raise Unreadable("The text cannot be read.", "Mend it.") from error
    names = type(found[0]).DESCRIPTOR.fields_by_name["token"].enum_type.values_by_number if found else {}
    made = []
    for token in found:
        if token.token in names and names[token.token].name in ("SQL_COMMENT", "C_COMMENT"):
            continue
        spelled = encoded[token.start : token.end].decode()
        made.append(
            Token(
                text=spelled[1:-1].replace('""', '"') if spelled.startswith('"') else spelled.lower(),
                start=len(encoded[: token.start].decode()),
                end=len(encoded[: token.end].decode()),
            )
        )
    return tuple(made)


@dataclass(frozen=True, kw_only=True)
class Word:
    """An identifier or keyword as it stands in a text, folded as the server would."""

    text: str
    #: An opening parenthesis follows.
    is_called: bool


def words(text: str) -> Iterator[Word]:
    """The words of a text, those inside its string constants included; comments left out."""
    try:
        tokens = scan(text).tokens
    except PgQueryError:
        yield from (Word(text=word.lower(), is_called=True) for word in re.findall(r"\w+", text))
        return
    if not tokens:
        return
    encoded = text.encode()
    names = type(tokens[0]).DESCRIPTOR.fields_by_name["token"].enum_type.values_by_number
    # Characters that are no SQL have no name, and stand in constants all the same.
    kinds = [names[token.token].name if token.token in names else "" for token in tokens]
    for token, kind, following in zip(tokens, kinds, [*kinds[1:], ""], strict=True):
        spelled = encoded[token.start : token.end].decode()
        if kind == "SCONST":
            yield from words(_content(spelled))
        elif kind == "IDENT" or token.keyword_kind:
            folded = spelled[1:-1].replace('""', '"') if spelled.startswith('"') else spelled.lower()
            yield Word(text=folded, is_called=following == "ASCII_40")


def _content(constant: str) -> str:
    """What stands in a string constant, quoted or dollar-quoted."""
    if constant.startswith("$"):
        mark = constant[: constant.index("$", 1) + 1]
        return constant.removeprefix(mark).removesuffix(mark)
    return constant[constant.index("'") + 1 : -1].replace("''", "'")
