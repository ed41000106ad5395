"""Named catalog queries, and the session in which they are asked.

The files are as `named_queries` reads them, with one thing more: a line that ends in `-- from N`
is sent only to servers of major version N and later, `-- before N` only to earlier ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from psycopg import errors, sql
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row, tuple_row

from workorders.migration.connections import Database
from workorders.migration.errors import Blocked
from workorders.migration.named_queries import named_queries

#: How long a catalog function may wait for a table that another session holds exclusively.
LOCK_TIMEOUT_MS = 2000

#: All that changes how the server writes an expression or a definition.
_PINNED: Mapping[str, str] = {
    "search_path": "",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "jit": "off",
}

_VERSION = re.compile(r"-- (from|before) (\d+)$")


def queries(file_name: str) -> Mapping[str, str]:
    """The queries of a file beside this module, by name, in the file's order."""
    return named_queries("workorders.migration.catalog", file_name)


def for_server(query: str, major: int) -> str:
    """The query without the lines that this major version does not know."""
    return "\n".join(line for line in query.splitlines() if _is_for(line, major))


def _is_for(line: str, major: int) -> bool:
    marked = _VERSION.search(line)
    if marked is None:
        return True
    return (major >= int(marked[2])) == (marked[1] == "from")


def narrowed(query: str, condition: str) -> str:
    """The rows of a query without parameters, called `q`, for which a condition with parameters holds.

    The server asks the condition of its catalogs before it writes out any definition.
    """
    escaped = query.replace("%", "%%")
    return f"SELECT * FROM (\n{escaped}\n) q WHERE {condition}"


class Reading:
    """A transaction in which the catalog is read; made by `reading`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        #: `current_schemas(false)` as the session had it.
        self.search_path: tuple[str, ...] = ()
        #: The server's major version.
        self.major = database.info.server_version // 10000

    def rows(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        """All rows of a query, its lines chosen for this server."""
        text = for_server(query, self.major)
        with self._database.cursor(row_factory=dict_row) as cursor:
            # The text is one of our own files', never input.
            statement = sql.SQL(text)
            return cursor.execute(statement, parameters or None, prepare=False).fetchall()

    def rows_of(self, query: str, column: str, oids: Collection[int] | None) -> list[dict[str, Any]]:
        """Those rows of a query whose column is one of these oids; all where there are none to choose by."""
        if oids is None:
            return self.rows(query)
        return self.rows(narrowed(query, f"q.{column} = ANY (%(oids)s::oid[])"), oids=sorted(oids))

    def tuples(self, query: str, **parameters: object) -> list[tuple[Any, ...]]:
        """All rows of a query as tuples, which is twice as fast for very many."""
        statement = sql.SQL(for_server(query, self.major))
        with self._database.cursor(row_factory=tuple_row) as cursor:
            return cursor.execute(statement, parameters or None, prepare=False).fetchall()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A savepoint, so that what fails in it does not end the reading."""
        with self._database.transaction():
            yield


_READING = queries("reading.sql")


@contextmanager
def reading(database: Database) -> Iterator[Reading]:
    """One consistent view of the catalog, with all settings pinned that change its text.

    REPEATABLE READ and READ ONLY where the connection is not yet in a transaction; inside one it
    is a savepoint. Either is rolled back at the end, which also gives the session its settings
    back. Raises Blocked, with who and since when, if a relation is held exclusively for longer than
    LOCK_TIMEOUT_MS or the session's own `lock_timeout` if shorter.
    """
    is_first = database.info.transaction_status == TransactionStatus.IDLE
    view = Reading(database)
    try:
        with database.transaction(force_rollback=True):
            if is_first:
                database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            before = view.rows(_READING["before"])[0]
            view.search_path = tuple(before["search_path"])
            pinned = dict(_PINNED)
            if not 0 < before["lock_timeout_ms"] <= LOCK_TIMEOUT_MS:
                pinned["lock_timeout"] = f"{LOCK_TIMEOUT_MS}ms"
            for name, value in pinned.items():
                view.rows(_READING["pin"], name=name, value=value)
            yield view
    except errors.LockNotAvailable as error:
        held = [
            f"{row['relation']} by process {row['pid']}" + (f" since {row['since']}" if row["since"] else "")
            for row in view.rows(_READING["holders"])
        ]
        raise Blocked(
            f"The catalog cannot be read: held exclusively is {'; '.join(held) or 'a relation'}.",
            "Try again when that is done.",
        ) from error
    finally:
        if is_first and not database.autocommit and not database.closed:
            # The question who holds what has begun a transaction of its own.
            database.rollback()
