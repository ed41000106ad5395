"""Each success criterion of the shipped definition stays open when what it claims is not so."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace

import psycopg
import pytest
from psycopg import sql

from bot.embedded import Server, binaries
from tests.journeys.fixtures import OWNER
from tests.journeys.shop import SCHEMA
from tests.plugins.postgres import count_statements
from workorders.migration import engine, sessions, validation, workload
from workorders.migration.connections import Target
from workorders.migration.executor import Executor
from workorders.migration.limits import Limits
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.proofs import rehearse
from workorders.migration.validation import Comparison, Measured
from workorders.migration.workload import Judgement, Workload
from workorders.order import Criterion
from workorders.roles import automation, postgres
from workorders.roles.brief import shipped
from workorders.roles.postgres import Evidence

_NUMBERS = itertools.count(3_000_000)

RUNS, INTEGRITY, REVERSAL, FUNCTIONAL, PERFORMANCE, NO_LOSS = range(6)

#: Far above what a busy machine does to a statement of some microseconds.
SLOWER_THAN = 50.0

#: Changes nothing that the application could notice.
HARMLESS = "ALTER TABLE orders ADD COLUMN remark text;"

MORE = """
ALTER TABLE orders ADD COLUMN note text, ADD CONSTRAINT positive CHECK (total >= 0);
CREATE INDEX orders_total ON orders (total);
INSERT INTO orders (customer_id, total) SELECT n % 50 + 1, n FROM generate_series(1001, 20000) n;
ANALYZE;
"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A target, and what a validation knows of it."""

    url: str
    superuser: str

    @contextmanager
    def target(self) -> Iterator[Target]:
        with closing(sessions.connect(self.url)) as target:
            yield target

    def do(self, statement: str, times: int = 1, *, as_superuser: bool = False) -> None:
        """Runs a statement so many times, as the application does."""
        with psycopg.connect(self.superuser if as_superuser else self.url, autocommit=True) as connection:
            for _ in range(times):
                connection.execute(statement.encode())

    def validated(
        self,
        script: str = HARMLESS,
        *,
        calls: str = "SELECT total FROM orders WHERE id = 1",
        is_planted: Callable[[], None] = lambda: None,
        reversal_holds: bool = True,
        is_executed: bool = True,
    ) -> tuple[Criterion, ...]:
        """The criteria after the script was executed and something else was planted."""
        self.do(calls, 20)
        with self.target() as target:
            prepared = engine.prepare(target, script)
            before = validation.measure(target, validation.queries(prepared.plan, prepared.catalog))
            earlier = workload.read(target, prepared.plan.tables)
        if is_executed:
            with Executor(self.url, prepared.plan.run, Limits()) as executor:
                executor.execute(prepared.plan)
        is_planted()
        with self.target() as target:
            comparisons = self._compared(target, before)
            judged = self._judged(target, prepared.plan, earlier, calls)
        evidence = Evidence(
            run=prepared.plan.run, is_executed=is_executed, comparisons=comparisons,
            reversal_holds=reversal_holds, workload=judged, slower_than=SLOWER_THAN,
        )  # fmt: skip
        return postgres.criteria(shipped().open_criteria(), evidence)

    @staticmethod
    def _compared(target: Target, before: Measured) -> tuple[Comparison, ...]:
        return validation.validate(target, before, counters_seconds=0.1)

    def _judged(self, target: Target, plan: Plan, earlier: Workload | None, calls: str) -> Judgement | None:
        start = workload.read(target, plan.tables)
        if earlier is None or start is None:
            return None
        # Where the application's statement is broken, that is what is to be seen.
        with suppress(psycopg.errors.UndefinedColumn):
            self.do(calls, 20)
        after = workload.read(target, plan.tables)
        assert after is not None
        return workload.judge(earlier, start, after, slower_than=SLOWER_THAN)


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(postgres_server: Server, owner_url: Callable[[str], str]) -> Iterator[MakeBench]:
    made: list[str] = []

    def make(*, counts_statements: bool = True) -> Bench:
        name = f"t_{os.getpid()}_{next(_NUMBERS)}"
        made.append(name)
        superuser = postgres_server.create_database(name)
        with psycopg.connect(superuser, autocommit=True) as connection:
            if counts_statements:
                count_statements(connection)
            connection.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(OWNER))
            )
        bench = Bench(url=owner_url(name), superuser=superuser)
        bench.do(SCHEMA)
        bench.do(MORE)
        if counts_statements:
            bench.do(
                "SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database"
                " WHERE datname = current_database()))",
                as_superuser=True,
            )
        return bench

    yield make
    for name in made:
        postgres_server.drop_database(name)


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    return make_bench()


def held(criteria: tuple[Criterion, ...]) -> list[bool]:
    return [each.holds for each in criteria]


def all_but(*open_ones: int) -> list[bool]:
    return [number not in open_ones for number in range(6)]


def test_all_hold_where_nothing_went_wrong(bench: Bench) -> None:
    found = bench.validated()

    assert held(found) == all_but()
    assert all(each.evidence for each in found)


def test_what_was_not_executed_did_not_run(bench: Bench) -> None:
    found = bench.validated(is_executed=False)

    assert held(found) == all_but(RUNS)
    assert "has not been executed" in found[RUNS].evidence


def test_an_orphan_breaks_integrity_and_the_queries(bench: Bench) -> None:
    def plant() -> None:
        with psycopg.connect(bench.superuser) as superuser:
            superuser.execute("SET LOCAL session_replication_role = replica")
            superuser.execute("DELETE FROM customers WHERE id = 7")

    found = bench.validated(is_planted=plant)

    assert held(found) == all_but(INTEGRITY, NO_LOSS)
    assert "400 rows violate orders_customer_id_fkey, 0 before" in found[INTEGRITY].evidence


def test_a_violator_breaks_integrity_and_the_queries(bench: Bench) -> None:
    def plant() -> None:
        bench.do(
            "ALTER TABLE orders DROP CONSTRAINT positive; UPDATE orders SET total = -1 WHERE id = 5;"
            " ALTER TABLE orders ADD CONSTRAINT positive CHECK (total >= 0) NOT VALID"
        )

    found = bench.validated(is_planted=plant)

    assert held(found) == all_but(INTEGRITY, NO_LOSS)
    assert "1 rows violate positive, 0 before" in found[INTEGRITY].evidence


def test_rows_that_no_counter_explains_are_lost(bench: Bench) -> None:
    found = bench.validated(is_planted=lambda: bench.do("TRUNCATE orders"))

    assert held(found) == all_but(INTEGRITY, NO_LOSS)
    assert "20,000 rows before, 0 after; 0 inserted and 0 deleted" in found[NO_LOSS].evidence


def test_rows_that_were_deleted_meanwhile_are_not_lost(bench: Bench) -> None:
    def plant() -> None:
        bench.do("DELETE FROM orders WHERE id > 19000")
        # A backend tells its counters when it ends, at the latest.
        bench.do("SELECT pg_stat_force_next_flush()")

    found = bench.validated(is_planted=plant)

    assert held(found) == all_but()
    assert "1,000 deleted" in found[NO_LOSS].evidence


def test_a_plan_whose_rollback_does_not_lead_back_has_no_proof(bench: Bench, shadow_server: Server) -> None:
    def forgets(plan: Plan) -> Plan:
        return replace(plan, steps=tuple(replace(step, undo=()) for step in plan.steps))

    with bench.target() as target:
        rehearsal = rehearse(target, bench.url, HARMLESS, shadow_server, binaries(), alter=forgets)
    found = bench.validated(reversal_holds=automation.leads_back(automation.kept(rehearsal)))

    assert not rehearsal.holds
    assert held(found) == all_but(REVERSAL)
    assert "No proof of reversal holds" in found[REVERSAL].evidence


def test_a_statement_that_no_longer_plans_is_named(bench: Bench) -> None:
    found = bench.validated(
        "ALTER TABLE orders DROP COLUMN note;", calls="SELECT note FROM orders WHERE id = 1"
    )

    assert held(found) == all_but(FUNCTIONAL)
    assert "SELECT note FROM orders" in found[FUNCTIONAL].evidence
    assert "42703" in found[FUNCTIONAL].evidence


def test_a_statement_that_says_a_former_name_is_foreseen_and_named(bench: Bench) -> None:
    calls, others = "SELECT note FROM orders WHERE id = 1", "SELECT total FROM orders WHERE id = 1"
    script = "ALTER TABLE customers RENAME TO clients; ALTER TABLE orders RENAME note TO remark;"
    bench.do(others)
    with bench.target() as target:
        bench.do(calls)
        renamed = engine.prepare(target, script).plan.names()
        foreseen = workload.saying(target, renamed)

    found = bench.validated(script, calls=calls)

    assert foreseen == ("SELECT note FROM orders WHERE id = $1",)
    assert held(found) == all_but(FUNCTIONAL)
    assert "SELECT note FROM orders" in found[FUNCTIONAL].evidence
    assert "SELECT total FROM orders" not in found[FUNCTIONAL].evidence


def test_a_statement_that_lost_its_index_is_named(bench: Bench) -> None:
    found = bench.validated("DROP INDEX orders_total;", calls="SELECT id FROM orders WHERE total = 77")

    assert not found[PERFORMANCE].holds
    assert held(found)[:PERFORMANCE] == [True] * PERFORMANCE
    assert found[NO_LOSS].holds
    assert "lost its index: \u2068SELECT id FROM orders" in found[PERFORMANCE].evidence


def test_a_statement_that_takes_longer_than_the_limit_is_named(bench: Bench) -> None:
    bench.do("CREATE FUNCTION price() RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1'")
    slow = (
        "CREATE OR REPLACE FUNCTION price() RETURNS int LANGUAGE sql VOLATILE AS"
        " 'SELECT 1 FROM pg_sleep(0.05)'"
    )

    found = bench.validated(
        calls="SELECT price() FROM orders WHERE id = 1", is_planted=lambda: bench.do(slow)
    )

    assert held(found) == all_but(PERFORMANCE)
    assert "slower" in found[PERFORMANCE].evidence


def test_an_older_server_tells_at_least_whether_a_statement_can_be_prepared(bench: Bench) -> None:
    with bench.target() as target:
        for _ in range(2):
            assert workload.prepared(target, "SELECT note FROM orders WHERE id = $1").sqlstate is None
        assert workload.prepared(target, "SELECT nothing FROM orders").sqlstate == "42703"


def test_without_counted_statements_nobody_knows_what_the_application_runs(make_bench: MakeBench) -> None:
    found = make_bench(counts_statements=False).validated()

    assert held(found) == all_but(FUNCTIONAL, PERFORMANCE)
    for number in (FUNCTIONAL, PERFORMANCE):
        assert "pg_stat_statements cannot be read" in found[number].evidence
        assert "CREATE EXTENSION pg_stat_statements" in found[number].evidence


def test_a_line_of_the_repositorys_own_stays_as_it_is() -> None:
    own = Criterion(number=1, text="The cache was warmed up", holds=False)
    evidence = Evidence(
        run="run-1", is_executed=True, comparisons=(), reversal_holds=True, workload=None, slower_than=1.5
    )

    assert postgres.criteria((own,), evidence) == (own,)
