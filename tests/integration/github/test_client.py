"""The client against the sandbox, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.github.app import App
from bot.github.client import Client
from bot.github.errors import AnswerLost, Denied, NotAnswered, Unaccepted
from bot.github.port import IssueChange
from bot.sandbox.faults import Fault, When
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.authority import Permission
from workorders.order import Person, Repository, State

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def github(app: App, sandbox: ServedSandbox) -> Client:
    return app.installation(sandbox.installation_id)


def test_the_app_knows_itself(app: App, sandbox: ServedSandbox) -> None:
    assert (app.identity().id, app.identity().login) == (sandbox.app_id, "lockkeeper[bot]")


def test_a_repository_is_found_with_its_installation(app: App, shop: Repository) -> None:
    assert app.find_repository(REPO) == shop


def test_a_repository_without_the_app_is_not_found(app: App, sandbox: ServedSandbox) -> None:
    sandbox.state.add_repository("acme/other")

    assert app.find_repository("acme/other") is None
    assert app.find_repository("acme/none") is None


def test_an_issue_is_opened_changed_and_closed(
    github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    number = github.open_issue(shop, "A title", "A body")
    github.change_issue(shop, number, IssueChange(title="B", state="closed", state_reason="not_planned"))

    issue = sandbox.state.issue(REPO, number)
    assert (issue.title, issue.body, issue.state, issue.state_reason) == (
        "B",
        "A body",
        "closed",
        "not_planned",
    )
    assert issue.author.login == "lockkeeper[bot]"


def test_a_comment_is_written_and_edited(github: Client, shop: Repository, sandbox: ServedSandbox) -> None:
    number = sandbox.state.open_issue_as("ana", REPO, "x").number

    comment_id = github.comment(shop, number, "first")
    github.edit_comment(shop, comment_id, "second")

    assert [each.body for each in sandbox.state.comments(REPO, number)] == ["second"]


def test_only_our_own_texts_are_listed(github: Client, shop: Repository, sandbox: ServedSandbox) -> None:
    sandbox.state.open_issue_as("ana", REPO, "hers", "hers")
    number = github.open_issue(shop, "ours", "ours")
    sandbox.state.comment_as("root-bot", REPO, number, "another bot's")
    ids = [github.comment(shop, number, f"ours {index}") for index in range(120)]

    assert [(each.id, each.body) for each in github.own_issues(shop, LONG_AGO)] == [(number, "ours")]
    assert [each.id for each in github.own_comments(shop, number, LONG_AGO)] == ids
    assert github.own_comments(shop, number, datetime.now(UTC) + timedelta(days=1)) == ()


def test_reactions_go_to_comments_and_to_issues_once(
    github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    issue = sandbox.state.open_issue_as("ana", REPO, "x")
    comment = sandbox.state.comment_as("ana", REPO, issue.number, "y")

    for _ in range(2):
        github.react(shop, issue.number, None, "eyes")
        github.react(shop, issue.number, comment.id, "+1")

    assert [each.content for each in sandbox.state.reactions(issue)] == ["eyes"]
    assert [each.content for each in sandbox.state.reactions(comment)] == ["+1"]


def test_one_label_of_a_state_is_left_beside_those_of_others(
    github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    number = sandbox.state.open_issue_as(
        "ana", REPO, "x", labels=("bug", "wo:failed", "wo:done", "wo:database-migration")
    ).number

    github.set_state_label(shop, number, State.DONE)
    github.set_state_label(shop, number, State.SOAKING)
    github.set_state_label(shop, number, State.SOAKING)

    assert set(sandbox.state.issue(REPO, number).labels) == {"bug", "wo:database-migration", "wo:soaking"}
    assert {each.name: each.color for each in sandbox.state.labels(REPO)}["wo:soaking"] == "0e8a16"


@pytest.mark.parametrize(
    ("login", "permission"),
    [("ana", "write"), ("dba", "maintain"), ("mallory", "read"), ("nobody", "none"), ("../../user", "none")],
)
def test_a_permission_is_githubs(github: Client, shop: Repository, login: str, permission: str) -> None:
    assert github.permission_of(shop, login) is Permission(permission)


def test_files_are_read_from_the_default_branch_unless_told(
    github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    sandbox.state.put_file(REPO, ".github/lockkeeper.yml", "version: 1 # é\n")
    sandbox.state.put_file(REPO, ".github/work-orders/b.md", "b")
    sandbox.state.put_file(REPO, ".github/work-orders/deep/c.md", "c")
    commit = sandbox.state.put_file(REPO, ".github/lockkeeper.yml", "theirs", branch="evil")

    found = github.read_file(shop, ".github/lockkeeper.yml")
    at_commit = github.read_file(shop, ".github/lockkeeper.yml", commit)

    assert found is not None
    assert at_commit is not None
    assert (found.text, at_commit.text) == ("version: 1 # é\n", "theirs")
    assert github.read_file(shop, "none.md") is None
    assert github.read_file(shop, ".github/work-orders") is None
    assert github.list_directory(shop, ".github/work-orders") == (".github/work-orders/b.md",)
    assert github.list_directory(shop, "none") == ()


def test_accounts_are_found_by_login(github: Client, sandbox: ServedSandbox) -> None:
    ana, bot = sandbox.state.user("ana"), sandbox.state.user("root-bot")

    assert github.user("ana") == Person(id=ana.id, login="ana")
    assert github.user("root-bot") == Person(id=bot.id, login="root-bot", is_bot=True)
    assert github.user("nobody") is None


@pytest.mark.parametrize("when", [When.INSTEAD, When.LOST_ANSWER, When.LOST_REQUEST])
def test_of_a_new_text_without_an_answer_nobody_knows(
    when: When, github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    sandbox.state.plan_fault(Fault(when=when, status=502, method="POST", path="/issues$"))

    with pytest.raises(AnswerLost):
        github.open_issue(shop, "t", "b")
    assert len(sandbox.state.issues(REPO)) == (1 if when is When.LOST_ANSWER else 0)


def test_a_question_is_asked_again_at_once_when_the_server_broke(
    github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=502, method="GET"), times=3)

    assert github.permission_of(shop, "ana") is Permission.WRITE


def test_a_question_that_is_never_answered_is_not_a_no(
    github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=502, method="GET"), times=4)

    with pytest.raises(NotAnswered):
        github.permission_of(shop, "nobody")


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_pause_that_github_asks_for_is_told_and_not_slept(
    status: int, method: str, github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    assert github.user("ana")
    message = "You have exceeded a secondary rate limit."
    sandbox.state.plan_fault(
        Fault(when=When.INSTEAD, status=status, retry_after_seconds=1_000, method=method, message=message)
    )

    with pytest.raises(NotAnswered) as caught:
        if method == "GET":
            github.user("ana")
        else:
            github.open_issue(shop, "t", "b")

    assert not isinstance(caught.value, AnswerLost)
    assert caught.value.retry_after_seconds == 1_000


def test_a_token_that_ended_early_is_replaced(
    github: Client, shop: Repository, sandbox: ServedSandbox
) -> None:
    github.open_issue(shop, "first", "b")
    sandbox.state.state.tokens.clear()

    github.open_issue(shop, "second", "b")

    assert [each.title for each in sandbox.state.issues(REPO)] == ["first", "second"]


def test_an_app_that_was_uninstalled_waits(github: Client, shop: Repository, sandbox: ServedSandbox) -> None:
    sandbox.state.state.installations.clear()
    sandbox.state.state.tokens.clear()

    with pytest.raises(Unaccepted):
        github.open_issue(shop, "t", "b")


def test_a_missing_issue_is_a_no(github: Client, shop: Repository) -> None:
    with pytest.raises(Denied, match="exists") as caught:
        github.comment(shop, 99, "b")
    assert caught.value.status == 404


def test_a_text_that_is_too_long_is_a_no(github: Client, shop: Repository) -> None:
    with pytest.raises(Denied, match="body unprocessable"):
        github.open_issue(shop, "t", "b" * 70_000)
