"""Who is in the way of a run right now, and the end of one of them. Asked over a session of its own.

A run waits in two ways: its statement waits for somebody, which the server knows, or it waits
without queueing until a lock is free, which only its journal and the lock's holders tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import psycopg

from workorders.migration import journal, route, sessions
from workorders.migration.connections import Target
from workorders.migration.errors import Blocked, Refused
from workorders.migration.limits import Limits
from workorders.migration.lockwait import holders

#: The sessions of the run. Another role's that only bears the name is none of them.
_OURS = """
SELECT pid FROM pg_catalog.pg_stat_activity
WHERE application_name = %s AND datname = pg_catalog.current_database() AND usename = SESSION_USER
"""

#: Of these processes those that are an application's. A number is given again: with its beginning it
#: is one session.
_SESSIONS = """
SELECT pid, coalesce(usename, ''), application_name, coalesce(state, ''), backend_start,
       extract(epoch FROM clock_timestamp() - xact_start)::float8
FROM pg_catalog.pg_stat_activity
WHERE pid = ANY(%(pids)s) AND coalesce(backend_type, 'client backend') = 'client backend'
    AND usename IS NOT NULL AND pid <> pg_catalog.pg_backend_pid()
    AND datname = pg_catalog.current_database() AND NOT pid = ANY(%(ours)s)
ORDER BY pid
"""


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """A session of the application that a run waits for."""

    pid: int
    user: str
    application: str
    #: `pg_stat_activity.state`.
    state: str
    #: The server gives a number again; with this it is one session. None where our role may not see it.
    began_at: datetime | None
    #: How long its transaction has been open; None where it has none, or our role may not see it.
    seconds: float | None

    @property
    def name(self) -> str:
        """What it calls itself, else its role."""
        return self.application or self.user


def blockers(target: Target, run: str, limits: Limits) -> tuple[Blocker, ...]:
    """Whom the run waits for at this moment, by process.

    Raises Blocked where the run has no session in the target: then it waits for nobody there.
    """
    ours = [row[0] for row in target.execute(_OURS, (sessions.application_name(run),))]
    if not ours:
        raise Blocked(f"No session of {run} is at work in the target.", "It is not known who could block it.")
    pids = [*_waited_for(target, ours), *_in_the_way(target, run, limits)]
    return tuple(
        Blocker(pid=row[0], user=row[1], application=row[2], state=row[3], began_at=row[4], seconds=row[5])
        for row in target.execute(_SESSIONS, {"pids": pids, "ours": ours})
    )


def end(target: Target, blocker: Blocker) -> bool:
    """Ends the session, and no later one of the same number; False where it has gone by itself.

    Raises Refused where the role may not.
    """
    try:
        row = target.execute(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
            " WHERE pid = %s AND backend_start IS NOT DISTINCT FROM %s",
            (blocker.pid, blocker.began_at),
        ).fetchone()
    except psycopg.errors.InsufficientPrivilege as error:
        role = target.info.user
        raise Refused.because(
            f"The role {role} may not end the sessions of {blocker.user}.",
            f"Whoever may, a superuser for one: SELECT pg_terminate_backend({blocker.pid});",
        ) from error
    return row is not None and bool(row[0])


def _waited_for(target: Target, ours: list[int]) -> Iterator[int]:
    for row in target.execute(
        "SELECT DISTINCT b.pid FROM pg_catalog.unnest(%s::int[]) AS o(pid),"
        " LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(o.pid)) AS b(pid)",
        (ours,),
    ):
        yield row[0]


def _in_the_way(target: Target, name: str, limits: Limits) -> Iterator[int]:
    """Who holds, for longer than the budget, what the run's next action wants."""
    run = journal.get_run(target, name)
    entries = journal.entries(target, name)
    stops = route.back(run, entries) if run.state == "rolling_back" else route.forth(run)
    for stop in stops:
        entry = entries.get(stop.position)
        if entry is not None and entry.is_done:
            continue
        for lock in stop.action.locks:
            if not lock.mode.stops_writes:
                continue
            for holder in holders(target, lock):
                is_long = holder.seconds is None or holder.seconds * 1000 > limits.stall_budget_ms
                if holder.pid is not None and not holder.yields and is_long:
                    yield holder.pid
        return
