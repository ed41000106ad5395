"""A pull request's label, and its SQL on staging first and then on production."""

from __future__ import annotations

import pytest

from bot.store import databases
from bot.store.databases import BoundRepository
from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation
from tests.journeys.shop import Shop, Thread

FILE = "db/migrations/0042_note.sql"
SQL = "ALTER TABLE orders ADD COLUMN note text;\n"
POLICY = """version: 1
targets:
  steps: {supervisors: [dba]}
  steps-live: {supervisors: [dba], after: steps}
"""


@pytest.fixture(scope="module")
def live(installation: Installation, make_shop: MakeShop) -> Shop:
    return make_shop("steps-live", is_bound=False)


@pytest.fixture(scope="module")
def staging(installation: Installation, make_shop: MakeShop, live: Shop) -> Shop:
    shop = make_shop("steps", policy=False)
    shop.put_policy(POLICY)
    services = installation.services
    repository = BoundRepository(
        id=installation.sandbox.state.repository(shop.repository).id, full_name=shop.repository
    )
    with services.pool.transaction() as ours:
        databases.bind(ours, services.vault, live.name, live.url, [repository])
    return shop


def thread_on(shop: Shop, pull: int, target: str) -> Thread:
    """The issue of the pull request's order on a target, once it is linked there."""
    state = shop.installation.sandbox.state

    def linked() -> list[Thread]:
        said = [each.body for each in state.comments(shop.repository, pull) if "is open" in each.body]
        numbers = [int(each.rpartition("Work order #")[2].split(" ")[0]) for each in said]
        threads = [Thread(shop=shop, number=number) for number in numbers]
        return [each for each in threads if each.order.target == target]

    return until(linked)[0]


def has_note(shop: Shop) -> bool:
    return shop.query(
        "SELECT 1 FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'note'"
    ) == [(1,)]


def test_the_second_target_s_order_opens_by_itself_and_waits_for_the_first_s_soak(
    staging: Shop, live: Shop
) -> None:
    state = staging.installation.sandbox.state
    state.pulls.push_as("ana", staging.repository, "note", {FILE: SQL})
    pull = state.pulls.open_as("ana", staging.repository, "Notes", head="note").number
    state.label_as("ana", staging.repository, pull, "wo:database-migration")

    first = thread_on(staging, pull, "steps")
    first.wait_for("awaiting_approval")
    first.approve()
    first.wait_for("soaking")

    second = thread_on(staging, pull, "steps-live")
    second.wait_for("awaiting_approval")
    second.approve()
    until(lambda: any("has not soaked there yet" in each for each in second.said))
    second.wait_for("approved")
    assert has_note(staging)
    assert not has_note(live)
    assert [each.login for each in second.order.authors] == ["ana"]

    for number in [each.number for each in first.order.criteria if not each.holds]:
        first.say("dba", f'/wo confirm {number} "seen"')
    first.say("dba", 'wo:done "staging is well"')
    second.wait_for("soaking")
    assert has_note(live)
    head = state.pulls.pull(staging.repository, pull).head_sha
    checks = {each.name: each.conclusion for each in state.state.check_runs.values() if each.head_sha == head}
    assert checks == {"lockkeeper / steps": "success", "lockkeeper / steps-live": "success"}
