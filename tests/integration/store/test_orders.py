from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from bot.store import findings, orders
from bot.store.ours import Ours
from tests.integration.store.values import ANA, DBA, NOW, SHOP, opening
from workorders.intents import Remember
from workorders.order import Approval, Criterion, Person, State


def opened(ours: Ours, **changes: object) -> int:
    return orders.insert(ours, opening(**changes), State.ANALYSING, NOW)


def test_an_order_is_read_as_it_was_opened(ours: Ours) -> None:
    order_id = opened(ours)

    order = orders.read(ours, order_id)

    assert order is not None
    assert order.repository == SHOP
    assert order.state is State.ANALYSING
    assert order.version == 1
    assert order.authors == (ANA,)
    assert order.criteria == opening().criteria
    assert order.approvals == ()
    assert order.opened_at == NOW
    assert order.issue_number is None


def test_an_unknown_number_is_no_order(ours: Ours) -> None:
    assert orders.read(ours, 12345) is None


def test_an_order_is_found_by_its_issue_and_by_what_asked_for_it(ours: Ours) -> None:
    order_id = opened(ours)
    assert orders.set_issue(ours, order_id, 31)

    by_issue = orders.of_issue(ours, SHOP.id, 31)

    assert by_issue is not None
    assert by_issue.id == order_id
    assert [each.id for each in orders.asked_on(ours, SHOP.id, 7)] == [order_id]
    assert orders.of_issue(ours, SHOP.id + 1, 31) is None


def test_a_second_issue_for_an_order_is_refused(ours: Ours) -> None:
    order_id = opened(ours)
    orders.set_issue(ours, order_id, 31)

    assert not orders.set_issue(ours, order_id, 32)
    assert orders.set_issue(ours, order_id, 31)


@pytest.mark.parametrize("state", list(State))
def test_every_state_can_be_stored(ours: Ours, state: State) -> None:
    order_id = opened(ours)

    orders.set_state(ours, order_id, state)

    order = orders.read(ours, order_id)
    assert order is not None
    assert order.state is state


def test_who_asked_last_is_known_by_place(ours: Ours) -> None:
    assert orders.newest_asked_on(ours, SHOP.id, 7) == 0

    orders.lock_place(ours, SHOP.id, 7)
    order_id = opened(ours)
    opened(ours, asked_on=8)

    assert orders.newest_asked_on(ours, SHOP.id, 7) == order_id


def test_another_target_of_the_same_pull_request_opens_beside(ours: Ours) -> None:
    opened(ours)

    opened(ours, target="shop-staging")

    assert len(orders.asked_on(ours, SHOP.id, 7)) == 2


def test_a_voided_approval_counts_no_longer_and_can_be_given_again(ours: Ours) -> None:
    order_id = opened(ours)
    approval = Approval(person=DBA, digest="d1", approved_at=NOW, accepted=("positional",))
    orders.add_approval(ours, order_id, approval)
    order = orders.read(ours, order_id)
    assert order is not None
    assert order.approvals == (approval,)

    assert orders.void_approvals(ours, order_id, "the script changed", NOW) == 1
    order = orders.read(ours, order_id)
    assert order is not None
    assert order.approvals == ()

    orders.add_approval(ours, order_id, approval)
    order = orders.read(ours, order_id)
    assert order is not None
    assert order.approvals == (approval,)


def test_one_person_counts_once_for_a_digest(ours: Ours) -> None:
    order_id = opened(ours)

    for _ in range(2):
        orders.add_approval(ours, order_id, Approval(person=DBA, digest="d1", approved_at=NOW))

    order = orders.read(ours, order_id)
    assert order is not None
    assert len(order.approvals) == 1


def test_an_operator_never_approves(ours: Ours) -> None:
    order_id = opened(ours)
    operator = Person(id=0, login="operator:root")

    with pytest.raises(psycopg.errors.CheckViolation), ours.transaction():
        orders.add_approval(ours, order_id, Approval(person=operator, digest="d1", approved_at=NOW))


def test_nothing_is_ticked_without_evidence(ours: Ours) -> None:
    order_id = opened(ours)

    with pytest.raises(psycopg.errors.CheckViolation), ours.transaction():
        orders.set_criteria(ours, order_id, [Criterion(number=1, text="It works.", holds=True)])


def test_a_new_script_has_no_digest(ours: Ours) -> None:
    order_id = opened(ours)
    orders.set_digest(ours, order_id, "d1", NOW)

    orders.set_script(ours, order_id, "SELECT 1;", "comment")

    order = orders.read(ours, order_id)
    assert order is not None
    assert (order.sql, order.sql_origin) == ("SELECT 1;", "comment")
    assert (order.digest, order.reviewed_at) == ("", None)


def test_an_order_is_due_from_its_time_on(ours: Ours) -> None:
    order_id = opened(ours)
    assert orders.due(ours) == ()

    orders.look_again(ours, order_id, NOW + timedelta(days=36500))
    assert orders.due(ours) == ()

    orders.look_again(ours, order_id, NOW - timedelta(days=36500))
    assert [each.order_id for each in orders.due(ours)] == [order_id]


def test_a_job_that_ended_leaves_a_time_that_was_set_meanwhile(ours: Ours) -> None:
    order_id = opened(ours)
    orders.begun(ours, order_id)
    assert [each.order_id for each in orders.due(ours)] == [order_id]

    orders.look_again(ours, order_id, NOW + timedelta(days=36500))
    orders.worked(ours, order_id, 0)

    assert orders.due(ours) == ()


def test_only_tries_since_the_last_good_end_are_counted(ours: Ours) -> None:
    order_id = opened(ours)
    assert [orders.begun(ours, order_id), orders.begun(ours, order_id)] == [1, 2]

    orders.worked(ours, order_id, None)

    assert orders.due(ours) == ()
    assert orders.begun(ours, order_id) == 1


def test_fencing_tokens_rise_even_over_an_undone_transaction(ours: Ours) -> None:
    class Undone(Exception):
        pass

    first = orders.next_fencing_token(ours)
    with pytest.raises(Undone), ours.transaction():
        second = orders.next_fencing_token(ours)
        raise Undone

    assert first < second < orders.next_fencing_token(ours)


def test_who_froze_first_stays(ours: Ours) -> None:
    orders.freeze(ours, "shop-production", "dba", "audit")
    orders.freeze(ours, "shop-production", "ana", "me too")

    frozen = orders.frozen(ours, "shop-production")
    assert frozen is not None
    assert (frozen.login, frozen.reason) == ("dba", "audit")
    assert orders.unfreeze(ours, "shop-production")
    assert not orders.unfreeze(ours, "shop-production")


def test_findings_are_replaced_and_kept_by_name(ours: Ours) -> None:
    order_id = opened(ours)
    findings.keep(ours, order_id, 1, "facts", {"rows": 1})
    findings.keep(ours, order_id, 1, "facts", {"rows": 2})

    assert findings.kept(ours, order_id, 1, "facts") == {"rows": 2}
    assert findings.kept(ours, order_id, 2, "facts") is None


def test_memory_is_of_one_target_and_of_shared_tables(ours: Ours) -> None:
    order_id = opened(ours)
    lesson = Remember(
        order_id=order_id, target="shop-production", tables=("public.orders", "public.items"),
        summary="took 3 s", facts={"seconds": 3.0},
    )  # fmt: skip
    findings.remember(ours, lesson)

    (found,) = findings.remembered(ours, "shop-production", ("public.items",))

    assert (found.summary, found.facts) == ("took 3 s", {"seconds": 3.0})
    assert findings.remembered(ours, "shop-staging", ("public.items",)) == ()
    assert findings.remembered(ours, "shop-production", ("public.users",)) == ()
