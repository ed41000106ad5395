"""A report as plain text, for a terminal and for a transcript. Holds no escape sequences."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from bot.render import escape
from bot.render.verdict import shown
from workorders.report import Answers, Arrow, Block, Code, Diagram, Folded, Grid, Paragraph, Report


def report(value: Report, *, width: int = 100) -> str:
    """The report in lines of at most `width` characters; code and tables are not wrapped."""
    title = f"{shown(value.finding)} · {escape.terminal(value.role)}: {escape.terminal(value.title)}"
    lines = [title, "=" * len(title), *_wrapped(escape.terminal(value.summary), width)]
    if value.mentions:
        lines.append("To be seen by " + ", ".join(escape.terminal(login) for login in value.mentions) + ".")
    for section in value.sections:
        heading = escape.terminal(section.title)
        lines.extend(["", heading, "-" * len(heading), *_blocks(section.blocks, width)])
    return "\n".join(lines) + "\n"


def content(value: Report | str, *, width: int = 100) -> str:
    """A comment's text: a report, or a few plain sentences, a paragraph for each block of lines."""
    if isinstance(value, Report):
        return report(value, width=width)
    paragraphs = (escape.terminal(paragraph) for paragraph in value.split("\n\n"))
    return "\n\n".join("\n".join(_wrapped(paragraph, width)) for paragraph in paragraphs if paragraph) + "\n"


def _blocks(values: Iterable[Block], width: int) -> Iterator[str]:
    for index, block in enumerate(values):
        if index:
            yield ""
        yield from _block(block, width)


def _block(block: Block, width: int) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from _wrapped(escape.terminal(block.text), width)
        case Answers():
            for answer in block.answers:
                yield from _wrapped(f"{shown(answer.finding)}: {escape.terminal(answer.task)}", width)
                yield from _indented(escape.terminal(answer.found), width)
                yield from _indented(escape.terminal(answer.evidence), width)
        case Grid():
            yield from _table(block.header, block.rows)
        case Code():
            for line in block.text.rstrip("\n").splitlines():
                yield "    " + escape.visible(line.replace("\t", "    "))
        case Diagram():
            yield from map(_arrow, block.arrows)
        case Folded():
            yield from _wrapped(escape.terminal(block.title) + ":", width)
            for line in _blocks(block.blocks, width - 2):
                yield f"  {line}" if line else ""


def _arrow(arrow: Arrow) -> str:
    line = f"{escape.terminal(arrow.source)} -> {escape.terminal(arrow.destination)}"
    return f"{line} ({escape.terminal(arrow.label)})" if arrow.label else line


def _table(header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    shown_rows = [[escape.terminal(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in shown_rows) for column in range(len(header))]
    for index, row in enumerate(shown_rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        if index == 0:
            yield "  ".join("-" * width for width in widths)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _indented(text: str, width: int) -> list[str]:
    return [f"    {line}" for line in _wrapped(text, width - 4)]
