"""The variables of a DO block: what they are declared as, what they hold, and where they stand in SQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.errors import Unreadable
from workorders.migration.names import literal
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, strings

#: What ends a declaration's type.
_AFTER_TYPE = frozenset({"not", "collate", "default", ":=", "=", ";"})


@dataclass(frozen=True, kw_only=True)
class Value:
    """A typed value, as the server writes it."""

    text: str | None
    #: As a cast names it.
    type: str
    #: It was read from rows, so it is shown to nobody.
    is_of_rows: bool = False

    @property
    def node(self) -> Node:
        """It as an expression."""
        written = "NULL" if self.text is None else literal(self.text)
        return tree.expression(f"{written}::{self.type}")


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A variable as a DECLARE section has it."""

    name: str
    #: As written, e.g. `text[]`, `t.a%TYPE`.
    type: str
    #: The initial value's expression; "" for NULL.
    default: str = ""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What a record holds, by field."""

    fields: Mapping[str, Value] = field(default_factory=dict)


#: None where nobody can tell before the block has run.
Held = Value | Record | None


class Untold(Exception):
    """A value is used that nobody can tell, or that cannot be put into SQL."""


def declarations(body: str) -> tuple[tuple[Declaration, ...], ...]:
    """What each block of a body declares, block by block in the order of their BEGINs."""
    blocks: list[tuple[Declaration, ...]] = []
    declared: list[Declaration] = []
    found = tree.tokens(body)
    place, is_declaring = 0, False
    while place < len(found):
        word = found[place].text
        if word == "begin":
            blocks.append(tuple(declared))
            declared, is_declaring = [], False
        elif word == "declare":
            is_declaring = True
        elif is_declaring:
            end = place
            while end < len(found) and found[end].text != ";":
                end += 1
            declared.append(_declaration(body, found[place:end]))
            place = end
        place += 1
    return tuple(blocks)


def _declaration(body: str, found: tuple[tree.Token, ...]) -> Declaration:
    if "cursor" in (token.text for token in found[1:4]):
        return Declaration(name=found[0].text, type="refcursor")
    first = 2 if len(found) > 1 and found[1].text == "constant" else 1
    last = first
    while last < len(found) and found[last].text not in _AFTER_TYPE:
        last += 1
    if last == first:
        raise Unreadable(f"The declaration of {found[0].text} cannot be read.", "Write its type.")
    begins = next((at for at in range(last, len(found)) if found[at].text in (":=", "=", "default")), None)
    default = "" if begins is None else body[found[begins].end : found[-1].end].strip()
    return Declaration(
        name=found[0].text, type=body[found[first].start : found[last - 1].end], default=default
    )


class Scope:
    """The variables that can be seen where the block is being read."""

    def __init__(self) -> None:
        self._frames: list[dict[str, Held]] = []
        self._types: list[dict[str, str]] = []

    def enter(self) -> None:
        """A block or loop begins."""
        self._frames.append({})
        self._types.append({})

    def leave(self) -> None:
        """It ends, and its variables with it."""
        self._frames.pop()
        self._types.pop()

    def declare(self, name: str, type_name: str, held: Held) -> None:
        """A variable of the innermost block."""
        self._frames[-1][name] = held
        self._types[-1][name] = type_name

    def has(self, name: str) -> bool:
        """Whether there is a variable of that name."""
        return any(name in frame for frame in self._frames)

    def type_of(self, name: str) -> str:
        """What the variable is declared as; "" for a record."""
        return next(types[name] for types in reversed(self._types) if name in types)

    def held(self, name: str) -> Held:
        """What it holds."""
        return next(frame[name] for frame in reversed(self._frames) if name in frame)

    def set(self, name: str, held: Held) -> None:
        """It holds something else from here on."""
        frame = next(frame for frame in reversed(self._frames) if name in frame)
        frame[name] = held

    def value(self, names: tuple[str, ...]) -> Value | None:
        """What a column's name means if it is a variable or a record's field; None where it is neither.

        Raises Untold where nobody knows what it holds.
        """
        if not names or not self.has(names[0]):
            return None
        held = self.held(names[0])
        if held is None:
            raise Untold(f"what {names[0]} holds is known only when the block runs")
        if isinstance(held, Value):
            return held if len(names) == 1 else None
        if len(names) == 2 and names[1] in held.fields:
            return held.fields[names[1]]
        raise Untold(f"{'.'.join(names)} is no single value of the record {names[0]}")


def written_type(declared: str, scope: Scope, catalog: Catalog) -> str | None:
    """A declared type as a cast names it, `%TYPE` looked up; "" for a record.

    None for that of a column that only the server knows.
    """
    folded = "".join(declared.lower().split())
    if folded == "record" or folded.endswith("%rowtype"):
        return ""
    if not folded.endswith("%type"):
        return declared
    parts = [token.text for token in tree.tokens(declared) if token.text != "."][:-2]
    if len(parts) == 1 and scope.has(parts[0]):
        return scope.type_of(parts[0])
    table = catalog.find(parts[-3] if len(parts) > 2 else None, parts[-2]) if len(parts) > 1 else None
    column = None if table is None else table.column(parts[-1])
    return None if column is None else column.type


@dataclass(kw_only=True)
class Filling:
    """Puts values where a statement has variables or parameters."""

    scope: Scope
    parameters: tuple[Value, ...] = ()
    #: Whether one of them was put in, and whether it was read from rows.
    is_filled: bool = False
    is_of_rows: bool = False

    def filled(self, node: Node) -> Node:
        """The tree with its values. Raises Untold."""
        made = self._filled(node, frozenset())
        assert isinstance(made, dict)
        return made

    def _filled(self, node: object, outputs: frozenset[str]) -> object:
        if isinstance(node, list):
            return [self._filled(item, outputs) for item in node]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((kind, inner),) = node.items()
            match kind:
                case "ColumnRef" if all("String" in each for each in inner["fields"]):
                    return self._put(self.scope.value(strings(inner["fields"]))) or node
                case "ParamRef" if 0 < inner.get("number", 0) <= len(self.parameters):
                    return self._put(self.parameters[inner["number"] - 1])
                case "ResTarget" if "val" in inner and "name" not in inner:
                    return {kind: self._target(inner, outputs)}
                case "SortBy" if _name(inner.get("node")) in outputs:
                    return node
                case "SelectStmt":
                    outputs = frozenset(_output(item["ResTarget"]) for item in inner.get("targetList", []))
        made = {key: self._filled(value, outputs) for key, value in node.items() if key != "groupClause"}
        if "groupClause" in node:
            made["groupClause"] = [
                item if _name(item) in outputs else self._filled(item, outputs)
                for item in node["groupClause"]
            ]
        return made

    def _target(self, inner: Node, outputs: frozenset[str]) -> Node:
        """A column that is called after a variable goes on being called so."""
        value = self._filled(inner["val"], outputs)
        name = _name(inner["val"])
        return {**inner, "val": value, **({"name": name} if name and value != inner["val"] else {})}

    def _put(self, value: Value | None) -> Node | None:
        if value is None:
            return None
        self.is_filled = True
        self.is_of_rows = self.is_of_rows or value.is_of_rows
        return value.node


def _name(node: object) -> str:
    match node:
        case {"ColumnRef": {"fields": [*_, {"String": {"sval": str(name)}}]}}:
            return name
    return ""


def _output(target: Node) -> str:
    return str(target.get("name") or _name(target.get("val")))


def cast_to(select: Node, type_name: str) -> Node:
    """A SELECT of one value with that value in another type."""
    targets = select.get("targetList", [])
    if not type_name or len(targets) != 1:
        return select
    cast = dict(tree.expression(f"NULL::{type_name}")["TypeCast"])
    cast["arg"] = targets[0]["ResTarget"]["val"]
    return {**select, "targetList": [{"ResTarget": {"val": {"TypeCast": cast}}}]}


def as_type(held: Held, type_name: str, ask: Callable[[Node], Value]) -> Held:
    """A value in the type of the variable that it is put into."""
    if not isinstance(held, Value) or not type_name or held.type == type_name:
        return held
    if held.text is None:
        return replace(held, type=type_name)
    select: Node = {
        "targetList": [{"ResTarget": {"val": held.node}}],
        "limitOption": "LIMIT_OPTION_DEFAULT",
        "op": "SETOP_NONE",
    }
    return replace(ask(cast_to(select, type_name)), is_of_rows=held.is_of_rows)
