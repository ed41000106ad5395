"""The conductor: Lockkeeper's own workflow. Escalations, and the report that closes an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from workorders.migration.errors import Blocked, Failed, LockkeeperError, Problem, Refused, Unreadable
from workorders.report import AlertKind, Answers, Finding, Grid, Paragraph, Report, Section, named
from workorders.roles import words
from workorders.roles.brief import Brief, Found, answers, shipped

ROLE = "conductor"


class Verdict(Enum):
    """What becomes of an order that is in trouble. The value is what the report says."""

    MEND = "mend the script"  # before the first change
    ROLL_BACK = "roll back"  # afterwards, at once and uncommanded
    REDESIGN = "redesign"  # refused, or failed twice alike


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """A trouble with its verdict."""

    verdict: Verdict
    #: One sentence; no row values and no message of the server's.
    root_cause: str
    next_step: str
    problems: tuple[Problem, ...]
    #: The target was changed, so it is rolled back at once, whatever the verdict.
    is_undone: bool


def judge(error: LockkeeperError, *, is_changed: bool, failed_before: str = "") -> Escalation:
    """What is to be done about a failure.

    `is_changed` tells whether anything in the target was changed; `failed_before` is the root
    cause of the order's last failure, since the same one twice asks for another design.
    """
    problems = _problems(error)
    root_cause = problems[0].reason
    if failed_before == root_cause:
        verdict, next_step = Verdict.REDESIGN, "It failed twice alike: reach the goal another way."
    elif is_changed:
        verdict, next_step = Verdict.ROLL_BACK, "It is rolled back now; then mend the script and revise."
    else:
        verdict, next_step = Verdict.MEND, problems[0].next_move or "Mend the script and revise."
    return Escalation(
        verdict=verdict,
        root_cause=root_cause,
        next_step=next_step,
        problems=problems,
        is_undone=is_changed,
    )


def aborted(said: str) -> Escalation:
    """A person has stopped it in the middle; `said` tells who, and why."""
    next_step = "It is rolled back now. An author or a supervisor can then give other SQL: /wo revise."
    return Escalation(
        verdict=Verdict.ROLL_BACK,
        root_cause=said,
        next_step=next_step,
        problems=(Problem(line=None, reason=said, next_move=next_step),),
        is_undone=True,
    )


def _problems(error: LockkeeperError) -> tuple[Problem, ...]:
    match error:
        case Refused():
            return error.problems
        case Unreadable() | Blocked() | Failed():
            return (error.problem,)
        case _:
            return (Problem(line=None, reason=str(error), next_move="The log tells more."),)


def escalated(brief: Brief, role: str, escalation: Escalation, mentions: tuple[str, ...]) -> Report:
    """The report on a trouble: error, verdict, root cause and next step."""
    found = (
        Found(finding=Finding.HOLDS, found=f"Reported by {role}.", evidence=named(escalation.root_cause)),
        Found(finding=Finding.NOTE, found=f"Verdict: {escalation.verdict.value}."),
        Found(
            finding=Finding.NOTE,
            found="It is rolled back at once."
            if escalation.is_undone
            else "Nothing is to be rolled back: nothing in the target was changed.",
        ),
        Found(
            finding=Finding.NOTE,
            found=f"Root cause: {named(escalation.root_cause)}",
            evidence=f"Next step: {named(escalation.next_step)}",
        ),
    )
    return Report(
        role=role,
        title="Escalation",
        summary=f"Blocked. Verdict: {escalation.verdict.value}.",
        finding=Finding.FAILS,
        sections=(
            Section(title="What stands in the way", blocks=(words.problems(escalation.problems),)),
            Section(
                title="How it goes on",
                blocks=(Answers(answers=answers(brief.definition.escalation, shipped().escalation, found)),),
            ),
        ),
        mentions=mentions,
        alert=AlertKind.ESCALATION,
    )


def closing(brief: Brief, result: str, facts: Mapping[str, str | int | float | bool]) -> Report:
    """The one report that ends an order."""
    held = sum(criterion.holds for criterion in brief.order.criteria)
    at_the_end = "held before it was rolled back" if "rollback_ms" in facts else "hold"
    return Report(
        role=ROLE,
        title="Closing report",
        summary=f"{result} {held} of {len(brief.order.criteria)} criteria {at_the_end}.",
        finding=Finding.HOLDS
        if "rollback_ms" not in facts and held == len(brief.order.criteria)
        else Finding.NOTE,
        sections=(
            Section(
                title="Figures",
                blocks=(
                    Grid(
                        header=("What", "Value"),
                        rows=tuple(map(_figure, facts, facts.values())),
                    )
                    if facts
                    else Paragraph(text="Nothing was measured."),
                ),
            ),
            Section(
                title="Criteria",
                blocks=(
                    Grid(
                        header=("Criterion", "Holds", "Evidence"),
                        rows=tuple(
                            (named(each.text), "yes" if each.holds else "no", each.evidence)
                            for each in brief.order.criteria
                        ),
                    ),
                ),
            ),
        ),
    )


def _figure(name: str, value: str | float) -> tuple[str, str]:
    """A fact as a row: milliseconds in the unit that a person would choose."""
    if name.endswith("_ms") and not isinstance(value, str):
        return (name.removesuffix("_ms").replace("_", " "), words.duration(value))
    return (name.replace("_", " "), named(value))
