"""Which webhooks never arrived, by GitHub's own list of attempts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

#: GitHub keeps attempts for so long, and redelivers nothing older.
WINDOW = timedelta(days=3)
#: Of a hundred attempts each. Who sends more in the window than these has its oldest ones left out.
MOST_PAGES = 100

_NEXT = re.compile(r'[?&]cursor=([A-Za-z0-9_%=.-]+)[^>]*>; rel="next"')
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=10), timedelta(hours=6)

#: Asks GitHub as the App for a path; gives the headers, in lower case, and the JSON.
Ask = Callable[[str], tuple[Mapping[str, Any], Any]]


@dataclass(frozen=True, kw_only=True)
class FailedDelivery:
    """A webhook that no attempt has brought to us."""

    #: Of the newest attempt, by which another one is asked for.
    attempt_id: int
    #: `X-GitHub-Delivery`, the same for all its attempts.
    guid: str
    event: str
    attempts: int
    last_at: datetime

    def is_due(self, now: datetime) -> bool:
        """Whether it is time to ask for another attempt: at once after the first, then ever more seldom."""
        if self.attempts == 1:
            return True
        doubled = _FIRST_PAUSE * (1 << min(self.attempts - 2, 10))
        return now >= self.last_at + min(doubled, _LONGEST_PAUSE)


def failed(ask: Ask, since: datetime) -> tuple[FailedDelivery, ...]:
    """What was attempted since then and has not arrived, oldest first."""
    arrived: set[str] = set()
    newest: dict[str, FailedDelivery] = {}
    path = "/app/hook/deliveries?per_page=100"
    address = path
    for _ in range(MOST_PAGES):
        headers, attempts = ask(address)
        recent = [each for each in attempts if _at(each) >= since]
        for each in recent:
            guid = str(each["guid"])
            if 200 <= int(each["status_code"]) < 300:
                arrived.add(guid)
            known = newest.get(guid)
            # The list begins with the newest.
            newest[guid] = FailedDelivery(
                attempt_id=int(each["id"]) if known is None else known.attempt_id,
                guid=guid,
                event=str(each["event"]),
                attempts=1 if known is None else known.attempts + 1,
                last_at=_at(each) if known is None else known.last_at,
            )
        following = _NEXT.search(str(headers.get("link", "")))
        if following is None or len(recent) < len(attempts):
            break
        address = f"{path}&cursor={following[1]}"
    return tuple(each for guid, each in reversed(newest.items()) if guid not in arrived)


def _at(attempt: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(attempt["delivered_at"]))
