"""Pull requests of the sandbox: what people do to them shows in the API and is told to the App."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.answers import Refusal
from bot.sandbox.sandbox import Sandbox
from tests.integration.sandbox.hook import Listener, listening
from tests.integration.sandbox.scene import Api
from tests.plugins.sandbox import REPO, ServedSandbox

EXAMPLES = json.loads((Path(__file__).parents[2] / "payloads" / "octokit-code-examples.json").read_text())
SQL = "db/migrations/0042_ids.sql"


@pytest.fixture
def hub(sandbox: ServedSandbox) -> Sandbox:
    sandbox.state.put_file(REPO, "README.md", "Shop\n")
    return sandbox.state


@pytest.fixture
def hook(hub: Sandbox) -> Iterator[Listener]:
    with listening() as listener:
        hub.webhook_url = listener.url
        yield listener


def _opened(hub: Sandbox) -> int:
    hub.pulls.push_as("ana", REPO, "widen", {SQL: "select 1;\n"})
    return hub.pulls.open_as("ana", REPO, "Widen ids", head="widen", labels=["a"]).number


def test_its_number_follows_that_of_the_issues(hub: Sandbox) -> None:
    hub.open_issue_as("ana", REPO, "One")

    assert _opened(hub) == 2
    assert hub.open_issue_as("ana", REPO, "Three").number == 3


def test_each_happening_is_told_once_and_in_order(hub: Sandbox, hook: Listener) -> None:
    number = _opened(hub)
    first = hub.pulls.pull(REPO, number).head_sha
    second = hub.pulls.push_as("dba", REPO, "widen", {SQL: "select 2;\n"})
    hub.comment_as("dba", REPO, number, "hello")
    hub.label_as("dba", REPO, number, "b")
    hub.unlabel_as("dba", REPO, number, "a")
    hub.close_as("dba", REPO, number)
    hub.reopen_as("dba", REPO, number)
    hub.pulls.merge_as("dba", REPO, number)

    assert hub.wait_until_sent()
    told = [each.name for each in hook.received]
    assert told == [
        "push", "pull_request.opened", "pull_request.labeled", "push", "pull_request.synchronize",
        "issue_comment.created", "pull_request.labeled", "pull_request.unlabeled", "pull_request.closed",
        "pull_request.reopened", "pull_request.closed", "push",
    ]  # fmt: skip
    moved = hook.received[4].payload
    assert (moved["before"], moved["after"], moved["sender"]["login"]) == (first, second, "dba")
    assert moved["pull_request"]["head"]["sha"] == second
    assert hook.received[5].payload["issue"]["pull_request"]["url"].endswith(f"/pulls/{number}")
    assert [hook.received[at].payload["pull_request"]["merged"] for at in (8, 10)] == [False, True]


def test_a_payload_has_the_fields_of_githubs_example(hub: Sandbox, hook: Listener) -> None:
    number = _opened(hub)
    hub.pulls.push_as("dba", REPO, "widen", {SQL: "select 2;\n"})
    hub.unlabel_as("dba", REPO, number, "a")
    hub.close_as("dba", REPO, number)
    hub.reopen_as("dba", REPO, number)
    assert hub.wait_until_sent()
    sent = {each.name: each.payload for each in hook.received}

    for each in EXAMPLES:
        event, example = each["event"], each["payload"]
        name = f"{event}.{example['action']}" if "action" in example else event
        if name in sent:
            told = sent.pop(name)
            assert set(example) - {"enterprise"} <= set(told)
            assert set(example.get("pull_request", {})) <= set(told.get("pull_request", {}))
            assert set(example.get("head_commit", {})) <= set(told.get("head_commit", {}))
    assert set(sent) == {"pull_request.labeled"}


def test_a_draft_becomes_ready(hub: Sandbox, hook: Listener) -> None:
    hub.pulls.push_as("ana", REPO, "widen", {SQL: "select 1;\n"})
    number = hub.pulls.open_as("ana", REPO, "Widen ids", head="widen", draft=True).number

    assert hub.pulls.pull(REPO, number).draft
    hub.pulls.ready_as("ana", REPO, number)

    assert hub.wait_until_sent()
    assert not hub.pulls.pull(REPO, number).draft
    assert hook.names[-1] == "pull_request.ready_for_review"


def test_a_merge_brings_the_change_to_the_base_and_keeps_what_came_there(hub: Sandbox) -> None:
    number = _opened(hub)
    hub.put_file(REPO, "other.txt", "meanwhile\n")
    hub.pulls.merge_as("dba", REPO, number)

    repository = hub.repository(REPO)
    files = hub.state.commits[repository.branches["main"]].files
    assert files == {"README.md": "Shop\n", "other.txt": "meanwhile\n", SQL: "select 1;\n"}
    assert [each.path for each in hub.pulls.files(hub.pulls.pull(REPO, number))] == [SQL]
    with pytest.raises(Refusal):
        hub.reopen_as("dba", REPO, number)
    with pytest.raises(Refusal):
        hub.pulls.merge_as("dba", REPO, number)


def test_what_the_base_has_gained_is_no_change_of_the_head(hub: Sandbox) -> None:
    number = _opened(hub)
    hub.put_file(REPO, "README.md", "Ship\n")
    hub.pulls.push_as("ana", REPO, "widen", {"b.txt": "b\n"})

    pull = hub.pulls.pull(REPO, number)
    assert [(each.path, each.status) for each in hub.pulls.files(pull)] == [
        ("b.txt", "added"),
        (SQL, "added"),
    ]
    assert len(hub.pulls.commits(pull)) == 2


def test_a_forced_push_takes_commits_away(hub: Sandbox, hook: Listener) -> None:
    number = _opened(hub)
    base = hub.repository(REPO).branches["main"]
    hub.pulls.push_as("ana", REPO, "widen", {"b.txt": "b\n"}, onto=base)

    assert hub.wait_until_sent()
    assert [each.path for each in hub.pulls.files(hub.pulls.pull(REPO, number))] == ["b.txt"]
    assert [each.payload["forced"] for each in hook.received if each.event == "push"] == [False, True]


def test_a_push_to_a_fork_is_told_of_the_pull_request_alone(hub: Sandbox, hook: Listener) -> None:
    fork = hub.pulls.fork_as("mallory", REPO).full_name
    hub.pulls.push_as("mallory", fork, "evil", {SQL: "select 1;\n"})
    hub.pulls.open_as("mallory", REPO, "Help", head="mallory:evil")
    hub.pulls.push_as("mallory", fork, "evil", {SQL: "select 2;\n"})

    assert hub.wait_until_sent()
    assert hook.names == ["pull_request.opened", "pull_request.synchronize"]
    assert hook.received[0].payload["pull_request"]["head"]["repo"]["full_name"] == fork


@pytest.mark.parametrize("head", ["main", "nowhere", "mallory:main"])
def test_without_a_difference_there_is_no_pull_request(hub: Sandbox, head: str) -> None:
    with pytest.raises(Refusal):
        hub.pulls.open_as("ana", REPO, "Nothing", head=head)
    assert hub.issues(REPO) == []


def test_the_list_is_by_state_and_head(hub: Sandbox, sandbox: ServedSandbox, api: Api) -> None:
    token, path = sandbox.token_of("ana"), f"/repos/{REPO}/pulls"
    _opened(hub)
    hub.pulls.push_as("ana", REPO, "other", {"b.txt": "b\n"})
    hub.close_as("ana", REPO, hub.pulls.open_as("ana", REPO, "Other", head="other").number)

    def listed(**query: object) -> list[int]:
        return [each["number"] for each in api.send("GET", path, token=token, query=query).body]

    assert listed() == [1]
    assert listed(state="all") == [2, 1]
    assert listed(state="all", sort="updated") == [1, 2]
    assert listed(state="closed", head="acme:other") == [2]
    assert listed(state="all", base="elsewhere") == []
    issues = api.send("GET", f"/repos/{REPO}/issues", token=token).body
    assert [("pull_request" in each, each["html_url"].endswith("/pull/1")) for each in issues] == [
        (True, True)
    ]
