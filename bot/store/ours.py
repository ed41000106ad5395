"""Connections to our own database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NewType

import psycopg
from psycopg.rows import DictRow, TupleRow, dict_row
from psycopg_pool import ConnectionPool

#: A connection to Lockkeeper's own database.
Ours = NewType("Ours", psycopg.Connection[TupleRow])


class Pool:
    """Connections to ours, kept and lent out. Thread-safe."""

    def __init__(self, dsn: str, *, size: int = 10) -> None:
        """Opens in the background; nothing is checked until the first use."""
        self.dsn = dsn
        self._pool = ConnectionPool(
            dsn,
            min_size=1,
            max_size=size,
            open=True,
            timeout=10,
            check=ConnectionPool.check_connection,
            kwargs={"application_name": "lockkeeper"},
            name="ours",
        )

    @contextmanager
    def transaction(self) -> Iterator[Ours]:
        """A connection in a transaction that is committed at the block's end, or undone by an exception."""
        with self._pool.connection() as connection:
            yield Ours(connection)

    def close(self) -> None:
        """Closes every connection; those still lent out when they come back."""
        self._pool.close()


def rows(ours: Ours, query: str, **values: Any) -> list[DictRow]:
    """All rows of a query, by column."""
    with ours.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchall()


def row(ours: Ours, query: str, **values: Any) -> DictRow | None:
    """The first row of a query, by column."""
    with ours.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values).fetchone()


def run(ours: Ours, query: str, **values: Any) -> int:
    """Runs a statement; gives the number of rows that it changed."""
    return ours.execute(query, values).rowcount
