"""Sends alerts to the one receiver that the settings name: at least once each, and in nobody's way.

What the receiver does not take now is sent again after growing pauses, in which the others wait as
well. What it refuses, and what was tried too often, is given up with a line in the log. Its address
is a secret: neither it nor an error that quotes it is ever logged.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from bot.alerts import forms
from bot.github.signature import signature
from bot.settings import AlertReceiver, Pace
from bot.store import alerts
from bot.store.alerts import Alert
from bot.store.ours import Pool

logger = logging.getLogger(__name__)

#: The same for every try of one alert, whatever its form.
ID_HEADER = "X-Lockkeeper-Alert"

SIGNATURE_HEADER = "X-Lockkeeper-Signature-256"

#: A receiver that wishes for a longer pause is asked again after this one.
_LONGEST_PAUSE_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """What became of a try."""

    #: For the log.
    reason: str
    is_taken: bool = False
    #: Another try may end otherwise.
    is_worth_another: bool = False
    #: The receiver's own wish.
    pause_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Sends what is due. Any number of processes may have one."""

    pool: Pool
    receiver: AlertReceiver
    #: Where the orders' issues are.
    github_url: str
    pace: Pace
    #: For the connection, and for the answer.
    timeout_seconds: float = 10.0

    def send_due(self, stopping: threading.Event) -> None:
        """Sends until nothing is due, the receiver takes nothing, or the process is told to end."""
        with requests.Session() as session:
            while not stopping.is_set():
                with self.pool.transaction() as ours:
                    alert = alerts.begun(ours)
                if alert is None or not self._try(session, alert):
                    return

    def _try(self, session: requests.Session, alert: Alert) -> bool:
        """Whether the next one may follow at once."""
        fields = {"alert": str(alert.id), "kind": alert.kind.value, "attempts": alert.attempts}
        if alert.attempts > self.pace.alert_attempts:
            answer = _Answer(reason="it killed its worker too often")
        else:
            answer = self._send(session, alert)
        is_given_up = not answer.is_worth_another or alert.attempts >= self.pace.alert_attempts
        with self.pool.transaction() as ours:
            if answer.is_taken:
                alerts.sent(ours, alert.number)
            elif is_given_up:
                alerts.given_up(ours, alert.number)
            if answer.is_worth_another:
                alerts.pause(ours, max(answer.pause_seconds, self.pace.pause_seconds(alert.attempts)))
        if answer.is_taken:
            logger.info("An alert was sent.", extra=fields)
        elif is_given_up:
            logger.error("An alert was given up.", extra={**fields, "reason": answer.reason})
        else:
            logger.warning("An alert was not taken yet.", extra={**fields, "reason": answer.reason})
        return not answer.is_worth_another

    def _send(self, session: requests.Session, alert: Alert) -> _Answer:
        body = forms.body(alert, self.receiver.form, self.github_url)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "lockkeeper",
            ID_HEADER: str(alert.id),
        }
        if self.receiver.secret:
            headers[SIGNATURE_HEADER] = signature(body, self.receiver.secret)
        try:
            # A stream, because the answer's text may never end, and nobody reads it.
            with session.post(
                self.receiver.url,
                data=body,
                headers=headers,
                timeout=self.timeout_seconds,
                allow_redirects=False,
                stream=True,
            ) as response:
                return _judged(response)
        except requests.RequestException as error:
            # Its message quotes the address.
            return _Answer(reason=type(error).__name__, is_worth_another=True)


def _judged(response: requests.Response) -> _Answer:
    status = response.status_code
    reason = f"the receiver answered {status}"
    if 200 <= status < 300:
        return _Answer(reason=reason, is_taken=True)
    if status in (408, 425, 429) or status >= 500:
        pause = _retry_after_seconds(response.headers.get("Retry-After", ""))
        return _Answer(reason=reason, is_worth_another=True, pause_seconds=pause)
    return _Answer(reason=reason)


def _retry_after_seconds(header: str) -> float:
    """Seconds or a date, as HTTP allows; 0 where it is neither."""
    if header.isascii() and header.isdigit():
        seconds = float(header)
    else:
        try:
            at = parsedate_to_datetime(header)
        except ValueError:
            return 0.0
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_PAUSE_SECONDS)
