"""An alert as its receiver reads it: as a JSON object, or as a message of Slack's.

Texts are plain: one line, with everything that cannot be seen written out. For Slack they stand in
`plain_text` blocks with its three special characters escaped, so that no mention, channel or link
of a name from a database or a person is live.
Source: https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any
from urllib.parse import quote

from bot.render import escape
from bot.settings import AlertForm
from bot.store.alerts import Alert
from workorders.report import AlertKind

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

_HEADLINES = {
    AlertKind.ESCALATION: "Escalation",
    AlertKind.APPROVAL_WANTED: "Approval wanted",
    AlertKind.MONITOR: "Alert while it is executed",
}

#: Slack takes 150 in a header, and more elsewhere. A message that is too long it refuses as a whole, so a
#: file with a strange name could silence an alert.
_HEADER_CHARACTERS, _TEXT_CHARACTERS = 149, 1_000  # and one for the sign that something is left out


def body(alert: Alert, form: AlertForm, github_url: str) -> bytes:
    """What is sent, letter by letter; the same for every try."""
    made = _slack(alert, github_url) if form == "slack" else _json(alert, github_url)
    return json.dumps(made).encode("ascii")


def _json(alert: Alert, github_url: str) -> dict[str, Any]:
    return {
        "id": str(alert.id),
        "kind": alert.kind.value,
        "at": _at(alert),
        "repository": alert.full_name,
        "issue": alert.issue_number,
        "url": _url(alert, github_url),
        "target": alert.target,
        "state": alert.order_state.value,
        "title": _cut(escape.terminal(alert.title), _TEXT_CHARACTERS),
        "summary": _cut(alert.summary, _TEXT_CHARACTERS),
        "people": list(alert.people),
    }


def _slack(alert: Alert, github_url: str) -> dict[str, Any]:
    headline = f"{_HEADLINES[alert.kind]}: {escape.terminal(alert.title)}"
    place = f"{alert.full_name}#{alert.issue_number}"
    link = f"<{_url(alert, github_url)}|{_escaped(place, _TEXT_CHARACTERS)}>"
    facts = (
        *([f"Target: {alert.target}"] if alert.target else []),
        f"State: {alert.order_state.value.replace('_', ' ')}",
        *([f"For: {', '.join(alert.people)}"] if alert.people else []),
        _at(alert),
    )
    return {
        # What a notification shows, and what is read aloud.
        "text": _escaped(f"{headline} ({place}): {alert.summary}", _TEXT_CHARACTERS),
        "blocks": [
            {"type": "header", "text": _plain(headline, _HEADER_CHARACTERS)},
            {"type": "section", "text": _plain(alert.summary, _TEXT_CHARACTERS)},
            # Without `verbatim` Slack looks for names and channels in it.
            {"type": "section", "text": {"type": "mrkdwn", "text": link, "verbatim": True}},
            {"type": "context", "elements": [_plain(fact, _TEXT_CHARACTERS) for fact in facts]},
        ],
    }


def _plain(text: str, characters: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _escaped(text, characters) or "-", "emoji": False}


def _escaped(text: str, characters: int) -> str:
    """As much of the text as fits when it is escaped, counted as those count who use UTF-16."""
    written, room = "", characters
    for letter in text:
        shown = _ESCAPES.get(letter, letter)
        room -= len(shown.encode("utf-16-le", "surrogatepass")) // 2
        if room < 0:
            return f"{written}…"
        written += shown
    return written


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1]}…"


def _url(alert: Alert, github_url: str) -> str:
    return f"{github_url}/{quote(alert.full_name)}/issues/{alert.issue_number}"


def _at(alert: Alert) -> str:
    return alert.raised_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
