"""The one place where text becomes markup.

Text is either *plain* (a sentence of ours, which may still hold anything) or *foreign* (a
name that `workorders.report.named` has wrapped). Plain text reads as it was written, and no
mention, link, reference, picture, HTML or heading in it is live, but for the issues that
`workorders.report.issue` names. Foreign text is shown as
code, which GitHub leaves alone.

A backslash is not enough on GitHub: mentions, references to issues and commits, e-mail
addresses and emoji are found in the *rendered* text. Such places are broken by a character
without width.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable

from workorders.report import ISSUE_BEGINS, NAME_BEGINS, NAME_ENDS

#: ZERO WIDTH SPACE. Stands only in plain text, never in a name or in code.
BREAK = "\u200b"

#: Longest foreign text shown in a sentence or a cell; the rest is counted, not shown.
NAME_CHARACTERS = 1_000

#: Longest run of backticks in a block; a longer one would make its fence longer than a comment.
_BACKTICKS = 100

_NAMED = re.compile(f"{NAME_BEGINS}([^{NAME_BEGINS}{NAME_ENDS}]*){NAME_ENDS}")

_ISSUE = re.compile(f"{ISSUE_BEGINS}#([1-9][0-9]{{0,9}}){NAME_ENDS}")

#: What cannot be seen, or changes the direction of what follows, or cannot be encoded.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

#: Each match is broken after its first group.
_LIVE = (
    re.compile(r"(@)(?=[\w-])"),  # a mention, or an e-mail address
    re.compile(r"(#)(?=\w)"),  # an issue
    re.compile(r"(\bGH-)(?=\d)", re.IGNORECASE),  # an issue, as GitHub wrote it once
    re.compile(r"([a-z][a-z0-9+.-]*:)(?=//)", re.IGNORECASE),  # an address
    re.compile(r"((?:mailto|xmpp):)", re.IGNORECASE),
    re.compile(r"(www)(?=\.)", re.IGNORECASE),
    re.compile(r"(:)(?=(?!\d\d:)[\w+-]+:)"),  # an emoji, but not a time
    re.compile(r"(\$)"),  # a formula
)
_COMMIT = re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{7,40}\b", re.IGNORECASE)

# The others mean something only at the beginning of a line, or only after one of these.
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&$])")
_BEGINNING = re.compile(r"^(\d+(?=[.)])|(?=[-+=]))")


def markdown(text: str) -> str:
    """One line of GitHub Markdown, for a paragraph, a heading or a list item."""
    return _BEGINNING.sub(r"\1\\", _woven(text, _plain_markdown, code_span))


def markup(text: str) -> str:
    """One line of HTML, for a cell of an HTML table or a summary, where no Markdown is read."""
    return _woven(text, lambda plain: html.escape(_defused(_one_line(plain))), code_element)


def terminal(text: str) -> str:
    """One line for a terminal: names as they are, nothing that moves a cursor or turns text around."""
    return _woven(text, _one_line, visible, joint="")


def code_span(text: str) -> str:
    """Foreign text as Markdown's inline code, which it cannot end."""
    shown = _cut(visible(text)) or " "
    ticks = "`" * (_longest_run(shown) + 1)
    # Markdown takes one space off each end again, but only if something else stands between.
    padded = f" {shown} " if shown[0] in "` " or shown[-1] in "` " else shown
    return f"{ticks}{padded}{ticks}"


def code_element(text: str) -> str:
    """Foreign text as HTML's inline code."""
    return f"<code>{html.escape(_cut(visible(text)))}</code>"


def fence(text: str, language: str) -> str:
    """Foreign text as a fenced block; the fence is longer than any run of backticks in it."""
    lines = [visible(line.replace("\t", "    ")) for line in re.split(r"\r\n|\r|\n", text.rstrip("\n"))]
    body = re.sub(f"`{{{_BACKTICKS + 1},}}", lambda run: "\\u0060" * len(run[0]), "\n".join(lines))
    ticks = "`" * max(3, _longest_run(body) + 1)
    return f"{ticks}{re.sub('[^a-z]', '', language)}\n{body}\n{ticks}"


def mention(login: str) -> str:
    """A live mention of a person or of a team (`org/team`); anything else is shown as code."""
    name = login.removeprefix("@")
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(/[A-Za-z0-9][A-Za-z0-9_.-]{0,99})?", name):
        return "@" + name.replace("_", "\\_")
    return code_span(login)


def mermaid(text: str, characters: int = 60) -> str:
    """The text of a quoted label: letters and digits as they are, all else as a mermaid entity."""
    bare = visible(text.replace(NAME_BEGINS, "").replace(NAME_ENDS, ""))
    shown = bare if len(bare) <= characters else bare[: characters - 1] + "…"
    return "".join(letter if letter.isalnum() or letter in " _" else f"#{ord(letter)};" for letter in shown)


def visible(text: str) -> str:
    """The text with every character that cannot be seen written out, e.g. as `\\u202e`."""
    return "".join(_written_out(letter) for letter in text)


def _written_out(letter: str) -> str:
    if unicodedata.category(letter) not in _INVISIBLE:
        return letter
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(letter)
    if named is not None:
        return named
    number = ord(letter)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _woven(text: str, plain: Callable[[str], str], foreign: Callable[[str], str], joint: str = BREAK) -> str:
    # A split by a pattern with one group gives plain and foreign parts in turn.
    parts = _NAMED.split(text.strip())
    # Two spans of code side by side would be read as one, and its end found in the wrong place.
    woven = [
        foreign(part) if index % 2 else _with_issues(part, plain) or joint for index, part in enumerate(parts)
    ]
    return "".join(woven).strip(" " + BREAK)


def _with_issues(text: str, plain: Callable[[str], str]) -> str:
    parts = _ISSUE.split(text)
    return "".join(f"#{part}" if index % 2 else plain(part) for index, part in enumerate(parts))


def _plain_markdown(text: str) -> str:
    return _MARKUP.sub(r"\\\1", _defused(_one_line(text)))


def _defused(text: str) -> str:
    for pattern in _LIVE:
        text = pattern.sub(rf"\1{BREAK}", text)
    # Six digits are too few for GitHub to take them for a commit.
    return _COMMIT.sub(lambda commit: BREAK.join(re.findall(".{1,6}", commit[0])), text)


def _one_line(text: str) -> str:
    return visible(re.sub(r"\s+", " ", text))


def _cut(text: str) -> str:
    if len(text) <= NAME_CHARACTERS:
        return text
    return f"{text[:NAME_CHARACTERS]}… ({len(text) - NAME_CHARACTERS} more characters)"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
