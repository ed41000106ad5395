"""What of an embedded Postgres runs, as the operating system sees it."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from bot.embedded import Cluster


def postgres_of(cluster: Cluster) -> set[int]:
    """The postmaster and its children: they work in the cluster's data folder."""
    memory = cluster.folder / "data-folder"
    if not memory.exists():
        return set()
    data = str(memory.parent / memory.read_text())
    return {pid for pid in _named("postgres") if _folder_of(pid) == data}


def processes_of(cluster: Cluster) -> set[int]:
    """Postgres and the supervisor, which is told home and name."""
    told = f"{cluster.home} {cluster.name} "
    return postgres_of(cluster) | {pid for pid in _named("bot.embedded.supervise") if told in words_of(pid)}


def words_of(pid: int) -> str:
    """The command line; empty for a process that has ended, reaped or not."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


def wait_until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Gives back when it holds; fails when the time is over."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def _named(word: str) -> set[int]:
    return {pid for pid in psutil.pids() if word in words_of(pid)}


def _folder_of(pid: int) -> str:
    try:
        return str(psutil.Process(pid).cwd())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
