"""What GitHub could not deliver is found by its list of attempts, and asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import Blocked
from bot.github.app import App
from bot.github.errors import Denied
from bot.github.missed import WINDOW, FailedDelivery
from bot.jobs import Runner
from bot.missed import redeliver_missed
from bot.sandbox.faults import Fault, When
from bot.services import Services
from bot.settings import Settings
from bot.store import deliveries
from bot.store.ours import Pool
from tests.integration.sandbox.hook import Listener, listening
from tests.plugins.sandbox import REPO, ServedSandbox

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def hook(sandbox: ServedSandbox) -> Iterator[Listener]:
    with listening() as listener:
        sandbox.state.webhook_url = listener.url
        yield listener


def _happens(sandbox: ServedSandbox, hook: Listener, *statuses: int) -> list[str]:
    """An event for each status of our answer; gives their GUIDs."""
    for status in statuses:
        hook.status = status
        sandbox.state.open_issue_as("ana", REPO, str(status))
        assert sandbox.state.wait_until_sent()
    return [each.headers["X-GitHub-Delivery"] for each in hook.received]


def test_what_failed_and_never_arrived_is_listed(app: App, sandbox: ServedSandbox, hook: Listener) -> None:
    guids = _happens(sandbox, hook, 202, 500, 200, 404)
    sandbox.state.redeliver(sandbox.state.deliveries()[1].id)
    assert sandbox.state.wait_until_sent()
    hook.status = 202
    sandbox.state.redeliver(sandbox.state.deliveries()[3].id)
    assert sandbox.state.wait_until_sent()

    (found,) = app.failed_deliveries(datetime.now(UTC) - WINDOW)

    assert (found.guid, found.event, found.attempts) == (guids[1], "issues", 2)
    assert found.attempt_id == sandbox.state.deliveries()[4].id
    assert app.failed_deliveries(datetime.now(UTC) + timedelta(minutes=1)) == ()


def test_all_pages_are_looked_through(app: App, sandbox: ServedSandbox, hook: Listener) -> None:
    (first, *_) = _happens(sandbox, hook, 500)
    hook.status = 202
    for _ in range(110):
        sandbox.state.ping()
    assert sandbox.state.wait_until_sent()

    assert [each.guid for each in app.failed_deliveries(datetime.now(UTC) - WINDOW)] == [first]


def test_a_list_that_is_not_given_is_no_empty_list(app: App, sandbox: ServedSandbox) -> None:
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=502, path="/app/hook"), times=4)

    with pytest.raises(Blocked):
        app.failed_deliveries(NOW)


def test_an_attempt_that_github_has_forgotten_is_refused(app: App) -> None:
    with pytest.raises(Denied):
        app.redeliver(999_999)


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 0), (2, 10), (3, 20), (4, 40), (20, 360)])
def test_the_pause_grows_with_each_attempt(attempts: int, minutes: int) -> None:
    failed = FailedDelivery(attempt_id=1, guid="g", event="issues", attempts=attempts, last_at=NOW)
    due = NOW + timedelta(minutes=minutes)

    assert failed.is_due(due)
    assert attempts == 1 or not failed.is_due(due - timedelta(seconds=1))


def _settings(pool: Pool, sandbox: ServedSandbox, tmp: str) -> Settings:
    return Settings.from_environment(
        {
            "LOCKKEEPER_HOME": tmp,
            "DATABASE_URL": pool.dsn,
            "LOCKKEEPER_GITHUB_URL": sandbox.url,
            "LOCKKEEPER_GITHUB_API_URL": sandbox.api_url,
            "LOCKKEEPER_APP_ID": str(sandbox.app_id),
            "LOCKKEEPER_PRIVATE_KEY": sandbox.private_key_pem,
            "LOCKKEEPER_WEBHOOK_SECRET": sandbox.webhook_secret,
        }
    )


def test_what_is_missing_is_asked_for_once_and_what_has_arrived_is_not(
    pool: Pool, sandbox: ServedSandbox, hook: Listener, tmp_path: Path
) -> None:
    guids = _happens(sandbox, hook, 500, 500, 500, 202)
    with pool.transaction() as ours:
        deliveries.store(ours, guids[1], "issues", "{}")
    hook.status = 202
    forgotten = sandbox.state.state.deliveries
    sandbox.state.plan_fault(Fault(when=When.INSTEAD, status=404, path="/attempts$"))

    with Services.open(_settings(pool, sandbox, str(tmp_path))) as services:
        assert redeliver_missed(services, datetime.now(UTC)) == 1
        assert sandbox.state.wait_until_sent()
        assert redeliver_missed(services, datetime.now(UTC)) == 1
        assert sandbox.state.wait_until_sent()
        assert redeliver_missed(services, datetime.now(UTC)) == 0

    again = [each.guid for each in forgotten.values() if each.redelivery]
    assert sorted(again) == sorted([guids[0], guids[2]])


def test_a_worker_asks_by_one_job_at_a_time(
    pool: Pool, sandbox: ServedSandbox, hook: Listener, tmp_path: Path
) -> None:
    _happens(sandbox, hook, 500)
    with Services.open(_settings(pool, sandbox, str(tmp_path))) as services:
        runner = Runner(services)
        for _ in range(2):
            runner.look_for_missed()
        runner.redeliver_missed()
    assert sandbox.state.wait_until_sent()

    with pool.transaction() as ours:
        jobs = ours.execute("SELECT task_name, queue_name FROM procrastinate_jobs").fetchall()
    assert jobs == [("redeliver_missed", "commands")]
    assert len(hook.received) == 2
