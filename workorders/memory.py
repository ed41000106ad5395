"""What earlier orders taught, told in a new order's first report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from workorders.report import named


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One earlier order on the same target and on one of the same tables."""

    #: The earlier order's issue; None where it never had one.
    issue_number: int | None
    tables: tuple[str, ...]
    summary: str
    #: Predicted and real figures, problems, result.
    facts: Mapping[str, str | int | float | bool]
    remembered_at: datetime


def told(lesson: Lesson) -> str:
    """A lesson in a sentence or two."""
    which = f"Order {lesson.issue_number}" if lesson.issue_number else "An order from a terminal"
    tables = ", ".join(named(table) for table in lesson.tables)
    figures = "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in lesson.facts.items())
    text = f"{which} of {lesson.remembered_at:%Y-%m-%d} on {tables}: {named(lesson.summary)}"
    return f"{text} ({figures})." if figures else f"{text}."
