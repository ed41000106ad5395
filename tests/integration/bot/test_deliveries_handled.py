from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.sandbox import Fault, When
from bot.services import Services
from bot.store import deliveries
from tests.integration.bot.running import all_orders, bot_running, comments
from tests.integration.bot.waiting import until
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.order import State

START = "wo:start database-migration\n\n```sql\nALTER TABLE orders ADD COLUMN note text;\n```\n"


def handled(services: Services, count: int) -> bool:
    """Whether so many deliveries came in, and all are over."""
    with services.pool.transaction() as ours:
        found = ours.execute("SELECT count(*), count(handled_at) FROM deliveries").fetchone()
    return found == (count, count)


@pytest.fixture
def bound(bind: Callable[[str], None]) -> None:
    bind("shop")


def test_a_comment_opens_an_order_whose_issue_is_linked_where_it_was_asked_for(
    services: Services, sandbox: ServedSandbox, bound: None
) -> None:
    with bot_running(services, sandbox):
        asked = sandbox.state.open_issue_as("ana", REPO, "a note on orders", "")
        sandbox.state.comment_as("ana", REPO, asked.number, START)

        (order,) = until(lambda: [each for each in all_orders(services) if each.issue_number])
        assert order.issue_number is not None
        until(lambda: any(f"#{order.issue_number}" in each for each in comments(sandbox, asked.number)))
        until(lambda: "wo:analysing" in sandbox.state.issue(REPO, order.issue_number or 0).labels)

    assert order.state is State.ANALYSING
    assert order.sql == "ALTER TABLE orders ADD COLUMN note text;"
    assert [each.login for each in order.authors] == ["ana"]
    body = sandbox.state.issue(REPO, order.issue_number).body or ""
    assert "ALTER TABLE orders" in body
    assert "- [ ] " in body


def test_who_may_only_read_is_told_so_and_opens_nothing(
    services: Services, sandbox: ServedSandbox, bound: None
) -> None:
    with bot_running(services, sandbox):
        asked = sandbox.state.open_issue_as("ana", REPO, "a note on orders", "")
        sandbox.state.comment_as("mallory", REPO, asked.number, START)

        said = until(lambda: comments(sandbox, asked.number)[1:])

    assert "write permission" in said[0]
    assert all_orders(services) == ()


def test_a_redelivery_is_no_second_command(services: Services, sandbox: ServedSandbox, bound: None) -> None:
    with bot_running(services, sandbox):
        asked = sandbox.state.open_issue_as("ana", REPO, "a note on orders", "")
        sandbox.state.comment_as("ana", REPO, asked.number, START)
        until(lambda: all_orders(services))
        sandbox.state.wait_until_sent()
        first = next(each for each in sandbox.state.deliveries() if each.event == "issue_comment")

        sandbox.state.redeliver(first.id)

        until(lambda: len([each for each in sandbox.state.deliveries() if each.guid == first.guid]) == 2)
        sandbox.state.wait_until_sent()

    assert len(all_orders(services)) == 1


def test_the_same_comment_through_two_hooks_is_one_command(
    services: Services, sandbox: ServedSandbox, bound: None
) -> None:
    with bot_running(services, sandbox):
        asked = sandbox.state.open_issue_as("ana", REPO, "a note on orders", "")
        sandbox.state.comment_as("ana", REPO, asked.number, START)
        until(lambda: all_orders(services))
        with services.pool.transaction() as ours:
            found = ours.execute(
                "SELECT payload::text FROM deliveries WHERE event = 'issue_comment'"
            ).fetchone()
            assert found is not None
            again = deliveries.store(ours, "another-hook", "issue_comment", found[0])

        until(lambda: _state_of(services, again) == "handled")

    assert len(all_orders(services)) == 1


def _state_of(services: Services, delivery_id: int | None) -> str:
    with services.pool.transaction() as ours:
        found = ours.execute("SELECT state FROM deliveries WHERE id = %s", [delivery_id]).fetchone()
    return found[0] if found else ""


def test_two_commands_of_one_comment_are_carried_out_one_after_another(
    services: Services, sandbox: ServedSandbox, bound: None
) -> None:
    with bot_running(services, sandbox):
        asked = sandbox.state.open_issue_as("ana", REPO, "a note on orders", "")
        sandbox.state.comment_as("ana", REPO, asked.number, START)
        (order,) = until(lambda: [each for each in all_orders(services) if each.issue_number])

        sandbox.state.comment_as("ana", REPO, order.issue_number or 0, "/wo cancel\n\n/wo cancel\n")

        until(lambda: all_orders(services)[0].state is State.CANCELLED)
        said = until(
            lambda: [each for each in comments(sandbox, order.issue_number or 0) if "cancelled" in each]
        )

    assert len(said) == 1


def test_what_github_does_not_answer_is_asked_again_and_is_no_no(
    services: Services, sandbox: ServedSandbox, bound: None
) -> None:
    # More often than the client asks by itself.
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=503, path="/permission$"), times=6)
    with bot_running(services, sandbox):
        asked = sandbox.state.open_issue_as("ana", REPO, "a note on orders", "")
        sandbox.state.comment_as("ana", REPO, asked.number, START)

        until(lambda: all_orders(services), 60)

    assert len(all_orders(services)) == 1
    with services.pool.transaction() as ours:
        # The first; our own comment about the wait came back as another.
        attempts = ours.execute(
            "SELECT attempts FROM deliveries WHERE event = 'issue_comment' ORDER BY id LIMIT 1"
        ).fetchall()
    # The wait took its attempt back.
    assert attempts == [(1,)]


def test_an_unreadable_delivery_is_over_at_once(services: Services, sandbox: ServedSandbox) -> None:
    payload: dict[str, Any] = {"action": "created", "comment": {"id": 1}}
    with services.pool.transaction() as ours:
        number = deliveries.store(ours, "g", "issue_comment", json.dumps(payload))

    with bot_running(services, sandbox):
        until(lambda: _state_of(services, number) == "handled")


def test_a_delivery_that_fails_too_often_is_given_up_with_a_reference(
    services: Services, sandbox: ServedSandbox, bound: None
) -> None:
    with services.pool.transaction() as ours:
        ours.execute("ALTER TABLE database_repositories RENAME TO elsewhere")
    with bot_running(services, sandbox):
        asked = sandbox.state.open_issue_as("ana", REPO, "a note on orders", "")
        sandbox.state.comment_as("ana", REPO, asked.number, START)

        said = until(lambda: [each for each in comments(sandbox, asked.number) if "not tried again" in each])

    with services.pool.transaction() as ours:
        found = ours.execute("SELECT reference, attempts FROM deliveries WHERE state = 'failed'").fetchone()
    assert found is not None
    assert found[0] in said[0]
    assert found[1] == services.settings.pace.attempts
