"""What people say of a running order beside its state: how fast it goes, and who is in its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from bot import queue
from bot.store import endings, orders
from bot.store.events import Detail
from bot.store.ours import Ours
from workorders.intents import EndSession, SessionLookedAt, SetSpeed
from workorders.order import Person

#: Appends to the order's history.
Record = Callable[[str, Person | None, Detail], None]


def steer(ours: Ours, intent: SetSpeed | EndSession | SessionLookedAt, record: Record) -> None:
    """Carries it out. Changes no version of the order: what a run does meanwhile is still decided well."""
    match intent:
        case SetSpeed():
            orders.set_speed(ours, intent.order_id, intent.percent)
            record("speed", intent.by, {**intent.detail, "percent": intent.percent})
        case EndSession():
            ending_id = endings.insert(ours, intent.order_id, intent.pid, intent.key)
            record("terminate", intent.by, {**intent.detail, "pid": intent.pid})
            queue.enqueue(ours, queue.end_session(ending_id))
        case SessionLookedAt():
            if endings.answer(ours, intent.ending_id):
                kind = "terminated" if intent.is_ended else "not_terminated"
                record(kind, None, {"pid": intent.pid, "reason": intent.reason})
        case _:
            assert_never(intent)
