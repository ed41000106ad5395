"""Pages of the documentation that are made from the code: commands, operations, statements and hazards.

`python -m bot.render.pages docs` writes them; a test holds what is there against the code.
"""

from __future__ import annotations

import ast
import sys
from importlib.resources import files
from pathlib import Path

from bot.render import hazard_page, statement_page
from handlers.commands import KINDS
from handlers.people import OBEYED
from handlers.people import Kind as People
from workorders.authority import Who
from workorders.order import State

#: The operations' modules, in the order in which a person would look for them.
_OPERATIONS = (
    "add_column",
    "fill_column",
    "add_identity",
    "drop_identity",
    "drop_column",
    "set_not_null",
    "drop_not_null",
    "defaults",
    "add_check",
    "drop_check",
    "add_foreign_key",
    "drop_foreign_key",
    "add_key",
    "use_index",
    "drop_key",
    "validate_constraint",
    "alter_constraint",
    "create_index",
    "drop_index",
    "rename_table",
    "rename_column",
    "rename_constraint",
    "rename_index",
    "definition",
    "refresh",
    "add_value",
    "change_labels",
    "drop_type",
    "drop_extension",
    "create_table",
    "drop_table",
    "create_partition",
    "attach_partition",
    "attach_index",
    "detach_partition",
    "alter_inherit",
    "drop_sequence",
    "new_relation",
    "alter_type",
    "twin_column",
    "change_rows",
    "write_rows",
    "truncate",
    "set_sequence",
    "maintenance",
)

_MADE = "<!-- Made from the code by `python -m bot.render.pages docs`. -->"


def commands() -> str:
    """Every command: usage, what it does, who may, and in which states."""
    lines = [
        _MADE,
        "# Commands",
        "",
        "One a line, in a comment, as `/wo <verb>` or `wo:<verb>`; from a terminal as",
        "`lockkeeper wo:<verb> ... --repo OWNER/NAME`. Code blocks, quotes and edited comments are not",
        "commands.",
        "",
        "| command | what it does | who | when the order is |",
        "|---|---|---|---|",
    ]
    for kind in KINDS:
        states = (
            "any"
            if kind.states in (None, frozenset(State))
            else ", ".join(sorted(state.value.replace("_", " ") for state in kind.states))
        )
        usage = kind.usage.replace("|", "\\|")
        lines.append(f"| `{usage}` | {kind.help} | {kind.who.value} | {states} |")
    return "\n".join([*lines, "", *_people()])


def _people() -> list[str]:
    """Whom each command obeys."""
    lines = [
        "## Whom each command obeys",
        "",
        "In a state that takes it; everybody else is refused, with what would be allowed and who could do",
        "it. A bot is not answered. What GitHub has not said about somebody is no no: the command waits, and",
        "says so.",
        "",
        f"| command | {' | '.join(each.value for each in People)} |",
        f"|---|{'---|' * len(People)}",
    ]
    for kind in KINDS:
        obeyed = [
            "if the policy names it"
            if kind.who is Who.ROLE and each is People.BOT
            else "yes"
            if each in OBEYED[kind.who]
            else "no"
            for each in People
        ]
        lines.append(f"| `{kind.verb}` | {' | '.join(obeyed)} |")
    return [*lines, ""]


def operations() -> str:
    """Every modelled operation, in the words of its own module."""
    lines = [
        _MADE,
        "# Operations",
        "",
        "What a script may hold, what it would do as it is written, what is done instead, and how it is",
        "undone. Anything else is refused by name before anything runs.",
        "",
    ]
    package = files("workorders.migration.operations")
    for name in _OPERATIONS:
        text = (package / f"{name}.py").read_text(encoding="utf-8")
        title, _, body = (ast.get_docstring(ast.parse(text)) or "").partition("\n")
        lines += [f"## {title.rstrip('.')}", "", body.strip(), ""]
    return "\n".join(lines)


def statements() -> str:
    """Every statement of the grammar, with what becomes of it."""
    return statement_page.page(_MADE)


def hazards() -> str:
    """Every hazard, with what lint says of its example."""
    return hazard_page.page(_MADE)


#: File name -> its text.
PAGES = {
    "commands.md": commands,
    "operations.md": operations,
    "statements.md": statements,
    "hazards.md": hazards,
}


def main(folder: Path) -> None:
    """Writes every page into the folder."""
    for name, made in PAGES.items():
        (folder / name).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
