"""What a role found, as values. `bot.render` makes Markdown or terminal text of them.

Text in a report is plain: the renderer escapes it. A name that comes from a database,
a file or a person is wrapped by `named`, and is shown as code, never as markup.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: Unicode's own marks for a stretch of foreign text: FIRST STRONG ISOLATE and its end.
NAME_BEGINS, NAME_ENDS = "\u2068", "\u2069"


def named(text: object) -> str:
    """A name or a short piece of SQL inside a sentence, marked as foreign text."""
    return NAME_BEGINS + str(text).replace(NAME_BEGINS, "").replace(NAME_ENDS, "") + NAME_ENDS


#: Begins a reference to an issue in a sentence of ours, which ends as a name does.
ISSUE_BEGINS = "\u2067"


def issue(number: int) -> str:
    """An issue or pull request of the order's repository, inside a sentence: a link where it is shown."""
    return f"{ISSUE_BEGINS}#{number}{NAME_ENDS}"


class Finding(Enum):
    """How an answer turned out."""

    HOLDS = "holds"  # looked at, and as it should be
    FAILS = "fails"  # looked at, and not as it should be
    OPEN = "open"  # not yet looked at, or nothing could be measured
    NOTE = "note"  # a fact without a judgement


class AlertKind(Enum):
    """What people are told of by other ways than GitHub, too. The value is what they receive."""

    ESCALATION = "escalation"
    APPROVAL_WANTED = "approval_wanted"
    MONITOR = "monitor"  # what is seen while a plan runs


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One line of the definition, and what was found about it."""

    #: The line as it stands in the definition.
    task: str
    finding: Finding
    #: What was found, in a sentence.
    found: str
    #: Where that comes from: the query, the measurement, the proof.
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """A few sentences."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The definition's lines, each with its answer."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table; each row as long as the header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Code:
    """A block shown letter by letter. `language` is sql, text or json."""

    language: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Diagram:
    """Arrows between names, drawn with mermaid on GitHub and as lines on a terminal."""

    arrows: tuple[Arrow, ...]


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """`source` needs, or leads to, `destination`."""

    source: str
    destination: str
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Folded:
    """Blocks hidden behind their title until somebody opens them."""

    title: str
    blocks: tuple[Block, ...]


Block = Paragraph | Answers | Grid | Code | Diagram | Folded


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading and what stands under it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """One comment of one role."""

    role: str
    title: str
    #: The verdict, in one or two sentences; the first thing that is read.
    summary: str
    finding: Finding
    sections: tuple[Section, ...] = ()
    #: Logins that must see it.
    mentions: tuple[str, ...] = ()
    #: Set where it has to reach people by other ways, too.
    alert: AlertKind | None = None
