"""The rehearsal itself: plan against plain SQL, forth and back, on copies of the target."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from workorders.migration import engine
from workorders.migration.capture import Uncaptured
from workorders.migration.catalog import read as catalogs
from workorders.migration.connections import Shadow, Target
from workorders.migration.engine import Prepared
from workorders.migration.errors import Failed, LockkeeperError, Problem
from workorders.migration.executor import Executor, Outcome, Timed
from workorders.migration.limits import REHEARSAL
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import oracle, rows, sample, state
from workorders.migration.rehearsal.oracle import PlainSqlFails
from workorders.migration.rehearsal.rows import Rows
from workorders.migration.rehearsal.sample import Sample
from workorders.migration.rehearsal.shadow import Copy, ShadowDatabase, ShadowServer, shadow_of
from workorders.migration.rehearsal.shuffle import shuffle
from workorders.migration.rehearsal.state import State
from workorders.migration.rehearsal.watching import Watching
from workorders.migration.settle import Decision

#: How often a plan is made anew because its triggers wrote a table that nobody had foreseen.
_REPLANS = 5


@dataclass(frozen=True, kw_only=True)
class Proof:
    """One claim about a plan, tried. It holds if nothing differed."""

    #: equivalence, reversal or locks.
    name: str
    #: What was compared with what, in a sentence.
    claim: str
    holds: bool
    differences: tuple[str, ...] = ()


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
    sample: Sample
    #: `server_version_num` of the shadow.
    server_version: int
    seconds: float
    #: By statement, the tables that its triggers were seen to write: needed to make the same plan again.
    also_written: Mapping[int, tuple[RelationName, ...]]
    #: Why it is refused; empty where every proof holds.
    problems: tuple[Problem, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the plan may be offered for approval."""
        return not self.problems and all(proof.holds for proof in self.proofs)


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
    prepared = engine.prepare(target, text, policy=policy, binaries=binaries)
    # A sample is closed under foreign keys, however far they lead from what the plan touches.
    whole = catalogs.read(target)
    with shadow_of(target, dsn, whole, server, binaries) as shadow:
        with psycopg.connect(shadow.template, autocommit=True) as template:
            taken = sample.fill(target, Shadow(template), whole, prepared.plan)
            version = template.info.server_version
        attempt = _Rehearsal(shadow, binaries / "psql", text)
        for _ in range(_REPLANS):
            altered = replace(prepared, plan=alter(prepared.plan))
            try:
                found = attempt.proofs(altered.plan)
                break
            except Uncaptured as missed:
                known = also_written.get(missed.statement, ())
                also_written[missed.statement] = (*known, *missed.tables)
                prepared = engine.prepare(
                    target, text, policy=policy, also_written=also_written, binaries=binaries
                )
                # What it writes was not known when the sample was taken.
                with psycopg.connect(shadow.template, autocommit=True) as template:
                    more = sample.fill(
                        target, Shadow(template), whole, prepared.plan, makes_up=False
                    )
                made_up = set(taken.made_up)
                taken = replace(
                    taken,
                    rows={name: rows for name, rows in more.rows.items() if name not in made_up},
                    empty=more.empty,
                )
                attempt = _Rehearsal(shadow, binaries / "psql", text)
        else:
            missed_tables = sorted({str(name) for names in also_written.values() for name in names})
            found = _Found(
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
        sample=taken,
        server_version=version,
        seconds=time.monotonic() - began,
        also_written=also_written,
        problems=(*found.problems, *_failures(found.proofs)),
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    proofs: tuple[Proof, ...] = ()
    timings: tuple[Timed, ...] = ()
    undo_timings: tuple[Timed, ...] = ()
    problems: tuple[Problem, ...] = ()


class _Rehearsal:
    """The copies of one shadow, and what is tried on them."""

    def __init__(self, shadow: ShadowDatabase, psql: Path, text: str) -> None:
        self._shadow = shadow
        self._psql = psql
        self._text = text
        self._plain: tuple[State, frozenset[tuple[RelationName, str]]] | None = None

    def proofs(self, plan: Plan) -> _Found:
        try:
            wanted, loose = self._plain_sql()
        except PlainSqlFails as failure:
            return _Found(
                problems=(
                    Problem(
                        line=None,
                        reason="The SQL itself fails on a copy of the target with sample rows:"
                        f" SQLSTATE {failure.sqlstate}.",
                        next_move="Run it with psql on a copy of the database to see the server's message.",
                    ),
                )
            )
        try:
            watching = Watching()
            purged = self._shadow.clone()
            forth = _execute(purged, plan, watching)
            with Executor(purged.dsn, plan.run, REHEARSAL) as executor:
                executor.finish(purge=True)
            reverted = self._shadow.clone()
            before = state.read(reverted.superuser)
            _execute(reverted, plan, watching)
            with Executor(reverted.dsn, plan.run, REHEARSAL, observer=watching) as executor:
                back = executor.roll_back(Decision())
        except Uncaptured:
            raise
        except LockkeeperError as error:
            return _Found(problems=(_problem(error),))
        equivalence = state.differences(state.moved(wanted, plan), state.read(purged.superuser), loose)
        reversal = state.differences(before, state.read(reverted.superuser))
        reversal += tuple(f"{left.rows} rows were not brought back: {left.title}" for left in back.left)
        return _Found(
            proofs=(
                Proof(
                    name="equivalence",
                    claim="the plan, purged, leaves the schema and the rows that the plain SQL leaves",
                    holds=not equivalence,
                    differences=equivalence,
                ),
                Proof(
                    name="reversal",
                    claim="the plan and its rollback leave the schema and every row as before",
                    holds=not reversal,
                    differences=reversal,
                ),
                Proof(
                    name="locks",
                    claim="no step takes a stronger lock or rewrites more than it declares",
                    holds=not watching.undeclared,
                    differences=tuple(dict.fromkeys(watching.undeclared)),
                ),
            ),
            timings=forth.timings,
            undo_timings=back.timings,
        )

    def _plain_sql(self) -> tuple[State, frozenset[tuple[RelationName, str]]]:
        """What the plain SQL leaves, and which columns differ from one run of it to the next.

        In the second run the rows lie in another order.
        """
        if self._plain is None:
            first = self._shadow.clone()
            oracle.run(first.dsn, self._text, self._psql)
            wanted = state.read(first.superuser)
            try:
                before, again = self._plain_again(is_shuffled=True)
            except PlainSqlFails:
                # It works on rows that lie as they do here, such as keys moved up one by one.
                before, again = self._plain_again(is_shuffled=False)
            self._plain = wanted, rows.nondeterministic(wanted.rows, again, before)
        return self._plain

    def _plain_again(self, *, is_shuffled: bool) -> tuple[Rows, Rows]:
        """The rows before and after another run of the plain SQL."""
        copy = self._shadow.clone()
        with psycopg.connect(copy.superuser, autocommit=True) as connection:
            shadow = Shadow(connection)
            if is_shuffled:
                shuffle(shadow)
            before = rows.read(shadow)
        oracle.run(copy.dsn, self._text, self._psql)
        return before, state.read(copy.superuser).rows


def _execute(copy: Copy, plan: Plan, watching: Watching) -> Outcome:
    with Executor(copy.dsn, plan.run, REHEARSAL, observer=watching) as executor:
        return executor.execute(plan)


def _failures(proofs: tuple[Proof, ...]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            line=None,
            reason=f"The proof of {proof.name} fails: {'; '.join(proof.differences[:5])}.",
            next_move="The plan is not offered for approval. Split the script, or run it by hand.",
        )
        for proof in proofs
        if not proof.holds
    )


def _problem(error: LockkeeperError) -> Problem:
    if isinstance(error, Failed):
        return Problem(
            line=None,
            reason=f"In rehearsal the step {error.step!r} failed with SQLSTATE {error.sqlstate}.",
            next_move="Mend the script; the server's own message is in the log.",
        )
    return Problem(line=None, reason=str(error), next_move="")


def measured(rehearsal: Rehearsal) -> Mapping[int, float]:
    """Milliseconds on the sample, by step."""
    return {timed.step: timed.milliseconds for timed in rehearsal.timings}
