"""A script's whole way to a target: guarded, rehearsed, agreed to, executed, and undone where it stops.

Says nothing to anybody: who confirms, who hears of the progress and what is shown of the
values given back is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from workorders.migration import engine, journal, sessions, validation
from workorders.migration.connections import Target
from workorders.migration.engine import Prepared
from workorders.migration.errors import Blocked, Failed, LockkeeperError, Refused
from workorders.migration.executor import Control, Executor, Outcome, Progress, Timed
from workorders.migration.journal import Run
from workorders.migration.limits import Limits
from workorders.migration.monitor import Monitor, Watched
from workorders.migration.plan import Plan
from workorders.migration.proven import Proven
from workorders.migration.rehearsal import proofs
from workorders.migration.rehearsal.proofs import Rehearsal
from workorders.migration.rehearsal.shadow import ShadowServer
from workorders.migration.settle import Decision
from workorders.migration.validation import Comparison, Measured

#: To be accepted where the shadow's major version is newer than the target's.
OTHER_MAJOR = "other-major"


class Interrupted(Blocked):
    """Somebody at the keyboard stopped it."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What somebody has expressly allowed."""

    #: E.g. "positional", "other-major".
    accepted: frozenset[str] = frozenset()
    allow_superuser: bool = False
    #: The target's policy in force, as text; part of the digest.
    policy: str = ""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A rehearsed plan that somebody may agree to."""

    proven: Proven
    rehearsal: Rehearsal
    #: `server_version_num` of the target; the rehearsal has the shadow's.
    target_version: int

    @property
    def plan(self) -> Plan:
        """What would be executed."""
        return self.rehearsal.prepared.plan

    @property
    def is_of_another_major(self) -> bool:
        """The proofs were made on another major version of Postgres than the target's."""
        return _major(self.target_version) != _major(self.rehearsal.server_version)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What became of a run in its target."""

    run: str
    #: As `lockkeeper.runs.state`: executed, rolled_back, or where it stands if it could not be undone.
    state: str
    timings: tuple[Timed, ...] = ()
    #: The validation queries' answers from before against those from after.
    comparisons: tuple[Comparison, ...] = ()
    watched: Watched
    #: Why it is not executed.
    stopped_by: LockkeeperError | None = None
    #: Why it is not rolled back either; it waits for somebody's decision.
    stands_because: LockkeeperError | None = None
    #: How it was undone.
    undone: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class Applied:
    """How far a script came."""

    proposal: Proposal
    #: None where its proofs fail or nobody confirmed it: nothing was changed.
    execution: Execution | None = None


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where rehearsals are held."""

    server: ShadowServer
    #: The folder of psql and pg_dump.
    binaries: Path


@dataclass(frozen=True, kw_only=True)
class Application:
    """A script that is to be applied to a target."""

    #: The target's URL.
    dsn: str = field(repr=False)
    text: str
    terms: Terms = field(default_factory=Terms)
    limits: Limits = field(default_factory=Limits)

    def apply(
        self,
        workshop: Workshop,
        confirm: Callable[[Proposal], bool],
        *,
        control: Control | None = None,
        progress: Progress | None = None,
    ) -> Applied:
        """All of it. `confirm` is asked once, about a plan whose proofs hold.

        Raises Refused, Unreadable and Blocked where nothing was changed.
        """
        with closing(sessions.connect(self.dsn)) as target:
            first = self.must_be_allowed(target, workshop.binaries)
            must_fit(target, workshop.server, self.terms.accepted)
            proposal = self._rehearsed(target, first.plan, workshop)
        if not proposal.rehearsal.holds or not confirm(proposal):
            return Applied(proposal=proposal)
        execution = self.execute(
            proposal.proven, control=control, progress=progress, binaries=workshop.binaries
        )
        return Applied(proposal=proposal, execution=execution)

    def must_be_allowed(self, target: Target, binaries: Path | None = None) -> Prepared:
        """Raises Refused for what was not expressly allowed, and for what the target's rows break."""
        prepared = engine.prepare(target, self.text, policy=self.terms.policy, binaries=binaries)
        engine.must_be_unprivileged(prepared, allow_superuser=self.terms.allow_superuser)
        engine.must_be_accepted(prepared, self.terms.accepted)
        _must_be_kept(target, prepared.plan)
        return prepared

    def rehearse(self, workshop: Workshop) -> Proposal:
        """The proofs, whether they hold or not. Changes nothing in the target, so needs no acceptance.

        Raises Refused, too, for what the target's rows break.
        """
        with closing(sessions.connect(self.dsn)) as target:
            first = engine.prepare(target, self.text, policy=self.terms.policy, binaries=workshop.binaries)
            _must_be_kept(target, first.plan)
            must_fit(target, workshop.server, {OTHER_MAJOR})
            return self._rehearsed(target, first.plan, workshop)

    def _rehearsed(self, target: Target, first: Plan, workshop: Workshop) -> Proposal:
        rehearsal = proofs.rehearse(
            target, self.dsn, self.text, workshop.server, workshop.binaries, policy=self.terms.policy
        )
        return Proposal(
            proven=Proven.of(rehearsal.prepared, first),
            rehearsal=rehearsal,
            target_version=target.info.server_version,
        )

    def execute(
        self,
        proven: Proven,
        *,
        control: Control | None = None,
        progress: Progress | None = None,
        binaries: Path | None = None,
    ) -> Execution:
        """Executes what was rehearsed, if it still is the same; where it stops, undoes what was done.

        Raises Refused and Blocked where nothing was changed.
        """
        with closing(sessions.connect(self.dsn)) as target:
            prepared = proven.again(target, binaries)
            before = validation.measure(target, validation.queries(prepared.plan, prepared.catalog))
            with Monitor(
                self.dsn,
                proven.run,
                stall_budget_ms=self.limits.stall_budget_ms,
                max_wait_seconds=self.limits.max_wait_seconds,
            ) as monitor:
                with Executor(
                    self.dsn, proven.run, self.limits, control=control, progress=progress
                ) as executor:
                    if not _is_begun(target, proven.run):
                        # Under the lease, no other run of ours can move anything any more.
                        proven.again(target, binaries)
                    stopped_by: LockkeeperError | None = None
                    try:
                        outcome = executor.execute(prepared.plan)
                    except (Failed, Blocked, Refused) as error:
                        stopped_by = error
                    except psycopg.Error as error:
                        stopped_by = _cut_off(error)
                    except KeyboardInterrupt:
                        stopped_by = Interrupted(
                            f"{proven.run} was interrupted from the keyboard.",
                            "Apply it again when it suits.",
                        )
                    if stopped_by is not None:
                        return _undone(executor, target, proven.run, stopped_by, monitor)
            return Execution(
                run=outcome.run,
                state=outcome.state,
                timings=outcome.timings,
                comparisons=_compared(target, before),
                watched=monitor.seen(),
            )


def roll_back(
    dsn: str, run: str, decision: Decision, limits: Limits, *, progress: Progress | None = None
) -> Outcome:
    """Undoes a run. Raises as `Executor.roll_back`, and Refused where the target has no such run."""
    stored(dsn, run)
    with Executor(dsn, run, limits, progress=progress) as executor:
        return executor.roll_back(decision)


def finish(dsn: str, run: str, limits: Limits, *, purge: bool, progress: Progress | None = None) -> Outcome:
    """Marks a run as finished, and empties what was kept for its way back if told so."""
    stored(dsn, run)
    with Executor(dsn, run, limits, progress=progress) as executor:
        return executor.finish(purge=purge)


def stored(dsn: str, run: str) -> Run:
    """The run as its target has it. Raises Refused, having made nothing there, where it has none."""
    with closing(sessions.connect(dsn)) as target:
        return journal.get_run(target, run)


def must_fit(target: Target, server: ShadowServer, accepted: Collection[str]) -> None:
    """Raises Refused where a rehearsal on that server would prove nothing of the target.

    A newer major version has to be accepted; an older one cannot be. Raises Blocked where
    the server does not answer.
    """
    try:
        with psycopg.connect(server.dsn(), autocommit=True, connect_timeout=10) as connection:
            version = connection.info.server_version
            own = _identifier(connection)
    except psycopg.OperationalError as error:
        raise Blocked(
            f"The shadow server cannot be reached: {str(error).splitlines()[0]}.",
            "Check LOCKKEEPER_SHADOW_URL, or unset it to rehearse on the embedded server.",
        ) from error
    if own is not None and own == _identifier(target):
        raise Refused.because(
            "The shadow server is the target's own server: stray SQL would run where something is at stake.",
            "Set LOCKKEEPER_SHADOW_URL to a throw-away server, or unset it to use the embedded one.",
        )
    must_be_no_older(_major(target.info.server_version), _major(version), accepted)


def must_be_no_older(target_major: int, shadow_major: int, accepted: Collection[str]) -> None:
    """Raises Refused for an older shadow, and for a newer one that was not accepted."""
    if shadow_major < target_major:
        raise Refused.because(
            f"The shadow server is Postgres {shadow_major} and the target is {target_major}: it cannot do"
            " what the target does.",
            f"Set LOCKKEEPER_SHADOW_URL to a throw-away server of Postgres {target_major}.",
        )
    if shadow_major > target_major and OTHER_MAJOR not in accepted:
        raise Refused.because(
            f"The rehearsal would be on Postgres {shadow_major}, and the target is {target_major}: its proofs"
            " hold for the newer one.",
            f"Set LOCKKEEPER_SHADOW_URL to a throw-away server of Postgres {target_major}, or accept it with"
            f" --accept {OTHER_MAJOR}.",
        )


def _undone(
    executor: Executor, target: Target, run: str, stopped_by: LockkeeperError, monitor: Monitor
) -> Execution:
    """Rolls back at once, on the same lease: whoever has taken over is left alone."""
    undone: Outcome | None = None
    stands_because: LockkeeperError | None = None
    try:
        undone = executor.roll_back(Decision())
    except LockkeeperError as error:
        stands_because = error
    except psycopg.Error as error:
        stands_because = _cut_off(error)
    except KeyboardInterrupt:
        stands_because = Interrupted("The way back was interrupted, too.", "Roll it back when it suits.")
    return Execution(
        run=run,
        state=undone.state if undone else _state_of(target, run),
        watched=monitor.seen(),
        stopped_by=stopped_by,
        stands_because=stands_because,
        undone=undone,
    )


def _cut_off(error: psycopg.Error) -> Blocked:
    """Between two steps the server could not be asked how far the run is."""
    return Blocked(
        f"The connection to the target was lost (SQLSTATE {error.sqlstate or 'none'}).",
        "Check that the server is up; what was done is in its journal.",
    )


def _compared(target: Target, before: Measured) -> tuple[Comparison, ...]:
    """None where the connection was cut meanwhile: the run is executed all the same."""
    try:
        return validation.validate(target, before)
    except psycopg.OperationalError:
        return ()


def _must_be_kept(target: Target, plan: Plan) -> None:
    """Raises Refused for rows that break what the plan demands of them."""
    problems = engine.run_checks(target, plan)
    if problems:
        raise Refused(*problems)


def _state_of(target: Target, run: str) -> str:
    try:
        return journal.get_run(target, run).state
    except (psycopg.OperationalError, Refused):
        return "unknown"


def _is_begun(target: Target, run: str) -> bool:
    try:
        journal.get_run(target, run)
    except Refused:
        return False
    return True


def _major(version: int) -> int:
    return version // 10000


def _identifier(database: psycopg.Connection[tuple[object, ...]]) -> object:
    """The server's own number; None where the role may not see it."""
    try:
        row = database.execute("SELECT system_identifier FROM pg_catalog.pg_control_system()").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    return None if row is None else row[0]
