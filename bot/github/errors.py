"""What GitHub's answers mean to us, as branches of the one tree.

Refused
├── Denied            GitHub said no, and would say so again
└── Unusable          what GitHub has there is too large, or not what we can read
Blocked
├── Unaccepted        GitHub does not take the App's credentials; a person must look
└── NotAnswered       not a no but a wait: rate limits, outages, time-outs
    └── AnswerLost    a write was sent, and nobody knows whether it was performed
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import requests
from github import BadAttributeException, GithubException, IncompletableObject, RateLimitExceededException
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from bot.errors import Blocked, LockkeeperError, Refused
from workorders.migration.errors import Problem

#: GitHub's advice for a refusal for haste that names no time.
HASTE_SECONDS = 60.0

#: What PyGithub raises on refusals, on lost connections, and on answers that are not what it expects.
FAILURES = (
    GithubException,
    BadAttributeException,
    IncompletableObject,
    requests.RequestException,
    AssertionError,  # an address of a foreign host in an answer
    RuntimeError,  # a redirection to a foreign host
    ValueError,  # broken JSON
    TypeError,  # JSON of another shape
    KeyError,
    AttributeError,
)


class Denied(Refused):
    """GitHub refused, and will again until somebody changes something. `status` is HTTP's."""

    def __init__(self, status: int, reason: str, next_move: str) -> None:
        super().__init__(Problem(line=None, reason=reason, next_move=next_move))
        self.status = status


class Unusable(Refused):
    """GitHub answered, and it is nothing that we can work with until somebody changes it."""

    def __init__(self, reason: str, next_move: str) -> None:
        super().__init__(Problem(line=None, reason=reason, next_move=next_move))


class Unaccepted(Blocked):
    """GitHub does not take the App's credentials, or gives it no token. `status` is HTTP's."""

    def __init__(self, status: int, reason: str, next_move: str) -> None:
        super().__init__(reason, next_move)
        self.status = status


class NotAnswered(Blocked):
    """GitHub gave no answer that settles the question. `retry_after_seconds` is its own wish, if any."""

    def __init__(self, reason: str, next_move: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason, next_move)
        self.retry_after_seconds = retry_after_seconds


class AnswerLost(NotAnswered):
    """A write may have been performed. Look for its marker before it is sent again."""


def translated(error: Exception, doing: str, *, is_repeatable: bool) -> LockkeeperError:
    """The error in our words. `doing` completes "while ..."; of a repeatable request no answer is lost."""
    if not isinstance(error, GithubException):
        return _unanswered(error, doing, is_repeatable)
    status = error.status
    if status == 401:
        return Unaccepted(
            401, f"GitHub does not accept the App's credentials while {doing}.", "Run lockkeeper doctor."
        )
    headers = error.headers or {}
    wait = _wait_seconds(headers)
    if status == 429 or (
        status == 403 and (wait is not None or isinstance(error, RateLimitExceededException))
    ):
        return NotAnswered(
            f"GitHub asks for a pause while {doing}.",
            "It is tried again after it.",
            retry_after_seconds=HASTE_SECONDS if wait is None else wait,
        )
    if 400 <= status < 500 and status != 408:
        return Denied(status, f"GitHub refused {doing} ({status}).", _next_move(status, headers, error.data))
    return _unanswered(error, doing, is_repeatable, wait)


def _unanswered(error: Exception, doing: str, is_repeatable: bool, wait: float | None = None) -> NotAnswered:
    cause = str(error.status) if isinstance(error, GithubException) else type(error).__name__
    if is_repeatable or _was_not_sent(error):
        return NotAnswered(
            f"GitHub did not answer while {doing} ({cause}).",
            "It is tried again.",
            retry_after_seconds=wait,
        )
    return AnswerLost(
        f"GitHub's answer was lost while {doing} ({cause}).",
        "It is looked for before it is sent again.",
        retry_after_seconds=wait,
    )


def _was_not_sent(error: Exception) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    return isinstance(cause, (NewConnectionError, ConnectTimeoutError))


def _wait_seconds(headers: Mapping[str, str]) -> float | None:
    retry_after = headers.get("retry-after", "")
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        # One second more: GitHub does not say at which part of its second it resets.
        return max(float(reset) - time.time(), 0.0) + 1.0
    return None


def _next_move(status: int, headers: Mapping[str, str], data: Any) -> str:
    if status == 403:
        needed = headers.get("x-accepted-github-permissions")
        if needed:
            return f"Give the App the permission {needed} and accept it in the installation's settings."
        return "Check the App's permissions in the installation's settings."
    if status in (404, 410):
        return "Check that it exists and that the App is installed on the repository."
    if status == 422:
        return f"GitHub's reason: {_reasons(data)}."
    return "Run lockkeeper doctor."


def _reasons(data: Any) -> str:
    errors = data.get("errors") if isinstance(data, dict) else None
    found = [
        f"{error.get('field', 'request')} {error.get('code', 'is invalid')}"
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict)
    ]
    return ", ".join(found) or "validation failed"
