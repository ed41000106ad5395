"""What a walk over a plan's actions came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Timed:
    """An action and how long it took."""

    title: str
    step: int
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class LeftAsWritten:
    """Rows that a rollback left as they were, because they had been written since."""

    title: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run stands after a walk."""

    run: str
    #: As `lockkeeper.runs.state`.
    state: str
    timings: tuple[Timed, ...] = ()
    left: tuple[LeftAsWritten, ...] = ()
    failed_lock_tries: int = 0
