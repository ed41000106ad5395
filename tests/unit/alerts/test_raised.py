from __future__ import annotations

from dataclasses import replace

import pytest

from bot.alerts.raised import raised
from bot.store.alerts import Raised
from tests.unit.workorders.values import REPOSITORY, SUPERVISOR, order
from workorders.intents import Intent, Move, Say
from workorders.lifecycle import TRANSITIONS, Event
from workorders.order import Person, State
from workorders.report import AlertKind, Finding, Report, issue, named

REPORT = Report(
    role="postgres", title="Review", summary="Sound.", finding=Finding.HOLDS, mentions=("sue", "acme/dba")
)

#: Whoever leads an order out of its way without having been asked.
UNASKED = (Event.PAUSED, Event.ABORTED, Event.ROLLBACK)


def say(content: Report | str = REPORT, key: str = "review:5", number: int | None = None) -> Say:
    return Say(repository=REPOSITORY, number=number, order_id=11, content=content, key=key)


def of(state: State, *intents: Intent) -> list[Raised]:
    return list(raised(intents, lambda order_id: order(state, id=order_id)))


def move(event: Event, by: Person | None = None, **detail: str) -> Move:
    return Move(order_id=11, event=event, by=by, detail=detail)


@pytest.mark.parametrize(("start", "event"), TRANSITIONS, ids=lambda value: value.value)
@pytest.mark.parametrize("by", [None, SUPERVISOR], ids=["unasked", "asked"])
def test_a_move_raises_what_its_end_asks_for(start: State, event: Event, by: Person | None) -> None:
    end = TRANSITIONS[start, event]

    kinds = [each.kind for each in of(end, move(event, by), say())]

    is_trouble = (
        end is State.FAILED
        or event in (Event.MEND, Event.STEP_FAILED, Event.STANDS)
        or (event in UNASKED and by is None)
    )
    expected = [AlertKind.ESCALATION] if is_trouble else []
    assert kinds == (expected or ([AlertKind.APPROVAL_WANTED] if end is State.AWAITING_APPROVAL else []))


def test_an_alert_says_what_the_report_says_and_names_whom_it_mentions() -> None:
    odd = named("od\x00d")
    report = replace(REPORT, summary=f"See {issue(7)}: {odd} is\u202e new.")

    (found,) = of(State.AWAITING_APPROVAL, say("a note"), say(report), move(Event.REVIEWED))

    assert found == Raised(
        order_id=11, key="approval_wanted:5", kind=AlertKind.APPROVAL_WANTED,
        order_state=State.AWAITING_APPROVAL, summary="See #7: od\\u0000d is\\u202e new.",
        people=("sue", "acme/dba"),
    )  # fmt: skip


def test_the_report_that_is_marked_gives_the_sentence() -> None:
    marked = replace(REPORT, summary="Blocked.", alert=AlertKind.ESCALATION)

    (found,) = of(State.ROLLING_BACK, say(marked), say(), move(Event.STEP_FAILED))

    assert found.summary == "Blocked."


def test_without_a_report_the_event_s_reason_is_told() -> None:
    (told,) = of(State.AWAITING_APPROVAL, move(Event.UNAPPROVED, reason="sue may not write any more."))
    (untold,) = of(State.FAILED, move(Event.BROKE))

    assert told.summary == "sue may not write any more."
    assert untold.summary == "The order is failed now."


def test_what_moves_nothing_raises_only_what_its_report_asks_for_and_once_for_a_comment() -> None:
    marked = say(replace(REPORT, alert=AlertKind.MONITOR), key="alert:3")

    assert of(State.EXECUTING, say()) == []
    assert [(each.kind, each.key) for each in of(State.EXECUTING, marked)] == [(AlertKind.MONITOR, "alert:3")]


def test_an_answer_where_it_was_asked_is_nobody_else_s() -> None:
    answer = say(replace(REPORT, summary="No.", alert=AlertKind.ESCALATION), number=42)

    assert of(State.SOAKING, answer) == []
