"""A worker in a process of its own, with a conductor that marks what it does.

`hangs`: begins and never ends. `works`: moves an analysing order on.
"""

from __future__ import annotations

import os
import sys
import threading

from bot.perform import Decided, settle
from bot.services import Services
from bot.settings import Settings
from bot.store import orders
from bot.worker import run_worker
from workorders.intents import Move
from workorders.lifecycle import Event
from workorders.order import State


class Marking:
    """Writes who began and who ended into the table `marks`."""

    def __init__(self, services: Services, *, hangs: bool) -> None:
        self._services = services
        self._hangs = hangs

    def mark(self, what: str) -> None:
        with self._services.pool.transaction() as ours:
            ours.execute("INSERT INTO marks (pid, what) VALUES (%s, %s)", [os.getpid(), what])

    def advance(self, order_id: int) -> None:
        with self._services.pool.transaction() as ours:
            order = orders.read(ours, order_id)
        assert order is not None
        if order.state is not State.ANALYSING:
            return
        self.mark("begun")
        if self._hangs:
            threading.Event().wait()
        move = Move(order_id=order_id, event=Event.ANALYSED, by=None)
        settle(self._services, lambda: Decided(intents=(move,), decided_on=(order,)))
        self.mark("ended")


def main() -> None:
    settings = Settings.from_environment()
    with Services.open(settings) as services:
        services.conductors[""] = Marking(services, hangs=sys.argv[1] == "hangs")
        run_worker(settings, services)


if __name__ == "__main__":
    main()
