"""Two workers, twenty orders, five targets: one at a time on each, none lost, in the approvals' order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from bot.store import events
from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation
from tests.journeys.shop import Shop, Thread, start

TARGETS = ("athens", "berne", "cairo", "delhi", "essen")
TABLES = ("a", "b", "c", "d")

SCHEMA = "".join(f"CREATE TABLE {name} (id int PRIMARY KEY); " for name in TABLES)


@pytest.fixture
def workers(fresh_installation: Installation) -> Iterator[None]:
    fresh_installation.start_web()
    fresh_installation.start_worker()
    fresh_installation.start_worker()
    yield
    fresh_installation.close()


def _asked_for(shop: Shop) -> list[Thread]:
    """One order for each table, all asked for on one issue."""
    state = shop.installation.sandbox.state
    issue = state.open_issue_as("ana", shop.repository, "please migrate", "")
    for name in TABLES:
        sql = f"ALTER TABLE {name} ADD COLUMN note text;"
        state.comment_as("ana", shop.repository, issue.number, start(sql, shop.name))
    until(lambda: _opened(shop, issue.number) == len(TABLES), 120)
    return [Thread(shop=shop, number=issue.number + place) for place in range(1, len(TABLES) + 1)]


def _opened(shop: Shop, number: int) -> int:
    """How many orders the bot has linked on the issue."""
    comments = shop.installation.sandbox.state.comments(shop.repository, number)
    return sum("is open" in each.body for each in comments)


def _times_on_the_target(thread: Thread) -> list[tuple[str, datetime]]:
    """When its turn came and when it had left the target, by the clock of this machine."""
    order = thread.order
    with thread.shop.installation.services.pool.transaction() as ours:
        happened = {each.happening.kind: each.happening.at for each in events.of(ours, order.id)}
    return [("begins", happened["turn_came"]), ("ends", happened["validated"])]


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("workers")
def test_twenty_orders_on_five_targets_run_one_at_a_time_and_in_order(make_shop: MakeShop) -> None:
    shops = [make_shop(name, schema=SCHEMA) for name in TARGETS]
    threads = {shop.name: _asked_for(shop) for shop in shops}
    for orders in threads.values():
        for thread in orders:
            until(lambda thread=thread: thread.state == "awaiting_approval", 300)  # type: ignore[misc] # mypy knows no default here

    approved = {name: [orders[place] for place in (2, 0, 3, 1)] for name, orders in threads.items()}
    for place in range(len(TABLES)):
        for orders in approved.values():
            orders[place].approve()
    for orders in approved.values():
        for thread in orders:
            thread.wait_for("soaking", seconds=300)

    for shop in shops:
        columns = shop.query("SELECT attrelid::regclass::text FROM pg_attribute WHERE attname = 'note'")
        assert sorted(name for (name,) in columns) == list(TABLES)
        stays = sorted(
            (at, what, thread.number)
            for thread in approved[shop.name]
            for what, at in _times_on_the_target(thread)
        )
        assert [what for _, what, _ in stays] == ["begins", "ends"] * len(TABLES)
        assert [number for _, what, number in stays if what == "begins"] == [
            thread.number for thread in approved[shop.name]
        ]
