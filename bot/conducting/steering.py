"""What people say of a running order, heard by its run."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from bot.conducting.progress import Stopping
from bot.queue import FAILURES
from bot.services import Services
from bot.store import events, orders
from bot.store.orders import Steered
from bot.store.ours import Ours
from workorders.lifecycle import Event
from workorders.migration.onlookers import Stopped
from workorders.order import Order, State
from workorders.report import named

logger = logging.getLogger(__name__)

#: Between two looks into ours: a batch takes no longer than this, and people wait for a second.
_LOOK_SECONDS = 0.2

#: What brings an order to where a run of it stops, and on again.
_KINDS = frozenset(
    each.value for each in (Event.PAUSED, Event.RESUMED, Event.ABORTED, Event.STEP_FAILED, Event.ROLLBACK)
)


class Steering:
    """Stops a run whose order has left its state, and tells how fast it is to go. Thread-safe.

    While ours cannot be reached nobody can say anything, and the run goes on.
    """

    def __init__(self, services: Services, order: Order) -> None:
        self._services = services
        self._order = order
        self._stopping = Stopping(services.stopping)
        self._steered = Steered(state=order.state, speed_percent=order.speed_percent)
        self._look_at = float("-inf")
        self._lock = threading.Lock()

    def checkpoint(self) -> None:
        """Raises Stopped when the order is paused or aborted, or the process is to end."""
        self._stopping.checkpoint()
        state = self._now().state
        if state is not self._order.state:
            raise Stopped(f"The order is {state.value}.", "The run stays where it is.")

    def speed(self) -> float:
        """1.0 is the usual one."""
        return self._now().speed_percent / 100

    def is_aborted(self) -> bool:
        """Whether what runs now is to be undone anyway."""
        return self._now().state is State.ROLLING_BACK

    def _now(self) -> Steered:
        with self._lock:
            if time.monotonic() >= self._look_at:
                try:
                    with self._services.pool.transaction() as ours:
                        self._steered = orders.steered(ours, self._order.id)
                except FAILURES as error:
                    logger.warning("A run cannot ask ours.", extra={"error": type(error).__name__})
                self._look_at = time.monotonic() + _LOOK_SECONDS
            return self._steered


@dataclass(frozen=True, kw_only=True)
class Word:
    """What was last said of a run, and by whom."""

    kind: Event
    #: A login; "lockkeeper" where nobody asked for it.
    by: str
    #: "" where none was given.
    reason: str
    #: The event's number in the order's history.
    number: int
    #: It was said of a run that somebody had paused.
    is_of_paused: bool = False

    @property
    def is_abort(self) -> bool:
        """Whether it took back what was done."""
        return self.kind is Event.ABORTED

    def __str__(self) -> str:
        act = "aborted" if self.is_abort else self.kind.value
        return f"{self.by} {act} it" + (f": {self.reason}" if self.reason else "") + "."


def last_word(ours: Ours, order_id: int) -> Word | None:
    """The newest event that stopped the order's run, or let it go on; None where there is none."""
    found = [each for each in events.of(ours, order_id) if each.happening.kind in _KINDS]
    if not found:
        return None
    last = found[-1]
    return Word(
        kind=Event(last.happening.kind),
        by=last.happening.by.login if last.happening.by else "lockkeeper",
        reason=str(last.happening.detail.get("reason", "")),
        number=last.number,
        is_of_paused=len(found) > 1 and found[-2].happening.kind == Event.PAUSED.value,
    )


def stopped_because(word: Word) -> str:
    """The first words of a living comment whose run was stopped."""
    reason = f": {named(word.reason)}" if word.reason else ""
    if word.is_abort:
        return f"{named(word.by)} has aborted it{reason}. It is rolled back now."
    return (
        f"{named(word.by)} has paused it. An author or a supervisor can let it go on from here, "
        f"{named('/wo resume')}, or take it back, {named('/wo abort')}."
    )
