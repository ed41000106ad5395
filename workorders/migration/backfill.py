"""Batches: where each begins and ends, and how many rows the next one may have."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from psycopg import sql

from workorders.migration.connections import Target
from workorders.migration.limits import Limits
from workorders.migration.steps import Batches

_FEWEST_ROWS, _MOST_ROWS = 1, 50_000

_BLOCKED_PAUSE_SECONDS = 0.2

#: The longest pause between two batches, however slow it is to go; and a part of it, after which the
#: control and the speed are asked again.
_LONGEST_PAUSE_SECONDS, _SLICE_SECONDS = 5.0, 0.25

#: What the server needs to cancel a batch that has spent the stall budget.
_SLACK_MS = 30


def usual_speed() -> float:
    """Where nobody steers."""
    return 1.0


def first_key(target: Target, batches: Batches) -> tuple[str, ...] | None:
    """The lowest key as text; None where there is nothing to do."""
    row = target.execute(sql.SQL(batches.first)).fetchone()
    return None if row is None else tuple(row)


def set_bounds(target: Target, batches: Batches, low: tuple[str, ...], rows: int) -> tuple[str, ...] | None:
    """Sets the bounds of the next batch for this transaction; gives its high key, None at the end."""
    _set(target, "batch_rows", str(rows))
    for position, value in enumerate(low, start=1):
        _set(target, f"low_{position}", value)
    row = target.execute(sql.SQL(batches.next)).fetchone()
    if row is None:
        return None
    for position, value in enumerate(row, start=1):
        _set(target, f"high_{position}", value)
    return tuple(row)


def _set(target: Target, name: str, value: str) -> None:
    target.execute("SELECT pg_catalog.set_config(%s, %s, true)", (f"lockkeeper.{name}", value))


class Pace:
    """Sizes batches by the time that they take, and leaves pauses between them.

    `speed` is asked each time: 1.0 is the usual one, half of it doubles the time from one batch to the
    next. A higher one shortens the pauses to nothing; what is left of it makes the batches longer,
    never so that one would spend the stall budget.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        speed: Callable[[], float] = usual_speed,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> None:
        self._limits = limits
        self._speed = speed
        self._checkpoint = checkpoint
        #: How many rows the next batch has.
        self.rows = limits.batch_rows

    def was_blocked(self) -> None:
        """Somebody held a row: fewer rows at a time, after a pause in which none is held."""
        self.rows = max(self.rows // 2, _FEWEST_ROWS)
        time.sleep(_BLOCKED_PAUSE_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret

    def took_too_long(self) -> None:
        """It was cancelled, for others waited: far fewer rows, after a pause in which none is held."""
        self.rows = max(self.rows // 4, _FEWEST_ROWS)
        time.sleep(_BLOCKED_PAUSE_SECONDS * random.uniform(0.5, 1.0))  # noqa: S311 - as above

    @property
    def is_at_its_fewest(self) -> bool:
        """No batch could be smaller."""
        return self.rows == _FEWEST_ROWS

    def took(self, milliseconds: float) -> None:
        """Learns from one batch, and pauses so that others get their turn."""
        began = time.monotonic()
        if not self._limits.batch_is_fixed:
            # Half of the way to the aim: one slow batch must not decide alone. At most double: where
            # a range had nothing to change, the next one may have.
            wanted = min(self.rows * self.aim_ms / max(milliseconds, 1.0), self.rows * 3)
            self.rows = round(min(max((self.rows + wanted) / 2, _FEWEST_ROWS), _MOST_ROWS))
        while (left := began + self.pause_seconds(milliseconds) - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))
            if left > _SLICE_SECONDS:
                self._checkpoint()

    @property
    def aim_ms(self) -> float:
        """How long a batch is to take."""
        usual = self._limits.batch_ms
        longest = max(self._limits.stall_budget_ms - _SLACK_MS, usual)
        return min(max(usual * self._speed() / (1 + self._limits.batch_pause), usual), longest)

    def pause_seconds(self, milliseconds: float) -> float:
        """How long others get their turn after a batch that has taken so long."""
        parts = (1 + self._limits.batch_pause) / self._speed() - 1
        return min(max(milliseconds / 1000 * parts, 0.0), _LONGEST_PAUSE_SECONDS)
