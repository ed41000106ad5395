"""As much of Markdown as a definition needs: headings, lists, fences, each with its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from workorders.migration.errors import Unreadable

_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*?)[ \t]*#*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM = re.compile(r"(?:[-*+]|\d{1,4}[.)])[ \t]+(\S.*)")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a file, or a list item that begins there."""

    #: 1-based.
    number: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Heading:
    """A heading; `level` is the number of its `#`, 0 for what stands before the first."""

    level: int
    title: str
    number: int

    def wrong(self, reason: str, next_move: str) -> Unreadable:
        """An error that points here."""
        return Unreadable(reason, next_move, line=self.number, column=1)


@dataclass(frozen=True, kw_only=True)
class Part:
    """A heading and the lines under it."""

    heading: Heading
    lines: tuple[Line, ...]

    @property
    def body(self) -> str:
        """The lines as they stand, without empty ones at either end."""
        return "\n".join(line.text for line in self.lines).strip("\n").rstrip()


def lines_of(text: str) -> tuple[Line, ...]:
    """The lines of a text, which may end only in newlines."""
    return tuple(Line(number=number, text=line) for number, line in enumerate(text.split("\n"), start=1))


def parts_of(lines: Sequence[Line], *, level: int = 2) -> tuple[Part, ...]:
    """The lines, divided at headings of at most `level`; a `#` inside a fence is no heading."""
    parts: list[Part] = []
    heading = Heading(level=0, title="", number=lines[0].number if lines else 1)
    held: list[Line] = []
    fence = ""
    for line in lines:
        fence_after = _fence_after(fence, line.text)
        match = None if fence or fence_after else _HEADING.fullmatch(line.text)
        fence = fence_after
        if match and len(match[1]) <= level:
            parts.append(Part(heading=heading, lines=tuple(held)))
            heading, held = Heading(level=len(match[1]), title=match[2], number=line.number), []
        else:
            held.append(line)
    return (*parts, Part(heading=heading, lines=tuple(held)))


def items_of(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The top items of lists; indented lines that follow belong to their item."""
    items: list[Line] = []
    is_open, fence = False, ""
    for line in lines:
        inside, fence = fence, _fence_after(fence, line.text)
        if inside or fence:
            is_open = False
        elif match := _ITEM.fullmatch(line.text.rstrip()):
            items.append(Line(number=line.number, text=match[1]))
            is_open = True
        elif is_open and line.text[:1] in (" ", "\t") and line.text.strip():
            last = items.pop()
            items.append(Line(number=last.number, text=f"{last.text} {line.text.strip()}"))
        else:
            is_open = False
    return tuple(items)


def _fence_after(fence: str, text: str) -> str:
    """The open fence after a line: the same, a new one, or "" where none is open."""
    match = _FENCE.match(text)
    if not match:
        return fence
    if not fence:
        return match[1]
    closes = match[1][0] == fence[0] and len(match[1]) >= len(fence) and not text.strip().strip(fence[0])
    return "" if closes else fence
