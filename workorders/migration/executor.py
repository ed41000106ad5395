"""Runs a plan on a target: forth, back, and to the purge. Nothing else changes a target.

Each action is done once, whatever is killed when: a transactional one commits together with
its journal row; one that cannot be in a transaction is announced first, and after a stop the
catalog is asked whether it happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Self

import psycopg
from psycopg import sql

from workorders.migration import backfill, journal, route, sessions, settle
from workorders.migration.budget import BudgetSpent, within
from workorders.migration.capture import capturing
from workorders.migration.errors import Blocked, Broken, Failed, Refused
from workorders.migration.journal import ADVISORY_KEY, Entry, Fence, Run, TakenOver
from workorders.migration.limits import Limits
from workorders.migration.lockwait import LockWait
from workorders.migration.onlookers import Control, Observer, Progress, Silence, Stopped
from workorders.migration.outcome import Outcome, Timed
from workorders.migration.plan import Plan
from workorders.migration.route import Stop
from workorders.migration.settle import Decision
from workorders.migration.steps import Action, Batches

__all__ = ["Control", "Executor", "Observer", "Outcome", "Progress", "Silence", "Timed"]

#: After a cut connection, the server is tried again for this long.
_RECONNECT_SECONDS = 60.0


class Executor:
    """One run on one target. Holds a session and the lease while it works; use as a context manager."""

    def __init__(
        self,
        dsn: str,
        run: str,
        limits: Limits,
        *,
        control: Control | None = None,
        progress: Progress | None = None,
        observer: Observer | None = None,
        speed: Callable[[], float] = backfill.usual_speed,
    ) -> None:
        silence = Silence()
        self._dsn = dsn
        self._run = run
        self._limits = limits
        self._control = control or silence
        self._progress = progress or silence
        self._observer = observer or silence
        self._speed = speed
        self._target = sessions.connect(dsn, run)
        self._failed_tries = 0
        try:
            journal.install(self._target)
            self._fence: Fence = journal.take_lease(self._target, run)
        except BaseException:
            self._target.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self._target.closed:
                self._fence.free(self._target)
        except psycopg.OperationalError:
            pass  # the lease runs out by itself
        finally:
            self._target.close()

    def execute(self, plan: Plan) -> Outcome:
        """Brings the plan about, or goes on where an earlier try of the same run stopped.

        Raises Failed where the server refuses a step, Blocked where a lock could not be had,
        Stopped where the control says so: what was done until then stays done.
        """
        journal.add_run(self._target, plan)
        run = journal.get_run(self._target, plan.run)
        if run.digest != plan.digest:
            raise Broken(f"{plan.run} is stored with another digest than that of the plan.")
        return self.go_on()

    def go_on(self) -> Outcome:
        """Brings a stored run to its end. Raises as `execute`; does nothing where it is executed."""
        run = journal.get_run(self._target, self._run)
        if run.state not in ("executing", "failed"):
            return Outcome(run=run.name, state=run.state)
        return self._walk(run, route.forth(run), "executing", "executed", Decision())

    def roll_back(self, decision: Decision) -> Outcome:
        """Undoes the run, from wherever it is, with every row that was written since.

        Raises Blocked, having changed nothing, while the old schema cannot hold a row and
        no decision covers it, or while a later run stands on this one.
        """
        run = journal.get_run(self._target, self._run)
        if run.state in ("rolled_back", "purging", "purged"):
            if run.state != "rolled_back":
                raise Refused.because(
                    f"{run.name} was purged: what its rollback needs is gone.",
                    "Write a migration that makes the change the other way round.",
                )
            return Outcome(run=run.name, state=run.state)
        later = journal.later_runs(self._target, run.name)
        if later:
            raise Blocked(
                f"{later[0]} was run after {run.name} on the same tables.",
                f"lockkeeper rollback {later[0]} first.",
            )
        journal.must_keep_its_names(self._target, run)
        done = journal.entries(self._target, run.name)
        decision = replace(decision, fill=settle.checked(decision.fill))
        if run.state != "rolling_back":
            settle.names_must_be_free(self._target, route.begun(run, done))
            settle.must_be_decided(self._target, route.begun(run, done), decision)
        return self._walk(run, route.back(run, done), "rolling_back", "rolled_back", decision)

    def finish(self, *, purge: bool) -> Outcome:
        """Marks the run as finished; with `purge`, empties what was kept for its way back."""
        run = journal.get_run(self._target, self._run)
        if run.state == "purged":
            return Outcome(run=run.name, state=run.state)
        if run.state not in ("executed", "finished", "rolled_back", "purging"):
            raise Refused.because(
                f"{run.name} is {run.state.replace('_', ' ')}.", "Finish it or roll it back first."
            )
        if not purge and run.state != "purging":
            state = "rolled_back" if run.state == "rolled_back" else "finished"
            journal.set_state(self._target, run.name, state)
            return Outcome(run=run.name, state=state)
        stops = route.purge(run, journal.renamed_since(self._target, run.name))
        return self._walk(run, stops, "purging", "purged", Decision())

    def _walk(self, run: Run, stops: list[Stop], under_way: str, arrived: str, decision: Decision) -> Outcome:
        self._set_state(run, under_way)
        # Half of a way back or of a purge must never be taken for half of the way forth.
        stuck = "failed" if under_way == "executing" else under_way
        timings: list[Timed] = []
        for number, stop in enumerate(stops, start=1):
            self._control.checkpoint()
            self._progress.began(stop.action.title, number, len(stops))
            try:
                milliseconds = self._survive(stop, decision)
            except psycopg.Error as error:
                if self._target.closed:
                    raise Blocked(
                        f"The connection to the target was lost in {stop.action.title!r}.",
                        "The run goes on from its journal once the target can be reached.",
                    ) from error
                if isinstance(error, psycopg.errors.QueryCanceled):
                    self._control.checkpoint()  # whoever stops the run may have ended its statement
                sqlstate = error.sqlstate or "none"
                self._set_state(run, stuck, f"{stop.action.title}: {sqlstate}")
                raise Failed(stop.action.title, sqlstate, str(error)) from error
            except (TakenOver, Stopped):
                raise
            except (Blocked, Refused) as error:
                if not self._target.closed:
                    self._set_state(run, stuck, str(error))
                raise
            self._progress.ended(stop.action.title, milliseconds)
            timings.append(Timed(title=stop.action.title, step=stop.position.step, milliseconds=milliseconds))
        self._set_state(run, arrived)
        return Outcome(
            run=run.name,
            state=arrived,
            timings=tuple(timings),
            left=tuple(route.left(stops, self._one)),
            failed_lock_tries=self._failed_tries,
        )

    def _set_state(self, run: Run, state: str, problem: str = "") -> None:
        """The run moves on, unless it is another worker's by now. Raises TakenOver."""
        deadline = time.monotonic() + _RECONNECT_SECONDS
        while True:
            try:
                with self._target.transaction():
                    self._fence.check(self._target)
                    journal.set_state(self._target, run.name, state, problem)
            except psycopg.OperationalError:
                if not self._target.closed or time.monotonic() > deadline:
                    raise
                self._reconnect(deadline)
            else:
                return

    def _survive(self, stop: Stop, decision: Decision) -> float:
        """Does one action, over again on a new session where the old one was cut."""
        deadline = time.monotonic() + _RECONNECT_SECONDS
        while True:
            try:
                return self._do(stop, decision)
            except psycopg.OperationalError:
                if not self._target.closed or time.monotonic() > deadline:
                    raise
                self._reconnect(deadline)

    def _reconnect(self, deadline: float) -> None:
        while True:
            try:
                self._target = sessions.connect(self._dsn, self._run)
            except Blocked:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                # Never takes the lease anew: it may have been cut because another has taken over.
                with self._target.transaction():
                    self._fence.check(self._target)
                return

    def _do(self, stop: Stop, decision: Decision) -> float:
        """Does one action, or finds that it has been done. Gives its milliseconds."""
        entry = journal.entries(self._target, self._run).get(stop.position)
        if entry is not None and entry.is_done:
            return entry.milliseconds
        if stop.action.settles is not None:
            misfit = stop.step.misfits[stop.action.settles]
            began = time.monotonic()
            with self._transaction(stop, began):
                settle.settle(self._target, misfit, decision)
            return _since(began)
        if stop.action.batches is not None:
            return self._do_in_batches(stop, entry)
        is_new = stop.position.direction == "forth" and entry is None
        if not is_new and bool(self._one(stop.action.done)):
            with self._transaction(stop, time.monotonic()):
                return 0.0
        if stop.action.is_transactional:
            return self._do_in_transaction(stop)
        return self._do_alone(stop)

    def _do_in_transaction(self, stop: Stop) -> float:
        wait = LockWait(
            self._target,
            self._limits,
            alive=lambda: self._fence.renew(self._target),
            checkpoint=self._control.checkpoint,
        )
        milliseconds = 0.0

        def body() -> None:
            nonlocal milliseconds
            began = time.monotonic()
            self._send(stop.action, stop.action.sql, wait.arm)
            milliseconds = _since(began)
            wait.arm()
            self._fence.write(self._target, Entry.done(stop.position, milliseconds))

        wait.run(stop.action, body, lambda: self._fence.check(self._target))
        self._fence.renew(self._target)  # waits for the disk, as that commit did not
        self._failed_tries += wait.failed_tries
        return milliseconds

    def _do_alone(self, stop: Stop) -> float:
        """An action that cannot be in a transaction: announced, done, looked at, noted."""
        with self._target.transaction():
            self._fence.check(self._target)
            self._fence.write(self._target, Entry.begun(stop.position))
            # Taken while the transaction still holds the same lock: nobody comes in between.
            self._target.execute("SELECT pg_catalog.pg_advisory_lock(%s)", (ADVISORY_KEY,))
        try:
            self._sweep(stop.action)
            began = time.monotonic()
            self._observer.before(self._target, stop.action)
            try:
                for statement in stop.action.sql:
                    self._target.execute(_own(statement))
            except psycopg.Error:
                if not self._target.closed:
                    self._target.execute("RESET search_path")
                if not self._target.closed and stop.action.sweep:
                    self._sweep(stop.action)
                    self._fence.withdraw(self._target, stop.position)
                raise
            self._observer.after(self._target, stop.action)
            milliseconds = _since(began)
        finally:
            if not self._target.closed:
                self._target.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", (ADVISORY_KEY,))
        if not self._one(stop.action.done):
            raise Broken(f"{stop.action.title} was sent, and the catalog does not show it.")
        with self._transaction(stop, time.monotonic() - milliseconds / 1000):
            return milliseconds

    def _sweep(self, action: Action) -> None:
        """Takes away what a failed try has left; never what is complete, for that is not ours."""
        if action.sweep and not self._one(action.done):
            for statement in action.sweep:
                self._target.execute(_own(statement))

    def _do_in_batches(self, stop: Stop, entry: Entry | None) -> float:
        batches = stop.action.batches
        assert batches is not None
        if entry is None:
            low = backfill.first_key(self._target, batches)
            entry = Entry(position=stop.position, is_done=False, cursor=low, batches=0, milliseconds=0.0)
            with self._target.transaction():
                self._fence.check(self._target)
                self._fence.write(self._target, replace(entry, is_done=low is None))
        pace = backfill.Pace(self._limits, speed=self._speed, checkpoint=self._control.checkpoint)
        deadline = time.monotonic() + self._limits.max_wait_seconds
        while entry.cursor is not None:
            self._control.checkpoint()
            began = time.monotonic()
            try:
                entry = self._do_batch(stop, batches, entry, entry.cursor, pace)
            except BudgetSpent:
                self._failed_tries += 1
                pace.took_too_long()
                continue
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected) as error:
                self._failed_tries += 1
                if time.monotonic() > deadline:
                    raise Blocked(
                        f"{stop.action.title}: a row was locked by others for"
                        f" {self._limits.max_wait_seconds:.0f} s.",
                        "End the transaction that holds it, and start again: it goes on from there.",
                    ) from error
                pace.was_blocked()
                continue
            deadline = time.monotonic() + self._limits.max_wait_seconds
            self._progress.batch_ended(stop.action.title, entry.batches)
            pace.took(_since(began))
        self._fence.renew(self._target)  # waits for the disk, as the batches' commits did not
        return entry.milliseconds

    def _do_batch(
        self, stop: Stop, batches: Batches, entry: Entry, low: tuple[str, ...], pace: backfill.Pace
    ) -> Entry:
        """One range in a transaction of its own; gives the journal's entry after it."""
        began = time.monotonic()
        with self._target.transaction():
            self._fence.check(self._target)
            sessions.let_go_at_commit(self._target)
            # While it waits for one row, it holds up whoever wants the others that it has locked.
            timeout = f"{max(self._limits.stall_budget_ms, 10)}ms"
            self._target.execute("SELECT pg_catalog.set_config('lock_timeout', %s, true)", (timeout,))
            high = backfill.set_bounds(self._target, batches, low, pace.rows)
            # A single row is waited for: nothing could be made smaller.
            allowed = None if pace.is_at_its_fewest else max(self._limits.stall_budget_ms, 10)
            with within(self._target, allowed) as arm:
                self._send(stop.action, batches.rest if high is None else batches.between, arm)
            after = replace(
                entry,
                cursor=high,
                is_done=high is None,
                batches=entry.batches + 1,
                milliseconds=entry.milliseconds + _since(began),
            )
            self._fence.write(self._target, after)
        return after

    def _send(self, action: Action, statements: tuple[str, ...], arm: Callable[[], None]) -> None:
        """The action's own statements, in the open transaction, each after an `arm`."""
        self._observer.before(self._target, action)
        if action.as_replica:
            settle.hold_triggers_still(self._target)
        with capturing(self._target, action) if action.capture else nullcontext():
            for statement in statements:
                arm()
                self._target.execute(_own(statement))
            arm()
        self._observer.after(self._target, action)

    @contextmanager
    def _transaction(self, stop: Stop, began: float) -> Iterator[None]:
        """A fenced transaction that ends with the action's journal row."""
        with self._target.transaction():
            self._fence.check(self._target)
            yield
            self._fence.write(self._target, Entry.done(stop.position, _since(began)))

    def _one(self, query: str) -> object:
        """The single value of one of the plan's own questions, asked with an empty search path."""
        with self._target.transaction():
            self._target.execute("SELECT pg_catalog.set_config('search_path', '', true)")
            row = self._target.execute(_own(query)).fetchone()
        return None if row is None else row[0]


def _own(statement: str) -> sql.SQL:
    """A statement of a stored plan, as it is: it was rendered with quoted names, and has no parameters."""
    return sql.SQL(statement)


def _since(began: float) -> float:
    return (time.monotonic() - began) * 1000
