"""One file on one database: planned, applied, rolled back, applied again, purged, and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from workorders.migration import engine, sessions
from workorders.migration.capture import Uncaptured
from workorders.migration.connections import Shadow
from workorders.migration.corpus.outcome import Kind
from workorders.migration.errors import Failed, LockkeeperError, Refused, Unreadable
from workorders.migration.executor import Executor
from workorders.migration.limits import REHEARSAL
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import matviews, state
from workorders.migration.rehearsal.shadow import Copy
from workorders.migration.rehearsal.state import Chance, State
from workorders.migration.settle import Decision

#: How often a plan is made anew because its triggers wrote a table that nobody had foreseen.
_REPLANS = 5

#: Where each sequence stands: the second time forth must begin where the first did.
_SEQUENCES = """
SELECT pg_catalog.format('%I.%I', schemaname, sequencename),
       COALESCE(last_value, start_value), last_value IS NOT NULL
FROM pg_catalog.pg_sequences WHERE schemaname <> 'lockkeeper'
"""

#: What of ours is outside our schema, and what of a run's own is left in it once it is purged.
_TRACES = """
SELECT 'relation ' || c.oid::regclass FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE CASE WHEN n.nspname = 'lockkeeper'
           THEN c.relkind = 'r' AND c.relname NOT IN ('lease', 'runs', 'journal')
           ELSE c.relname ~ '^!?lockkeeper_' AND n.nspname <> 'pg_toast' END
UNION ALL
SELECT 'column ' || c.oid::regclass || '.' || a.attname FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.attname ~ '^lockkeeper_' AND NOT a.attisdropped AND n.nspname <> 'lockkeeper'
UNION ALL
SELECT 'constraint ' || o.conname FROM pg_catalog.pg_constraint o
JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace
WHERE o.conname ~ '^lockkeeper_' AND n.nspname <> 'lockkeeper'
UNION ALL
SELECT 'trigger ' || tgname FROM pg_catalog.pg_trigger WHERE tgname ~ '^[!~]?lockkeeper_'
UNION ALL
SELECT 'function ' || p.oid::regprocedure FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'lockkeeper'
"""

_NOTHING = Chance()


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of the file, and whether its database now is as the plain SQL would have it."""

    kind: Kind
    reasons: tuple[str, ...] = ()
    #: Neither a column has moved nor anything been left to chance: the history may go on in it.
    is_the_same: bool = False
    #: The plan that was applied.
    plan: Plan | None = None
    found: State | None = None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A text, and what psql makes of it."""

    text: str
    before: State
    wanted: State
    #: The folder of pg_dump.
    binaries: Path
    #: For tests that plant a fault in the plan and must see it caught.
    alter: Callable[[Plan], Plan]

    def run(self, copy: Copy) -> Verdict:
        """Changes the copy, which is as `before`."""
        also_written: dict[int, tuple[RelationName, ...]] = {}
        sequences = _sequences(copy)
        for _ in range(_REPLANS):
            _set_sequences(copy, sequences)
            try:
                return self._run(copy, also_written, sequences)
            except Uncaptured as missed:
                known = also_written.get(missed.statement, ())
                also_written[missed.statement] = (*known, *missed.tables)
        return Verdict(
            kind=Kind.FAILS, reasons=(f"Triggers write ever more tables: {sorted(map(str, also_written))}.",)
        )

    def _run(
        self,
        copy: Copy,
        also_written: Mapping[int, tuple[RelationName, ...]],
        sequences: list[tuple[str, int, bool]],
    ) -> Verdict:
        stage = "plan"
        try:
            plan = self._planned(copy, also_written)
            stage = "apply"
            _execute(copy, plan)
            stage = "roll back"
            with Executor(copy.dsn, plan.run, REHEARSAL) as executor:
                executor.roll_back(Decision())
                stage = "purge what was rolled back"
                executor.finish(purge=True)
            reversal = self._reversal(copy)
            if reversal:
                return Verdict(kind=Kind.DIFFERS, reasons=tuple(f"rolled back: {each}" for each in reversal))
            _set_sequences(copy, sequences)
            stage = "plan again"
            plan = self._planned(copy, also_written)
            stage = "apply again"
            _execute(copy, plan)
            stage = "purge"
            with Executor(copy.dsn, plan.run, REHEARSAL) as executor:
                executor.finish(purge=True)
        except Uncaptured:
            if stage == "apply":
                _take_back(copy, plan)
            raise
        except (Refused, Unreadable) as error:
            if stage == "apply":
                # As a rehearsal would have it, long before the target.
                _take_back(copy, plan)
                wrong = state.differences(self.before, state.read(copy))
                return Verdict(
                    kind=Kind.DIFFERS if wrong else Kind.REFUSED, reasons=(*_problems(error), *wrong)
                )
            if stage == "plan":
                return Verdict(kind=Kind.REFUSED, reasons=_problems(error))
            return Verdict(kind=Kind.FAILS, reasons=tuple(f"{stage}: {each}" for each in _problems(error)))
        except Failed as error:
            told = next(iter(error.detail.splitlines()), "")
            return Verdict(kind=Kind.FAILS, reasons=(f"{stage}: {error} {told}",))
        except LockkeeperError as error:
            return Verdict(kind=Kind.FAILS, reasons=(f"{stage}: {error}",))
        except Exception as error:  # noqa: BLE001 (a fault of ours in one file must not hide the files after it)
            return Verdict(kind=Kind.FAILS, reasons=(f"{stage}: {type(error).__name__}: {error}",))
        found = state.read(copy)
        return self.judged(plan, found, _traces(copy))

    def _reversal(self, copy: Copy) -> tuple[str, ...]:
        """How what the way back left differs from before."""
        found, traces = state.read(copy), _traces(copy)
        wrong = state.differences(self.before, found)
        if wrong:
            by_chance = matviews.chance(copy, self.before.rows, found.rows)
            wrong = state.differences(self.before, found, by_chance)
        return (*wrong, *traces)

    def _planned(self, copy: Copy, also_written: Mapping[int, tuple[RelationName, ...]]) -> Plan:
        """As `Application.must_be_allowed`, but for what has to be accepted."""
        with closing(sessions.connect(copy.dsn)) as target:
            prepared = engine.prepare(target, self.text, also_written=also_written, binaries=self.binaries)
            problems = engine.run_checks(target, prepared.plan)
        if problems:
            raise Refused(*problems)
        return self.alter(prepared.plan)

    def judged(
        self,
        plan: Plan,
        found: State,
        traces: tuple[str, ...] = (),
        chance: Chance = _NOTHING,
    ) -> Verdict:
        """What the purged plan left, against what psql left."""
        wrong = (*state.differences(state.moved(self.wanted, plan.moved), found, chance), *traces)
        return Verdict(
            kind=Kind.DIFFERS if wrong else Kind.APPLIED,
            reasons=tuple(f"applied: {each}" for each in wrong),
            is_the_same=not wrong and not chance and not plan.moved,
            plan=plan,
            found=found,
        )


def _execute(copy: Copy, plan: Plan) -> None:
    with Executor(copy.dsn, plan.run, REHEARSAL) as executor:
        executor.execute(plan)


def _take_back(copy: Copy, plan: Plan) -> None:
    with Executor(copy.dsn, plan.run, REHEARSAL) as executor:
        executor.roll_back(Decision())
        executor.finish(purge=True)


def _sequences(copy: Copy) -> list[tuple[str, int, bool]]:
    with psycopg.connect(copy.superuser, autocommit=True) as shadow:
        return shadow.execute(_SEQUENCES).fetchall()


def _set_sequences(copy: Copy, sequences: list[tuple[str, int, bool]]) -> None:
    with psycopg.connect(copy.superuser, autocommit=True) as shadow:
        now = set(shadow.execute(_SEQUENCES).fetchall())
        for each in sequences:
            if each not in now:
                shadow.execute("SELECT pg_catalog.setval(%s::text::regclass, %s, %s)", each)


def _traces(copy: Copy) -> tuple[str, ...]:
    with psycopg.connect(copy.superuser, autocommit=True) as connection:
        return tuple(f"left behind: {row[0]}" for row in Shadow(connection).execute(_TRACES))


def _problems(error: Refused | Unreadable) -> tuple[str, ...]:
    problems = error.problems if isinstance(error, Refused) else (error.problem,)
    return tuple(str(problem) for problem in problems)
