"""What is told to whoever asks: the plan, the log, why it waits, and who could move it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from handlers.commands import KINDS
from handlers.facts import Colleague
from tests.unit.handlers.values import FACTS, decided, words
from tests.unit.workorders.values import (
    AUTHOR,
    NOW,
    POLICY,
    READS,
    SECOND,
    STRANGER,
    SUPERVISOR,
    TARGET,
    UNKNOWN,
    WRITES,
    approval,
    order,
    policy,
)
from workorders.authority import Who
from workorders.history import Happened
from workorders.intents import Intent, Move, React, Reaction, Say, Work
from workorders.lifecycle import Event
from workorders.order import Criterion, Quarantine, State
from workorders.policy import Supervisor
from workorders.report import Grid, Report, named
from workorders.stored_plan import StoredPlan, StoredStep, from_json, to_json
from workorders.turn import Freeze, Standing

PLAN = StoredPlan(
    run="run-1",
    digest="ab12" * 16,
    sql_sha256="0" * 64,
    steps=(
        StoredStep(
            title="Add note to orders",
            locks="ACCESS EXCLUSIVE on orders",
            in_rehearsal="2 ms",
            undo=("Drop note of orders",),
            is_undone_instantly=True,
        ),
    ),
    acceptances=("positional",),
    forth="ALTER TABLE orders ADD note text;",
    back="ALTER TABLE orders DROP note;",
    purge="-- nothing",
)
HISTORY = tuple(
    Happened(
        number=number, at=NOW + timedelta(minutes=number), kind=kind, by=by, state="analysing",
        reason=reason, hash=f"{number:064x}",
    )
    for number, (kind, by, reason) in enumerate(
        (("opened", "ann", ""), ("mend", "lockkeeper", "no @table"), ("revised", "sue", "")), start=1
    )
)  # fmt: skip


def rows(intents: tuple[Intent, ...]) -> list[tuple[str, ...]]:
    """Of all tables that are told."""
    reports = [each.content for each in intents if isinstance(each, Say) and isinstance(each.content, Report)]
    blocks = [block for report in reports for section in report.sections for block in section.blocks]
    return [row for block in blocks if isinstance(block, Grid) for row in block.rows]


def test_the_plan_is_shown_with_locks_and_the_way_back() -> None:
    said = words(decided("/wo plan", STRANGER, rights=READS, plan=PLAN))

    for each in ("Add note", "ACCESS EXCLUSIVE", "Drop note", "instant", PLAN.forth, PLAN.back, "positional"):
        assert each in said


def test_a_plan_comes_back_as_it_was_kept() -> None:
    assert from_json(to_json(PLAN)) == PLAN


def test_without_a_plan_it_is_said_when_there_will_be_one() -> None:
    said = words(decided("/wo plan", STRANGER, order=order(State.PREPARING)))

    assert "no plan yet" in said
    assert "automation is writing" in said


def test_the_log_tells_what_happened_when_and_by_whom_the_newest_last() -> None:
    intents = decided("/wo log", STRANGER, rights=READS, history=HISTORY)

    assert [row[1:6] for row in rows(intents)] == [
        ("2024-05-13 10:01:00", "opened", named("ann"), "analysing", ""),
        ("2024-05-13 10:02:00", "mend", named("lockkeeper"), "analysing", named("no @table")),
        ("2024-05-13 10:03:00", "revised", named("sue"), "analysing", ""),
    ]
    assert "lockkeeper log 42 --verify" in words(intents)


def test_a_long_log_says_that_it_is_cut() -> None:
    many = tuple(replace(HISTORY[0], number=number, hash=f"{number:064x}") for number in range(1, 251))
    said = words(decided("/wo log", STRANGER, history=many))

    assert "oldest 50" in said
    assert "'51'" in said
    assert "'50'" not in said


def test_why_names_every_part_of_what_holds_it_back() -> None:
    frozen = Freeze(target="shop", login="Sid", reason="the sale", frozen_at=NOW)
    said = words(
        decided(
            "/wo why",
            STRANGER,
            order=order(approvals=(approval(SECOND), approval(AUTHOR))),
            approvers={SECOND.id: READS, AUTHOR.id: WRITES},
            policy=policy(approvals=2, after="staging"),
            standing=Standing(freeze=frozen),
        )
    )

    for each in ("0 of 2 approvals", "authors do not approve", "only read", "froze", "the sale", "staging"):
        assert each in said


def test_why_waits_where_github_has_not_answered_about_an_approver() -> None:
    said = words(
        decided(
            "/wo why", STRANGER, order=order(approvals=(approval(SECOND),)), approvers={SECOND.id: UNKNOWN}
        )
    )

    assert "has not said what" in said


def test_why_of_a_soaking_order_names_the_open_criteria() -> None:
    criteria = (
        Criterion(number=1, text="It works", holds=True, evidence="seen"),
        Criterion(number=2, text="It is fast", fails=True, evidence="3 of 1.5"),
        Criterion(number=3, text="People like it"),
    )
    said = words(decided("/wo why", STRANGER, order=order(State.SOAKING, criteria=criteria)))

    for each in ("holds: seen", "does not hold: 3 of 1.5", "/wo rollback", "/wo confirm 3", "/wo done"):
        assert each in said


@pytest.mark.parametrize("state", State)
def test_why_and_who_answer_in_every_state(state: State) -> None:
    for verb in ("why", "who", "log"):
        intents = decided(f"/wo {verb}", STRANGER, order=order(state), history=HISTORY)

        assert [type(each) for each in intents] == [React, Say]
        assert isinstance(intents[0], React)
        assert intents[0].reaction is Reaction.DONE


def test_who_tells_for_each_person_what_they_could_and_why_not() -> None:
    colleagues = (
        Colleague(person=AUTHOR, rights=WRITES),
        Colleague(person=SUPERVISOR, rights=WRITES),
        Colleague(person=SECOND, rights=READS),
    )
    rules = replace(TARGET, supervisors=(*TARGET.supervisors, Supervisor(name="@acme/dba")))
    intents = decided(
        "/wo who", STRANGER, colleagues=colleagues, policy=replace(POLICY, targets={"shop": rules})
    )
    shown = rows(intents)

    people = {row[0]: row for row in shown}
    ann, sue, sid = (people[named(name)] for name in ("ann", "sue", "Sid"))
    assert "/wo revise" in ann[1]
    assert "/wo approve" not in ann[1]
    assert "approve: " in ann[2]
    assert "authors do not approve" in ann[2]
    assert "/wo approve" in sue[1]
    assert sid[1] == "nothing"
    assert "only read" in sid[2]
    assert named("@acme/dba") in words(intents)


@pytest.mark.parametrize("state", [State.SOAKING, State.DONE, State.ROLLED_BACK])
def test_a_purge_is_recorded_and_says_that_there_is_no_way_back(state: State) -> None:
    intents = decided("/wo purge", SUPERVISOR, order=order(state, run="run-1"))

    assert [type(each) for each in intents] == [React, Move, Say, Work]
    assert isinstance(intents[1], Move)
    assert intents[1].event is Event.PURGE
    assert "nobody can roll this order back" in words(intents)


@pytest.mark.parametrize("quarantine", [Quarantine.PURGE_ASKED, Quarantine.PURGED])
def test_what_is_purged_is_neither_purged_again_nor_rolled_back(quarantine: Quarantine) -> None:
    purged = order(State.DONE, run="run-1", quarantine=quarantine)

    for verb in ("purge", "rollback"):
        intents = decided(f"/wo {verb}", SUPERVISOR, order=purged)
        assert {type(each) for each in intents} == {React, Say}
        assert "purged" in words(intents)
    assert "cannot be rolled back" in words(decided("/wo why", STRANGER, order=purged))


def test_nothing_is_purged_of_what_never_ran() -> None:
    assert {type(each) for each in decided("/wo purge", SUPERVISOR, order=order(State.ROLLED_BACK))} == {
        React,
        Say,
    }


def test_whoever_can_comment_may_ask_and_nothing_is_changed() -> None:
    readers = [kind for kind in KINDS if kind.who is Who.READER]

    assert {kind.verb for kind in readers} >= {"status", "plan", "log", "why", "who", "help"}
    for kind in readers:
        intents = decided(f"/wo {kind.verb}", STRANGER, rights=READS, plan=PLAN, history=HISTORY)
        assert {type(each) for each in intents} == {React, Say}


def test_facts_know_nothing_of_themselves() -> None:
    assert FACTS.history == ()
    assert FACTS.standing == Standing()
