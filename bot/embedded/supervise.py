"""The supervisor's process: `python -m bot.embedded.supervise HOME NAME SETTINGS FD`.

Detaches itself, starts Postgres, writes the word `ready` (or a sentence that says why not) to the
inherited file descriptor FD, and stays until no guest holds the cluster any more.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import sys
from pathlib import Path

from bot.embedded.cluster import READY, TAKEN, Address, Cluster
from bot.embedded.locks import FileLock
from bot.embedded.postmaster import Postmaster, become_reaper
from workorders.migration.errors import Blocked

#: How often it is looked whether guests are left. A dead Postgres is noticed at once.
_LOOK_SECONDS = 0.1
_LOG_BYTES = 10_000_000

_log = logging.getLogger("lockkeeper.embedded")


def main(arguments: list[str]) -> int:
    """Forks, and is the supervisor in the child."""
    home, name, settings, report = arguments
    cluster = Cluster(home=Path(home), name=name, settings=json.loads(settings))
    if os.fork():
        return 0
    os.umask(0o022)
    _detach(cluster)
    with FileLock(cluster.supervisor) as own, FileLock(cluster.guests) as guests:
        # Others try this lock for an instant, to see whether we are there.
        if not own.wait(1.0):
            _tell(int(report), TAKEN)
            return 0
        own.write(str(os.getpid()))
        cluster.address.unlink(missing_ok=True)  # a killed supervisor's
        try:
            postmaster = Postmaster(cluster)
            _start(postmaster, cluster)
        except Blocked as error:
            _tell(int(report), str(error))
            return 1
        _tell(int(report), READY)
        try:
            _watch(postmaster, cluster, guests)
        finally:
            cluster.address.unlink(missing_ok=True)
            postmaster.stop()
            own.write("")
            # Before `guests`: who comes now finds nobody here, and starts a supervisor.
            own.close()
    return 0


def _watch(postmaster: Postmaster, cluster: Cluster, guests: FileLock) -> None:
    """Gives back when no guest is left, then holding `guests`, or when told to end."""
    signals = _Signals()
    while not signals.asked_to_end and not guests.try_exclusive():
        if not postmaster.is_alive():
            _log.warning("Postgres is gone; starting it again")
            cluster.address.unlink(missing_ok=True)
            postmaster.end_orphans()
            _start(postmaster, cluster)
        signals.wait(_LOOK_SECONDS)


def _start(postmaster: Postmaster, cluster: Cluster) -> None:
    postmaster.start()
    Address(port=postmaster.port, supervisor_pid=os.getpid(), postmaster_pid=postmaster.pid).write(
        cluster.address
    )


class _Signals:
    """SIGCHLD wakes `wait` up, SIGTERM and SIGINT ask to end."""

    def __init__(self) -> None:
        self.asked_to_end = False
        self._wakes, written_to = os.pipe()
        os.set_blocking(self._wakes, False)
        os.set_blocking(written_to, False)
        signal.set_wakeup_fd(written_to)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def wait(self, seconds: float) -> None:
        if select.select([self._wakes], [], [], seconds)[0]:
            os.read(self._wakes, 4096)

    def _end(self, *_: object) -> None:
        self.asked_to_end = True


def _detach(cluster: Cluster) -> None:
    """Leaves the starter's session, folder and streams; from here on the log is written to."""
    os.setsid()
    os.chdir("/")
    if cluster.log.exists() and cluster.log.stat().st_size > _LOG_BYTES:
        cluster.log.replace(cluster.log.with_name("log.1"))
    log = os.open(cluster.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.close(nothing)
    logging.basicConfig(format="%(asctime)s supervisor: %(message)s", level=logging.INFO)
    become_reaper()


def _tell(report: int, text: str) -> None:
    try:
        os.write(report, text.encode())
    except BrokenPipeError:
        _log.info("the guest that started this cluster is gone")
    os.close(report)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
