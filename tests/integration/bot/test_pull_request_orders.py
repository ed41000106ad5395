"""Pull requests and new issues, over real HTTP, without anybody who leads the orders on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.perform import Decided, perform
from bot.sandbox.records import CheckRun
from bot.services import Services
from bot.store import deliveries
from tests.integration.bot.opening import kinds
from tests.integration.bot.running import all_orders, bot_running, comments
from tests.integration.bot.waiting import until
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.definition import shipped
from workorders.intents import Move
from workorders.lifecycle import Event
from workorders.order import Order, State

FIRST, SECOND = "db/migrations/0042_note.sql", "db/migrations/0043_index.sql"
NOTE, INDEX = "ALTER TABLE orders ADD COLUMN note text;\n", "CREATE INDEX ON orders (note);\n"
POLICY = """version: 1
migrations: ["db/migrations/**/*.sql"]
targets:
  shop: {supervisors: [dba]}
"""


@pytest.fixture(autouse=True)
def bound(bind: Callable[[str], None]) -> None:
    bind("shop")


@pytest.fixture
def number(sandbox: ServedSandbox) -> int:
    """A pull request of Ana's with two migrations, and with a policy and a definition that are its own."""
    state = sandbox.state
    state.put_file(REPO, ".github/lockkeeper.yml", POLICY)
    state.put_file(REPO, "db/migrations/0001.sql", "CREATE TABLE orders ();\n")
    text = shipped()["database-migration"].text
    files = {
        FIRST: NOTE,
        SECOND: INDEX,
        "db/migrations/0001.sql": "DROP TABLE orders;\n",
        ".github/lockkeeper.yml": POLICY.replace("dba", "ana").replace("db/migrations/**", "nowhere/**"),
        ".github/work-orders/database-migration.md": text.replace("version: 1.0.0", "version: 6.6.6"),
        ".github/work-orders/own.md": text.replace("name: database-migration", "name: own"),
    }
    state.pulls.push_as("ana", REPO, "note", files)
    return state.pulls.open_as("ana", REPO, "Notes", head="note").number


def only(services: Services) -> Order:
    """The one order, once its issue is open."""
    (order,) = until(lambda: [each for each in all_orders(services) if each.issue_number])
    return order


def settled(services: Services, sandbox: ServedSandbox) -> None:
    """Everything has come in, is handled, and is said; what that has sent back, too."""
    for _ in range(2):
        assert sandbox.state.wait_until_sent()
        until(lambda: _is_quiet(services))


def _is_quiet(services: Services) -> bool:
    with services.pool.transaction() as ours:
        row = ours.execute(
            "SELECT NOT EXISTS (SELECT FROM deliveries WHERE state = 'received')"
            " AND NOT EXISTS (SELECT FROM outbox WHERE state IN ('waiting', 'sending'))"
            " AND NOT EXISTS (SELECT FROM orders WHERE linked_at IS NULL AND asked_on IS NOT NULL)"
        ).fetchone()
    return row is not None and bool(row[0])


def said(sandbox: ServedSandbox, number: int | None) -> str:
    """The newest comment."""
    return comments(sandbox, number or 0)[-1]


def checks(sandbox: ServedSandbox, head: str) -> list[CheckRun]:
    return [each for each in sandbox.state.state.check_runs.values() if each.head_sha == head]


def test_a_label_opens_one_order_that_holds_all_of_it(
    services: Services, sandbox: ServedSandbox, number: int
) -> None:
    state = sandbox.state
    with bot_running(services, sandbox):
        state.label_as("ana", REPO, number, "wo:database-migration")
        order = only(services)
        settled(services, sandbox)
        issue = state.issue(REPO, order.issue_number or 0)
        head = state.pulls.pull(REPO, number).head_sha

        assert (order.sql, order.pull_request) == (NOTE + INDEX, number)
        assert order.sql_origin == f"{FIRST}, {SECOND}@{head}"
        assert [each.login for each in order.authors] == ["ana"]
        assert order.definition_text == shipped()["database-migration"].text
        body = issue.body or ""
        shown = ["<b>analysing</b>", head, "`db/migrations/0001.sql`", "[!WARNING]", NOTE.strip()]
        assert [each for each in shown if each not in body] == []
        assert all(task in body for phase in shipped()["database-migration"].phases for task in phase.tasks)
        assert body.count("- [ ] ") == 6
        assert issue.labels == ("wo:analysing",)
        assert f"#{order.issue_number}" in said(sandbox, number)
        assert [(each.name, each.status) for each in checks(sandbox, head)] == [
            ("lockkeeper / shop", "in_progress")
        ]

        # The same label through another hook.
        with services.pool.transaction() as ours:
            found = ours.execute(
                "SELECT payload::text FROM deliveries"
                " WHERE event = 'pull_request' AND payload->>'action' = 'labeled'"
            ).fetchone()
            assert found is not None
            deliveries.store(ours, "another-hook", "pull_request", found[0])
        before = comments(sandbox, number)
        settled(services, sandbox)
        assert comments(sandbox, number) == before

        # Somebody asks again.
        state.comment_as("dba", REPO, number, "wo:start database-migration")
        settled(services, sandbox)
        assert f"it is #{order.issue_number}" in said(sandbox, number)

        # A definition of the pull request's own branch is none.
        state.comment_as("ana", REPO, number, "wo:start own")
        settled(services, sandbox)
        assert "There is no definition" in said(sandbox, number)

        # A state's label that is taken off comes back.
        state.unlabel_as("ana", REPO, issue.number, "wo:analysing")
        settled(services, sandbox)
        assert state.issue(REPO, issue.number).labels == ("wo:analysing",)
    assert len(all_orders(services)) == 1


def test_what_happens_to_the_pull_request_reaches_its_order(
    services: Services, sandbox: ServedSandbox, number: int
) -> None:
    state = sandbox.state
    with bot_running(services, sandbox):
        state.comment_as("ana", REPO, number, "wo:start database-migration")
        order = only(services)
        perform(
            services,
            Decided(intents=(Move(order_id=order.id, event=Event.ANALYSED, by=None),), decided_on=(order,)),
        )

        # Rebased: the same SQL at another commit.
        rebased = state.pulls.push_as("dba", REPO, "note", {"README.md": "Shop\n"})
        settled(services, sandbox)
        order = only(services)
        assert order.state is State.PREPARING
        assert order.reading is not None
        assert order.reading.head == rebased
        assert [each.login for each in order.authors] == ["ana", "dba"]
        assert len(checks(sandbox, rebased)) == 1

        # Other SQL: all of it anew.
        pushed = state.pulls.push_as("ana", REPO, "note", {SECOND: None})
        settled(services, sandbox)
        order = only(services)
        assert (order.state, order.sql) == (State.ANALYSING, NOTE)
        assert order.sql_origin == f"{FIRST}@{pushed}"

        # Its files are gone, and come back.
        state.pulls.push_as("ana", REPO, "note", {FIRST: None})
        settled(services, sandbox)
        order = only(services)
        assert (order.state, order.sql) == (State.CHANGES_REQUESTED, "")
        assert "adds no migration any more" in said(sandbox, order.issue_number)
        state.pulls.push_as("ana", REPO, "note", {FIRST: NOTE})
        settled(services, sandbox)
        assert only(services).state is State.ANALYSING

        state.close_as("ana", REPO, number)
        settled(services, sandbox)
        order = only(services)
        assert order.state is State.CANCELLED
        assert state.issue(REPO, order.issue_number or 0).state == "closed"
        state.reopen_as("ana", REPO, number)
        settled(services, sandbox)
        assert only(services).state is State.CANCELLED
        assert "Anyone with write permission can open a new one" in said(sandbox, number)


def test_a_stranger_s_push_is_not_rehearsed_and_a_new_issue_opens_an_order(
    services: Services, sandbox: ServedSandbox
) -> None:
    state = sandbox.state
    state.put_file(REPO, "README.md", "Shop\n")
    fork = state.pulls.fork_as("mallory", REPO).full_name
    state.pulls.push_as("mallory", fork, "note", {FIRST: NOTE})
    number = state.pulls.open_as("mallory", REPO, "Notes", head="mallory:note").number
    with bot_running(services, sandbox):
        state.comment_as("ana", REPO, number, "wo:start database-migration")
        order = only(services)
        assert order.sql == NOTE
        assert {each.login for each in order.authors} == {"ana", "mallory"}

        state.pulls.push_as("mallory", fork, "note", {FIRST: "DROP TABLE orders;\n"})
        settled(services, sandbox)
        assert only(services).sql == NOTE
        assert kinds(services, order.id) == ["opened", "pushed"]
        assert "It is not rehearsed" in said(sandbox, order.issue_number)

        text = f"wo:start database-migration\n\n```sql\n{INDEX}```\n"
        issue = state.open_issue_as("ana", REPO, "An index", text)
        until(lambda: len(all_orders(services)) == 2)
        settled(services, sandbox)
        other = all_orders(services)[-1]
        assert (other.sql, other.pull_request) == (INDEX.strip(), None)
        assert f"#{other.issue_number}" in said(sandbox, issue.number)
