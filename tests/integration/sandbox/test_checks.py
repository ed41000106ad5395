"""Check runs of the sandbox: GitHub's limits, and what is told of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.answers import Refusal
from tests.integration.sandbox.hook import listening
from tests.integration.sandbox.scene import CHECK, HEAD, Scene
from tests.plugins.sandbox import REPO

EXAMPLES = json.loads((Path(__file__).parents[2] / "payloads" / "octokit-code-examples.json").read_text())
NOTE: dict[str, Any] = {**CHECK["output"]["annotations"][0]}
BUTTON: dict[str, str] = {"label": "x" * 20, "description": "x" * 40, "identifier": "x" * 20}


def _output(**more: Any) -> dict[str, Any]:
    return {"output": {"title": "t", "summary": "s", **more}}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (_output(annotations=[NOTE] * 50), 201),
        (_output(annotations=[NOTE] * 51), 422),
        (_output(annotations=[{**NOTE, "annotation_level": "error"}]), 422),
        (_output(annotations=[{**NOTE, "start_line": 3}]), 422),
        (_output(annotations=[{**NOTE, "start_column": 1}]), 422),
        (_output(annotations=[{**NOTE, "message": "x" * 65_537}]), 422),
        (_output(summary="x" * 65_536), 422),
        ({"output": {"title": "t"}}, 422),
        ({"actions": [BUTTON] * 3}, 201),
        ({"actions": [BUTTON] * 4}, 422),
        *(({"actions": [{**BUTTON, name: text + "x"}]}, 422) for name, text in BUTTON.items()),
        ({"status": "completed"}, 422),
        ({"status": "done"}, 422),
        ({"conclusion": "fine"}, 422),
        ({"conclusion": "neutral"}, 201),
        ({"head_sha": "0" * 40}, 422),
    ],
)
def test_githubs_limits_are_kept(scene: Scene, fields: dict[str, Any], status: int) -> None:
    body = {"name": "n", "head_sha": HEAD, **fields}

    reply = scene.api.send("POST", f"/repos/{REPO}/check-runs", token=scene.token(), body=body)

    assert reply.status == status, reply.body


def test_people_write_no_check_runs(scene: Scene) -> None:
    body = {"name": "n", "head_sha": HEAD}
    token = scene.sandbox.token_of("dba")

    assert scene.api.send("POST", f"/repos/{REPO}/check-runs", token=token, body=body).status == 403


def test_annotations_come_to_those_that_are_there(scene: Scene) -> None:
    path = f"/repos/{REPO}/check-runs/{scene.values['check_run_id']}"
    answer = scene.api.send("PATCH", path, token=scene.token(), body=_output(annotations=[NOTE, NOTE]))

    assert answer.body["output"]["annotations_count"] == 3


def test_of_each_name_the_newest_is_listed_unless_all_are_asked_for(scene: Scene) -> None:
    token, path = scene.token(), f"/repos/{REPO}/check-runs"
    for name in ("a", "a", "b"):
        scene.api.send("POST", path, token=token, body={"name": name, "head_sha": HEAD})

    def listed(**query: object) -> list[str]:
        answer = scene.api.send("GET", f"/repos/{REPO}/commits/{HEAD}/check-runs", token=token, query=query)
        assert answer.body["total_count"] == len(answer.body["check_runs"])
        return [each["name"] for each in answer.body["check_runs"]]

    assert listed() == ["b", "a"]
    assert listed(filter="all") == ["b", "a", "a"]
    assert listed(check_name="a", app_id=4711) == ["a"]
    assert listed(app_id=1) == []
    assert listed(status="completed") == []


def test_what_people_press_is_told_as_github_tells_it(scene: Scene) -> None:
    state, run_id = scene.sandbox.state, int(scene.values["check_run_id"])
    with listening() as hook:
        state.webhook_url = hook.url
        state.checks.press_as("dba", REPO, run_id, "approve")
        with pytest.raises(Refusal):
            state.checks.press_as("dba", REPO, run_id, "another")
        with pytest.raises(Refusal):
            state.checks.rerequest_as("dba", REPO, run_id)
        scene.api.send("PATCH", f"/repos/{REPO}/check-runs/{run_id}", token=scene.token(), body=dict(CHECK))
        state.checks.rerequest_as("dba", REPO, run_id)
        scene.api.send(
            "POST", f"/repos/{REPO}/check-runs", token=scene.token(), body={"name": "n", "head_sha": HEAD}
        )
        assert state.wait_until_sent()
        sent = {each.name: each.payload for each in hook.received}

    assert list(sent) == [
        *("check_run.requested_action", "check_run.completed", "check_run.rerequested", "check_run.created"),
    ]
    pressed = sent["check_run.requested_action"]
    assert (pressed["requested_action"], pressed["sender"]["login"]) == ({"identifier": "approve"}, "dba")
    for each in EXAMPLES:
        if each["event"] == "check_run":
            told, example = sent[f"check_run.{each['payload']['action']}"], each["payload"]
            assert set(example) <= set(told)
            assert set(example["check_run"]) - {"deployment"} <= set(told["check_run"])
            assert set(example["check_run"]["check_suite"]) <= set(told["check_run"]["check_suite"])
