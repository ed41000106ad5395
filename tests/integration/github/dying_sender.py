"""A process that sends what is due and is killed with -9 at the n-th crossing of the way to GitHub and back.

Reads one JSON object from stdin. Exits with 0 if it got to the end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from bot.github.app import App
from bot.github.marker import Marker
from bot.github.outbox import Outbox
from bot.github.port import GitHub
from bot.store.ours import Pool

_WRITES = frozenset({"open_issue", "change_issue", "comment", "edit_comment", "react", "set_state_label"})


class Dying:
    """GitHub, with death before and after each write."""

    def __init__(self, github: GitHub, die_at: int) -> None:
        self._github = github
        self._left = die_at

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._github, name)
        return self._between(method) if name in _WRITES else method

    def _between(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*values: Any) -> Any:
            self._cross()
            answer = method(*values)
            self._cross()
            return answer

        return call

    def _cross(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    told = json.load(sys.stdin)
    pool = Pool(told["dsn"], size=3)
    app = App(id=told["app_id"], private_key=told["private_key"], api_url=told["api_url"])
    github = Dying(app.installation(told["installation_id"]), told["die_at"])
    outbox = Outbox(
        pool=pool,
        github=lambda _: cast(GitHub, github),
        marker=Marker(key=told["marker_key"].encode()),
        pause_seconds=0,
    )
    outbox.send_due(datetime.fromisoformat(told["now"]))
    app.close()
    pool.close()


if __name__ == "__main__":
    main()
