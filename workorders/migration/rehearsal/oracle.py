"""What the plain SQL does: the file's own text, sent as it is, to a copy of its own.

Knows nothing of plans, operations or the parser, so that it can contradict them.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

#: As psql writes an error with VERBOSITY=verbose; notices may stand before it.
_ERROR = re.compile(r"(?:ERROR|FATAL):  (?P<sqlstate>[0-9A-Z]{5}): (?P<message>.*)")

#: What one message, which is one transaction, cannot hold.
_NOT_IN_A_BLOCK = (errors.ActiveSqlTransaction.sqlstate, errors.UnsafeNewEnumValueUsage.sqlstate)

#: SQLSTATEs, or their classes, of what rows can make of a statement; 42601 is what ltree says of a text.
BY_ROWS = ("21", "22", "23", "P0", "54", "42601")

#: Longer than any statement needs on a sample.
_SECONDS = 120


#: How psql begins what ended a script.
_FAILS = re.compile(r"\b(ERROR|FATAL|PANIC):")


class PlainSqlFails(Exception):
    """The script does not run at all, on a copy of the target's schema with sample rows."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate

    @property
    def is_by_rows(self) -> bool:
        """Whether other rows may let it run."""
        return self.sqlstate.startswith(BY_ROWS)


def run(dsn: str, text: str, psql: Path) -> None:
    """Sends the text whole; with psql, statement by statement, where it holds what a block cannot.

    Raises PlainSqlFails with the server's first error.
    """
    text = text.removeprefix("\ufeff")  # as psql does
    try:
        run_whole(dsn, text)
    except PlainSqlFails as failure:
        if failure.sqlstate not in _NOT_IN_A_BLOCK:
            raise
        send(dsn, text, psql)


def run_whole(dsn: str, text: str) -> None:
    """Sends the text as one message: one transaction, unless it says otherwise.

    Raises PlainSqlFails with the server's first error.
    """
    try:
        with psycopg.connect(dsn, autocommit=True) as plain:
            plain.execute("SELECT set_config('statement_timeout', %s, false)", (f"{_SECONDS}s",))
            plain.execute(text.encode())
    except psycopg.Error as error:
        raise PlainSqlFails(error.sqlstate or "none", str(error).splitlines()[0]) from error


def send(dsn: str, text: str, psql: Path, *, in_one_transaction: bool = False) -> None:
    """Sends the text with psql, statement by statement. The text must hold no command of psql's own.

    Raises PlainSqlFails with the server's first error.
    """
    settings = conninfo_to_dict(dsn)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    names |= {"dbname": "PGDATABASE", "options": "PGOPTIONS"}
    environment = {variable: str(settings[name]) for name, variable in names.items() if settings.get(name)}
    environment["LD_LIBRARY_PATH"] = str(psql.parent.parent / "lib")
    environment["PATH"] = os.environ.get("PATH", "")
    one = ("--single-transaction",) if in_one_transaction else ()
    done = subprocess.run(
        [
            str(psql),
            *("-X", "-q", "--no-password", *one),
            *("-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose"),
            *("-f", "-"),
        ],
        env=environment,
        input=text.encode(),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        told = done.stderr.decode(errors="replace")
        error = _ERROR.search(told)
        if error is None:
            raise PlainSqlFails("none", next(iter(told.splitlines()), "psql said nothing"))
        raise PlainSqlFails(error["sqlstate"], error["message"])
