"""`-- lockkeeper: allow HAZARD because REASON`: one hazard of the one statement that follows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass

from workorders.migration.errors import Unreadable
from workorders.migration.sql.remarks import Remark, remarks

_FORM = re.compile(r"allow\s+(?P<hazard>\S+)\s+because\s+(?P<reason>\S.*)", re.IGNORECASE)
_SHOWN = "-- lockkeeper: allow HAZARD because REASON"


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """A hazard that somebody has accepted, with the reason."""

    hazard: str
    reason: str
    #: 1-based line of the comment.
    line: int
    #: In bytes; it is for the first statement that begins after it.
    offset: int


@dataclass(frozen=True, kw_only=True)
class Allowances:
    """What a script allows, and the comments that could not be understood."""

    allowed: tuple[Allowance, ...]
    problems: tuple[Unreadable, ...]


def read(text: str, known: Collection[str]) -> Allowances:
    """Every allowance of a script. A comment to Lockkeeper that is none is a problem."""
    allowed: list[Allowance] = []
    problems: list[Unreadable] = []
    for remark in remarks(text):
        said = _FORM.fullmatch(remark.text)
        if said is None:
            problems.append(_problem(remark, f"`{remark.text}` is not understood.", f"Write {_SHOWN}."))
        elif said["hazard"] not in known:
            near = difflib.get_close_matches(said["hazard"], known, n=1, cutoff=0.0)
            reason = f"There is no hazard {said['hazard']}."
            problems.append(
                _problem(remark, reason, f"Did you mean {near[0]}?" if near else f"Write {_SHOWN}.")
            )
        else:
            allowed.append(
                Allowance(
                    hazard=said["hazard"],
                    reason=said["reason"].strip(),
                    line=remark.line,
                    offset=remark.offset,
                )
            )
    return Allowances(allowed=tuple(allowed), problems=tuple(problems))


def _problem(remark: Remark, reason: str, next_move: str) -> Unreadable:
    return Unreadable(reason, next_move, line=remark.line, column=remark.column)
