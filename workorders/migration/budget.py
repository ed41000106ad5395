"""What the statements of one transaction may take in all, while others wait for what it has locked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from workorders.migration.connections import Target


class BudgetSpent(psycopg.Error):
    """The statements took longer than the application may wait: they were cancelled, and are undone."""


class Budget:
    """A span of time that begins now. The server's own `statement_timeout` counts for each statement anew."""

    def __init__(self, target: Target, milliseconds: float) -> None:
        self._target = target
        self._end = time.monotonic() + milliseconds / 1000

    @property
    def left_ms(self) -> float:
        """What is left; negative once it is spent."""
        return (self._end - time.monotonic()) * 1000

    def arm(self) -> None:
        """The next statement, too, is cancelled when the span is over. Raises BudgetSpent if it is."""
        left = self.left_ms
        if left < 1:
            raise BudgetSpent("the budget was spent before the last statement")
        # Not before the span is over by our own clock: a cancellation before that is somebody else's.
        self._set(math.ceil(left) + 1)

    def disarm(self) -> None:
        """For the rest of the transaction nothing is cancelled any more."""
        self._set(0)

    def _set(self, milliseconds: int) -> None:
        self._target.execute(
            "SELECT pg_catalog.set_config('statement_timeout', %s, true)", (f"{milliseconds}ms",)
        )


@contextmanager
def within(target: Target, milliseconds: float | None) -> Iterator[Callable[[], None]]:
    """What is sent inside, each statement after a call of what this gives, ends within the budget.

    Raises BudgetSpent, which has to undo the transaction. None bounds nothing.
    """
    if milliseconds is None:
        yield _bound_nothing
        return
    budget = Budget(target, milliseconds)
    try:
        yield budget.arm
    except errors.QueryCanceled as error:
        if budget.left_ms > 0:
            raise  # somebody else has cancelled it
        raise BudgetSpent from error
    budget.disarm()


def _bound_nothing() -> None:
    """The statement may take as long as it takes."""
