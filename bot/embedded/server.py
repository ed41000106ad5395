"""A guest's hold on a cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from bot.embedded.cluster import READY, SUPERUSER, TAKEN, Address, Cluster, ServerUnavailable
from bot.embedded.locks import FileLock, held, is_held, pauses

if TYPE_CHECKING:
    import psycopg

#: A durable cluster that crashed replays its log before it answers.
_START_SECONDS = 120.0
_STOP_SECONDS = 130.0
_LOOK_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0


class Server:
    """Holds a cluster for the length of a `with` block: starts its Postgres, or joins it.

    Safe across processes and threads; several Servers of one cluster may be held by one process.
    A fork of the holder holds it too, until it ends. The last one to let go stops Postgres, and
    leaves the block when it has stopped. Raises ServerUnavailable.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._hold: FileLock | None = None
        self._leaves = threading.Event()
        self._keeper: threading.Thread | None = None
        self._known: Address | None = None

    def __enter__(self) -> Self:
        if self._hold is not None:
            raise RuntimeError("this Server is entered already; construct another for the same cluster")
        self.cluster.make_folder()
        self._hold = FileLock(self.cluster.guests)
        try:
            # Only a supervisor that is about to end keeps guests out.
            if not self._hold.wait_shared(_STOP_SECONDS):
                raise ServerUnavailable(
                    f"The embedded Postgres {self.cluster.name!r} is stopping and does not end.",
                    f"See {self.cluster.log}.",
                )
            self._run()
        except BaseException:
            self._let_go()
            raise
        self._leaves.clear()
        self._keeper = threading.Thread(target=self._keep, name="embedded-postgres", daemon=True)
        self._keeper.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leaves.set()
        if self._keeper is not None:
            self._keeper.join()
        self._let_go()
        self._wait_if_last()

    def dsn(self, database: str = "postgres") -> str:
        """The superuser's URL of a database, password included. Waits while Postgres is restarted."""
        address = self._address()
        password = self.cluster.password.read_text()
        return (
            f"postgresql://{SUPERUSER}:{quote(password)}@127.0.0.1:{address.port}/{quote(database, safe='')}"
        )

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Makes a database, a copy of the template if one is named; the superuser's URL of it.

        Nobody may be connected to the template meanwhile.
        """
        from psycopg import sql  # noqa: PLC0415 (the supervisor imports this package and starts without psycopg)

        copied = sql.Identifier(template or "template1")
        with self._connect() as ours:
            # Through the write-ahead log, as it is otherwise done, a copy takes four times as long.
            ours.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(name), copied
                )
            )
        return self.dsn(name)

    def drop_database(self, name: str) -> None:
        """Drops the database, cutting its connections. A missing one is none to drop."""
        from psycopg import sql  # noqa: PLC0415 (as above)

        with self._connect() as ours:
            ours.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _connect(self) -> psycopg.Connection:
        import psycopg  # noqa: PLC0415 (as above)

        return psycopg.connect(self.dsn(), autocommit=True)

    def _address(self) -> Address:
        if self._hold is None:
            raise RuntimeError("this Server is not entered")
        for _ in pauses(_START_SECONDS):
            address = Address.read(self.cluster.address)
            if address is not None:
                return address
        raise ServerUnavailable(
            f"The embedded Postgres {self.cluster.name!r} does not come back: {self.cluster.log_end()}",
            f"See {self.cluster.log}.",
        )

    def _run(self) -> None:
        """Gives back when there is a supervisor and its Postgres is ready."""
        with held(self.cluster.starting, _START_SECONDS) as turn_came:
            for _ in pauses(_START_SECONDS if turn_came else 0, 0.02):
                if not is_held(self.cluster.supervisor):
                    _start_supervisor(self.cluster)
                elif address := Address.read(self.cluster.address):
                    before, self._known = self._known, address
                    if before and before.supervisor_pid != address.supervisor_pid:
                        _reap(before.supervisor_pid, before.postmaster_pid)
                    return
        raise ServerUnavailable(
            f"The embedded Postgres {self.cluster.name!r} does not become ready: {self.cluster.log_end()}",
            f"See {self.cluster.log}.",
        )

    def _keep(self) -> None:
        """Starts another supervisor when ours is gone."""
        pause = _LOOK_SECONDS
        while not self._leaves.wait(pause):
            if is_held(self.cluster.supervisor):
                pause = _LOOK_SECONDS
                continue
            try:
                self._run()
            except ServerUnavailable:
                # The log has the reason, and whoever asks for the address is told.
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _let_go(self) -> None:
        if self._hold is not None:
            self._hold.close()
            self._hold = None

    def _wait_if_last(self) -> None:
        """Gives back once Postgres has stopped, or when others are seen to hold it."""
        for _ in pauses(_STOP_SECONDS, 0.02):
            if not is_held(self.cluster.supervisor):
                if self.cluster.address.exists():
                    # It was killed, and only a supervisor ends what it left.
                    with Server(self.cluster):
                        pass
                break
            with FileLock(self.cluster.guests) as probe:
                # Ours at once: nobody is left, and the supervisor is about to see that.
                if not probe.try_exclusive() and probe.try_shared():
                    return
        if self._known is not None:
            _reap(self._known.supervisor_pid)
            self._known = None


def _start_supervisor(cluster: Cluster) -> None:
    """Gives back when the supervisor says that Postgres is ready, or that another one has it."""
    root = str(Path(__file__).parents[2])
    reads, report = os.pipe()
    with os.fdopen(reads) as answers:
        try:
            subprocess.run(
                [
                    *(sys.executable, "-m", "bot.embedded.supervise"),
                    *(str(cluster.home.absolute()), cluster.name),
                    *(json.dumps(dict(cluster.settings)), str(report)),
                ],
                pass_fds=[report],
                stdin=subprocess.DEVNULL,
                # `-m` looks into the working directory first, and that may be anybody's.
                cwd=root,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([root, *_further_paths()])},
                check=True,
            )
        except subprocess.CalledProcessError as error:
            raise ServerUnavailable(
                f"The supervisor of the embedded Postgres ended with status {error.returncode}.",
                f"See {cluster.log}.",
            ) from error
        finally:
            os.close(report)
        answer = answers.read()
    if answer not in (READY, TAKEN):
        raise ServerUnavailable(
            answer or f"The supervisor of the embedded Postgres died: {cluster.log_end()}",
            f"See {cluster.log}.",
        )


def _reap(*ended: int) -> None:
    """Takes ended processes out of the process table, if the kernel made them our children.

    It does so for process 1 of a container.
    """
    for pid in ended:
        with suppress(ChildProcessError):
            any(os.waitpid(pid, os.WNOHANG)[0] for _ in pauses(1.0))


def _further_paths() -> list[str]:
    before = os.environ.get("PYTHONPATH")
    return [before] if before else []
