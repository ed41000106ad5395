"""Figures and engine values in a report's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from workorders.migration.errors import Problem
from workorders.migration.estimate import Amount, Estimate, total
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName
from workorders.report import Folded, Grid, Paragraph, Section, named

_UNITS = ("B", "kB", "MB", "GB", "TB")


def size(size_bytes: float) -> str:
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


def interval(amount: Amount, unit: Callable[[float], str] = duration) -> str:
    """A figure's two ends, or `unknown`."""
    if amount.low is None or amount.high is None:
        return "unknown"
    low, high = unit(amount.low), unit(amount.high)
    return low if low == high else f"{low} to {high}"


def summed(amounts: Iterable[Amount], unit: Callable[[float], str] = duration) -> str:
    """The sum of what is known, and of how many steps it is not."""
    whole, unknown = total(amounts)
    if not unknown:
        return interval(whole, unit)
    steps = count(unknown, "step")
    return f"{interval(whole, unit)}; unknown for {steps}" if whole.is_known else "unknown"


def costs(estimates: Sequence[Estimate], kept_bytes: int) -> Section:
    """What the plan will take, step by step and in all, and what it gives back only with the purge."""
    figures = tuple(
        (
            named(each.step),
            interval(each.milliseconds),
            interval(each.wal_bytes, size),
            interval(each.disk_bytes, size),
        )
        for each in estimates
    )
    whole = (
        "all steps",
        summed(each.milliseconds for each in estimates),
        summed((each.wal_bytes for each in estimates), size),
        summed((each.disk_bytes for each in estimates), size),
    )
    grounds = tuple(
        (named(each.step), each.milliseconds.because, each.wal_bytes.because, each.disk_bytes.because)
        for each in estimates
    )
    header = ("Step", "Time", "Write-ahead log", "Disk")
    kept = Paragraph(text=f"Dropped tables keep their {size(kept_bytes)} until the purge.")
    return Section(
        title="What it will take on the target",
        blocks=(
            Grid(header=header, rows=(*figures, whole)),
            *((kept,) if kept_bytes else ()),
            Folded(
                title="The measurement that each figure comes from",
                blocks=(Grid(header=header, rows=grounds),),
            ),
        ),
    )


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
