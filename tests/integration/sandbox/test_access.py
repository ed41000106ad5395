from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.sandbox import Sandbox, serve
from tests.integration.sandbox.scene import Api, app_jwt
from tests.plugins.sandbox import APP_ID, REPO, KeyPair, ServedSandbox


def _now(sandbox: ServedSandbox) -> int:
    return int(sandbox.state.clock().timestamp())


@pytest.mark.parametrize(
    ("claim", "seconds"),
    [("exp", 660), ("exp", -1), ("iat", 120)],
    ids=["lives too long", "expired", "issued in the future"],
)
def test_jwt_with_bad_times_is_refused(sandbox: ServedSandbox, api: Api, claim: str, seconds: int) -> None:
    reply = api.send("GET", "/app", token=app_jwt(sandbox, **{claim: _now(sandbox) + seconds}))

    assert reply.status == 401


@pytest.mark.parametrize("claims", [{"iss": "999"}, {"exp": None}, {"iat": "soon"}])
def test_jwt_with_bad_claims_is_refused(sandbox: ServedSandbox, api: Api, claims: dict[str, object]) -> None:
    assert api.send("GET", "/app", token=app_jwt(sandbox, **claims)).status == 401


def test_jwt_by_another_key_is_refused(sandbox: ServedSandbox, api: Api) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    claims = {"iat": _now(sandbox), "exp": _now(sandbox) + 60, "iss": str(APP_ID)}
    for forged in (
        jwt.encode(claims, stranger.decode(), algorithm="RS256"),
        jwt.encode(claims, "", algorithm="none"),
    ):
        assert api.send("GET", "/app", token=forged).status == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "token", "nonsense", "Bearer ü"])
def test_nonsense_for_a_token_is_refused(api: Api, header: str) -> None:
    reply = api.send("GET", f"/repos/{REPO}", token=None, headers={"Authorization": header})

    assert reply.status == 401


def test_token_expires_after_an_hour(app_key: KeyPair, api: Api) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    state = Sandbox(
        app_id=APP_ID, webhook_secret="s", public_key_pem=app_key.public_pem, clock=lambda: now[0]
    )
    state.add_repository(REPO)
    token = state.issue_token(state.install(REPO).id).token
    with serve(state) as server:
        aged = Api(root=server.api_url, http=api.http)

        now[0] += timedelta(minutes=59, seconds=59)
        assert aged.send("GET", f"/repos/{REPO}", token=token).status == 200

        now[0] += timedelta(seconds=1)
        assert aged.send("GET", f"/repos/{REPO}", token=token).status == 401


def _new_token(sandbox: ServedSandbox, api: Api, body: object) -> tuple[int, dict[str, object]]:
    path = f"/app/installations/{sandbox.installation_id}/access_tokens"
    reply = api.send("POST", path, token=app_jwt(sandbox), body=body)
    return reply.status, reply.body


def test_token_without_wishes_has_all_that_the_installation_has(sandbox: ServedSandbox, api: Api) -> None:
    status, body = _new_token(sandbox, api, None)

    installation = sandbox.state.state.installations[sandbox.installation_id]
    assert (status, body["permissions"]) == (201, installation.permissions)
    assert "repositories" not in body


def test_narrowed_token_has_what_was_asked_and_metadata(sandbox: ServedSandbox, api: Api) -> None:
    _, body = _new_token(sandbox, api, {"permissions": {"issues": "read"}})

    assert body["permissions"] == {"issues": "read", "metadata": "read"}
    path = f"/repos/{REPO}/issues"
    assert api.send("GET", path, token=str(body["token"])).status == 200
    assert api.send("POST", path, token=str(body["token"]), body={"title": "x"}).status == 403
    assert api.send("GET", f"/repos/{REPO}/contents/x", token=str(body["token"])).status == 403


@pytest.mark.parametrize(
    "wish",
    [
        {"permissions": {"contents": "write"}},
        {"permissions": {"administration": "read"}},
        {"permissions": {"issues": "everything"}},
        {"permissions": ["issues"]},
        {"repositories": ["elsewhere"]},
        {"repositories": "shop"},
        {"repository_ids": [1]},
    ],
)
def test_token_for_more_than_the_installation_has_is_refused(
    sandbox: ServedSandbox, api: Api, wish: dict[str, object]
) -> None:
    assert _new_token(sandbox, api, wish)[0] == 422


def test_token_of_one_repository_does_not_reach_another(sandbox: ServedSandbox, api: Api) -> None:
    sandbox.state.add_repository("acme/hidden")
    sandbox.state.add_repository("acme/open", private=False)
    both = sandbox.state.install(REPO, "acme/hidden")
    path = f"/app/installations/{both.id}/access_tokens"
    token = api.send("POST", path, token=app_jwt(sandbox), body={"repositories": ["shop"]}).body["token"]

    listed = api.send("GET", "/installation/repositories", token=token).body

    assert [each["full_name"] for each in listed["repositories"]] == [REPO]
    assert api.send("GET", "/repos/acme/hidden/issues", token=token).status == 404
    assert api.send("GET", "/repos/acme/open/issues", token=token).status == 200
    assert api.send("POST", "/repos/acme/open/issues", token=token, body={"title": "x"}).status == 403


def test_person_may_only_what_their_role_allows(sandbox: ServedSandbox, api: Api) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "Ana's")
    comment = sandbox.state.comment_as("ana", REPO, issue.number, "Ana's")
    mallory, ana = sandbox.token_of("mallory"), sandbox.token_of("ana")
    mine = api.send("POST", f"/repos/{REPO}/issues", token=mallory, body={"title": "Mallory's"})
    one, hers = f"/repos/{REPO}/issues/{issue.number}", f"/repos/{REPO}/issues/{mine.body['number']}"
    text = f"/repos/{REPO}/issues/comments/{comment.id}"

    assert mine.status == 201
    assert api.send("POST", f"{one}/comments", token=mallory, body={"body": "hi"}).status == 201
    assert api.send("POST", f"{one}/labels", token=mallory, body={"labels": ["x"]}).status == 403
    assert api.send("PATCH", one, token=mallory, body={"state": "closed"}).status == 403
    assert api.send("PATCH", text, token=mallory, body={"body": "/wo approve"}).status == 403
    assert api.send("DELETE", text, token=mallory).status == 403
    assert api.send("PATCH", hers, token=mallory, body={"state": "closed"}).status == 200
    assert api.send("PATCH", hers, token=ana, body={"state": "open"}).status == 200


def test_stranger_to_a_private_repository_does_not_find_it(sandbox: ServedSandbox, api: Api) -> None:
    sandbox.state.add_user("stranger")

    assert api.send("GET", f"/repos/{REPO}", token=sandbox.token_of("stranger")).status == 404
    permission = f"/repos/{REPO}/collaborators/stranger/permission"
    answer = api.send("GET", permission, token=sandbox.state.issue_token(sandbox.installation_id).token)
    assert answer.body["permission"] == "none"


@pytest.mark.parametrize(
    ("login", "permission", "role"),
    [("ana", "write", "write"), ("dba", "write", "maintain"), ("mallory", "read", "read")],
)
def test_roles_are_told_in_both_words(
    sandbox: ServedSandbox, api: Api, login: str, permission: str, role: str
) -> None:
    token = sandbox.state.issue_token(sandbox.installation_id).token

    body = api.send("GET", f"/repos/{REPO}/collaborators/{login}/permission", token=token).body

    assert (body["permission"], body["role_name"], body["user"]["login"]) == (permission, role, login)


def test_hour_that_is_spent_is_refused_until_it_is_over(app_key: KeyPair, api: Api) -> None:
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    state = Sandbox(
        app_id=APP_ID,
        webhook_secret="s",
        public_key_pem=app_key.public_pem,
        requests_per_hour=2,
        clock=lambda: now[0],
    )
    user = state.add_user("ana")
    with serve(state) as server:
        poor = Api(root=server.api_url, http=api.http)
        assert poor.send("GET", "/users/ana", token=user.token).headers["X-RateLimit-Remaining"] == "1"
        assert poor.send("GET", "/users/ana", token=user.token).status == 200

        spent = poor.send("GET", "/users/ana", token=user.token)

        assert (spent.status, spent.headers["X-RateLimit-Remaining"]) == (403, "0")
        assert poor.send("GET", "/rate_limit", token=user.token).body["rate"]["remaining"] == 0
        now[0] += timedelta(hours=1)
        assert poor.send("GET", "/users/ana", token=user.token).status == 200
