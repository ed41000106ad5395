"""A text that is too long for one comment."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.render import escape, markdown
from bot.render.parts import CHARACTERS, parts
from workorders.report import Folded, Grid, Paragraph, named

GITHUB = MarkdownIt("commonmark", {"html": True})


def test_a_short_text_is_one_part() -> None:
    assert parts("a\nb") == ("a\nb",)


@given(st.lists(st.sampled_from(["", "x" * 50, "y " * 30, "é" * 70]), max_size=60))
def test_every_line_is_kept_in_its_order(lines: list[str]) -> None:
    text = "\n".join(lines)

    found = parts(text, characters=500)

    assert all(len(part) <= 500 for part in found)
    folded = [re.sub(r"^<details>.*\n\n|\n\n</details>$", "", part) for part in found[1:]]
    assert "\n".join([found[0], *folded]) == text


def test_code_is_cut_into_two_fences() -> None:
    found = parts(escape.fence("select 1;\n" * 20_000, "sql"))

    assert len(found) > 1
    assert all(len(part) <= CHARACTERS for part in found)
    for part in found:
        assert [token.type for token in GITHUB.parse(part) if token.type != "html_block"] == ["fence"]
    assert sum(part.count("select 1;") for part in found) == 20_000


def test_a_fold_and_a_table_are_closed_and_opened_again() -> None:
    rows = tuple((named(f"orders_{number}"), "x" * 100) for number in range(2_000))
    text = markdown.blocks([Folded(title="All", blocks=(Grid(header=("a", "b"), rows=rows),))])

    found = parts(text)

    assert len(found) > 1
    for part in found:
        for element in ("details", "table", "tr", "code"):
            assert part.count(f"<{element}>") == part.count(f"</{element}>")
    assert sum(part.count("<code>") for part in found) == 2_000


def test_a_line_that_is_too_long_is_shown_as_code() -> None:
    found = parts("`@octocat <b>" * 10_000)

    for part in found:
        assert {token.type for token in GITHUB.parse(part)} <= {"fence", "html_block"}
        assert "<b>" not in "".join(
            token.content for token in GITHUB.parse(part) if token.type == "html_block"
        )


def test_no_paragraph_of_a_report_is_so_long_that_its_code_is_cut() -> None:
    foreign = named("@octocat ` " * 5_000)

    assert len(parts(markdown.blocks([Paragraph(text=foreign * 100)]))[0]) <= CHARACTERS
