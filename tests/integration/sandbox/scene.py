"""A scene with one thing of each kind, and for each route of the API a request that it serves."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import urllib3

from bot.sandbox.records import Annotation, Button, CheckRun
from tests.plugins.sandbox import REPO, ServedSandbox


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer, its JSON parsed."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Api:
    """A client without any cleverness of its own."""

    root: str
    http: urllib3.PoolManager

    def send(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        body: object = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request; `path` is not yet percent-encoded."""
        url = self.root + quote(path) + ("?" + urlencode(query) if query else "")
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        answer = self.http.request(method, url, body=data, headers=sent, retries=False)
        parsed = json.loads(answer.data) if answer.data else None
        return Reply(status=answer.status, body=parsed, headers=answer.headers)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A request that the route serves with `status`; placeholders are filled from the scene."""

    status: int = 200
    body: object = None
    query: Mapping[str, object] = field(default_factory=dict)
    #: Values that differ from the scene's.
    path: Mapping[str, str] = field(default_factory=dict)


#: A commit of the scene.
HEAD = "c0ffee" * 6 + "c0ff"
CHECK: Mapping[str, Any] = {
    "name": "lockkeeper/shop",
    "status": "completed",
    "conclusion": "action_required",
    "details_url": "https://example.com/1",
    "output": {
        "title": "Waits for an approval",
        "summary": "One step scans.",
        "annotations": [
            {
                "path": "a.sql",
                "start_line": 1,
                "end_line": 2,
                "annotation_level": "warning",
                "message": "scans",
            }
        ],
    },
    "actions": [{"label": "Approve", "description": "Approve the plan", "identifier": "approve"}],
}

EXAMPLES: Mapping[str, Example] = {
    "GET /app": Example(),
    "GET /app/installations": Example(),
    "GET /app/installations/{installation_id}": Example(),
    "POST /app/installations/{installation_id}/access_tokens": Example(
        status=201, body={"permissions": {"issues": "write"}, "repositories": ["shop"]}
    ),
    "GET /app/hook/deliveries": Example(query={"per_page": 5}),
    "GET /app/hook/deliveries/{delivery_id}": Example(),
    "POST /app/hook/deliveries/{delivery_id}/attempts": Example(status=202),
    "GET /repos/{owner}/{repo}/installation": Example(),
    "GET /installation/repositories": Example(),
    "GET /repos/{owner}/{repo}": Example(),
    "GET /repos/{owner}/{repo}/contents/{path}": Example(query={"ref": "main"}),
    "GET /repos/{owner}/{repo}/collaborators/{username}/permission": Example(),
    "GET /users/{username}": Example(),
    "GET /user/{account_id}": Example(),
    "GET /rate_limit": Example(),
    "GET /repos/{owner}/{repo}/issues": Example(query={"state": "all"}),
    "POST /repos/{owner}/{repo}/issues": Example(
        status=201, body={"title": "Widen ids", "body": "Soon.", "labels": ["wo:analysing"]}
    ),
    "GET /repos/{owner}/{repo}/issues/{issue_number}": Example(),
    "PATCH /repos/{owner}/{repo}/issues/{issue_number}": Example(
        body={"title": "Wider", "state": "closed", "state_reason": "completed", "labels": ["wo:done"]}
    ),
    "GET /repos/{owner}/{repo}/issues/comments": Example(query={"sort": "updated"}),
    "GET /repos/{owner}/{repo}/issues/{issue_number}/comments": Example(),
    "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": Example(status=201, body={"body": "Hello."}),
    "GET /repos/{owner}/{repo}/issues/comments/{comment_id}": Example(),
    "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}": Example(body={"body": "Goodbye."}),
    "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}": Example(status=204),
    "GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions": Example(),
    "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions": Example(
        status=201, body={"content": "rocket"}
    ),
    "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions/{reaction_id}": Example(status=204),
    "GET /repos/{owner}/{repo}/issues/{issue_number}/reactions": Example(),
    "POST /repos/{owner}/{repo}/issues/{issue_number}/reactions": Example(
        status=201, body={"content": "rocket"}
    ),
    "DELETE /repos/{owner}/{repo}/issues/{issue_number}/reactions/{reaction_id}": Example(
        status=204, path={"reaction_id": "issue_reaction_id"}
    ),
    "GET /repos/{owner}/{repo}/labels": Example(),
    "POST /repos/{owner}/{repo}/labels": Example(
        status=201, body={"name": "wo:new", "color": "0e8a16", "description": "New"}
    ),
    "GET /repos/{owner}/{repo}/labels/{name}": Example(),
    "PATCH /repos/{owner}/{repo}/labels/{name}": Example(body={"color": "ffffff", "new_name": "wo:other"}),
    "GET /repos/{owner}/{repo}/issues/{issue_number}/labels": Example(),
    "POST /repos/{owner}/{repo}/issues/{issue_number}/labels": Example(body={"labels": ["wo:soaking"]}),
    "PUT /repos/{owner}/{repo}/issues/{issue_number}/labels": Example(body={"labels": ["wo:soaking"]}),
    "DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}": Example(),
    "POST /repos/{owner}/{repo}/check-runs": Example(status=201, body={**CHECK, "head_sha": HEAD}),
    "GET /repos/{owner}/{repo}/check-runs/{check_run_id}": Example(),
    "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}": Example(body=CHECK),
    "GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations": Example(query={"per_page": 100}),
    "GET /repos/{owner}/{repo}/commits/{ref}/check-runs": Example(
        query={"check_name": "lockkeeper/shop", "filter": "latest", "app_id": 4711}
    ),
    "GET /orgs/{org}/teams/{team_slug}/memberships/{username}": Example(),
    "GET /repos/{owner}/{repo}/pulls": Example(query={"state": "all", "head": "acme:widen"}),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}": Example(),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/files": Example(query={"per_page": 100}),
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/commits": Example(query={"per_page": 100}),
}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A served sandbox in which every placeholder of every route has a value."""

    sandbox: ServedSandbox
    api: Api
    values: Mapping[str, str]

    def token(self, permissions: Mapping[str, str] | None = None) -> str:
        """An installation's token with exactly these permissions, or all that it has."""
        return self.sandbox.state.issue_token(self.sandbox.installation_id, permissions).token

    def path(self, pattern: str, example: Example) -> str:
        """The pattern with the scene's values."""
        values = {**self.values, **{name: self.values[other] for name, other in example.path.items()}}
        return pattern.format(**values)


def app_jwt(sandbox: ServedSandbox, **claims: object) -> str:
    """The App's JWT, good for five minutes unless the claims say otherwise."""
    now = int(sandbox.state.clock().timestamp())
    usual = {"iat": now - 30, "exp": now + 300, "iss": str(sandbox.app_id)}
    return jwt.encode({**usual, **claims}, sandbox.private_key_pem, algorithm="RS256")


def set_scene(sandbox: ServedSandbox, api: Api) -> Scene:
    """An issue with a label, a comment, reactions of the App, a file and a delivery."""
    state = sandbox.state
    # Nothing listens there: the attempt fails at once and is recorded, which is all that is needed.
    state.webhook_url = "http://127.0.0.1:1/"
    state.ping()
    assert state.wait_until_sent()
    state.webhook_url = None
    state.put_file(REPO, "db/migrations/0042_ids.sql", "alter table orders alter id type bigint;\n")
    issue = state.open_issue_as("ana", REPO, "Ids run out", "Please.", labels=["wo:database-migration"])
    comment = state.comment_as("dba", REPO, issue.number, "/wo help")
    state.label_as("ana", REPO, issue.number, "wo:help/now")
    state.pulls.push_as("ana", REPO, "widen", {"db/migrations/0043_more.sql": "select 1;\n"})
    state.pulls.push_as(
        "ana", REPO, "widen", {"db/migrations/0042_ids.sql": None, "README.md": "Shop\n"}, is_attributed=False
    )
    pull = state.pulls.open_as("ana", REPO, "Widen ids", head="widen", labels=["wo:database-migration"])
    # A request in the examples names the commit, so that its name has to be known before.
    state.state.commits[HEAD] = dataclasses.replace(state.state.commits[pull.head_sha], sha=HEAD)
    remark = Annotation(path="a.sql", start_line=1, end_line=1, level="notice", message="scans")
    button = Button(label="Approve", description="Approve the plan", identifier="approve")
    run = state.checks.add(
        CheckRun(
            id=state.state.next_id(),
            repository_id=state.repository(REPO).id,
            name="lockkeeper/shop",
            head_sha=pull.head_sha,
            status="queued",
            started_at=state.clock(),
            annotations=(remark,),
            buttons=(button,),
        )
    )
    state.teams.add("acme/dba")
    state.teams.join("acme/dba", "dba", role="maintainer")
    with state.lock:
        on_comment = state.actions.react(comment, state.app.bot, "eyes")
        on_issue = state.actions.react(issue, state.app.bot, "eyes")
    return Scene(
        sandbox=sandbox,
        api=api,
        values={
            "owner": "acme",
            "repo": "shop",
            "installation_id": str(sandbox.installation_id),
            "delivery_id": str(state.deliveries()[-1].id),
            "path": "db/migrations/0042_ids.sql",
            "username": "dba",
            "check_run_id": str(run.id),
            "ref": pull.head_sha,
            "org": "acme",
            "team_slug": "dba",
            "account_id": str(state.user("dba").id),
            "issue_number": str(issue.number),
            "pull_number": str(pull.number),
            "comment_id": str(comment.id),
            "reaction_id": str(on_comment.id),
            "issue_reaction_id": str(on_issue.id),
            "name": "wo:help/now",
        },
    )
