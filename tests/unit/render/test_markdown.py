"""A report reads well on GitHub, and is what it was made of."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.render import markdown
from tests.unit.render.hostile import hostile
from workorders.report import (
    Answer,
    Answers,
    Arrow,
    Code,
    Diagram,
    Finding,
    Folded,
    Grid,
    Paragraph,
    Report,
    Section,
    named,
)

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def _report(text: str, mentions: tuple[str, ...] = ()) -> Report:
    """A report with a block of each kind, its foreign text everywhere."""
    name = named(text)
    blocks = (
        Paragraph(text=f"It is {name}. {text}"),
        Answers(answers=(Answer(task=text, finding=Finding.HOLDS, found=f"Seen {name}", evidence=text),)),
        Grid(header=("Name", text), rows=((name, text), (text, name))),
        Code(language="sql", text=text),
        Diagram(arrows=(Arrow(source=text, destination="b", label=text),)),
    )
    return Report(
        role="data-science",
        title=text,
        summary=f"Looked at {name}.",
        finding=Finding.FAILS,
        sections=(Section(title=text, blocks=(*blocks, Folded(title=text, blocks=blocks))),),
        mentions=mentions,
    )


def _shape(text: str) -> list[str]:
    """Elements and blocks in their order, without their text."""
    shape: list[str] = []
    for token in GITHUB.parse(text):
        if token.type == "html_block":
            shape.extend(each for each in re.findall(r"</?[a-z]+>", token.content) if "code" not in each)
        elif token.type == "inline":
            shape.extend(child.type for child in token.children or () if child.type not in _QUIET)
        else:
            shape.append(token.type)
    return shape


_QUIET = ("text", "text_special", "code_inline")


@given(hostile)
def test_no_text_changes_the_shape_of_a_report(text: str) -> None:
    # Neither is empty, for an empty text leaves out its line.
    assert _shape(markdown.report(_report("x" + text))) == _shape(markdown.report(_report("x")))


@given(st.lists(hostile, max_size=3))
def test_sentences_are_paragraphs_and_nothing_else(texts: list[str]) -> None:
    shape = _shape(markdown.content("\n\n".join(texts)))

    assert set(shape) <= {"paragraph_open", "paragraph_close"}


def test_the_verdict_comes_first_with_a_sign_and_a_word() -> None:
    first, _, second, *_ = markdown.report(_report("x")).split("\n")

    assert first == "### ❌ Fails · data-science: x"
    assert second == "Looked at `x`."


def test_only_the_mentions_are_mentions() -> None:
    text = markdown.report(_report("@evil", mentions=("octocat", "acme/dba", "no one")))

    outside_of_code = re.sub(r"```.*?```|`[^`\n]*`|<code>.*?</code>", "", text, flags=re.DOTALL)
    assert re.findall(r"@[\w/]+", outside_of_code) == ["@octocat", "@acme/dba"]


def test_what_is_empty_is_left_out() -> None:
    empty = (Grid(header=("a",), rows=()), Answers(answers=()), Diagram(arrows=()), Paragraph(text=""))
    value = replace(_report("x"), sections=(Section(title="Nothing", blocks=empty),))

    assert markdown.report(value).endswith("#### Nothing")


def test_a_large_diagram_says_what_it_leaves_out() -> None:
    arrows = tuple(Arrow(source=f"v{number}", destination="t") for number in range(100))

    text = markdown.blocks([Diagram(arrows=arrows)])

    assert text.count("-->") == markdown.ARROWS_DRAWN
    assert "40 more arrows are not drawn." in text
