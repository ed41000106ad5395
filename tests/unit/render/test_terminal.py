"""A report on a terminal."""

from __future__ import annotations

from hypothesis import given

from bot.render import escape, terminal
from tests.unit.render.hostile import hostile
from tests.unit.render.test_markdown import _report


@given(hostile)
def test_no_text_moves_the_cursor(text: str) -> None:
    shown = terminal.report(_report(text))

    assert all(line == escape.visible(line) for line in shown.split("\n"))


def test_a_report_reads_from_the_verdict_to_the_evidence() -> None:
    shown = terminal.report(_report("orders"))

    assert shown.startswith("❌ Fails · data-science: orders\n=")
    assert "✅ Holds: orders\n    Seen orders\n    orders\n" in shown
    assert "orders -> b (orders)" in shown
    assert "Name    orders\n------  ------\norders  orders\n" in shown


def test_lines_are_wrapped_but_words_are_not() -> None:
    shown = terminal.content("word " * 40 + "x" * 120)

    assert max(len(line) for line in shown.splitlines() if "x" not in line) <= 100
    assert "x" * 120 in shown
