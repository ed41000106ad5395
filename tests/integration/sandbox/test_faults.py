import pytest
import urllib3

from bot.sandbox import Fault, When
from tests.integration.sandbox.scene import Api
from tests.plugins.sandbox import REPO, ServedSandbox

ISSUES = f"/repos/{REPO}/issues"


def _open(api: Api, sandbox: ServedSandbox) -> int:
    return api.send("POST", ISSUES, token=sandbox.token_of("ana"), body={"title": "One"}).status


def test_lost_answer_was_performed(sandbox: ServedSandbox, api: Api) -> None:
    sandbox.state.plan_fault(Fault(when=When.LOST_ANSWER, method="POST"))

    with pytest.raises(urllib3.exceptions.ProtocolError):
        _open(api, sandbox)

    assert [issue.title for issue in sandbox.state.issues(REPO)] == ["One"]


def test_lost_request_was_not_performed(sandbox: ServedSandbox, api: Api) -> None:
    sandbox.state.plan_fault(Fault(when=When.LOST_REQUEST, method="POST"))

    with pytest.raises(urllib3.exceptions.ProtocolError):
        _open(api, sandbox)

    assert sandbox.state.issues(REPO) == []
    assert _open(api, sandbox) == 201


def test_planned_refusal_comes_as_often_as_planned(sandbox: ServedSandbox, api: Api) -> None:
    limit = "You have exceeded a secondary rate limit."
    fault = Fault(when=When.INSTEAD, status=403, retry_after_seconds=7, message=limit)
    sandbox.state.plan_fault(fault, times=2)

    first = api.send("GET", ISSUES, token=sandbox.token_of("ana"))
    statuses = [_open(api, sandbox) for _ in range(2)]

    assert (first.status, first.headers["Retry-After"], first.body["message"]) == (403, "7", limit)
    assert statuses == [403, 201]


def test_fault_strikes_only_what_it_means(sandbox: ServedSandbox, api: Api) -> None:
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=502, method="POST", path=r"/comments$"))
    number = sandbox.state.open_issue_as("ana", REPO, "One").number
    token, comments = sandbox.token_of("ana"), f"{ISSUES}/{number}/comments"

    assert _open(api, sandbox) == 201
    assert api.send("GET", comments, token=token).status == 200
    assert api.send("POST", comments, token=token, body={"body": "hi"}).status == 502
    assert api.send("POST", comments, token=token, body={"body": "hi"}).status == 201
    assert sandbox.state.faults.planned() == ()


def test_too_many_writes_in_a_minute_are_refused_and_questions_are_not(
    sandbox: ServedSandbox, api: Api
) -> None:
    sandbox.state.limits.writes_per_minute = 2
    statuses = [_open(api, sandbox) for _ in range(3)]
    refused = api.send("POST", ISSUES, token=sandbox.token_of("ana"), body={"title": "One"})

    assert statuses == [201, 201, 403]
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert int(refused.headers["X-RateLimit-Remaining"]) > 0
    assert api.send("GET", ISSUES, token=sandbox.token_of("ana")).status == 200
    assert api.send("POST", ISSUES, token=sandbox.token_of("dba"), body={"title": "Two"}).status == 201


def test_a_late_answer_was_performed(sandbox: ServedSandbox, api: Api) -> None:
    sandbox.state.plan_fault(Fault(when=When.LATE_ANSWER, method="POST", delay_seconds=0.05))

    assert _open(api, sandbox) == 201
    assert [issue.title for issue in sandbox.state.issues(REPO)] == ["One"]
