"""Estimates as values: figures that are intervals, each with the measurement that it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from workorders.migration.locks import Lock


class Work(Enum):
    """What a step's cost grows with. The value is how it is called in what is remembered."""

    CATALOG = "catalog"  # nothing: definitions alone are changed
    SCAN = "scan"  # the rows that are read
    BUILD = "build"  # the rows that are read and sorted or stored elsewhere
    ROWS = "rows"  # the rows that are written


@dataclass(frozen=True, kw_only=True)
class Amount:
    """A figure as an interval; both ends None where nothing was measured."""

    low: float | None
    high: float | None
    #: The measurement that it comes from.
    because: str

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return self.low is not None and self.high is not None


#: Where nothing is known.
UNMEASURED = Amount(low=None, high=None, because="nothing measured yet")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What one step will take."""

    step: str
    work: Work
    locks: tuple[Lock, ...]
    milliseconds: Amount
    wal_bytes: Amount
    #: Needed beside what is used now; some of it is given back when the server vacuums, or at the purge.
    disk_bytes: Amount
    #: What the time was foretold from: milliseconds of a count, or rows; 0.0 where it is of neither.
    basis: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Experience:
    """What earlier orders took on the same tables; None where none did such work."""

    rows_per_second: float | None = None
    #: The time of a validation, and of an index build, as a multiple of the time of a count.
    scan_to_count: float | None = None
    build_to_count: float | None = None

    @classmethod
    def of(cls, facts: Iterable[Mapping[str, object]]) -> Experience:
        """From what is remembered, the newest first."""
        found: dict[str, float] = {}
        for each in facts:
            for name in ("rows_per_second", "scan_to_count", "build_to_count"):
                value = each.get(name)
                if isinstance(value, int | float) and value > 0:
                    found.setdefault(name, float(value))
        return cls(**found)


#: Where no earlier order is known.
NO_EXPERIENCE = Experience()


def total(amounts: Iterable[Amount]) -> tuple[Amount, int]:
    """The sum of those that are known, and how many are not."""
    every = tuple(amounts)
    known = [each for each in every if each.is_known]
    because = "; ".join(dict.fromkeys(each.because for each in known)) or UNMEASURED.because
    low, high = sum(each.low or 0.0 for each in known), sum(each.high or 0.0 for each in known)
    whole = Amount(low=low if known else None, high=high if known else None, because=because)
    return whole, len(every) - len(known)
