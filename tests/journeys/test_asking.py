"""An order about which everybody asks, and whose way back is given up at its end."""

from __future__ import annotations

import pytest

from tests.integration.bot.waiting import until
from tests.journeys.fixtures import MakeShop
from tests.journeys.installation import Installation
from tests.journeys.shop import Shop, Thread

SQL = "ALTER TABLE orders DROP COLUMN made_at;"


@pytest.fixture(scope="module")
def shop(installation: Installation, make_shop: MakeShop) -> Shop:
    return make_shop("asked")


@pytest.fixture(scope="module")
def asked(shop: Shop) -> Thread:
    """It has soaked, and was asked about on its way."""
    thread = shop.reviewed(SQL)
    plan = thread.ask("mallory", "/wo plan")
    for each in ("Plan", "Undone by", "made_at", "as a file for psql"):
        assert each in plan
    why = thread.ask("mallory", "/wo why")
    assert "0 of 1 approval" in why
    who = thread.ask("mallory", "/wo who")
    dba = who.partition("<tr><td><code>dba</code>")[2].partition("</tr>")[0]
    assert "/wo approve" in dba
    assert "approve: <code>ana</code> is an author of this order" in who
    thread.say("dba", f"/wo approve {thread.order.digest[:16]} --accept positional")
    thread.wait_for("soaking")
    return thread


def test_the_log_shows_the_order_s_whole_way_to_anyone(asked: Thread) -> None:
    log = asked.ask("mallory", "/wo log")

    for kind in ("opened", "analysed", "prepared", "reviewed", "approval", "turn came", "executed"):
        assert f"<td>{kind}</td>" in log
    assert "dba" in log


def test_several_commands_of_one_comment_are_answered_each(asked: Thread) -> None:
    before = len(asked.said)

    asked.say("mallory", "/wo status\n/wo wy\n/wo why")
    asked.shop.installation.wait_until_quiet()

    first, second, third = asked.said[before:]
    assert "Status: soaking" in first
    assert "There is no command `wy`" in second
    assert "why" in second
    assert "Why it is soaking" in third


def test_the_command_line_tells_the_same(asked: Thread) -> None:
    order, repository = str(asked.number), asked.shop.repository

    assert "made_at" in asked.shop.installation.run("wo:plan", order, "--repo", repository)
    assert "turn came" in asked.shop.installation.run("wo:log", order, "--repo", repository)


def test_after_a_purge_there_is_no_way_back_and_it_says_so(asked: Thread) -> None:
    columns = (
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0"
        " AND NOT attisdropped"
    )
    assert asked.shop.query("SELECT state FROM lockkeeper.runs") == [("executed",)]

    refused = asked.ask("ana", "/wo purge")
    assert "is not a supervisor" in refused
    asked.say("dba", "/wo purge")
    until(lambda: any("It is purged" in text for text in asked.said))
    asked.shop.installation.wait_until_quiet()

    assert asked.shop.query("SELECT state FROM lockkeeper.runs") == [("purged",)]
    assert asked.shop.query(columns) == [(3,)]
    assert asked.kinds[-2:] == ["purge", "purged"]
    assert "It was purged" in asked.ask("dba", "/wo rollback")
    assert asked.state == "soaking"
