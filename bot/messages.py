"""What GitHub is to show of an order and of what is said, as messages for the outbox."""

from __future__ import annotations

from functools import lru_cache

from bot.errors import Unreadable
from bot.github.message import (
    AddReaction,
    Close,
    Comment,
    EditIssue,
    Message,
    OpenIssue,
    Reopen,
    SetStateLabel,
)
from bot.render import escape, markdown
from workorders import definition as definitions
from workorders.definition import Definition
from workorders.intents import React, Say
from workorders.order import Criterion, Order, SqlFile
from workorders.report import named
from workorders.waiting import awaited

#: The section of a definition in whose place the criteria stand, as they are now.
_CRITERIA = "SUCCESS CRITERIA"

#: A pull request may have hundreds.
_MOST_AUTHORS = 20


def opened(order: Order, head: str) -> tuple[Message, ...]:
    """The order's issue, which is still to be opened."""
    return (
        OpenIssue(
            repository=order.repository, order_id=order.id, title=order.title, body=issue_body(order, head)
        ),
        SetStateLabel(repository=order.repository, order_id=order.id, state=order.state),
    )


def shown(order: Order, head: str, *, is_repair: bool = False) -> tuple[Message, ...]:
    """The order's issue as it is to look now; as a repair even where we know of no difference."""
    return (
        EditIssue(
            repository=order.repository,
            order_id=order.id,
            body=issue_body(order, head),
            title=order.title if is_repair else None,
            is_repair=is_repair,
        ),
        SetStateLabel(repository=order.repository, order_id=order.id, state=order.state),
    )


def linked(order: Order, asked_on: int) -> tuple[Message, ...]:
    """The link to the order's issue, where the order was asked for."""
    body = f"Work order #{order.issue_number} is open: {escape.markdown(order.title)}"
    return (
        Comment(
            repository=order.repository, order_id=None, number=asked_on, key=f"opened:{order.id}",
            body=body, is_urgent=True,
        ),
    )  # fmt: skip


def said(say: Say) -> tuple[Message, ...]:
    """A comment."""
    return (
        Comment(
            repository=say.repository,
            order_id=say.order_id,
            number=say.number,
            key=say.key,
            body=markdown.content(say.content),
            is_urgent=say.is_urgent,
        ),
    )


def reacted(react: React) -> tuple[Message, ...]:
    """A reaction."""
    return (
        AddReaction(
            repository=react.repository,
            number=react.number,
            comment_id=react.comment_id,
            reaction=react.reaction,
        ),
    )


def closed(order: Order, *, is_completed: bool) -> tuple[Message, ...]:
    """The order's issue is closed."""
    return (Close(repository=order.repository, order_id=order.id, is_completed=is_completed),)


def reopened(order: Order) -> tuple[Message, ...]:
    """The order's issue is opened again."""
    return (Reopen(repository=order.repository, order_id=order.id),)


def issue_body(order: Order, head: str) -> str:
    """The status block, the SQL, and the definition with its criteria as they stand.

    `head` is the hash of the order's newest event: once it stands on GitHub, a rewrite of the
    order's history in ours shows.
    """
    paragraphs = [status_block(order, head), _red_flags(order), _script(order)]
    definition = _definition(order.definition_text)
    if definition is None:
        paragraphs.append(_criteria(order.criteria))
    else:
        for section in definition.sections:
            is_criteria = section.title.strip().upper() == _CRITERIA
            text = _criteria(order.criteria) if is_criteria else section.text.strip()
            paragraphs.append(f"## {section.title}\n\n{text}")
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def status_block(order: Order, head: str) -> str:
    """Where the order stands, as a table."""
    approvals = [each for each in order.approvals if each.digest == order.digest]
    rows = [
        ("State", f"<b>{escape.markup(order.state.value.replace('_', ' '))}</b>"),
        ("Waits for", escape.markup(awaited(order))),
        ("Definition", escape.markup(_definition_name(order))),
        *(() if order.is_by_people else _migrated(order)),
        ("Digest to approve", escape.markup(named(order.digest)) if order.digest else "none yet"),
        (
            "Approved by",
            ", ".join(escape.markup(named(each.person.login)) for each in approvals) or "nobody yet",
        ),
        ("Authors", _logins(order)),
        ("Criteria", f"{sum(each.holds for each in order.criteria)} of {len(order.criteria)} hold"),
        ("History", escape.markup(named(head[:16]))),
    ]
    lines = [f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows]
    return "\n".join(["<table>", *lines, "</table>"])


def _definition_name(order: Order) -> str:
    found = _definition(order.definition_text)
    return f"{named(order.definition)} {found.version}" if found else named(order.definition)


def _migrated(order: Order) -> tuple[tuple[str, str], ...]:
    return (
        ("Target", escape.markup(named(order.target))),
        *([("Pull request", f"#{order.pull_request}")] if order.pull_request else []),
        ("Script", escape.markup(named(order.sql_origin)) if order.sql else "not given yet"),
        *([("Speed", f"{order.speed_percent} % of the usual")] if order.speed_percent != 100 else []),
    )


def _logins(order: Order) -> str:
    shown = [escape.markup(named(each.login)) for each in order.authors[:_MOST_AUTHORS]]
    more = len(order.authors) - len(shown)
    return ", ".join((*shown, *([f"and {more} more"] if more else [])))


def _script(order: Order) -> str:
    if order.is_by_people:
        return ""
    if not order.sql:
        taken_up = " A push that adds a migration is taken up by itself." if order.pull_request else ""
        return f"There is no SQL yet. Comment `/wo revise` with a sql block below it.{taken_up}"
    sql = escape.fence(order.sql, "sql")
    files = order.reading.files if order.reading else ()
    return "\n\n".join(
        (
            f"<details><summary>The SQL, from {escape.markup(named(order.sql_origin))}</summary>",
            *(_files(files) if len(files) > 1 else ()),
            sql,
            "</details>",
        )
    )


def _files(files: tuple[SqlFile, ...]) -> tuple[str, ...]:
    """From which of its lines on the script is which file."""
    shown = [f"- {escape.markdown(named(each.path))}: from line {each.first_line}" for each in files]
    return ("\n".join(shown),)


def _red_flags(order: Order) -> str:
    changed = order.reading.changed if order.reading else ()
    if not changed:
        return ""
    shown = [f"> - {escape.markdown(named(each))}" for each in changed[:_MOST_AUTHORS]]
    more = len(changed) - len(shown)
    return "\n".join(
        (
            "> [!WARNING]",
            "> The pull request changes, renames or removes these migrations. None of that is ever run: a "
            "database that has run them already does not run them again.",
            *shown,
            *([f"> - and {more} more"] if more else []),
        )
    )


def _criteria(criteria: tuple[Criterion, ...]) -> str:
    lines = []
    for each in criteria:
        evidence = f"<br>{escape.markdown(each.evidence)}" if each.evidence else ""
        lines.append(f"- [{'x' if each.holds else ' '}] {escape.markdown(each.text)}{evidence}")
    return "\n".join(lines)


@lru_cache(maxsize=64)
def _definition(text: str) -> Definition | None:
    """The definition as the order was opened with; None where a newer version reads it no more."""
    try:
        return definitions.from_markdown(text)
    except Unreadable:
        return None
