"""Faults on demand: the next requests and webhooks that match a plan fail as planned."""

import re
import threading
from dataclasses import dataclass, field
from enum import Enum


class When(Enum):
    """Where in a request's life its fault strikes."""

    #: Answered with `status`; the request is not performed.
    INSTEAD = "instead"
    #: The connection is closed without an answer; the request is not performed.
    LOST_REQUEST = "lost request"
    #: The request is performed, then the connection is closed without an answer.
    LOST_ANSWER = "lost answer"
    #: The request is performed at once, and answered after `delay_seconds`.
    LATE_ANSWER = "late answer"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A failure planned for API requests of a method whose path below `/api/v3` matches."""

    when: When
    status: int = 500
    retry_after_seconds: int | None = None
    #: None is any method.
    method: str | None = None
    #: A regular expression, searched for in the path.
    path: str = ""
    message: str = "Server Error"
    delay_seconds: float = 0.0

    def strikes(self, method: str, path: str) -> bool:
        """Whether a request is meant."""
        return (self.method is None or self.method == method.upper()) and bool(re.search(self.path, path))


class Mishap(Enum):
    """What may befall a webhook on its way."""

    #: It never goes out, and is recorded as one that timed out.
    DROPPED = "dropped"
    #: It goes out twice, under one GUID.
    DOUBLED = "doubled"
    #: It goes out after the next one that nothing befalls, or when those held are released.
    HELD = "held"


@dataclass
class Mishaps:
    """The queue of planned mishaps, safe to use from any thread."""

    _planned: list[tuple[Mishap, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, mishap: Mishap, event: str, times: int) -> None:
        """Plan it for the next `times` webhooks of an event's name, or of any for an empty one."""
        with self._lock:
            self._planned += [(mishap, event)] * times

    def take(self, event: str) -> Mishap | None:
        """The first planned for this event, which is thereby spent."""
        with self._lock:
            for position, (mishap, name) in enumerate(self._planned):
                if name in ("", event):
                    del self._planned[position]
                    return mishap
        return None


@dataclass
class Faults:
    """The queue of planned faults, safe to use from any thread."""

    _planned: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, fault: Fault, times: int) -> None:
        """Plan `fault` for the next `times` requests that it means."""
        with self._lock:
            self._planned += [fault] * times

    def take(self, method: str, path: str) -> Fault | None:
        """The first planned fault for this request, which is thereby spent."""
        with self._lock:
            for position, fault in enumerate(self._planned):
                if fault.strikes(method, path):
                    return self._planned.pop(position)
        return None

    def planned(self) -> tuple[Fault, ...]:
        """What has not yet struck."""
        with self._lock:
            return tuple(self._planned)
