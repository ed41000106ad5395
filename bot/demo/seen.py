"""The list at the end: what was to be seen, whether it was, and its figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Sight:
    """One thing that was to be seen."""

    claim: str
    is_seen: bool
    #: Figures or what was seen instead; "" for none.
    figure: str = ""


@dataclass
class Seen:
    """The sights in the order in which they came, or were to come."""

    #: Claims of the whole play, in order: what the play never reaches is shown as not seen.
    expected: tuple[str, ...]
    _sights: dict[str, Sight] = field(default_factory=dict)

    def note(self, claim: str, is_seen: bool, figure: str = "") -> None:
        """Notes what became of a claim. Raises KeyError for one that was not expected."""
        if claim not in self.expected:
            raise KeyError(claim)
        self._sights[claim] = Sight(claim=claim, is_seen=is_seen, figure=figure)

    @property
    def sights(self) -> tuple[Sight, ...]:
        """Each claim with what became of it."""
        return tuple(
            self._sights.get(claim, Sight(claim=claim, is_seen=False, figure="not reached"))
            for claim in self.expected
        )

    @property
    def is_whole(self) -> bool:
        """Whether each was seen."""
        return all(sight.is_seen for sight in self.sights)

    def lines(self) -> Iterator[str]:
        """For the terminal."""
        for sight in self.sights:
            figure = f"  ({sight.figure})" if sight.figure else ""
            yield f"  {'✓' if sight.is_seen else '✗'} {sight.claim}{figure}"
