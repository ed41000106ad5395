"""The log shows all that happened, and a rewrite of it shows."""

from __future__ import annotations

import pytest

from bot.services import Services
from bot.store import events
from tests.integration.terminal.conftest import Lockkeeper
from tests.integration.terminal.test_work_orders import opened
from workorders.order import Repository


def test_events_are_shown_in_order_and_their_chain_holds(
    lockkeeper: Lockkeeper, services: Services, shop: Repository
) -> None:
    order_id = opened(services, shop)
    lockkeeper("wo:request-changes", "7", "use a \x1b[31mtwin\n column")
    with services.pool.transaction() as ours:
        head = events.head(ours, order_id)

    ran = lockkeeper("log", "7", "--verify", "--head", head[:16])

    assert (ran.status, ran.err) == (0, "")
    assert ran.out.index("opened by ana") < ran.out.index("changes_requested by operator:")
    assert "chain of 3 events holds" in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.parametrize(
    ("rewrite", "number"),
    [
        ("UPDATE events SET login = 'mallory' WHERE number = 1", 1),
        ("DELETE FROM events WHERE number = 2", 2),
    ],
)
def test_a_rewritten_history_is_found_where_it_breaks(
    lockkeeper: Lockkeeper, services: Services, shop: Repository, rewrite: str, number: int
) -> None:
    opened(services, shop)
    lockkeeper("wo:request-changes", "7", "why")
    with services.pool.transaction() as ours:
        ours.execute("ALTER TABLE events DISABLE TRIGGER USER")
        ours.execute(rewrite.encode())

    ran = lockkeeper("log", "7", "--verify")

    assert ran.status == 1
    assert f"broken at event {number}" in ran.err
    assert lockkeeper("log", "7").status == 0


def test_an_end_that_was_cut_off_is_found_by_a_head_that_was_seen(
    lockkeeper: Lockkeeper, services: Services, shop: Repository
) -> None:
    opened(services, shop)

    assert lockkeeper("log", "7", "--verify", "--head", "0123456789abcdef").status == 1
    assert lockkeeper("log", "7", "--verify", "--head", "012").status == 2
    assert lockkeeper("log", "7", "--head", "0123456789abcdef").status == 2
