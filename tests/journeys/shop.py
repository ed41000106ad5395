"""A repository and its database, and what people see and say on an order's issue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from bot.sandbox.records import Comment, Issue
from bot.store import events, orders
from tests.integration.bot.waiting import until
from tests.journeys.installation import Installation
from workorders.order import Order

#: The bot's account at the sandbox.
BOT = "lockkeeper[bot]"

POLICY = ".github/lockkeeper.yml"

SCHEMA = """
CREATE TABLE customers (id int PRIMARY KEY, name text);
CREATE TABLE orders (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers,
    total numeric,
    made_at timestamptz NOT NULL DEFAULT '2024-05-13 10:00+00'
);
INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 50) n;
INSERT INTO orders (customer_id, total) SELECT n % 50 + 1, n FROM generate_series(1, 1000) n;
ANALYZE;
"""


def start(sql: str, target: str) -> str:
    """The comment that asks for an order."""
    return f"wo:start database-migration --target {target}\n\n```sql\n{sql}\n```"


@dataclass(frozen=True, kw_only=True)
class Thread:
    """One order's issue."""

    shop: Shop
    number: int

    @property
    def issue(self) -> Issue:
        return self.shop.installation.sandbox.state.issue(self.shop.repository, self.number)

    @property
    def comments(self) -> list[Comment]:
        """All of them, oldest first."""
        return self.shop.installation.sandbox.state.comments(self.shop.repository, self.number)

    @property
    def said(self) -> list[str]:
        """What the bot has said, oldest first."""
        return [each.body for each in self.comments if each.author.login == BOT]

    @property
    def state(self) -> str:
        """As its label shows it; "" where there is none yet."""
        found = [name.removeprefix("wo:") for name in self.issue.labels if name.startswith("wo:")]
        return found[0] if len(found) == 1 else " ".join(found)

    @property
    def order(self) -> Order:
        """As ours has it."""
        services = self.shop.installation.services
        repository = self.shop.installation.sandbox.state.repository(self.shop.repository)
        with services.pool.transaction() as ours:
            order = orders.of_issue(ours, repository.id, self.number)
        assert order is not None
        return order

    @property
    def kinds(self) -> list[str]:
        """The kinds of its events, in order; the chain holds."""
        order = self.order
        with self.shop.installation.services.pool.transaction() as ours:
            assert events.verify(ours, order.id) is None
            return [each.happening.kind for each in events.of(ours, order.id)]

    def say(self, login: str, text: str) -> Comment:
        """A person comments."""
        return self.shop.installation.sandbox.state.comment_as(login, self.shop.repository, self.number, text)

    def ask(self, login: str, text: str) -> str:
        """A person comments, and this is the bot's answer: its first comment that was not there before."""
        before = {each.id for each in self.comments}
        self.say(login, text)
        answers = until(
            lambda: [each for each in self.comments if each.id not in before and each.author.login == BOT]
        )
        return answers[0].body

    def approve(self, login: str = "dba") -> None:
        """A person approves what there is to approve now, by its digest: a bare one is of a whole second."""
        self.say(login, f"/wo approve {self.order.digest[:16]}")

    def wait_for(self, *states: str, seconds: float = 120.0) -> None:
        """Until the issue shows one of the states, and the bot has said all that it had to say then."""
        before = self.state
        until(lambda: self._is_one_of(states, before), seconds)
        self.shop.installation.wait_until_quiet(seconds)

    def report(self, title: str) -> str:
        """The newest report of this title, such as `data-science: Impact analysis`."""
        found = self.reports(title)
        assert found, f"no report {title!r} among {[each[:120] for each in self.said]}"
        return found[-1]

    def reports(self, title: str) -> list[str]:
        """All of this title, oldest first."""
        return [text for text in self.said if f"· {title}\n" in text]

    def ticked(self) -> list[bool]:
        """The criteria's boxes in the issue's text, in their order."""
        lines = [line for line in (self.issue.body or "").splitlines() if line.startswith("- [")]
        return [line.startswith("- [x]") for line in lines]

    def _is_one_of(self, states: Sequence[str], before: str) -> bool:
        """Whether it is; fails at once, with what was said last, where it will not be by itself."""
        state = self.state
        if state in ("changes_requested", "failed") and state not in (*states, before):
            self.shop.installation.wait_until_quiet()
            raise AssertionError(f"{state} instead of {' or '.join(states)}:\n\n{self.said[-1]}")
        return state in states


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A repository of its own with one bound target of the same name."""

    installation: Installation
    #: Of the target; the repository is `acme/<name>`.
    name: str
    #: The owner's URL of the target.
    url: str

    @property
    def repository(self) -> str:
        return f"acme/{self.name}"

    def put_policy(self, text: str | None = None, **rules: object) -> None:
        """Commits the policy: the given text, or one in which `dba` supervises and the rules hold."""
        if text is None:
            lines = [f"    {name}: {value}" for name, value in {"supervisors": '["dba"]', **rules}.items()]
            text = "\n".join(["version: 1", "targets:", f"  {self.name}:", *lines, ""])
        self.installation.sandbox.state.put_file(self.repository, POLICY, text)

    def ask_for(self, sql: str, login: str = "ana") -> Thread:
        """A person asks for an order on an issue; this is the order's own issue."""
        state = self.installation.sandbox.state
        issue = state.open_issue_as(login, self.repository, "please migrate", "")
        state.comment_as(login, self.repository, issue.number, start(sql, self.name))
        link = until(
            lambda: [c.body for c in state.comments(self.repository, issue.number) if "is open" in c.body]
        )
        number = int(link[0].rpartition("Work order #")[2].split(" ")[0])
        return Thread(shop=self, number=number)

    def reviewed(self, sql: str) -> Thread:
        """An order that waits for its approval."""
        thread = self.ask_for(sql)
        thread.wait_for("awaiting_approval")
        return thread

    def executed(self, sql: str) -> Thread:
        """An order that soaks."""
        thread = self.reviewed(sql)
        thread.approve()
        thread.wait_for("soaking")
        return thread

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs one statement in the target, unseen by what judges the application's statements."""
        with psycopg.connect(self.url, autocommit=True) as target:
            cursor = target.execute(f"{sql} /* lockkeeper's test */".encode())
            return cursor.fetchall() if cursor.description else []
