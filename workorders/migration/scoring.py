"""How right a forecast was, and what it teaches the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workorders.migration.estimate import Estimate, Work

#: Shorter times teach nothing: they are all overhead.
_TELLING_MS = 50.0

#: Under which names it is remembered; `estimate.Experience` reads them.
_NAMES = {Work.ROWS: "rows_per_second", Work.SCAN: "scan_to_count", Work.BUILD: "build_to_count"}


@dataclass(frozen=True, kw_only=True)
class Expected:
    """How long one step was to take."""

    title: str
    #: A `Work` by its value.
    work: str
    #: Milliseconds of a count, or rows; 0.0 where the time was foretold from neither.
    basis: float
    #: None where nothing was foretold.
    low_ms: float | None
    high_ms: float | None

    @classmethod
    def of(cls, estimate: Estimate) -> Expected:
        """As it was estimated."""
        return cls(
            title=estimate.step,
            work=estimate.work.value,
            basis=estimate.basis,
            low_ms=estimate.milliseconds.low,
            high_ms=estimate.milliseconds.high,
        )

    def holds(self, real_ms: float) -> bool | None:
        """Whether it took as long as that; None where nothing was foretold."""
        if self.low_ms is None or self.high_ms is None:
            return None
        return self.low_ms <= real_ms <= self.high_ms


def to_json(expected: Sequence[Expected]) -> list[dict[str, Any]]:
    """JSON values, in the order of the steps."""
    return [asdict(each) for each in expected]


def from_json(raw: Sequence[Mapping[str, Any]]) -> tuple[Expected, ...]:
    """What `to_json` wrote."""
    return tuple(Expected(**each) for each in raw)


def score(expected: Sequence[Expected], real_ms: Mapping[int, float]) -> dict[str, str | float]:
    """Foretold and real figures of a run as facts to be remembered. `real_ms` is by step."""
    foretold = {n: each for n, each in enumerate(expected) if n in real_ms and each.high_ms is not None}
    found: dict[str, str | float] = {}
    if foretold:
        held = sum(bool(each.holds(real_ms[n])) for n, each in foretold.items())
        found["predicted_at_least_ms"] = round(sum(each.low_ms or 0.0 for each in foretold.values()), 1)
        found["predicted_at_most_ms"] = round(sum(each.high_ms or 0.0 for each in foretold.values()), 1)
        found["predicted_steps_took_ms"] = round(sum(real_ms[n] for n in foretold), 1)
        found["predictions_held"] = f"{held} of {len(foretold)}"
    for work, name in _NAMES.items():
        steps = [n for n, each in enumerate(expected) if each.work == work.value and each.basis]
        real = sum(real_ms.get(n, 0.0) for n in steps)
        basis = sum(expected[n].basis for n in steps if n in real_ms)
        if real >= _TELLING_MS and basis:
            found[name] = round(basis / real * 1000, 1) if work is Work.ROWS else round(real / basis, 2)
    return found
