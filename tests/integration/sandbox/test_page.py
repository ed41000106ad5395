import dataclasses
from urllib.parse import urlencode

import pytest

from bot.sandbox.records import Annotation, Button, CheckRun
from tests.integration.sandbox.scene import Api
from tests.plugins.sandbox import REPO, ServedSandbox


@pytest.fixture
def issue_url(sandbox: ServedSandbox) -> str:
    issue = sandbox.state.open_issue_as("ana", REPO, "Ids <b>run</b> out", "**soon**", labels=["wo:done"])
    return f"{sandbox.url}/{REPO}/issues/{issue.number}"


def _get(api: Api, url: str, **headers: str) -> tuple[int, str]:
    answer = api.http.request("GET", url, headers=headers, retries=False)
    return answer.status, answer.data.decode()


def _post(api: Api, url: str, fields: dict[str, str], origin: str | None) -> int:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if origin is not None:
        headers["Origin"] = origin
    body = urlencode(fields).encode()
    return api.http.request("POST", url, body=body, headers=headers, retries=False, redirect=False).status


def test_issue_is_shown_with_escaped_title_and_rendered_text(api: Api, issue_url: str) -> None:
    status, html = _get(api, issue_url)

    assert status == 200
    assert "Ids &lt;b&gt;run&lt;/b&gt; out" in html
    assert "<strong>soon</strong>" in html
    assert "wo:done" in html


def test_lists_lead_to_the_issue(sandbox: ServedSandbox, api: Api, issue_url: str) -> None:
    path = issue_url.removeprefix(sandbox.url)

    assert f'href="{path}"' in _get(api, sandbox.url + "/")[1]
    assert f'href="{path}"' in _get(api, f"{sandbox.url}/{REPO}/issues")[1]


def test_page_names_no_other_host(api: Api, issue_url: str) -> None:
    answer = api.http.request("GET", issue_url, retries=False)

    assert "http" not in answer.data.decode().replace("http-equiv", "")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_only_a_page_with_a_diagram_loads_its_script(
    sandbox: ServedSandbox, api: Api, issue_url: str
) -> None:
    script = 'mermaid.min.js" defer'
    assert script not in _get(api, issue_url)[1]

    sandbox.state.comment_as("ana", REPO, 1, "```mermaid\ngraph LR\n a --> b\n```")

    assert script in _get(api, issue_url)[1]


def test_comment_is_made_as_the_chosen_person(sandbox: ServedSandbox, api: Api, issue_url: str) -> None:
    fields = {"as": "dba", "body": "/wo approve\r\n\r\nthanks\r\n", "action": "comment"}

    status = _post(api, issue_url, fields, sandbox.url)

    (comment,) = sandbox.state.comments(REPO, 1)
    assert (status, comment.author.login, comment.body) == (303, "dba", "/wo approve\n\nthanks")


@pytest.mark.parametrize("origin", [None, "null", "https://example.com", "http://127.0.0.1:1"])
def test_form_of_another_site_is_refused(
    sandbox: ServedSandbox, api: Api, issue_url: str, origin: str | None
) -> None:
    assert _post(api, issue_url, {"as": "dba", "body": "/wo approve"}, origin) == 403
    assert sandbox.state.comments(REPO, 1) == []


def test_foreign_name_for_this_machine_is_refused(api: Api, issue_url: str) -> None:
    assert _get(api, issue_url, Host="example.com")[0] == 403


@pytest.mark.parametrize(
    ("login", "fields", "status"),
    [
        ("mallory", {"action": "label", "label": "x"}, 403),
        ("mallory", {"action": "close"}, 403),
        ("stranger", {"action": "comment", "body": "hi"}, 403),
        ("nobody", {"action": "comment", "body": "hi"}, 422),
        ("root-bot", {"action": "comment", "body": "hi"}, 422),
        ("ana", {"action": "comment", "body": " "}, 422),
        ("ana", {"action": "comment", "body": "x" * 65_537}, 422),
        ("mallory", {"action": "comment", "body": "hi"}, 303),
        ("dba", {"action": "close"}, 303),
        ("dba", {"action": "label", "label": "x"}, 303),
        ("dba", {"action": "unlabel", "label": "wo:done"}, 303),
    ],
)
def test_person_may_on_the_page_what_their_role_allows(
    sandbox: ServedSandbox, api: Api, issue_url: str, login: str, fields: dict[str, str], status: int
) -> None:
    sandbox.state.add_user("stranger")

    assert _post(api, issue_url, {"as": login, **fields}, sandbox.url) == status


def test_issue_is_opened_as_the_chosen_person(sandbox: ServedSandbox, api: Api) -> None:
    fields = {"as": "ana", "title": "New", "body": "wo:start database-migration"}

    assert _post(api, f"{sandbox.url}/{REPO}/issues", fields, sandbox.url) == 303

    (issue,) = sandbox.state.issues(REPO)
    assert (issue.title, issue.author.login) == ("New", "ana")


def test_unchanged_thread_is_not_sent_again(sandbox: ServedSandbox, api: Api, issue_url: str) -> None:
    first = api.http.request("GET", f"{issue_url}/thread", retries=False)
    tag = {"If-None-Match": first.headers["ETag"]}
    same = api.http.request("GET", f"{issue_url}/thread", headers=tag, retries=False)
    sandbox.state.comment_as("dba", REPO, 1, "news")
    changed = api.http.request("GET", f"{issue_url}/thread", headers=tag, retries=False)

    assert (first.status, same.status, changed.status) == (200, 304, 200)
    assert b"news" in changed.data


def test_what_is_not_there_is_said_in_a_page(sandbox: ServedSandbox, api: Api) -> None:
    for path in ("/acme/other/issues", f"/{REPO}/issues/99", "/x", "/avatars/1.svg"):
        status, html = _get(api, sandbox.url + path)
        assert (status, "Not Found" in html) == (404, True)


@pytest.fixture
def pull_url(sandbox: ServedSandbox) -> str:
    sandbox.state.put_file(REPO, "README.md", "Shop\n")
    for text in ("select '<b>1</b>';\n", "select '<b>2</b>';\n"):
        sandbox.state.pulls.push_as("ana", REPO, "widen", {"db/0042.sql": text}, message="Widen <b>ids</b>")
    pull = sandbox.state.pulls.open_as("ana", REPO, "Widen ids", head="widen", labels=["wo:done"])
    sandbox.state.checks.add(
        CheckRun(
            id=77,
            repository_id=pull.repository_id,
            name="lockkeeper/shop",
            head_sha=pull.head_sha,
            status="completed",
            conclusion="action_required",
            started_at=sandbox.state.clock(),
            summary="**Seven** steps",
            annotations=(
                Annotation(path="db/0042.sql", start_line=1, end_line=1, level="warning", message="scans"),
            ),
            buttons=(Button(label="Approve", description="Approve the plan", identifier="approve"),),
        )
    )
    return f"{sandbox.url}/{REPO}/pull/{pull.number}"


def test_a_pull_request_is_shown_with_commits_files_and_checks(api: Api, pull_url: str) -> None:
    status, html = _get(api, pull_url)

    assert status == 200
    for shown in (
        *("Widen &lt;b&gt;ids&lt;/b&gt;", "db/0042.sql", "select &#39;&lt;b&gt;2&lt;/b&gt;&#39;;"),
        *("lockkeeper/shop", "<strong>Seven</strong> steps", "scans", "Approve</button>", "wo:done"),
    ):
        assert shown in html
    assert "http" not in html.replace("http-equiv", "")


def test_issues_and_pull_requests_are_listed_apart(sandbox: ServedSandbox, api: Api, pull_url: str) -> None:
    sandbox.state.open_issue_as("ana", REPO, "An issue")

    issues, pulls = (_get(api, f"{sandbox.url}/{REPO}/{kind}")[1] for kind in ("issues", "pulls"))

    assert ("An issue" in issues, "Widen ids" in issues) == (True, False)
    assert ("An issue" in pulls, "Widen ids" in pulls) == (False, True)
    answer = api.http.request("GET", f"{sandbox.url}/{REPO}/issues/1", retries=False, redirect=False)
    assert (answer.status, answer.headers["Location"]) == (302, f"/{REPO}/pull/1")
    assert answer.headers["Location"] in pull_url


def test_a_new_head_or_check_changes_the_page(sandbox: ServedSandbox, api: Api, pull_url: str) -> None:
    def tag() -> str:
        return str(api.http.request("GET", f"{pull_url}/thread", retries=False).headers["ETag"])

    tags = [tag()]
    check = sandbox.state.state.check_runs[77]
    sandbox.state.checks.change(check, dataclasses.replace(check, conclusion="success"))
    tags.append(tag())
    sandbox.state.pulls.push_as("ana", REPO, "widen", {"db/0042.sql": "select 3;\n"})
    tags.append(tag())
    sandbox.state.pulls.merge_as("dba", REPO, 1)
    tags.append(tag())

    assert len(set(tags)) == 4
    assert tag() == tags[-1]


@pytest.mark.parametrize(
    ("login", "fields", "status"),
    [
        ("dba", {"press": "77 approve"}, 303),
        ("mallory", {"press": "77 approve"}, 403),
        ("dba", {"press": "77 another"}, 404),
        ("dba", {"press": "x approve"}, 422),
        ("mallory", {"action": "merge"}, 403),
        ("dba", {"action": "merge"}, 303),
    ],
)
def test_a_person_presses_and_merges_as_their_role_allows(
    sandbox: ServedSandbox, api: Api, pull_url: str, login: str, fields: dict[str, str], status: int
) -> None:
    assert _post(api, pull_url, {"as": login, "body": "half typed", **fields}, sandbox.url) == status
    if "press" in fields:
        assert sandbox.state.comments(REPO, 1) == []
