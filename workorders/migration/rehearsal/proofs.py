"""The rehearsal itself: plan against plain SQL, forth and back, on copies of the target."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from workorders.migration import engine, sessions, workload
from workorders.migration.capture import Uncaptured
from workorders.migration.catalog import read as catalogs
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Shadow, Target
from workorders.migration.engine import Prepared
from workorders.migration.errors import Problem
from workorders.migration.executor import Timed
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import sample
from workorders.migration.rehearsal.metering import Cost
from workorders.migration.rehearsal.oracle import PlainSqlFails
from workorders.migration.rehearsal.proof import Proof, failures
from workorders.migration.rehearsal.record import Record
from workorders.migration.rehearsal.sample import Sample
from workorders.migration.rehearsal.shadow import Copy, ShadowServer, shadow_of
from workorders.migration.rehearsal.trial import Found, Trial

__all__ = ["Proof", "Rehearsal", "measured", "rehearse"]

#: insufficient_privilege
_NOT_ALLOWED = "42501"

#: How often a plan is made anew because its triggers wrote a table that nobody had foreseen.
_REPLANS = 5


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What became of a plan on copies of the target."""

    #: The plan that was rehearsed in the end, with all tables that its triggers write.
    prepared: Prepared
    proofs: tuple[Proof, ...]
    #: How long each step took on the sample.
    timings: tuple[Timed, ...]
    #: How long each action of the way back took.
    undo_timings: tuple[Timed, ...]
    #: What each step took on the sample, by its number.
    costs: Mapping[int, Cost]
    sample: Sample
    #: `server_version_num` of the shadow.
    server_version: int
    seconds: float
    #: By statement, the tables that its triggers were seen to write: needed to make the same plan again.
    also_written: Mapping[int, tuple[RelationName, ...]]
    #: Schema and rows of the copies at each moment, as hashes.
    record: Record
    #: Why it is refused; empty where every proof holds.
    problems: tuple[Problem, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the plan may be offered for approval."""
        return not self.problems and all(proof.holds is not False for proof in self.proofs)


def rehearse(
    target: Target,
    dsn: str,
    text: str,
    server: ShadowServer,
    binaries: Path,
    *,
    policy: str = "",
    alter: Callable[[Plan], Plan] = lambda plan: plan,
) -> Rehearsal:
    """Proves, or fails to prove, a script's plan. Changes nothing in the target.

    `alter` is for tests that plant a fault in the plan and must see it caught. Raises
    Unreadable and Refused as `prepare` does, and Blocked where no shadow can be made.
    """
    began = time.monotonic()
    also_written: dict[int, tuple[RelationName, ...]] = {}

    def prepare(database: Target, sizes: Mapping[RelationName, int] | None = None) -> Prepared:
        return engine.prepare(
            database, text, policy=policy, also_written=also_written, binaries=binaries, sizes=sizes
        )

    def plan_again(copy: Copy) -> Plan:
        sizes = {table.name: table.size_bytes for table in prepared.catalog.tables.values()}
        with closing(sessions.connect(copy.dsn)) as database:
            return alter(prepare(database, sizes).plan)

    prepared = prepare(target)
    # A sample is closed under foreign keys, however far they lead from what the plan touches.
    whole = catalogs.read(target)
    with shadow_of(target, dsn, whole, server, binaries) as shadow:
        with psycopg.connect(shadow.template, autocommit=True) as template:
            taken = sample.fill(target, Shadow(template), whole, prepared.plan)
            version = template.info.server_version
        for _ in range(_REPLANS):
            altered = replace(prepared, plan=alter(prepared.plan))
            statements = workload.statements(target, altered.plan.touched)
            trial = Trial(shadow, binaries / "psql", text, whole, statements)
            try:
                found = trial.run(altered.plan, plan_again)
                break
            except PlainSqlFails as failure:
                if not (failure.is_by_rows and taken.made_up):
                    found = Found(problems=(_plain_sql_fails(failure, prepared.catalog),))
                    break
                with psycopg.connect(shadow.template, autocommit=True) as template:
                    fewer = sample.without_made_up(Shadow(template), whole, taken)
                if fewer == taken:
                    found = Found(problems=(_plain_sql_fails(failure, prepared.catalog),))
                    break
                taken = fewer
            except Uncaptured as missed:
                known = also_written.get(missed.statement, ())
                also_written[missed.statement] = (*known, *missed.tables)
                prepared = prepare(target)
                # What it writes was not known when the sample was taken.
                with psycopg.connect(shadow.template, autocommit=True) as template:
                    more = sample.fill(target, Shadow(template), whole, prepared.plan, makes_up=False)
                made_up = set(taken.made_up)
                taken = replace(
                    taken,
                    rows={name: rows for name, rows in more.rows.items() if name not in made_up},
                    empty=more.empty,
                )
        else:
            missed_tables = sorted({str(name) for names in also_written.values() for name in names})
            found = Found(
                problems=(
                    Problem(
                        line=None,
                        reason=f"Triggers write ever more tables: {', '.join(missed_tables)}.",
                        next_move="Take the statement that fires them out of the script.",
                    ),
                )
            )
    return Rehearsal(
        prepared=altered,
        proofs=found.proofs,
        timings=found.timings,
        undo_timings=found.undo_timings,
        costs=found.costs,
        sample=taken,
        server_version=version,
        seconds=time.monotonic() - began,
        also_written=also_written,
        record=Record.of(found.states, found.loose, found.sent),
        problems=(*found.problems, *failures(found.proofs)),
    )


def measured(rehearsal: Rehearsal) -> Mapping[int, float]:
    """Milliseconds on the sample, by step."""
    return {timed.step: timed.milliseconds for timed in rehearsal.timings}


def _plain_sql_fails(failure: PlainSqlFails, catalog: Catalog) -> Problem:
    if failure.sqlstate == _NOT_ALLOWED and catalog.role_is_superuser:
        return Problem(
            line=None,
            reason=f"{catalog.role} is a superuser and may do this on the target; in a rehearsal, nobody is:"
            f" SQLSTATE {failure.sqlstate}.",
            next_move="Run it by hand, outside of a migration.",
        )
    return Problem(
        line=None,
        reason=f"The SQL itself fails on a copy of the target with sample rows: SQLSTATE {failure.sqlstate}.",
        next_move="Run it with psql on a copy of the database to see the server's message.",
    )
