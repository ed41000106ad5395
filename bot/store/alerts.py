"""What people are told by other ways than GitHub, as rows: raised with a decision, sent by a job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from bot.store.ours import Ours, row, run
from bot.store.queries import queries
from workorders.order import State
from workorders.report import AlertKind

_QUERY = queries("alerts")


@dataclass(frozen=True, kw_only=True)
class Raised:
    """An alert before it is written."""

    order_id: int
    #: What raised it; the same thing raises it once.
    key: str
    kind: AlertKind
    order_state: State
    #: One sentence or two, as in a report.
    summary: str
    #: Logins and teams that must see it.
    people: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert that is to be sent, with what is said of its order."""

    number: int
    id: UUID
    kind: AlertKind
    #: The order's when it was raised.
    order_state: State
    summary: str
    people: tuple[str, ...]
    raised_at: datetime
    #: Tries so far, this one included.
    attempts: int
    #: Of the repository.
    full_name: str
    issue_number: int
    #: "" where people do the work.
    target: str
    title: str


def insert(ours: Ours, raised: Raised, now: datetime) -> bool:
    """Writes it down; False where the same thing has raised one already."""
    found = row(
        ours, _QUERY["insert_alert"],
        order_id=raised.order_id, key=raised.key, kind=raised.kind.value,
        order_state=raised.order_state.value, summary=raised.summary, people=list(raised.people),
        raised_at=now,
    )  # fmt: skip
    return found is not None


def begun(ours: Ours) -> Alert | None:
    """The next one to send, with one more attempt counted; None where nothing is due.

    One whose order has no issue yet is not due: there is nothing to link.
    """
    found = row(ours, _QUERY["begin_alert"])
    if found is None:
        return None
    return Alert(
        **{
            **found,
            "kind": AlertKind(found["kind"]),
            "order_state": State(found["order_state"]),
            "people": tuple(found["people"]),
        }
    )


def sent(ours: Ours, number: int) -> None:
    """The receiver has it."""
    run(ours, _QUERY["end_alert"], number=number, state="sent")


def given_up(ours: Ours, number: int) -> None:
    """It is not tried again."""
    run(ours, _QUERY["end_alert"], number=number, state="given_up")


def pause(ours: Ours, pause_seconds: float) -> None:
    """Nothing is sent for so long."""
    run(ours, _QUERY["pause_alerts"], pause_seconds=pause_seconds)


def are_due(ours: Ours) -> bool:
    """Whether there is something to send now and no job for it."""
    found = row(ours, _QUERY["alerts_due"])
    return found is not None and bool(found["are_due"])


def forget(ours: Ours) -> int:
    """Gives up what was not sent within a day, and tells how many; removes what is 30 days old."""
    outdated = run(ours, _QUERY["outdate_alerts"])
    run(ours, _QUERY["forget_alerts"])
    return outdated
