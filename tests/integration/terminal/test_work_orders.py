"""What people comment, an operator types: the same table, the same rules, and no approval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.perform import Decided, perform
from bot.services import Services
from bot.store import events, orders
from bot.terminal.work_orders import COMMANDS
from handlers.commands import KINDS
from tests.integration.store.values import opening
from tests.integration.terminal.conftest import Lockkeeper
from tests.plugins.sandbox import REPO, ServedSandbox
from workorders.intents import SetCriteria
from workorders.order import Order, Repository, State


def opened(services: Services, repository: Repository, number: int = 7) -> int:
    """An order with an issue's number."""
    (order_id,) = perform(services, Decided(intents=(opening(repository=repository),))).opened
    with services.pool.transaction() as ours:
        assert orders.set_issue(ours, order_id, number)
    return order_id


def read(services: Services, order_id: int) -> Order:
    with services.pool.transaction() as ours:
        order = orders.read(ours, order_id)
    assert order is not None
    return order


def put(services: Services, order_id: int, state: State) -> None:
    with services.pool.transaction() as ours:
        orders.set_state(ours, order_id, state)


def test_every_command_of_the_table_can_be_typed() -> None:
    assert list(COMMANDS) == [f"wo:{kind.verb}" for kind in KINDS]


def test_an_operator_opens_an_order_with_a_script_of_theirs(
    lockkeeper: Lockkeeper, services: Services, shop: Repository, bound: str, tmp_path: Path
) -> None:
    script = tmp_path / "0042_note.sql"
    script.write_text("ALTER TABLE orders ADD COLUMN note text;\n")

    ran = lockkeeper(
        "wo:start", "database-migration", "--repo", REPO, "--target", bound, "--sql", str(script)
    )

    with services.pool.transaction() as ours:
        (order,) = orders.of_repository(ours, shop.id)
    assert (ran.status, ran.err) == (0, "")
    assert "is recorded" in ran.out
    assert (order.sql, order.sql_origin) == (script.read_text(), "0042_note.sql")
    assert [each.is_operator for each in order.authors] == [True]
    assert order.authors[0].login.startswith("operator:")


def test_a_change_is_recorded_as_the_operator_s(
    lockkeeper: Lockkeeper, services: Services, shop: Repository
) -> None:
    order_id = opened(services, shop)

    ran = lockkeeper("wo:request-changes", "7", "use a twin column")

    assert (ran.status, ran.out, ran.err) == (0, "#7 is changes requested.\n", "")
    with services.pool.transaction() as ours:
        happened = [each.happening for each in events.of(ours, order_id)]
    (moved,) = [each for each in happened if each.kind == "changes_requested"]
    assert moved.by is not None
    assert moved.by.login.startswith("operator:")
    assert moved.detail["reason"] == "use a twin column"


def test_an_operator_never_approves(lockkeeper: Lockkeeper, services: Services, shop: Repository) -> None:
    order_id = opened(services, shop)
    put(services, order_id, State.AWAITING_APPROVAL)

    ran = lockkeeper("wo:approve", "7")

    assert ran.status == 3
    assert "Nobody approves from a terminal" in ran.out
    assert read(services, order_id).approvals == ()
    assert read(services, order_id).state is State.AWAITING_APPROVAL


def test_answers_are_printed_and_not_sent(
    lockkeeper: Lockkeeper, services: Services, shop: Repository, sandbox: ServedSandbox
) -> None:
    opened(services, shop)

    ran = lockkeeper("wo:status", "7")

    assert ran.status == 0
    assert "Status: analysing" in ran.out
    with services.pool.transaction() as ours:
        assert ours.execute("SELECT count(*) FROM outbox WHERE kind = 'comment'").fetchone() == (0,)


@pytest.mark.parametrize("words", [["all is well"], ["3", "columns are gone"]])
def test_a_summary_is_a_sentence_and_never_another_order(
    lockkeeper: Lockkeeper, services: Services, shop: Repository, words: list[str]
) -> None:
    order_id = opened(services, shop)
    opened(services, shop, 3)
    put(services, order_id, State.SOAKING)
    order = read(services, order_id)
    ticked = SetCriteria(
        order_id=order_id, criteria=tuple(replace(c, holds=True, evidence="seen") for c in order.criteria)
    )
    perform(services, Decided(intents=(ticked,), decided_on=(order,)))

    ran = lockkeeper("wo:done", "7", *words)

    assert (ran.status, ran.out) == (0, "#7 is done.\n"), ran.err
    with services.pool.transaction() as ours:
        assert events.of(ours, order_id)[-1].happening.detail["summary"] == " ".join(words)


def test_a_criterion_is_confirmed_with_the_operator_s_words(
    lockkeeper: Lockkeeper, services: Services, shop: Repository
) -> None:
    order_id = opened(services, shop)
    put(services, order_id, State.SOAKING)

    assert lockkeeper("wo:confirm", "7", "2", "it was fast all day").status == 0

    first, second = read(services, order_id).criteria
    assert not first.holds
    assert second.holds
    assert "it was fast all day" in second.evidence
    with services.pool.transaction() as ours:
        last = events.of(ours, order_id)[-1].happening
    assert last.by is not None
    assert last.detail["verb"] == "confirm"


def test_an_order_of_several_repositories_has_to_be_told_apart(
    lockkeeper: Lockkeeper, services: Services, shop: Repository
) -> None:
    opened(services, shop)
    opened(services, Repository(id=shop.id + 1, full_name="acme/other", installation_id=5))

    ran = lockkeeper("wo:cancel", "7")

    assert ran.status == 3
    assert "acme/other" in ran.err
    assert "--repo" in ran.err
    assert lockkeeper("wo:cancel", "7", "--repo", REPO).status == 0


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["wo:status"], 2),
        (["wo:rollback", "now"], 2),
        (["wo:rollback", "7"], 3),
        (["wo:status", "7"], 3),
        (["wo:help"], 0),
        (["wo:help", "aprove"], 0),
    ],
)
def test_without_an_order_only_help_is_given(
    lockkeeper: Lockkeeper, arguments: list[str], status: int
) -> None:
    assert lockkeeper(*arguments).status == status
