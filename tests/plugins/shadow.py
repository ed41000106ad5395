"""The throw-away server that rehearsals use, shared like the tests' own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.embedded import SHADOW_SETTINGS, Cluster, Server


@pytest.fixture(scope="session")
def shadow_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A second cluster: its superuser has another name's password, and nothing of a target's is in it."""
    home = Path(os.environ.get("LOCKKEEPER_TESTS_HOME") or pytestconfig.rootpath / ".home")
    with Server(Cluster(home=home, name="shadow", settings=SHADOW_SETTINGS)) as server:
        yield server
