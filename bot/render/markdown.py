"""A report as GitHub Markdown: the verdict first, the answers as a table, the details folded.

Tables are written as HTML, since a cell of a Markdown table cannot hold every name: a
backslash before a pipe is read differently by different parsers.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.render import escape
from bot.render.verdict import shown
from workorders.report import (
    Answers,
    Arrow,
    Block,
    Code,
    Diagram,
    Folded,
    Grid,
    Paragraph,
    Report,
    Section,
)

#: More arrows make a picture that nobody reads, and GitHub's mermaid refuses more than 500.
ARROWS_DRAWN = 60


def report(value: Report) -> str:
    """The whole comment, without a marker. It may be longer than GitHub takes; see `render.parts`."""
    paragraphs = [
        f"### {shown(value.finding)} · {escape.markdown(value.role)}: {escape.markdown(value.title)}",
        escape.markdown(value.summary),
    ]
    if value.mentions:
        paragraphs.append(
            "To be seen by " + ", ".join(escape.mention(login) for login in value.mentions) + "."
        )
    for section in value.sections:
        paragraphs.extend(_section(section))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def content(value: Report | str) -> str:
    """A comment's text: a report, or a few plain sentences, a paragraph for each block of lines."""
    if isinstance(value, Report):
        return report(value)
    paragraphs = (escape.markdown(paragraph) for paragraph in value.split("\n\n"))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def blocks(values: Iterable[Block]) -> str:
    """Blocks one after another, with an empty line between them."""
    return "\n\n".join(text for text in map(_block, values) if text)


def _section(section: Section) -> list[str]:
    return [f"#### {escape.markdown(section.title)}", blocks(section.blocks)]


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return escape.markdown(block.text)
        case Answers():
            return _answers(block)
        case Grid():
            return _table(block.header, block.rows)
        case Code():
            return escape.fence(block.text, block.language)
        case Diagram():
            return _diagram(block.arrows)
        case Folded():
            title = escape.markup(block.title)
            return f"<details><summary>{title}</summary>\n\n{blocks(block.blocks)}\n\n</details>"


def _answers(block: Answers) -> str:
    if not block.answers:
        return ""
    lines = ["<table>", "<tr><th>Task</th><th>Finding</th><th>What was found</th></tr>"]
    for answer in block.answers:
        found = escape.markup(answer.found)
        if answer.evidence:
            found += f"<br><sub>{escape.markup(answer.evidence)}</sub>"
        # A space that does not break keeps the sign beside its word in a narrow column.
        finding = shown(answer.finding).replace(" ", "&nbsp;")
        lines.append(f"<tr><td>{escape.markup(answer.task)}</td><td>{finding}</td><td>{found}</td></tr>")
    return "\n".join([*lines, "</table>"])


def _table(header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    if not rows:
        return ""
    lines = ["<table>", "<tr>" + "".join(f"<th>{escape.markup(cell)}</th>" for cell in header) + "</tr>"]
    lines.extend(
        "<tr>" + "".join(f"<td>{escape.markup(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return "\n".join([*lines, "</table>"])


def _diagram(arrows: tuple[Arrow, ...]) -> str:
    if not arrows:
        return ""
    drawn = arrows[:ARROWS_DRAWN]
    nodes: dict[str, str] = {}
    for arrow in drawn:
        for name in (arrow.source, arrow.destination):
            nodes.setdefault(name, f"n{len(nodes)}")
    lines = ["flowchart LR", *(f'    {node}["{escape.mermaid(name)}"]' for name, node in nodes.items())]
    for arrow in drawn:
        label = f'|"{escape.mermaid(arrow.label)}"|' if arrow.label else ""
        lines.append(f"    {nodes[arrow.source]} -->{label} {nodes[arrow.destination]}")
    picture = escape.fence("\n".join(lines), "mermaid")
    left_out = len(arrows) - len(drawn)
    return f"{picture}\n\n{left_out} more arrows are not drawn." if left_out else picture
