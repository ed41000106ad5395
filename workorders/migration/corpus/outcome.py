"""What became of each file of a history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """How a file ended."""

    APPLIED = "applied"  # forth as psql, and back as if it had not been
    REFUSED = "refused"  # nothing was changed
    DIFFERS = "differs"  # it ran, and left something else than it had to
    UNPROVEN = "unproven"  # applied, but a proof of its rehearsal fails: it would not be offered for approval
    FAILS = "fails"  # a step did not run, or a fault of ours
    PSQL_FAILS = "psql fails"  # the file itself does not run here


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One file's."""

    file: str
    kind: Kind
    seconds: float
    #: Why, where it was not applied; each in a sentence or a line.
    reasons: tuple[str, ...] = ()
    #: What had to be done to the rows so that the file itself runs.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How many files ended how."""

    counts: Counter[Kind]
    seconds: float

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Totals:
        """Counted."""
        outcomes = list(outcomes)
        return cls(
            counts=Counter(each.kind for each in outcomes),
            seconds=sum(each.seconds for each in outcomes),
        )

    @property
    def run_by_psql(self) -> int:
        """The files that count: those that run at all."""
        return self.counts.total() - self.counts[Kind.PSQL_FAILS]

    @property
    def is_clean(self) -> bool:
        """Nothing differs, nothing fails and no proof does."""
        return not any(self.counts[kind] for kind in (Kind.DIFFERS, Kind.UNPROVEN, Kind.FAILS))
