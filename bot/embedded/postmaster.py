"""Postgres as a child of this process: its data folder made, started, watched, stopped.

Used by the supervisor alone, under its lock, so that two never meet in one data folder.
"""

from __future__ import annotations

import ctypes
import locale
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bot.embedded.account import account, reachable_binaries, reachable_folder
from bot.embedded.cluster import SUPERUSER, Cluster, ServerUnavailable, binaries
from bot.embedded.locks import pauses

#: Not a plain comparison where it is used: mypy would call the other branch unreachable.
_IS_LINUX: bool = sys.platform.startswith("linux")
_START_SECONDS = 60.0
_STOP_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


class Postmaster:
    """One cluster's Postgres. Construct it, then `start`; it is a direct child of this process."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._account = account()
        self._bin = reachable_binaries(binaries(), self._account)
        self._data = self._made_data()
        self._child: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def pid(self) -> int:
        """The process; 0 before the first start."""
        return self._child.pid if self._child else 0

    def is_alive(self) -> bool:
        """Whether the process runs; reaps it if not."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Starts Postgres and gives back when it takes connections; sets `port`.

        An older postmaster in our data folder is stopped first. Raises ServerUnavailable.
        """
        self._end_predecessor()
        for _ in pauses(_START_SECONDS, 0.2):
            self.port = _free_port(self.port or _port_before(self._data))
            log_bytes = self._cluster.log.stat().st_size
            self._child = self._spawn(self._bin / "postgres", self._arguments(), stays=True)
            if self._became_ready():
                return
            if not _may_pass_by(self._cluster.log.read_bytes()[log_bytes:]):
                break
        raise ServerUnavailable(
            f"The embedded Postgres {self._cluster.name!r} does not start: {self._cluster.log_end()}",
            f"See {self._cluster.log}.",
        )

    def stop(self) -> None:
        """Ends Postgres: connections are cut, what was committed is kept."""
        if self._child is None:
            return
        for signal_number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if self._child.poll() is None:
                self._child.send_signal(signal_number)
                try:
                    self._child.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    continue
            return

    def end_orphans(self) -> None:
        """Ends what a killed postmaster left behind, and reaps it."""
        if not _IS_LINUX:
            return  # the orphans notice by themselves, and a new start waits for them
        for _ in pauses(10.0):
            for orphan in _children():
                os.kill(orphan, signal.SIGQUIT)
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return

    def _arguments(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "logging_collector": "off",
            **self._cluster.settings,
        }
        return ["-D", str(self._data), *(f"--{name}={value}" for name, value in settings.items())]

    def _spawn(self, program: Path, arguments: list[str], *, stays: bool) -> subprocess.Popen[bytes]:
        runs_as = self._account
        with self._cluster.log.open("ab") as log:
            return subprocess.Popen(
                [program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # A rehearsal's SQL is a stranger's program: nothing of our environment goes there.
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                start_new_session=True,
                user=runs_as.uid if runs_as else None,
                group=runs_as.gid if runs_as else None,
                extra_groups=[] if runs_as else None,
                # The supervisor has one thread, so that this call between fork and exec is safe.
                preexec_fn=_end_with_parent(os.getpid()) if stays and _IS_LINUX else None,  # noqa: PLW1509
            )

    def _became_ready(self) -> bool:
        for _ in pauses(_START_SECONDS):
            if not self.is_alive():
                return False
            lines = _postmaster_file(self._data)
            # A killed predecessor's file says `ready` too.
            if lines[:1] == [str(self.pid)] and lines[7:8] == ["ready"]:
                return True
        self.stop()
        return False

    def _made_data(self) -> Path:
        # Remembered, since a change of permissions must not make us look elsewhere and find nothing.
        memory = self._cluster.folder / "data-folder"
        if not memory.exists():
            folder = reachable_folder(self._cluster.folder, self._account)
            # A home may be moved, and takes its data along.
            memory.write_text("data" if folder == self._cluster.folder else str(folder / "data"))
        data = self._cluster.folder / memory.read_text()
        if not data.exists():
            self._initialise(data)
        return data

    def _initialise(self, data: Path) -> None:
        password = secrets.token_urlsafe(24)
        _write_private(self._cluster.password, password)
        draft = data.with_name("data.new")
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        # Inside the draft the account could not read it: initdb wants an empty folder.
        handed_over = data.with_name("password.new")
        handed_over.unlink(missing_ok=True)
        _write_private(handed_over, password)
        try:
            if self._account is not None:
                os.chown(draft, self._account.uid, self._account.gid)
                os.chown(handed_over, self._account.uid, self._account.gid)
            initdb = self._spawn(
                self._bin / "initdb",
                [
                    f"--pgdata={draft}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={handed_over}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--lc-collate=C",
                    f"--lc-ctype={_character_locale()}",
                    f"--set=scram_iterations={self._cluster.settings.get('scram_iterations', '4096')}",
                    *(["--no-sync"] if self._cluster.settings.get("fsync") == "off" else []),
                ],
                stays=False,
            )
            if initdb.wait() != 0:
                raise ServerUnavailable(
                    f"initdb made no cluster {self._cluster.name!r}: {self._cluster.log_end()}",
                    f"See {self._cluster.log}.",
                )
        finally:
            handed_over.unlink(missing_ok=True)
        draft.rename(data)

    def _end_predecessor(self) -> None:
        lines = _postmaster_file(self._data)
        if not lines:
            return
        pid = int(lines[0])
        if not _is_postmaster_of(pid, self._data):
            if _is_taken(pid):
                # Postgres itself would take whoever has this number now for its predecessor.
                (self._data / "postmaster.pid").unlink(missing_ok=True)
            return
        for signal_number in (signal.SIGINT, signal.SIGQUIT):
            os.kill(pid, signal_number)
            for _ in pauses(_STOP_SECONDS, 0.02):
                if not _is_postmaster_of(pid, self._data):
                    return
        raise ServerUnavailable(
            f"An older Postgres (pid {pid}) holds the data of {self._cluster.name!r} and does not end.",
            f"See what holds it up in {self._cluster.log}.",
        )


def become_reaper() -> None:
    """Makes this process the parent of what its children leave behind (Linux; nothing elsewhere)."""
    if _IS_LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_with_parent(parent: int) -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def _postmaster_file(data: Path) -> list[str]:
    """The lines of postmaster.pid: pid, data folder, start, port, socket, address, memory, state."""
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _is_taken(pid: int) -> bool:
    """Whether any process has the number; a zombie counts, and somebody else's process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _is_postmaster_of(pid: int, data: Path) -> bool:
    """Whether the process is a Postgres of this very data folder. A zombie is none."""
    if _IS_LINUX:
        try:
            # A postmaster works in its data folder. Its children do too, but are not in its pid file.
            return Path(f"/proc/{pid}/exe").readlink().name.startswith("postgres") and (
                Path(f"/proc/{pid}/cwd").resolve() == data.resolve()
            )
        except OSError:
            return False
    ps = ["ps", "-ww", "-o", "args=", "-p", str(pid)]
    shown = subprocess.run(ps, capture_output=True, text=True, check=False)
    return "postgres" in shown.stdout and f"-D {data}" in shown.stdout


def _children() -> list[int]:
    own = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in own.read_text().split()] if own.exists() else []


def _may_pass_by(log_end: bytes) -> bool:
    """Whether the port was taken meanwhile, or backends of a killed postmaster have not ended yet."""
    return any(sign in log_end for sign in (b"could not bind", b"is still in use"))


def _port_before(data: Path) -> int:
    try:
        return int((data / "postmaster.opts").read_text().split('"--port=')[1].split('"')[0])
    except (FileNotFoundError, IndexError, ValueError):
        return 0


def _free_port(wanted: int) -> int:
    """The wanted port of 127.0.0.1 if it is free, else any free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerUnavailable("No port of 127.0.0.1 is free.", "End what holds them.")


def _character_locale() -> str:
    """What full-text search takes for a letter: Unicode's, where the machine has such a locale."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        return locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def _write_private(path: Path, text: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(file, "w") as stream:
        stream.write(text)
