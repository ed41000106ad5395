"""A DO block or a function that changes the schema, as the statements that it comes to on this database.

The block is read as PL/pgSQL would run it. What it computes and what it asks the database is asked of
the target, read only; each statement is planned in its place, as if it stood in the script. What
nobody can tell before the block runs is refused, with its line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from workorders.migration.decisions import Questions
from workorders.migration.errors import Fails, Unreadable
from workorders.migration.sql import blocks, called, raised, tree
from workorders.migration.sql.block_statements import Stage, Statements, is_unrolled
from workorders.migration.sql.called import Parameter
from workorders.migration.sql.computing import OF_ITS_OWN, WRITE_OUT, Computing, query_of
from workorders.migration.sql.tree import Node, RawStatement
from workorders.migration.sql.variables import Declaration, Record, Untold, Value, declarations

__all__ = ["is_unrolled", "unroll"]

#: More rounds of a block's loops than are worth asking.
_ROUNDS = 10_000

#: `elog_level` from which on RAISE stops the block.
_ERROR = 20


def unroll(raw: RawStatement, stage: Stage, questions: Questions) -> None:
    """Plans what a block, or a function that is called, comes to.

    Raises Refused, with the line, for what cannot be told before it runs.
    """
    if raw.kind == "DoStmt":
        _Unrolling(blocks.read(raw), stage, questions, raw.line).run()
        return
    for call in called.calls(raw, stage.catalog):
        _Unrolling(call.block, stage, questions, raw.line).run(call.parameters)


class _Return(Exception):
    """RETURN."""


class _Exit(Exception):
    """EXIT or CONTINUE, of the innermost loop where the label is ""."""

    def __init__(self, label: str, *, is_exit: bool) -> None:
        super().__init__(label)
        self.label = label
        self.is_exit = is_exit


class _Unrolling:
    def __init__(self, block: blocks.Block, stage: Stage, questions: Questions, line: int) -> None:
        self._block = block
        self._stage = stage
        self._computing = Computing(stage, questions, line)
        self._statements = Statements(stage, self._computing, lambda raw: unroll(raw, stage, questions))
        self._scope = self._computing.scope
        #: By block's node, what it declares.
        self._declared: dict[int, tuple[Declaration, ...]] = {}
        self._error: Fails | None = None
        self._rounds = 0

    def run(self, parameters: Sequence[Parameter] = ()) -> None:
        """Plans all of it."""
        function = self._block.function
        if function is None:
            self._computing.refuse("This block of PL/pgSQL cannot be read.", WRITE_OUT)
        self._statements.datums = function.get("datums", [])
        found = [
            each.node
            for each in tree.walk(function["action"])
            if each.kind == "PLpgSQL_stmt_block" and "lineno" in each.node
        ]
        try:
            declared = declarations(self._block.text)
        except Unreadable as error:
            self._computing.refuse(error.reason, error.next_move)
        if len(found) != len(declared) or "#variable_conflict" in self._block.text:
            self._computing.refuse("Which variables this block has cannot be told.", WRITE_OUT)
        self._declared = {id(node): each for node, each in zip(found, declared, strict=True)}
        with self._entered():
            for each in parameters:
                type_name = self._computing.type_of(each.type)
                self._scope.declare(each.name, type_name, self._computing.value(each.argument, type_name))
            self._scope.declare("found", "boolean", Value(text="f", type="boolean"))
            try:
                self._one(function["action"])
            except _Return:
                return

    @contextmanager
    def _entered(self) -> Iterator[None]:
        self._scope.enter()
        try:
            yield
        finally:
            self._scope.leave()

    def _all(self, statements: Sequence[Node]) -> None:
        for statement in statements:
            self._one(statement)

    def _one(self, statement: Node) -> None:
        ((kind, node),) = statement.items()
        name = kind.removeprefix("PLpgSQL_stmt_")
        line = self._line(node)
        own: Callable[[Node], None] | None = getattr(self, f"_do_{name}", None)
        run: Callable[[Node], None] | None = own or getattr(self._statements, name, None)
        if run is None:
            self._computing.refuse(f"What {name.upper()} gives is known only when the block runs.", WRITE_OUT)
        try:
            run(node)
        except Untold as untold:
            self._computing.line = line
            self._computing.refuse(
                f"What this block does cannot be told before it runs: {untold}.", OF_ITS_OWN
            )

    def _line(self, node: Node) -> int:
        if "lineno" in node and not self._block.is_called:
            self._computing.line = self._block.line + int(node["lineno"]) - 1
        return self._computing.line

    # Blocks and their handlers

    def _do_block(self, node: Node) -> None:
        with self._entered():
            for each in self._declared.get(id(node), ()):
                type_name = self._computing.type_of(each.type)
                held = Value(text=None, type=type_name) if type_name else Record()
                if each.default and type_name:
                    held = self._computing.value(each.default, type_name)
                self._scope.declare(each.name, type_name, held)
            try:
                if "exceptions" in node:
                    self._guarded(node.get("body", []), node["exceptions"]["PLpgSQL_exception_block"])
                else:
                    self._all(node.get("body", []))
            except _Exit as left:
                if not left.is_exit or not left.label or left.label != node.get("label"):
                    raise

    def _guarded(self, body: Sequence[Node], handlers: Node) -> None:
        """The server undoes what the body did before it failed; variables keep what they hold."""
        found = [each["PLpgSQL_exception"] for each in handlers.get("exc_list", [])]
        conditions = [[c["PLpgSQL_condition"]["condname"] for c in each["conditions"]] for each in found]
        saved, around = self._stage.saved(), self._statements.caught
        self._statements.caught = [*around, *(name for names in conditions for name in names)]
        try:
            self._all(body)
        except Fails as failure:
            caught = failure
        else:
            return
        finally:
            self._statements.caught = around
        for handler, names in zip(found, conditions, strict=True):
            if any(raised.catches(name, caught.sqlstate) for name in names):
                self._stage.restore(saved)
                self._computing.decide("EXCEPTION", caught.sqlstate)
                self._handle(handler, caught)
                return
        raise caught

    def _handle(self, handler: Node, caught: Fails) -> None:
        before, self._error = self._error, caught
        with self._entered():
            self._scope.declare("sqlstate", "text", Value(text=caught.sqlstate, type="text"))
            self._scope.declare("sqlerrm", "text", None)
            try:
                self._all(handler.get("action", []))
            finally:
                self._error = before

    def _do_raise(self, node: Node) -> None:
        if node["elog_level"] < _ERROR:
            return
        options = {
            each["PLpgSQL_raise_option"].get("opt_type", 0): each["PLpgSQL_raise_option"]["expr"]
            for each in node.get("options", [])
        }
        if not options and "message" not in node and "condname" not in node and self._error is not None:
            raise self._error
        named = str(node.get("condname", "raise_exception"))
        if 0 in options:
            named = self._computing.value(query_of(options[0])).text or named
        text = self._said(str(node.get("message", named)), node.get("params", []))
        if 1 in options:
            text = self._said("%", [options[1]])
        self._computing.fail(f"The block stops itself here: {text!r}.", raised.sqlstate_of(named) or "P0001")

    def _said(self, message: str, parameters: Sequence[Node]) -> str:
        """A message with its values; those that were read from rows are left out."""
        parts = message.replace("%%", "\0").split("%")
        values = [self._computing.value(query_of(each)) for each in parameters]
        said = parts[0]
        for place, part in enumerate(parts[1:]):
            value = values[place] if place < len(values) else None
            said += "%" if value is None or value.is_of_rows else value.text or "<NULL>"
            said += part
        return said.replace("\0", "%")

    def _do_assert(self, node: Node) -> None:
        if not self._computing.condition(node["cond"]):
            self._computing.fail("The block's ASSERT does not hold.", "P0004")

    # Branches and loops

    def _do_if(self, node: Node) -> None:
        if self._computing.condition(node["cond"]):
            self._all(node.get("then_body", []))
            return
        for each in node.get("elsif_list", []):
            branch = each["PLpgSQL_if_elsif"]
            self._line(branch)
            if self._computing.condition(branch["cond"]):
                self._all(branch.get("stmts", []))
                return
        self._all(node.get("else_body", []))

    def _do_case(self, node: Node) -> None:
        with self._entered():
            if "t_expr" in node:
                value = self._computing.value(query_of(node["t_expr"]))
                name = self._statements.datums[node["t_varno"]]["PLpgSQL_var"]["refname"]
                self._scope.declare(name, value.type, value)
            for each in node.get("case_when_list", []):
                branch = each["PLpgSQL_case_when"]
                if self._computing.condition(branch["expr"]):
                    self._all(branch.get("stmts", []))
                    return
            if not node.get("have_else"):
                self._computing.fail("No branch of this CASE fits, and it has no ELSE.", "20000")
            self._all(node.get("else_stmts", []))

    def _loop(self, node: Node) -> bool:
        """One round; whether another may follow."""
        self._rounds += 1
        if self._rounds > _ROUNDS:
            self._computing.refuse(f"The block's loops go round more than {_ROUNDS} times.", WRITE_OUT)
        try:
            self._all(node.get("body", []))
        except _Exit as left:
            if left.label and left.label != node.get("label"):
                raise
            return not left.is_exit
        return True

    def _do_loop(self, node: Node) -> None:
        while self._loop(node):
            pass

    def _do_while(self, node: Node) -> None:
        line = self._computing.line
        while self._computing.condition(node["cond"]) and self._loop(node):
            self._computing.line = line

    def _do_fori(self, node: Node) -> None:
        first, last = (int(self._number(node[part])) for part in ("lower", "upper"))
        step = int(self._number(node["step"])) if "step" in node else 1
        if step < 1:
            self._computing.fail("BY of this loop must be greater than zero.", "22023")
        rounds = range(first, last - 1, -step) if node.get("reverse") else range(first, last + 1, step)
        with self._entered():
            for number in rounds:
                self._scope.declare(
                    node["var"]["PLpgSQL_var"]["refname"], "integer", Value(text=str(number), type="integer")
                )
                if not self._loop(node):
                    break
        self._computing.found(bool(rounds))

    def _number(self, expression: Node) -> str:
        text = self._computing.value(query_of(expression), "integer").text
        if text is None:
            self._computing.fail("A bound of this loop is NULL.", "22004")
        return text

    def _do_fors(self, node: Node) -> None:
        self._over(node, query_of(node["query"]), ())

    def _do_dynfors(self, node: Node) -> None:
        text = self._statements.text(node["query"])
        self._over(node, text, self._computing.parameters(node.get("params", [])))

    def _do_forc(self, node: Node) -> None:
        cursor = self._statements.datums[node["curvar"]]["PLpgSQL_var"]
        if "cursor_explicit_expr" not in cursor or "argquery" in node:
            self._computing.refuse("Which query this cursor is of cannot be told.", WRITE_OUT)
        with self._entered():
            # Its record is the loop's own.
            self._scope.declare(node["var"]["PLpgSQL_rec"]["refname"], "", Record())
            self._over(node, query_of(cursor["cursor_explicit_expr"]), ())

    def _over(self, node: Node, query: str, parameters: tuple[Value, ...]) -> None:
        records = self._computing.records(query, parameters)
        self._computing.decide(query, f"{len(records)} rows")
        for record in records:
            self._computing.assign(node["var"], record)
            if not self._loop(node):
                break
        self._computing.found(bool(records))

    def _do_foreach_a(self, node: Node) -> None:
        array = query_of(node["expr"])
        if node.get("slice"):
            self._computing.refuse("FOREACH with SLICE is not modelled.", WRITE_OUT)
        if self._computing.value(array).text is None:
            self._computing.fail("FOREACH over NULL.", "22004")
        records = self._computing.records(
            f"SELECT lockkeeper_each FROM pg_catalog.unnest({array}) WITH ORDINALITY"
            " AS lockkeeper_array (lockkeeper_each, lockkeeper_place) ORDER BY lockkeeper_place"
        )
        self._computing.decide(array, f"{len(records)} elements")
        for record in records:
            self._computing.assign(self._statements.datums[node["varno"]], record)
            if not self._loop(node):
                break
        self._computing.found(bool(records))

    def _do_exit(self, node: Node) -> None:
        if "cond" not in node or self._computing.condition(node["cond"]):
            raise _Exit(node.get("label", ""), is_exit=bool(node.get("is_exit")))

    def _do_return(self, node: Node) -> None:
        if "expr" in node and self._computing.is_volatile(tree.expression(query_of(node["expr"]))):
            self._computing.refuse("What the function returns may write.", WRITE_OUT)
        raise _Return
