"""The issues' threads for a terminal: Markdown as GitHub is sent it, read back as plain lines.

Reads what Lockkeeper writes, and not all of Markdown: headings, paragraphs, lists, fences, HTML
tables and folds. What is folded on GitHub stays folded, with its title and its length.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence

from bot.demo.hub import Hub, Issue, Post
from bot.render.escape import BREAK, visible

WIDTH = 110

#: Narrower, a column's words would be torn apart.
_NARROWEST = 8

_FENCE = re.compile(r"(`{3,})(\w*)")
_FOLD = re.compile(r"<details><summary>(.*)</summary>")
_ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[dh]>(.*?)</t[dh]>", re.DOTALL)
_INLINE = re.compile(
    r"\\(?P<sign>[^A-Za-z0-9\s])|(?P<ticks>`+)(?P<code>.*?)(?<!`)(?P=ticks)(?!`)|</?[a-z]+[^>]*>|\*\*"
)
_HEADING = re.compile(r"(#{1,6}) (.*)")
_ITEM = re.compile(r"(?:- \[([x ])\]|[-*]|\d+\.) (.*)")


def transcript(hub: Hub) -> Iterator[str]:
    """All issues of the repository, each with its thread."""
    for issue in hub.issues():
        yield from thread(issue, hub.comments(issue.number))


def thread(issue: Issue, comments: Sequence[Post], width: int = WIDTH) -> Iterator[str]:
    """One issue: its head, its own text and its comments."""
    state = "open" if issue.is_open else "closed"
    yield ""
    yield "━" * width
    yield visible(f"#{issue.number} {issue.title}  [{', '.join((state, *issue.labels))}]")
    yield "━" * width
    for post in (issue.post, *comments):
        yield ""
        yield visible(f"{post.created_at:%H:%M:%S} {post.author}")
        for line in plain(post.body, width - 2, shows_sections=post is not issue.post):
            yield f"  {line}".rstrip()


def plain(markdown: str, width: int = WIDTH, *, shows_sections: bool = True) -> Iterator[str]:
    """A text's lines. Without its sections, only its beginning and its task lists are shown."""
    text = re.sub(r"<!--.*?-->", "", markdown, flags=re.DOTALL)
    lines = text.strip("\n").splitlines()
    index, is_shown, was_empty = 0, True, True
    while index < len(lines):
        end = _end_of(lines, index)
        block, line = lines[index:end], lines[index]
        index = end
        if match := _HEADING.fullmatch(line):
            is_shown = shows_sections or any(each.startswith("- [") for each in _until_heading(lines[index:]))
            if not is_shown:
                yield f"▸ {inline(match[2])} ({len(_until_heading(lines[index:]))} lines)"
                continue
            if not was_empty:
                yield ""
        elif not is_shown:
            continue
        for shown in _block(block, width):
            # Empty lines stand alone, and none at the beginning.
            if shown or not was_empty:
                yield shown
            was_empty = not shown


def inline(text: str) -> str:
    """One line without its markup."""
    shown, end = [], 0
    for match in _INLINE.finditer(text):
        shown.append(html.unescape(text[end : match.start()]))
        shown.append(_told(match))
        end = match.end()
    shown.append(html.unescape(text[end:]))
    return visible("".join(shown).replace(BREAK, ""))


def _told(match: re.Match[str]) -> str:
    """What a piece of markup shows: an escaped sign itself, code its text, a line's end a space."""
    if match["sign"]:
        return match["sign"]
    if match["ticks"]:
        return match["code"].strip() or " "
    return " " if match[0].startswith("<br") else ""


def _end_of(lines: Sequence[str], start: int) -> int:
    """Where the block that begins here ends: a fence, a table or a fold is one with its end."""
    line = lines[start]
    if fence := _FENCE.match(line):
        return _after(lines, start + 1, lambda each: each == fence[1])
    if line == "<table>":
        return _after(lines, start, lambda each: each == "</table>")
    if _FOLD.match(line):
        depth = 0
        for index in range(start, len(lines)):
            depth += lines[index].startswith("<details>") - (lines[index] == "</details>")
            if depth == 0:
                return index + 1
        return len(lines)
    return start + 1


def _after(lines: Sequence[str], start: int, is_end: Callable[[str], bool]) -> int:
    return next((index + 1 for index in range(start, len(lines)) if is_end(lines[index])), len(lines))


def _until_heading(lines: Sequence[str]) -> list[str]:
    found: list[str] = []
    index = 0
    while index < len(lines) and not _HEADING.fullmatch(lines[index]):
        end = _end_of(lines, index)
        found.extend(lines[index:end])
        index = end
    return found


def _block(block: Sequence[str], width: int) -> Iterator[str]:
    line = block[0]
    if fence := _FENCE.match(line):
        inner = block[1:-1]
        if fence[2] == "mermaid":
            yield f"▸ a picture with {sum('-->' in each for each in inner)} arrows"
        else:
            yield from (f"    {visible(each)}" for each in inner)
    elif line == "<table>":
        yield from _table("\n".join(block), width)
    elif match := _FOLD.match(line):
        yield f"▸ {inline(match[1])} ({max(len(block) - 4, 0)} lines, folded)"
    elif match := _HEADING.fullmatch(line):
        title = inline(match[2])
        yield title
        yield ("=" if len(match[1]) <= 3 else "-") * len(title)
    elif match := _ITEM.fullmatch(line):
        sign = {"x": "☑", " ": "☐", None: "-"}[match[1]]
        first, *others = re.split(r"<br\s*/?>", match[2])
        yield from _wrapped(f"{sign} {inline(first)}", width, "  ")
        for other in others:
            yield from (f"    {each}" for each in _wrapped(inline(other), width - 4))
    else:
        yield from _wrapped(inline(line), width) or [""]


def _table(text: str, width: int) -> Iterator[str]:
    rows = [[_cell(cell) for cell in _CELL.findall(row)] for row in _ROW.findall(text)]
    rows = [row for row in rows if any(any(cell) for cell in row)]
    if not rows:
        return
    columns = max(map(len, rows))
    filled = [[*row, *([[""]] * (columns - len(row)))] for row in rows]
    natural = [max(len(line) for row in filled for line in row[column]) for column in range(columns)]
    widths = _fitted(natural, width - 2 * (columns - 1))
    has_header = "<th>" in text
    for number, row in enumerate(filled):
        cells = [
            [part for line in cell for part in (_wrapped(line, size) or [""])]
            for cell, size in zip(row, widths, strict=True)
        ]
        for at in range(max(map(len, cells))):
            line = [cell[at] if at < len(cell) else "" for cell in cells]
            yield "  ".join(part.ljust(size) for part, size in zip(line, widths, strict=True)).rstrip()
        if has_header and number == 0:
            yield "  ".join("-" * size for size in widths)


def _cell(cell: str) -> list[str]:
    return [_bare(line) for line in re.split(r"<br\s*/?>", cell)]


def _bare(markup: str) -> str:
    return visible(html.unescape(re.sub(r"<[^>]*>", "", markup)).replace(BREAK, "").replace("\u00a0", " "))


def _fitted(natural: Sequence[int], room: int) -> list[int]:
    """Widths that fit: the widest columns give way."""
    widths = list(natural)
    while sum(widths) > room and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, max(width, _NARROWEST), subsequent_indent=indent, break_on_hyphens=False)
