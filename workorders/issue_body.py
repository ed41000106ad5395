"""The text of an order's issue: what kind of order it is, its SQL, and how it stands.

A pure function of definition and order, so that it can be made again at any time and
compared with what stands on GitHub. The definition's own text comes from the default
branch and is Markdown; everything else is shown as code, and nothing in it is live.
"""

from __future__ import annotations

import re

from workorders.definition import Definition
from workorders.order import Criterion, Order
from workorders.report import NAME_BEGINS, NAME_ENDS
from workorders.waiting import awaited

STATUS_BEGINS, STATUS_ENDS = "<!-- lockkeeper:status -->", "<!-- /lockkeeper:status -->"

#: Of an issue's 65,536 characters, what is left for the script beside the rest.
LONGEST_SQL = 15_000

#: A pull request may have hundreds.
MOST_AUTHORS = 20

_STATUS = re.compile(f"{re.escape(STATUS_BEGINS)}.*?{re.escape(STATUS_ENDS)}", re.DOTALL)


def order_body(definition: Definition, order: Order) -> str:
    """The issue's whole body, Markdown, at most 65,000 characters for any definition that can be read."""
    parts = [
        status_block(order),
        f"## Scenario\n\n{definition.scenario}",
        "## Phases\n\n" + "\n\n".join(_phases(definition)),
        "## Success criteria\n\n" + "\n".join(_criterion(each) for each in order.criteria),
    ]
    if definition.escalation:
        steps = (f"{number}. {step}" for number, step in enumerate(definition.escalation, start=1))
        parts.append("## Escalation\n\nIf something stands in the way:\n\n" + "\n".join(steps))
    parts.append(_sql(order))
    return "\n\n".join(parts) + "\n"


def status_block(order: Order) -> str:
    """The part that changes with the order, between its hidden marks."""
    rows = [
        ("State", f"**{order.state.value.replace('_', ' ')}**"),
        ("Waits for", _plain(awaited(order.state))),
        ("Target", code(order.target)),
        ("SQL", code(order.sql_origin) if order.sql else "none yet"),
        ("Digest", code(order.digest) if order.digest else "none yet"),
        ("Approved by", ", ".join(code(each.person.login) for each in order.approvals) or "nobody yet"),
        ("Authors", _logins(order)),
        ("Criteria", f"{sum(each.holds for each in order.criteria)} of {len(order.criteria)} hold"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"{STATUS_BEGINS}\n\n| | |\n|---|---|\n{table}\n\n{STATUS_ENDS}"


def with_status(body: str, order: Order) -> str | None:
    """A body with its status block replaced; None where somebody has removed the marks."""
    block = status_block(order)
    text, count = _STATUS.subn(lambda _: block, body, count=1)
    return text if count else None


def code(text: str, *, longest: int = 300) -> str:
    """Foreign text as a span of code on one line: no mention, link or HTML in it is live."""
    text = " ".join(_printable(text).split())
    if len(text) > longest:
        text = text[:longest] + "…"
    if not text:
        return ""
    # Even in code a bar would divide a table's cells.
    text = text.replace("|", "¦")
    longest_run = max((len(run) for run in re.findall("`+", text)), default=0)
    marks = "`" * (longest_run + 1)
    space = " " if text[0] == "`" or text[-1] == "`" else ""
    return f"{marks}{space}{text}{space}{marks}"


def _logins(order: Order) -> str:
    shown = [code(each.login) for each in order.authors[:MOST_AUTHORS]]
    more = len(order.authors) - len(shown)
    return ", ".join((*shown, *([f"and {more} more"] if more else []))) or "none"


def _phases(definition: Definition) -> list[str]:
    return [
        f"### Phase {phase.number}: {phase.title}\n**Role:** {phase.role}\n"
        + "\n".join(f"- {task}" for task in phase.tasks)
        for phase in definition.phases
    ]


def _criterion(criterion: Criterion) -> str:
    evidence = f": {code(criterion.evidence)}" if criterion.evidence else ""
    return f"- [{'x' if criterion.holds else ' '}] {criterion.text}{evidence}"


def _sql(order: Order) -> str:
    if not order.sql.strip():
        return "There is no SQL yet. Comment `/wo revise` with a sql block below it."
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", "�", order.sql.replace("\r\n", "\n"))
    note = ""
    if len(text) > LONGEST_SQL:
        left = text.count("\n", LONGEST_SQL)
        text = text[:LONGEST_SQL]
        note = f"\n\nCut here; about {left} more lines are in the report."
    longest_run = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest_run + 1)
    origin = _html(order.sql_origin)
    return (
        f"<details><summary>SQL from <code>{origin}</code></summary>\n\n"
        f"{fence}sql\n{text.rstrip()}\n{fence}{note}\n\n</details>"
    )


def _plain(text: str) -> str:
    """A sentence of ours: what is marked in it as a name becomes code."""
    return re.sub(f"{NAME_BEGINS}(.*?){NAME_ENDS}", lambda match: code(match[1]), text, flags=re.DOTALL)


def _printable(text: str) -> str:
    text = text.replace(NAME_BEGINS, "").replace(NAME_ENDS, "")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]", "", text)


def _html(text: str) -> str:
    text = " ".join(_printable(text).split())[:300]
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "&#64;"), ("`", "&#96;")):
        text = text.replace(mark, entity)
    return text
