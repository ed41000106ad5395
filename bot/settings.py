"""Everything that the environment says, read once, as one value.

A secret is either in its variable or in a file that `<variable>_FILE` names. None of them
is part of `repr`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, cast, overload
from urllib.parse import urlsplit

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from bot.embedded import default_home
from bot.errors import Unreadable

LogFormat = Literal["text", "json"]
AlertForm = Literal["json", "slack"]

GITHUB_URL = "https://github.com"
GITHUB_API_URL = "https://api.github.com"


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often the worker looks, and how long it waits before it tries again."""

    #: Orders that one worker process works on at a time.
    orders_at_once: int = 2
    #: Deliveries and messages that it handles at a time.
    commands_at_once: int = 4
    #: Between two looks into the queue for jobs whose lock came free.
    poll_seconds: float = 0.3
    #: Between two signs of life of a worker.
    heartbeat_seconds: float = 3.0
    #: After this long without a sign of life a worker's jobs are given to others.
    stalled_after_seconds: float = 15.0
    #: Between two rounds of rescue and sweep.
    sweep_seconds: float = 1.0
    #: How often a job is tried before it is given up and escalated.
    attempts: int = 5
    #: Before the second try; doubles with each, at most five minutes.
    first_pause_seconds: float = 2.0
    #: Between two looks at an order whose state did not change.
    look_again_seconds: float = 5.0
    #: Between two looks at an order that soaks.
    soak_look_seconds: float = 60.0
    #: Between two writes to GitHub of one installation.
    write_pause_seconds: float = 1.0
    #: How much one installation writes; GitHub's secondary limits for what creates content.
    writes_per_minute: int = 80
    writes_per_hour: int = 500
    #: How often an alert is tried before it is given up; with the pauses about an hour.
    alert_attempts: int = 20

    def pause_seconds(self, attempts: int) -> float:
        """The pause after so many failed attempts; `attempts` is at least 1."""
        return float(min(self.first_pause_seconds * 2 ** min(attempts - 1, 20), 300.0))


@dataclass(frozen=True, kw_only=True)
class AlertReceiver:
    """Where alerts go. Whoever knows the address can write there, so it is a secret."""

    url: str = field(repr=False)
    form: AlertForm = "json"
    #: With it the bodies are signed.
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What this process was told. See `from_environment` for the variables."""

    #: Where keys, logs and the embedded servers live.
    home: Path
    #: Ours; None means the embedded server.
    database_url: str | None = field(default=None, repr=False)
    github_url: str = GITHUB_URL
    github_api_url: str = GITHUB_API_URL
    #: None until the App is registered.
    app_id: int | None = None
    #: PEM.
    private_key: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    #: Keys of the vault, base64, the newest first, separated by commas; None means the file in `home`.
    keys: str | None = field(default=None, repr=False)
    #: A server for rehearsals, instead of an embedded one.
    shadow_url: str | None = field(default=None, repr=False)
    #: None means that alerts go nowhere.
    alerts: AlertReceiver | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    log_format: LogFormat = "text"
    log_level: str = "INFO"
    #: GitHub sends at most 25 MB.
    payload_limit_bytes: int = 25 * 1024 * 1024
    pace: Pace = field(default_factory=Pace)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Reads the process's environment, or the mapping given.

        Raises `Unreadable`, naming the variable but never a secret's value.
        """
        env = _Environment(os.environ if environment is None else environment)
        home = env.text("LOCKKEEPER_HOME")
        return cls(
            home=Path(home).expanduser() if home else default_home(),
            database_url=env.postgres_url("DATABASE_URL"),
            github_url=env.web_url("LOCKKEEPER_GITHUB_URL") or GITHUB_URL,
            github_api_url=env.web_url("LOCKKEEPER_GITHUB_API_URL") or GITHUB_API_URL,
            app_id=env.whole("LOCKKEEPER_APP_ID", minimum=1),
            private_key=env.secret("LOCKKEEPER_PRIVATE_KEY"),
            webhook_secret=env.secret("LOCKKEEPER_WEBHOOK_SECRET"),
            keys=env.secret("LOCKKEEPER_KEY"),
            shadow_url=env.postgres_url("LOCKKEEPER_SHADOW_URL"),
            alerts=env.alert_receiver(),
            host=env.text("LOCKKEEPER_HOST") or cls.host,
            port=env.whole("PORT", minimum=0, maximum=65535, otherwise=cls.port),
            log_format=cast(LogFormat, env.choice("LOCKKEEPER_LOG", ("text", "json"))),
            log_level=env.choice("LOCKKEEPER_LOG_LEVEL", ("INFO", "DEBUG", "WARNING", "ERROR")),
            payload_limit_bytes=env.whole(
                "LOCKKEEPER_PAYLOAD_LIMIT_BYTES", minimum=1, otherwise=cls.payload_limit_bytes
            ),
            pace=env.pace(),
        )


class _Environment:
    """Typed access to variables; an empty one counts as unset."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def text(self, name: str) -> str | None:
        return self._variables.get(name, "").strip() or None

    def secret(self, name: str) -> str | None:
        """The variable, or the content of the file that `<name>_FILE` names."""
        value, path = self.text(name), self.text(f"{name}_FILE")
        if value and path:
            raise Unreadable(f"Both {name} and {name}_FILE are set.", "Unset one of them.")
        if path:
            try:
                return Path(path).expanduser().read_text().strip() or None
            except (OSError, UnicodeDecodeError) as error:
                raise Unreadable(
                    f"The file that {name}_FILE names cannot be read: {type(error).__name__}.",
                    "Check its path and permissions.",
                ) from error
        # Hosting panels store a PEM in one line with `\n` written out.
        return value.replace("\\n", "\n") if value else None

    @overload
    def whole(self, name: str, *, minimum: int, otherwise: None = None) -> int | None: ...

    @overload
    def whole(self, name: str, *, minimum: int, maximum: int = ..., otherwise: int) -> int: ...

    def whole(
        self, name: str, *, minimum: int, maximum: int = 2**63 - 1, otherwise: int | None = None
    ) -> int | None:
        text = self.text(name)
        if text is None:
            return otherwise
        if not re.fullmatch("[0-9]{1,18}", text) or not minimum <= int(text) <= maximum:
            until = "" if maximum == 2**63 - 1 else f" and at most {maximum}"
            raise Unreadable(f"{name} is not a whole number of at least {minimum}{until}.", "Correct it.")
        return int(text)

    def seconds(self, name: str, otherwise: float) -> float:
        text = self.text(name)
        if text is None:
            return otherwise
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or float(text) <= 0:
            raise Unreadable(f"{name} is not a number of seconds above 0.", "Write it like 2 or 0.5.")
        return float(text)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of the choices; the first where the variable is unset."""
        text = self.text(name) or choices[0]
        for choice in choices:
            if choice.lower() == text.lower():
                return choice
        raise Unreadable(f"{name} is none of {', '.join(choices)}.", "Choose one of them.")

    def web_url(self, name: str) -> str | None:
        """Without a slash at its end."""
        text = self.text(name)
        if text is None:
            return None
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreadable(f"{name} is not an http or https address.", "Write it like https://example.com.")
        return text.rstrip("/")

    def alert_receiver(self) -> AlertReceiver | None:
        """`LOCKKEEPER_ALERT_URL`, with its form and its secret."""
        url, secret = self.secret("LOCKKEEPER_ALERT_URL"), self.secret("LOCKKEEPER_ALERT_SECRET")
        if url is None:
            if secret or self.text("LOCKKEEPER_ALERT_FORMAT"):
                name = "LOCKKEEPER_ALERT_SECRET" if secret else "LOCKKEEPER_ALERT_FORMAT"
                raise Unreadable(
                    f"{name} is set, and LOCKKEEPER_ALERT_URL is not.", "Set the address, or unset it."
                )
            return None
        host = _host_of(url)
        if host is None:
            raise Unreadable(
                "LOCKKEEPER_ALERT_URL is not an https address.",
                "Write it like https://example.com/alerts; http is only for this machine itself.",
            )
        usual_first = ("slack", "json") if host == "hooks.slack.com" else ("json", "slack")
        form = cast(AlertForm, self.choice("LOCKKEEPER_ALERT_FORMAT", usual_first))
        return AlertReceiver(url=url, form=form, secret=secret)

    def postgres_url(self, name: str) -> str | None:
        """A URL or a keyword string, checked by libpq, whose message is left out: it quotes its input."""
        text = self.text(name)
        if text is None:
            return None
        try:
            conninfo_to_dict(text)
        except ProgrammingError:
            raise Unreadable(
                f"{name} is not a Postgres connection string.",
                "Write it like postgresql://user:password@host:5432/database.",
            ) from None
        return text

    def pace(self) -> Pace:
        """`LOCKKEEPER_PACE_<FIELD>` for each field of `Pace`."""
        values: dict[str, float] = {}
        for each in fields(Pace):
            name = f"LOCKKEEPER_PACE_{each.name.upper()}"
            default = cast(float, each.default)
            if isinstance(default, int):
                values[each.name] = self.whole(name, minimum=1, otherwise=default)
            else:
                values[each.name] = self.seconds(name, default)
        return Pace(**cast(Any, values))


def _host_of(url: str) -> str | None:
    """The host of an address to which a secret may be sent; None where it is none."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in ("http", "https"):
        return None
    return host if parts.scheme == "https" or _is_loopback(host) else None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
