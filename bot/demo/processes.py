"""The demo's processes: started with a log each, waited for, and ended whatever happens to us."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bot.demo.traffic import Figures
from bot.errors import Blocked

_PR_SET_PDEATHSIG = 1
_ROOT = Path(__file__).parents[2]

#: A worker lets the job in hand end.
_STOP_SECONDS = 30.0


class Child:
    """A Python module as a process of its own, all that it writes in a log. Ended with the block.

    It is in a session of its own, so that a terminal's Ctrl-C reaches us alone and all end in
    order; should we be killed, the kernel tells it to end (Linux).
    """

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path):
        self.name = name
        self.log = log
        self._stream = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.PIPE,
            stdout=self._stream,
            stderr=subprocess.STDOUT,
            # `-m` looks into the working directory first, and ours may be anybody's.
            cwd=_ROOT,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509 (it calls one system function, looked up before)
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def tell(self, line: str) -> None:
        """Writes a line to its standard input."""
        self._input.write(f"{line}\n".encode())
        self._input.flush()

    def wait_for(self, pattern: str, seconds: float, since: int = 0) -> re.Match[str]:
        """The first line of its log, from a character on, that has the pattern. Raises Blocked."""
        end = time.monotonic() + seconds
        while True:
            has_ended = self._process.poll() is not None
            text = self.log.read_text(encoding="utf-8", errors="replace")[since:]
            complete = text.rpartition("\n")[0]
            if found := re.search(pattern, complete, re.MULTILINE):
                return found
            if has_ended or time.monotonic() > end:
                why = f"ended with status {self._process.returncode}" if has_ended else "does not answer"
                raise Blocked(f"The {self.name} {why}.", f"See {self.log}.")
            time.sleep(0.05)

    def stop(self) -> None:
        """Tells it to end, and waits until it has."""
        try:
            self._input.close()
            if self._process.poll() is None:
                self._process.terminate()
            self._process.wait(_STOP_SECONDS)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self._process.kill()
            self._process.wait()
        finally:
            self._stream.close()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class RunningTraffic:
    """The traffic's process, asked for its figures."""

    def __init__(self, child: Child, dsn: str) -> None:
        self._child = child
        self._read = 0
        self._total = Figures()
        child.tell(dsn)

    def take(self) -> Figures:
        """What it did since the last time, or since it began."""
        self._child.tell("")
        found = self._child.wait_for(r"^\{.*\}$", 10, self._read)
        self._read += found.end()
        values = json.loads(found[0])
        figures = Figures(**{**values, "sqlstates": tuple(values["sqlstates"])})
        self._total = self._total.with_more(figures)
        return figures

    @property
    def total(self) -> Figures:
        """What was taken so far, added up."""
        return self._total


def clean_environment() -> dict[str, str]:
    """Ours without what would lead Lockkeeper, or libpq, to anything of the user's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LOCKKEEPER_", "PG")) and name not in ("DATABASE_URL", "PORT")
    }
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths)}


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up before the fork

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask
