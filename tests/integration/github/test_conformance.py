"""Every request that the client sends is one that GitHub describes."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import requests
import responses
from requests.adapters import HTTPAdapter

from bot.github.app import App
from bot.github.checks import Annotation, Button, CheckRun
from bot.github.port import GitHub, IssueChange
from tests.openapi.conformance import Conformance
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.order import Repository, State


def _ask_everything(app: App, github: GitHub, shop: Repository, pull_number: int) -> set[str]:
    """Calls each method of the port; gives their names."""
    since = datetime(2020, 1, 1, tzinfo=UTC)
    app.identity()
    app.find_repository(REPO)
    number = github.open_issue(shop, "title", "body")
    comment_id = github.comment(shop, number, "text")
    github.change_issue(shop, number, IssueChange(title="t", body="b"))
    github.change_issue(shop, number, IssueChange(state="closed", state_reason="not_planned"))
    github.change_issue(shop, number, IssueChange(state="open", state_reason="reopened"))
    github.edit_comment(shop, comment_id, "other")
    github.own_issues(shop, since)
    github.own_comments(shop, number, since)
    for reaction in ("eyes", "+1", "confused", "rocket"):
        github.react(shop, number, None, reaction)
        github.react(shop, number, comment_id, reaction)
    for state in State:
        github.set_state_label(shop, number, state)
    github.permission_of(shop, "ana")
    github.read_file(shop, ".github/lockkeeper.yml", "main")
    github.list_directory(shop, ".github")
    found = github.pull_request(shop, pull_number, ("**/*.sql",))
    assert found is not None
    _set_checks(github, shop, found.head)
    github.is_team_member("acme", "dba", "ana")
    github.user("ana")
    github.repository(REPO)
    return {
        *("pull_request", "is_team_member", "set_check_run"),
        *("open_issue", "change_issue", "comment", "edit_comment", "own_issues", "own_comments", "react"),
        *("set_state_label", "permission_of", "read_file", "list_directory", "user", "repository"),
    }


def _set_checks(github: GitHub, shop: Repository, head: str) -> None:
    remarks = tuple(
        Annotation(path="db/0042 ids.sql", line=1, level="warning", message=str(number))
        for number in range(60)
    )
    button = Button(label="Approve", description="Approve the plan", identifier="approve")
    check = CheckRun(
        name="lockkeeper/shop",
        head=head,
        status="in_progress",
        title="Rehearsing",
        summary="",
        annotations=remarks[:3],
        buttons=(button,),
    )
    github.set_check_run(shop, check)
    done = dataclasses.replace(check, status="completed", conclusion="success", annotations=remarks)
    github.set_check_run(shop, dataclasses.replace(done, details_url="https://example.com"))


@pytest.fixture(scope="session")
def conformance() -> Conformance:
    return Conformance()


def test_each_request_is_described_by_github(
    app: App, shop: Repository, sandbox: ServedSandbox, conformance: Conformance
) -> None:
    sandbox.state.put_file(REPO, ".github/lockkeeper.yml", "version: 1\n")
    sandbox.state.pulls.push_as("ana", REPO, "widen", {"db/0042 ids.sql": "select 1;"})
    pull = sandbox.state.pulls.open_as("ana", REPO, "Widen ids", head="widen")
    with responses.RequestsMock() as http:
        http.add_passthru(sandbox.api_url)
        asked: list[requests.PreparedRequest] = []
        send = http._on_request

        def remember(
            adapter: HTTPAdapter, request: requests.PreparedRequest, **named: Any
        ) -> requests.Response:
            asked.append(request)
            return send(adapter, request, **named)

        http._on_request = remember  # type: ignore[method-assign] # it has no hook for passed requests
        done = _ask_everything(app, app.installation(sandbox.installation_id), shop, pull.number)

    assert done == {name for name in vars(GitHub) if not name.startswith("_")}
    assert len(asked) > len(done)
    for request in asked:
        url = urlsplit(str(request.url))
        path = unquote(url.path.removeprefix("/api/v3"))
        body = json.loads(cast(str, request.body)) if request.body else None
        conformance.check_request(str(request.method), path, dict(parse_qsl(url.query)), body)
