from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from bot.errors import Broken, OrderMoved, Refused
from bot.perform import Decided, perform, settle
from bot.services import Services
from bot.store import orders
from tests.integration.bot.opening import kinds, opened, read
from tests.integration.store.values import ANA, DBA, SHOP, opening
from workorders.intents import (
    Approve,
    CloseIssue,
    Intent,
    Move,
    React,
    Reaction,
    Remember,
    ReopenIssue,
    Revise,
    Say,
    SetCriteria,
    SetReview,
    ShowOrder,
    VoidApprovals,
    Work,
)
from workorders.lifecycle import Event
from workorders.order import Criterion, State


def decided(services: Services, order_id: int, *intents: Intent) -> Decided:
    return Decided(intents=intents, decided_on=(read(services, order_id),))


def queued(services: Services) -> list[str]:
    with services.pool.transaction() as ours:
        return [
            each[0]
            for each in ours.execute("SELECT queueing_lock FROM procrastinate_jobs ORDER BY 1").fetchall()
        ]


def posted(services: Services) -> list[str]:
    with services.pool.transaction() as ours:
        return [each[0] for each in ours.execute("SELECT kind FROM outbox ORDER BY position").fetchall()]


def analysed(order_id: int) -> Move:
    return Move(order_id=order_id, event=Event.ANALYSED, by=None)


def test_a_new_order_has_its_first_event_its_messages_and_its_jobs(services: Services) -> None:
    order_id = opened(services)

    assert kinds(services, order_id) == ["opened"]
    assert posted(services) == ["issue", "label"]
    assert queued(services) == [f"order:{order_id}", f"outbox:{SHOP.installation_id}"]
    assert read(services, order_id).state is State.ANALYSING


def test_an_order_without_sql_waits_for_its_author(services: Services) -> None:
    order_id = opened(services, sql="", sql_origin="")

    assert read(services, order_id).state is State.CHANGES_REQUESTED
    assert queued(services) == [f"outbox:{SHOP.installation_id}"]


def test_a_decision_on_an_older_version_changes_nothing(services: Services) -> None:
    order_id = opened(services)
    stale = decided(services, order_id, SetReview(order_id=order_id, digest="d2"), analysed(order_id))
    perform(services, decided(services, order_id, SetReview(order_id=order_id, digest="d1")))

    with pytest.raises(OrderMoved) as raised:
        perform(services, stale)

    assert (raised.value.decided_on, raised.value.version) == (1, 2)
    order = read(services, order_id)
    assert (order.state, order.digest, order.version) == (State.ANALYSING, "d1", 2)
    assert kinds(services, order_id) == ["opened", "digest"]


def test_an_order_that_was_not_read_is_not_changed(services: Services) -> None:
    order_id = opened(services)

    with pytest.raises(OrderMoved):
        perform(services, Decided(intents=(analysed(order_id),)))


def test_a_version_conflict_is_decided_anew(services: Services) -> None:
    order_id = opened(services)
    seen: list[int] = []

    def decide() -> Decided:
        result = decided(services, order_id, SetReview(order_id=order_id, digest=f"mine {len(seen)}"))
        seen.append(result.decided_on[0].version)
        if len(seen) == 1:  # somebody is faster, once
            perform(services, decided(services, order_id, SetReview(order_id=order_id, digest="theirs")))
        return result

    settle(services, decide)

    assert seen == [1, 2]
    assert read(services, order_id).digest == "mine 1"


def test_an_order_that_does_not_come_to_rest_is_given_up(services: Services) -> None:
    order_id = opened(services)

    def decide() -> Decided:
        result = decided(services, order_id, SetReview(order_id=order_id, digest="mine"))
        perform(services, decided(services, order_id, SetReview(order_id=order_id, digest="theirs")))
        return result

    with pytest.raises(Broken):
        settle(services, decide)


def test_of_many_at_once_one_moves_the_order(services: Services) -> None:
    order_id = opened(services)
    together = threading.Barrier(4)

    def move(_: int) -> bool:
        def decide() -> Decided:
            result = decided(services, order_id, analysed(order_id))
            if not together.broken:
                together.wait(10)
                together.abort()
            return result

        try:
            settle(services, decide)
        except Refused:  # decided anew, the state does not hold the event any more
            return False
        except threading.BrokenBarrierError:
            return move(_)
        return True

    with ThreadPoolExecutor(4) as many:
        results = list(many.map(move, range(4)))

    assert sorted(results) == [False, False, False, True]
    assert kinds(services, order_id) == ["opened", "analysed"]


def test_a_refused_event_leaves_nothing_of_its_decision(services: Services) -> None:
    order_id = opened(services)
    before = (posted(services), queued(services))
    say = Say(repository=SHOP, number=None, order_id=order_id, content="x", key="k")
    review = SetReview(order_id=order_id, digest="d1")

    with pytest.raises(Refused):
        perform(
            services,
            decided(services, order_id, review, say, Move(order_id=order_id, event=Event.DONE, by=ANA)),
        )

    assert (posted(services), queued(services)) == before
    assert read(services, order_id).digest == ""
    assert kinds(services, order_id) == ["opened"]


def test_a_key_is_carried_out_once(services: Services) -> None:
    first = perform(services, Decided(intents=(opening(),)), "comment:1:2:3")
    second = perform(services, Decided(intents=(opening(),)), "comment:1:2:3")

    assert len(first.opened) == 1
    assert second.was_done_before
    assert second.opened == ()


def test_a_refused_decision_does_not_use_up_its_key(services: Services) -> None:
    order_id = opened(services)
    with pytest.raises(OrderMoved):
        perform(services, Decided(intents=(analysed(order_id),)), "comment:1:2:3")

    assert not perform(
        services, decided(services, order_id, analysed(order_id)), "comment:1:2:3"
    ).was_done_before


def test_who_saw_no_other_order_opens_none_beside_it(services: Services) -> None:
    other = opened(services)

    with pytest.raises(OrderMoved):
        perform(services, Decided(intents=(opening(),), newest_asked=0))

    assert perform(services, Decided(intents=(opening(),), newest_asked=other)).opened


def test_each_change_is_an_event_and_one_decision_one_version(services: Services) -> None:
    order_id = opened(services)
    criteria = (Criterion(number=1, text="It works.", holds=True, evidence="it did"),)

    perform(
        services,
        decided(
            services,
            order_id,
            analysed(order_id),
            SetReview(order_id=order_id, digest="d1"),
            Approve(order_id=order_id, by=DBA, digest="d1", accepted=("positional",)),
            SetCriteria(order_id=order_id, criteria=criteria),
            VoidApprovals(order_id=order_id, reason="drift"),
            Revise(order_id=order_id, sql="SELECT 2;", sql_origin="comment", by=DBA),
        ),
    )

    order = read(services, order_id)
    assert order.version == 2
    assert (order.state, order.criteria, order.approvals) == (State.PREPARING, criteria, ())
    assert (order.sql, order.digest) == ("SELECT 2;", "")
    assert order.authors == (ANA, DBA)
    assert kinds(services, order_id) == [
        *("opened", "analysed", "digest", "approval", "criteria", "approvals_voided", "script")
    ]


def test_two_moves_of_one_decision_follow_one_another(services: Services) -> None:
    order_id = opened(services)

    perform(
        services,
        decided(
            services, order_id, analysed(order_id), Move(order_id=order_id, event=Event.PREPARED, by=None)
        ),
    )

    assert read(services, order_id).state is State.REVIEWING


@pytest.mark.parametrize(
    ("intent", "kind"),
    [
        (lambda id_: Say(repository=SHOP, number=None, order_id=id_, content="x", key="k"), "comment"),
        (lambda _: React(repository=SHOP, number=7, comment_id=9, reaction=Reaction.SEEN), "reaction"),
        (lambda id_: CloseIssue(order_id=id_, is_completed=True), "state"),
        (lambda id_: ReopenIssue(order_id=id_), "state"),
        (lambda id_: ShowOrder(order_id=id_), "label"),
    ],
)
def test_what_is_only_said_needs_no_version(
    services: Services, intent: Callable[[int], Intent], kind: str
) -> None:
    order_id = opened(services)

    perform(services, Decided(intents=(intent(order_id),)))

    assert kind in posted(services)
    assert read(services, order_id).version == 1


def test_a_lesson_is_kept_and_work_is_queued_once(services: Services) -> None:
    order_id = opened(services)
    lesson = Remember(order_id=order_id, target="shop", tables=("t",), summary="s", facts={"seconds": 1.5})

    perform(services, Decided(intents=(lesson, Work(order_id=order_id), Work(order_id=order_id))))

    assert queued(services).count(f"order:{order_id}") == 1
    with services.pool.transaction() as ours:
        assert [each.order_id for each in orders.due(ours)] == []
        assert ours.execute("SELECT summary FROM memory").fetchall() == [("s",)]
