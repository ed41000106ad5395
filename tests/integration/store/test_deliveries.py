from __future__ import annotations

from bot import queue
from bot.store import deliveries
from bot.store.ours import Ours


def test_a_guid_is_stored_once(ours: Ours) -> None:
    assert deliveries.store(ours, "g1", "ping", "{}") is not None
    assert deliveries.store(ours, "g1", "ping", "{}") is None


def test_a_payload_is_kept_letter_by_letter(ours: Ours) -> None:
    number = deliveries.store(ours, "g1", "ping", '{"b": "\\u0000", "a":  1}')
    assert number is not None

    found = deliveries.begun(ours, number)

    assert found is not None
    assert found.payload == '{"b": "\\u0000", "a":  1}'
    assert found.attempts == 1


def test_what_is_over_begins_no_more(ours: Ours) -> None:
    number = deliveries.store(ours, "g1", "ping", "{}")
    assert number is not None

    assert deliveries.handled(ours, number)

    assert not deliveries.handled(ours, number)
    assert deliveries.begun(ours, number) is None
    assert deliveries.due(ours) == ()


def test_a_wait_for_others_counts_no_attempt(ours: Ours) -> None:
    number = deliveries.store(ours, "g1", "ping", "{}")
    assert number is not None

    deliveries.begun(ours, number)
    deliveries.postponed(ours, number, pause_seconds=0, is_failure=False)
    deliveries.begun(ours, number)
    deliveries.postponed(ours, number, pause_seconds=0, is_failure=True)

    third = deliveries.begun(ours, number)
    assert third is not None
    assert third.attempts == 2


def test_a_delivery_with_a_job_is_not_due(ours: Ours) -> None:
    number = deliveries.store(ours, "g1", "ping", "{}")
    assert number is not None
    assert deliveries.due(ours) == (number,)

    assert queue.enqueue(ours, queue.handle_delivery(number))

    assert deliveries.due(ours) == ()


def test_the_like_of_a_waiting_job_is_not_queued(ours: Ours) -> None:
    assert queue.enqueue(ours, queue.work_order(1, "shop"))
    assert not queue.enqueue(ours, queue.work_order(1, "shop"))
    assert queue.enqueue(ours, queue.work_order(2, "shop"))


def test_a_task_is_carried_out_once(ours: Ours) -> None:
    assert not deliveries.is_done(ours, "comment:1:2:3")
    assert deliveries.is_first(ours, "comment:1:2:3")
    assert not deliveries.is_first(ours, "comment:1:2:3")
    assert deliveries.is_done(ours, "comment:1:2:3")


def test_payloads_are_forgotten_before_ids(ours: Ours) -> None:
    old = deliveries.store(ours, "old", "ping", "{}")
    older = deliveries.store(ours, "older", "ping", "{}")
    waiting = deliveries.store(ours, "waiting", "ping", "{}")
    assert old and older and waiting
    deliveries.handled(ours, old)
    deliveries.handled(ours, older)
    ours.execute("UPDATE deliveries SET received_at = now() - interval '31 days'")
    ours.execute("UPDATE deliveries SET received_at = now() - interval '91 days' WHERE guid = 'older'")

    deliveries.forget(ours)

    found = ours.execute("SELECT guid, payload IS NULL FROM deliveries ORDER BY guid").fetchall()
    assert found == [("old", True), ("waiting", False)]
