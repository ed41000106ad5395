from __future__ import annotations

import psycopg
import pytest

from bot.store import events, orders
from bot.store.ours import Ours, Pool
from tests.integration.store.values import DBA, NOW, opening
from workorders.order import State


def written(ours: Ours, count: int = 3) -> int:
    order_id = orders.insert(ours, opening(), State.ANALYSING, NOW)
    for number in range(count):
        events.append(
            ours,
            order_id,
            events.Happening(
                at=NOW, kind="approval", by=DBA if number else None, comment_hash="c0ffee", digest="d",
                result="analysing", detail={"rows": 1e22, "seconds": 0.1, "who": "Zoë\x00", "is": True},
            ),
        )  # fmt: skip
    return order_id


def tamper(pool: Pool, statement: str, order_id: int) -> None:
    """What somebody with the owner's rights in our database could do."""
    with pool.transaction() as ours:
        ours.execute("ALTER TABLE events DISABLE TRIGGER USER")
        ours.execute(statement.encode(), {"id": order_id})
        ours.execute("ALTER TABLE events ENABLE TRIGGER USER")


def test_an_untouched_chain_holds(ours: Ours) -> None:
    order_id = written(ours)

    assert events.verify(ours, order_id) is None
    assert events.verify(ours, order_id, events.head(ours, order_id)) is None


@pytest.mark.parametrize(
    "change",
    [
        "login = 'ana'", "person_id = 11", "person_id = NULL", "digest = 'e'", "comment_hash = ''",
        "kind = 'x'", "result = 'done'", "at = at + interval '1 microsecond'", "detail = '{}'",
    ],
)  # fmt: skip
def test_a_changed_event_is_found(pool: Pool, change: str) -> None:
    with pool.transaction() as ours:
        order_id = written(ours)

    tamper(pool, f"UPDATE events SET {change} WHERE order_id = %(id)s AND number = 2", order_id)

    with pool.transaction() as ours:
        fault = events.verify(ours, order_id)
    assert fault is not None
    assert fault.number == 2


def test_a_removed_event_is_found(pool: Pool) -> None:
    with pool.transaction() as ours:
        order_id = written(ours)

    tamper(pool, "DELETE FROM events WHERE order_id = %(id)s AND number = 2", order_id)

    with pool.transaction() as ours:
        fault = events.verify(ours, order_id)
    assert fault is not None
    assert (fault.number, fault.reason) == (2, "event 2 is missing")


def test_a_cut_off_end_is_found_by_a_head_that_was_seen(pool: Pool) -> None:
    with pool.transaction() as ours:
        order_id = written(ours)
        seen = events.head(ours, order_id)

    tamper(pool, "DELETE FROM events WHERE order_id = %(id)s AND number = 3", order_id)

    with pool.transaction() as ours:
        assert events.verify(ours, order_id) is None
        fault = events.verify(ours, order_id, seen)
    assert fault is not None


@pytest.mark.parametrize(
    "statement", ["UPDATE events SET login = 'x'", "DELETE FROM events", "TRUNCATE events"]
)
def test_events_are_only_appended(ours: Ours, statement: str) -> None:
    written(ours)

    with pytest.raises(psycopg.errors.RestrictViolation), ours.transaction():
        ours.execute(statement.encode())


def test_an_event_is_read_as_it_was_written(ours: Ours) -> None:
    order_id = written(ours, 2)

    first, second = events.of(ours, order_id)

    assert (first.number, first.happening.by) == (1, None)
    assert second.happening.by == DBA
    assert second.happening.detail["who"] == "Zoë\x00"
    assert second.previous_hash == first.hash
