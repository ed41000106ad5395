"""The throw-away server that rehearsals use, shared like the tests' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.embedded import SHADOW_SETTINGS, Cluster, Server
from tests.plugins.home import tests_home


@pytest.fixture(scope="session")
def shadow_server(pytestconfig: pytest.Config) -> Iterator[Server]:
    """A second cluster: its superuser has another name's password, and nothing of a target's is in it."""
    home = tests_home(pytestconfig)
    with Server(Cluster(home=home, name="shadow", settings=SHADOW_SETTINGS)) as server:
        yield server
