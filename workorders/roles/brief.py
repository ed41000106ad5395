"""What a role is told before it begins, and how its answers meet the definition's lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from workorders import definition as definitions
from workorders.definition import Definition
from workorders.memory import Lesson
from workorders.order import Order
from workorders.policy import TargetPolicy
from workorders.report import Answer, Finding

#: The definition that the roles of this package answer for.
NAME = "database-migration"


@dataclass(frozen=True, kw_only=True)
class Brief:
    """One order, as a role sees it."""

    order: Order
    definition: Definition
    lessons: tuple[Lesson, ...] = ()
    #: The target's rules; None where the repository has no readable policy.
    policy: TargetPolicy | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """An answer that has not met its line yet."""

    finding: Finding
    found: str
    evidence: str = ""


@cache
def shipped() -> Definition:
    """The definition that comes with the package."""
    return definitions.shipped()[NAME]


def answers(lines: Sequence[str], known: Sequence[str], found: Sequence[Found]) -> tuple[Answer, ...]:
    """Each line of an order's definition with its answer.

    `known` are the shipped definition's lines and `found` their answers, in the same order. A
    line that a repository has written for itself has no answer of ours, and says so.
    """
    by_line = dict(zip(known, found, strict=True))
    return tuple(_answer(line, by_line.get(line)) for line in lines)


def _answer(line: str, found: Found | None) -> Answer:
    if found is None:
        return Answer(
            task=line,
            finding=Finding.OPEN,
            found="Nothing of Lockkeeper's answers this line: it is a person's to answer.",
        )
    return Answer(task=line, finding=found.finding, found=found.found, evidence=found.evidence)


def phase_answers(brief: Brief, number: int, found: Sequence[Found]) -> tuple[Answer, ...]:
    """The answers to one phase's tasks."""
    phase = next((each for each in brief.definition.phases if each.number == number), None)
    known = next(each for each in shipped().phases if each.number == number)
    return answers(phase.tasks if phase else (), known.tasks, found)
