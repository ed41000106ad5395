"""What can go wrong, branched by what the reader can do about it.

    LockkeeperError
    ├── Refused      not allowed: says what would be
    │   └── Fails    and the server would not do it either
    ├── Unreadable   the input is not what it should be: says line and column
    ├── Blocked      not now: says who or what is in the way, and since when
    ├── Failed       the server refused a step: says SQLSTATE and step
    └── Broken       our fault: carries a reference to find it by

Each class keeps its facts as attributes and makes its sentence from them; nothing
decides by reading a message.
"""

from __future__ import annotations

from dataclasses import dataclass


class LockkeeperError(Exception):
    """The root of the tree. Never raised itself."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that stands in the way, as a report and `--json` show it."""

    #: 1-based line in the script, or None where it belongs to no line.
    line: int | None
    #: Names the object and the rule, in one sentence.
    reason: str
    #: What to do about it; a complete command or statement where there is one.
    next_move: str

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        return f"{where}{self.reason} {self.next_move}".strip()


class Refused(LockkeeperError):
    """Not allowed, and nothing was changed. `problems` is never empty."""

    def __init__(self, *problems: Problem) -> None:
        if not problems:
            raise ValueError("a refusal without a reason")
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems

    @classmethod
    def because(cls, reason: str, next_move: str, *, line: int | None = None) -> Refused:
        """A refusal with a single problem."""
        return cls(Problem(line=line, reason=reason, next_move=next_move))


class Fails(Refused):
    """Refused, and the server itself would fail at it: `sqlstate` is what it would say."""

    def __init__(self, *problems: Problem, sqlstate: str) -> None:
        super().__init__(*problems)
        self.sqlstate = sqlstate


class Unreadable(LockkeeperError):
    """The input cannot be read. `line` and `column` are 1-based; 0 where unknown."""

    def __init__(self, reason: str, next_move: str, *, line: int = 0, column: int = 0) -> None:
        place = f"line {line}, column {column}: " if line else ""
        super().__init__(f"{place}{reason} {next_move}")
        self.reason = reason
        self.next_move = next_move
        self.line = line
        self.column = column

    @property
    def problem(self) -> Problem:
        """The same facts as a value."""
        return Problem(line=self.line or None, reason=self.reason, next_move=self.next_move)


class Blocked(LockkeeperError):
    """Not now. `reason` says who or what is in the way and since when."""

    def __init__(self, reason: str, next_move: str) -> None:
        super().__init__(f"{reason} {next_move}")
        self.reason = reason
        self.next_move = next_move

    @property
    def problem(self) -> Problem:
        """The same facts as a value."""
        return Problem(line=None, reason=self.reason, next_move=self.next_move)


class Failed(LockkeeperError):
    """The server refused a step. `detail` is the server's own message: for the log, never a comment."""

    def __init__(self, step: str, sqlstate: str, detail: str) -> None:
        super().__init__(f"Step {step!r} failed with SQLSTATE {sqlstate}.")
        self.step = step
        self.sqlstate = sqlstate
        self.detail = detail

    @property
    def problem(self) -> Problem:
        """The same facts as a value."""
        return Problem(line=None, reason=str(self), next_move="The server's own message is in the log.")


class Broken(LockkeeperError):
    """A promise of ours does not hold. `reference` finds it in the log."""

    def __init__(self, reason: str, *, reference: str = "") -> None:
        super().__init__(f"{reason} This is a fault of Lockkeeper's{f' ({reference})' if reference else ''}.")
        self.reason = reason
        self.reference = reference
