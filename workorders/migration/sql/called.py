"""Functions that a SELECT calls for their effect, where that is to change the schema.

`SELECT f(a, b)` whose f is PL/pgSQL and makes a table is planned as the block that f's body is, with
its parameters as variables. A function that only writes rows is none of these: its rows are captured.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.sql import blocks, tree
from workorders.migration.sql.blocks import Block
from workorders.migration.sql.tree import Node, RawStatement, strings

#: Clauses besides its list with which a SELECT does more than call.
_MORE = frozenset({"fromClause", "whereClause", "groupClause", "havingClause", "withClause", "intoClause"})


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One of a function's, with what the call gives for it."""

    name: str
    #: As a cast names it.
    type: str
    #: An expression.
    argument: str


@dataclass(frozen=True, kw_only=True)
class Call:
    """A function as a block, and what it is given."""

    name: str
    block: Block
    parameters: tuple[Parameter, ...]


def names(raw: RawStatement) -> tuple[str, ...]:
    """The functions, by unqualified name, that a SELECT does nothing but call."""
    return tuple(strings(each["funcname"])[-1] for each in _calls(raw))


def calls(raw: RawStatement, catalog: Catalog) -> tuple[Call, ...]:
    """What such a SELECT calls; () unless every one is known, and one of them changes the schema."""
    found = [_call(node, catalog, raw.line) for node in _calls(raw)]
    known = tuple(each for each in found if each is not None)
    is_told = len(known) == len(found) and any(each.block.changes_schema for each in known)
    return known if is_told else ()


def changes_schema(block: Block, catalog: Catalog) -> bool:
    """Whether a block does so itself, or by a function that it calls."""
    objects = () if catalog.archive is None or block.language != "plpgsql" else catalog.archive.objects
    return block.changes_schema or any(
        blocks.of_function(raw, str(_options(raw).get("as", "")), 0).changes_schema
        for entry in objects
        if entry.kind == "FUNCTION" and entry.tag.partition("(")[0] in block.calls
        for raw in tree.statements(entry.definition)[:1]
        if _options(raw).get("language") == "plpgsql"
    )


def _calls(raw: RawStatement) -> list[Node]:
    """The calls that its list is made of; none where there is anything else."""
    is_one = raw.kind == "SelectStmt" and raw.node.get("op", "SETOP_NONE") == "SETOP_NONE"
    if not is_one or _MORE & raw.node.keys():
        return []
    targets = [each["ResTarget"]["val"] for each in raw.node.get("targetList", [])]
    return [each["FuncCall"] for each in targets] if all("FuncCall" in each for each in targets) else []


def _call(node: Node, catalog: Catalog, line: int) -> Call | None:
    given = [tree.expression_text(each) for each in node.get("args", [])]
    candidates = [
        (entry, raw)
        for entry in _functions(node, catalog)
        for raw in tree.statements(entry.definition)[:1]
        if len(_inputs(raw)) == len(given)
    ]
    if len(candidates) != 1 or node.keys() - {"funcname", "args", "funcformat", "location"}:
        return None
    ((entry, raw),) = candidates
    options = _options(raw)
    inputs = _inputs(raw)
    is_plain = all(each.get("mode", "") in ("FUNC_PARAM_DEFAULT", "FUNC_PARAM_IN") for each in inputs)
    if options.get("language") != "plpgsql" or {"set", "security"} & options.keys() or not is_plain:
        return None
    if not all(each.get("name") for each in inputs):
        return None
    return Call(
        name=f"{entry.schema}.{entry.tag}",
        block=blocks.of_function(raw, str(options.get("as", "")), line),
        parameters=tuple(
            Parameter(name=each["name"], type=tree.type_text(each["argType"]), argument=argument)
            for each, argument in zip(inputs, given, strict=True)
        ),
    )


def _functions(node: Node, catalog: Catalog) -> Iterator[Entry]:
    """Those of its name in the first schema that has one."""
    *schema, name = strings(node["funcname"])
    objects = () if catalog.archive is None else catalog.archive.objects
    named = [each for each in objects if each.kind == "FUNCTION" and each.tag.partition("(")[0] == name]
    for place in schema or catalog.search_path:
        there = [each for each in named if each.schema == place]
        if there:
            yield from there
            return


def _inputs(raw: RawStatement) -> list[Node]:
    parameters = [each["FunctionParameter"] for each in raw.node.get("parameters", [])]
    return [each for each in parameters if each.get("mode") not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")]


def _options(raw: RawStatement) -> dict[str, object]:
    found: dict[str, object] = {}
    for item in raw.node.get("options", []):
        element = item["DefElem"]
        argument = element.get("arg", {})
        if "String" in argument:
            found[element["defname"]] = argument["String"].get("sval", "")
        elif "List" in argument:
            found[element["defname"]] = strings(argument["List"]["items"])[0]
        else:
            found[element["defname"]] = argument
    return found
