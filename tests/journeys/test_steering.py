"""People steer what runs: paused, resumed, slowed down, aborted, and let past who is in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation, Running
from tests.journeys.shop import BOT, Shop, Thread

ROWS = 1_000

COUNTED = f"""
CREATE TABLE counters (id int PRIMARY KEY, n int NOT NULL, note text);
INSERT INTO counters SELECT k, 0 FROM generate_series(1, {ROWS}) k;
ANALYZE;
"""
SQL = "UPDATE counters SET n = n + 1;"

LIVING = "automation: Execution, step by step"


@contextmanager
def held(shop: Shop, statement: str) -> Iterator[int]:
    """Somebody has done this in the target and does not end their transaction; gives their process."""
    with closing(psycopg.connect(shop.url, application_name="nightly report")) as holder:
        holder.execute(statement.encode())
        yield holder.info.backend_pid


#: A backfill comes so far and no further, for as long as somebody has locked this row.
IN_THE_MIDDLE = f"SELECT FROM counters WHERE id = {ROWS // 2} FOR UPDATE"


def counted(shop: Shop) -> int:
    ((rows,),) = shop.query("SELECT count(*) FROM counters WHERE n > 0")
    return int(rows)


def is_at_work(shop: Shop) -> bool:
    """Whether a run of ours has a session or the lease in the target."""
    ((journal,),) = shop.query("SELECT to_regclass('lockkeeper.journal')")
    if journal is None:
        return False
    ((count,),) = shop.query(
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lockkeeper %'"
        " AND datname = current_database()) + (SELECT count(*) FROM lockkeeper.lease WHERE run IS NOT NULL)"
    )
    return int(count) > 0


def is_told(thread: Thread, login: str, command: str, *words: str) -> bool:
    """Once somebody has commented so, one new comment of the bot's holds all the words.

    Not the first new one: the run speaks of itself meanwhile.
    """
    before = {each.id for each in thread.comments}
    thread.say(login, command)
    until(
        lambda: any(
            all(word in each.body for word in words)
            for each in thread.comments
            if each.id not in before and each.author.login == BOT
        )
    )
    return True


def batches(shop: Shop) -> int:
    ((count,),) = shop.query("SELECT max(batches) FROM lockkeeper.journal WHERE direction = 'forth'")
    return int(count)


@pytest.fixture
def worker(fresh_installation: Installation) -> Iterator[Callable[[], Running]]:
    """`worker()`: another worker, in the place of the last one, which is killed. All end with the test."""
    if fresh_installation.sandbox.state.webhook_url is None:
        fresh_installation.start_web()

    def end() -> None:
        for running in fresh_installation.processes:
            if "worker" in running.output.name:
                running.kill()

    def another() -> Running:
        end()
        return fresh_installation.start_worker()

    another()
    yield another
    end()


def under_way(make_shop: MakeShop, name: str) -> Thread:
    """An order in the middle of its batches, where somebody holds `IN_THE_MIDDLE`."""
    shop = make_shop(name, schema=COUNTED)
    return shop.reviewed(SQL)


def test_a_paused_order_holds_nothing_and_goes_on_from_where_it_was(
    make_shop: MakeShop, worker: Callable[[], Running]
) -> None:
    thread = under_way(make_shop, "pausing")
    shop = thread.shop
    with held(shop, IN_THE_MIDDLE):
        thread.approve()
        until(lambda: counted(shop))
        assert is_told(thread, "mallory", "/wo pause", "neither an author")
        assert is_told(thread, "ana", "/wo speed 50%", "50 %")
        assert is_at_work(shop)

        assert is_told(thread, "ana", "/wo pause", "stays done")
        thread.wait_for("paused")
        until(lambda: not is_at_work(shop))
        until(lambda: "has paused it" in thread.report(LIVING))
        assert "/wo resume" in thread.report(LIVING)

        # While it is paused, workers may come and go, and it is not theirs.
        worker()
        assert is_told(thread, "mallory", "/wo status", "50 % of the usual")
        assert thread.order.state.value == "paused"
        assert not is_at_work(shop)
        done = counted(shop)
        assert 0 < done < ROWS

        # And a worker that is killed as soon as it is paused leaves it paused, too.
        thread.say("dba", "/wo resume")
        until(lambda: is_at_work(shop))
        thread.say("dba", "/wo pause")
        until(lambda: thread.kinds.count("paused") == 2)
        worker()
        assert is_told(thread, "mallory", "/wo why", "Why it is paused", "/wo resume")
        assert thread.order.state.value == "paused"
        assert counted(shop) >= done
    before = batches(shop)
    assert is_told(thread, "mallory", "/wo resume", "neither an author")

    thread.say("dba", "/wo resume")
    thread.wait_for("soaking")

    assert shop.query("SELECT n, count(*) FROM counters GROUP BY n") == [(1, ROWS)]
    assert batches(shop) > before
    assert "has paused it" not in thread.report(LIVING)
    assert [kind for kind in thread.kinds if kind in ("speed", "paused", "resumed", "executed")] == [
        *("speed", "paused", "resumed", "paused", "resumed", "executed")
    ]


def test_an_aborted_order_is_rolled_back_with_what_was_written_since(
    make_shop: MakeShop, worker: Callable[[], Running]
) -> None:
    thread = under_way(make_shop, "aborting")
    shop = thread.shop
    with held(shop, IN_THE_MIDDLE):
        thread.approve()
        until(lambda: counted(shop))
        shop.query("UPDATE counters SET note = 'written since' WHERE id = 1")
        shop.query("INSERT INTO counters VALUES (9000, 77)")
        assert is_told(thread, "mallory", "/wo abort", "neither an author")

        thread.say("ana", '/wo abort "the sale has begun"')
        until(lambda: "aborted" in thread.kinds)
        worker()
    # The way back takes the table's triggers away, and waits for whoever has it open.
    thread.wait_for("rolled_back")

    assert shop.query("SELECT n, note, count(*) FROM counters GROUP BY n, note ORDER BY n, note") == [
        (0, "written since", 1),
        (0, None, ROWS - 1),
        (77, None, 1),
    ]
    (escalation,) = thread.reports("conductor: Escalation")
    (closing,) = thread.reports("conductor: Closing report")
    for report in (escalation, closing):
        assert "ana aborted it: the sale has begun" in report
    assert "Verdict: roll back" in escalation
    assert "@dba" in escalation
    assert [kind for kind in thread.kinds if kind in ("aborted", "step_failed", "rolled_back")] == [
        "aborted",
        "rolled_back",
    ]


def test_a_paused_order_is_aborted_and_its_comment_says_so(
    make_shop: MakeShop, worker: Callable[[], Running]
) -> None:
    thread = under_way(make_shop, "paused-aborted")
    shop = thread.shop
    with held(shop, IN_THE_MIDDLE):
        thread.approve()
        until(lambda: counted(shop))
        thread.say("ana", "/wo pause")
        thread.wait_for("paused")
    thread.say("dba", "/wo abort")
    thread.wait_for("rolled_back")

    assert counted(shop) == 0
    assert "has aborted it" in thread.report(LIVING)


def test_who_blocks_the_run_is_ended_on_a_supervisors_word_and_nobody_else_is(
    make_shop: MakeShop, worker: Callable[[], Running]
) -> None:
    shop = make_shop("blocked", schema=COUNTED)
    shop.put_policy(terminate_blockers="true")
    thread = shop.reviewed("ALTER TABLE counters ADD COLUMN more text;")
    with held(shop, "SELECT count(*) FROM counters") as blocker, held(shop, "SELECT 1") as bystander:
        thread.approve()
        until(lambda: is_at_work(shop))
        assert is_told(thread, "ana", f"/wo terminate {blocker}", "is not a supervisor")

        refused = (f"Process {bystander} does not block the run", f"/wo terminate {blocker}")
        assert is_told(thread, "dba", f"/wo terminate {bystander}", *refused)
        assert is_told(thread, "dba", f"/wo terminate {blocker}", f"Process {blocker} (", "was ended")
        thread.wait_for("soaking")
        alive = shop.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'nightly report'")
        assert alive == [(bystander,)]

    assert [kind for kind in thread.kinds if "terminate" in kind] == [
        *("terminate", "not_terminated", "terminate", "terminated")
    ]


def test_a_pause_in_the_last_step_holds_the_order_before_its_validation(
    make_shop: MakeShop, worker: Callable[[], Running]
) -> None:
    shop = make_shop("last-step", schema=COUNTED)
    thread = shop.reviewed("CREATE INDEX counters_n ON counters (n);")
    with held(shop, "UPDATE counters SET note = note WHERE id = 1"):  # the build waits for it
        thread.approve()
        until(lambda: shop.query("SELECT 1 FROM pg_class WHERE relname = 'counters_n'"))
        assert is_told(thread, "ana", "/wo pause", "stays done")
    until(lambda: "has paused it" in thread.report(LIVING))
    assert "Every step is done" in thread.report(LIVING)
    assert thread.order.state.value == "paused"

    thread.say("ana", "/wo resume")
    thread.wait_for("soaking")

    (report,) = thread.reports("automation: Execution")
    assert "1 step ran in" in report
    assert "has paused it" not in thread.report(LIVING)
