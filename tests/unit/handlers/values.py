"""Comments, contexts and facts for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import handlers
from handlers.events import CommentCreated
from handlers.facts import Facts
from handlers.tasks import Task
from tests.unit.workorders.values import MEMBER, NOW, POLICY, REPOSITORY, WRITES, order
from workorders.definition import from_markdown, shipped
from workorders.intents import Intent, Say
from workorders.order import Order, Person, PhaseReport, State
from workorders.report import Code, Paragraph, Report

FACTS = Facts(
    now=NOW,
    order=order(),
    rights=WRITES,
    policy=POLICY,
    definitions=shipped(),
    targets=("shop",),
)

#: A definition whose phases people do.
DEFINITION = from_markdown(
    (Path(__file__).parents[2] / "payloads" / "definitions" / "incident-review.md").read_text(
        encoding="utf-8"
    )
)


def incident(state: State = State.ANALYSING, done: int = 0, **others: object) -> Order:
    """An order by people with so many phases reported."""
    reports = tuple(
        PhaseReport(phase=phase, is_done=True, said="well", by=MEMBER) for phase in range(1, done + 1)
    )
    return order(
        state, definition=DEFINITION.name, definition_text=DEFINITION.text, target="", sql="", sql_origin="",
        reports=reports, criteria=DEFINITION.open_criteria(), **others,
    )  # fmt: skip


def comment(body: str, sender: Person, *, is_pull_request: bool = False) -> CommentCreated:
    """A comment on the order's issue, or on the pull request of the same number."""
    return CommentCreated(
        repository=REPOSITORY,
        sender=sender,
        number=42,
        is_pull_request=is_pull_request,
        comment_id=900,
        body=body,
        created_at=NOW,
        received_at=NOW,
    )


def task(body: str, sender: Person, *, is_pull_request: bool = False) -> Task:
    """The only task of a comment."""
    (only,) = handlers.tasks(comment(body, sender, is_pull_request=is_pull_request))
    return only


def decided(body: str, sender: Person, **others: object) -> tuple[Intent, ...]:
    """What follows from a comment with one command, on the usual facts but for those given."""
    known = replace(FACTS, **others)  # type: ignore[arg-type]  # fields by name
    return handlers.handle(task(body, sender), known)


def words(intents: tuple[Intent, ...]) -> str:
    """All that is said, in one text."""
    return "\n".join(_text(each.content) for each in intents if isinstance(each, Say))


def _text(content: Report | str) -> str:
    if isinstance(content, str):
        return content
    blocks = [block for section in content.sections for block in section.blocks]
    return "\n".join(
        (
            content.title,
            content.summary,
            *(block.text for block in blocks if isinstance(block, (Paragraph, Code))),
            *(repr(block) for block in blocks if not isinstance(block, (Paragraph, Code))),
        )
    )
