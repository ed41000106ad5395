"""An order's history as it may be shown to whoever can read its issue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Happened:
    """One event."""

    #: 1, 2, 3 ...
    number: int
    at: datetime
    #: The lifecycle's event, or what else was recorded: "opened", "approval", "script" ...
    kind: str
    #: A login; "lockkeeper" where nobody asked for it.
    by: str
    #: The state after it.
    state: str
    #: Why, as its author or a role has said it on the issue; "" where nothing was said.
    reason: str
    #: Of the event and all before it.
    hash: str
