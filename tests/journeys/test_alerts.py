"""Those who do not watch GitHub are told: once of an approval that is wanted, once of an escalation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.github.signature import is_signed
from bot.settings import AlertReceiver
from tests.integration.bot.receiver import Receiver, receiving
from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation, Running
from tests.journeys.shop import Thread

SECRET = "It's a Secret"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def worker(fresh_installation: Installation, receiver: Receiver) -> Iterator[Running]:
    """A worker that knows the receiver; it and those after it end before the receiver does."""
    settings = fresh_installation.settings
    told = AlertReceiver(url=receiver.url, secret=SECRET)
    fresh_installation.settings = replace(settings, alerts=told)
    fresh_installation.start_web()
    yield fresh_installation.start_worker()
    fresh_installation.close()
    fresh_installation.settings = settings


def _raised(thread: Thread) -> list[tuple[str, str]]:
    """Kind and state of each alert of the order."""
    with thread.shop.installation.services.pool.transaction() as ours:
        return ours.execute(
            "SELECT kind, state FROM alerts WHERE order_id = %s ORDER BY number", [thread.order.id]
        ).fetchall()


def test_an_order_tells_once_that_it_waits_and_once_that_it_is_in_trouble(
    fresh_installation: Installation, make_shop: MakeShop, worker: Running, receiver: Receiver
) -> None:
    shop = make_shop("alerting")
    receiver.hangs.set()
    thread = shop.reviewed(
        "CREATE INDEX ON orders (customer_id); ALTER TABLE orders ALTER total SET NOT NULL;"
    )
    # It is on its way: the receiver has it, and has not answered.
    until(lambda: receiver.received)
    worker.kill()
    receiver.hangs.clear()
    fresh_installation.start_worker()
    until(lambda: _raised(thread) == [("approval_wanted", "sent")])

    first, *_, second = receiver.of_kind("approval_wanted", thread.number)
    assert (first.id, first.body) == (second.id, second.body)
    assert is_signed(second.body, second.headers["X-Lockkeeper-Signature-256"], [SECRET])
    assert second.json["url"] == f"{fresh_installation.sandbox.url}/{shop.repository}/issues/{thread.number}"
    assert (second.json["target"], second.json["state"]) == (shop.name, "awaiting_approval")
    assert (second.json["people"], second.json["title"]) == (["dba"], thread.issue.title)

    shop.query("INSERT INTO orders (customer_id, total) VALUES (1, NULL)")
    thread.approve()
    thread.wait_for("rolled_back")
    until(lambda: _raised(thread)[1:] == [("escalation", "sent")])

    (escalation,) = receiver.of_kind("escalation", thread.number)
    assert escalation.json["summary"] == "Blocked. Verdict: roll back."
    assert (escalation.json["state"], escalation.json["people"]) == ("rolling_back", ["dba"])
    assert {each.id for each in receiver.received} == {first.id, escalation.id}
    said = "".join(running.said for running in fresh_installation.processes)
    assert "An alert was sent." in said
    assert receiver.url.rpartition("/")[2] not in said
