"""What the text of a DO block tells: its statements, what it calls, and the words that it uses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from workorders.migration.errors import Unreadable
from workorders.migration.sql import tree
from workorders.migration.sql.tree import RawStatement


@dataclass(frozen=True, kw_only=True)
class Block:
    """A DO statement, as far as it can be read without running it."""

    language: str
    #: Its own SQL statements, each on the block's line; those that EXECUTE puts together are not known.
    statements: tuple[RawStatement, ...]
    #: Names before a parenthesis, those inside string constants included.
    calls: tuple[str, ...]
    #: All its words, folded, those inside string constants included.
    words: frozenset[str]
    #: It says COMMIT or ROLLBACK.
    steers_transactions: bool


def read(raw: RawStatement) -> Block:
    """The block of a DO statement."""
    options = {
        item["DefElem"]["defname"]: item["DefElem"]["arg"]["String"].get("sval", "")
        for item in raw.node.get("args", [])
    }
    parsed = tree.block_tree(raw.text)
    words = tuple(tree.words(options.get("as", "")))
    found = list(tree.walk(parsed))
    return Block(
        language=options.get("language", "plpgsql").lower(),
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
    )


def _statements(query: str, line: int) -> tuple[RawStatement, ...]:
    """`SELECT ... INTO variable` and the like are no SQL by themselves: what they do, they do in sight."""
    try:
        return tuple(replace(each, line=line) for each in tree.statements(query))
    except Unreadable:
        return ()
