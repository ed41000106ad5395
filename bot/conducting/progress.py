"""One living comment that shows how far a run is, and a run's listeners."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from bot.perform import Decided, perform
from bot.queue import FAILURES
from bot.services import Services
from workorders.intents import Say
from workorders.migration.backfill import usual_speed
from workorders.migration.onlookers import Stopped
from workorders.order import Order
from workorders.report import Finding, Grid, Report, Section, named
from workorders.roles import words

logger = logging.getLogger(__name__)

#: Often at first, when everybody looks; then seldom.
_FIRST_SECONDS, _FIRST_PAUSE, _LATER_PAUSE = 60.0, 5.0, 30.0

#: So many of the last actions are shown.
_SHOWN = 12


class LivingComment:
    """Hears an executor and keeps one comment up to date. Also keeps the log of all that it heard."""

    def __init__(
        self,
        services: Services,
        order: Order,
        run: str,
        title: str,
        *,
        speed: Callable[[], float] = usual_speed,
    ) -> None:
        self._services = services
        self._speed = speed
        self._order = order
        self._key = f"progress:{run}:{title.lower()}"
        self._title = title
        self._began = time.monotonic()
        self._said_at = float("-inf")
        self._now = ""
        #: Every action that has ended, with its milliseconds.
        self.log: list[tuple[str, float]] = []

    def began(self, title: str, number: int, total: int) -> None:
        """An action begins."""
        self._now = f"Step {number} of {total}: {named(title)}."
        self._say_if_due()

    def batch_ended(self, title: str, batches: int) -> None:
        """Another batch is done."""
        percent = round(self._speed() * 100)
        steered = "" if percent == 100 else f" It goes at {percent} % of its usual speed."
        self._now = f"{named(title)}: {words.count(batches, 'batch')} done.{steered}"
        self._say_if_due()

    def ended(self, title: str, milliseconds: float) -> None:
        """An action is done."""
        self.log.append((title, milliseconds))
        self._say_if_due()

    @property
    def milliseconds(self) -> float:
        """Since the run began to be heard."""
        return (time.monotonic() - self._began) * 1000

    def say(self, summary: str, finding: Finding) -> None:
        """The last word."""
        self._now = summary
        self._say(finding)

    def stopped(self, because: str, finding: Finding) -> None:
        """The last word of a run that somebody has stopped; how far it came stays there."""
        self.say(f"{because} {self._now}".strip(), finding)

    def _say_if_due(self) -> None:
        now = time.monotonic()
        pause = _FIRST_PAUSE if now - self._began < _FIRST_SECONDS else _LATER_PAUSE
        if now - self._said_at >= pause:
            self._said_at = now
            try:
                self._say(Finding.NOTE)
            except FAILURES as error:
                # Said again when it is due; the run in the target depends on nobody's reading of it.
                logger.warning("Progress could not be told.", extra={"error": type(error).__name__})

    def _say(self, finding: Finding) -> None:
        shown = self.log[-_SHOWN:]
        rows = tuple((named(title), words.duration(milliseconds)) for title, milliseconds in shown)
        grid = (Section(title="Done so far", blocks=(Grid(header=("Step", "Time"), rows=rows),)),)
        report = Report(
            role="automation",
            title=f"{self._title}, step by step",
            summary=self._now,
            finding=finding,
            sections=grid if rows else (),
        )
        say = Say(
            repository=self._order.repository,
            number=None,
            order_id=self._order.id,
            content=report,
            key=self._key,
        )
        perform(self._services, Decided(intents=(say,)))


class Stopping:
    """Lets a worker that is told to end stop between two actions; the next one goes on there."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping

    def checkpoint(self) -> None:
        """Raises Stopped, and the run stays where it is, when the process is to end."""
        if self._stopping.is_set():
            raise Stopped("The worker is told to end.", "Another one goes on.")
