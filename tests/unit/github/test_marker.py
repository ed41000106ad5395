"""A text of ours is known by its first line, and nobody else can write one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.github.marker import Marker

MARKER = Marker(key=b"k" * 32)


@given(st.from_regex("[A-Za-z0-9-]{1,64}", fullmatch=True), st.text())
def test_what_was_written_is_read(mark: str, text: str) -> None:
    assert MARKER.read(MARKER.written(mark, text)) == mark


def test_github_may_end_lines_in_its_own_way() -> None:
    assert MARKER.read(MARKER.written("a1", "text").replace("\n", "\r\n")) == "a1"


def test_a_marker_below_the_first_line_is_not_seen() -> None:
    assert MARKER.read("A name: " + MARKER.line("a1")) is None
    assert MARKER.read("text\n" + MARKER.line("a1")) is None


def test_another_key_writes_other_markers() -> None:
    assert MARKER.read(Marker(key=b"x" * 32).line("a1")) is None


def test_a_marker_fits_only_its_own_id() -> None:
    assert MARKER.read(MARKER.line("a1").replace("a1", "a2")) is None


@pytest.mark.parametrize("mark", ["", "a b", "a" * 65, "-->", "é"])
def test_an_id_that_could_break_the_comment_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        MARKER.line(mark)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Marker(key=b"short")


def test_the_key_is_not_shown() -> None:
    assert "kkk" not in repr(MARKER)
