"""What a person is told: a reaction and, where it takes words, a comment."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.facts import Context
from workorders.decision import Decision
from workorders.intents import Intent, React, Reaction, Say
from workorders.migration.errors import Problem
from workorders.order import Order
from workorders.policy import PATH
from workorders.report import Block, Code, Finding, Paragraph, Report, Section

#: Keys of answers begin so; from a terminal they are printed and not sent.
ANSWER = "answer:"


def reacted(context: Context, reaction: Reaction) -> tuple[Intent, ...]:
    """A reaction to what was said; nothing where it was not said on GitHub."""
    if context.number is None or (context.comment_id is None and not context.is_issue_text):
        return ()
    return (
        React(
            repository=context.repository,
            number=context.number,
            comment_id=context.comment_id,
            reaction=reaction,
        ),
    )


def told(context: Context, content: Report | str, key: str, order: Order | None = None) -> tuple[Intent, ...]:
    """An answer where it was asked; `key` tells several answers to one comment apart."""
    place = context.comment_id or f"{context.number}:{context.spoken_at.isoformat()}"
    return (
        Say(
            repository=context.repository,
            number=context.number,
            order_id=None if order is None else order.id,
            content=content,
            key=f"{ANSWER}{place}:{key}",
            is_urgent=True,
        ),
    )


def refused(
    context: Context, problems: Iterable[Problem], key: str, order: Order | None = None
) -> tuple[Intent, ...]:
    """A refusal: what was wrong, and what would be allowed."""
    text = "\n\n".join(str(problem) for problem in problems)
    return (*reacted(context, Reaction.REFUSED), *told(context, text, key, order))


def declined(
    context: Context, decision: Decision, key: str, order: Order | None = None
) -> tuple[Intent, ...]:
    """A refusal for want of authority, with the file that would give it where there is one."""
    if not decision.file:
        return (*reacted(context, Reaction.REFUSED), *told(context, decision.sentence, key, order))
    blocks: tuple[Block, ...] = (
        Paragraph(text=decision.next_move),
        Code(language="text", text=decision.file),
    )
    report = Report(
        role="conductor",
        title="Not allowed",
        summary=decision.because,
        finding=Finding.FAILS,
        sections=(Section(title=PATH, blocks=blocks),),
    )
    return (*reacted(context, Reaction.REFUSED), *told(context, report, key, order))
