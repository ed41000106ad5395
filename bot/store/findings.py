"""What roles found: for the later phases of an order, and for later orders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from bot.store.ours import Ours, row, rows, run
from bot.store.queries import queries
from workorders.intents import Remember
from workorders.migration.errors import Problem
from workorders.order import Order, PhaseReport

_QUERY = queries("orders")

#: The phase and the name of what an order's script was last refused for.
TROUBLE_PHASE, TROUBLE = 1, "trouble"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What an earlier order taught."""

    order_id: int
    target: str
    tables: tuple[str, ...]
    summary: str
    facts: Mapping[str, str | int | float | bool]
    remembered_at: datetime


def keep_trouble(ours: Ours, order: Order, root_cause: str, problems: Iterable[Problem]) -> None:
    """What the order's script is refused for, line by line; the same root cause twice is told by it."""
    found = {
        "root_cause": root_cause,
        "sql": _sha256(order.sql),
        "problems": [asdict(each) for each in problems],
    }
    keep(ours, order.id, TROUBLE_PHASE, TROUBLE, found)


def problems_of(ours: Ours, order: Order) -> tuple[Problem, ...]:
    """What the order's present script was refused for; nothing where it was not."""
    found = kept(ours, order.id, TROUBLE_PHASE, TROUBLE) or {}
    if found.get("sql") != _sha256(order.sql):
        return ()
    return tuple(Problem(**each) for each in found["problems"])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def keep(ours: Ours, order_id: int, phase: int, name: str, found: Mapping[str, Any]) -> None:
    """Keeps what was found, as JSON, instead of what the phase had found under this name before."""
    run(ours, _QUERY["put_report"], order_id=order_id, phase=phase, name=name, found=Jsonb(dict(found)))


def kept(ours: Ours, order_id: int, phase: int, name: str) -> Mapping[str, Any] | None:
    """What the phase found under this name; None where nothing was kept."""
    found = row(ours, _QUERY["get_report"], order_id=order_id, phase=phase, name=name)
    return None if found is None else dict(found["found"])


def keep_phase(ours: Ours, order_id: int, report: PhaseReport) -> None:
    """Keeps what a person has reported of a phase, and forgets what was reported of later ones."""
    run(ours, _QUERY["forget_later_phases"], order_id=order_id, phase=report.phase)
    by = {"id": report.by.id, "login": report.by.login, "is_bot": report.by.is_bot}
    found = {"phase": report.phase, "is_done": report.is_done, "said": report.said, "by": by}
    keep(ours, order_id, report.phase, "people", found)


def remember(ours: Ours, what: Remember) -> None:
    """Keeps a lesson."""
    run(
        ours, _QUERY["insert_memory"],
        order_id=what.order_id, target=what.target, tables=list(what.tables), summary=what.summary,
        facts=Jsonb(dict(what.facts)),
    )  # fmt: skip


def remembered(ours: Ours, target: str, tables: tuple[str, ...]) -> tuple[Memory, ...]:
    """Lessons about any of these tables on this target, newest first; at most twenty."""
    return tuple(
        Memory(**{**each, "tables": tuple(each["tables"])})
        for each in rows(ours, _QUERY["remembered"], target=target, tables=list(tables))
    )
