"""The commands that stay answer, work, and leave nothing behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import requests

from bot.assembly import assembled
from bot.embedded import OURS_SETTINGS, Cluster
from bot.settings import Settings
from tests.integration.terminal.conftest import Lockkeeper, Stays
from tests.plugins.sandbox import REPO, ServedSandbox
from tests.processes import processes_of, wait_until


def answered(line: str) -> str:
    """The address in the line that `serve` prints when it is ready."""
    assert line.startswith("Lockkeeper answers at http://")
    return line.removeprefix("Lockkeeper answers at ")


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_serve_answers_and_works_until_it_is_told_to_end(
    stays: Stays, lockkeeper: Lockkeeper, sandbox: ServedSandbox, bound: str, told: int
) -> None:
    serving = stays("serve")
    address = answered(serving.line())

    assert requests.get(f"{address}/health", timeout=60).json() == {"status": "ok"}
    opened = lockkeeper("wo:start", "database-migration", "--target", bound)
    assert (opened.status, opened.err) == (0, "")
    assert f"{sandbox.url}/{REPO}/issues/1" in opened.out
    assert [each.number for each in sandbox.state.issues(REPO)] == [1]

    assert serving.end(told) == 0, serving.log.read_text()
    assert "The worker has stopped." in serving.log.read_text()


def test_with_web_only_no_jobs_are_taken(stays: Stays) -> None:
    serving = stays("serve", "--web-only")
    address = answered(serving.line())

    assert requests.get(f"{address}/health", timeout=60).ok
    assert serving.end(signal.SIGTERM) == 0
    assert "The worker" not in serving.log.read_text()


def test_served_with_the_embedded_server_nothing_of_it_is_left(stays: Stays, tmp_path: Path) -> None:
    home = tmp_path / "embedded"
    serving = stays("serve", DATABASE_URL="", LOCKKEEPER_HOME=str(home))
    address = answered(serving.line())
    ours = Cluster(home=home, name="ours", settings=OURS_SETTINGS)

    assert requests.get(f"{address}/health", timeout=60).ok
    assert processes_of(ours)
    assert serving.end(signal.SIGTERM) == 0
    wait_until(lambda: not processes_of(ours))


def test_a_worker_takes_jobs_until_it_is_told_to_end(
    stays: Stays, lockkeeper: Lockkeeper, sandbox: ServedSandbox, bound: str
) -> None:
    working = stays("worker")

    assert lockkeeper("wo:start", "database-migration", "--target", bound).status == 0
    wait_until(lambda: sandbox.state.issues(REPO))
    assert working.end(signal.SIGTERM) == 0, working.log.read_text()


def test_a_worker_has_a_conductor_for_every_definition(environment: dict[str, str]) -> None:
    with assembled(Settings.from_environment(environment)) as services:
        assert services.conductor_of("database-migration") is not None
        assert services.conductor_of("another") is not None  # people may do any other


def test_migrating_twice_finds_nothing_to_do(lockkeeper: Lockkeeper) -> None:
    ran = lockkeeper("migrate")

    assert (ran.status, ran.out) == (0, "The schema is up to date.\n")


def test_what_the_environment_says_wrongly_is_told(stays: Stays) -> None:
    serving = stays("serve", PORT="eighty")

    assert serving.process.wait(30) == 3
    assert "PORT is not a whole number" in serving.log.read_text()
