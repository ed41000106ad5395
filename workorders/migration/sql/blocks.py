"""What the text of a DO block tells: its statements, what it calls, and the words that it uses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from workorders.migration.errors import Unreadable
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, RawStatement

#: Statements that write rows, and no more.
_ROWS = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "SelectStmt", "CallStmt", "DoStmt"})

#: With what a statement begins that does more.
_CHANGING = frozenset(
    {"create", "alter", "drop", "grant", "revoke", "comment", "truncate", "refresh", "reindex", "analyze"}
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A DO statement, or a function, as far as it can be read without running it."""

    language: str
    #: What stands between its quotes.
    text: str
    #: 1-based line in the script on which that begins.
    line: int
    #: Its tree; None for what libpg_query cannot read.
    function: Node | None
    #: Its own SQL statements, each on the block's line; those that EXECUTE puts together are not known.
    statements: tuple[RawStatement, ...]
    #: Names before a parenthesis, those inside string constants included.
    calls: tuple[str, ...]
    #: All its words, folded, those inside string constants included.
    words: frozenset[str]
    #: It says COMMIT or ROLLBACK.
    steers_transactions: bool
    #: It has an EXECUTE.
    is_dynamic: bool
    #: It is a function's body: all of it happens on the line of its call.
    is_called: bool = False

    @property
    def changes_schema(self) -> bool:
        """It holds a statement that does more than write rows, or an EXECUTE that may put one together."""
        if self.language != "plpgsql":
            return False
        return any(each.kind not in _ROWS for each in self.statements) or (
            self.is_dynamic and not self.words.isdisjoint(_CHANGING)
        )


def read(raw: RawStatement) -> Block:
    """The block of a DO statement."""
    options: dict[str, str] = {
        item["DefElem"]["defname"]: item["DefElem"]["arg"]["String"].get("sval", "")
        for item in raw.node.get("args", [])
    }
    text = options.get("as", "")
    language = options.get("language", "plpgsql").lower()
    line = raw.line + raw.text[: max(raw.text.find(text), 0)].count("\n")
    return _read(raw, text, language, line)


def of_function(made: RawStatement, body: str, line: int) -> Block:
    """The body of a function that is made so, as a block on the line of its call."""
    return replace(_read(replace(made, line=line), body, "plpgsql", line), is_called=True)


def _read(raw: RawStatement, text: str, language: str, line: int) -> Block:
    parsed = tree.block_tree(raw.text)
    words = tuple(tree.words(text))
    found = list(tree.walk(parsed))
    return Block(
        language=language,
        text=text,
        line=line,
        function=parsed[0]["PLpgSQL_function"] if isinstance(parsed, list) and parsed else None,
        statements=tuple(
            statement
            for each in found
            if each.kind == "PLpgSQL_stmt_execsql"
            for statement in _statements(each.node["sqlstmt"]["PLpgSQL_expr"]["query"], raw.line)
        ),
        calls=tuple(word.text for word in words if word.is_called),
        words=frozenset(word.text for word in words),
        steers_transactions=any(
            each.kind in ("PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback") for each in found
        ),
        is_dynamic=any(each.kind == "PLpgSQL_stmt_dynexecute" for each in found),
    )


def _statements(query: str, line: int) -> tuple[RawStatement, ...]:
    """`SELECT ... INTO variable` and the like are no SQL by themselves: what they do, they do in sight."""
    try:
        return tuple(replace(each, line=line) for each in tree.statements(query))
    except Unreadable:
        return ()
