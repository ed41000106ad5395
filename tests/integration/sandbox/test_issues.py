import pytest

from tests.integration.sandbox.scene import Api
from tests.openapi.conformance import Conformance
from tests.plugins.sandbox import REPO, ServedSandbox

ISSUES = f"/repos/{REPO}/issues"
#: What `printf 'select 2;\n' | git hash-object --stdin` prints.
GIT_SHA = "b403af1538b692ce6dd3c7385ced6f215e23c0a4"


@pytest.fixture
def token(sandbox: ServedSandbox) -> str:
    return sandbox.state.issue_token(sandbox.installation_id).token


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", ISSUES, {"title": "x" * 257}),
        ("POST", ISSUES, {"title": "x", "body": "x" * 65_537}),
        ("POST", ISSUES, {"title": " "}),
        ("POST", ISSUES, {"body": "no title"}),
        ("POST", ISSUES, {"title": ["x"]}),
        ("POST", ISSUES, {"title": "x", "labels": ["y" * 51]}),
        ("POST", ISSUES, {"title": "x", "labels": [f"label {number}" for number in range(101)]}),
        ("POST", ISSUES, {"title": "x", "labels": [3]}),
        ("PATCH", f"{ISSUES}/1", {"title": "x" * 257}),
        ("PATCH", f"{ISSUES}/1", {"body": "x" * 65_537}),
        ("PATCH", f"{ISSUES}/1", {"state": "done"}),
        ("PATCH", f"{ISSUES}/1", {"state": "closed", "state_reason": "tired"}),
        ("POST", f"{ISSUES}/1/comments", {"body": "x" * 65_537}),
        ("POST", f"{ISSUES}/1/comments", {"body": " "}),
        ("POST", f"{ISSUES}/1/comments", {}),
        ("POST", f"{ISSUES}/1/reactions", {"content": "shrug"}),
        ("POST", f"{ISSUES}/1/labels", {}),
        ("POST", f"/repos/{REPO}/labels", {"name": "y" * 51}),
        ("POST", f"/repos/{REPO}/labels", {"name": "BUG"}),
        ("POST", f"/repos/{REPO}/labels", {"name": "x", "color": "red"}),
    ],
)
def test_what_github_holds_invalid_is_refused(
    sandbox: ServedSandbox,
    api: Api,
    token: str,
    github_description: Conformance,
    method: str,
    path: str,
    body: dict[str, object],
) -> None:
    sandbox.state.open_issue_as("ana", REPO, "One", labels=["bug"])

    reply = api.send(method, path, token=token, body=body)

    assert reply.status == 422
    assert reply.body["message"] == "Validation Failed"
    github_description.check_response(method, path, reply.status, reply.body)
    assert len(sandbox.state.issues(REPO)) == 1
    assert sandbox.state.comments(REPO, 1) == []


def test_texts_at_the_limit_are_taken(api: Api, token: str) -> None:
    issue = api.send("POST", ISSUES, token=token, body={"title": "x" * 256, "body": "ü" * 65_536})
    number = issue.body["number"]
    comment = api.send("POST", f"{ISSUES}/{number}/comments", token=token, body={"body": "ü" * 65_536})

    assert (issue.status, comment.status) == (201, 201)


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[1]", b'"text"'])
def test_body_that_is_no_json_object_is_refused(api: Api, token: str, data: bytes) -> None:
    headers = {"Authorization": f"Bearer {token}"}

    answer = api.http.request("POST", api.root + ISSUES, body=data, headers=headers, retries=False)

    assert answer.status == 400


def test_pages_follow_each_other_without_gap_or_repeat(sandbox: ServedSandbox, api: Api, token: str) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "Long")
    for number in range(7):
        sandbox.state.comment_as("ana", REPO, issue.number, f"comment {number}")

    seen, page = [], 1
    while True:
        query = {"per_page": 3, "page": page}
        reply = api.send("GET", f"{ISSUES}/{issue.number}/comments", token=token, query=query)
        seen += [each["body"] for each in reply.body]
        links = reply.headers.get("Link", "")
        if 'rel="next"' not in links:
            break
        page += 1

    assert seen == [f"comment {number}" for number in range(7)]
    assert page == 3
    assert 'rel="prev"' in links
    assert 'rel="first"' in links
    assert f"{sandbox.api_url}{ISSUES}/{issue.number}/comments?" in links


def test_page_size_is_at_most_a_hundred(sandbox: ServedSandbox, api: Api, token: str) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "Long")
    for number in range(101):
        sandbox.state.comment_as("ana", REPO, issue.number, str(number))

    path = f"{ISSUES}/{issue.number}/comments"
    assert len(api.send("GET", path, token=token, query={"per_page": 1000}).body) == 100
    assert len(api.send("GET", path, token=token).body) == 30


def test_issues_are_found_by_state_label_creator_and_time(
    sandbox: ServedSandbox, api: Api, token: str
) -> None:
    state = sandbox.state
    state.open_issue_as("ana", REPO, "plain")
    labelled = state.open_issue_as("dba", REPO, "labelled", labels=["a", "b"])
    closed = state.open_issue_as("ana", REPO, "closed", labels=["a"])
    state.close_as("ana", REPO, closed.number)

    def found(**query: object) -> list[str]:
        return [each["title"] for each in api.send("GET", ISSUES, token=token, query=query).body]

    assert found() == ["labelled", "plain"]
    assert found(state="all") == ["closed", "labelled", "plain"]
    assert found(state="closed") == ["closed"]
    assert found(state="all", labels="a") == ["closed", "labelled"]
    assert found(state="all", labels="A,b") == ["labelled"]
    assert found(creator="dba") == ["labelled"]
    assert found(direction="asc") == ["plain", "labelled"]
    assert found(since="2999-01-01T00:00:00Z") == []
    assert len(found(state="all", since=labelled.created_at.isoformat())) >= 2


def test_numbers_count_up_in_each_repository(sandbox: ServedSandbox) -> None:
    sandbox.state.add_repository("acme/other")

    numbers = [sandbox.state.open_issue_as("ana", REPO, str(each)).number for each in range(3)]

    assert numbers == [1, 2, 3]
    assert sandbox.state.open_issue_as("ana", "acme/other", "first").number == 1


def test_closing_and_reopening_keep_the_reason(api: Api, token: str) -> None:
    path = f"{ISSUES}/{api.send('POST', ISSUES, token=token, body={'title': 'x'}).body['number']}"

    closed = api.send(
        "PATCH", path, token=token, body={"state": "closed", "state_reason": "not_planned"}
    ).body
    reopened = api.send("PATCH", path, token=token, body={"state": "open"}).body

    assert (closed["state"], closed["state_reason"]) == ("closed", "not_planned")
    assert closed["closed_by"]["login"] == "lockkeeper[bot]"
    assert (reopened["state"], reopened["state_reason"]) == ("open", "reopened")
    assert reopened["closed_at"] is None


def test_same_reaction_again_is_the_old_one(sandbox: ServedSandbox, api: Api, token: str) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "One")
    comment = sandbox.state.comment_as("ana", REPO, issue.number, "/wo status")
    path = f"{ISSUES}/comments/{comment.id}/reactions"

    first = api.send("POST", path, token=token, body={"content": "eyes"})
    again = api.send("POST", path, token=token, body={"content": "eyes"})
    by_ana = api.send("POST", path, token=sandbox.token_of("ana"), body={"content": "eyes"})

    assert (first.status, again.status, by_ana.status) == (201, 200, 201)
    assert first.body["id"] == again.body["id"]
    shown = api.send("GET", f"{ISSUES}/comments/{comment.id}", token=token).body["reactions"]
    assert (shown["eyes"], shown["total_count"]) == (2, 2)


def test_labels_keep_their_case_and_are_one_in_any_case(sandbox: ServedSandbox, api: Api, token: str) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "One", labels=["wo:Done"])
    path = f"{ISSUES}/{issue.number}/labels"

    added = api.send("POST", path, token=token, body=["WO:DONE", "b/C d"]).body
    removed = api.send("DELETE", f"{path}/B/c D", token=token)
    missing = api.send("DELETE", f"{path}/b/c d", token=token)

    assert [each["name"] for each in added] == ["wo:Done", "b/C d"]
    assert [each["name"] for each in removed.body] == ["wo:Done"]
    assert (missing.status, missing.body["message"]) == (404, "Label does not exist")


def test_renamed_label_follows_to_its_issues(sandbox: ServedSandbox, api: Api, token: str) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "One", labels=["old"])

    api.send("PATCH", f"/repos/{REPO}/labels/old", token=token, body={"new_name": "new"})

    assert sandbox.state.issue(REPO, issue.number).labels == ("new",)


def test_reader_cannot_set_labels_while_opening(sandbox: ServedSandbox, api: Api) -> None:
    body = {"title": "x", "labels": ["wo:database-migration"]}

    by_reader = api.send("POST", ISSUES, token=sandbox.token_of("mallory"), body=body).body
    by_writer = api.send("POST", ISSUES, token=sandbox.token_of("ana"), body=body).body

    assert by_reader["labels"] == []
    assert [each["name"] for each in by_writer["labels"]] == ["wo:database-migration"]


def test_files_are_read_at_a_ref(sandbox: ServedSandbox, api: Api, token: str) -> None:
    first = sandbox.state.put_file(REPO, "db/a.sql", "select 1;\n" * 20)
    sandbox.state.put_file(REPO, "db/a.sql", "select 2;\n")
    sandbox.state.put_file(REPO, "db/b/c.sql", "select 3;\n", branch="feature")
    path = f"/repos/{REPO}/contents"

    def sha_of(ref: str | None) -> str:
        query = {"ref": ref} if ref else {}
        return str(api.send("GET", f"{path}/db/a.sql", token=token, query=query).body["sha"])

    assert sha_of(None) == sha_of("main") == sha_of("refs/heads/main") == GIT_SHA
    assert sha_of(first) != GIT_SHA
    listed = api.send("GET", f"{path}/db", token=token, query={"ref": "feature"}).body
    assert [(each["path"], each["type"]) for each in listed] == [("db/a.sql", "file"), ("db/b", "dir")]
    assert [each["path"] for each in api.send("GET", path, token=token).body] == ["db"]
    assert api.send("GET", f"{path}/db/b/c.sql", token=token).status == 404
    assert api.send("GET", f"{path}/db", token=token, query={"ref": "nowhere"}).status == 404
