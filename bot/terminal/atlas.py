"""`lockkeeper atlas`: what a server does with each kind of statement, held against what is expected of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.errors import Blocked, LockkeeperError
from bot.settings import Settings
from bot.shadow import workshop
from bot.terminal import inputs
from bot.terminal.answer import Answer, Status, of_error
from bot.terminal.voice import Voice
from workorders.migration.atlas import measure
from workorders.migration.atlas.effect import Effect
from workorders.migration.atlas.measure import Seen
from workorders.migration.connections import Shadow


@click.command()
@click.option(
    "--database",
    metavar="URL",
    help="Any database of the server to measure; its role must be allowed to create databases. "
    "Without it, the embedded server is measured.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def atlas(database: str | None, as_json: bool) -> None:
    """Try every kind of statement on a server, and say where it does something unexpected.

    Locks, rewrites and scans are looked at in a database that is made for it and dropped again.

    \b
    Exit status: 0 as expected, 1 something differs, 4 the server cannot be measured.
    """
    voice = Voice(as_json=as_json)
    try:
        with _throw_away(database) as dsn:
            with psycopg.connect(dsn, autocommit=True) as connection:
                version = connection.info.server_version
                measure.furnish(Shadow(connection))
            seen = tuple(measure.measure(dsn))
        answer = _answer(seen, version)
        voice.show(_lines(seen, version))
    except LockkeeperError as error:
        answer = of_error(error)
    except psycopg.Error as error:
        answer = of_error(
            Blocked(
                f"The server refused to be measured with SQLSTATE {error.sqlstate or 'none'}.",
                "Give a role that may create databases.",
            )
        )
    voice.answer(answer)
    raise click.exceptions.Exit(int(answer.status))


@contextmanager
def _throw_away(database: str | None) -> Iterator[str]:
    """The connection string of an empty database, dropped at the end."""
    name = f"lockkeeper_atlas_{os.getpid()}"
    if database is None:
        with workshop(Settings.from_environment()) as shop:
            try:
                yield shop.server.create_database(name)
            finally:
                shop.server.drop_database(name)
        return
    url = inputs.database_url(database)
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            try:
                yield make_conninfo(url, dbname=name)
            finally:
                server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as error:
        reason = str(error).splitlines()[0]
        raise Blocked(
            f"The server cannot be reached: {reason}.", "Check that it is up and the URL is right."
        ) from error


def _answer(seen: tuple[Seen, ...], version: int) -> Answer:
    is_expected = not any(each.differences for each in seen)
    return Answer(
        status=Status.DONE if is_expected else Status.FAILED,
        state="as_expected" if is_expected else "differs",
        more={"server_version": version, "statements": [_statement_json(each) for each in seen]},
    )


def _statement_json(each: Seen) -> dict[str, Any]:
    return {
        "name": each.case.name,
        "sql": each.case.sql,
        "expected": _effect_json(each.expected),
        "seen": _effect_json(each.seen),
        "refused": each.sqlstate or None,
        "differences": list(each.differences),
    }


def _effect_json(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    return {
        "locks": {str(name): mode.sql for name, mode in sorted(effect.locks.items())},
        "rewrites": [str(name) for name in sorted(effect.rewrites)],
        "scans": [str(name) for name in sorted(effect.scans)],
    }


def _lines(seen: tuple[Seen, ...], version: int) -> Iterator[str]:
    for each in seen:
        for difference in each.differences:
            yield f"{each.case.name}: {difference}"
            yield f"    {each.case.sql}"
        if each.sqlstate:
            yield f"{each.case.name}: this server does not know it (SQLSTATE {each.sqlstate})"
    differing = sum(bool(each.differences) for each in seen)
    unknown = sum(bool(each.sqlstate) for each in seen)
    major, minor = divmod(version, 10000)
    yield (
        f"Server {major}.{minor}: {len(seen)} statements tried, {differing} differ from what is expected, "
        f"{unknown} unknown to the server."
    )
