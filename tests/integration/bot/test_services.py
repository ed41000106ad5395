from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from bot.errors import Blocked, Refused
from bot.services import Services, migrate
from bot.settings import Settings
from bot.store import credentials

ROOT = Path(__file__).parents[3]


def test_a_database_without_our_schema_is_refused_until_it_is_migrated(
    database: str, settings: Settings
) -> None:
    fresh = replace(settings, database_url=database)
    with pytest.raises(Refused, match="lockkeeper migrate"):
        Services.open(fresh)

    assert migrate(fresh)

    with Services.open(fresh) as services, services.pool.transaction() as ours:
        assert ours.execute("SELECT 1").fetchone() == (1,)


def test_a_database_that_is_not_there_is_waited_for_without_showing_its_password(settings: Settings) -> None:
    gone = replace(settings, database_url="postgresql://u:hunter2@127.0.0.1:9/ours")

    with pytest.raises(Blocked, match="DATABASE_URL") as raised:
        Services.open(gone)

    assert "hunter2" not in str(raised.value)


def test_without_a_database_url_ours_is_embedded_and_has_its_schema(settings: Settings) -> None:
    embedded = replace(settings, database_url=None)

    with Services.open(embedded) as services, Services.open(embedded) as another:
        with services.pool.transaction() as ours:
            credentials.marker_key(ours, services.vault)
        with another.pool.transaction() as ours:
            assert ours.execute("SELECT count(*) FROM secrets").fetchone() == (1,)


def test_before_its_registration_the_app_is_waited_for(settings: Settings) -> None:
    with Services.open(replace(settings, app_id=None, private_key=None, webhook_secret=None)) as services:
        assert services.webhook_secrets() == ()
        with pytest.raises(Blocked, match="/setup"):
            services.github(1)

        stored = credentials.Credentials(app_id=1, private_key="pem", webhook_secret="s")
        with services.pool.transaction() as ours:
            credentials.store(ours, services.vault, stored)

        assert services.credentials() == stored
        assert services.webhook_secrets() == ("s",)


def test_texts_are_marked_under_one_key_for_ever(services: Services) -> None:
    assert services.marker() == services.marker()


def test_closing_twice_does_nothing(settings: Settings) -> None:
    services = Services.open(settings)
    services.close()
    services.close()


def test_the_web_answers_and_ends_when_it_is_told_to(settings: Settings) -> None:
    script = (
        "from bot.app import run_web\nfrom bot.settings import Settings\nrun_web(Settings.from_environment())"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LOCKKEEPER_HOME": str(settings.home),
        "DATABASE_URL": str(settings.database_url),
        "LOCKKEEPER_LOG": "json",
        "PORT": "0",
    }
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            lines = (json.loads(line) for line in process.stderr)
            address = next(line["address"] for line in lines if "address" in line)

            response = requests.get(f"{address}/health", timeout=10)
            assert response.json() == {"status": "ok"}

            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
