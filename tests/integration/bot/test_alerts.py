"""Alerts, from the decision that raises one to a receiver over real HTTP."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from bot import log
from bot.alerts.sender import Sender
from bot.errors import OrderMoved
from bot.github.signature import is_signed
from bot.jobs import Runner
from bot.perform import Decided, perform
from bot.services import Services
from bot.settings import AlertForm, AlertReceiver
from bot.store import orders
from bot.store.ours import row
from tests.integration.bot.opening import opened, read
from tests.integration.bot.receiver import Answer, Receiver, receiving
from tests.integration.store.values import SHOP
from workorders.intents import Move, Say
from workorders.lifecycle import Event
from workorders.report import AlertKind, Finding, Report, named

SECRET = "It's a Secret"

REPORT = Report(
    role="postgres", title="Escalation", summary=f"Blocked by {named('<!channel>')}.", finding=Finding.FAILS,
    mentions=("dba",), alert=AlertKind.ESCALATION,
)  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All that the log would show, whatever its level."""
    root, stream = logging.getLogger(), io.StringIO()
    before, level = list(root.handlers), root.level
    log.configure("json", "DEBUG", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


@dataclass(frozen=True, kw_only=True)
class Desk:
    """An order in trouble, and a sender."""

    services: Services
    receiver: Receiver

    def sender(self, form: AlertForm = "json", secret: str | None = None) -> Sender:
        settings = self.services.settings
        return Sender(
            pool=self.services.pool,
            receiver=AlertReceiver(url=self.receiver.url, form=form, secret=secret),
            github_url=settings.github_url,
            pace=settings.pace,
            timeout_seconds=0.3,
        )

    def send(self, form: AlertForm = "json", secret: str | None = None) -> None:
        """All that is due now; pauses are over."""
        with self.services.pool.transaction() as ours:
            ours.execute("UPDATE alerts SET due_at = now() WHERE state = 'waiting'")
        self.sender(form, secret).send_due(threading.Event())

    def trouble(self, number: int = 12, *, has_issue: bool = True) -> int:
        """A new order that is escalated."""
        order_id = opened(self.services, asked_on=number)
        if has_issue:
            self.open_issue(order_id, number)
        say = Say(repository=SHOP, number=None, order_id=order_id, content=REPORT, key="escalation:1")
        move = Move(order_id=order_id, event=Event.MEND, by=None)
        order = read(self.services, order_id)
        perform(self.services, Decided(intents=(say, move), decided_on=(order,)))
        return order_id

    def open_issue(self, order_id: int, number: int) -> None:
        with self.services.pool.transaction() as ours:
            orders.set_issue(ours, order_id, number)

    def rows(self) -> list[tuple[Any, ...]]:
        """Of each alert its state and its attempts."""
        with self.services.pool.transaction() as ours:
            return ours.execute("SELECT state, attempts FROM alerts ORDER BY number").fetchall()

    def pause_seconds(self) -> float:
        """Until the next try."""
        with self.services.pool.transaction() as ours:
            found = row(ours, "SELECT extract(epoch FROM max(due_at) - now()) AS seconds FROM alerts")
        assert found is not None
        return float(found["seconds"])


@pytest.fixture
def desk(services: Services, receiver: Receiver) -> Desk:
    services.settings = replace(
        services.settings, pace=replace(services.settings.pace, alert_attempts=3, first_pause_seconds=30)
    )
    return Desk(services=services, receiver=receiver)


def test_an_alert_is_sent_once_in_the_form_that_is_wanted_and_signed(desk: Desk) -> None:
    desk.trouble()
    desk.send(secret=SECRET)
    desk.send(secret=SECRET)
    desk.trouble(13)
    desk.send("slack")

    first, second = desk.receiver.received
    assert desk.rows() == [("sent", 1), ("sent", 1)]
    assert first.json == {
        **first.json, "kind": "escalation", "repository": "acme/shop", "issue": 12,
        "url": f"{desk.services.settings.github_url}/acme/shop/issues/12", "target": "shop-production",
        "state": "changes_requested", "title": "note on orders", "summary": "Blocked by <!channel>.",
        "people": ["dba"], "id": first.id,
    }  # fmt: skip
    assert is_signed(first.body, first.headers["X-Lockkeeper-Signature-256"], [SECRET])
    assert first.headers["Content-Type"] == "application/json"
    assert second.json["blocks"][1]["text"]["text"] == "Blocked by &lt;!channel&gt;."
    assert "<!channel>" not in second.body.decode()
    assert "X-Lockkeeper-Signature-256" not in second.headers
    assert first.id != second.id


def test_a_decision_that_is_not_carried_out_raises_nothing(desk: Desk) -> None:
    order_id = opened(desk.services)
    stale = read(desk.services, order_id)
    perform(
        desk.services,
        Decided(intents=(Move(order_id=order_id, event=Event.ANALYSED, by=None),), decided_on=(stale,)),
    )

    with pytest.raises(OrderMoved):
        move = Move(order_id=order_id, event=Event.MEND, by=None)
        perform(desk.services, Decided(intents=(move,), decided_on=(stale,)))

    assert desk.rows() == []


def test_a_comment_that_is_edited_raises_one_alert(desk: Desk) -> None:
    order_id = opened(desk.services)
    for summary in ("2 sessions wait.", "3 sessions wait."):
        report = replace(REPORT, summary=summary, alert=AlertKind.MONITOR)
        say = Say(repository=SHOP, number=None, order_id=order_id, content=report, key="alert:1")
        perform(desk.services, Decided(intents=(say,)))

    assert len(desk.rows()) == 1


def test_what_is_not_taken_is_sent_again_under_the_same_id_after_growing_pauses(desk: Desk) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    desk.receiver.answers = [
        Answer(status=503),
        Answer(status=429, headers={"Retry-After": "500"}),
        Answer(status=503, headers={"Retry-After": soon}),
    ]
    desk.services.settings = replace(
        desk.services.settings, pace=replace(desk.services.settings.pace, alert_attempts=4)
    )
    desk.trouble()
    pauses = []
    for _ in range(3):
        desk.send()
        pauses.append(desk.pause_seconds())
    # Nothing goes out in the pause.
    desk.sender().send_due(threading.Event())
    assert [attempts for _, attempts in desk.rows()] == [3]
    desk.send()

    assert desk.rows() == [("sent", 4)]
    assert len({each.id for each in desk.receiver.received}) == 1
    assert len({each.body for each in desk.receiver.received}) == 1
    assert [round(pause, -1) for pause in pauses] == [30, 500, 600]


def test_while_one_is_not_taken_the_others_wait_too(desk: Desk) -> None:
    desk.receiver.answers = [Answer(status=500)]
    desk.trouble(12)
    desk.trouble(13)

    desk.sender().send_due(threading.Event())
    desk.sender().send_due(threading.Event())
    assert desk.rows() == [("waiting", 1), ("waiting", 0)]
    desk.send()

    assert desk.rows() == [("sent", 2), ("sent", 1)]
    # The one that was tried already does not hold up the other.
    assert [each.json["issue"] for each in desk.receiver.received] == [12, 13, 12]


@pytest.mark.parametrize(
    "answer",
    [Answer(status=400), Answer(status=404), Answer(status=302, headers={"Location": "/elsewhere"})],
    ids=lambda answer: str(answer.status),
)
def test_what_is_refused_is_given_up_at_once_and_no_redirection_is_followed(
    desk: Desk, answer: Answer, written: io.StringIO
) -> None:
    desk.receiver.answers = [answer]
    desk.trouble(12)
    desk.trouble(13)

    desk.send()

    assert desk.rows() == [("given_up", 1), ("sent", 1)]
    assert len(desk.receiver.received) == 2
    assert f"the receiver answered {answer.status}" in written.getvalue()
    assert "hunter2" not in written.getvalue()


def test_a_receiver_that_hangs_or_is_gone_is_given_up_after_a_limit(desk: Desk, written: io.StringIO) -> None:
    desk.trouble()
    desk.receiver.hangs.set()
    desk.send()
    assert desk.rows() == [("waiting", 1)]
    desk.receiver.url = "http://127.0.0.1:9/services/hunter2"
    for _ in range(3):
        desk.send()

    assert desk.rows() == [("given_up", 3)]
    assert [reason in written.getvalue() for reason in ("ReadTimeout", "ConnectionError", "given up")] == [
        True, True, True,
    ]  # fmt: skip
    assert "hunter2" not in written.getvalue()


def test_an_alert_waits_until_there_is_an_issue_to_link_and_not_for_ever(desk: Desk) -> None:
    order_id = desk.trouble(has_issue=False)
    desk.send()
    assert desk.rows() == [("waiting", 0)]
    old = desk.trouble(13)
    with desk.services.pool.transaction() as ours:
        ours.execute("UPDATE alerts SET raised_at = now() - interval '25 hours' WHERE order_id = %s", [old])
    desk.open_issue(order_id, 12)

    desk.send()
    Runner(desk.services).keep_house(forgets=True)

    assert desk.rows() == [("sent", 1), ("outdated", 0)]
    assert [each.json["issue"] for each in desk.receiver.received] == [12]


def test_the_sweep_makes_a_job_for_an_alert_without_one_where_a_receiver_is_set(desk: Desk) -> None:
    desk.trouble()
    runner = Runner(desk.services)
    runner.send_alerts()
    assert desk.rows() == [("waiting", 0)]
    clear, count = "DELETE FROM procrastinate_jobs", "SELECT count(*) FROM procrastinate_jobs"
    found = []
    for receiver in (None, AlertReceiver(url=desk.receiver.url)):
        desk.services.settings = replace(desk.services.settings, alerts=receiver)
        with desk.services.pool.transaction() as ours:
            ours.execute(clear)
        runner.keep_house(forgets=False)
        with desk.services.pool.transaction() as ours:
            found += ours.execute(f"{count} WHERE queueing_lock = 'alerts'").fetchall()

    assert found == [(0,), (1,)]
    runner.send_alerts()
    assert desk.rows() == [("sent", 1)]
