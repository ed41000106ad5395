"""Whole journeys with worker and web killed with -9 in each state: all ends right, nothing is said twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import psycopg
import pytest

from bot.embedded import Server
from tests.chaos.holding import Moment, entering, held_at, leaving, recording, remembering, storing
from tests.chaos.texts import nothing_is_said_twice
from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation, Running
from tests.journeys.shop import BOT, Shop, Thread
from tests.journeys.test_escalation import EVERYTHING

FILE = "db/migrations/0042_note.sql"

SQL = """ALTER TABLE orders ADD COLUMN note text;
CREATE INDEX ON orders (customer_id);
UPDATE orders SET total = total + 1 WHERE id % 2 = 0;
ALTER TABLE orders DROP COLUMN made_at;
"""

#: The last of its steps meets a row that came after the analysis.
FAILING = """ALTER TABLE orders ADD COLUMN note text;
CREATE INDEX ON orders (customer_id);
UPDATE orders SET total = total + 1 WHERE id % 2 = 0;
ALTER TABLE orders ALTER total SET NOT NULL;
"""


@dataclass(kw_only=True)
class Mortals:
    """One web and one worker, which are killed and followed by others."""

    installation: Installation
    web: Running | None = None
    worker: Running | None = None

    def kill_worker(self, moment: Moment, ask: Callable[[], object] | None = None) -> None:
        """A worker is killed at the moment; there is none then."""
        with held_at(self.installation, moment) as is_waiting:
            if ask is not None:
                ask()
            # It begins in here, so that nobody can be past the moment already.
            worker = self.worker or self.installation.start_worker()
            until(is_waiting, 120)
            worker.kill()
            self.worker = None

    def kill_web(self, moment: Moment, ask: Callable[[], object]) -> None:
        """The web is killed at the moment, is up again, and GitHub is asked for what it had not answered."""
        state = self.installation.sandbox.state
        before = len(state.deliveries())
        with held_at(self.installation, moment) as is_waiting:
            ask()
            until(is_waiting)
            assert self.web is not None
            self.web.kill()
        assert state.wait_until_sent(60)
        missed = [each for each in state.deliveries()[before:] if each.status_code != 202]
        assert missed
        self.web = self.installation.start_web()
        for each in missed:
            state.redeliver(each.id)
        assert state.wait_until_sent(60)

    def live(self) -> None:
        """A worker that nobody kills."""
        self.worker = self.worker or self.installation.start_worker()

    def end_worker(self) -> None:
        """It is killed while it has nothing to do."""
        if self.worker is not None:
            self.worker.kill()
        self.worker = None

    def left_over(self) -> list[str]:
        """Processes of the installation that are neither the web nor the worker, nor below them."""
        alive = {each.process.pid for each in (self.web, self.worker) if each is not None}
        below = {child.pid for pid in alive for child in psutil.Process(pid).children(recursive=True)}
        return [" ".join(each.cmdline()) for each in self._processes() if each.pid not in alive | below]

    def _processes(self) -> Iterator[psutil.Process]:
        home = str(self.installation.settings.home)
        for process in psutil.process_iter():
            try:
                if process.environ().get("LOCKKEEPER_HOME") == home:
                    yield process
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue


@pytest.fixture
def mortals(fresh_installation: Installation) -> Iterator[Mortals]:
    mortals = Mortals(installation=fresh_installation)
    mortals.web = fresh_installation.start_web()
    yield mortals
    fresh_installation.close()


def nobody_is_left(shop: Shop, mortals: Mortals) -> None:
    """No process and no session in the target outlives its worker."""
    until(lambda: not mortals.left_over())
    sessions = (
        "SELECT array_agg(application_name) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    until(lambda: shop.query(sessions) == [(None,)])


def shadows(shadow_server: Server) -> dict[str, int | None]:
    """The databases of rehearsals, with the port from which a living one claims them."""
    with psycopg.connect(shadow_server.dsn(), autocommit=True) as shadow:
        rows = shadow.execute(
            "SELECT base.datname, max(client_port) FROM pg_database AS base LEFT JOIN pg_locks AS claim"
            " ON claim.locktype = 'advisory'"
            " AND claim.objid::bigint = hashtext(left(base.datname, 19))::bigint & 4294967295"
            " LEFT JOIN pg_stat_activity USING (pid) WHERE base.datname ~ '^shadow_' GROUP BY 1"
        ).fetchall()
    return dict(rows)


def rehearsed_by(worker: Running, shadow_server: Server) -> set[str]:
    """The databases that the worker rehearses in just now; others share the server."""
    ports = {each.laddr.port for each in psutil.Process(worker.process.pid).net_connections("tcp")}
    return {name for name, port in shadows(shadow_server).items() if port in ports}


def columns(shop: Shop) -> list[str]:
    rows = shop.query(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0"
        " AND NOT attisdropped ORDER BY attnum"
    )
    return [name for (name,) in rows]


def test_a_pull_request_s_order_is_done_and_purged_once(mortals: Mortals, make_shop: MakeShop) -> None:
    shop = make_shop("each-state")
    state = mortals.installation.sandbox.state
    state.pulls.push_as("ana", shop.repository, "note", {FILE: SQL})
    pull = state.pulls.open_as("ana", shop.repository, "Notes", head="note").number
    assert state.wait_until_sent(30)
    thread = Thread(shop=shop, number=pull + 1)

    mortals.kill_web(
        storing("pull_request"),
        lambda: state.label_as("ana", shop.repository, pull, "wo:database-migration"),
    )
    for name in ("analysing", "preparing", "reviewing"):
        mortals.kill_worker(leaving(name))
    mortals.live()
    thread.wait_for("awaiting_approval")
    # The web on the way in and the worker behind it.
    mortals.kill_worker(
        leaving("approved"), lambda: mortals.kill_web(storing("issue_comment"), thread.approve)
    )
    for name in ("executing", "validating"):
        mortals.kill_worker(leaving(name))
    mortals.live()
    thread.wait_for("soaking")
    assert thread.ticked() == [True] * 6
    mortals.kill_worker(leaving("soaking"), lambda: thread.say("dba", 'wo:done "orders have notes"'))
    mortals.kill_worker(remembering())
    mortals.live()
    thread.wait_for("done")
    mortals.kill_worker(recording("purged"), lambda: thread.say("dba", "/wo purge"))
    mortals.live()
    until(lambda: "purged" in thread.kinds)
    mortals.installation.wait_until_quiet()
    said = thread.said
    for each in state.deliveries():
        state.redeliver(each.id)
    mortals.installation.wait_until_quiet(60)

    assert thread.said == said
    moves = [
        "analysed", "prepared", "reviewed", "approval", "approved", "turn_came", "executed", "validated",
        "done", "purge", "purged",
    ]  # fmt: skip
    assert [kind for kind in thread.kinds if kind in moves] == moves
    assert nothing_is_said_twice(thread)
    assert len(state.issues(shop.repository)) == 2
    assert [each.author.login for each in state.comments(shop.repository, pull)] == [BOT]
    assert thread.issue.state == "closed"
    assert thread.issue.labels == ("wo:done",)
    checks = state.checks.of(
        shop.repository, state.pulls.pull(shop.repository, pull).head_sha, newest_only=False
    )
    # A conclusion that is taken back makes place for another run.
    assert [(each.name, each.conclusion) for each in checks] == [
        (f"lockkeeper / {shop.name}", "success"), (f"lockkeeper / {shop.name}", "action_required"),
    ]  # fmt: skip
    with mortals.installation.services.pool.transaction() as ours:
        lessons = ours.execute("SELECT summary FROM memory WHERE order_id = %s", [thread.order.id]).fetchall()
    assert lessons == [("orders have notes",)]
    assert columns(shop) == ["id", "customer_id", "total", "note"]
    assert shop.query("SELECT sum(total), count(*) FROM orders") == [(1000 * 1001 // 2 + 500, 1000)]
    nobody_is_left(shop, mortals)


def test_a_failing_order_is_rolled_back_once(
    mortals: Mortals, make_shop: MakeShop, shadow_server: Server
) -> None:
    shop = make_shop("each-state-back")
    mortals.live()
    thread = shop.ask_for(FAILING)
    # In the middle of the rehearsal, which leaves its databases behind.
    worker = mortals.worker
    assert worker is not None
    left = until(lambda: rehearsed_by(worker, shadow_server), 120)
    mortals.end_worker()
    mortals.live()
    thread.wait_for("awaiting_approval")
    assert left.isdisjoint(shadows(shadow_server))
    shop.query("INSERT INTO orders (customer_id, total) VALUES (1, NULL)")
    before = shop.query(EVERYTHING)

    mortals.kill_worker(entering("executing"), thread.approve)
    mortals.kill_worker(entering("rolling_back"))
    mortals.kill_worker(leaving("rolling_back"))
    mortals.live()
    thread.wait_for("rolled_back")

    assert shop.query(EVERYTHING) == before
    moves = ["analysed", "prepared", "reviewed", "approved", "turn_came", "step_failed", "rolled_back"]
    assert [kind for kind in thread.kinds if kind in moves] == moves
    assert nothing_is_said_twice(thread)
    for title in ("automation: Escalation", "automation: Rollback", "conductor: Closing report"):
        assert len(thread.reports(title)) == 1, title
    assert thread.issue.labels == ("wo:rolled_back",)
    nobody_is_left(shop, mortals)
