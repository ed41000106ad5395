from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.sandbox import Sandbox, serve
from bot.sandbox.actions import COMMENTS_LIMIT
from tests.integration.sandbox.hook import listening
from tests.integration.sandbox.scene import Api
from tests.plugins.sandbox import APP_ID, REPO, KeyPair, ServedSandbox


def test_simultaneous_comments_are_all_kept_and_told_in_their_order(sandbox: ServedSandbox, api: Api) -> None:
    number = sandbox.state.open_issue_as("ana", REPO, "Busy").number
    token = sandbox.token_of("ana")

    def comment(text: int) -> int:
        path = f"/repos/{REPO}/issues/{number}/comments"
        return int(api.send("POST", path, token=token, body={"body": str(text)}).body["id"])

    with listening() as hook:
        sandbox.state.webhook_url = hook.url
        with ThreadPoolExecutor(max_workers=6) as pool:
            ids = list(pool.map(comment, range(40)))
        assert sandbox.state.wait_until_sent()

    assert len(set(ids)) == 40
    assert {each.body for each in sandbox.state.comments(REPO, number)} == {str(text) for text in range(40)}
    assert [each.payload["comment"]["id"] for each in hook.received] == sorted(ids)


def test_stopped_sandbox_serves_again_with_what_it_had(app_key: KeyPair, api: Api) -> None:
    state = Sandbox(app_id=APP_ID, webhook_secret="s", public_key_pem=app_key.public_pem)
    token = state.add_user("ana").token
    state.add_repository(REPO)
    state.grant(REPO, "ana", "write")
    with serve(state) as first:
        state.open_issue_as("ana", REPO, "Kept")
        first.stop()

    with serve(state) as second, listening() as hook:
        state.webhook_url = hook.url
        state.ping()
        again = Api(root=second.api_url, http=api.http)
        (issue,) = again.send("GET", f"/repos/{REPO}/issues", token=token).body

        assert issue["title"] == "Kept"
        assert issue["url"].startswith(second.api_url)
        assert state.wait_until_sent()
        assert hook.names == ["ping"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", ""])  # noqa: S104 (it must refuse just that)
def test_only_this_machine_is_served(app_key: KeyPair, host: str) -> None:
    state = Sandbox(app_id=APP_ID, webhook_secret="s", public_key_pem=app_key.public_pem)

    with pytest.raises(ValueError, match="for this machine only"):
        serve(state, host=host)


def test_issue_takes_so_many_comments_and_no_more(sandbox: ServedSandbox, api: Api) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "Endless")
    for text in range(COMMENTS_LIMIT):
        sandbox.state.comment_as("ana", REPO, issue.number, str(text))

    path = f"/repos/{REPO}/issues/{issue.number}/comments"
    assert api.send("POST", path, token=sandbox.token_of("ana"), body={"body": "more"}).status == 403
