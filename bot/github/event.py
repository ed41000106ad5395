"""A webhook's name and payload become one of `handlers.events`.

Only the fields that are needed are read: GitHub adds, omits and nulls the others as it likes.
A field that is needed and not as it should be makes the payload `Unreadable`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.errors import Unreadable
from handlers.events import (
    CommentChanged,
    CommentCreated,
    GitHubEvent,
    Ignored,
    IssueClosed,
    IssueEdited,
    IssueOpened,
    IssueReopened,
    Labeled,
    PullRequestClosed,
    PullRequestPushed,
    PullRequestReopened,
)
from workorders.order import Person, Repository


def from_delivery(name: str, payload: Mapping[str, Any], received_at: datetime) -> GitHubEvent:
    """The event of a delivery; `name` is the header `X-GitHub-Event`, `payload` the body's JSON object.

    Raises `Unreadable` where an event that is acted on lacks what acting needs.
    """
    action = payload.get("action")
    reader = _READERS.get((name, action)) if isinstance(action, str) else None
    if reader is None:
        return Ignored(name=name, action=action if isinstance(action, str) else "")
    return reader(_Payload(name, payload), received_at)


class _Payload:
    """Typed access to the fields of one payload, by their path."""

    def __init__(self, name: str, payload: Mapping[str, Any]) -> None:
        self._name = name
        self._payload = payload

    def text(self, *path: str) -> str:
        """A string; GitHub's null for an empty text is one, too."""
        value = self._value(path)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        raise self._unreadable(path)

    def name(self, *path: str) -> str:
        """A string that is not empty."""
        value = self.text(*path)
        if not value:
            raise self._unreadable(path)
        return value

    def moment(self, *path: str) -> datetime:
        """An aware time."""
        try:
            value = datetime.fromisoformat(self.name(*path))
        except ValueError:
            raise self._unreadable(path) from None
        if value.tzinfo is None:
            raise self._unreadable(path)
        return value

    def whole(self, *path: str) -> int:
        """A number that is at least 1. JSON's true is none."""
        value = self._value(path)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        raise self._unreadable(path)

    def flag(self, *path: str) -> bool:
        """True or false; never guessed."""
        value = self._value(path)
        if isinstance(value, bool):
            return value
        raise self._unreadable(path)

    def has(self, *path: str) -> bool:
        """Whether there is something else than null."""
        return self._value(path) is not None

    def repository(self) -> Repository:
        """Where it happened."""
        return Repository(
            id=self.whole("repository", "id"),
            full_name=self.name("repository", "full_name"),
            installation_id=self.whole("installation", "id"),
        )

    def sender(self) -> Person:
        """Who did it."""
        login = self.name("sender", "login")
        is_bot = self.text("sender", "type") == "Bot" or login.endswith("[bot]")
        return Person(id=self.whole("sender", "id"), login=login, is_bot=is_bot)

    def _value(self, path: tuple[str, ...]) -> Any:
        value: Any = self._payload
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _unreadable(self, path: tuple[str, ...]) -> Unreadable:
        return Unreadable(
            f"The payload of {self._name} has no readable {'.'.join(path)}.",
            "If the App is installed and GitHub sent this, report it.",
        )


def _comment_created(payload: _Payload, received_at: datetime) -> CommentCreated:
    return CommentCreated(
        repository=payload.repository(),
        sender=payload.sender(),
        number=payload.whole("issue", "number"),
        is_pull_request=payload.has("issue", "pull_request"),
        comment_id=payload.whole("comment", "id"),
        body=payload.text("comment", "body"),
        created_at=payload.moment("comment", "created_at"),
        received_at=received_at,
    )


def _comment_changed(payload: _Payload, received_at: datetime) -> CommentChanged:
    return CommentChanged(
        repository=payload.repository(),
        sender=payload.sender(),
        number=payload.whole("issue", "number"),
        comment_id=payload.whole("comment", "id"),
        received_at=received_at,
    )


def _issue_opened(payload: _Payload, received_at: datetime) -> IssueOpened:
    return IssueOpened(
        repository=payload.repository(),
        sender=payload.sender(),
        number=payload.whole("issue", "number"),
        body=payload.text("issue", "body"),
        created_at=payload.moment("issue", "created_at"),
        received_at=received_at,
    )


def _issue(kind: type[IssueClosed | IssueReopened | IssueEdited]) -> _Reader:
    def read(payload: _Payload, received_at: datetime) -> GitHubEvent:
        return kind(
            repository=payload.repository(),
            sender=payload.sender(),
            number=payload.whole("issue", "number"),
            received_at=received_at,
        )

    return read


def _labeled(subject: str, *, is_added: bool) -> _Reader:
    def read(payload: _Payload, received_at: datetime) -> GitHubEvent:
        return Labeled(
            repository=payload.repository(),
            sender=payload.sender(),
            number=payload.whole(subject, "number"),
            is_pull_request=subject == "pull_request" or payload.has(subject, "pull_request"),
            label=payload.name("label", "name"),
            is_added=is_added,
            labeled_at=payload.moment(subject, "updated_at"),
            received_at=received_at,
        )

    return read


def _pushed(payload: _Payload, received_at: datetime) -> PullRequestPushed:
    return PullRequestPushed(
        repository=payload.repository(),
        sender=payload.sender(),
        number=payload.whole("pull_request", "number"),
        head=payload.name("pull_request", "head", "sha"),
        received_at=received_at,
    )


def _pull_closed(payload: _Payload, received_at: datetime) -> PullRequestClosed:
    return PullRequestClosed(
        repository=payload.repository(),
        sender=payload.sender(),
        number=payload.whole("pull_request", "number"),
        is_merged=payload.flag("pull_request", "merged"),
        received_at=received_at,
    )


def _pull_reopened(payload: _Payload, received_at: datetime) -> PullRequestReopened:
    return PullRequestReopened(
        repository=payload.repository(),
        sender=payload.sender(),
        number=payload.whole("pull_request", "number"),
        received_at=received_at,
    )


_Reader = Callable[[_Payload, datetime], GitHubEvent]

_READERS: Mapping[tuple[str, str], _Reader] = {
    ("issue_comment", "created"): _comment_created,
    ("issue_comment", "edited"): _comment_changed,
    ("issue_comment", "deleted"): _comment_changed,
    ("issues", "opened"): _issue_opened,
    ("issues", "closed"): _issue(IssueClosed),
    ("issues", "reopened"): _issue(IssueReopened),
    ("issues", "edited"): _issue(IssueEdited),
    ("issues", "labeled"): _labeled("issue", is_added=True),
    ("issues", "unlabeled"): _labeled("issue", is_added=False),
    ("pull_request", "labeled"): _labeled("pull_request", is_added=True),
    ("pull_request", "unlabeled"): _labeled("pull_request", is_added=False),
    ("pull_request", "synchronize"): _pushed,
    ("pull_request", "closed"): _pull_closed,
    ("pull_request", "reopened"): _pull_reopened,
}
