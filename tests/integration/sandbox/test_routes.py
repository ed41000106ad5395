"""Laws over all routes of the API: served as described, refused without permission or token."""

import pytest

from bot.sandbox.api.routes import ROUTES, Route
from bot.sandbox.sandbox import PERMISSIONS
from tests.integration.sandbox.scene import EXAMPLES, Api, Reply, Scene, app_jwt
from tests.openapi.conformance import Conformance
from tests.openapi.excerpt import PATHS
from tests.plugins.sandbox import ServedSandbox


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


every_route = pytest.mark.parametrize("route", ROUTES, ids=_name)
permitted_route = pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.needs.permission is not None], ids=_name
)


def _ask(scene: Scene, route: Route, token: str | None) -> Reply:
    example = EXAMPLES[_name(route)]
    path = scene.path(route.path, example)
    return scene.api.send(route.method, path, token=token, body=example.body, query=example.query)


def _good_token(scene: Scene, route: Route) -> str:
    return app_jwt(scene.sandbox) if route.needs.who == "app" else scene.token()


def test_every_route_has_an_example_and_is_described() -> None:
    assert {_name(route) for route in ROUTES} == set(EXAMPLES)
    described = {f"{method.upper()} {path}" for path, methods in PATHS.items() for method in methods.split()}
    assert {_name(route) for route in ROUTES} <= described


@every_route
def test_request_and_answer_are_as_github_describes(
    scene: Scene, route: Route, github_description: Conformance
) -> None:
    example = EXAMPLES[_name(route)]
    path = scene.path(route.path, example)

    reply = _ask(scene, route, _good_token(scene, route))

    assert reply.status == example.status, reply.body
    github_description.check_request(route.method, path, example.query, example.body)
    github_description.check_response(route.method, path, reply.status, reply.body)
    assert reply.headers["X-RateLimit-Limit"] == "5000"


@every_route
def test_no_token_is_refused(unchanged_scene: Scene, route: Route, github_description: Conformance) -> None:
    reply = _ask(unchanged_scene, route, None)

    assert (reply.status, reply.headers["X-RateLimit-Limit"]) == (401, "60")
    path = unchanged_scene.path(route.path, EXAMPLES[_name(route)])
    github_description.check_response(route.method, path, reply.status, reply.body)


@every_route
def test_unknown_token_is_refused(unchanged_scene: Scene, route: Route) -> None:
    reply = _ask(unchanged_scene, route, "ghs_" + "0" * 36)

    assert (reply.status, reply.body["message"]) == (401, "Bad credentials")


@permitted_route
def test_token_without_just_that_permission_is_refused(unchanged_scene: Scene, route: Route) -> None:
    assert route.needs.permission is not None
    lacking = {name: level for name, level in PERMISSIONS.items() if name != route.needs.permission}

    reply = _ask(unchanged_scene, route, unchanged_scene.token(lacking))

    assert (reply.status, reply.body["message"]) == (403, "Resource not accessible by integration")
    assert reply.headers["X-Accepted-GitHub-Permissions"] == route.needs.words


@permitted_route
def test_token_with_just_that_permission_is_served(scene: Scene, route: Route) -> None:
    assert route.needs.permission is not None

    reply = _ask(scene, route, scene.token({route.needs.permission: route.needs.level}))

    assert reply.status == EXAMPLES[_name(route)].status


@pytest.mark.parametrize("route", [each for each in ROUTES if each.needs.level == "write"], ids=_name)
def test_read_permission_does_not_write(unchanged_scene: Scene, route: Route) -> None:
    assert route.needs.permission is not None

    reply = _ask(unchanged_scene, route, unchanged_scene.token({route.needs.permission: "read"}))

    assert reply.status == 403


@pytest.mark.parametrize("route", [each for each in ROUTES if "{repo}" in each.path], ids=_name)
def test_unknown_repository_is_not_found(
    unchanged_scene: Scene, route: Route, github_description: Conformance
) -> None:
    path = unchanged_scene.path(route.path, EXAMPLES[_name(route)]).replace("acme/shop", "acme/other")

    body = EXAMPLES[_name(route)].body
    reply = unchanged_scene.api.send(route.method, path, token=_good_token(unchanged_scene, route), body=body)

    assert reply.status == 404
    github_description.check_response(route.method, path, reply.status, reply.body)


_NUMBERED = [each for each in ROUTES if each.path.count("{") > each.path.count("{owner}/{repo}") * 2]


@pytest.mark.parametrize("route", _NUMBERED, ids=_name)
def test_unknown_thing_is_not_found(unchanged_scene: Scene, route: Route) -> None:
    example = EXAMPLES[_name(route)]
    missing = {name: "999999" for name in unchanged_scene.values if name not in ("owner", "repo")}
    path = route.path.format(**{**unchanged_scene.values, **missing})

    reply = unchanged_scene.api.send(
        route.method, path, token=_good_token(unchanged_scene, route), body=example.body
    )

    # Of a commit that is not there GitHub says so with another status.
    assert reply.status == (422 if "{ref}" in route.path else 404)


@pytest.mark.parametrize("route", [each for each in ROUTES if each.needs.who == "app"], ids=_name)
def test_installation_token_is_not_the_app(unchanged_scene: Scene, route: Route) -> None:
    assert _ask(unchanged_scene, route, unchanged_scene.token()).status == 401


@pytest.mark.parametrize("route", [each for each in ROUTES if each.needs.who != "app"], ids=_name)
def test_the_app_is_not_its_installation(unchanged_scene: Scene, route: Route) -> None:
    assert _ask(unchanged_scene, route, app_jwt(unchanged_scene.sandbox)).status == 403


def test_unknown_route_is_not_found(api: Api, sandbox: ServedSandbox) -> None:
    assert api.send("GET", "/nowhere", token=sandbox.token_of("ana")).status == 404
    assert api.send("PUT", "/repos/acme/shop", token=sandbox.token_of("ana")).status == 404
