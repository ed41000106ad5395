"""One order from its comment to its lesson, and the next one from the lesson to its rollback."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation
from tests.journeys.shop import Shop, Thread
from workorders.definition import shipped

SQL = """ALTER TABLE orders ADD COLUMN note text;
CREATE INDEX ON orders (customer_id);
UPDATE orders SET total = total + 1 WHERE id % 2 = 0;
ALTER TABLE orders ALTER total SET NOT NULL;"""

SUMMARY = "orders have notes, and a total always"


@dataclass(kw_only=True)
class Application:
    """Reads and writes the shop's orders, a few statements at a time, as an application would."""

    url: str
    errors: list[str] = field(default_factory=list)
    rounds: int = 0

    @contextmanager
    def running(self) -> Iterator[Application]:
        over = threading.Event()
        thread = threading.Thread(target=self._run, args=[over])
        thread.start()
        try:
            yield self
        finally:
            over.set()
            thread.join()

    def _run(self, over: threading.Event) -> None:
        with psycopg.connect(self.url, autocommit=True, application_name="shop") as target:
            while not over.wait(0.02):
                self.rounds += 1
                try:
                    self._trade(target, self.rounds)
                except psycopg.Error as error:
                    self.errors.append(f"{error.sqlstate}")

    @staticmethod
    def _trade(target: psycopg.Connection, number: int) -> None:
        customer = number % 50 + 1
        target.execute("INSERT INTO orders (customer_id, total) VALUES (%s, %s)", [customer, number])
        target.execute("SELECT total FROM orders WHERE id = %s", [number])
        target.execute("UPDATE orders SET total = total + 0 WHERE id = %s", [number])


@dataclass(frozen=True, kw_only=True)
class Story:
    """What was seen of the first order while it went its way."""

    shop: Shop
    thread: Thread
    application: Application
    #: The issue's boxes while it soaked.
    ticked: list[bool]
    #: Rows of the beginning that do not hold what the script says, while it soaked.
    miscounted: int


@pytest.fixture(scope="module")
def story(installation: Installation, make_shop: MakeShop) -> Story:
    shop = make_shop("shop", is_bound=False)
    # A busy machine makes a statement of some microseconds slower than 1.5 times by itself.
    shop.put_policy(limits="{slower_than: 100}")
    # The password stands in no list of processes that this test could keep anyway.
    bound = installation.run("database", "add", "shop", shop.url, "--repository", "acme/shop")
    assert "acme/shop" in bound
    application = Application(url=shop.url)
    with application.running():
        thread = shop.reviewed(SQL)
        reviewed_at = thread.order.reviewed_at
        assert reviewed_at is not None
        # GitHub tells a comment's time in whole seconds, and a bare approval must be newer than the review.
        until(lambda: datetime.now(UTC) > reviewed_at + timedelta(seconds=1))
        thread.say("dba", "/wo approve")
        thread.wait_for("soaking")
    ticked = thread.ticked()
    # Each even row has gone up by exactly one.
    ((miscounted,),) = shop.query(
        "SELECT count(*) FROM orders WHERE id <= 1000 AND total <> id + CASE id % 2 WHEN 0 THEN 1 ELSE 0 END"
    )
    thread.say("dba", f'wo:done "{SUMMARY}"')
    thread.wait_for("done")
    return Story(shop=shop, thread=thread, application=application, ticked=ticked, miscounted=miscounted)


def test_each_role_reports_in_its_turn(story: Story) -> None:
    titles = [text.splitlines()[1] for text in story.thread.said]

    assert [title.partition("· ")[2] for title in titles] == [
        "data-science: Impact analysis",
        "automation: Scripts and rehearsal",
        "postgres: Review",
        "automation: Execution, step by step",
        "automation: Execution",
        "postgres: Validation",
        "conductor: Closing report",
    ]


@pytest.mark.parametrize(
    ("title", "phase"),
    [("data-science: Impact analysis", 1), ("automation: Scripts and rehearsal", 2), ("postgres: Review", 3)],
)
def test_a_report_answers_every_line_of_its_phase(story: Story, title: str, phase: int) -> None:
    report = html.unescape(story.thread.report(title))

    for task in next(each.tasks for each in shipped()["database-migration"].phases if each.number == phase):
        assert task in report
    assert "it is a person's to answer" not in report


def test_the_supervisors_are_called_when_there_is_something_to_approve(story: Story) -> None:
    assert "@dba" in story.thread.report("postgres: Review")
    assert f"/wo approve {story.thread.order.digest[:16]}" in story.thread.report("postgres: Review")


def test_the_target_holds_what_the_sql_says(story: Story) -> None:
    columns = story.shop.query(
        "SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'orders'::regclass"
        " AND attname IN ('note', 'total') AND NOT attisdropped ORDER BY 1"
    )
    indexes = story.shop.query(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_customer_id_idx'::regclass"
    )

    assert columns == [("note", False), ("total", True)]
    assert indexes == [(True,)]
    assert story.miscounted == 0


def test_the_application_noticed_nothing(story: Story) -> None:
    assert story.application.rounds > 50
    assert story.application.errors == []


def test_all_six_criteria_were_ticked_in_the_issue(story: Story) -> None:
    assert story.ticked == [True] * 6
    assert all(each.evidence for each in story.thread.order.criteria)


def test_done_closes_the_issue_with_a_report(story: Story) -> None:
    assert story.thread.issue.state == "closed"
    assert "6 of 6 criteria hold" in story.thread.report("conductor: Closing report")
    assert story.thread.kinds[-1] == "done"


def test_the_events_tell_who_approved_and_who_ended_it(story: Story) -> None:
    order = story.thread.order
    with story.shop.installation.services.pool.transaction() as ours:
        rows = ours.execute(
            "SELECT kind, login FROM events WHERE order_id = %s AND kind IN ('approval', 'done')"
            " ORDER BY number",
            [order.id],
        ).fetchall()

    assert [tuple(row) for row in rows] == [("approval", "dba"), ("done", "dba")]


@pytest.fixture(scope="module")
def later(story: Story) -> Thread:
    """A second order on the same table, rolled back after rows were written on its new schema."""
    # The application goes on: its statements are what the fourth and fifth criterion are about.
    with Application(url=story.shop.url).running():
        thread = story.shop.executed(
            "ALTER TABLE orders ADD COLUMN priority int DEFAULT 3;"
            " UPDATE orders SET total = total * 2 WHERE id <= 100;"
            " ALTER TABLE orders ALTER customer_id DROP NOT NULL;"
        )
    assert thread.ticked() == [True] * 6
    story.shop.query("UPDATE orders SET total = 7, priority = 1 WHERE id = 10")
    story.shop.query("DELETE FROM orders WHERE id = 20")
    story.shop.query("INSERT INTO orders (customer_id, total, priority) VALUES (5, 12345, 9)")
    thread.say("dba", "/wo rollback")
    thread.wait_for("rolled_back")
    return thread


def test_the_next_order_on_the_table_is_told_the_lesson(story: Story, later: Thread) -> None:
    analysis = later.report("data-science: Impact analysis")

    assert "What earlier orders on these tables taught" in analysis
    assert SUMMARY in analysis
    assert f"Order {story.thread.number} of" in analysis


def test_the_forecast_is_held_against_what_it_came_to(story: Story, later: Thread) -> None:
    expected = story.thread.report("automation: Scripts and rehearsal")
    assert "What it will take on the target" in expected
    assert "Write-ahead log" in expected
    assert "As expected" in story.thread.report("automation: Execution")
    assert "predictions held" in story.thread.report("conductor: Closing report")

    # The lesson's figures are the next forecast's ground.
    assert "predictions held" in later.report("data-science: Impact analysis")


def test_a_rollback_brings_back_the_old_schema(story: Story, later: Thread) -> None:
    columns = story.shop.query(
        "SELECT attname, attnotnull FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0"
        " AND NOT attisdropped ORDER BY attnum"
    )

    assert columns == [
        ("id", True), ("customer_id", True), ("total", True), ("made_at", True), ("note", False),
    ]  # fmt: skip


def test_a_rollback_keeps_what_was_written_since_and_undoes_the_rest(story: Story, later: Thread) -> None:
    rows = dict(story.shop.query("SELECT id, total FROM orders WHERE id <= 100"))

    expected = {n: n + (1 if n % 2 == 0 else 0) for n in range(1, 101)}
    assert {number: int(total) for number, total in rows.items()} == {
        **{number: total for number, total in expected.items() if number != 20},
        10: 7,
    }
    assert story.shop.query("SELECT customer_id FROM orders WHERE total = 12345") == [(5,)]


def test_a_rolled_back_order_claims_no_criterion(later: Thread) -> None:
    assert later.ticked() == [False] * 6
    assert not any(each.holds for each in later.order.criteria)


def test_a_rollback_says_how_many_rows_keep_what_was_written(later: Thread) -> None:
    assert "keep what was written" in later.report("automation: Rollback")
