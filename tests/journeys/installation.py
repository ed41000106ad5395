"""Lockkeeper as somebody runs it: web and worker as processes of their own, over one database of ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path

from bot.services import Services
from bot.settings import Pace, Settings
from tests.integration.bot.waiting import until
from tests.plugins.sandbox import ServedSandbox

ROOT = Path(__file__).parents[2]

#: Everything that waits waits briefly, and the stand-in takes all that is written. A dead worker is missed
#: after a second.
PACE = Pace(
    poll_seconds=0.05, heartbeat_seconds=0.2, stalled_after_seconds=1.0, sweep_seconds=0.1, attempts=3,
    first_pause_seconds=0.1, look_again_seconds=0.2, soak_look_seconds=60.0, write_pause_seconds=0.01,
    writes_per_minute=100_000, writes_per_hour=100_000,
)  # fmt: skip

_ADDRESS = re.compile(r"answers at (http://\S+)")


@dataclass(frozen=True, kw_only=True)
class Running:
    """One process of ours and where it writes."""

    process: subprocess.Popen[bytes]
    output: Path

    def kill(self) -> None:
        """Ends it as a crash would, and reaps it."""
        self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        """All that it has written; shown by a failing test."""
        return self.output.read_text()


@dataclass(kw_only=True)
class Installation:
    """One Lockkeeper with GitHub's stand-in before it and its database behind it.

    `services` are the tests' own look into ours; no conductor is in them.
    """

    settings: Settings
    services: Services
    sandbox: ServedSandbox
    processes: list[Running] = field(default_factory=list)

    def start_web(self) -> Running:
        """The web on a port of its choice; GitHub's webhooks go there from now on."""
        running = self._start("serve", "--web-only")
        found = until(lambda: _ADDRESS.search(self._alive(running).said))
        assert found is not None
        self.sandbox.state.webhook_url = f"{found[1]}/webhook"
        return running

    def start_worker(self) -> Running:
        """A worker. Takes jobs as soon as it is up."""
        return self._start("worker")

    def run(self, *words: str) -> str:
        """What a command of ours prints; fails if it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words], env=self._environment, cwd=ROOT, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def wait_until_quiet(self, seconds: float = 30.0) -> None:
        """Until every event was delivered and handled, and everything that was to be said is said."""
        assert self.sandbox.state.wait_until_sent(seconds)
        until(self._is_quiet, seconds)

    def close(self) -> None:
        """Ends all processes that were started and still run."""
        for running in self.processes:
            running.kill()

    def _is_quiet(self) -> bool:
        with self.services.pool.transaction() as ours:
            row = ours.execute(
                "SELECT NOT EXISTS (SELECT FROM deliveries WHERE state = 'received')"
                " AND NOT EXISTS (SELECT FROM outbox WHERE state IN ('waiting', 'sending'))"
            ).fetchone()
        return row is not None and bool(row[0])

    def _start(self, *words: str) -> Running:
        output = self.settings.home / f"{words[0]}-{len(self.processes)}.log"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "bot", *words], env=self._environment, cwd=ROOT, stdout=log, stderr=log
            )
        running = Running(process=process, output=output)
        self.processes.append(running)
        return running

    def _alive(self, running: Running) -> Running:
        assert running.process.poll() is None, running.said
        return running

    @property
    def _alerts(self) -> dict[str, str]:
        told = self.settings.alerts
        if told is None:
            return {}
        return {
            "LOCKKEEPER_ALERT_URL": told.url,
            "LOCKKEEPER_ALERT_FORMAT": told.form,
            "LOCKKEEPER_ALERT_SECRET": told.secret or "",
        }

    @property
    def _environment(self) -> dict[str, str]:
        told = self.settings
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "LOCKKEEPER_HOME": str(told.home),
            "DATABASE_URL": str(told.database_url),
            "LOCKKEEPER_SHADOW_URL": str(told.shadow_url),
            "LOCKKEEPER_GITHUB_URL": told.github_url,
            "LOCKKEEPER_GITHUB_API_URL": told.github_api_url,
            "LOCKKEEPER_APP_ID": str(told.app_id),
            "LOCKKEEPER_PRIVATE_KEY": str(told.private_key),
            "LOCKKEEPER_WEBHOOK_SECRET": str(told.webhook_secret),
            "PORT": "0",
            **self._alerts,
            **{
                f"LOCKKEEPER_PACE_{each.name.upper()}": str(getattr(told.pace, each.name))
                for each in fields(told.pace)
            },
        }
