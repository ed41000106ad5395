"""What is kept of a rehearsed plan until it is executed, so that it can be held against the target.

Plans are not kept but made again: the same digest says that everything is as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from workorders.migration import decisions, engine
from workorders.migration.catalog import diff, fingerprint
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.connections import Target
from workorders.migration.engine import Prepared
from workorders.migration.errors import Refused
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan

#: Differences that a refusal names; the others are counted.
_NAMED_DIFFERENCES = 5


@dataclass(frozen=True, kw_only=True)
class Proven:
    """What is needed to make a rehearsed plan again, and to say what has moved since."""

    text: str
    policy: str
    run: str
    digest: str
    tables: tuple[RelationName, ...]
    acceptances: tuple[str, ...]
    #: Of `tables` alone.
    fingerprint: Fingerprint
    #: By statement, the tables that its triggers were seen to write.
    also_written: Mapping[int, tuple[RelationName, ...]] = field(default_factory=dict)
    #: What decided which statements its DO blocks come to.
    decisions: tuple[decisions.Kept, ...] = ()

    @classmethod
    def of(cls, rehearsed: Prepared, first: Plan) -> Proven:
        """`first` is the plan that was made before anything was rehearsed."""
        plan = rehearsed.plan
        return cls(
            text=plan.script.text,
            policy=plan.policy,
            run=plan.run,
            digest=plan.digest,
            tables=plan.tables,
            acceptances=plan.acceptances,
            fingerprint=rehearsed.fingerprint.of(plan.tables),
            also_written=_also_written(first, plan),
            decisions=decisions.kept(plan.decisions),
        )

    def again(self, target: Target, binaries: Path | None = None) -> Prepared:
        """The same plan, made on the target as it is now.

        Raises Refused, naming what moved, where it would be another.
        """
        now = fingerprint.read(target, self.tables)
        differences = [str(each) for each in diff.compare(self.fingerprint, now)]
        if differences:
            raise _moved("; ".join(_first(differences)))
        prepared = engine.prepare(
            target, self.text, policy=self.policy, also_written=self.also_written, binaries=binaries
        )
        if prepared.plan.digest != self.digest:
            raise _moved(self._what_moved(prepared.plan))
        return prepared

    def _what_moved(self, plan: Plan) -> str:
        line = decisions.changed(self.decisions, plan.decisions)
        if line is not None:
            return decisions.another_answer(line)
        if plan.run != self.run:
            return "the same script has been run here meanwhile"
        if plan.tables != self.tables:
            names = sorted(set(plan.tables) ^ set(self.tables))
            return f"other tables are concerned: {', '.join(map(str, names))}"
        if plan.acceptances != self.acceptances:
            return f"it now needs to be accepted with {', '.join(plan.acceptances) or 'nothing'}"
        return "the steps that lead there are others"


def _also_written(first: Plan, rehearsed: Plan) -> Mapping[int, tuple[RelationName, ...]]:
    """What a rehearsal added to the tables that are captured."""
    known = _captured(first)
    found = _captured(rehearsed)
    return {
        statement: tuple(sorted(names - known.get(statement, set())))
        for statement, names in found.items()
        if names - known.get(statement, set())
    }


def _captured(plan: Plan) -> dict[int, set[RelationName]]:
    captured: dict[int, set[RelationName]] = {}
    for step in plan.steps:
        captured.setdefault(step.statement, set()).update(step.action.captured)
    return captured


def _moved(what: str) -> Refused:
    return Refused.because(
        f"The target is not what the plan was rehearsed for any more: {what}.",
        "Nothing was changed. Apply the script again: it will be rehearsed anew.",
    )


def _first(differences: list[str]) -> list[str]:
    rest = len(differences) - _NAMED_DIFFERENCES
    return differences[:_NAMED_DIFFERENCES] + ([f"and {rest} more"] if rest > 0 else [])
