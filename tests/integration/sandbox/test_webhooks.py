import hmac
import uuid
from collections.abc import Iterator

import pytest

from bot.sandbox import Change, Mishap
from bot.sandbox.webhooks import sign
from tests.integration.sandbox.hook import Listener, listening
from tests.integration.sandbox.scene import Api, app_jwt
from tests.plugins.sandbox import REPO, ServedSandbox


@pytest.fixture
def hook(sandbox: ServedSandbox) -> Iterator[Listener]:
    with listening() as listener:
        sandbox.state.webhook_url = listener.url
        yield listener


def test_delivery_is_signed_and_named_as_githubs(sandbox: ServedSandbox, hook: Listener) -> None:
    sandbox.state.open_issue_as("ana", REPO, "Ünïcode", "body")

    assert sandbox.state.wait_until_sent()
    (sent,) = hook.received
    secret = sandbox.webhook_secret.encode()
    assert (
        sent.headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(secret, sent.body, "sha256").hexdigest()
    )
    assert str(uuid.UUID(sent.headers["X-GitHub-Delivery"])) == sent.headers["X-GitHub-Delivery"]
    assert sent.headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["X-GitHub-Hook-ID"].isdigit()


def test_signature_is_the_documented_one() -> None:
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign("It's a Secret to Everybody", b"Hello, World!") == f"sha256={digest}"


def test_each_happening_is_told_once_and_in_order(sandbox: ServedSandbox, hook: Listener) -> None:
    state = sandbox.state
    issue = state.open_issue_as("ana", REPO, "One", "first", labels=["a"])
    comment = state.comment_as("dba", REPO, issue.number, "hello")
    state.edit_comment_as("dba", REPO, comment.id, "hullo")
    state.delete_comment_as("dba", REPO, comment.id)
    state.label_as("dba", REPO, issue.number, "b")
    state.unlabel_as("dba", REPO, issue.number, "a")
    state.edit_issue_as("dba", REPO, issue.number, Change(title="Two"))
    state.close_as("dba", REPO, issue.number)
    state.close_as("dba", REPO, issue.number)
    state.reopen_as("dba", REPO, issue.number)
    state.ping()

    assert state.wait_until_sent()
    assert hook.names == [
        "issues.opened", "issues.labeled", "issue_comment.created", "issue_comment.edited",
        "issue_comment.deleted", "issues.labeled", "issues.unlabeled", "issues.edited", "issues.closed",
        "issues.reopened", "ping",
    ]  # fmt: skip


def test_payload_names_repository_sender_and_installation(sandbox: ServedSandbox, hook: Listener) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "One", "first")
    sandbox.state.comment_as("dba", REPO, issue.number, "hello")

    assert sandbox.state.wait_until_sent()
    payload = hook.received[-1].payload
    assert payload["comment"]["body"] == "hello"
    assert payload["comment"]["html_url"].startswith(sandbox.url)
    assert payload["issue"]["number"] == issue.number
    assert payload["repository"]["full_name"] == REPO
    assert (payload["sender"]["login"], payload["sender"]["type"]) == ("dba", "User")
    assert payload["installation"]["id"] == sandbox.installation_id
    assert payload["organization"]["login"] == "acme"


def test_edit_tells_what_was_there(sandbox: ServedSandbox, hook: Listener) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "One", "first")
    comment = sandbox.state.comment_as("ana", REPO, issue.number, "before")
    sandbox.state.edit_comment_as("dba", REPO, comment.id, "after")

    assert sandbox.state.wait_until_sent()
    payload = hook.received[-1].payload
    assert payload["changes"] == {"body": {"from": "before"}}
    assert (payload["comment"]["user"]["login"], payload["sender"]["login"]) == ("ana", "dba")


def test_the_apps_own_comment_comes_back(sandbox: ServedSandbox, hook: Listener, api: Api) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "One")
    token = sandbox.state.issue_token(sandbox.installation_id).token

    api.send("POST", f"/repos/{REPO}/issues/{issue.number}/comments", token=token, body={"body": "Hello."})

    assert sandbox.state.wait_until_sent()
    payload = hook.received[-1].payload
    assert (payload["sender"]["login"], payload["sender"]["type"]) == ("lockkeeper[bot]", "Bot")
    assert payload["comment"]["performed_via_github_app"]["id"] == sandbox.app_id


def test_installation_is_told(sandbox: ServedSandbox, hook: Listener) -> None:
    sandbox.state.add_repository("other/place")
    installation = sandbox.state.install("other/place")

    assert sandbox.state.wait_until_sent()
    (sent,) = hook.received
    assert sent.name == "installation.created"
    assert sent.payload["installation"]["id"] == installation.id
    assert [each["full_name"] for each in sent.payload["repositories"]] == ["other/place"]


def test_repository_without_the_app_is_not_told_of(sandbox: ServedSandbox, hook: Listener) -> None:
    sandbox.state.add_repository("other/place", private=False)
    sandbox.state.open_issue_as("ana", "other/place", "Unheard")

    assert sandbox.state.wait_until_sent()
    assert hook.received == []


def test_event_that_was_not_subscribed_is_not_sent(sandbox: ServedSandbox, hook: Listener) -> None:
    sandbox.state.add_repository("other/place")
    sandbox.state.install("other/place", events=["issues"])
    issue = sandbox.state.open_issue_as("ana", "other/place", "Heard")
    sandbox.state.comment_as("ana", "other/place", issue.number, "Unheard")

    assert sandbox.state.wait_until_sent()
    assert hook.names == ["installation.created", "issues.opened"]


def test_inactive_hook_sends_and_records_nothing(sandbox: ServedSandbox) -> None:
    sandbox.state.open_issue_as("ana", REPO, "Unheard")

    assert sandbox.state.wait_until_sent()
    assert sandbox.state.deliveries() == []


def test_failed_delivery_is_recorded_and_not_repeated(sandbox: ServedSandbox, hook: Listener) -> None:
    hook.status = 500
    sandbox.state.open_issue_as("ana", REPO, "Lost")
    assert sandbox.state.wait_until_sent()
    sandbox.state.webhook_url = "http://127.0.0.1:1/"
    sandbox.state.open_issue_as("ana", REPO, "Lost, too")
    assert sandbox.state.wait_until_sent()

    sandbox.state.webhook_url = hook.url
    assert sandbox.state.wait_until_sent()
    statuses = [(each.status, each.status_code) for each in sandbox.state.deliveries()]
    assert statuses == [("Invalid HTTP Response: 500", 500), ("failed to connect to host", 0)]
    assert len(hook.received) == 1


def test_redelivery_by_the_api_keeps_the_guid(sandbox: ServedSandbox, hook: Listener, api: Api) -> None:
    hook.status = 503
    sandbox.state.open_issue_as("ana", REPO, "Missed")
    assert sandbox.state.wait_until_sent()
    hook.status = 202
    jwt = app_jwt(sandbox)
    (failed,) = api.send("GET", "/app/hook/deliveries", token=jwt, query={"status": "failure"}).body

    answer = api.send("POST", f"/app/hook/deliveries/{failed['id']}/attempts", token=jwt)

    assert answer.status == 202
    assert sandbox.state.wait_until_sent()
    first, second = hook.received
    assert first.headers["X-GitHub-Delivery"] == second.headers["X-GitHub-Delivery"] == failed["guid"]
    assert first.body == second.body
    newest = api.send("GET", "/app/hook/deliveries", token=jwt).body[0]
    assert (newest["redelivery"], newest["status"], newest["guid"]) == (True, "OK", failed["guid"])
    full = api.send("GET", f"/app/hook/deliveries/{newest['id']}", token=jwt).body
    assert full["request"]["payload"] == second.payload
    assert full["response"]["payload"] == "ok"


def test_deliveries_are_listed_by_cursor_without_gap_or_repeat(
    sandbox: ServedSandbox, hook: Listener, api: Api
) -> None:
    for number in range(7):
        sandbox.state.open_issue_as("ana", REPO, f"Issue {number}")
    assert sandbox.state.wait_until_sent()

    seen, query = [], {"per_page": "3"}
    while query:
        page = api.send("GET", "/app/hook/deliveries", token=app_jwt(sandbox), query=query)
        seen += [each["id"] for each in page.body]
        link = page.headers.get("Link", "")
        query = dict(pair.split("=") for pair in link.partition("?")[2].partition(">")[0].split("&") if pair)

    assert seen == sorted((each.id for each in sandbox.state.deliveries()), reverse=True)
    assert len(seen) == 7


def test_a_doubled_webhook_comes_twice_under_one_guid(sandbox: ServedSandbox, hook: Listener) -> None:
    sandbox.state.plan_mishap(Mishap.DOUBLED, "issue_comment")
    issue = sandbox.state.open_issue_as("ana", REPO, "One")
    sandbox.state.comment_as("ana", REPO, issue.number, "twice")

    assert sandbox.state.wait_until_sent()
    assert hook.names == ["issues.opened", "issue_comment.created", "issue_comment.created"]
    assert len({each.headers["X-GitHub-Delivery"] for each in hook.received}) == 2


def test_a_held_webhook_comes_after_the_next_one(sandbox: ServedSandbox, hook: Listener) -> None:
    sandbox.state.plan_mishap(Mishap.HELD)
    issue = sandbox.state.open_issue_as("ana", REPO, "One")
    sandbox.state.comment_as("ana", REPO, issue.number, "first")
    sandbox.state.close_as("ana", REPO, issue.number)

    assert sandbox.state.wait_until_sent()
    assert sorted(hook.names) == ["issue_comment.created", "issues.closed", "issues.opened"]
    assert hook.names[0] == "issue_comment.created"


def test_a_held_webhook_waits_until_it_is_released(sandbox: ServedSandbox, hook: Listener) -> None:
    sandbox.state.plan_mishap(Mishap.HELD)
    sandbox.state.open_issue_as("ana", REPO, "One")
    assert sandbox.state.wait_until_sent()
    before = list(hook.names)

    sandbox.state.release_webhooks()

    assert sandbox.state.wait_until_sent()
    assert (before, hook.names) == ([], ["issues.opened"])


def test_a_dropped_webhook_is_recorded_as_failed_and_comes_when_asked_for(
    sandbox: ServedSandbox, hook: Listener
) -> None:
    sandbox.state.plan_mishap(Mishap.DROPPED)
    sandbox.state.open_issue_as("ana", REPO, "One")
    assert sandbox.state.wait_until_sent()
    (dropped,) = sandbox.state.deliveries()
    before = list(hook.names)

    sandbox.state.redeliver(dropped.id)

    assert sandbox.state.wait_until_sent()
    assert (dropped.status, dropped.status_code) == ("timed out", 0)
    assert (before, hook.names) == ([], ["issues.opened"])
