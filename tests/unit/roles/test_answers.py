"""Every line of a definition gets an answer; what nobody measured is said to be unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.workorders.values import REPOSITORY, TARGET, order
from workorders.migration.errors import Failed, Problem, Refused
from workorders.migration.executor import Outcome
from workorders.migration.monitor import Watched
from workorders.migration.names import RelationName
from workorders.migration.validation import Comparison, Query
from workorders.order import Criterion
from workorders.report import Answer, Answers, Finding, Report
from workorders.roles import automation, conductor, postgres
from workorders.roles.brief import Brief, Found, answers, phase_answers, shipped
from workorders.roles.conductor import Verdict
from workorders.roles.postgres import Evidence

OWN = "The cache is warmed up"
PERSONS = "it is a person's to answer"

ORDERS = RelationName(schema="public", name="orders")


def brief(**changes: object) -> Brief:
    """An order of the shipped definition."""
    plain = Brief(
        order=order(criteria=shipped().open_criteria(), repository=REPOSITORY),
        definition=shipped(), policy=TARGET,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


def with_own_lines() -> Brief:
    """A repository's definition: ours with a line of its own in each phase, and one of ours missing."""
    definition = shipped()
    phases = tuple(replace(phase, tasks=(OWN, *phase.tasks[1:])) for phase in definition.phases)
    return brief(definition=replace(definition, phases=phases, escalation=(OWN, *definition.escalation[1:])))


def evidence(**changes: object) -> Evidence:
    """Everything went well on one table."""
    query = Query(kind="rows", table=ORDERS, subject="", sql="SELECT 1")
    plain = Evidence(
        run="run-1", is_executed=True,
        comparisons=(Comparison(query=query, before=1, after=1, agrees=True, words="1 row before, 1 after"),),
        reversal_holds=True, workload=None, slower_than=1.5,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields by name


def all_answers(report: Report) -> list[Answer]:
    """The answers of all of its sections."""
    return [
        answer
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Answers)
        for answer in block.answers
    ]


def executed(told: Brief) -> Report:
    watched = Watched(samples=10, most_blocked=0, longest_stall_ms=0.0, errors=0)
    return automation.executed(told, Outcome(run="run-1", state="executed"), watched, 5.0, (("a step", 5.0),))


def validated(told: Brief) -> Report:
    ticked = postgres.criteria(told.order.criteria, evidence())
    return postgres.validated(told, evidence(), ticked, ("dba",))


def escalated(told: Brief) -> Report:
    trouble = conductor.judge(Failed("add a column", "42701", "row values"), is_changed=True)
    return conductor.escalated(told, automation.ROLE, trouble, ("dba",))


@pytest.mark.parametrize("number", [phase.number for phase in shipped().phases])
def test_every_task_of_a_phase_is_answered_in_its_order(number: int) -> None:
    tasks = next(phase.tasks for phase in shipped().phases if phase.number == number)
    found = [Found(finding=Finding.HOLDS, found=f"found {task}", evidence="seen") for task in tasks]

    given = phase_answers(brief(), number, found)

    assert [(each.task, each.found) for each in given] == [(task, f"found {task}") for task in tasks]


@pytest.mark.parametrize(
    ("report", "lines"),
    [
        (executed, shipped().phases[1].tasks),
        (validated, (*shipped().criteria, *shipped().phases[2].tasks)),
        (escalated, shipped().escalation),
    ],
)
def test_a_report_answers_every_line_that_it_is_about(report: object, lines: tuple[str, ...]) -> None:
    assert callable(report)

    given = all_answers(report(brief()))

    assert [each.task for each in given] == list(lines)
    assert all(each.found for each in given)
    assert not any(PERSONS in each.found for each in given)


@pytest.mark.parametrize("report", [executed, validated, escalated])
def test_a_line_of_the_repositorys_own_is_a_persons_to_answer(report: object) -> None:
    assert callable(report)

    own = [each for each in all_answers(report(with_own_lines())) if each.task == OWN]

    assert [(each.finding, PERSONS in each.found) for each in own] == [(Finding.OPEN, True)]


@pytest.mark.parametrize("number", range(len(shipped().criteria)))
def test_each_criterion_has_a_check_with_evidence(number: int) -> None:
    ticked = postgres.criteria(shipped().open_criteria(), evidence())

    assert ticked[number].evidence
    # Of the application's statements nothing is known here.
    assert ticked[number].holds is (number not in (3, 4))


def test_a_criterion_of_the_repositorys_own_is_left_to_people() -> None:
    own = Criterion(number=1, text=OWN, holds=True, evidence="`dba` saw it")

    assert postgres.criteria((own,), evidence(is_executed=False)) == (own,)


def test_as_many_answers_as_lines_are_given_or_it_fails() -> None:
    with pytest.raises(ValueError, match="zip"):
        answers(("a", "b"), ("a", "b"), (Found(finding=Finding.NOTE, found="one"),))


def test_before_the_first_change_a_trouble_is_mended() -> None:
    trouble = conductor.judge(
        Refused(Problem(line=3, reason="No.", next_move="Do it so.")),
        is_changed=False,
        failed_before="Other.",
    )

    assert (trouble.verdict, trouble.root_cause, trouble.next_step) == (Verdict.MEND, "No.", "Do it so.")


def test_a_step_that_fails_twice_alike_is_undone_and_to_be_redesigned() -> None:
    failed = Failed("check every row", "23514", "row values")
    first = conductor.judge(failed, is_changed=True)

    second = conductor.judge(failed, is_changed=True, failed_before=first.root_cause)

    assert (first.verdict, first.is_undone) == (Verdict.ROLL_BACK, True)
    assert (second.verdict, second.is_undone) == (Verdict.REDESIGN, True)


def test_the_same_trouble_twice_is_redesigned() -> None:
    trouble = conductor.judge(Refused.because("No.", "Do it so."), is_changed=False, failed_before="No.")

    assert trouble.verdict is Verdict.REDESIGN


def test_after_the_first_change_a_trouble_is_rolled_back_without_the_servers_message() -> None:
    trouble = conductor.judge(Failed("add a column", "42701", "Key (id)=(7)"), is_changed=True)

    assert trouble.verdict is Verdict.ROLL_BACK
    assert "42701" in trouble.root_cause
    assert "Key" not in repr(trouble)
