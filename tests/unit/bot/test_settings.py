from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import Unreadable
from bot.settings import AlertReceiver, Pace, Settings

SECRETS = {
    "DATABASE_URL": "postgresql://u:hunter2@db/ours",
    "LOCKKEEPER_SHADOW_URL": "host=db password=hunter2",
    "LOCKKEEPER_PRIVATE_KEY": "hunter2",
    "LOCKKEEPER_WEBHOOK_SECRET": "hunter2",
    "LOCKKEEPER_KEY": "hunter2",
    "LOCKKEEPER_ALERT_URL": "https://hooks.slack.com/services/hunter2",
    "LOCKKEEPER_ALERT_SECRET": "hunter2",
}


def test_an_empty_environment_is_the_embedded_server_and_github_com(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCKKEEPER_HOME", raising=False)

    settings = Settings.from_environment({})

    assert settings.database_url is None
    assert settings.app_id is None
    assert settings.github_api_url == "https://api.github.com"
    assert settings.port == 8080
    assert settings.pace == Pace()


def test_every_variable_is_read() -> None:
    settings = Settings.from_environment(
        {
            **SECRETS,
            "LOCKKEEPER_HOME": "/srv/lockkeeper",
            "LOCKKEEPER_GITHUB_URL": "https://ghe.example/",
            "LOCKKEEPER_GITHUB_API_URL": "https://ghe.example/api/v3/",
            "LOCKKEEPER_APP_ID": "4711",
            "LOCKKEEPER_HOST": "0.0.0.0",  # noqa: S104 (a value that is read, nothing listens)
            "PORT": "5000",
            "LOCKKEEPER_LOG": "json",
            "LOCKKEEPER_LOG_LEVEL": "debug",
            "LOCKKEEPER_PACE_POLL_SECONDS": "0.05",
            "LOCKKEEPER_PACE_ORDERS_AT_ONCE": "3",
        }
    )

    assert settings.home == Path("/srv/lockkeeper")
    assert (settings.github_url, settings.github_api_url) == (
        "https://ghe.example",
        "https://ghe.example/api/v3",
    )
    assert (settings.app_id, settings.port, settings.log_format, settings.log_level) == (
        *(4711, 5000, "json", "DEBUG"),
    )
    assert (settings.pace.poll_seconds, settings.pace.orders_at_once) == (0.05, 3)
    assert settings.private_key == "hunter2"
    assert settings.alerts == AlertReceiver(
        url="https://hooks.slack.com/services/hunter2", form="slack", secret="hunter2"
    )


def test_no_secret_is_in_repr() -> None:
    assert "hunter2" not in repr(Settings.from_environment(SECRETS))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("LOCKKEEPER_APP_ID", "0"),
        ("LOCKKEEPER_APP_ID", "٤"),
        ("LOCKKEEPER_GITHUB_API_URL", "ghe.example"),
        ("LOCKKEEPER_GITHUB_URL", "file:///etc/passwd"),
        ("DATABASE_URL", "postgresql:hunter2"),
        ("LOCKKEEPER_SHADOW_URL", "hunter2"),
        ("LOCKKEEPER_ALERT_URL", "http://example.com/hunter2"),
        ("LOCKKEEPER_ALERT_URL", "http://127.0.0.1.example.com/hunter2"),
        ("LOCKKEEPER_ALERT_URL", "https:///hunter2"),
        ("LOCKKEEPER_ALERT_URL", "https://[hunter2"),
        ("LOCKKEEPER_ALERT_URL", "https://example.com:hunter2/"),
        ("LOCKKEEPER_ALERT_URL", "https://example.com/hunter2 x"),
        ("LOCKKEEPER_ALERT_URL", "ftp://localhost/hunter2"),
        ("LOCKKEEPER_ALERT_SECRET", "hunter2"),
        ("LOCKKEEPER_ALERT_FORMAT", "slack"),
        ("LOCKKEEPER_LOG", "xml"),
        ("LOCKKEEPER_PRIVATE_KEY_FILE", "/nowhere/hunter2.pem"),
        ("LOCKKEEPER_PACE_POLL_SECONDS", "0"),
        ("LOCKKEEPER_PACE_POLL_SECONDS", "1e9"),
        ("LOCKKEEPER_PACE_ATTEMPTS", "0.5"),
    ],
)
def test_what_cannot_be_read_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(Unreadable) as raised:
        Settings.from_environment({name: value})

    assert name in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN\nx\n")

    settings = Settings.from_environment({"LOCKKEEPER_PRIVATE_KEY_FILE": str(tmp_path / "key.pem")})

    assert settings.private_key == "-----BEGIN\nx"


def test_a_secret_in_two_places_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="Both LOCKKEEPER_KEY and LOCKKEEPER_KEY_FILE"):
        Settings.from_environment({"LOCKKEEPER_KEY": "a", "LOCKKEEPER_KEY_FILE": str(tmp_path)})


def test_a_pem_in_one_line_gets_its_line_feeds_back() -> None:
    settings = Settings.from_environment({"LOCKKEEPER_PRIVATE_KEY": "-----BEGIN\\nx"})

    assert settings.private_key == "-----BEGIN\nx"


def test_pauses_double_and_end_growing() -> None:
    pace = Pace(first_pause_seconds=2)

    assert [pace.pause_seconds(attempts) for attempts in (1, 2, 3, 50)] == [2, 4, 8, 300]


@pytest.mark.parametrize(
    ("url", "told", "form"),
    [
        ("https://hooks.slack.com/services/T/B/x", "", "slack"),
        ("https://hooks.slack.com/services/T/B/x", "json", "json"),
        ("https://example.com/alerts", "", "json"),
        ("https://example.com/hooks.slack.com", "Slack", "slack"),
        ("http://127.0.0.1:9/alerts", "", "json"),
        ("http://[::1]/alerts", "", "json"),
        ("http://localhost/alerts/", "", "json"),
    ],
)
def test_alerts_have_the_form_that_is_told_or_that_the_host_reads(url: str, told: str, form: str) -> None:
    settings = Settings.from_environment({"LOCKKEEPER_ALERT_URL": url, "LOCKKEEPER_ALERT_FORMAT": told})

    assert settings.alerts is not None
    assert (settings.alerts.url, settings.alerts.form) == (url, form)


def test_an_alert_form_that_nobody_reads_is_refused() -> None:
    with pytest.raises(Unreadable, match="LOCKKEEPER_ALERT_FORMAT is none of json, slack"):
        Settings.from_environment(
            {"LOCKKEEPER_ALERT_URL": "https://example.com", "LOCKKEEPER_ALERT_FORMAT": "xml"}
        )
