"""Migrates a bank under pgbench's traffic, forth, back, and for good; checks all, and measures who waited.

    python -m benchmarks.under_traffic --scale 20 --clients 8

Makes everything by itself in a folder that it removes: a cluster, the bank, the traffic. Uses the
real `lockkeeper` command. Ends with 1 if any operation failed its checks.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import bank
from benchmarks.bank import Checksums
from benchmarks.operations import OPERATIONS, Operation
from benchmarks.traffic import Felt, Pgbench, Probe, Span
from bot.embedded import OURS_SETTINGS, SHADOW_SETTINGS, Cluster, Server, binaries
from workorders.migration import journal, sessions
from workorders.migration.catalog import diff, fingerprint, order
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.steps import MovedColumn

#: What is felt shortly after a step is felt because of it.
_AFTERMATH_SECONDS = 0.3

_COMMAND_SECONDS = 1800.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one operation cost, and what was wrong."""

    operation: str
    #: The whole of `lockkeeper apply`, its rehearsal included.
    command_seconds: float
    #: On the target, from the run's first to its last transaction.
    apply_seconds: float
    rollback_seconds: float
    #: Without any migration; while the plan ran; while it was undone; while it was made final.
    quiet: Felt
    apply: Felt
    rollback: Felt
    purge: Felt
    #: The probe's, in the same spans.
    quiet_probe: Felt
    apply_probe: Felt
    rollback_probe: Felt
    faults: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """In a word."""
        return "ok" if not self.faults else "FAILED"


@dataclass(frozen=True, kw_only=True)
class Load:
    """How much traffic there is."""

    clients: int
    rate: int
    protocol: str
    #: How long each stretch without a migration is.
    seconds: float


class Lockkeeper:
    """The command, as a process of its own each time."""

    def __init__(self, home: Path) -> None:
        self._environment = {**os.environ, "LOCKKEEPER_HOME": str(home)}
        self.faults: list[str] = []

    def __call__(self, *words: str, text: str = "") -> dict[str, Any]:
        """Its `--json`; a wrong exit status is a fault."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words, "--json"],
            env=self._environment,
            cwd=Path(__file__).parents[1],
            input=text,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
        try:
            answer: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            self.faults.append(f"{words[0]} printed no JSON (status {done.returncode}): {done.stderr[-500:]}")
            return {"run": None, "state": "unknown"}
        if done.returncode != 0:
            self.faults.append(f"{words[0]} ended with {done.returncode}: {answer['problems']}")
        return answer


class Trial:
    """One operation on a bank of its own, with a twin that plain psql migrates."""

    def __init__(self, server: Server, password: str, home: Path, load: Load) -> None:
        self._server = server
        self._password = password
        self._load = load
        self._home = home
        self._dsn = bank.owner_dsn(server, password, "target")
        self._twin = bank.owner_dsn(server, password, "twin")

    def of(self, operation: Operation) -> Figures:
        """Copies the bank, migrates it, and drops it."""
        for name in ("target", "twin"):
            bank.copy(self._server, "bank", name)
        try:
            for name in ("target", "twin") if operation.needs else ():
                dsn = bank.owner_dsn(self._server, self._password, name)
                with psycopg.connect(dsn, autocommit=True) as owner:
                    owner.execute(operation.needs.encode())
            with tempfile.TemporaryDirectory(dir=self._home) as folder:
                return self._measured(operation, Path(folder))
        finally:
            for name in ("target", "twin"):
                self._server.drop_database(name)

    def _measured(self, operation: Operation, folder: Path) -> Figures:
        lockkeeper = Lockkeeper(self._home)
        faults = lockkeeper.faults
        before, values = _fingerprint(self._dsn), bank.checksums(self._dsn)
        load = self._load
        with (
            Pgbench(
                self._dsn, folder, clients=load.clients, rate=load.rate, protocol=load.protocol
            ) as pgbench,
            Probe.asking(self._dsn) as probe,
        ):
            time.sleep(1.0)  # connections and caches
            begin = time.time()
            time.sleep(load.seconds)
            quiet = Span(begin=begin, end=time.time())

            began = time.monotonic()
            run = self._apply(lockkeeper, operation)
            command_seconds = time.monotonic() - began
            applied = self._executed(run)
            faults += bank.books(self._dsn).faults()

            if operation.between and run:
                with psycopg.connect(self._dsn, autocommit=True) as application:
                    application.execute(operation.between.encode())
            time.sleep(load.seconds / 2)

            lockkeeper("rollback", run, "--database", self._dsn)
            undone = self._undone(run)
            faults += _schema(before, _fingerprint(self._dsn), "after the rollback")
            faults += _values(values, bank.checksums(self._dsn), frozenset(), "after the rollback")
            faults += bank.books(self._dsn).faults()

            again = self._apply(lockkeeper, operation)
            begin = time.time()
            lockkeeper("finish", again, "--purge", "--database", self._dsn)
            purged = Span(begin=begin, end=time.time())
            faults += self._differs_from_twin(operation)
            faults += bank.books(self._dsn).faults()

            if not pgbench.is_running:
                faults.append("pgbench ended by itself")
            traffic = pgbench.end()
        faults += [*traffic.faults(), *probe.faults()]
        found = bank.books(self._dsn)
        faults += found.faults()
        for kind, written, kept in (
            ("transactions", traffic.count(0), found.transactions),
            ("notes", traffic.count(1), found.notes),
        ):
            if written != kept:
                faults.append(f"pgbench committed {written} {kind}, and {kept} are there")
        return Figures(
            operation=operation.name,
            command_seconds=command_seconds,
            apply_seconds=applied.seconds,
            rollback_seconds=undone.seconds,
            quiet=traffic.felt(quiet),
            apply=traffic.felt(_with_aftermath(applied)),
            rollback=traffic.felt(_with_aftermath(undone)),
            purge=traffic.felt(_with_aftermath(purged)),
            quiet_probe=probe.felt(quiet),
            apply_probe=probe.felt(_with_aftermath(applied)),
            rollback_probe=probe.felt(_with_aftermath(undone)),
            faults=tuple(faults),
        )

    def _apply(self, lockkeeper: Lockkeeper, operation: Operation) -> str:
        accepted = [word for name in operation.accepted for word in ("--accept", name)]
        answer = lockkeeper(
            "apply", "-", "--database", self._dsn, "--yes", *accepted, text=operation.sql + ";\n"
        )
        return str(answer["run"] or "")

    def _executed(self, run: str) -> Span:
        return self._span("SELECT begun_at, changed_at FROM lockkeeper.runs WHERE run = %s", run)

    def _undone(self, run: str) -> Span:
        return self._span(
            # Of an action outside a transaction, the journal has the end and how long it took.
            "SELECT min(j.at - j.milliseconds * interval '1 ms'), max(r.changed_at)"
            " FROM lockkeeper.runs r JOIN lockkeeper.journal j USING (run)"
            " WHERE r.run = %s AND j.direction = 'back'",
            run,
        )

    def _span(self, query: str, run: str) -> Span:
        with psycopg.connect(self._dsn, autocommit=True) as target:
            row = target.execute(query.encode(), (run,)).fetchone()
        if row is None or row[0] is None:
            return Span(begin=0.0, end=0.0)
        return Span(begin=row[0].timestamp(), end=row[1].timestamp())

    def _differs_from_twin(self, operation: Operation) -> list[str]:
        subprocess.run(
            [str(binaries() / "psql"), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "--file=-"],
            env=bank.environment(self._twin),
            input=operation.sql + ";\n",
            check=True,
            capture_output=True,
            text=True,
        )
        plain = _fingerprint(self._twin)
        for move in self._moved():
            plain = order.with_column_behind(plain, move.table, move.column, move.behind)
        found = _schema(plain, _fingerprint(self._dsn), "from plain SQL, purged")
        values = bank.checksums(self._twin), bank.checksums(self._dsn)
        return found + _values(*values, operation.loose, "from plain SQL, purged")

    def _moved(self) -> list[MovedColumn]:
        """Columns that this migration, and those before it, had to put at their table's end."""
        with closing(sessions.connect(self._dsn)) as target:
            final = target.execute(
                "SELECT run FROM lockkeeper.runs WHERE state = 'purged' ORDER BY begun_at"
            ).fetchall()
            steps = [step for row in final for step in journal.get_run(target, row[0]).steps]
        return [step.moved for step in steps if step.moved is not None]


def _fingerprint(dsn: str) -> Fingerprint:
    with closing(sessions.connect(dsn)) as target:
        return fingerprint.read(target)


def _schema(before: Fingerprint, after: Fingerprint, when: str) -> list[str]:
    return [f"schema {when}: {difference}" for difference in diff.compare(before, after)]


def _values(before: Checksums, after: Checksums, loose: frozenset[str], when: str) -> list[str]:
    return [f"{difference} {when}" for difference in before.differences(after, loose)]


def _with_aftermath(span: Span) -> Span:
    return Span(begin=span.begin, end=span.end + _AFTERMATH_SECONDS)


@contextmanager
def banking(home: Path, scale: int) -> Iterator[tuple[Server, str]]:
    """A durable server with the database "bank", and the owner's password; the shadow stays up beside it."""
    shadow = Cluster(home=home, name="shadow", settings=SHADOW_SETTINGS)
    cluster = Cluster(home=home, name="bank", settings=OURS_SETTINGS)
    with Server(shadow), Server(cluster) as server:
        password = bank.make_owner(server)
        bank.make(server, password, "bank", scale=scale)
        yield server, password


def _table_head() -> str:
    return (
        f"{'':28} {'command':>8} {'apply':>7} {'back':>7} | {'max ms':>6} {'apply':>6} {'back':>6}"
        f" {'purge':>6} | {'p99 ms':>6} {'apply':>6} {'back':>6} | {'probe':>6} {'apply':>6} {'back':>6} |"
    )


def _table_row(figures: Figures) -> str:
    felt = (figures.quiet, figures.apply, figures.rollback)
    probes = (figures.quiet_probe, figures.apply_probe, figures.rollback_probe)
    return (
        f"{figures.operation:28} {figures.command_seconds:7.1f}s {figures.apply_seconds:6.2f}s"
        f" {figures.rollback_seconds:6.2f}s |"
        f"{''.join(f' {each.longest_ms:6.0f}' for each in (*felt, figures.purge))} |"
        f"{''.join(f' {each.p99_ms:6.0f}' for each in felt)} |"
        f"{''.join(f' {each.longest_ms:6.0f}' for each in probes)} | {figures.verdict}"
    )


def main() -> int:
    names = [operation.name for operation in OPERATIONS]
    parser = argparse.ArgumentParser(description="Migrations under traffic: checked and measured.")
    parser.add_argument("--scale", type=int, default=5, help="units of 100,000 accounts (5)")
    parser.add_argument("--clients", type=int, default=8, help="connections of the traffic (8)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of traffic between migrations (4)")
    parser.add_argument("--rate", type=int, default=300, help="transactions a second, 0 for all it can (300)")
    parser.add_argument("--protocol", choices=("simple", "extended", "prepared"), default="prepared")
    parser.add_argument("--operation", action="append", choices=names, help="may be repeated; all")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    bank.end_like_ctrl_c()
    wanted = [each for each in OPERATIONS if not given.operation or each.name in given.operation]
    load = Load(clients=given.clients, rate=given.rate, protocol=given.protocol, seconds=given.seconds)
    results: list[Figures] = []
    with tempfile.TemporaryDirectory(prefix="lockkeeper-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o711)  # an unprivileged Postgres passes through on its way to its data
        with banking(home, given.scale) as (server, password):
            if not given.json:
                print(_table_head(), flush=True)
            for operation in wanted:
                results.append(Trial(server, password, home, load).of(operation))
                if not given.json:
                    print(_table_row(results[-1]), flush=True)
                    for fault in results[-1].faults:
                        print(f"    {fault}", flush=True)
    if given.json:
        about = {"scale": given.scale, **asdict(load), "load_average": os.getloadavg()}
        shown = [{**asdict(each), "verdict": each.verdict} for each in results]
        print(json.dumps({**about, "operations": shown}, indent=2))
    elif not given.json:
        print(f"load average {', '.join(f'{load:.1f}' for load in os.getloadavg())}")
    return 1 if any(each.faults for each in results) else 0


if __name__ == "__main__":
    sys.exit(main())
