"""The application's own statements on the copies: what the plan breaks, and what the script itself does.

A sample is too small for the planner to use an index by itself, so reading whole tables is made
dear: it is then done only where no index serves.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

from workorders.migration import workload
from workorders.migration.connections import Shadow
from workorders.migration.rehearsal.proof import Proof
from workorders.migration.rehearsal.shadow import Copy
from workorders.migration.workload import Planned, Statement

NAME = "workload"

#: A statement is named by so much of its text.
_SHOWN = 200

_Plans = Mapping[int, Planned]


def plans(copy: Copy, statements: tuple[Statement, ...]) -> _Plans:
    """How each statement is planned on a copy, as the role that the migration runs as."""
    if not statements:
        return {}
    with psycopg.connect(copy.dsn, autocommit=True, prepare_threshold=None) as application:
        application.execute("SELECT pg_catalog.set_config('enable_seqscan', 'off', false)")
        return workload.plans(Shadow(application), statements)


def proof(statements: tuple[Statement, ...], before: _Plans, plain: _Plans, soaking: _Plans) -> Proof:
    """Fails for what only the plan breaks; what the plain SQL breaks, too, is the script's own wish."""
    differences: list[str] = []
    flags: list[str] = []
    for each in statements:
        was, wanted, found = (by_id[each.query_id] for by_id in (before, plain, soaking))
        trouble = _trouble(was, found)
        if trouble:
            (flags if _trouble(was, wanted) else differences).append(f"{trouble}: {each.text[:_SHOWN]}")
    return Proof.of(NAME, tuple(differences), tuple(flags))


def unknown() -> Proof:
    """Nobody knows what the application runs."""
    why = "unknown, for pg_stat_statements cannot be read in the target"
    return Proof(name=NAME, holds=None, differences=(why,))


def _trouble(was: Planned, found: Planned) -> str:
    if was.sqlstate is not None:
        return ""  # it does not plan as this role, so nothing can be said of it
    if found.sqlstate is not None:
        return f"no longer plans (SQLSTATE {found.sqlstate})"
    if was.indexes and set(found.whole_tables) - set(was.whole_tables):
        return "loses its index"
    return ""
