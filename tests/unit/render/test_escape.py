"""Whatever a text holds, nothing in it is live."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.render import escape
from tests.unit.render.hostile import ATTACKS, hostile
from workorders.report import issue, named

#: As GitHub reads Markdown, as far as this parser goes.
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

#: What GitHub finds in rendered text outside of code.
LIVE = re.compile(
    r"@[\w-]|#\w|\bGH-\d|[a-z]+://|www\.|mailto:\w|xmpp:\w|\b(?=\d*[a-f])[0-9a-f]{7,40}\b|:(?!\d\d:)[\w+-]+:|\$[^\s\u200b]",
    re.IGNORECASE,
)


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    for token in GITHUB.parse(text):
        found.append(token)
        found.extend(token.children or ())
    return found


@given(hostile, hostile, hostile)
@example("$", "x", "$")
@example("\\", "`", "`")
def test_plain_and_foreign_text_together_are_a_paragraph_of_text_and_code(
    before: str, name: str, after: str
) -> None:
    text = escape.markdown("x " + before + named(name) + named(after) + after)

    kinds = {token.type for token in _tokens(text)}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "code_inline"}


@given(hostile)
def test_at_the_beginning_of_a_line_text_is_still_text(plain: str) -> None:
    kinds = {token.type for token in _tokens(escape.markdown(plain))}

    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special", "code_inline"}


@given(hostile, hostile)
def test_no_mention_link_or_reference_is_left_in_rendered_text(plain: str, name: str) -> None:
    rendered = "".join(
        token.content if token.type != "code_inline" else " "
        for token in _tokens(escape.markdown(plain + named(name) + plain))
        if token.type != "inline"
    )

    assert not LIVE.search(rendered), rendered


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_name_is_one_span_of_code_that_shows_it(attack: str) -> None:
    name = f"a{attack}b"

    spans = [token.content for token in _tokens(escape.markdown(named(name))) if token.type == "code_inline"]

    assert spans == [escape.visible(name.replace("\u2068", "").replace("\u2069", ""))]


def test_names_side_by_side_stay_two() -> None:
    spans = [
        token.content
        for token in _tokens(escape.markdown(named("a") + named("b`c")))
        if token.type == "code_inline"
    ]

    assert spans == ["a", "b`c"]


@given(hostile, hostile)
def test_markup_holds_no_element_but_code(plain: str, name: str) -> None:
    text = escape.markup(plain + named(name))

    assert not re.sub("</?code>", "", text).count("<")
    assert text.count("<code>") == text.count("</code>")
    assert "\n" not in text
    assert not LIVE.search(re.sub("<code>.*?</code>|&[^;]*;", " ", text))


@given(hostile)
def test_a_block_of_code_is_one_fence(text: str) -> None:
    kinds = [token.type for token in GITHUB.parse(escape.fence(text, "sql"))]

    assert kinds == ["fence"]


def test_a_run_of_backticks_as_long_as_a_comment_does_not_make_a_fence_of_that_length() -> None:
    assert len(escape.fence("`" * 60_000, "text").splitlines()[0]) < 200


@given(hostile)
def test_a_label_of_a_diagram_holds_only_letters_and_entities(name: str) -> None:
    label = escape.mermaid(name)

    assert re.fullmatch(r"(\w| |#\d+;)*", label)
    assert len(re.sub(r"#\d+;", ".", label)) <= 60


@given(hostile)
def test_a_terminal_gets_no_control_character(text: str) -> None:
    shown = escape.terminal(text + named(text))

    assert shown == escape.visible(shown)


@pytest.mark.parametrize("login", ["octocat", "@octocat", "acme/dba", "name_short"])
def test_a_login_or_a_team_is_mentioned(login: str) -> None:
    assert escape.mention(login).replace("\\", "") == "@" + login.removeprefix("@")


@given(hostile)
def test_a_login_that_is_none_is_not_mentioned(text: str) -> None:
    kinds = {token.type for token in _tokens("x " + escape.mention("-" + text))}

    assert "code_inline" in kinds
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}


def test_a_long_name_is_cut_and_counted() -> None:
    assert escape.code_span("x" * 1_500).endswith("… (500 more characters)`")


def test_sentences_read_as_they_were_written() -> None:
    sentence = 'Re-run at 10:20:30, 3 of 5 (60 %): it\'s done - "all" of it; a/b = c.'

    assert escape.markdown(sentence) == sentence


def test_an_issue_that_we_name_is_a_link_and_one_in_a_name_is_none() -> None:
    text = f"It is {issue(12)}, not #13 and not {named(issue(14))}."

    assert "is #12, not" in escape.markdown(text)
    assert "is #12, not" in escape.markup(text)
    assert "#13" not in escape.markdown(text)
    assert "`" in escape.markdown(text).partition("and not")[2]
    assert escape.terminal(f"It is {issue(12)}.") == "It is #12."
