"""A sender that is killed at any point loses nothing and says nothing twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.github.message import Close, SetStateLabel
from bot.github.outbox import Outbox
from bot.github.port import GitHub
from bot.store.ours import Ours, Pool
from tests.integration.github.bench import MARKER_KEY, NOW, Bench
from tests.plugins.sandbox import REPO
from workorders.order import State

ROOT = Path(__file__).parents[3]


def _run_and_die(bench: Bench, die_at: int, now: datetime) -> bool:
    """Whether the sender was killed before it came to its end."""
    told = {
        "dsn": bench.pool.dsn,
        "app_id": bench.sandbox.app_id,
        "private_key": bench.sandbox.private_key_pem,
        "api_url": bench.sandbox.api_url,
        "installation_id": bench.sandbox.installation_id,
        "marker_key": MARKER_KEY,
        "now": now.isoformat(),
        "die_at": die_at,
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.integration.github.dying_sender"],
        input=json.dumps(told),
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (0, -signal.SIGKILL)
    return ended.returncode != 0


@pytest.mark.parametrize("crossings", [(1,), (2,), (1, 2), (2, 3)])
def test_each_death_is_followed_by_the_rest(bench: Bench, crossings: tuple[int, ...]) -> None:
    opened = bench.open(body="the text")
    bench.post(
        opened,
        bench.comment(opened.order_id, "a", "first"),
        bench.comment(opened.order_id, "b", "second"),
        SetStateLabel(repository=bench.shop, order_id=opened.order_id, state=State.DONE),
        Close(repository=bench.shop, order_id=opened.order_id, is_completed=True),
    )

    now = NOW
    for die_at in crossings * 2:
        assert _run_and_die(bench, die_at, now)
        now += timedelta(seconds=60)
    bench.now = now
    bench.send_all()

    assert len(bench.sandbox.state.issues(REPO)) == 1
    assert bench.comments() == ["first", "second"]
    issue = bench.sandbox.state.issue(REPO, 1)
    assert (issue.labels, issue.state) == (("wo:done",), "closed")
    assert bench.issue_number(opened.order_id) == 1


def test_what_a_killed_sender_left_is_let_settle_and_overtaken_by_nothing(bench: Bench) -> None:
    opened = bench.open()
    bench.post(
        opened, bench.comment(opened.order_id, "a", "first"), bench.comment(opened.order_id, "b", "second")
    )
    assert _run_and_die(bench, 4, NOW)

    assert bench.send() == NOW + timedelta(seconds=bench.outbox.settle_seconds)
    assert bench.comments() == ["first"]


class Meanwhile:
    """GitHub, where something else happens while a request is out."""

    def __init__(self, github: GitHub, happens: Callable[[], object]) -> None:
        self._github, self._happens = github, happens

    def __getattr__(self, name: str) -> Any:
        self._happens()
        return getattr(self._github, name)


def test_while_one_sends_another_finds_nothing_to_do(bench: Bench) -> None:
    second = Outbox(pool=bench.pool, github=bench.outbox.github, marker=bench.outbox.marker, pause_seconds=0)
    second.settle_seconds = 0
    github = bench.outbox.github(bench.shop.installation_id)
    meanwhile = cast(GitHub, Meanwhile(github, lambda: second.send_due(bench.now)))
    bench.outbox.github = lambda _: meanwhile

    opened = bench.open()
    bench.post(opened, bench.comment(opened.order_id, "a", "first"))
    bench.send_all()

    assert len(bench.sandbox.state.issues(REPO)) == 1
    assert bench.comments() == ["first"]


def test_a_text_that_is_posted_while_another_is_on_its_way_is_sent_too(bench: Bench) -> None:
    opened = bench.open()
    texts = iter(["second", "third"])
    github = bench.outbox.github(bench.shop.installation_id)

    def post_another() -> None:
        for text in texts:
            bench.post(bench.comment(opened.order_id, "a", text))
            return

    bench.outbox.github = lambda _: cast(GitHub, Meanwhile(github, post_another))
    bench.post(opened, bench.comment(opened.order_id, "a", "first"))
    bench.send_all()

    assert bench.comments() == ["third"]


class Interrupted:
    """Connections to ours; something happens before the second transaction begins."""

    def __init__(self, pool: Pool, happens: Callable[[], object]) -> None:
        self._pool, self._happens, self._count = pool, happens, 0

    def transaction(self) -> AbstractContextManager[Ours]:
        self._count += 1
        if self._count == 2:
            self._happens()
        return self._pool.transaction()


def test_a_text_that_is_posted_just_before_another_goes_out_is_sent_too(bench: Bench) -> None:
    opened = bench.open()
    bench.post(opened)
    bench.send_all()
    bench.post(bench.comment(opened.order_id, "a", "first"))

    another = bench.comment(opened.order_id, "a", "second")
    bench.outbox.pool = cast(Pool, Interrupted(bench.pool, lambda: bench.post(another)))
    bench.send_all()

    assert bench.comments() == ["second"]
