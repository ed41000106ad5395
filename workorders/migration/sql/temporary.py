"""Temporary tables and functions of a script, and views of those, which its later statements read.

Each step has a session of its own, so they stand in a schema of the run's instead, which the
statements after them find last in their search path. The plan's last step drops it.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import replace

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.errors import Problem
from workorders.migration.names import RelationName, ours, quoted
from workorders.migration.operations.operation import Place, exclusive, refused
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, RawStatement
from workorders.migration.steps import Action, Step

_OPERATION = "temporary"

#: The session's own schema, and how a function's body names it.
_PG_TEMP = "pg_temp"
_IN_BODY = re.compile(r"\bpg_temp\s*\.", re.IGNORECASE)


def schema_of(run: str) -> str:
    """The schema of a run's temporary tables."""
    return ours(_OPERATION, run)


def as_written(problem: Problem, run: str) -> Problem:
    """The problem in the script's own words: temporary tables without the schema that they stand in here."""
    schema = schema_of(run)
    reason, next_move = (
        text.replace(f"{quoted(schema)}.", "").replace(f"{schema}.", "")
        for text in (problem.reason, problem.next_move)
    )
    return replace(problem, reason=reason, next_move=next_move)


def is_made(raw: RawStatement) -> bool:
    """Whether the statement makes a temporary table, or a function in pg_temp."""
    relation = _made(raw)
    if raw.kind == "CreateFunctionStmt":
        return tree.strings(raw.node["funcname"])[0] == _PG_TEMP
    return relation is not None and _is_temporary(relation)


def placed(raw: RawStatement, run: str, place: Place, catalog: Catalog) -> RawStatement:
    """The statement with a temporary table in the run's schema, or with one read from there.

    Raises Refused for one that hides a lasting table of its name from the statements after it.
    """
    schema = schema_of(run)
    node = copy.deepcopy(raw.node)
    relation = _made(replace(raw, node=node))
    is_new = relation is not None and (_is_temporary(relation) or _reads_temporary(raw, schema, catalog))
    if relation is not None and is_new:
        name = relation["relname"]
        hidden = catalog.find(None, name)
        if hidden is not None and hidden.name.schema != schema:
            raise refused(
                place,
                f"The temporary table {name} has the name of {hidden.name}, which the statements after it"
                " could not reach.",
                "Give it a name of its own.",
            )
        relation |= {"schemaname": schema, "relpersistence": "p"}
        for holder in (node, node.get("into", {})):
            holder.pop("oncommit", None)
            holder.pop("onCommit", None)
    named = [each for each in tree.relations(node) if each.get("schemaname") == _PG_TEMP]
    for each in named:
        each["schemaname"] = schema
    if not (_requalified(node, schema) or is_new or named):
        return raw
    return replace(raw, node=node, text=tree.statement_text(raw.kind, node))


def _requalified(node: object, schema: str) -> bool:
    """Puts the run's schema for pg_temp into names of functions and into bodies; whether it stood there."""
    if isinstance(node, list):
        is_name = len(node) > 1 and node[0] == {"String": {"sval": _PG_TEMP}}
        if is_name:
            node[0] = {"String": {"sval": schema}}
        return any([is_name, *(_requalified(item, schema) for item in node)])
    if not isinstance(node, dict):
        return False
    body = node.get("arg") if node.get("defname") == "as" else None
    is_said = False
    for text in tree.walk(body) if body is not None else ():
        if text.kind == "String" and _IN_BODY.search(text.node.get("sval", "")):
            # No backslash of the schema's name is one of a pattern's.
            text.node["sval"] = _IN_BODY.sub(lambda _: f"{quoted(schema)}.", text.node["sval"])
            is_said = True
    return any([is_said, *(_requalified(value, schema) for value in node.values())])


def is_only_dropped(raw: RawStatement, run: str, catalog: Catalog) -> bool:
    """Whether the statement drops nothing but temporary tables: they go at the plan's end."""
    if raw.kind != "DropStmt" or raw.node.get("removeType") != "OBJECT_TABLE":
        return False
    names = [tree.strings(item["List"]["items"]) for item in raw.node["objects"]]
    found = [catalog.find(name[-2] if len(name) > 1 else None, name[-1]) for name in names]
    return all(table is not None and table.name.schema == schema_of(run) for table in found)


def dropped(raw: RawStatement, catalog: Catalog) -> Catalog:
    """The catalog after such a statement."""
    names = [tree.strings(item["List"]["items"])[-1] for item in raw.node["objects"]]
    gone = {table.name for name in names if (table := catalog.find(None, name)) is not None}
    return replace(catalog, tables={name: each for name, each in catalog.tables.items() if name not in gone})


def kept_apart(made: tuple[Step, ...], table: RelationName | None, run: str) -> tuple[Step, ...]:
    """An operation's steps; what is done to a temporary table has no way back but the schema's own."""
    schema = schema_of(run)
    if table is None or table.schema != schema:
        return made

    def is_apart(action: Action) -> bool:
        concerned = (*action.captured, *(lock.relation for lock in action.locks))
        return all(name.schema == schema for name in concerned)

    return tuple(
        replace(step, undo=(), purge=(), remains=()) if is_apart(step.action) else step for step in made
    )


def path(run: str, catalog: Catalog) -> str:
    """The search path of the statements after a temporary table."""
    return ", ".join(map(quoted, (*catalog.search_path, schema_of(run))))


def with_schema(run: str, catalog: Catalog) -> Catalog:
    """The catalog with the run's schema, last in the search path."""
    schema = schema_of(run)
    return replace(catalog, schemas=catalog.schemas | {schema}, search_path=(*catalog.search_path, schema))


def creation(run: str, place: Place) -> Step:
    """Makes the run's schema. On the way back it goes with all that is in it."""
    is_there = questions.schema_exists(schema_of(run))
    return Step(
        statement=place.statement,
        operation=_OPERATION,
        action=Action(
            title="make a schema for temporary tables",
            sql=(f"CREATE SCHEMA IF NOT EXISTS {quoted(schema_of(run))}",),
            done=is_there,
        ),
        undo=(_removal(run),),
    )


def removal(run: str, statement: int, named: Iterable[RelationName]) -> Step:
    """Drops the run's schema at the plan's end, with those tables that the script names."""
    tables = sorted(name for name in named if name.schema == schema_of(run))
    action = replace(_removal(run), locks=exclusive(*tables))
    return Step(statement=statement, operation=_OPERATION, action=action)


def _removal(run: str) -> Action:
    return Action(
        title="drop temporary tables",
        sql=(f"DROP SCHEMA IF EXISTS {quoted(schema_of(run))} CASCADE",),
        done=questions.negated(questions.schema_exists(schema_of(run))),
    )


def _made(raw: RawStatement) -> Node | None:
    """The relation that the statement makes."""
    match raw.kind:
        case "CreateStmt":
            relation: Node = raw.node["relation"]
            return relation
        case "CreateTableAsStmt" if raw.node.get("objtype") == "OBJECT_TABLE":
            made: Node = raw.node["into"]["rel"]
            return made
        case "ViewStmt":
            view: Node = raw.node["view"]
            return view
    return None


def _reads_temporary(raw: RawStatement, schema: str, catalog: Catalog) -> bool:
    """Whether the statement makes a view of a temporary table: the server makes that temporary, too."""
    if raw.kind != "ViewStmt":
        return False
    named = tree.relations(raw.node["query"])
    read = (catalog.find(each.get("schemaname"), each["relname"]) for each in named)
    return any(table is not None and table.name.schema == schema for table in read)


def _is_temporary(relation: Node) -> bool:
    return relation.get("relpersistence") == "t" or relation.get("schemaname") == _PG_TEMP
