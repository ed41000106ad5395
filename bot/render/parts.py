"""A text that is too long for one comment, cut into several that each read well alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.render import escape

#: GitHub takes 65,536; the rest is for the marker and for what closes and opens a part.
CHARACTERS = 65_000

_FENCE = re.compile(r"(`{3,}|~{3,})")
#: Room for the lines that a part begins and ends with.
_MARGIN = 2_000


def parts(text: str, *, characters: int = CHARACTERS) -> tuple[str, ...]:
    """The text in parts of at most `characters`; all but the first are folded.

    Cut between lines. A fence, a table or a fold that is open at the cut is closed, and opened
    again in the next part. A line that is too long in itself is cut and shown as code, since
    half of its markup could make the other half live.
    """
    if len(text) <= characters:
        return (text,)
    room = max(characters - _MARGIN, characters // 2)
    found: list[str] = []
    lines: list[str] = []
    size, still = 0, _Open()
    for line in _short_lines(text, room // 2):
        if lines and size + len(line) + 1 > room:
            found.append("\n".join([*lines, *still.closing()]))
            lines = still.opening()
            size = sum(len(each) + 1 for each in lines)
        lines.append(line)
        size += len(line) + 1
        still.read(line)
    found.append("\n".join(lines))
    return (found[0], *(_folded(part, number, len(found)) for number, part in enumerate(found[1:], start=2)))


@dataclass
class _Open:
    """What is open after the lines read so far."""

    #: The line that opened the fence, or "".
    fence: str = ""
    is_table: bool = False
    folds: list[str] = field(default_factory=list)

    def read(self, line: str) -> None:
        if self.fence:
            if line == self._ticks():
                self.fence = ""
        elif _FENCE.match(line):
            self.fence = line
        elif line.startswith("<details>"):
            self.folds.append(line)
        elif line == "</details>" and self.folds:
            self.folds.pop()
        elif line in ("<table>", "</table>"):
            self.is_table = line == "<table>"

    def closing(self) -> list[str]:
        inner = [self._ticks()] if self.fence else ["</table>"] if self.is_table else []
        return [*inner, *(each for _ in self.folds for each in ("", "</details>"))]

    def opening(self) -> list[str]:
        outer = [each for fold in self.folds for each in (fold, "")]
        return [*outer, *([self.fence] if self.fence else ["<table>"] if self.is_table else [])]

    def _ticks(self) -> str:
        found = _FENCE.match(self.fence)
        assert found is not None
        return found[1]


def _short_lines(text: str, longest: int) -> list[str]:
    found: list[str] = []
    reader = _Open()
    for line in text.split("\n"):
        if len(line) <= longest:
            found.append(line)
            reader.read(line)
            continue
        pieces = [line[start : start + longest] for start in range(0, len(line), longest)]
        found.extend(pieces if reader.fence else escape.fence("\n".join(pieces), "text").split("\n"))
    return found


def _folded(part: str, number: int, count: int) -> str:
    return f"<details><summary>Part {number} of {count}</summary>\n\n{part}\n\n</details>"
