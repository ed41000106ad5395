"""A rehearsed plan as it is kept in ours, so that it can be shown without its target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workorders.report import Block, Code, Finding, Folded, Grid, Paragraph, Report, Section, named


@dataclass(frozen=True, kw_only=True)
class StoredStep:
    """A step in words."""

    title: str
    locks: str
    #: How long it took there, with its unit.
    in_rehearsal: str
    #: The titles of what undoes it, in the order in which that is done.
    undo: tuple[str, ...]
    is_undone_instantly: bool


@dataclass(frozen=True, kw_only=True)
class StoredPlan:
    """The plan of one script."""

    run: str
    digest: str
    #: Of the SQL that it was made of: another script has another plan.
    sql_sha256: str
    steps: tuple[StoredStep, ...]
    #: What an approval has to accept expressly.
    acceptances: tuple[str, ...]
    #: Files for psql.
    forth: str
    back: str
    purge: str


def to_json(plan: StoredPlan) -> Mapping[str, Any]:
    """As JSON values."""
    return {
        "run": plan.run,
        "digest": plan.digest,
        "sql_sha256": plan.sql_sha256,
        "steps": [
            {
                "title": step.title,
                "locks": step.locks,
                "in_rehearsal": step.in_rehearsal,
                "undo": list(step.undo),
                "is_undone_instantly": step.is_undone_instantly,
            }
            for step in plan.steps
        ],
        "acceptances": list(plan.acceptances),
        "forth": plan.forth,
        "back": plan.back,
        "purge": plan.purge,
    }


def from_json(found: Mapping[str, Any]) -> StoredPlan:
    """The plan that `to_json` gave."""
    steps = tuple(StoredStep(**{**each, "undo": tuple(each["undo"])}) for each in found["steps"])
    return StoredPlan(**{**found, "steps": steps, "acceptances": tuple(found["acceptances"])})


def report(plan: StoredPlan) -> Report:
    """The steps with their locks and the way back of each; the files for psql are folded."""
    rows = tuple(
        (
            str(number),
            named(step.title),
            step.locks,
            step.in_rehearsal,
            "; ".join(map(named, step.undo)) or "nothing to undo",
            "instant" if step.is_undone_instantly else "online",
        )
        for number, step in enumerate(plan.steps, start=1)
    )
    accepted = ", ".join(named(f"--accept {each}") for each in plan.acceptances)
    header = ("", "Step", "Locks", "In rehearsal", "Undone by", "Way back")
    steps: tuple[Block, ...] = (
        (Grid(header=header, rows=rows),) if rows else (Paragraph(text="The target has it all already."),)
    )
    files = (("The plan", plan.forth), ("The rollback", plan.back), ("The purge", plan.purge))
    return Report(
        role="automation",
        title="Plan",
        summary=f"{len(plan.steps)} {'step' if len(plan.steps) == 1 else 'steps'}; "
        f"its digest is {named(plan.digest[:12])}."
        + (f" An approval has to say {accepted}." if accepted else ""),
        finding=Finding.NOTE,
        sections=(
            Section(title="The steps, and the way back of each", blocks=steps),
            Section(
                title="Of use without Lockkeeper",
                blocks=tuple(
                    Folded(title=f"{title}, as a file for psql", blocks=(Code(language="sql", text=text),))
                    for title, text in files
                ),
            ),
        ),
    )
