"""pgbench as the application: it writes the bank's books and side table, and tells of every transaction."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg

from benchmarks.bank import environment
from bot.embedded import binaries

#: Every tenth transaction; the others are pgbench's own.
_NOTES = """\
\\set aid random(1, :accounts)
BEGIN;
INSERT INTO account_notes (aid, written_on, note) VALUES (:aid, CURRENT_DATE, 'new') RETURNING id \\gset
INSERT INTO note_tags (note_id, tag) VALUES (:id, 'new');
COMMIT;
"""

#: As long as anybody could want; the traffic is ended by a signal.
_FOR_EVER_SECONDS = 36_000

_END_SECONDS = 60.0

#: What the probe asks, one after the other.
_PROBES = (
    "SELECT abalance FROM pgbench_accounts WHERE aid = 1",
    "UPDATE pgbench_tellers SET filler = filler WHERE tid = 1",
    "SELECT delta FROM pgbench_history LIMIT 1",
    "SELECT note FROM account_notes WHERE id = 1",
)
_PROBE_PAUSE_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Span:
    """From when to when, in seconds of `time.time()`."""

    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin


@dataclass(frozen=True, kw_only=True)
class Felt:
    """The latency of transactions, from their begin to their end."""

    transactions: int
    p50_ms: float
    p99_ms: float
    longest_ms: float


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """One of pgbench's."""

    #: 0: pgbench's own, with a row in its history; 1: a note.
    script: int
    #: When a client began it, which may be later than it was due.
    begin: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """What pgbench told when it had ended."""

    status: int
    #: Its report's number of failed transactions.
    failed: int
    #: What it wrote to standard error.
    complaints: str
    transactions: tuple[Transaction, ...]

    def count(self, script: int) -> int:
        """How many of a script's transactions were committed."""
        return sum(1 for each in self.transactions if each.script == script)

    def faults(self) -> list[str]:
        """What an application would have seen as an error."""
        found = []
        if self.status != 0:
            found.append(f"pgbench ended with status {self.status}")
        if self.failed:
            found.append(f"{self.failed} transactions failed")
        found += [line for line in self.complaints.splitlines() if "error" in line.lower()]
        return found

    def felt(self, span: Span) -> Felt:
        """By the transactions that were under way in the span."""
        latencies = sorted(
            (each.end - each.begin) * 1000
            for each in self.transactions
            if each.begin < span.end and each.end > span.begin
        )
        return felt(latencies)


def felt(latencies: list[float]) -> Felt:
    """Of sorted latencies in milliseconds."""
    if not latencies:
        return Felt(transactions=0, p50_ms=0.0, p99_ms=0.0, longest_ms=0.0)
    return Felt(
        transactions=len(latencies),
        p50_ms=latencies[len(latencies) // 2],
        p99_ms=latencies[len(latencies) * 99 // 100],
        longest_ms=latencies[-1],
    )


class Pgbench:
    """A running pgbench. Ends it when the block is left, if `end` has not done so."""

    def __init__(self, dsn: str, folder: Path, *, clients: int, rate: int, protocol: str) -> None:
        self._folder = folder
        script = folder / "notes.sql"
        script.write_text(_NOTES)
        with psycopg.connect(dsn, autocommit=True) as bank:
            row = bank.execute("SELECT max(aid) FROM pgbench_accounts").fetchone()
        assert row is not None
        self._log = folder / f"log-{time.monotonic_ns()}"
        command = [
            *(str(binaries() / "pgbench"), "--no-vacuum", f"--client={clients}", "--jobs=2"),
            *(f"--time={_FOR_EVER_SECONDS}", f"--protocol={protocol}", "--log", f"--log-prefix={self._log}"),
            *("--builtin=tpcb-like@9", f"--file={script}@1", f"--define=accounts={row[0]}"),
        ]
        if rate:
            command.append(f"--rate={rate}")
        self._process = subprocess.Popen(
            command, env=environment(dsn), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    @property
    def is_running(self) -> bool:
        """False once it has given up."""
        return self._process.poll() is None

    def end(self) -> Traffic:
        """Lets each client end its transaction; what they did."""
        if self.is_running:
            # The signal of pgbench's own clock: its time is over.
            self._process.send_signal(signal.SIGALRM)
        report, complaints = self._process.communicate(timeout=_END_SECONDS)
        failed = re.search(r"number of failed transactions: (\d+)", report)
        return Traffic(
            status=self._process.returncode,
            failed=int(failed[1]) if failed else 0,
            complaints=complaints,
            transactions=tuple(self._logged()),
        )

    def _logged(self) -> Iterator[Transaction]:
        for path in self._folder.glob(f"{self._log.name}.*"):
            for line in path.read_text().splitlines():
                _client, _number, taken, script, seconds, microseconds, *lag = line.split()
                if taken.isdigit():
                    end = int(seconds) + int(microseconds) / 1e6
                    # With a rate, the time is counted from when it was due; waiting for a client is no stall.
                    begin = end - (int(taken) - int(lag[0] if lag else 0)) / 1e6
                    yield Transaction(script=int(script), begin=begin, end=end)


class Probe:
    """One more client that asks for a row of each table every few milliseconds."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="probe", daemon=True)
        self._asked: list[Transaction] = []
        self._errors: list[str] = []

    def felt(self, span: Span) -> Felt:
        """By the questions that were open in the span."""
        return felt(
            sorted((e.end - e.begin) * 1000 for e in self._asked if e.begin < span.end and e.end > span.begin)
        )

    def faults(self) -> list[str]:
        """Questions that the server refused."""
        return [f"the probe got {error}" for error in self._errors]

    def _ask(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as bank:
            while not self._stop.is_set():
                for question in _PROBES:
                    begin = time.time()
                    try:
                        bank.execute(question.encode())
                    except psycopg.Error as error:
                        self._errors.append(f"{error.sqlstate}: {error}")
                    self._asked.append(Transaction(script=-1, begin=begin, end=time.time()))
                    self._stop.wait(_PROBE_PAUSE_SECONDS)

    @classmethod
    @contextmanager
    def asking(cls, dsn: str) -> Iterator[Probe]:
        """It asks for the length of the block."""
        probe = cls(dsn)
        probe._thread.start()
        try:
            yield probe
        finally:
            probe._stop.set()
            probe._thread.join()
