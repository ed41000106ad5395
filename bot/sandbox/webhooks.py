"""The App's webhook: events are queued by what happens and delivered in order by one thread."""

import dataclasses
import hashlib
import hmac
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import urllib3

from bot.sandbox.faults import Mishap, Mishaps
from bot.sandbox.records import Delivery

#: GitHub waits as long for an answer and then calls the delivery failed.
TIMEOUT_SECONDS = 10.0
HOOK_ID = 7001
_ANSWER_LIMIT_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that the App is told of. Attempts to deliver it share its `guid`."""

    guid: str
    name: str
    action: str | None
    payload: Mapping[str, object]
    installation_id: int | None
    repository_id: int | None
    redelivery: bool = False
    #: Nothing more befalls it.
    is_spared: bool = False


@dataclass(frozen=True, kw_only=True)
class _Result:
    status: str
    status_code: int
    headers: Mapping[str, str]
    body: str


_Post = Callable[[str, bytes, Mapping[str, str]], _Result]


def sign(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Webhooks:
    """Delivers events to `url`, which may be set or changed at any time.

    Without a url the hook is inactive, as on GitHub: nothing is sent and nothing recorded.
    A failed delivery is recorded and not tried again by itself. `record` is called with each
    attempt, `next_id` for its id, both from the delivering thread.
    """

    def __init__(
        self,
        *,
        app_id: int,
        secret: str,
        record: Callable[[Delivery], None],
        next_id: Callable[[], int],
        clock: Callable[[], datetime],
    ) -> None:
        self.url: str | None = None
        self.mishaps = Mishaps()
        self._held: list[Event] = []
        self._app_id = app_id
        self._secret = secret
        self._record = record
        self._next_id = next_id
        self._clock = clock
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._idle = threading.Condition()
        self._waiting = 0
        self._thread: threading.Thread | None = None
        self._http = urllib3.PoolManager()

    def start(self) -> None:
        """Begin to deliver. Events queued before are delivered now."""
        self._thread = threading.Thread(target=self._run, name="sandbox-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the delivery under way; what is still queued is not sent."""
        if self._thread is not None:
            self._drop_queued()
            self._events.put(None)
            self._thread.join(TIMEOUT_SECONDS + 1)
            self._thread = None
        self._http.clear()

    def send(self, event: Event) -> None:
        """Queue an event; does nothing while the hook is inactive."""
        if self.url is not None:
            self._queue(event)

    def _queue(self, event: Event) -> None:
        with self._idle:
            self._waiting += 1
        self._events.put(event)

    def redeliver(self, delivery: Delivery) -> None:
        """Queue the event of an earlier attempt again, under the same GUID."""
        self.send(
            Event(
                guid=delivery.guid,
                name=delivery.event,
                action=delivery.action,
                payload=delivery.payload,
                installation_id=delivery.installation_id,
                repository_id=delivery.repository_id,
                redelivery=True,
            )
        )

    def wait_until_sent(self, timeout_seconds: float) -> bool:
        """Whether every queued event had its attempt before the time was up."""
        with self._idle:
            return self._idle.wait_for(lambda: self._waiting == 0, timeout_seconds)

    def release(self) -> None:
        """Sends what is held."""
        with self._idle:
            held, self._held = self._held, []
        for event in held:
            # As it is: it had its mishap.
            self._queue(dataclasses.replace(event, is_spared=True))

    def _run(self) -> None:
        while (event := self._events.get()) is not None:
            url = self.url
            if url is not None:
                self._send(event, url)
            self._done()

    def _send(self, event: Event, url: str) -> None:
        mishap = None if event.redelivery or event.is_spared else self.mishaps.take(event.name)
        if mishap is Mishap.HELD:
            with self._idle:
                self._held.append(event)
        elif mishap is Mishap.DROPPED:
            self._attempt(
                event, url, lambda *_: _Result(status="timed out", status_code=0, headers={}, body="")
            )
        else:
            for _ in range(2 if mishap is Mishap.DOUBLED else 1):
                self._attempt(event, url, self._post)
            self.release()

    def _done(self) -> None:
        with self._idle:
            self._waiting -= 1
            self._idle.notify_all()

    def _drop_queued(self) -> None:
        while True:
            try:
                dropped = self._events.get_nowait()
            except queue.Empty:
                return
            if dropped is not None:
                self._done()

    def _attempt(self, event: Event, url: str, post: _Post) -> None:
        body = json.dumps(event.payload, separators=(",", ":")).encode()
        headers = {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/5a1d4b7",
            "X-GitHub-Delivery": event.guid,
            "X-GitHub-Event": event.name,
            "X-GitHub-Hook-ID": str(HOOK_ID),
            "X-GitHub-Hook-Installation-Target-ID": str(self._app_id),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": sign(self._secret, body),
        }
        delivered_at = self._clock()
        began = time.monotonic()
        result = post(url, body, headers)
        self._record(
            Delivery(
                id=self._next_id(),
                guid=event.guid,
                event=event.name,
                action=event.action,
                payload=event.payload,
                installation_id=event.installation_id,
                repository_id=event.repository_id,
                redelivery=event.redelivery,
                delivered_at=delivered_at,
                duration_seconds=time.monotonic() - began,
                status=result.status,
                status_code=result.status_code,
                url=url,
                request_headers=headers,
                response_headers=result.headers,
                response_body=result.body,
            )
        )

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> _Result:
        try:
            response = self._http.request(
                "POST",
                url,
                body=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                retries=False,
                redirect=False,
                preload_content=False,
            )
            text = response.read(_ANSWER_LIMIT_BYTES).decode(errors="replace")
            response.drain_conn()
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # A refused connection is a kind of timeout to urllib3, but not to GitHub.
            late = isinstance(error, urllib3.exceptions.TimeoutError)
            late = late and not isinstance(error, urllib3.exceptions.NewConnectionError)
            status = "timed out" if late else "failed to connect to host"
            return _Result(status=status, status_code=0, headers={}, body="")
        status = "OK" if response.status < 300 else f"Invalid HTTP Response: {response.status}"
        return _Result(status=status, status_code=response.status, headers=dict(response.headers), body=text)


def new_guid() -> str:
    """A fresh id for an event."""
    return str(uuid.uuid4())
