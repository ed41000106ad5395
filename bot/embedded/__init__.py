"""The embedded Postgres: ours by default, the shadow server, and the tests' server.

Any number of processes may hold one cluster at a time. A supervisor, detached from all of
them, owns Postgres as its direct child; it starts with the first guest and ends with the last:

    guest     holds a shared lock on the file `guests` for as long as it lives
    supervisor  holds an exclusive lock on the file `supervisor`; restarts Postgres when that
              dies; stops it, and ends, once it can lock `guests` exclusively
    Postgres  is told by the kernel to stop when its supervisor dies (Linux)

The kernel releases the lock of a killed process, so no pid file decides anything. A guest that
sees its supervisor gone starts another.
"""

from bot.embedded.cluster import (
    OURS_SETTINGS,
    SHADOW_SETTINGS,
    STATISTICS_SETTINGS,
    TESTS_SETTINGS,
    Cluster,
    ServerUnavailable,
    binaries,
    default_home,
)
from bot.embedded.server import Server

__all__ = [
    "OURS_SETTINGS",
    "SHADOW_SETTINGS",
    "STATISTICS_SETTINGS",
    "TESTS_SETTINGS",
    "Cluster",
    "Server",
    "ServerUnavailable",
    "binaries",
    "default_home",
]
