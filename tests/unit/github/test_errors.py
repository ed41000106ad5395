"""What GitHub's answers, and their absence, mean."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
import responses
from urllib3.exceptions import NewConnectionError, ProtocolError

from bot.errors import Unreadable
from bot.github.app import App
from bot.github.client import PERMISSIONS, Client
from bot.github.errors import HASTE_SECONDS, AnswerLost, Denied, NotAnswered, Unaccepted
from bot.github.port import IssueChange
from tests.plugins.sandbox import KeyPair
from workorders.order import Repository, State

#: PyGithub names the port in each request.
API = "https://github.example.com:443/api/v3"
SHOP = Repository(id=7, full_name="acme/shop", installation_id=5)
ISSUES = f"{API}/repos/acme/shop/issues"
TOKENS = f"{API}/app/installations/5/access_tokens"


@pytest.fixture
def http() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as http:
        http.post(TOKENS, json={"token": "ghs_x", "expires_at": "2999-01-01T00:00:00Z"}, status=201)
        yield http


@pytest.fixture
def github(http: responses.RequestsMock, app_key: KeyPair) -> Iterator[Client]:
    with App(id=1, private_key=app_key.private_pem, api_url=API, retry_pause_seconds=0) as app:
        yield app.installation(5)


LOST = [
    requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset"))),
    requests.ReadTimeout("read timed out"),
    requests.exceptions.ChunkedEncodingError("broken in the middle"),
]


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_an_answer_that_did_not_arrive_is_lost(
    http: responses.RequestsMock, github: Client, error: Exception
) -> None:
    http.post(ISSUES, body=error)

    with pytest.raises(AnswerLost):
        github.open_issue(SHOP, "t", "b")
    assert len(_to_issues(http)) == 1


UNSENT = [
    requests.ConnectTimeout("connect timed out"),
    requests.ConnectionError(NewConnectionError(None, "refused")),  # type: ignore[arg-type] # no pool is needed
]


@pytest.mark.parametrize("error", UNSENT, ids=lambda error: type(error).__name__)
def test_of_what_was_never_sent_no_answer_is_lost(
    http: responses.RequestsMock, github: Client, error: Exception
) -> None:
    http.post(ISSUES, body=error)

    with pytest.raises(NotAnswered) as caught:
        github.open_issue(SHOP, "t", "b")
    assert not isinstance(caught.value, AnswerLost)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_new_text_is_sent_once_whatever_the_server_says(
    http: responses.RequestsMock, github: Client, status: int
) -> None:
    http.post(ISSUES, status=status, json={"message": "x"})

    with pytest.raises(AnswerLost):
        github.open_issue(SHOP, "t", "b")
    assert len(_to_issues(http)) == 1


@pytest.mark.parametrize(
    "body", ["{", "[]", "null", "", '"x"', "{}", '{"number": null}', '{"number": "1"}', "<html>"]
)
def test_an_answer_that_cannot_be_read_is_lost(
    http: responses.RequestsMock, github: Client, body: str
) -> None:
    http.post(ISSUES, body=body, status=201, content_type="application/json")

    with pytest.raises(AnswerLost):
        github.open_issue(SHOP, "t", "b")


def test_the_redirection_of_a_renamed_repository_is_not_an_answer(
    http: responses.RequestsMock, github: Client
) -> None:
    http.patch(
        f"{ISSUES}/1",
        status=307,
        json={"message": "Moved Permanently", "url": f"{API}/repositories/7/issues/1"},
    )

    with pytest.raises(NotAnswered):
        github.change_issue(SHOP, 1, IssueChange(body="b"))


@pytest.mark.parametrize("body", ["{", "[]", "null", "", '{"permission": "owner"}', '{"message": "x"}'])
def test_a_right_that_cannot_be_read_is_no_answer(
    http: responses.RequestsMock, github: Client, body: str
) -> None:
    http.get(f"{API}/repos/acme/shop/collaborators/ana/permission", body=body)

    with pytest.raises(NotAnswered):
        github.permission_of(SHOP, "ana")


def test_a_role_of_an_organisations_own_making_counts_as_its_base(
    http: responses.RequestsMock, github: Client
) -> None:
    http.get(
        f"{API}/repos/acme/shop/collaborators/ana/permission",
        json={"permission": "write", "role_name": "release-manager"},
    )

    assert github.permission_of(SHOP, "ana").includes_write


def test_the_pause_until_an_hour_is_over_is_told(http: responses.RequestsMock, github: Client) -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 1_000)}
    http.get(
        f"{API}/users/ana", status=403, headers=headers, json={"message": "API rate limit exceeded for x"}
    )

    with pytest.raises(NotAnswered) as caught:
        github.user("ana")
    assert caught.value.retry_after_seconds == pytest.approx(1_000, abs=30)


def test_without_a_time_a_refusal_for_haste_costs_a_minute(
    http: responses.RequestsMock, github: Client
) -> None:
    http.post(ISSUES, status=403, json={"message": "You have exceeded a secondary rate limit. Wait."})

    with pytest.raises(NotAnswered) as caught:
        github.open_issue(SHOP, "t", "b")
    assert caught.value.retry_after_seconds == HASTE_SECONDS


def test_a_missing_permission_is_named(http: responses.RequestsMock, github: Client) -> None:
    headers = {"x-accepted-github-permissions": "issues=write"}
    http.post(ISSUES, status=403, headers=headers, json={"message": "Resource not accessible by integration"})

    with pytest.raises(Denied, match="issues=write") as caught:
        github.open_issue(SHOP, "t", "b")
    assert caught.value.status == 403


def test_a_token_that_github_refuses_is_fetched_again_once(
    http: responses.RequestsMock, github: Client
) -> None:
    http.get(f"{API}/users/ana", status=401, json={"message": "Bad credentials"})

    with pytest.raises(Unaccepted):
        github.user("ana")
    assert len([call for call in http.calls if call.request.url == TOKENS]) == 2


def test_a_token_that_ends_soon_is_not_used(app_key: KeyPair) -> None:
    with responses.RequestsMock() as http, App(id=1, private_key=app_key.private_pem, api_url=API) as app:
        soon = datetime.fromtimestamp(time.time() + 30, UTC).isoformat()
        http.post(TOKENS, json={"token": "ghs_x", "expires_at": soon}, status=201)
        http.get(f"{API}/users/ana", json={"id": 1, "login": "ana", "type": "User"})

        github = app.installation(5)
        github.user("ana")
        before = len([call for call in http.calls if call.request.url == TOKENS])
        github.user("ana")

        assert len([call for call in http.calls if call.request.url == TOKENS]) > before


def test_a_token_that_is_denied_makes_the_question_wait(app_key: KeyPair) -> None:
    with responses.RequestsMock() as http, App(id=1, private_key=app_key.private_pem, api_url=API) as app:
        http.post(TOKENS, json={"message": "not granted"}, status=422)

        with pytest.raises(Unaccepted, match="Accept the App's permissions"):
            app.installation(5).user("ana")


def test_no_token_is_asked_for_more_than_is_used(http: responses.RequestsMock, github: Client) -> None:
    http.get(f"{API}/users/ana", json={"id": 1, "login": "ana", "type": "User"})

    github.user("ana")

    body = http.calls[0].request.body
    assert isinstance(body, str | bytes)
    assert json.loads(body)["permissions"] == PERMISSIONS
    assert not {"administration", "workflows", "deployments"} & set(PERMISSIONS)
    assert PERMISSIONS["contents"] == "read"


@pytest.mark.parametrize(("status", "answer"), [(200, True), (404, False)])
def test_a_member_of_a_team_is_an_active_one(
    http: responses.RequestsMock, github: Client, status: int, answer: bool
) -> None:
    http.get(
        f"{API}/orgs/acme/teams/dba/memberships/ana",
        status=status,
        json={"state": "active", "message": "Not Found"},
    )

    assert github.is_team_member("acme", "dba", "ana") is answer


def test_an_invited_member_is_none_yet(http: responses.RequestsMock, github: Client) -> None:
    http.get(f"{API}/orgs/acme/teams/dba/memberships/ana", json={"state": "pending"})

    assert not github.is_team_member("acme", "dba", "ana")


def test_a_label_that_is_there_is_left_alone(http: responses.RequestsMock, github: Client) -> None:
    http.get(f"{ISSUES}/1/labels", json=[{"name": "wo:done"}, {"name": "bug"}])

    github.set_state_label(SHOP, 1, State.DONE)

    assert len(_to_issues(http)) == 1


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(Unreadable, match="PEM"):
        App(id=1, private_key="x", api_url=API)


def _to_issues(http: responses.RequestsMock) -> list[str]:
    return [str(call.request.url) for call in http.calls if str(call.request.url).startswith(ISSUES)]
