"""The library that the bot uses gets along with the sandbox."""

from collections.abc import Iterator

import pytest
from github import Auth, Github, GithubIntegration

from tests.plugins.sandbox import REPO, ServedSandbox


@pytest.fixture
def github(sandbox: ServedSandbox) -> Iterator[Github]:
    auth = Auth.AppAuth(sandbox.app_id, sandbox.private_key_pem)
    client = Github(
        auth=auth.get_installation_auth(sandbox.installation_id, {"issues": "write", "contents": "read"}),
        base_url=sandbox.api_url,
        retry=None,
        seconds_between_requests=0,
        seconds_between_writes=0,
    )
    yield client
    client.close()


def test_app_finds_its_installation(sandbox: ServedSandbox) -> None:
    auth = Auth.AppAuth(sandbox.app_id, sandbox.private_key_pem)
    integration = GithubIntegration(auth=auth, base_url=sandbox.api_url)

    assert integration.get_app().slug == "lockkeeper"
    assert integration.get_repo_installation("acme", "shop").id == sandbox.installation_id
    assert [each.id for each in integration.get_installations()] == [sandbox.installation_id]
    integration.close()


def test_issue_is_opened_labelled_commented_on_and_closed(sandbox: ServedSandbox, github: Github) -> None:
    issue = github.get_repo(REPO).create_issue("One", body="text", labels=["wo:analysing"])
    comment = issue.create_comment("first")
    comment.edit("second")
    comment.create_reaction("eyes")
    issue.add_to_labels("wo:done")
    issue.remove_from_labels("wo:analysing")
    issue.edit(state="closed", state_reason="completed")

    kept = sandbox.state.issue(REPO, issue.number)
    assert (kept.labels, kept.state, kept.via_app) == (("wo:done",), "closed", True)
    (only,) = sandbox.state.comments(REPO, issue.number)
    assert (only.body, only.author.login) == ("second", "lockkeeper[bot]")
    assert [each.content for each in sandbox.state.reactions(only)] == ["eyes"]
    assert [each.body for each in issue.get_comments()] == ["second"]


def test_files_and_rights_are_read(sandbox: ServedSandbox, github: Github) -> None:
    sandbox.state.put_file(REPO, ".github/lockkeeper.yml", "version: 1\n" * 50)
    repository = github.get_repo(REPO)

    file = repository.get_contents(".github/lockkeeper.yml")

    assert not isinstance(file, list)
    assert file.decoded_content == b"version: 1\n" * 50
    assert repository.get_collaborator_permission("dba") == "write"
    assert github.get_user_by_id(sandbox.state.user("ana").id).login == "ana"
