"""The page of all statements of the grammar, each with what becomes of it."""

from __future__ import annotations

from workorders.migration.sql.grammar import EXAMPLES, Ending, ending
from workorders.migration.sql.script import StatementClass

_BECOMES = {
    StatementClass.MODELLED: "planned: an operation with an online form and a way back",
    StatementClass.DEFINITION: "planned: undone from what pg_dump says of the object",
    StatementClass.DATA: "planned: undone from images of the rows",
    StatementClass.LEFT_OUT: "left out: each step takes the locks that it needs",
    StatementClass.UNROLLED: "planned: as the statements that it comes to on this database, each by itself",
}


def page(made: str) -> str:
    """The page; `made` is the line that says where it comes from."""
    lines = [
        made,
        "# Statements",
        "",
        "Every kind of statement of the Postgres 18 grammar by an example, and what becomes of it in a",
        "script. A form of a planned statement that is not modelled is refused by name and line, too; see",
        "[operations](operations.md). Unknown means refused.",
        "",
        "| statement | class | what becomes of it |",
        "|---|---|---|",
    ]
    for sql in sorted(sql for examples in EXAMPLES.values() for sql in examples):
        found = ending(sql)
        name = "left out" if found.statement_class is None else found.statement_class.value
        lines.append(f"| `{sql.replace('|', chr(92) + '|')}` | {name} | {_told(found)} |")
    return "\n".join([*lines, ""])


def _told(found: Ending) -> str:
    if found.statement_class is None:
        return "left out: each step has timeouts of its own"
    return _BECOMES.get(found.statement_class, found.reason)
