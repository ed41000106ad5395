"""What a block says in statements of its own: values that it assigns, SQL that it runs or puts together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, Self

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.errors import Unreadable
from workorders.migration.sql import blocks, called, computing, raised, script, tree
from workorders.migration.sql.computing import WRITE_OUT, Computing, query_of
from workorders.migration.sql.session_settings import setting_of
from workorders.migration.sql.tree import Node, RawStatement
from workorders.migration.sql.variables import Record, Value

#: More statements than a person could approve.
_STATEMENTS = 1000

#: Statements in which the server itself takes variables for values.
_WITH_VARIABLES = frozenset(
    {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CreateTableAsStmt", "CallStmt"}
)

#: Statements that set FOUND to what only their run tells.
_FINDING = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt"})

#: What rows may make of a statement that writes them: a handler of these, and nobody can foretell it.
_BY_ROWS = ("22000", "23502", "23503", "23505", "23514", "23P01", "P0001")


class Stage(computing.Stage, Protocol):
    """The plan that the block's statements become part of."""

    def add(self, statement: script.Statement) -> None:
        """Plans one statement more. Raises Refused, and Fails where the server would fail as well."""

    def saved(self) -> Self:
        """What there is so far."""

    def restore(self, saved: Self) -> None:
        """Forgets what came since."""


def is_unrolled(raw: RawStatement, catalog: Catalog) -> bool:
    """Whether a statement is a DO block that changes the schema, or calls functions one of which does."""
    if raw.kind == "SelectStmt":
        return bool(called.calls(raw, catalog))
    return raw.kind == "DoStmt" and called.changes_schema(blocks.read(raw), catalog)


class Statements:
    """Plans a block's statements one by one. A method's name is that of PL/pgSQL's own node."""

    def __init__(self, stage: Stage, computing: Computing, unroll: Callable[[RawStatement], None]) -> None:
        self._stage = stage
        self._computing = computing
        self._scope = computing.scope
        #: Plans a block within the block.
        self._unroll = unroll
        #: What the block's nodes know by number.
        self.datums: list[Node] = []
        #: The conditions that the handlers around catch.
        self.caught: list[str] = []
        self._count = 0

    def assign(self, node: Node) -> None:
        """A value into a variable, or into a field of a record."""
        query = query_of(node["expr"])
        ((kind, datum),) = self.datums[node["varno"]].items()
        marks = tree.tokens(query)
        place = 3 if kind == "PLpgSQL_recfield" else 1
        if kind not in ("PLpgSQL_var", "PLpgSQL_recfield") or marks[place].text not in (":=", "="):
            self._computing.refuse("A part of a value is assigned here, which is not modelled.", WRITE_OUT)
        expression = query[marks[place].end :]
        if kind == "PLpgSQL_var":
            name = datum["refname"]
            self._scope.set(name, self._computing.value(expression, self._scope.type_of(name)))
            return
        ((_, record),) = self.datums[datum["recparentno"]].items()
        held = self._scope.held(record["refname"])
        fields = held.fields if isinstance(held, Record) else {}
        if datum["fieldname"] not in fields:
            self._computing.refuse(f"The record {record['refname']} has no such field.", "Mend the block.")
        value = self._computing.value(expression, fields[datum["fieldname"]].type)
        self._scope.set(record["refname"], Record(fields={**fields, datum["fieldname"]: value}))

    def execsql(self, node: Node) -> None:
        """A statement that stands in the block itself."""
        query = query_of(node["sqlstmt"])
        if not node.get("into"):
            self._add(query, (), finds=True)
            return
        record = self._computing.into(query, (), is_strict=bool(node.get("strict")))
        self._computing.assign(node["target"], record)
        self._computing.found(record is not None)

    def dynexecute(self, node: Node) -> None:
        """EXECUTE."""
        text = self.text(node["query"])
        parameters = self._computing.parameters(node.get("params", []))
        if not node.get("into"):
            self._add(text, parameters)
            return
        record = self._computing.into(text, parameters, is_strict=bool(node.get("strict")))
        self._computing.assign(node["target"], record)

    def perform(self, node: Node) -> None:
        """A query for its effect, and for FOUND."""
        query = query_of(node["expr"])
        (raw,) = tree.statements(query)
        if self._computing.is_volatile(raw.node):
            self._add(query, (), finds=True)
        else:
            self._computing.found(bool(self._computing.records(query)))

    def call(self, node: Node) -> None:
        """CALL."""
        self._add(query_of(node["expr"]), ())

    def text(self, expression: Node) -> str:
        """What an EXECUTE, or a FOR over one, puts together."""
        query = query_of(expression)
        value = self._computing.value(query, "text")
        if value.text is None:
            self._computing.fail("What EXECUTE is given here is NULL.", "22004")
        if value.is_of_rows and _writes(value.text):
            self._must_not_show_rows()
        self._computing.decide(query, value.text)
        return value.text

    def _add(self, text: str, parameters: tuple[Value, ...], *, finds: bool = False) -> None:
        """Plans what a statement of the block, or the text of an EXECUTE, says."""
        try:
            parsed = tree.statements(text)
        except Unreadable as error:
            self._computing.fail(f"EXECUTE is given what cannot be read: {error.reason}", "42601")
        for found in parsed:
            self._count += 1
            if self._count > _STATEMENTS:
                self._computing.refuse(f"The block comes to more than {_STATEMENTS} statements.", WRITE_OUT)
            raw = self._filled(replace(found, line=self._computing.line), parameters)
            setting = setting_of(raw)
            if setting is not None and setting.is_left_out:
                continue
            if is_unrolled(raw, self._stage.catalog):
                self._unroll(raw)
            elif raw.kind == "SelectStmt" and not self._computing.is_volatile(raw.node):
                self._computing.records(raw.text)
            else:
                self._plan(raw)
            if finds and raw.kind in _FINDING:
                self._computing.found(None)

    def _plan(self, raw: RawStatement) -> None:
        if raw.kind == "TransactionStmt":
            self._computing.refuse(
                "The block ends the transaction that protects a step.", "Remove its COMMIT and ROLLBACK."
            )
        statement = script.statement(raw)
        writes = statement.statement_class is script.StatementClass.DATA
        if writes and any(raised.catches(name, state) for name in self.caught for state in _BY_ROWS):
            self._computing.refuse(
                "Whether this statement fails, and its handler is met, is for rows to say when it runs.",
                "Take the handler or the statement out of the block.",
            )
        self._stage.add(statement)

    def _filled(self, raw: RawStatement, parameters: tuple[Value, ...]) -> RawStatement:
        """The statement with values for its variables, where it may have any."""
        if raw.kind not in _WITH_VARIABLES:
            return raw
        filling = self._computing.filling(parameters)
        node = filling.filled(raw.node)
        if not filling.is_filled:
            return raw
        if filling.is_of_rows:
            self._must_not_show_rows()
        text = tree.statement_text(raw.kind, node)
        self._computing.decide(raw.text, text)
        return replace(raw, node=node, text=text)

    def _must_not_show_rows(self) -> None:
        self._computing.refuse(
            "Values read from rows would stand in the plan, for everybody to see.",
            "Write one statement that reads them itself, such as INSERT ... SELECT or UPDATE ... FROM.",
        )


def _writes(text: str) -> bool:
    """Whether a text has a statement that writes rows; what cannot be read fails later, by name."""
    try:
        return any(each.kind in _FINDING - {"SelectStmt"} for each in tree.statements(text))
    except Unreadable:
        return False
