"""Getting a table lock without anybody noticing.

A waiting lock request stops everybody who comes after it, so the wait itself is what has to be
short. First SHARE UPDATE EXCLUSIVE, which stops no reader or writer and makes an autovacuum
yield; then, from a savepoint, the stronger lock with a timeout of what is left of the stall
budget; a failed try lets go, pauses with growing jitter, and tries again until a bounded end.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import errors, sql

from workorders.migration import sessions
from workorders.migration.budget import Budget, BudgetSpent
from workorders.migration.connections import Target
from workorders.migration.errors import Blocked
from workorders.migration.limits import Limits
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.steps import Action

#: Above `deadlock_timeout` (1 s), at which an autovacuum in our way is cancelled.
_GENTLE_TIMEOUT_MS = 1500

#: What the server needs to notice that a timeout has passed.
_SLACK_MS = 30

#: Tries for the stronger lock from one savepoint, before everything is let go.
_TRIES = 8

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.05, 5.0

#: How long a pause goes on before the control is asked again.
_SLICE_SECONDS = 0.25

_HOLDERS = """
SELECT l.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(a.state, 'prepared'),
       extract(epoch FROM clock_timestamp() - a.xact_start)::float8,
       a.backend_type = 'autovacuum worker' AND a.query NOT LIKE '%%to prevent wraparound%%',
       coalesce(p.gid, '')
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.locktype = 'transactionid' AND x.granted
  AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE l.locktype = 'relation' AND l.granted
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
  AND l.relation = pg_catalog.to_regclass(%s) AND l.mode = ANY(%s)
  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
"""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who holds a lock that is in the way."""

    relation: RelationName
    #: None for a prepared transaction.
    pid: int | None
    user: str
    application: str
    #: `pg_stat_activity.state`, or "prepared".
    state: str
    #: How long its transaction has been open; None where unknown.
    seconds: float | None
    #: An ordinary autovacuum, which yields by itself.
    yields: bool
    prepared_as: str = ""

    def __str__(self) -> str:
        if self.pid is None:
            return f"the prepared transaction {self.prepared_as} on {self.relation}"
        since = "" if self.seconds is None else f" for {self.seconds:.1f} s"
        who = self.application or self.user
        return f"process {self.pid} ({who}, {self.state}{since}) on {self.relation}"


def holders(target: Target, lock: Lock) -> tuple[Holder, ...]:
    """Who holds, right now, a lock that excludes this one."""
    modes = [mode.value for mode in lock.mode.conflicting]
    return tuple(
        Holder(
            relation=lock.relation,
            pid=row[0],
            user=row[1],
            application=row[2],
            state=row[3],
            seconds=row[4],
            yields=bool(row[5]),
            prepared_as=row[6],
        )
        for row in target.execute(_HOLDERS, (lock.relation.sql, modes))
    )


class LockWait:
    """Runs an action's transaction again and again until its locks were free within the budget."""

    def __init__(
        self,
        target: Target,
        limits: Limits,
        *,
        alive: Callable[[], None] = lambda: None,
        checkpoint: Callable[[], None] = lambda: None,
    ) -> None:
        self._target = target
        self._limits = limits
        #: Called while it waits, so that others see that somebody still does.
        self._alive = alive
        #: Called while it waits; may raise, and nothing of the action is done then.
        self._checkpoint = checkpoint
        self._deadline = time.monotonic() + limits.max_wait_seconds
        #: How many tries ended without the lock.
        self.failed_tries = 0
        self._budget: Budget | None = None

    def arm(self) -> None:
        """For `body`, before each of its statements: all of them together stay within the budget."""
        if self._budget is not None:
            self._budget.arm()

    def run(self, action: Action, body: Callable[[], None], fence: Callable[[], None]) -> None:
        """Runs `fence` and `body` in one transaction that holds the action's locks.

        Where writers wait for them, its commit is durable only with the next one of the session.
        Raises Blocked, naming who held the lock, once `max_wait_seconds` have passed, and what
        `checkpoint` raises.
        """
        pauses = _pauses()
        while True:
            self._wait_for_long_transactions(action.locks)
            try:
                with self._target.transaction():
                    fence()
                    if not action.locks:
                        body()
                        return
                    if any(lock.mode.stops_writes for lock in action.locks):
                        sessions.let_go_at_commit(self._target)
                    self._set("lock_timeout", _GENTLE_TIMEOUT_MS)
                    self._lock_gently(action.locks)
                    self._locked(action.locks, body, pauses)
                    return
            except (errors.LockNotAvailable, errors.DeadlockDetected, BudgetSpent) as error:
                self.failed_tries += 1
                self._give_up_after_deadline(action.locks, error)
                self._pause(next(pauses))

    def _locked(self, locks: tuple[Lock, ...], body: Callable[[], None], pauses: Iterator[float]) -> None:
        """From a savepoint: the stronger locks, then the work."""
        for attempt in range(1, _TRIES + 1):
            try:
                with self._target.transaction():
                    with self._within_budget(locks):
                        for lock in _in_order(locks):
                            self.arm()
                            self._lock(lock)
                        self.arm()
                        body()
                    return
            except (errors.LockNotAvailable, BudgetSpent):
                if attempt == _TRIES:
                    raise
                self.failed_tries += 1
                self._pause(next(pauses))
                self._wait_for_long_transactions(locks)

    @contextmanager
    def _within_budget(self, locks: tuple[Lock, ...]) -> Iterator[None]:
        """What would stall somebody is cancelled when the budget is spent."""
        stalls = any(lock.mode.stops_writes for lock in locks)
        if not stalls:
            self._set("lock_timeout", 0)
            yield
            return
        left = max(self._limits.stall_budget_ms - _SLACK_MS, 10)
        self._set("lock_timeout", max(left // max(len(locks), 1), 5))
        self._budget = Budget(self._target, left)
        try:
            yield
        except errors.QueryCanceled as error:
            raise BudgetSpent from error
        else:
            if self._budget.left_ms < -_SLACK_MS:
                raise BudgetSpent
            self._budget.disarm()
            self._set("lock_timeout", 0)
        finally:
            self._budget = None

    def _lock_gently(self, locks: tuple[Lock, ...]) -> None:
        gentle = LockMode.SHARE_UPDATE_EXCLUSIVE
        for lock in _in_order(locks):
            if lock.mode is gentle or lock.mode.stops_writes:
                self._lock(Lock(relation=lock.relation, mode=gentle))

    def _lock(self, lock: Lock) -> None:
        """LOCK TABLE, where the role may; otherwise the statement itself takes the lock."""
        row = self._target.execute(
            "SELECT pg_catalog.has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE')"
            " AND c.relkind IN ('r', 'p')"
            " FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass(%s)",
            (lock.relation.sql,),
        ).fetchone()
        if row is not None and row[0]:
            self._target.execute(
                sql.SQL("LOCK TABLE ONLY {} IN {} MODE").format(
                    sql.Identifier(lock.relation.schema, lock.relation.name), sql.SQL(lock.mode.sql)
                )
            )

    def _wait_for_long_transactions(self, locks: tuple[Lock, ...]) -> None:
        """Waits, without queueing, while somebody holds a lock in the way for longer than the budget."""
        budget_seconds = self._limits.stall_budget_ms / 1000
        pauses = _pauses()
        while True:
            long = [
                holder
                for lock in locks
                if lock.mode.stops_writes
                for holder in holders(self._target, lock)
                if not holder.yields and (holder.seconds is None or holder.seconds > budget_seconds)
            ]
            if not long:
                return
            if time.monotonic() > self._deadline:
                raise self._blocked(long)
            self._alive()
            self._pause(min(next(pauses), 1.0))

    def _give_up_after_deadline(self, locks: tuple[Lock, ...], error: Exception) -> None:
        if time.monotonic() > self._deadline:
            found = [holder for lock in locks for holder in holders(self._target, lock)]
            raise self._blocked(found) from error

    def _pause(self, seconds: float) -> None:
        """Lets others be; who stops the run is heard within a part of a second."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._checkpoint()
            time.sleep(min(left, _SLICE_SECONDS))

    def _blocked(self, found: list[Holder]) -> Blocked:
        who = "; ".join(str(holder) for holder in found) or "traffic that never left a gap"
        return Blocked(
            f"No lock within {self._limits.stall_budget_ms} ms of stall in"
            f" {self._limits.max_wait_seconds:.0f} s, held by {who}.",
            "End that transaction, or try again when it is over.",
        )

    def _set(self, name: str, milliseconds: int) -> None:
        self._target.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, f"{milliseconds}ms"))


def _in_order(locks: tuple[Lock, ...]) -> list[Lock]:
    """One fixed order over all runs, so that two of them cannot wait for each other."""
    return sorted(locks, key=lambda lock: lock.relation)


def _pauses() -> Iterator[float]:
    """Seconds between tries, doubling up to a limit, each with up to half of it as jitter."""
    pause = _FIRST_PAUSE_SECONDS
    while True:
        yield pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
