"""Watches a target while a plan runs: who waits for us, and how long.

Samples a few times a second over a connection of its own. Looks at waiting sessions only, since
`pg_blocking_pids` is heavy on the lock manager.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from workorders.migration import sessions
from workorders.migration.connections import Target

#: Between two looks.
INTERVAL_SECONDS = 0.1

_WAITING = """
SELECT count(*), coalesce(max(extract(
    epoch FROM clock_timestamp() - coalesce(w.waitstart, a.state_change))), 0)::float8
FROM pg_catalog.pg_stat_activity a
LEFT JOIN LATERAL (
    SELECT min(l.waitstart) AS waitstart FROM pg_catalog.pg_locks l WHERE l.pid = a.pid AND NOT l.granted
) w ON true
WHERE a.datname = pg_catalog.current_database() AND a.wait_event_type = 'Lock'
  AND a.application_name <> %(name)s AND EXISTS (
    SELECT FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS b(pid)
    JOIN pg_catalog.pg_stat_activity o ON o.pid = b.pid WHERE o.application_name = %(name)s)
"""

#: A concurrent index build of ours that waits for one and the same transaction.
_BUILD = """
SELECT p.pid, p.phase, p.lockers_done, p.current_locker_pid
FROM pg_catalog.pg_stat_progress_create_index p JOIN pg_catalog.pg_stat_activity a USING (pid)
WHERE a.application_name = %(name)s AND p.phase LIKE 'waiting%%'
"""

_CANCEL_BUILDS = """
SELECT pg_catalog.pg_cancel_backend(p.pid)
FROM pg_catalog.pg_stat_progress_create_index p JOIN pg_catalog.pg_stat_activity a USING (pid)
WHERE a.application_name = %(name)s AND p.command LIKE '%%CONCURRENTLY'
"""


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What was seen while a plan ran."""

    #: Looks that succeeded, INTERVAL_SECONDS apart.
    samples: int
    #: The longest that any session was seen waiting for us.
    longest_stall_ms: float
    #: The most sessions that were seen waiting for us at once.
    most_blocked: int
    #: Looks that failed, e.g. because the server was down.
    errors: int


class Monitor:
    """Watches from `__enter__` to `__exit__`. Tells `alert` when somebody waits longer than the budget.

    Once `is_given_up`, an index that is being built concurrently is not waited for: the build is
    cancelled, and whoever runs it sweeps its remains.
    """

    def __init__(
        self,
        dsn: str,
        run: str,
        *,
        stall_budget_ms: int,
        max_wait_seconds: float = 600.0,
        alert: Callable[[str], None] | None = None,
        is_given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        self._dsn = dsn
        self._name = sessions.application_name(run)
        self._budget_ms = stall_budget_ms
        self._max_wait_seconds = max_wait_seconds
        self._alert = alert or _nobody
        self._is_given_up = is_given_up
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lockkeeper-monitor", daemon=True)
        self._samples = self._errors = self._most_blocked = 0
        self._longest_ms = 0.0
        self._waits_since: tuple[object, float] | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def seen(self) -> Watched:
        """What has been seen until now."""
        return Watched(
            samples=self._samples,
            longest_stall_ms=self._longest_ms,
            most_blocked=self._most_blocked,
            errors=self._errors,
        )

    def _watch(self) -> None:
        target: Target | None = None
        try:
            while not self._stop.is_set():
                try:
                    target = target or sessions.connect(self._dsn)
                    self._look(target)
                except Exception as error:  # noqa: BLE001 - a watcher must not die of what it watches
                    self._errors += 1
                    if self._errors == 1:
                        self._alert(f"The target could not be watched: {type(error).__name__}.")
                    if target is not None:
                        target.close()
                    target = None
                self._stop.wait(INTERVAL_SECONDS)
        finally:
            if target is not None:
                target.close()

    def _look(self, target: Target) -> None:
        row = target.execute(_WAITING, {"name": self._name}).fetchone()
        assert row is not None
        blocked, seconds = row
        self._samples += 1
        self._most_blocked = max(self._most_blocked, blocked)
        if seconds * 1000 > max(self._longest_ms, self._budget_ms):
            self._alert(f"{blocked} sessions wait for the migration, one for {seconds * 1000:.0f} ms.")
        self._longest_ms = max(self._longest_ms, seconds * 1000)
        if self._is_given_up():
            target.execute(_CANCEL_BUILDS, {"name": self._name})
        else:
            self._end_stuck_build(target)

    def _end_stuck_build(self, target: Target) -> None:
        """The watchdog of concurrent index builds, which run without a lock timeout."""
        build = target.execute(_BUILD, {"name": self._name}).fetchone()
        if build is None:
            self._waits_since = None
        elif self._waits_since is None or self._waits_since[0] != build:
            self._waits_since = (build, time.monotonic())
        elif time.monotonic() - self._waits_since[1] > self._max_wait_seconds:
            self._alert(f"An index build waited for process {build[3]} for too long and was ended.")
            target.execute("SELECT pg_catalog.pg_cancel_backend(%s)", (build[0],))
            self._waits_since = None


def _nobody(message: str) -> None:
    """Hears an alert and does nothing."""


def unwatched() -> Watched:
    """What is known of a run that nobody watched."""
    return Watched(samples=0, longest_stall_ms=0.0, most_blocked=0, errors=0)
