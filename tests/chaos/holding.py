"""Moments at which processes of ours are held, so that a kill meets them there and nowhere else."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tests.integration.bot.waiting import until
from tests.journeys.installation import Installation

_WAITING = """FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A row of ours about to be written."""

    table: str
    #: INSERT, or UPDATE OF a column.
    write: str
    condition: str

    @property
    def key(self) -> int:
        """Of the lock whose holder lets nothing past the moment."""
        return zlib.crc32(f"{self.table} {self.write} {self.condition}".encode()) & 0x7FFFFFFF


def entering(state: str) -> Moment:
    """A worker has taken the order up in this state, and has done nothing yet."""
    return Moment(
        table="orders", write="UPDATE OF attempts",
        condition=f"NEW.state = '{state}' AND NEW.attempts > OLD.attempts",
    )  # fmt: skip


def leaving(state: str) -> Moment:
    """What the state had to do is done, and nothing of it is known to ours."""
    return Moment(
        table="orders", write="UPDATE OF state", condition=f"OLD.state = '{state}' AND NEW.state <> OLD.state"
    )


def recording(kind: str) -> Moment:
    """What the event tells of has happened, and is not yet written down."""
    return Moment(table="events", write="INSERT", condition=f"NEW.kind = '{kind}'")


def remembering() -> Moment:
    """The order's run is finished, and what it taught is not yet written down."""
    return Moment(table="memory", write="INSERT", condition="true")


def storing(event: str) -> Moment:
    """A delivery of this event has come in, and is neither stored nor answered."""
    return Moment(table="deliveries", write="INSERT", condition=f"NEW.event = '{event}'")


@contextmanager
def held_at(installation: Installation, moment: Moment) -> Iterator[Callable[[], bool]]:
    """Inside, nobody gets past the moment: whoever comes to it waits in the transaction that it is part of.

    Gives a function that tells whether one waits so. A second moment, of another table, may be held inside.
    """
    key = moment.key
    with psycopg.connect(str(installation.settings.database_url), autocommit=True) as ours:
        ours.execute("SELECT pg_advisory_lock(%s)", [key])
        ours.execute(
            f"CREATE OR REPLACE FUNCTION held_{key}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" PERFORM pg_advisory_xact_lock_shared({key}); RETURN NEW; END $$"
        )
        ours.execute(
            f"CREATE OR REPLACE TRIGGER held BEFORE {moment.write} ON {moment.table} FOR EACH ROW"
            f" WHEN ({moment.condition}) EXECUTE FUNCTION held_{key}()".encode()
        )

        def is_waiting() -> bool:
            row = ours.execute(f"SELECT EXISTS (SELECT {_WAITING})".encode(), [key]).fetchone()
            return row is not None and bool(row[0])

        try:
            yield is_waiting
        finally:
            # The waiting backend of a killed process would wait on: its client is gone, so it is ended.
            ours.execute(f"SELECT pg_terminate_backend(pid) {_WAITING}".encode(), [key])
            until(lambda: not is_waiting())
            ours.execute(f"DROP TRIGGER held ON {moment.table}".encode())
            ours.execute("SELECT pg_advisory_unlock(%s)", [key])
