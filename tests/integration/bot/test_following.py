"""Once an order soaks, its SQL goes on to the targets that the policy puts after, and waits there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot import inquiry
from bot.conducting.desk import Desk
from bot.conducting.following import following
from bot.perform import Decided, perform
from bot.services import Services
from bot.store import orders
from tests.integration.bot.opening import opened, read
from workorders import policy as policies
from workorders.definition import shipped
from workorders.intents import OpenOrder
from workorders.order import Order, Repository, State
from workorders.policy import Policy

POLICY = policies.from_yaml(
    "version: 1\ntargets:\n"
    "  staging: {supervisors: [dba]}\n"
    "  production: {supervisors: [dba], after: staging}\n"
    "  unbound: {supervisors: [dba], after: staging}\n"
)


@pytest.fixture
def repository(services: Services, bind: Callable[[str], None]) -> Repository:
    bind("staging")
    bind("production")
    found = services.app().find_repository("acme/shop")
    assert found is not None
    return found


@pytest.fixture
def first(services: Services, repository: Repository) -> Order:
    text = shipped()["database-migration"].text
    order_id = opened(
        services,
        repository=repository,
        target="staging",
        definition="database-migration",
        definition_text=text,
    )
    return read(services, order_id)


def next_of(services: Services, order: Order, policy: Policy = POLICY) -> tuple[OpenOrder, ...]:
    with services.pool.transaction() as ours:
        return following(ours, Desk(services=services, order=order, policy=policy))


def set_state(services: Services, order_id: int, state: State) -> None:
    with services.pool.transaction() as ours:
        orders.set_state(ours, order_id, state)


def test_the_next_order_is_the_same_on_the_next_bound_target(services: Services, first: Order) -> None:
    (wanted,) = next_of(services, first)

    assert (wanted.target, wanted.sql, wanted.asked_on) == ("production", first.sql, first.asked_on)
    assert (wanted.starter, *wanted.authors) == first.authors
    assert "production" in wanted.title
    assert wanted.follows == first.id


def test_it_opens_once_and_again_only_where_it_was_cancelled(services: Services, first: Order) -> None:
    (order_id,) = perform(services, Decided(intents=next_of(services, first))).opened

    for state in State:
        set_state(services, order_id, state)
        assert len(next_of(services, first)) == (state is State.CANCELLED), state


def test_where_no_target_comes_after_nothing_opens(services: Services, first: Order) -> None:
    (order_id,) = perform(services, Decided(intents=next_of(services, first))).opened

    assert next_of(services, read(services, order_id)) == ()


def test_it_waits_until_the_same_sql_is_done_before_it(services: Services, first: Order) -> None:
    (order_id,) = perform(services, Decided(intents=next_of(services, first))).opened
    later, rules = read(services, order_id), POLICY.targets["production"]

    for state in State:
        set_state(services, first.id, state)
        with services.pool.transaction() as ours:
            before = inquiry.standing(ours, later, rules).before
        assert before is not None
        assert before.state is state

    with services.pool.transaction() as ours:
        orders.set_script(ours, later.id, "SELECT 2;", "comment")
    other = read(services, later.id)
    with services.pool.transaction() as ours:
        assert inquiry.standing(ours, other, rules).before is None
