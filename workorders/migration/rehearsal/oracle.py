"""What the plain SQL does: the file's own text, sent as it is, to a copy of its own.

Knows nothing of plans, operations or the parser, so that it can contradict them.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

#: Longer than any statement needs on a sample.
_SECONDS = 120


class PlainSqlFails(Exception):
    """The script does not run at all, on a copy of the target's schema with sample rows."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


def run(dsn: str, text: str, psql: Path) -> None:
    """Sends the text whole; with psql, statement by statement, where it holds what a block cannot.

    Raises PlainSqlFails with the server's first error.
    """
    text = text.removeprefix("\ufeff")  # as psql does
    try:
        with psycopg.connect(dsn, autocommit=True) as plain:
            plain.execute("SELECT set_config('statement_timeout', %s, false)", (f"{_SECONDS}s",))
            plain.execute(text.encode())
    except errors.ActiveSqlTransaction:
        _run_with_psql(dsn, text, psql)
    except psycopg.Error as error:
        raise PlainSqlFails(error.sqlstate or "none", str(error).splitlines()[0]) from error


def _run_with_psql(dsn: str, text: str, psql: Path) -> None:
    settings = conninfo_to_dict(dsn)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
    names |= {"dbname": "PGDATABASE", "options": "PGOPTIONS"}
    environment = {variable: str(settings[name]) for name, variable in names.items() if settings.get(name)}
    environment["LD_LIBRARY_PATH"] = str(psql.parent.parent / "lib")
    environment["PATH"] = os.environ.get("PATH", "")
    done = subprocess.run(
        [
            str(psql),
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-v",
            "VERBOSITY=sqlstate",
            "--no-password",
            "-f",
            "-",
        ],
        env=environment,
        input=text.encode(),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        first = next(iter(done.stderr.decode(errors="replace").splitlines()), "psql said nothing")
        raise PlainSqlFails(first.rpartition(" ")[2], first)
