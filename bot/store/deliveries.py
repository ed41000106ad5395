"""What GitHub sent: stored once, handled once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.store.ours import Ours, row, rows, run
from bot.store.queries import queries

_QUERY = queries("deliveries")


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One delivery that is to be handled."""

    id: int
    guid: str
    #: GitHub's name of the event, e.g. "issue_comment".
    event: str
    #: JSON as it was received.
    payload: str
    #: Tries so far, this one included.
    attempts: int
    received_at: datetime


def store(ours: Ours, guid: str, event: str, payload: str) -> int | None:
    """The delivery's number; None where this GUID is stored already."""
    found = row(ours, _QUERY["insert_delivery"], guid=guid, event=event, payload=payload)
    return None if found is None else int(found["id"])


def known(ours: Ours, guids: Sequence[str]) -> frozenset[str]:
    """Those of the GUIDs that have arrived."""
    return frozenset(each["guid"] for each in rows(ours, _QUERY["known_deliveries"], guids=list(guids)))


def begun(ours: Ours, delivery_id: int) -> Delivery | None:
    """The delivery, with one more attempt counted; None where it is over."""
    found = row(ours, _QUERY["begin_delivery"], id=delivery_id)
    return None if found is None else Delivery(**found)


def handled(ours: Ours, delivery_id: int) -> bool:
    """It is over, and well; False where it was over before."""
    return run(ours, _QUERY["handled_delivery"], id=delivery_id) > 0


def postponed(
    ours: Ours, delivery_id: int, *, pause_seconds: float, is_failure: bool, reference: str = ""
) -> None:
    """It is tried again after the pause; a wait for others does not count as an attempt."""
    run(
        ours, _QUERY["postponed_delivery"],
        id=delivery_id, pause_seconds=pause_seconds, taken_back=int(not is_failure), reference=reference,
    )  # fmt: skip


def failed(ours: Ours, delivery_id: int, reference: str) -> None:
    """It is given up; the log has the reference."""
    run(ours, _QUERY["failed_delivery"], id=delivery_id, reference=reference)


def due(ours: Ours) -> tuple[int, ...]:
    """Deliveries whose time has come and that have no job; at most a hundred."""
    return tuple(each["id"] for each in rows(ours, _QUERY["deliveries_due"]))


def forget(ours: Ours) -> None:
    """Payloads after 30 days, ids after 90."""
    run(ours, _QUERY["forget_payloads"])
    run(ours, _QUERY["forget_deliveries"])


def is_first(ours: Ours, task_key: str) -> bool:
    """Marks a task as carried out; False where it was before. Waits while another transaction marks it."""
    return row(ours, _QUERY["insert_handled_task"], key=task_key) is not None


def is_done(ours: Ours, task_key: str) -> bool:
    """Whether the task was carried out."""
    found = row(ours, _QUERY["is_task_handled"], key=task_key)
    return found is not None and bool(found["found"])
