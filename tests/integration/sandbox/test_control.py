import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3

from bot.sandbox.seed import UnreadableSeed, plant
from tests.integration.sandbox.scene import Api
from tests.plugins.sandbox import REPO, KeyPair, ServedSandbox

SEED: Mapping[str, Any] = {
    "users": [{"login": "ana", "name": "Ana"}, {"login": "dba"}],
    "teams": {"acme/dba": ["dba"]},
    "repositories": [
        {
            "full_name": REPO,
            "roles": {"ana": "write", "dba": "maintain"},
            "files": {".github/lockkeeper.yml": "version: 1\n"},
            "issues": [{"as": "ana", "title": "Ids run out", "body": "Soon.", "labels": ["bug"]}],
        }
    ],
}


def _turn(http: urllib3.PoolManager, url: str, name: str, headers: Mapping[str, str], **fields: Any) -> Any:
    sent = {"Content-Type": "application/json", **headers}
    data = json.dumps(fields).encode()
    answer = http.request("POST", f"{url}/_control/{name}", body=data, headers=sent, retries=False)
    return answer.status, json.loads(answer.data) if answer.headers["Content-Type"].startswith(
        "app"
    ) else None


def test_driver_plays_people_and_reads_what_there_is(sandbox: ServedSandbox, api: Api) -> None:
    def turn(name: str, **fields: Any) -> Any:
        status, body = _turn(api.http, sandbox.url, name, {}, **fields)
        assert status == 200, body
        return body

    turn("add_user", login="new")
    turn("grant", repo=REPO, login="new", role="write")
    issue = turn("open_issue", **{"as": "new"}, repo=REPO, title="One", labels=["a"])
    comment = turn("comment", **{"as": "dba"}, repo=REPO, number=issue["number"], body="/wo help")
    turn("edit_comment", **{"as": "dba"}, repo=REPO, id=comment["id"], body="/wo why")
    turn("edit_issue", **{"as": "dba"}, repo=REPO, number=issue["number"], state="closed", labels=[])
    turn("put_file", repo=REPO, path="a.txt", text="a")

    (listed,) = turn("issues", repo=REPO)
    assert (listed["user"]["login"], listed["state"], listed["labels"]) == ("new", "closed", [])
    (kept,) = turn("comments", repo=REPO, number=issue["number"])
    assert (kept["user"]["login"], kept["body"]) == ("dba", "/wo why")
    assert turn("reactions", repo=REPO, number=issue["number"]) == []
    assert turn("about")["installation_ids"] == [sandbox.installation_id]
    assert turn("wait_until_sent", timeout_seconds=5) == {"sent": True}
    assert turn("deliveries") == []


def test_driver_plays_a_pull_request_and_arranges_teams(sandbox: ServedSandbox, api: Api) -> None:
    def turn(name: str, **fields: Any) -> Any:
        status, body = _turn(api.http, sandbox.url, name, {}, **fields)
        assert status == 200, body
        return body

    ana = {"as": "ana", "repo": REPO}
    turn("put_file", repo=REPO, path="README.md", text="Shop\n")
    fork = turn("fork", **ana)["full_name"]
    first = turn("push", **{**ana, "repo": fork}, branch="widen", files={"a.sql": "select 1;\n"})["sha"]
    pull = turn("open_pull_request", **ana, title="Widen", head="ana:widen", draft=True, labels=["a"])
    turn("ready_for_review", **ana, number=pull["number"])
    second = turn(
        "push", **{**ana, "repo": fork}, branch="widen", files={"b.sql": "select 2;\n"}, author=None
    )["sha"]
    turn("comment", **ana, number=pull["number"], body="wo:start database-migration")
    turn("edit_issue", **ana, number=pull["number"], labels=["b"])
    merged = turn("merge", **ana, number=pull["number"])
    turn("add_team", team="acme/dba")
    turn("add_team", team="acme/oncall", parent="dba", secret=True)
    turn("join_team", team="acme/oncall", login="dba", state="pending")

    assert (pull["head"]["sha"], merged["head"]["sha"], merged["merged"]) == (first, second, True)
    assert [each["number"] for each in turn("pull_requests", repo=REPO)] == [pull["number"]]
    team, dba = sandbox.state.state.team(sandbox.state.user("acme"), "dba"), sandbox.state.user("dba")
    member = sandbox.state.teams.membership(team, dba)
    assert member is not None
    assert member.state == "pending"
    turn("leave_team", team="acme/oncall", login="dba")
    assert sandbox.state.teams.membership(team, dba) is None


def test_fault_is_planned_from_outside(sandbox: ServedSandbox, api: Api) -> None:
    _turn(api.http, sandbox.url, "plan_fault", {}, when="instead", status=502)

    assert api.send("GET", "/users/ana", token=sandbox.token_of("ana")).status == 502
    assert api.send("GET", "/users/ana", token=sandbox.token_of("ana")).status == 200


@pytest.mark.parametrize(
    ("name", "fields", "status"),
    [
        ("nothing", {}, 404),
        ("_sandbox", {}, 404),
        ("comment", {"as": "ana"}, 422),
        ("comment", {"as": "ana", "repo": REPO, "number": 99, "body": "x"}, 404),
        ("grant", {"repo": REPO, "login": "ana", "role": "king"}, 422),
        ("plan_fault", {"when": "never"}, 422),
        ("add_user", {"login": "ana"}, 422),
    ],
)
def test_control_that_cannot_be_turned_says_why(
    sandbox: ServedSandbox, api: Api, name: str, fields: dict[str, Any], status: int
) -> None:
    answered, body = _turn(api.http, sandbox.url, name, {}, **fields)

    assert answered == status
    assert body["message"]


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://example.com"}, {"Content-Type": "text/plain"}, {"Host": "example.com"}],
)
def test_page_of_a_browser_cannot_turn_a_control(
    sandbox: ServedSandbox, api: Api, headers: dict[str, str]
) -> None:
    assert _turn(api.http, sandbox.url, "about", headers)[0] == 403


def test_seed_with_an_unknown_key_names_it_and_the_known_ones(sandbox: ServedSandbox) -> None:
    with pytest.raises(UnreadableSeed, match=r"repository has licence; it may have .*full_name"):
        plant(sandbox.state, {"repositories": [{"full_name": "a/b", "licence": "MIT"}]})


@pytest.fixture
def process(tmp_path: Path, app_key: KeyPair) -> Iterator["subprocess.Popen[str]"]:
    files = {"secret": "s\n", "key.pem": app_key.public_pem, "seed.json": json.dumps(SEED)}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    arguments = ["--app-id", "1", "--webhook-secret-file", "secret", "--public-key-file", "key.pem"]
    command = [sys.executable, "-m", "bot.sandbox", *arguments, "--seed", "seed.json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.kill()


def test_process_says_where_it_serves_and_ends_when_told(process: "subprocess.Popen[str]", api: Api) -> None:
    assert process.stdout is not None
    about = json.loads(process.stdout.readline())

    status, issues = _turn(api.http, about["url"], "issues", {}, repo=REPO)
    process.send_signal(signal.SIGTERM)

    assert (status, [each["title"] for each in issues]) == (200, ["Ids run out"])
    assert about["api_url"] == about["url"] + "/api/v3"
    assert process.wait(timeout=30) == 0
