"""The sandbox from outside: what people do on it, and what they see there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from bot.errors import Blocked

REPOSITORY = "acme/shop"

_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Post:
    """One text of a thread."""

    id: int
    author: str
    created_at: datetime
    #: Markdown.
    body: str


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue as it stands."""

    number: int
    title: str
    #: The issue's own text.
    post: Post
    is_open: bool
    labels: tuple[str, ...]

    @property
    def order_state(self) -> str:
        """What the order's label says; "" where there is none."""
        states = [each.removeprefix("wo:") for each in self.labels if each.startswith("wo:")]
        return states[0] if states else ""


class Hub:
    """One repository of a running sandbox, driven through its controls."""

    def __init__(self, url: str) -> None:
        self.url = url

    def page_of(self, number: int) -> str:
        """The address of an issue's page."""
        return f"{self.url}/{REPOSITORY}/issues/{number}"

    def send_webhooks_to(self, address: str) -> None:
        """Where the App's events go from now on."""
        self._control("set_webhook", url=f"{address}/webhook")

    def open_issue(self, login: str, title: str, body: str) -> int:
        """A person opens an issue; its number."""
        found = self._control("open_issue", repo=REPOSITORY, title=title, body=body, **{"as": login})
        return int(found["number"])

    def comment(self, login: str, number: int, body: str) -> int:
        """A person comments; the comment's id."""
        found = self._control("comment", repo=REPOSITORY, number=number, body=body, **{"as": login})
        return int(found["id"])

    def issues(self) -> tuple[Issue, ...]:
        """All, oldest first."""
        return tuple(_issue(each) for each in self._control("issues", repo=REPOSITORY))

    def issue(self, number: int) -> Issue:
        """The issue as it stands. Raises LookupError."""
        return next(each for each in self.issues() if each.number == number)

    def comments(self, number: int) -> tuple[Post, ...]:
        """Those of an issue, oldest first."""
        return tuple(_post(each) for each in self._control("comments", repo=REPOSITORY, number=number))

    def _control(self, name: str, **fields: object) -> Any:
        """One control's answer: the sandbox's JSON."""
        parts = urlsplit(self.url)
        connection = HTTPConnection(str(parts.hostname), parts.port, timeout=_SECONDS)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", f"/_control/{name}", json.dumps(fields), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise Blocked(f"The sandbox refused {name}: {text[:300]!r}.", "See its log.")
        return json.loads(text)


def _issue(raw: dict[str, Any]) -> Issue:
    return Issue(
        number=int(raw["number"]),
        title=str(raw["title"]),
        post=_post(raw),
        is_open=raw["state"] == "open",
        labels=tuple(str(each["name"]) for each in raw["labels"]),
    )


def _post(raw: dict[str, Any]) -> Post:
    return Post(
        id=int(raw["id"]),
        author=str(raw["user"]["login"]),
        created_at=datetime.fromisoformat(str(raw["created_at"])),
        body=str(raw["body"] or ""),
    )
