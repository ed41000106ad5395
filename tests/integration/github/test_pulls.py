"""A pull request is read as it stands at its head, and what GitHub does not tell in full is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.github import pulls
from bot.github.app import App
from bot.github.client import Client
from bot.github.errors import Denied, NotAnswered, Unusable
from bot.sandbox.faults import Fault, When
from bot.sandbox.sandbox import Sandbox
from handlers.facts import PullRequest
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.order import Repository

GLOBS = ("db/migrations/**/*.sql",)
OLD, NEW, LATER = (f"db/migrations/{name}.sql" for name in ("0001_old", "0042_new", "2026/0043_later"))


@pytest.fixture
def hub(sandbox: ServedSandbox) -> Sandbox:
    for name, text in ((OLD, "create table t (id int);\n"), ("README.md", "Shop\n")):
        sandbox.state.put_file(REPO, name, text)
    return sandbox.state


@pytest.fixture
def github(app: App, sandbox: ServedSandbox) -> Client:
    return app.installation(sandbox.installation_id)


def _opened(hub: Sandbox, files: dict[str, str | None]) -> int:
    hub.pulls.push_as("ana", REPO, "widen", files)
    return hub.pulls.open_as("ana", REPO, "Widen ids", head="widen").number


def _read(github: Client, shop: Repository, number: int) -> PullRequest:
    found = github.pull_request(shop, number, GLOBS)
    assert found is not None
    return found


def test_added_migrations_are_one_script_at_the_head(github: Client, shop: Repository, hub: Sandbox) -> None:
    number = _opened(hub, {LATER: "select 2;", NEW: "select 1 -- é\n", "app.py": "print()\n"})
    head = hub.pulls.pull(REPO, number).head_sha

    found = _read(github, shop, number)

    assert found.script is not None
    assert found.script.sql == "select 1 -- é\n;\nselect 2;"
    assert found.script.origin == f"{NEW}, {LATER}@{head}"
    assert (found.number, found.head, found.changed) == (number, head, ())


def test_a_pull_request_costs_a_question_for_each_migration_and_three_more(
    github: Client, shop: Repository, hub: Sandbox, sandbox: ServedSandbox
) -> None:
    number = _opened(hub, {LATER: "select 2;", NEW: "select 1;", "app.py": "print()\n"})
    key = f"installation {sandbox.installation_id}"

    _read(github, shop, number)

    assert hub.limits.budget(key, hub.clock()).used == 2 + 3


def test_a_new_head_is_read_as_it_is(github: Client, shop: Repository, hub: Sandbox) -> None:
    number = _opened(hub, {NEW: "select 1;\n"})
    head = hub.pulls.push_as("ana", REPO, "widen", {NEW: "select 2;\n"})

    found = _read(github, shop, number)

    assert found.script is not None
    assert (found.head, found.script.sql) == (head, "select 2;\n")
    assert found.script.origin == f"{NEW}@{head}"


def test_what_is_changed_is_flagged_and_never_run(github: Client, shop: Repository, hub: Sandbox) -> None:
    for name in ("a", "b"):
        hub.put_file(REPO, f"db/migrations/{name}.sql", f"select '{name}';\nselect 1;\n")
    moved = "select 'b';\nselect 1;\n"
    number = _opened(
        hub,
        {
            OLD: "drop table t;\n",
            "db/migrations/a.sql": None,
            "db/migrations/b.sql": None,
            "db/migrations/c.sql": moved,
            "README.md": "Ship\n",
        },
    )

    found = _read(github, shop, number)

    assert found.script is None
    assert found.changed == (OLD, *(f"db/migrations/{name}.sql" for name in "abc"))


def test_a_file_that_moves_among_the_migrations_is_added(
    github: Client, shop: Repository, hub: Sandbox
) -> None:
    hub.put_file(REPO, "drafts/x.sql", "select 1;\nselect 2;\n")
    number = _opened(hub, {"drafts/x.sql": None, NEW: "select 1;\nselect 2;\n"})

    found = _read(github, shop, number)

    assert found.script is not None
    assert found.changed == ()


def test_its_people_are_its_author_and_those_of_its_commits(
    github: Client, shop: Repository, hub: Sandbox
) -> None:
    number = _opened(hub, {NEW: "select 1;\n"})
    hub.pulls.push_as("ana", REPO, "widen", {LATER: "select 2;\n"}, author="dba")
    hub.pulls.push_as("ana", REPO, "widen", {LATER: "select 3;\n"}, author="root-bot")
    hub.pulls.push_as("dba", REPO, "widen", {LATER: "select 4;\n"}, is_attributed=False)

    found = _read(github, shop, number)

    assert found.author.login == "ana"
    assert [(each.login, each.is_bot) for each in found.people] == [
        ("ana", False),
        ("dba", False),
        ("root-bot", True),
    ]


def test_the_head_of_a_fork_that_the_app_does_not_see_is_read(
    github: Client, shop: Repository, hub: Sandbox
) -> None:
    fork = hub.pulls.fork_as("mallory", REPO)
    hub.pulls.push_as("mallory", fork.full_name, "evil", {NEW: "select 666;\n"})
    number = hub.pulls.open_as("mallory", REPO, "Help", head="mallory:evil").number

    found = _read(github, shop, number)

    assert github.repository(fork.full_name) is None
    assert found.author.login == "mallory"
    assert found.script is not None
    assert "select 666" in found.script.sql
    assert github.read_file(shop, NEW, f"refs/pull/{number}/head") is not None
    assert github.read_file(shop, NEW) is None


def test_its_state_is_told(github: Client, shop: Repository, hub: Sandbox) -> None:
    number = _opened(hub, {NEW: "select 1;\n"})
    states = []
    for act in (
        lambda: None,
        lambda: hub.close_as("ana", REPO, number),
        lambda: hub.reopen_as("ana", REPO, number),
    ):
        act()
        states.append((_read(github, shop, number).is_open, _read(github, shop, number).is_merged))
    hub.pulls.merge_as("dba", REPO, number)

    merged = _read(github, shop, number)

    assert states == [(True, False), (False, False), (True, False)]
    assert (merged.is_open, merged.is_merged) == (False, True)
    assert merged.script is not None
    assert github.read_file(shop, NEW) is not None


def test_what_is_no_pull_request_is_none(github: Client, shop: Repository, hub: Sandbox) -> None:
    issue = hub.open_issue_as("ana", REPO, "An issue")

    assert github.pull_request(shop, issue.number, GLOBS) is None
    assert github.pull_request(shop, 99, GLOBS) is None


def test_of_many_files_and_commits_none_is_left_out(github: Client, shop: Repository, hub: Sandbox) -> None:
    number = _opened(hub, {f"a/{index}.txt": "x" for index in range(250)})
    for index in range(210):
        hub.pulls.push_as("ana", REPO, "widen", {"b.txt": str(index)}, author="dba" if index == 3 else "ana")
    hub.pulls.push_as("ana", REPO, "widen", {NEW: "select 1;\n"})

    found = _read(github, shop, number)

    assert [each.login for each in found.people] == ["ana", "dba"]
    assert found.script is not None


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_COMMITS", "MOST_MIGRATIONS", "MOST_SCRIPT_BYTES"])
def test_what_goes_over_a_limit_is_refused_and_not_cut(
    github: Client, shop: Repository, hub: Sandbox, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    number = _opened(hub, {NEW: "select 1;\n", LATER: "select 2;\n"})
    hub.pulls.push_as("ana", REPO, "widen", {LATER: "select 3;\n"})
    most = {"MOST_SCRIPT_BYTES": 19}.get(limit, 1)
    monkeypatch.setattr(pulls, limit, most)

    with pytest.raises(Unusable, match=f"{most}"):
        github.pull_request(shop, number, GLOBS)


def test_a_large_file_that_is_no_migration_does_not_matter(
    github: Client, shop: Repository, hub: Sandbox
) -> None:
    number = _opened(hub, {NEW: "select 1;\n", "dump.sql": "x" * 1_100_000})

    assert _read(github, shop, number).script is not None


def test_a_head_that_moves_while_it_is_read_is_read_again(
    sandbox: ServedSandbox, app: App, shop: Repository, hub: Sandbox
) -> None:
    number = _opened(hub, {NEW: "select 1;\n"})

    class Overtaken(Client):
        def _pages(self, path: str) -> Iterator[Any]:
            if path.endswith("/commits"):
                hub.pulls.push_as("ana", REPO, "widen", {LATER: "select 2;\n"})
            return super()._pages(path)

    known = app.installation(sandbox.installation_id)
    known.__class__ = Overtaken
    with pytest.raises(NotAnswered, match="pushed to"):
        known.pull_request(shop, number, GLOBS)


def test_a_question_that_is_not_answered_is_no_empty_pull_request(
    github: Client, shop: Repository, hub: Sandbox
) -> None:
    number = _opened(hub, {NEW: "select 1;\n"})
    for path in (r"/pulls/\d+$", "/files$", "/contents/", "/commits$"):
        hub.plan_fault(Fault(when=When.INSTEAD, status=502, path=path), times=4)
        with pytest.raises(NotAnswered):
            github.pull_request(shop, number, GLOBS)


@pytest.mark.parametrize("path", ["/files$", "/contents/", "/commits$"])
def test_a_part_that_is_not_found_is_no_missing_pull_request(
    github: Client, shop: Repository, hub: Sandbox, path: str
) -> None:
    number = _opened(hub, {NEW: "select 1;\n"})
    hub.plan_fault(Fault(when=When.INSTEAD, status=404, path=path))

    with pytest.raises(Denied):
        github.pull_request(shop, number, GLOBS)
