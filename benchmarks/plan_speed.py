"""How long a plan takes in a database of many tables, and a rehearsal of a change to one of them.

    python -m benchmarks.plan_speed --tables 10000

Makes everything by itself in a folder that it removes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from benchmarks import bank
from bot.embedded import OURS_SETTINGS, SHADOW_SETTINGS, Cluster, Server, binaries
from workorders.migration import engine, journal, sessions
from workorders.migration.catalog import fingerprint
from workorders.migration.catalog import read as catalogs
from workorders.migration.rehearsal import proofs

SCRIPT = "ALTER TABLE t_1 ADD COLUMN z int NOT NULL DEFAULT 7; CREATE INDEX ON t_1 (z);"

#: Every table has a key, a CHECK, an index, and a foreign key to the one before it.
_TABLES = """
DO $$
BEGIN
    FOR i IN {first} .. {last} LOOP
        EXECUTE format('CREATE TABLE t_%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,'
            ' a int NOT NULL, b text DEFAULT ''x'', c timestamptz DEFAULT now(), before bigint,'
            ' CHECK (a > 0))', i);
        EXECUTE format('CREATE INDEX ON t_%s (before)', i);
        IF i > 1 THEN
            EXECUTE format('ALTER TABLE t_%s ADD FOREIGN KEY (before) REFERENCES t_%s', i, i - 1);
        END IF;
    END LOOP;
END $$
"""

#: Tables made in one transaction: each takes locks, and the lock table has an end.
_AT_ONCE = 200


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Seconds."""

    tables: int
    #: The plan, all in all.
    prepare: float
    #: Its two large parts.
    catalog: float
    fingerprint: float
    rehearsal: float
    holds: bool


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _best(work: Callable[[], object], times: int) -> float:
    return min(_timed(work) for _ in range(times))


def _make_tables(dsn: str, count: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as database:
        database.execute("SET client_min_messages = warning")
        for first in range(1, count + 1, _AT_ONCE):
            last = min(first + _AT_ONCE - 1, count)
            database.execute(_TABLES.format(first=first, last=last).encode())
        database.execute("INSERT INTO t_1 (a, before) SELECT g, NULL FROM generate_series(1, 100000) g")
        database.execute("ANALYZE")


def _measured(shadow: Server, dsn: str, tables: int, times: int) -> Figures:
    with closing(sessions.connect(dsn)) as target:
        journal.is_installed(target)  # the first question of a session loads its caches
        prepare = _best(lambda: engine.prepare(target, SCRIPT), times)
        catalog = _best(lambda: catalogs.read(target), times)
        whole = _best(lambda: fingerprint.read(target), times)
        began = time.monotonic()
        rehearsal = proofs.rehearse(target, dsn, SCRIPT, shadow, binaries())
        return Figures(
            tables=tables,
            prepare=prepare,
            catalog=catalog,
            fingerprint=whole,
            rehearsal=time.monotonic() - began,
            holds=rehearsal.holds,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="How long a plan and a rehearsal take.")
    parser.add_argument("--tables", type=int, action="append", help="may be repeated; 100 and 10000")
    parser.add_argument("--times", type=int, default=3, help="how often; the best counts (3)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    given = parser.parse_args()
    bank.end_like_ctrl_c()
    results = []
    with tempfile.TemporaryDirectory(prefix="lockkeeper-bench-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o711)  # an unprivileged Postgres passes through on its way to its data
        settings = {**OURS_SETTINGS, "max_locks_per_transaction": "1000"}
        with (
            Server(Cluster(home=home, name="shadow", settings=SHADOW_SETTINGS)) as shadow,
            Server(Cluster(home=home, name="many", settings=settings)) as server,
        ):
            password = bank.make_owner(server)
            for tables in given.tables or [100, 10_000]:
                dsn = bank.make_database(server, password, f"tables_{tables}")
                _make_tables(dsn, tables)
                found = _measured(shadow, dsn, tables, given.times)
                results.append(found)
                if not given.json:
                    print(
                        f"{found.tables:6} tables: prepare {found.prepare:.2f} s"
                        f" (catalog {found.catalog:.2f}, fingerprint {found.fingerprint:.2f}),"
                        f" rehearsal {found.rehearsal:.1f} s, {'proven' if found.holds else 'NOT PROVEN'}",
                        flush=True,
                    )
    load = os.getloadavg()
    if given.json:
        print(json.dumps({"load_average": load, "figures": [asdict(each) for each in results]}, indent=2))
    else:
        print(f"load average {', '.join(f'{each:.1f}' for each in load)}")
    return 0 if all(each.holds for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
