"""The composition root: each long-lived object, built once from the settings."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

import psycopg

from bot.embedded import OURS_SETTINGS, Cluster, Server
from bot.errors import Blocked
from bot.github.app import App
from bot.github.marker import Marker
from bot.github.port import GitHub
from bot.settings import Settings
from bot.store import credentials, schema
from bot.store.credentials import Credentials
from bot.store.ours import Pool
from bot.store.vault import Vault

#: The database of ours in the embedded cluster.
_DATABASE = "lockkeeper"


class Conductor(Protocol):
    """Leads orders of a definition through its phases."""

    def advance(self, order_id: int) -> None:
        """Does what the order's state asks for, as far as it goes now, and performs what follows.

        Called in a thread of the worker, for one order of a target at a time, and again after
        any stop: it must find out from ours and from the target what was done already. Raises
        `Blocked` where it has to wait; anything else that it raises counts as a failed try.
        """


@dataclass(kw_only=True)
class Services:
    """What the web, the worker and the command line work with. Thread-safe; to be closed."""

    settings: Settings
    pool: Pool
    vault: Vault
    #: By a definition's name; under "" the one for all others.
    conductors: dict[str, Conductor] = field(default_factory=dict)
    #: Set when the process is told to end: whatever takes long stops at the next safe place.
    stopping: threading.Event = field(default_factory=threading.Event)
    _resources: ExitStack = field(default_factory=ExitStack, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _app: App | None = field(default=None, repr=False)
    _credentials: Credentials | None = field(default=None, repr=False)

    @classmethod
    def open(cls, settings: Settings, conductors: Mapping[str, Conductor] | None = None) -> Services:
        """Opens ours, the embedded one with its schema if no `DATABASE_URL` is set.

        Raises `Refused` where the schema of a `DATABASE_URL` is not the newest, and what the
        vault raises where its key cannot be had, `Blocked` where ours cannot be reached.
        """
        with ExitStack() as resources:
            vault = open_vault(settings)
            dsn = _open_ours(settings, resources)
            with _reached():
                if settings.database_url is None:
                    schema.migrate(dsn)
                else:
                    schema.check(dsn)
            pool = Pool(dsn, size=settings.pace.commands_at_once + settings.pace.orders_at_once + 6)
            resources.callback(pool.close)
            return cls(
                settings=settings,
                pool=pool,
                vault=vault,
                conductors=dict(conductors or {}),
                _resources=resources.pop_all(),
            )

    def conductor_of(self, definition: str) -> Conductor | None:
        """Who leads the orders of a definition; None where nobody does."""
        return self.conductors.get(definition, self.conductors.get(""))

    def credentials(self) -> Credentials:
        """The App's: of the settings, else of its registration.

        Raises `Blocked` until the App is registered.
        """
        found = self._known_credentials()
        if found is None:
            raise Blocked(
                "Lockkeeper is not registered as a GitHub App yet.",
                "Open /setup, or set LOCKKEEPER_APP_ID, LOCKKEEPER_PRIVATE_KEY, LOCKKEEPER_WEBHOOK_SECRET.",
            )
        return found

    def is_registered(self) -> bool:
        """Whether there are credentials, so that GitHub can be asked and written to."""
        return self._known_credentials() is not None

    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets with which GitHub may have signed; none before the registration."""
        if self.settings.webhook_secret:
            return (self.settings.webhook_secret,)
        found = self._known_credentials()
        return (found.webhook_secret,) if found else ()

    def app(self) -> App:
        """Our App at GitHub; connects at the first question. Raises as `credentials`."""
        known = self.credentials()
        with self._lock:
            if self._app is None:
                self._app = App(
                    id=known.app_id, private_key=known.private_key, api_url=self.settings.github_api_url
                )
                self._resources.callback(self._app.close)
            return self._app

    def github(self, installation_id: int) -> GitHub:
        """GitHub through one installation."""
        return self.app().installation(installation_id)

    def marker(self) -> Marker:
        """Writes and reads the marks of our texts."""
        with self.pool.transaction() as ours:
            return Marker(key=credentials.marker_key(ours, self.vault))

    def close(self) -> None:
        """Closes all, in the reverse order. A second time does nothing."""
        self.stopping.set()
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _known_credentials(self) -> Credentials | None:
        told = self.settings
        if told.app_id and told.private_key and told.webhook_secret:
            return Credentials(
                app_id=told.app_id, private_key=told.private_key, webhook_secret=told.webhook_secret
            )
        if self._credentials is None:
            # Asked again until they are there: another process may do the registration.
            with self.pool.transaction() as ours:
                self._credentials = credentials.stored(ours, self.vault)
        return self._credentials


def migrate(settings: Settings) -> tuple[str, ...]:
    """Brings the schema of ours up to date; gives the names of the files applied."""
    with ExitStack() as resources, _reached():
        return schema.migrate(_open_ours(settings, resources))


def open_vault(settings: Settings) -> Vault:
    """The vault under `LOCKKEEPER_KEY`, else under the key file in the home."""
    if settings.keys is not None:
        return Vault.from_text(settings.keys, "LOCKKEEPER_KEY")
    return Vault.from_file(settings.home / "key")


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        # libpq's message names host and user; the log may have it, a sentence for anybody may not.
        raise Blocked(
            f"Lockkeeper's own database cannot be reached ({error.sqlstate or 'no connection'}).",
            "Check DATABASE_URL, and that the server runs.",
        ) from error


def _open_ours(settings: Settings, resources: ExitStack) -> str:
    """The DSN of ours; starts the embedded server if it is the one."""
    if settings.database_url is not None:
        return settings.database_url
    server = resources.enter_context(Server(Cluster(home=settings.home, name="ours", settings=OURS_SETTINGS)))
    return _with_database(server)


def _with_database(server: Server) -> str:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [_DATABASE]).fetchone()
    if found is None:
        try:
            return server.create_database(_DATABASE)
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            pass  # another process made it at the same moment
    return server.dsn(_DATABASE)
