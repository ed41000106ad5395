"""A plan tried on the copies of one shadow: what becomes of it there, proof by proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from workorders.migration import decisions, positional
from workorders.migration.capture import Uncaptured
from workorders.migration.catalog import read as catalogs
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Shadow
from workorders.migration.errors import Failed, LockkeeperError, Problem, Refused
from workorders.migration.executor import Executor, Outcome, Timed
from workorders.migration.limits import IN_ONE_BATCH, REHEARSAL
from workorders.migration.names import RelationName
from workorders.migration.onlookers import Observers
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import (
    matviews,
    oracle,
    rows,
    state,
    under_writes,
    workload_proof,
    writes,
)
from workorders.migration.rehearsal.metering import Cost, Metering, cheaper
from workorders.migration.rehearsal.oracle import PlainSqlFails
from workorders.migration.rehearsal.proof import CLAIMS, Proof
from workorders.migration.rehearsal.rows import Rows
from workorders.migration.rehearsal.shadow import Copy, ShadowDatabase
from workorders.migration.rehearsal.shuffle import BY_SORTING, shuffle, without
from workorders.migration.rehearsal.state import Chance, Counter, Loose, State
from workorders.migration.rehearsal.under_writes import Answered
from workorders.migration.rehearsal.watching import Watching
from workorders.migration.rehearsal.writes import Sent, Write
from workorders.migration.settle import Decision
from workorders.migration.workload import Statement


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of a trial."""

    proofs: tuple[Proof, ...] = ()
    timings: tuple[Timed, ...] = ()
    undo_timings: tuple[Timed, ...] = ()
    #: What each step took, by its number.
    costs: Mapping[int, Cost] = field(default_factory=dict)
    #: Why it could not be tried.
    problems: tuple[Problem, ...] = ()
    #: Schema and rows at each moment, by its name.
    states: Mapping[str, State] = field(default_factory=dict)
    #: Columns whose values are a matter of chance.
    loose: Loose = frozenset()
    #: What the plain SQL's copy made of the writes.
    sent: tuple[Sent, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Plain:
    """The plain SQL on two copies: what it leaves, and what of that is chance."""

    first: Copy
    again: Copy
    wanted: State
    chance: Chance

    @property
    def loose(self) -> Loose:
        """Its columns."""
        return self.chance.columns


@dataclass(frozen=True, kw_only=True)
class _Walked:
    """The plan executed, and its copies from there: purged, taken back, and left to soak."""

    forth: Outcome
    undone: Outcome
    undeclared: tuple[str, ...]
    #: Not yet purged.
    soaking: Copy
    back: Copy
    #: How far the sequences had counted before it.
    counters: Mapping[RelationName, Counter]
    before: State
    costs: Mapping[int, Cost]
    executed: State
    purged: State
    reverted: State
    workload: Proof


class Trial:
    """The copies of one shadow, and what is tried on them."""

    def __init__(
        self,
        shadow: ShadowDatabase,
        psql: Path,
        text: str,
        catalog: Catalog,
        statements: tuple[Statement, ...] | None,
    ) -> None:
        self._shadow = shadow
        self._psql = psql
        self._text = text
        #: The target's, from before the plan.
        self._catalog = catalog
        #: The application's own; None where nobody knows them.
        self._statements = statements

    def run(self, plan: Plan, plan_again: Callable[[Copy], Plan]) -> Found:
        """Every proof; one that stands on another is not tried where that one fails.

        `plan_again` makes the plan on a copy as it is. Raises Uncaptured where triggers wrote what
        nobody had foreseen, and PlainSqlFails with what the script itself runs into.
        """
        try:
            self._must_be_decided_alike(plan, plan_again)
        except Refused as refused:
            return Found(problems=refused.problems)
        try:
            plain = self._plain_sql()
            walked = self._walk(plan, plain)
        except Uncaptured:
            raise
        except LockkeeperError as error:
            return Found(problems=(_problem(error),))
        equivalence = state.differences(state.moved(plain.wanted, plan.moved), walked.purged, plain.chance)
        former = state.moved(walked.before, plan.moved_back)
        reversal = state.differences(former, walked.reverted)
        if reversal:
            by_chance = matviews.chance(walked.back, walked.before.rows, walked.reverted.rows)
            reversal = state.differences(former, walked.reverted, by_chance)
        reversal += tuple(
            f"{left.rows} rows were not brought back: {left.title}" for left in walked.undone.left
        )
        proofs = [
            Proof.of("equivalence", equivalence),
            Proof.of("reversal", reversal),
            Proof.of("locks", walked.undeclared),
            walked.workload,
        ]
        states = {
            "before": walked.before,
            "plain": plain.wanted,
            "executed": walked.executed,
            "purged": walked.purged,
            "reverted": walked.reverted,
        }
        loose, sent, costs = plain.loose, tuple[Sent, ...](), walked.costs
        if not equivalence and not reversal:
            soak = self._soak(plan, plain, walked)
            again = self._again(plan, plain, walked, plan_again)
            proofs += [*soak.proofs, *again.proofs]
            costs = cheaper(costs, again.costs)
            states, loose, sent = {**states, **soak.states}, soak.loose, soak.sent
        order = list(CLAIMS)
        return Found(
            proofs=tuple(sorted(proofs, key=lambda proof: order.index(proof.name))),
            timings=walked.forth.timings,
            undo_timings=walked.undone.timings,
            costs=costs,
            states=states,
            loose=loose,
            sent=sent,
        )

    def _must_be_decided_alike(self, plan: Plan, plan_again: Callable[[Copy], Plan]) -> None:
        """Raises Refused where a block takes another way on sample rows: nothing would be proven of it."""
        if not plan.decisions:
            return
        again = plan_again(self._shadow.clone())
        line = decisions.changed(decisions.kept(plan.decisions), again.decisions)
        if line is not None:
            raise Refused.because(
                "On a copy with sample rows the block goes another way than on the target: what it asks here"
                " depends on rows, or on roles and settings of the server.",
                "Write out what it comes to, as statements of their own.",
                line=line,
            )

    def _walk(self, plan: Plan, plain: _Plain) -> _Walked:
        """Forth, and from there to the purge and back."""
        statements = self._statements or ()
        watching, metering = Watching(), Metering()
        forth = self._shadow.clone()
        before, counters = state.read(forth), state.counters(forth)
        planned_before = workload_proof.plans(forth, statements)
        with Executor(forth.dsn, plan.run, REHEARSAL, observer=Observers(watching, metering)) as executor:
            outcome = executor.execute(plan)
        executed = state.read(forth)
        workload = workload_proof.unknown()
        if self._statements is not None:
            wanted, found = (workload_proof.plans(copy, statements) for copy in (plain.first, forth))
            workload = workload_proof.proof(statements, planned_before, wanted, found)
        soaking, back = self._shadow.clone(forth), self._shadow.clone(forth)
        with Executor(forth.dsn, plan.run, REHEARSAL) as executor:
            executor.finish(purge=True)
        with Executor(back.dsn, plan.run, REHEARSAL, observer=watching) as executor:
            undone = executor.roll_back(Decision())
        return _Walked(
            forth=outcome,
            undone=undone,
            undeclared=tuple(dict.fromkeys(watching.undeclared)),
            soaking=soaking,
            back=back,
            counters=counters,
            before=before,
            costs=metering.costs(plan, outcome),
            executed=executed,
            purged=state.read(forth),
            reverted=state.read(back),
            workload=workload,
        )

    def _soak(self, plan: Plan, plain: _Plain, walked: _Walked) -> Found:
        """The same writes on the plain SQL's copies and on the plan not yet purged, then the way back."""
        generated = self._writes(plan, plain)
        first, again, soaking = (
            Answered(sent=writes.send(copy, generated), rows=state.read_rows(copy))
            for copy in (plain.first, plain.again, walked.soaking)
        )
        loose = plain.loose | rows.nondeterministic(first.rows, again.rows, plain.wanted.rows)
        differences = under_writes.soak_differences(generated, first, again, soaking, loose)
        written = State(schema=walked.executed.schema, rows=soaking.rows)
        moments = (state.moved(walked.before, plan.moved_back), walked.executed, written)
        way_back = under_writes.roll_back(walked.soaking, plan, self._catalog, *moments)
        states = {"written": written}
        if way_back.reverted is not None:
            states["reverted under writes"] = way_back.reverted
        return Found(
            proofs=(
                Proof.of("soak equivalence", differences),
                Proof.of("reversal under writes", way_back.differences, way_back.flags),
            ),
            states=states,
            loose=loose,
            sent=first.sent,
        )

    def _writes(self, plan: Plan, plain: _Plain) -> tuple[Write, ...]:
        with psycopg.connect(plain.first.superuser, autocommit=True) as connection:
            catalog = catalogs.read(Shadow(connection))
        names = plan.names()
        hidden = {each for name in positional.hidden_in(plan) for each in (name, names.table(name))}
        return writes.generate(
            catalog,
            plain.wanted.rows,
            plain.loose,
            plan.touched,
            # There a hidden column would be met: who does that is asked of pg_stat_statements.
            by_position={name for name in plan.touched if name not in hidden},
            seed=plan.script.sha256,
        )

    def _again(
        self, plan: Plan, plain: _Plain, walked: _Walked, plan_again: Callable[[Copy], Plan]
    ) -> Found:
        """The plan made and run once more where it was just taken back, in batches as large as can be."""
        name, metering = "idempotence", Metering()
        try:
            state.set_counters(walked.back, walked.counters)
            again = plan_again(walked.back)
            with Executor(walked.back.dsn, again.run, IN_ONE_BATCH, observer=metering) as executor:
                outcome = executor.execute(again)
        except LockkeeperError as error:
            return Found(proofs=(Proof.of(name, (f"the second time: {_problem(error)}",)),))
        executed = state.moved(walked.executed, plan.moved_back)
        differences = state.differences(executed, state.read(walked.back), plain.chance)
        return Found(proofs=(Proof.of(name, differences),), costs=metering.costs(again, outcome))

    def _plain_sql(self) -> _Plain:
        """What the plain SQL leaves, and which columns differ from one run of it to the next.

        In the second run the rows lie in another order.
        """
        first = self._shadow.clone()
        oracle.run(first.dsn, self._text, self._psql)
        wanted = state.read(first)
        try:
            again, before = self._plain_again(is_shuffled=True)
        except PlainSqlFails:
            # It works on rows that lie as they do here, such as keys moved up one by one.
            again, before = self._plain_again(is_shuffled=False)
        chance = Chance.between(wanted, state.read(again), before)
        return _Plain(first=first, again=again, wanted=wanted, chance=chance)

    def _plain_again(self, *, is_shuffled: bool) -> tuple[Copy, Rows]:
        """Another copy after the plain SQL, which took another way to it, and its rows from before."""
        copy = self._shadow.clone()
        with psycopg.connect(copy.superuser, autocommit=True) as connection:
            shadow = Shadow(connection)
            if is_shuffled:
                shuffle(shadow)
            before = rows.read(shadow)
        dsn = without(BY_SORTING, copy.dsn) if is_shuffled else copy.dsn
        oracle.run(dsn, self._text, self._psql)
        return copy, before


def _problem(error: LockkeeperError) -> Problem:
    if isinstance(error, Failed):
        return Problem(
            line=None,
            reason=f"In rehearsal the step {error.step!r} failed with SQLSTATE {error.sqlstate}.",
            next_move="Mend the script; the server's own message is in the log.",
        )
    return Problem(line=None, reason=str(error), next_move="")
