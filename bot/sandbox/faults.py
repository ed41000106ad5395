"""Faults on demand: the next requests that match a plan fail as planned."""

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

    def strikes(self, method: str, path: str) -> bool:
        """Whether a request is meant."""
        return (self.method is None or self.method == method.upper()) and bool(re.search(self.path, path))


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
