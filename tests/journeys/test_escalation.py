"""What goes wrong on the way: who is told what, what is undone, and where the order stands then."""

from __future__ import annotations

import pytest

from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation
from tests.journeys.shop import Shop, Thread

ESCALATION = "data-science: Escalation"

#: Everything of the schema and the rows that a rollback has to give back.
EVERYTHING = """
SELECT array_agg(x::text ORDER BY x::text) FROM (
    SELECT format('%s %s %s %s', attname, atttypid::regtype, attnotnull, attnum) FROM pg_attribute
    WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped
    UNION ALL SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'orders'::regclass
    UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'orders'::regclass
    UNION ALL SELECT tgname FROM pg_trigger WHERE tgrelid = 'orders'::regclass AND NOT tgisinternal
    UNION ALL SELECT o::text FROM orders o
) AS all_of_it (x)
"""


@pytest.fixture(scope="module")
def shop(installation: Installation, make_shop: MakeShop) -> Shop:
    """For orders that never change their target."""
    return make_shop("refusing")


@pytest.mark.parametrize(
    ("sql", "line", "reason"),
    [
        ("ALTER TABLE orders ADD COLUM note text;", 1, "syntax error"),
        ("CREATE INDEX ON orders (total);\nCOPY orders TO PROGRAM 'id';", 2, "runs a program"),
        ("COPY orders TO '/tmp/orders';", 1, "reads or writes files"),
        ("CREATE INDEX ON orders (total);\n\nCOMMIT;", 3, "COMMIT without a BEGIN"),
        ("SET ROLE postgres;", 1, "who the statements run as"),
        ("ALTER SYSTEM SET fsync = off;", 1, "whole server"),
        ("SELECT pg_advisory_unlock_all();", 1, "pg_advisory_unlock_all()"),
        ("UPDATE orders SET total = pg_advisory_xact_lock(1)::text::numeric;", 1, "pg_advisory_xact_lock()"),
        ("ALTER TABLE nowhere ADD COLUMN note text;", 1, "nowhere"),
    ],
    ids=lambda value: value.split(";")[0][:40] if isinstance(value, str) else None,
)
def test_sql_that_is_never_run_goes_back_to_its_author(shop: Shop, sql: str, line: int, reason: str) -> None:
    thread = shop.ask_for(sql)
    thread.wait_for("changes_requested")

    report = thread.report(ESCALATION)
    assert reason in report
    assert f"<tr><td>{line}</td>" in report
    assert "Verdict: mend the script" in report
    assert "What to do" in report
    assert "@ana" in report
    assert "@dba" not in report
    assert thread.order.digest == ""


def test_a_character_that_no_text_may_hold_is_refused_in_a_block(shop: Shop) -> None:
    state = shop.installation.sandbox.state
    issue = state.open_issue_as("ana", shop.repository, "odd", "")
    thread = Thread(shop=shop, number=issue.number)

    answer = thread.ask(
        "ana", f"wo:start database-migration --target {shop.name}\n\n```sql\nSELECT '\x00';\n```"
    )

    assert "a character that no text may hold" in answer
    assert "Remove it" in answer


def test_a_character_that_no_text_may_hold_is_refused_in_a_file(shop: Shop) -> None:
    state = shop.installation.sandbox.state
    state.put_file(shop.repository, "db/odd.sql", "SELECT '\x00';")
    issue = state.open_issue_as("ana", shop.repository, "odd", "")
    thread = Thread(shop=shop, number=issue.number)

    answer = thread.ask("ana", f"wo:start database-migration --target {shop.name} --sql db/odd.sql")

    assert "a character that no text may hold" in answer


def test_the_same_failure_twice_asks_for_another_design(shop: Shop) -> None:
    thread = shop.ask_for("ALTER TABLE nowhere ADD COLUMN note text;")
    thread.wait_for("changes_requested")

    thread.say("ana", "/wo revise\n\n```sql\nALTER TABLE nowhere ADD COLUMN note text;\n```")
    until(lambda: thread.kinds.count("mend") == 2)
    thread.wait_for("changes_requested")

    report = thread.report(ESCALATION)
    assert "Verdict: redesign" in report
    assert "failed twice alike" in report
    assert "@ana" in report
    assert "@dba" in report


def test_another_failure_is_one_to_mend(shop: Shop) -> None:
    thread = shop.ask_for("ALTER TABLE nowhere ADD COLUMN note text;")
    thread.wait_for("changes_requested")

    thread.say("ana", "/wo revise\n\n```sql\nALTER TABLE elsewhere ADD COLUMN note text;\n```")
    until(lambda: thread.kinds.count("mend") == 2)
    thread.wait_for("changes_requested")

    assert "Verdict: mend the script" in thread.report(ESCALATION)


def test_a_check_that_the_target_fails_is_told_with_its_count(shop: Shop) -> None:
    thread = shop.ask_for("ALTER TABLE orders ADD CONSTRAINT cheap CHECK (total < 998);")
    thread.wait_for("changes_requested")

    assert "3 rows" in thread.report(ESCALATION)


@pytest.fixture(scope="module")
def failed(installation: Installation, make_shop: MakeShop) -> FailedOrder:
    """The last of its steps meets a row that came after the analysis."""
    shop = make_shop("failing")
    thread = shop.reviewed(
        "ALTER TABLE orders ADD COLUMN note text;\n"
        "CREATE INDEX ON orders (customer_id);\n"
        "UPDATE orders SET total = total + 1 WHERE id % 2 = 0;\n"
        "ALTER TABLE orders ALTER total SET NOT NULL;"
    )
    shop.query("INSERT INTO orders (customer_id, total) VALUES (1, NULL)")
    before = shop.query(EVERYTHING)
    thread.approve()
    thread.wait_for("rolled_back")
    return FailedOrder(thread, before)


class FailedOrder:
    """An order that failed on its target, and the target before."""

    def __init__(self, thread: Thread, before: list[tuple[object, ...]]) -> None:
        self.thread = thread
        self.before = before


def test_a_failed_step_is_rolled_back_uncommanded(failed: FailedOrder) -> None:
    kinds = failed.thread.kinds

    assert kinds[kinds.index("turn_came") :][:2] == ["turn_came", "step_failed"]
    assert "rolled_back" in kinds
    assert "rollback" not in kinds


def test_after_a_failed_step_schema_and_rows_are_as_before(failed: FailedOrder) -> None:
    assert failed.thread.shop.query(EVERYTHING) == failed.before


def test_a_failed_step_is_reported_with_root_cause_and_verdict(failed: FailedOrder) -> None:
    report = failed.thread.report("automation: Escalation")

    assert "Verdict: roll back" in report
    assert "Root cause" in report
    assert "23502" in report or "23514" in report
    assert "@dba" in report
    assert failed.thread.reports("automation: Rollback")


def test_a_failed_order_ends_in_one_closing_report(failed: FailedOrder) -> None:
    (report,) = failed.thread.reports("conductor: Closing report")

    assert "Rolled back" in report
    assert failed.thread.ticked() == [False] * 6


@pytest.mark.parametrize("what", ["target", "policy"])
def test_an_approval_of_what_has_changed_since_is_void(
    installation: Installation, make_shop: MakeShop, what: str
) -> None:
    shop = make_shop(f"moved-{what}")
    thread = shop.reviewed(
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_attribute WHERE attname = 'meanwhile')"
        " THEN CREATE INDEX ON orders (meanwhile); ELSE ALTER TABLE orders ADD COLUMN note text; END IF;"
        " END $$;"
    )
    before = thread.order.digest
    if what == "target":
        shop.query("ALTER TABLE orders ADD COLUMN meanwhile int")
    else:
        shop.put_policy(stall_budget_ms=90)

    thread.approve()
    until(lambda: "outdated" in thread.kinds)
    until(lambda: thread.kinds.count("reviewed") == 2, 60)
    thread.wait_for("awaiting_approval")

    order = thread.order
    assert order.digest not in ("", before)
    assert order.approvals == ()
    assert len(thread.reports("postgres: Review")) == 2
    (told,) = (text for text in thread.said if "has changed since it was approved" in text)
    assert ("the block asks in line 1 is answered otherwise now" in told) is (what == "target")
    assert "turn_came" not in thread.kinds
    assert shop.query(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'note'"
    ) == [(0,)]


def test_a_rollback_that_the_old_schema_cannot_hold_changes_nothing(
    installation: Installation, make_shop: MakeShop
) -> None:
    shop = make_shop("standing")
    thread = shop.executed(
        "ALTER TABLE orders ALTER customer_id DROP NOT NULL; ALTER TABLE orders ADD COLUMN note text;"
    )
    shop.query("INSERT INTO orders (customer_id, total) VALUES (NULL, 1), (NULL, 2)")
    before = shop.query(EVERYTHING)

    thread.say("dba", "/wo rollback")
    until(lambda: "stands" in thread.kinds)
    thread.wait_for("soaking")

    report = thread.report("automation: Escalation")
    assert "2 rows of" in report
    assert "cannot go back" in report
    assert shop.query(EVERYTHING) == before
    assert thread.order.state.value == "soaking"
