"""Locks on files, which the kernel releases when their holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self


class FileLock:
    """A lock on one file, held by this process and by those that it forks, until all have closed it.

    Two of them on one file are strangers to each other, in one process too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def try_exclusive(self) -> bool:
        """Whether nobody else held it, so that it is now ours alone."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Whether nobody held it exclusively, so that we are now one of its holders."""
        return self._try(fcntl.LOCK_SH)

    def wait(self, seconds: float) -> bool:
        """Takes it exclusively as soon as it is free; False when the time is over."""
        return _until(self.try_exclusive, seconds)

    def wait_shared(self, seconds: float) -> bool:
        """Becomes one of its holders as soon as nobody holds it exclusively; False when the time is over."""
        return _until(self.try_shared, seconds)

    def write(self, text: str) -> None:
        """Replaces the file's content."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, text.encode(), 0)

    def close(self) -> None:
        """Lets go. A second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self._file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def pauses(seconds: float, pause_seconds: float = 0.01) -> Iterator[None]:
    """Gives control to the loop's body now and after each pause, until the time is over."""
    end = time.monotonic() + seconds
    yield
    while time.monotonic() < end:
        time.sleep(pause_seconds)
        yield


def is_held(path: Path) -> bool:
    """Whether somebody holds the file's lock exclusively."""
    with FileLock(path) as lock:
        return not lock.try_shared()


@contextmanager
def held(path: Path, seconds: float) -> Iterator[bool]:
    """Holds the file's lock exclusively for the block; gives False if it could not be had in time."""
    with FileLock(path) as lock:
        yield lock.wait(seconds)


def _until(attempt: Callable[[], bool], seconds: float) -> bool:
    return any(attempt() for _ in pauses(seconds))
