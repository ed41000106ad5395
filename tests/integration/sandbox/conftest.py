from collections.abc import Iterator

import pytest
import urllib3

from tests.integration.sandbox.scene import Api, Scene, set_scene
from tests.openapi.conformance import Conformance
from tests.plugins.sandbox import ServedSandbox


@pytest.fixture
def api(sandbox: ServedSandbox) -> Iterator[Api]:
    http = urllib3.PoolManager()
    yield Api(root=sandbox.api_url, http=http)
    http.clear()


@pytest.fixture
def scene(sandbox: ServedSandbox, api: Api) -> Scene:
    return set_scene(sandbox, api)


@pytest.fixture(scope="session")
def github_description() -> Conformance:
    return Conformance()
