"""Whether an index's or a CHECK's own expression can be evaluated for a row that was written without it.

A cast or a function may fail on a value: while the index is there, such a row is not let in; once it is
gone, one may be written, and then the way back could not build it. What cannot be evaluated is
counted before anything is undone, like any row that the old schema cannot hold, by a function of ours
that catches the failure. Its inner half is of the form that the server keeps as a tree (RETURN, 14
and later), so that functions that have other names by then are still called.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Index, Table
from workorders.migration.catalog.types import bare
from workorders.migration.names import OUR_SCHEMA, RelationName, literal, ours, quoted
from workorders.migration.operations import rebuild
from workorders.migration.operations.operation import Place
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node
from workorders.migration.steps import Action, Misfit, Step

#: Operators of the server that fail on some values of their types.
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^"})
#: Those of patterns, which a value may break that is no pattern.
_OF_PATTERNS = frozenset({"~", "~*", "!~", "!~*"})
#: Functions of the server that give a value for any value.
_SURE = frozenset(
    {
        *("lower", "upper", "initcap", "length", "char_length", "octet_length", "btrim", "ltrim", "rtrim"),
        *("md5", "reverse", "jsonb_typeof", "json_typeof", "array_length", "cardinality", "num_nulls"),
        *("num_nonnulls", "concat", "left", "right"),
    }
)
#: Types that any value of another can be written as.
_TEXTS = frozenset({"text", "varchar", "bpchar", "citext"})


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Of the expressions of one index or CHECK, over a row of one table."""

    table: Table
    #: The index or constraint.
    what: str
    run: str
    #: Over the table's columns; where the first is false or NULL, the others are not asked for.
    expressions: tuple[str, ...]
    columns: tuple[Column, ...]

    @classmethod
    def of_index(cls, catalog: Catalog, table: Table, index: Index, run: str) -> Self | None:
        """None where every row can be indexed."""
        (raw,) = tree.statements(index.definition)
        elements = (item["IndexElem"] for item in raw.node["indexParams"])
        keys = [tree.expression_text(element["expr"]) for element in elements if "expr" in element]
        predicate = raw.node.get("whereClause")
        return cls._of(
            catalog,
            table,
            index.name,
            run,
            ["true" if predicate is None else tree.expression_text(predicate), *keys],
        )

    @classmethod
    def of_check(cls, catalog: Catalog, table: Table, check: Constraint, run: str) -> Self | None:
        """None where every row can be checked."""
        return cls._of(catalog, table, check.name, run, ["true", rebuild.condition_of(check)])

    @classmethod
    def _of(
        cls, catalog: Catalog, table: Table, what: str, run: str, expressions: Sequence[str]
    ) -> Self | None:
        nodes = [tree.expression(each) for each in expressions]
        if table.kind != "r" or not any(_may_fail(node) for node in nodes):
            return None
        named = {name for node in nodes for name in tree.columns_in(node)}
        columns = tuple(column for column in table.columns if column.name in named)
        if not columns or not all(catalog.types.is_built_in(column.type) for column in columns):
            return None
        return cls(table=table, what=what, run=run, expressions=tuple(expressions), columns=columns)

    def steps(self, place: Place, operation: str) -> tuple[Step, ...]:
        """The functions, made before what they stand for is dropped."""
        outer, inner = self._function("evaluates"), self._function("value")
        drop = Action(
            title=f"drop the trial of {self.what}",
            sql=(f"DROP FUNCTION IF EXISTS {outer.sql}", f"DROP FUNCTION IF EXISTS {inner.sql}"),
            done=f"SELECT {_is_missing(outer)} AND {_is_missing(inner)}",
        )
        return (
            Step(
                statement=place.statement,
                operation=operation,
                action=Action(
                    title=f"keep a trial of {self.what}, for rows that it would not take",
                    sql=self._made(outer, inner),
                    done=f"SELECT NOT {_is_missing(outer)}",
                ),
                undo=(drop,),
                purge=(drop,),
            ),
        )

    def _made(self, outer: RelationName, inner: RelationName) -> tuple[str, str]:
        parameters = ", ".join(f"{quoted(each.name)} {each.type}" for each in self.columns)
        condition, *values = self.expressions
        # Evaluates each of them, for a row that the index would hold.
        asked = f"pg_catalog.num_nulls({', '.join(values)}) >= 0" if values else "true"
        value = f"CASE WHEN {condition} THEN {asked} ELSE true END"
        passed = ", ".join(f"${place}" for place in range(1, len(self.columns) + 1))
        body = (
            f"BEGIN PERFORM {inner.sql}({passed}); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN false; END"
        )
        return (
            f"CREATE OR REPLACE FUNCTION {inner.sql}({parameters}) RETURNS boolean LANGUAGE sql"
            f" RETURN {value}",
            f"CREATE OR REPLACE FUNCTION {outer.sql}({parameters}) RETURNS boolean LANGUAGE plpgsql"
            f" AS {literal(body)}",
        )

    @property
    def succeeds(self) -> str:
        """True of a row whose values it takes."""
        return f"{self._function('evaluates').sql}({', '.join(quoted(each.name) for each in self.columns)})"

    @property
    def fails(self) -> str:
        """True of a row that it would not take; names what that calls, so that it stays until the purge."""
        named = [each for each in self.expressions if _calls_the_users(tree.expression(each))]
        return " OR ".join([f"NOT {self.succeeds}", *(f"(false AND ({each}) IS NULL)" for each in named)])

    def misfit(self, catalog: Catalog, reason: str) -> Misfit:
        """Such rows."""
        return Misfit(
            table=self.table.name,
            fillable=tuple(each.name for each in self.columns),
            rows=self.fails,
            rows_back=self.fails,
            aside=rebuild.aside(self.run, self.table.name, f"evaluates {self.what}"),
            reason=reason,
            referenced_when=rebuild.referenced_when(catalog, self.table.name),
        )

    def _function(self, kind: str) -> RelationName:
        return RelationName(schema=OUR_SCHEMA, name=ours(kind, self.run, str(self.table.name), self.what))


def _is_missing(function: RelationName) -> str:
    return f"pg_catalog.to_regproc({literal(function.sql)}) IS NULL"


def _may_fail(expression: Node) -> bool:
    for found in tree.walk({"Expr": expression}):
        match found.kind:
            case "TypeCast":
                is_constant = "A_Const" in found.node["arg"]
                if not is_constant and bare(tree.strings(found.node["typeName"]["names"])[-1]) not in _TEXTS:
                    return True
            case "FuncCall":
                schema, name = ("", *tree.strings(found.node["funcname"]))[-2:]
                if schema not in ("", "pg_catalog") or name not in _SURE:
                    return True
            case "A_Expr" if found.node["kind"] == "AEXPR_OP":
                operator = tree.strings(found.node["name"])[-1]
                has_given_pattern = not {"A_Const", "TypeCast"}.isdisjoint(found.node["rexpr"])
                if operator in _ARITHMETIC or (operator in _OF_PATTERNS and not has_given_pattern):
                    return True
    return False


def _calls_the_users(expression: Node) -> bool:
    calls = (found.node for found in tree.walk({"Expr": expression}) if found.kind == "FuncCall")
    return any(tree.strings(node["funcname"])[:-1] not in ((), ("pg_catalog",)) for node in calls)
