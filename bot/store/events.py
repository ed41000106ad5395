"""An order's history as a chain of hashes: a changed, removed or inserted event shows.

What the chain alone cannot show is that its end was cut off; for that its head stands in each
report, and `verify` takes a head that was seen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.store.ours import Ours, row, rows, run
from bot.store.queries import queries
from workorders.order import Person

_QUERY = queries("events")

Detail = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What is to be appended to an order's history."""

    at: datetime
    #: The lifecycle's event, or "opened", "approval", "approvals_voided", "reviewed_digest" ...
    kind: str
    #: None: Lockkeeper itself.
    by: Person | None
    #: SHA-256 of the comment's body; "" where there was none.
    comment_hash: str = ""
    digest: str = ""
    #: The state after it.
    result: str
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """An event as it stands in ours."""

    order_id: int
    #: 1, 2, 3 ...
    number: int
    happening: Happening
    #: The detail letter by letter, as the hash covers it.
    detail_json: str
    previous_hash: str
    hash: str

    def computed_hash(self) -> str:
        """What the hash should be."""
        return _hash(self.order_id, self.number, self.happening, self.detail_json, self.previous_hash)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """The first event at which the chain does not hold."""

    order_id: int
    number: int
    reason: str


def append(ours: Ours, order_id: int, happening: Happening) -> str:
    """Adds to the order's chain and gives its new head. The caller holds the order's row."""
    last = row(ours, _QUERY["last_event"], order_id=order_id)
    number = last["number"] + 1 if last else 1
    previous = last["hash"] if last else ""
    detail = json.dumps(dict(happening.detail), sort_keys=True)
    head = _hash(order_id, number, happening, detail, previous)
    run(
        ours, _QUERY["insert_event"],
        order_id=order_id, number=number, at=happening.at, kind=happening.kind,
        person_id=happening.by.id if happening.by else None, login=happening.by.login if happening.by else "",
        comment_hash=happening.comment_hash, digest=happening.digest, result=happening.result,
        detail=detail, previous_hash=previous, hash=head,
    )  # fmt: skip
    return head


def head(ours: Ours, order_id: int) -> str:
    """The hash of the newest event; "" where there is none."""
    last = row(ours, _QUERY["last_event"], order_id=order_id)
    return last["hash"] if last else ""


def of(ours: Ours, order_id: int) -> tuple[Recorded, ...]:
    """The order's history, oldest first."""
    return tuple(
        Recorded(
            order_id=found["order_id"],
            number=found["number"],
            happening=Happening(
                at=found["at"],
                kind=found["kind"],
                by=None
                if found["person_id"] is None
                else Person(id=found["person_id"], login=found["login"]),
                comment_hash=found["comment_hash"],
                digest=found["digest"],
                result=found["result"],
                detail=json.loads(found["detail"]),
            ),
            detail_json=found["detail"],
            previous_hash=found["previous_hash"],
            hash=found["hash"],
        )
        for found in rows(ours, _QUERY["events_of"], order_id=order_id)
    )


def verify(ours: Ours, order_id: int, seen_head: str | None = None) -> Fault | None:
    """The first event at which the chain breaks; None where it holds.

    `seen_head`, a head that a report once showed, must still be in the chain.
    """
    chain = of(ours, order_id)
    previous = ""
    for number, event in enumerate(chain, start=1):
        reason = None
        if event.number != number:
            reason = f"event {number} is missing"
        elif event.previous_hash != previous:
            reason = "it does not follow the event before it"
        elif event.hash != event.computed_hash():
            reason = "it was changed after it had been written"
        if reason:
            return Fault(order_id=order_id, number=number, reason=reason)
        previous = event.hash
    if seen_head and seen_head not in {event.hash for event in chain}:
        return Fault(order_id=order_id, number=len(chain) + 1, reason="the head that was seen is gone")
    return None


def _hash(order_id: int, number: int, happening: Happening, detail_json: str, previous_hash: str) -> str:
    # A list, not a concatenation: no field's end can be taken for another's beginning.
    whole = json.dumps(
        [
            order_id,
            number,
            happening.at.astimezone(UTC).isoformat(timespec="microseconds"),
            happening.kind,
            happening.by.id if happening.by else None,
            happening.by.login if happening.by else "",
            happening.comment_hash,
            happening.digest,
            happening.result,
            detail_json,
            previous_hash,
        ]
    )
    return hashlib.sha256(whole.encode()).hexdigest()
