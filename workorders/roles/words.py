"""Figures and engine values in a report's words."""

from __future__ import annotations

from collections.abc import Iterable

from workorders.migration.errors import Problem
from workorders.migration.impact import Estimate
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName
from workorders.report import Grid, named

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(size_bytes: int) -> str:
    """Bytes in the unit that a person would choose, powers of 1024 as Postgres counts."""
    value = float(size_bytes)
    for unit in _UNITS:
        if value < 1024 or unit == _UNITS[-1]:
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"


def duration(milliseconds: float) -> str:
    """Milliseconds in the unit that a person would choose."""
    if milliseconds < 1:
        return f"{milliseconds:.2f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds / 60_000:.1f} min"


def count(number: int | None, word: str) -> str:
    """A number with its noun; `unknown` where nobody could count."""
    irregular = {"query": "queries", "validation query": "validation queries", "criterion": "criteria"}
    several = irregular.get(word, f"{word}s")
    if number is None:
        return f"an unknown number of {several}"
    return f"{number:,} {word if number == 1 else several}"


def names(relations: Iterable[RelationName]) -> str:
    """Relations as foreign text, or `none`."""
    return ", ".join(named(relation) for relation in relations) or "none"


def locks(taken: Iterable[Lock]) -> str:
    """Locks, strongest word first, or a dash."""
    return ", ".join(f"{lock.mode.sql} on {named(lock.relation)}" for lock in taken) or "none on what exists"


def interval(estimate: Estimate) -> str:
    """An estimate's two ends, or `unknown`."""
    if estimate.low_ms is None or estimate.high_ms is None:
        return "unknown"
    return f"{duration(estimate.low_ms)} to {duration(estimate.high_ms)}"


def problems(found: Iterable[Problem]) -> Grid:
    """Problems as a table."""
    rows = tuple(
        (
            str(problem.line or ""),
            named(problem.reason),
            named(problem.next_move) if problem.next_move else "",
        )
        for problem in found
    )
    return Grid(header=("Line", "What is wrong", "What to do"), rows=rows)
