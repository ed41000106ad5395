"""Processes of ours killed with -9: nothing is done or said twice, and the order ends right."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.chaos.texts import nothing_is_said_twice
from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation, Running
from tests.journeys.shop import SCHEMA, Shop

#: Keys begin at 95, so that their order as numbers is not their order as texts.
COUNTED = """
CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL, filler text NOT NULL DEFAULT repeat('x', 200));
INSERT INTO counters SELECT k, 0 FROM generate_series(95, 30094) k;
ANALYZE;
"""

#: Long enough to be met in the middle: batches of about 75 ms.
SQL = """UPDATE counters SET n = n + 1;
CREATE INDEX ON counters (filler, n);
ALTER TABLE counters ADD COLUMN note text;"""


def counted(shop: Shop) -> int:
    """Rows that the execution has reached."""
    ((rows,),) = shop.query("SELECT count(*) FROM counters WHERE n > 0")
    return int(rows)


def each_row_was_counted_once(shop: Shop) -> bool:
    return shop.query("SELECT n, count(*) FROM counters GROUP BY n") == [(1, 30_000)]


@pytest.fixture
def worker(fresh_installation: Installation) -> Iterator[Running]:
    """One worker, for as long as the test does not kill it; all workers end with the test."""
    if fresh_installation.sandbox.state.webhook_url is None:
        fresh_installation.start_web()
    yield fresh_installation.start_worker()
    for running in fresh_installation.processes:
        if "worker" in running.output.name:
            running.kill()


def test_a_worker_killed_in_a_batched_update_leaves_each_row_counted_once(
    fresh_installation: Installation, make_shop: MakeShop, worker: Running
) -> None:
    shop = make_shop("batches", schema=COUNTED)
    thread = shop.reviewed(SQL)
    thread.approve()
    killed = worker
    for share in (3_000, 12_000):
        until(lambda share=share: counted(shop) > share, 90)  # type: ignore[misc]  # mypy knows no default here
        killed.kill()
        assert counted(shop) < 30_000, "it was killed too late to prove anything"
        killed = fresh_installation.start_worker()
    thread.wait_for("soaking")

    assert each_row_was_counted_once(shop)
    assert nothing_is_said_twice(thread)
    assert shop.query("SELECT indisvalid FROM pg_index WHERE indrelid = 'counters'::regclass ORDER BY 1") == [
        (True,),
        (True,),
    ]
    assert thread.kinds.count("executed") == 1


def test_a_worker_killed_while_an_index_is_built_leaves_one_valid_index(
    fresh_installation: Installation, make_shop: MakeShop, worker: Running
) -> None:
    shop = make_shop("indexes", schema=COUNTED)
    thread = shop.reviewed("CREATE INDEX counters_n ON counters (n);")
    # An open transaction that has seen the table holds a concurrent build up, for as long as we like.
    with psycopg.connect(shop.url) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT count(*) FROM counters")
        thread.approve()
        until(lambda: shop.query("SELECT 1 FROM pg_class WHERE relname = 'counters_n'"))
        worker.kill()
        assert shop.query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'counters_n'::regclass") == [
            (False,)
        ]
        fresh_installation.start_worker()
    thread.wait_for("soaking")

    assert shop.query(
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'counters'::regclass"
        " ORDER BY 1"
    ) == [("counters_n", True), ("counters_pkey", True)]
    assert nothing_is_said_twice(thread)


def test_a_web_killed_between_two_deliveries_loses_neither(
    fresh_installation: Installation, make_shop: MakeShop, worker: Running
) -> None:
    shop = make_shop("two-webs", schema=SCHEMA)
    sandbox = fresh_installation.sandbox
    web = next(each for each in fresh_installation.processes if "serve" in each.output.name)
    thread = shop.ask_for("ALTER TABLE nowhere ADD COLUMN note text;")
    thread.wait_for("changes_requested")

    web.kill()
    thread.say("ana", "/wo cancel")
    assert sandbox.state.wait_until_sent(30)
    missed = sandbox.state.deliveries()[-1]
    assert missed.status_code != 202
    assert thread.state == "changes_requested"
    fresh_installation.start_web()
    # As GitHub does on request; the first one was answered before the web died and is not asked for.
    sandbox.state.redeliver(missed.id)
    thread.wait_for("cancelled")
    # And as somebody may press the button twice.
    sandbox.state.redeliver(missed.id)
    fresh_installation.wait_until_quiet()

    assert thread.kinds.count("cancelled") == 1
    assert nothing_is_said_twice(thread)
