from collections.abc import Iterator

import pytest
import urllib3

from tests.integration.sandbox.scene import Api, Scene, set_scene
from tests.openapi.conformance import Conformance
from tests.plugins.sandbox import KeyPair, ServedSandbox, served_sandbox


@pytest.fixture
def api(sandbox: ServedSandbox) -> Iterator[Api]:
    http = urllib3.PoolManager()
    yield Api(root=sandbox.api_url, http=http)
    http.clear()


@pytest.fixture
def scene(sandbox: ServedSandbox, api: Api) -> Scene:
    return set_scene(sandbox, api)


@pytest.fixture(scope="module")
def unchanged_scene(app_key: KeyPair) -> Iterator[Scene]:
    """A scene shared by tests whose requests are all refused; at the end it is as it was."""
    with served_sandbox(app_key) as served:
        http = urllib3.PoolManager()
        scene = set_scene(served, Api(root=served.api_url, http=http))
        before = _things(scene)
        yield scene
        assert _things(scene) == before
        http.clear()


def _things(scene: Scene) -> list[object]:
    state = scene.sandbox.state.state
    return [
        dict(each) for each in (state.issues, state.comments, state.labels, state.reactions, state.deliveries)
    ]


@pytest.fixture(scope="session")
def github_description() -> Conformance:
    return Conformance()
