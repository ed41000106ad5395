from __future__ import annotations

from pathlib import Path

import pytest

from bot.render.pages import PAGES
from handlers.commands import KINDS

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_made_page_is_what_the_code_says_now(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run: python -m bot.render.pages docs"


def test_every_command_has_its_line() -> None:
    page = PAGES["commands.md"]()

    assert all(f"| `{kind.usage.replace('|', chr(92) + '|')}` |" in page for kind in KINDS)


def test_every_operation_module_has_its_section() -> None:
    folder = Path(__file__).parents[3] / "workorders" / "migration" / "operations"
    parts = {
        "__init__", "operation", "not_null_path", "rebuild", "row_images", "new_column", "key_ranges",
    }  # fmt: skip
    parts |= {"former_type", "labels", "restoration", "twin", "twin_parts", "twin_refusals", "twin_swap"}
    parts |= {"domain_column", "exclusions", "exemption", "former_twins", "twin_names", "unvalidated"}
    parts |= {"own_columns", "quarantined_table", "surroundings", "hidden_needs", "former_values"}
    parts |= {"family", "index_tree", "membership", "rejoining"}
    parts |= {"captured", "counted", "counting", "inserted_rows", "keyless_rows", "sequences"}
    parts |= {"column_parts", "evaluation", "hidden_parts", "inheritance", "misfits", "ties"}

    modules = {path.stem for path in folder.glob("*.py")} - parts

    page = PAGES["operations.md"]()
    assert page.count("\n## ") == len(modules)
