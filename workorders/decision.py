"""A decision as a tree of values that carries its evidence and its words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum


class Outcome(Enum):
    """How a decision turned out."""

    YES = "yes"
    WAIT = "wait"  # something that decides is not known; asked again later
    NO = "no"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """An outcome, why, and what would change it."""

    outcome: Outcome
    #: The evidence, in a sentence.
    because: str
    #: What would be allowed and who could do it; "" where the outcome is yes.
    next_move: str = ""
    #: A file that `next_move` speaks of, letter by letter; "" for none.
    file: str = ""
    #: The decisions that this one was made of.
    parts: tuple[Decision, ...] = ()

    @property
    def is_yes(self) -> bool:
        """Whether it is allowed now."""
        return self.outcome is Outcome.YES

    @property
    def is_wait(self) -> bool:
        """Whether to ask again later."""
        return self.outcome is Outcome.WAIT

    @property
    def sentence(self) -> str:
        """Evidence and next move, as they are said to a person."""
        return f"{self.because} {self.next_move}".strip()

    def lines(self, depth: int = 0) -> tuple[str, ...]:
        """The tree as indented lines, for `why` and the log."""
        own = f"{'  ' * depth}{self.outcome.value}: {self.because}"
        return (own, *(line for part in self.parts for line in part.lines(depth + 1)))


def all_of(decisions: Iterable[Decision], *, because: str) -> Decision:
    """Yes if every part is; the first no decides before the first wait. Says what decided."""
    parts = tuple(decisions)
    for outcome in (Outcome.NO, Outcome.WAIT):
        for part in parts:
            if part.outcome is outcome:
                return replace(part, parts=parts)
    return Decision(outcome=Outcome.YES, because=because, parts=parts)


def any_of(decisions: Iterable[Decision], *, otherwise: str, next_move: str) -> Decision:
    """Yes if one part is; a wait before a no. Without parts it is no."""
    parts = tuple(decisions)
    for outcome in (Outcome.YES, Outcome.WAIT):
        for part in parts:
            if part.outcome is outcome:
                return replace(part, parts=parts)
    return Decision(outcome=Outcome.NO, because=otherwise, next_move=next_move, parts=parts)
