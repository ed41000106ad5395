"""Opening an order."""

from __future__ import annotations

from dataclasses import replace

import pytest

import handlers
from handlers.facts import Need, OpenOrder, PullRequest, Script
from tests.unit.handlers.values import FACTS, decided, task, words
from tests.unit.workorders.values import (
    AUTHOR,
    MEMBER,
    STRANGER,
)
from workorders.intents import OpenOrder as Open
from workorders.migration.errors import Blocked, Problem
from workorders.policy import (
    Policy,
    Supervisor,
    TargetPolicy,
    UnknownPolicy,
)

START = "/wo start database-migration\n```sql\nselect 1;\n```"


class TestStart:
    def opened(self, body: str, **others: object) -> Open:
        intents = decided(body, STRANGER, **others)
        found = [each for each in intents if isinstance(each, Open)]
        assert found, words(intents)
        return found[0]

    def test_a_block_s_sql_opens_an_order(self) -> None:
        opened = self.opened(START)

        assert (opened.sql, opened.sql_origin, opened.target) == ("select 1;", "comment", "shop")
        assert opened.starter == STRANGER
        assert opened.asked_on == 42
        assert len(opened.criteria) == 6
        assert opened.definition_text == FACTS.definitions["database-migration"].text

    def test_without_sql_it_opens_all_the_same(self) -> None:
        assert self.opened("/wo start database-migration").sql == ""

    def test_a_file_s_sql_has_its_path(self) -> None:
        asked = task("/wo start database-migration --sql db/a.sql", STRANGER)
        opened = self.opened(
            "/wo start database-migration --sql db/a.sql",
            sql_file=Script(sql="select 2;", origin="db/a.sql@abc"),
        )

        assert asked.wanted.sql_path == "db/a.sql"
        assert Need.SQL_FILE in asked.wanted.needs
        assert (opened.sql, opened.sql_origin) == ("select 2;", "db/a.sql@abc")

    def test_a_pull_request_s_people_are_authors(self) -> None:
        pull_request = PullRequest(
            number=42,
            head="abc",
            author=AUTHOR,
            is_open=True,
            is_merged=False,
            people=(AUTHOR, MEMBER),
            script=Script(sql="select 3;", origin="x.sql@abc"),
        )
        opened = self.opened("/wo start database-migration", pull_request=pull_request)

        assert opened.authors == (AUTHOR, MEMBER)
        assert opened.sql == "select 3;"

    @pytest.mark.parametrize(
        "path",
        ["/etc/passwd", "../x.sql", "a/../x.sql", "a//x.sql", "x.py", "./x.sql", "a:b.sql", "a\\b.sql"],
    )
    def test_a_path_outside_is_not_asked_for(self, path: str) -> None:
        body = f"/wo start database-migration --sql {path}"

        assert task(body, STRANGER).wanted.sql_path == ""
        assert "not a .sql file" in words(decided(body, STRANGER))

    @pytest.mark.parametrize(
        ("body", "others", "said"),
        [
            ("/wo start database-migraton", {}, "Did you mean \u2068database-migration"),
            ("/wo start database-migration --target shp", {}, "Did you mean \u2068shop"),
            ("/wo start database-migration", {"targets": ()}, "lockkeeper database add"),
            ("/wo start database-migration --sql a.sql", {}, "no file"),
            ("/wo start database-migration --sql a.sql\n```sql\nx\n```", {}, "one of the two"),
            ("/wo start database-migration", {"targets": ("a", "b")}, "--target a"),
            (
                "/wo start own",
                {"broken_definitions": {"own": Problem(line=3, reason="No.", next_move="x")}},
                "line 3",
            ),
        ],
    )
    def test_what_is_not_there_is_refused_with_what_is(
        self, body: str, others: dict[str, object], said: str
    ) -> None:
        intents = decided(body, STRANGER, **others)

        assert said in words(intents)
        assert not [each for each in intents if isinstance(each, Open)]

    def test_the_first_target_is_the_one_that_waits_for_none(self) -> None:
        rules = Policy(
            targets={
                "live": TargetPolicy(name="live", supervisors=(Supervisor(name="x"),), after="trial"),
                "trial": TargetPolicy(name="trial", supervisors=(Supervisor(name="x"),)),
            }
        )

        assert self.opened(START, targets=("live", "trial"), policy=rules).target == "trial"

    def test_which_target_is_first_waits_for_the_policy(self) -> None:
        with pytest.raises(Blocked):
            decided(START, STRANGER, targets=("a", "b"), policy=UnknownPolicy())

    def test_a_second_order_of_a_pull_request_gets_the_link_to_the_first(self) -> None:
        there = OpenOrder(definition="database-migration", target="shop", issue_number=77)
        asked = task(START, STRANGER, is_pull_request=True)

        intents = handlers.handle(asked, replace(FACTS, open_orders=(there,)))

        assert "#77" in words(intents)
        assert not [each for each in intents if isinstance(each, Open)]
