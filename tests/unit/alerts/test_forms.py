from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from bot.alerts import forms
from bot.settings import AlertForm
from bot.store.alerts import Alert
from tests.unit.render.hostile import hostile
from workorders.order import State
from workorders.report import AlertKind, named

ALERT = Alert(
    number=3,
    id=UUID("6f1a2c5e-0000-4000-8000-000000000001"),
    kind=AlertKind.APPROVAL_WANTED,
    order_state=State.AWAITING_APPROVAL,
    summary="Sound: 2 steps.",
    people=("dba", "acme/backend"),
    raised_at=datetime(2026, 5, 4, 9, 30, 1, 5, tzinfo=UTC),
    attempts=1,
    full_name="acme/shop",
    issue_number=12,
    target="shop-production",
    title=f"Database migration on {named('shop-production')}",
)

#: What Slack makes live in any text: <@U1>, <!channel>, <#C1>, <https://...>, <mailto:...>.
LIVE = re.compile("[<>]|&(?!amp;|lt;|gt;)")


def made(alert: Alert, form: AlertForm) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(forms.body(alert, form, "https://github.com"))
    return parsed


def texts(block: object) -> list[dict[str, Any]]:
    """Slack's text objects, at any depth."""
    if isinstance(block, list):
        return [text for each in block for text in texts(each)]
    if not isinstance(block, dict):
        return []
    if block.get("type") in ("plain_text", "mrkdwn"):
        return [block]
    return [text for each in block.values() for text in texts(each)]


def test_json_says_everything_by_name() -> None:
    assert made(ALERT, "json") == {
        "id": "6f1a2c5e-0000-4000-8000-000000000001",
        "kind": "approval_wanted",
        "at": "2026-05-04T09:30:01Z",
        "repository": "acme/shop",
        "issue": 12,
        "url": "https://github.com/acme/shop/issues/12",
        "target": "shop-production",
        "state": "awaiting_approval",
        "title": "Database migration on shop-production",
        "summary": "Sound: 2 steps.",
        "people": ["dba", "acme/backend"],
    }


def test_slack_gets_a_text_and_blocks_with_one_link_of_ours() -> None:
    message = made(ALERT, "slack")

    assert set(message) == {"text", "blocks"}
    assert message["text"] == (
        "Approval wanted: Database migration on shop-production (acme/shop#12): Sound: 2 steps."
    )
    shown = [text["text"] for text in texts(message["blocks"])]
    assert shown == [
        "Approval wanted: Database migration on shop-production",
        "Sound: 2 steps.",
        "<https://github.com/acme/shop/issues/12|acme/shop#12>",
        "Target: shop-production",
        "State: awaiting approval",
        "For: dba, acme/backend",
        "2026-05-04T09:30:01Z",
    ]


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_has_its_headline(kind: AlertKind) -> None:
    assert made(replace(ALERT, kind=kind), "json")["kind"] == kind.value
    assert made(replace(ALERT, kind=kind), "slack")["text"]


@given(text=hostile)
def test_nothing_of_a_foreign_text_is_live_in_slack(text: str) -> None:
    attack = f"<!channel> <@U012AB3CD> & {text}"
    alert = replace(ALERT, summary=attack, title=attack, people=(attack,), target=attack)
    message = made(alert, "slack")

    shown = texts(message["blocks"])
    ours = [each for each in shown if each["type"] == "mrkdwn"]
    assert [each["text"] for each in ours] == ["<https://github.com/acme/shop/issues/12|acme/shop#12>"]
    assert all(each["verbatim"] for each in ours)
    plain = [message["text"], *(each["text"] for each in shown if each["type"] == "plain_text")]
    assert [each for each in plain if LIVE.search(each)] == []
    assert "&lt;!channel&gt; &lt;@U012AB3CD&gt; &amp; " in message["text"]


def test_a_long_text_stays_within_slack_s_limits() -> None:
    alert = replace(ALERT, summary="&" * 9_000, title="<😀" * 9_000)

    header, section, *_ = texts(made(alert, "slack")["blocks"])

    assert 140 < len(header["text"].encode("utf-16-le")) / 2 <= 150
    assert header["text"].endswith("…")
    assert 990 < len(section["text"]) <= 1_001
