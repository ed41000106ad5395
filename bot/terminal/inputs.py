"""What a command line gives: a script, a database's URL, values for columns. Wrong ones are usage errors."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.errors import Unreadable
from workorders.migration import settle
from workorders.migration.connections import Target


def script(name: str) -> str:
    """The text of a file, or of standard input for `-`."""
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise click.BadParameter(f"{name!r}: {error.strerror or type(error).__name__}.") from error
    shown = "standard input" if name == "-" else repr(name)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise click.BadParameter(f"{shown} is not UTF-8 (line {line}). Save it as UTF-8.") from error
    if "\0" in text:
        raise click.BadParameter(f"{shown} holds a NUL character, which no SQL does.")
    return text


def writable(path: str) -> Path:
    """Where a file is to be written; refused beforehand where it cannot be."""
    found = Path(path)
    if found.is_dir() or not found.parent.is_dir():
        raise click.BadParameter(f"{path} is no file in a folder that is there.")
    return found


def database_url(text: str) -> str:
    """A connection string of libpq, checked; the refusal quotes nothing of it, for it may hold a password."""
    try:
        settings = conninfo_to_dict(text)
    except ProgrammingError:
        raise _not_a_url("it is not a Postgres connection string") from None
    # An unescaped @ or / in a password moves a part of it into the host or the port, which libpq quotes.
    if "@" in str(settings.get("host", "")):
        raise _not_a_url("there is an @ too many: write the one in the password as %40")
    if not re.fullmatch(r"[0-9,]*", str(settings.get("port", ""))):
        raise _not_a_url("its port is no number: write a / in the password as %2F")
    if not text.strip():
        raise _not_a_url("it is empty")
    return text


def completed(url: str, target: Target) -> str:
    """The URL with what libpq found in the environment, for programs that are given this alone."""
    given = conninfo_to_dict(url)
    info = target.info
    found = {"user": info.user, "password": info.password, "dbname": info.dbname}
    return make_conninfo(url, **{name: value for name, value in found.items() if value and name not in given})


def fills(values: Iterable[str]) -> Mapping[str, str]:
    """COLUMN=EXPR, each expression read by the parser."""
    found: dict[str, str] = {}
    for value in values:
        column, equals, expression = value.partition("=")
        if not equals or not column.strip() or not expression.strip():
            raise click.BadParameter(f"{value!r} is not COLUMN=EXPR, as in --fill amount=0.")
        if column.strip() in found:
            raise click.BadParameter(f"{column.strip()} is given twice.")
        found[column.strip()] = expression.strip()
    try:
        return settle.checked(found)
    except Unreadable as error:
        raise click.BadParameter(f"{error.reason} {error.next_move}") from error


def _not_a_url(why: str) -> click.BadParameter:
    return click.BadParameter(f"{why}. Write it like postgresql://user:password@host:5432/database.")
