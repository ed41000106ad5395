"""What a DO block computes and asks, asked of the target with the block's variables put in as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, Protocol

from workorders.migration.decisions import Answer, Decision, Questions
from workorders.migration.errors import Fails, Refused, Unreadable
from workorders.migration.operations.operation import Place, refused
from workorders.migration.sql import foreseen, row_changes, tree
from workorders.migration.sql.tree import Node
from workorders.migration.sql.variables import (
    Filling,
    Held,
    Record,
    Scope,
    Untold,
    Value,
    as_type,
    cast_to,
    written_type,
)

WRITE_OUT = "Write out what it comes to, as statements of their own."
OF_ITS_OWN = "Put it in a migration of its own, after this one."


class Stage(foreseen.Stage, Protocol):
    """What a block is computed on."""

    decisions: list[Decision]
    settings: Mapping[str, str]


class Computing:
    """The block's variables, and the answers to what it asks."""

    def __init__(self, stage: Stage, questions: Questions, line: int) -> None:
        self._stage, self._questions = stage, questions
        self.scope = Scope()
        #: Where the block is being read.
        self.line = line

    def refuse(self, reason: str, next_move: str) -> NoReturn:
        """Raises Refused with the line."""
        raise refused(Place(statement=0, line=self.line), reason, next_move)

    def fail(self, reason: str, sqlstate: str) -> NoReturn:
        """Raises Fails with the line: the block itself does, if no handler of it takes that."""
        raise refused(Place(statement=0, line=self.line), reason, "Mend the block.", sqlstate=sqlstate)

    def decide(self, asked: str, answer: str) -> None:
        """Keeps what the block's course depends on."""
        self._stage.decisions.append(Decision(line=self.line, asked=asked, answer=answer))

    def type_of(self, declared: str) -> str:
        """A declared type as a cast names it; "" for a record."""
        written = written_type(declared, self.scope, self._stage.catalog)
        if written is not None:
            return written
        table, _, column = declared.rpartition("%")[0].rpartition(".")
        return self.value(f"(NULL::{table}).{column}").type

    def condition(self, expression: Node) -> bool:
        """Whether it is true; what is unknown is not."""
        text = query_of(expression)
        is_true = self.value(text, "boolean").text == "t"
        self.decide(text, str(is_true).lower())
        return is_true

    def value(self, expression: str, type_name: str = "") -> Value:
        """An expression's value, in another type where one is given."""
        answer, is_of_rows = self._ask(self._select(f"SELECT {expression}"), (), type_name)
        if len(answer.fields) != 1 or len(answer.rows) > 1:
            self.refuse(f"{expression.strip()!r} is not one value.", WRITE_OUT)
        text = answer.rows[0][0] if answer.rows else None
        return Value(text=text, type=answer.fields[0].type, is_of_rows=is_of_rows)

    def parameters(self, nodes: list[Node]) -> tuple[Value, ...]:
        """What USING gives."""
        return tuple(self.value(query_of(each)) for each in nodes)

    def records(self, query: str, parameters: tuple[Value, ...] = ()) -> list[Record]:
        """A query's rows: in its own order, else in one that is the same each time."""
        select = self._select(query)
        answer, is_of_rows = self._ask(select, parameters)
        rows = list(answer.rows)
        if "sortClause" not in select:
            rows.sort(key=lambda row: [(each is not None, each or "") for each in row])
        return [
            Record(
                fields={
                    field.name: Value(text=text, type=field.type, is_of_rows=is_of_rows)
                    for field, text in zip(answer.fields, row, strict=True)
                }
            )
            for row in rows
        ]

    def into(self, query: str, parameters: tuple[Value, ...], *, is_strict: bool) -> Record | None:
        """The row that INTO takes; None where there is none."""
        found = self.records(query, parameters)
        if is_strict and len(found) != 1:
            self.fail("The block asks for exactly one row here.", "P0003" if found else "P0002")
        if len(found) > 1 and "sortClause" not in self._select(query):
            self.refuse("Which of several rows it takes here is left to chance.", "Add an ORDER BY.")
        return found[0] if found else None

    def assign(self, target: Node, record: Record | None) -> None:
        """Puts a row into the variables of an INTO or a FOR."""
        ((kind, node),) = target.items()
        if kind == "PLpgSQL_rec":
            self.scope.set(node["refname"], record or Record())
            return
        names = [each["name"] for each in node["fields"]] if kind == "PLpgSQL_row" else [node["refname"]]
        values: list[Held] = [*record.fields.values()] if record else []
        for place, name in enumerate(names):
            held = values[place] if place < len(values) else None
            self.set(name, held or Value(text=None, type=self.scope.type_of(name)))

    def set(self, name: str, held: Held) -> None:
        """Puts a value into a variable, in the variable's type."""

        def cast(select: Node) -> Value:
            answer, is_of_rows = self._ask(select, ())
            return Value(text=answer.rows[0][0], type=answer.fields[0].type, is_of_rows=is_of_rows)

        self.scope.set(name, as_type(held, self.scope.type_of(name), cast))

    def found(self, is_found: bool | None) -> None:
        """Sets FOUND; None where only the run tells."""
        value = None if is_found is None else Value(text="t" if is_found else "f", type="boolean")
        self.scope.set("found", value)

    def filling(self, parameters: tuple[Value, ...] = ()) -> Filling:
        """Puts the variables of here into a statement."""
        return Filling(scope=self.scope, parameters=parameters)

    def is_volatile(self, node: Node) -> bool:
        """Whether it calls what may write, or give another value each time."""
        volatile = self._stage.catalog.volatile(tree.functions_in(node))
        return bool(volatile) or row_changes.changes_within(node) or "lockingClause" in node

    def _select(self, query: str) -> Node:
        try:
            parsed = tree.statements(query)
        except Unreadable as error:
            raise Untold(f"{query.strip()!r} cannot be read") from error
        if len(parsed) != 1 or parsed[0].kind != "SelectStmt" or "intoClause" in parsed[0].node:
            self.refuse("What this statement gives is known only when the block runs.", WRITE_OUT)
        return parsed[0].node

    def _ask(self, select: Node, parameters: tuple[Value, ...], type_name: str = "") -> tuple[Answer, bool]:
        """The answer, and whether it was read from rows."""
        if self.is_volatile(select):
            calls = sorted(self._stage.catalog.volatile(tree.functions_in(select)))
            what = f"{calls[0]}()" if calls else "this query"
            self.refuse(f"What {what} gives here may be another each time, or it writes.", WRITE_OUT)
        filling = self.filling(parameters)
        filled = cast_to(filling.filled(select), type_name)
        query = foreseen.asked(filled, self._stage)
        text = tree.statement_text("SelectStmt", query)
        try:
            answer = self._questions.ask(text, self._stage.settings)
        except Fails as error:
            if query != filled:
                raise Untold("it asks of what the statements before it change") from error
            self.fail(error.problems[0].reason, error.sqlstate)
        except Refused as error:
            self.refuse(error.problems[0].reason, error.problems[0].next_move)
        return answer, filling.is_of_rows or foreseen.reads_rows(filled)


def query_of(expression: Node) -> str:
    """An expression's text, as the block has it."""
    return str(expression["PLpgSQL_expr"]["query"])
