"""Which object of the archive a statement means, by the same rules as the server: kind, name, arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from workorders.migration.catalog.archive import Archive, Entry
from workorders.migration.errors import Refused
from workorders.migration.names import RelationName
from workorders.migration.sql import renamed, tree
from workorders.migration.sql.tree import Node, strings

_RELATIONS = ("TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE", "FOREIGN TABLE")
_ROUTINES = ("FUNCTION", "PROCEDURE", "AGGREGATE")

#: The parser's kind of object -> the archive's.
KINDS = {
    "OBJECT_TABLE": _RELATIONS,
    "OBJECT_VIEW": ("VIEW",),
    "OBJECT_MATVIEW": ("MATERIALIZED VIEW",),
    "OBJECT_SEQUENCE": ("SEQUENCE",),
    "OBJECT_INDEX": ("INDEX",),
    "OBJECT_FUNCTION": _ROUTINES,
    "OBJECT_PROCEDURE": ("PROCEDURE",),
    "OBJECT_AGGREGATE": ("AGGREGATE",),
    "OBJECT_ROUTINE": _ROUTINES,
    "OBJECT_TRIGGER": ("TRIGGER",),
    "OBJECT_POLICY": ("POLICY",),
    "OBJECT_RULE": ("RULE",),
    "OBJECT_TYPE": ("TYPE", "DOMAIN"),
    "OBJECT_DOMAIN": ("DOMAIN",),
    "OBJECT_SCHEMA": ("SCHEMA",),
    "OBJECT_EXTENSION": ("EXTENSION",),
    "OBJECT_STATISTIC_EXT": ("STATISTICS",),
    "OBJECT_PUBLICATION": ("PUBLICATION",),
    "OBJECT_TABCONSTRAINT": ("CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT"),
}

#: What the server says where there is no object of a kind: SQLSTATE; all others are undefined objects.
_MISSING = {
    "OBJECT_TABLE": "42P01",
    "OBJECT_VIEW": "42P01",
    "OBJECT_MATVIEW": "42P01",
    "OBJECT_SEQUENCE": "42P01",
    "OBJECT_FUNCTION": "42883",
    "OBJECT_PROCEDURE": "42883",
    "OBJECT_AGGREGATE": "42883",
    "OBJECT_ROUTINE": "42883",
    "OBJECT_SCHEMA": "3F000",
}

#: Objects that are named together with the relation that they are part of.
_ON_RELATIONS = {"TRIGGER", "POLICY", "RULE", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT"}

_INPUTS = {None, "FUNC_PARAM_DEFAULT", "FUNC_PARAM_IN", "FUNC_PARAM_INOUT", "FUNC_PARAM_VARIADIC"}


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A routine's arguments, as far as they tell it from others of its name."""

    inputs: tuple[str, ...]
    #: With those that only go out; DROP PROCEDURE may name them, too.
    every: tuple[str, ...]


def missing(objtype: str) -> str:
    """The SQLSTATE where a statement names an object of this kind that is not there."""
    return _MISSING.get(objtype, "42704")


def names_of(node: Node) -> tuple[str, ...]:
    """The parts of an object's name, whatever kind of node it is in."""
    match node:
        case {"List": {"items": items}}:
            # The type in COMMENT ON CONSTRAINT ... ON DOMAIN comes first.
            parts: list[str] = []
            for item in items:
                parts += names_of(item)
            return tuple(parts)
        case {"String": {"sval": name}}:
            return (name,)
        case {"TypeName": {"names": items}} | {"ObjectWithArgs": {"objname": items}}:
            return strings(items)
        case {"RangeVar": relation}:
            return relation_names(relation)
    return ()


def relation_names(relation: Node) -> tuple[str, ...]:
    """The parts of a RangeVar's name."""
    schema = relation.get("schemaname")
    return (schema, relation["relname"]) if schema else (relation["relname"],)


def signature(node: Node) -> Signature | None:
    """The arguments that an ObjectWithArgs gives; None where it gives none at all."""
    if node.get("args_unspecified"):
        return None
    return (
        _signature(node.get("objfuncargs", [])) if "objfuncargs" in node else _types(node.get("objargs", []))
    )


def parameters(node: Node) -> Signature:
    """The arguments of a CREATE FUNCTION, PROCEDURE or AGGREGATE."""
    if "args" in node:
        items = node["args"][0].get("List", {}).get("items", []) if node["args"] else []
        return _signature(items)
    return _signature(node.get("parameters", []))


def _signature(items: Sequence[Node]) -> Signature:
    found = [item["FunctionParameter"] for item in items]
    found = [each for each in found if each.get("mode") != "FUNC_PARAM_TABLE"]
    inputs = tuple(_type(each["argType"]) for each in found if each.get("mode") in _INPUTS)
    return Signature(inputs=inputs, every=tuple(_type(each["argType"]) for each in found))


def _types(items: Sequence[Node]) -> Signature:
    types = tuple(_type(item["TypeName"]) for item in items if "TypeName" in item)
    return Signature(inputs=types, every=types)


def _type(node: Node) -> str:
    parts = strings(node.get("names", []))
    parts = parts[1:] if parts[:1] == ("pg_catalog",) else parts
    return ".".join(parts) + "[]" * bool(node.get("arrayBounds"))


def _same_types(written: Sequence[str], known: Sequence[str]) -> bool:
    """Whether types as a script writes them are those that the archive has, schemas left out or not."""
    return len(written) == len(known) and all(
        each == other or ("." not in each and each == other.rpartition(".")[2])
        for each, other in zip(written, known, strict=True)
    )


class Objects:
    """The archive's objects as a statement finds them."""

    def __init__(self, archive: Archive, search_path: Sequence[str]) -> None:
        self._archive = archive
        self._path = tuple(search_path)

    def find(
        self,
        kinds: Sequence[str],
        names: Sequence[str],
        args: Signature | None = None,
        *,
        is_outdated_too: bool = False,
    ) -> Entry | None:
        """The object, or None where there is none or where several could be meant.

        Raises Refused for one whose text is outdated, if that matters.
        """
        for found in self._candidates(kinds, names):
            matching = [entry for entry in found if _fits(entry, args)]
            if len(matching) == 1:
                if not is_outdated_too:
                    must_be_current(self._archive, matching)
                return matching[0]
            if matching:
                return None
        return None

    def _candidates(self, kinds: Sequence[str], names: Sequence[str]) -> Iterator[list[Entry]]:
        """The objects of that name in each schema of the path, in its order."""
        on_relation = kinds[0] in _ON_RELATIONS
        if kinds[0] in ("SCHEMA", "EXTENSION", "PUBLICATION"):
            yield [e for e in self._archive.objects if e.kind in kinds and e.tag == names[-1]]
            return
        qualifier = names[:-2] if on_relation else names[:-1]
        tag = " ".join(names[-2:]) if on_relation else names[-1]
        for schema in qualifier[-1:] or self._path:
            yield [
                entry
                for entry in self._archive.objects
                if entry.kind in kinds
                and entry.schema == schema
                and (entry.tag.startswith(f"{tag}(") if entry.kind in _ROUTINES else entry.tag == tag)
            ]

    def meant(self, objtype: str, node: Node, *, is_outdated_too: bool = False) -> Entry | None:
        """The object that a node of a DROP, COMMENT, GRANT or ALTER names."""
        args = signature(node["ObjectWithArgs"]) if "ObjectWithArgs" in node else None
        kinds = KINDS.get(objtype, ("",))
        return self.find(kinds, names_of(node), args, is_outdated_too=is_outdated_too)

    def mentioned(self, node: object) -> tuple[int, ...]:
        """The numbers of all objects that a tree could mean: relations, types, routines by name."""
        found: set[int] = set()
        for relation in tree.relations(node):
            found |= self._numbers(_RELATIONS, relation_names(relation))
        for names in renamed.type_names(node):
            found |= self._numbers(("TYPE", "DOMAIN", *_RELATIONS), strings(names))
        for part in tree.walk({"Statement": node}):
            # Of a trigger, it is the function that it calls.
            if part.kind == "FuncCall" or "trigname" in part.node:
                found |= self._numbers(_ROUTINES, strings(part.node["funcname"]))
        return tuple(sorted(found))

    def _numbers(self, kinds: Sequence[str], names: Sequence[str]) -> set[int]:
        if not names:
            return set()
        return {entry.number for found in self._candidates(kinds, names) for entry in found}


def must_be_current(archive: Archive, entries: Iterable[Entry]) -> None:
    """Raises Refused where an object could only be made again from what it was called before."""
    for entry in entries:
        if entry.number in archive.outdated:
            raise Refused.because(
                f"{entry} names what an earlier statement of this script has renamed: its former"
                " definition could not be given back.",
                "Put this statement before the renaming, or in a migration of its own.",
            )


def _fits(entry: Entry, args: Signature | None) -> bool:
    if args is None or entry.kind not in _ROUTINES:
        return True
    known = _known(entry.drop)
    return known is not None and (
        _same_types(args.inputs, known.inputs) or _same_types(args.every, known.every)
    )


@lru_cache(maxsize=4096)
def _known(drop: str) -> Signature | None:
    (statement,) = tree.statements(drop)
    return signature(statement.node["objects"][0]["ObjectWithArgs"])


def relation_of(entry: Entry) -> RelationName | None:
    """The relation that an object is, or that it is part of; None for others."""
    if entry.kind in _RELATIONS:
        return RelationName(schema=entry.schema, name=entry.tag)
    if not entry.drop:
        return None
    (statement,) = tree.statements(entry.drop)
    if entry.kind in _ON_RELATIONS and statement.kind == "DropStmt":
        names = names_of(statement.node["objects"][0])
        return RelationName(schema=names[-3], name=names[-2])
    if statement.kind == "ViewStmt":  # a view's own rule, which is dropped by making it an empty view
        schema, name = relation_names(statement.node["view"])
        return RelationName(schema=schema, name=name)
    if statement.kind == "AlterTableStmt":
        schema, name = relation_names(statement.node["relation"])
        return RelationName(schema=schema, name=name)
    if entry.kind in ("INDEX", "STATISTICS"):
        return _read_by(entry.definition)
    return None


def _read_by(definition: str) -> RelationName | None:
    """The relation that an index or a statistics object is about."""
    for statement in tree.statements(definition):
        if statement.kind == "IndexStmt":
            names = relation_names(statement.node["relation"])
            return RelationName(schema=names[0], name=names[-1])
        if statement.kind == "CreateStatsStmt":
            names = relation_names(statement.node["relations"][0]["RangeVar"])
            return RelationName(schema=names[0], name=names[-1])
    return None
