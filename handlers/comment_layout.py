"""Which lines of a comment are plain text, and which blocks of code stand in it.

Follows CommonMark where that matters for commands, and where it is doubtful decides that a
line is not plain: a command that is overlooked can be written again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LIST_MARK = r"(?:[-*+]|\d{1,9}[.)])[ \t]+"
_FENCE = re.compile(rf"(?P<indent> {{0,3}})(?P<list>(?:{_LIST_MARK})*)(?P<mark>`{{3,}}|~{{3,}})(?P<info>.*)")
_LIST = re.compile(rf"[ \t]*{_LIST_MARK}\S?")
_QUOTE = re.compile(r" {0,3}>")
_INDENTED = re.compile(r" {0,3}\t| {4}")
#: Elements whose content is folded away or shown as it was typed.
_ELEMENT = re.compile(
    r"<(?P<slash>/?)(?P<name>details|pre|script|style|textarea|template|blockquote)\b", re.IGNORECASE
)
_BACKTICKS = re.compile(r"`+")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of plain text, without the spaces around it."""

    #: 1-based.
    number: int
    text: str
    #: It follows a quoted line without an empty one between, and is shown as part of the quote.
    continues_quote: bool = False


@dataclass(frozen=True, kw_only=True)
class Fence:
    """A fenced block of code."""

    #: 1-based, of the line that opens it.
    line: int
    #: The first word after the fence, in small letters; "" where there is none.
    language: str
    text: str
    is_closed: bool


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A comment, taken apart."""

    rows: tuple[Row, ...]
    fences: tuple[Fence, ...]


def layout(body: str) -> Layout:
    """What stands where. Never raises."""
    reader = _Reader()
    for number, line in enumerate(_lines(body), start=1):
        reader.read(number, line)
    return reader.ended()


def _lines(body: str) -> list[str]:
    # Not splitlines(): that also divides at separators that no reader sees as a line's end.
    return re.split(r"\r\n|\n|\r", body.removeprefix("\ufeff"))


@dataclass
class _OpenFence:
    line: int
    mark: str
    indent: int
    language: str
    lines: list[str]


class _Reader:
    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._fences: list[Fence] = []
        self._fence: _OpenFence | None = None
        self._elements = 0
        #: "" outside; "block" until `-->`; "inline" until `-->` or an empty line.
        self._comment = ""
        self._in_list = False
        self._in_quote = False
        #: Plain rows since the last empty line, with all lines of that paragraph.
        self._paragraph: list[tuple[str, Row | None]] = []

    def read(self, number: int, line: str) -> None:
        if self._fence is not None:
            self._read_in_fence(self._fence, line)
            return
        if not line.strip():
            self._end_paragraph()
            self._in_quote = False
            if self._comment == "inline":
                self._comment = ""
            return
        if self._comment:
            self._note_html(line)
            return
        if opening := self._opening(number, line):
            self._end_paragraph()
            self._in_quote = False
            self._fence = opening
            return
        row = self._row(number, line)
        self._paragraph.append((line, row))
        self._note_html(line)

    def ended(self) -> Layout:
        self._end_paragraph()
        if self._fence is not None:
            self._close(self._fence, is_closed=False)
        return Layout(rows=tuple(self._rows), fences=tuple(self._fences))

    def _row(self, number: int, line: str) -> Row | None:
        if _QUOTE.match(line):
            self._in_quote = True
            return None
        if _LIST.match(line):
            self._in_list, self._in_quote = True, False
            return None
        if line[0].isspace():
            if self._in_list or _INDENTED.match(line):
                return None
        else:
            self._in_list = False
        if self._elements or line.lstrip().startswith("<"):
            return None
        # Invisible marks that editors leave at a line's start hide nothing from a reader.
        text = line.strip().lstrip("\u200b\u2060\ufeff").strip()
        return Row(number=number, text=text, continues_quote=self._in_quote)

    def _opening(self, number: int, line: str) -> _OpenFence | None:
        match = _FENCE.match(line)
        # A backtick after the mark makes it a span of code in a line.
        if match is None or (match["mark"][0] == "`" and "`" in match["info"]):
            return None
        if match["list"]:
            self._in_list = True
        words = match["info"].split()
        indent = len(match["indent"]) + len(match["list"])
        language = words[0].casefold() if words else ""
        return _OpenFence(line=number, mark=match["mark"], indent=indent, language=language, lines=[])

    def _read_in_fence(self, fence: _OpenFence, line: str) -> None:
        text = line.strip(" \t")
        if (
            len(text) >= len(fence.mark)
            and not text.strip(fence.mark[0])
            and not self._is_indented(fence, line)
        ):
            self._close(fence, is_closed=True)
            return
        spaces = len(line) - len(line.lstrip(" "))
        fence.lines.append(line[min(spaces, fence.indent) :])

    def _is_indented(self, fence: _OpenFence, line: str) -> bool:
        return _INDENTED.match(line[min(len(line) - len(line.lstrip(" ")), fence.indent) :]) is not None

    def _close(self, fence: _OpenFence, *, is_closed: bool) -> None:
        self._fences.append(
            Fence(line=fence.line, language=fence.language, text="\n".join(fence.lines), is_closed=is_closed)
        )
        self._fence = None

    def _note_html(self, line: str) -> None:
        """Follows comments and elements that begin or end in the line."""
        starts_block = line.lstrip().startswith("<!--")
        rest = line if self._comment or starts_block else _without_spans(line)
        while rest:
            if self._comment:
                _, ended, rest = rest.partition("-->")
                if not ended:
                    return
                self._comment = ""
                continue
            before, began, rest = rest.partition("<!--")
            for element in _ELEMENT.finditer(before):
                self._elements = max(0, self._elements + (-1 if element["slash"] else 1))
            if began:
                self._comment = "block" if starts_block else "inline"

    def _end_paragraph(self) -> None:
        """Keeps the paragraph's plain rows, but for those that begin inside a span of code."""
        if any("`" in line for line, _ in self._paragraph):
            inside = _begun_in_span([line for line, _ in self._paragraph])
        else:
            inside = frozenset()
        for index, (_, row) in enumerate(self._paragraph):
            if row is not None and index not in inside:
                self._rows.append(row)
        self._paragraph = []


def _spans(text: str) -> list[tuple[int, int]]:
    """Where spans of code begin and end: a run of backticks and the next run as long."""
    runs = [(match.start(), match.end()) for match in _BACKTICKS.finditer(text)]
    later: dict[int, list[int]] = {}
    for index in range(len(runs) - 1, -1, -1):
        start, end = runs[index]
        later.setdefault(end - start, []).append(index)
    spans: list[tuple[int, int]] = []
    index = 0
    while index < len(runs):
        start, end = runs[index]
        same = later[end - start]
        # The lists grow downwards, so that what lies behind us is at the end and taken off once.
        while same and same[-1] <= index:
            same.pop()
        if same:
            index = same[-1]
            spans.append((start, runs[index][1]))
        index += 1
    return spans


def _without_spans(line: str) -> str:
    kept, position = [], 0
    for start, end in _spans(line):
        kept.append(line[position:start])
        position = end
    return "".join((*kept, line[position:]))


def _begun_in_span(lines: list[str]) -> frozenset[int]:
    text = "\n".join(lines)
    spans = _spans(text)
    inside: set[int] = set()
    position = 0
    current = 0
    for index, line in enumerate(lines):
        while current < len(spans) and spans[current][1] <= position:
            current += 1
        if current < len(spans) and spans[current][0] < position:
            inside.add(index)
        position += len(line) + 1
    return frozenset(inside)
