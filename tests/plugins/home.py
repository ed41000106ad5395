"""Where the tests' servers keep their data: in memory if there is room, for they make many databases."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from bot.embedded import TESTS_SETTINGS, Cluster
from bot.embedded.locks import held

_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder in it of our own, that nobody else may write to

#: The databases of one run stay well below; a container's usual 64 MB would not do.
_ROOM_BYTES = 4 * 1024**3

_STOPS_WITHIN_SECONDS = 20.0


def tests_home(config: pytest.Config) -> Path:
    """LOCKKEEPER_TESTS_HOME if it is set, else a folder of this checkout's own, in memory or in `.home`."""
    given = os.environ.get("LOCKKEEPER_TESTS_HOME")
    if given:
        return Path(given)
    memory = _in_memory(config)
    return memory if memory.exists() or _has_room() else config.rootpath / ".home"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """The last of a run's processes takes the folder in memory away, if no other run uses it."""
    memory = _in_memory(session.config)
    if hasattr(session.config, "workerinput") or not memory.exists():
        return
    for name in ("tests", "shadow"):
        cluster = Cluster(home=memory, name=name, settings=TESTS_SETTINGS)
        if not cluster.folder.exists():
            continue
        with held(cluster.supervisor, _STOPS_WITHIN_SECONDS) as is_free:
            if is_free:
                cluster.remove()
    if not any((memory / "postgres").glob("*/supervisor")):
        shutil.rmtree(memory, ignore_errors=True)


def _in_memory(config: pytest.Config) -> Path:
    checkout = hashlib.sha256(str(config.rootpath).encode()).hexdigest()[:12]
    return _MEMORY / f"lockkeeper-tests-{os.geteuid()}-{checkout}"


def _has_room() -> bool:
    try:
        return shutil.disk_usage(_MEMORY).free > _ROOM_BYTES and os.access(_MEMORY, os.W_OK)
    except OSError:
        return False
