"""The plan not yet purged, with an application that goes on writing: its soak, and its way back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

from workorders.migration import journal, sessions
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.errors import LockkeeperError
from workorders.migration.executor import Executor
from workorders.migration.limits import REHEARSAL
from workorders.migration.names import RelationName
from workorders.migration.outcome import Outcome
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import kept, rows, state
from workorders.migration.rehearsal.moments import Allowed, Moments
from workorders.migration.rehearsal.rows import Rows
from workorders.migration.rehearsal.shadow import Copy
from workorders.migration.rehearsal.state import Loose, State
from workorders.migration.rehearsal.writes import Sent, Write
from workorders.migration.settle import Decision, PointedAt, Undecided


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What a copy made of the writes."""

    sent: tuple[Sent, ...]
    rows: Rows


def soak_differences(
    writes: tuple[Write, ...], plain: Answered, again: Answered, soaking: Answered, loose: Loose
) -> tuple[str, ...]:
    """How the plan's copy answered otherwise than the plain SQL's.

    `again` is a second copy of the plain SQL: what differs between those two is left to chance.
    """
    found = []
    for write, expected, other, had in zip(writes, plain.sent, again.sent, soaking.sent, strict=True):
        if _outcome(expected) == _outcome(other) and _outcome(had) != _outcome(expected):
            found.append(f"{write.title}: {expected} after the plain SQL, {had} before the purge")
    return (*found, *rows.differences(plain.rows, soaking.rows, loose))


def _outcome(sent: Sent) -> tuple[str, int]:
    """The class of SQLSTATE is what an application decides by."""
    return sent.sqlstate[:2], sent.rows


@dataclass(frozen=True, kw_only=True)
class WayBack:
    """A rollback after writes."""

    differences: tuple[str, ...]
    #: Why it has to wait for somebody, though nothing is lost.
    flags: tuple[str, ...] = ()
    reverted: State | None = None


def roll_back(
    copy: Copy, plan: Plan, catalog: Catalog, before: State, planned: State, written: State
) -> WayBack:
    """Undoes the run on a copy that was written; where rows do not fit, sets them aside, but only then."""
    found: list[str] = []
    try:
        outcome = _undone(copy, plan, written, found)
    except PointedAt as error:
        # Counted beforehand; whoever rolls back then has to fill them, or to change what points there.
        flag = f"rows set aside after writes may have to be let go first: {_first_sentence(error)}"
        return WayBack(differences=tuple(found), flags=(flag,))
    except LockkeeperError as error:
        return WayBack(differences=(*found, f"the way back stops: {_first_sentence(error)}"))
    reverted = state.read(copy)
    allowed = Allowed(
        aside=_aside(copy, plan),
        left=sum(each.rows for each in outcome.left),
        captured={
            plan.names(step.statement).reversed.table(name)
            for step in plan.steps
            for name in step.action.captured
        },
    )
    moments = Moments(
        before=before,
        planned=kept.called_before(planned, plan),
        written=kept.called_before(written, plan),
        reverted=reverted,
    )
    return WayBack(differences=(*found, *kept.differences(catalog, moments, allowed)), reverted=reverted)


def _undone(copy: Copy, plan: Plan, written: State, found: list[str]) -> Outcome:
    with Executor(copy.dsn, plan.run, REHEARSAL) as executor:
        try:
            return executor.roll_back(Decision())
        except Undecided as undecided:
            target = sessions.connect(copy.dsn)
            try:
                is_untouched = journal.get_run(target, plan.run).state == "executed"
            finally:
                target.close()
            if not is_untouched:
                found.append(
                    f"rows that cannot go back were counted too late: {undecided.reason.rstrip('.')}"
                )
            else:
                changed = state.differences(written, state.read(copy))
                found += [f"counting what cannot go back changed something: {each}" for each in changed]
        return executor.roll_back(Decision(set_aside=True))


def _aside(copy: Copy, plan: Plan) -> Mapping[RelationName, int]:
    """How many rows of each table were set aside."""
    found: dict[RelationName, int] = {}
    with psycopg.connect(copy.superuser, autocommit=True) as shadow:
        tables = {
            misfit.aside: plan.names(step.statement).reversed.table(misfit.table)
            for step in plan.steps
            for misfit in step.misfits
        }
        for aside, table in tables.items():
            there = shadow.execute("SELECT pg_catalog.to_regclass(%s)", (aside.sql,)).fetchone()
            if there is None or there[0] is None:
                continue
            row = shadow.execute(sql.SQL(f"SELECT count(*) FROM {aside.sql}")).fetchone()
            assert row is not None
            found[table] = found.get(table, 0) + row[0]
    return found


def _first_sentence(error: LockkeeperError) -> str:
    return str(error).splitlines()[0].rstrip(".")
