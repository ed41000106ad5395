"""Where rehearsals are held: the server that LOCKKEEPER_SHADOW_URL names, else the embedded one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bot.embedded import SHADOW_SETTINGS, Cluster, Server, binaries
from bot.errors import Blocked
from bot.settings import Settings
from workorders.migration.application import Workshop

#: `server_version_num` from which on CREATE DATABASE can be told how to copy.
_STRATEGY_SINCE = 150000


class GivenServer:
    """A throw-away server whose superuser's URL somebody gave. Made databases are its only traces.

    Raises Blocked where it cannot be reached or the role is no superuser.
    """

    def __init__(self, url: str) -> None:
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=10) as server:
                row = server.execute("SELECT pg_catalog.current_setting('is_superuser')").fetchone()
                # A rehearsal reads the user's name from the URL, and libpq may have found it elsewhere.
                self._dsn = make_conninfo(url, user=server.info.user)
        except psycopg.OperationalError as error:
            raise Blocked(
                f"The shadow server cannot be reached: {str(error).splitlines()[0]}.",
                "Check LOCKKEEPER_SHADOW_URL, or unset it to rehearse on the embedded server.",
            ) from error
        if row is None or row[0] != "on":
            raise Blocked(
                "The role of LOCKKEEPER_SHADOW_URL is no superuser: it cannot make the target's roles.",
                "Give a superuser's URL of a throw-away server, or unset it.",
            )

    def dsn(self, database: str = "postgres") -> str:
        """The superuser's connection string of one of its databases."""
        return make_conninfo(self._dsn, dbname=database)

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Makes a database, a copy of the template if one is named; its connection string."""
        copied = sql.Identifier(template or "template1")
        with psycopg.connect(self.dsn(), autocommit=True) as server:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), copied)
            if server.info.server_version >= _STRATEGY_SINCE:
                # Through the write-ahead log, as it is otherwise done, a copy takes four times as long.
                create += sql.SQL(" STRATEGY file_copy")
            server.execute(create)
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drops the database, cutting its connections. A missing one is none to drop."""
        with psycopg.connect(self.dsn(), autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def workshop(settings: Settings) -> Iterator[Workshop]:
    """The shadow server, held for as long as the block lasts, with the programs that fill it."""
    if settings.shadow_url is not None:
        yield Workshop(server=GivenServer(settings.shadow_url), binaries=binaries())
        return
    with Server(Cluster(home=settings.home, name="shadow", settings=SHADOW_SETTINGS)) as server:
        yield Workshop(server=server, binaries=binaries())
