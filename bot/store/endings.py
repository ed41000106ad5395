"""Sessions of targets that supervisors have asked to end."""

from __future__ import annotations

from dataclasses import dataclass

from bot.store.ours import Ours, row, rows
from bot.store.queries import queries

_QUERY = queries("endings")


@dataclass(frozen=True, kw_only=True)
class Ending:
    """One that waits for its answer."""

    id: int
    order_id: int
    pid: int
    #: Of the comment that says what came of it.
    key: str
    #: Since it was asked for.
    seconds: float


def insert(ours: Ours, order_id: int, pid: int, key: str) -> int:
    """Somebody asks for it; gives its number."""
    found = row(ours, _QUERY["insert_ending"], order_id=order_id, pid=pid, key=key)
    assert found is not None
    return int(found["id"])


def waiting(ours: Ours, ending_id: int) -> Ending | None:
    """The one of this number; None where it has its answer."""
    found = row(ours, _QUERY["read_ending"], id=ending_id)
    return Ending(**found) if found else None


def answer(ours: Ours, ending_id: int) -> bool:
    """What came of it is being said; False where somebody else has said it."""
    return row(ours, _QUERY["answer_ending"], id=ending_id) is not None


def due(ours: Ours) -> tuple[int, ...]:
    """Those that have neither an answer nor a job."""
    return tuple(int(each["id"]) for each in rows(ours, _QUERY["endings_due"]))
