"""A receiver of alerts: a real listener that answers as it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ID = "X-Lockkeeper-Alert"


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers[ID]

    @property
    def json(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status with headers."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Receiver:
    """Answers 200, but first what is in `answers`; nothing at all while `hangs` is set."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    hangs: threading.Event = field(default_factory=threading.Event)
    #: Set to let those go that hang.
    released: threading.Event = field(default_factory=threading.Event)

    def of_kind(self, kind: str, issue: int) -> list[Received]:
        """Those of one kind about one issue."""
        return [each for each in self.received if (each.json["kind"], each.json["issue"]) == (kind, issue)]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(headers=dict(self.headers.items()), body=body))
            if receiver.hangs.is_set():
                receiver.released.wait(60)
                self.close_connection = True
                return
            answer = receiver.answers.pop(0) if receiver.answers else Answer(status=200)
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: standard error belongs to the tests."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/services/hunter2"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
