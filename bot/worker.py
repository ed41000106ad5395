"""Takes jobs off the queue and runs them, rescues those of dead workers, and sweeps up what has none."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from procrastinate import App

from bot import log, queue
from bot.assembly import assembled
from bot.jobs import Runner
from bot.services import Services
from bot.settings import Settings

logger = logging.getLogger(__name__)

#: Between two removals of what is over, in rounds of the sweep.
_FORGET_EVERY = 3600

#: Between two looks for webhooks that never arrived; the first one is given some time to arrive.
_MISSED_EVERY_SECONDS, _MISSED_FIRST_SECONDS = 300.0, 30.0

_LONGEST_RESTART_PAUSE_SECONDS = 30.0


def run_worker(settings: Settings, services: Services | None = None) -> None:
    """Runs jobs until SIGTERM or SIGINT; jobs in hand are ended first.

    With services given, they stay open; else they are opened and closed.
    """
    log.configure(settings.log_format, settings.log_level)
    with contextlib.ExitStack() as resources:
        if services is None:
            services = resources.enter_context(assembled(settings))
        worker = Worker(services)
        resources.enter_context(_told_by_signals(worker.stop))
        worker.run()


class Worker:
    """A process's worker. Any number of them, anywhere, share one queue."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._runner = Runner(services)
        self._pace = services.settings.pace
        self._stopped = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Event | None = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Ends `run` once the jobs in hand have ended. From any thread or signal handler."""
        self._stopped.set()
        self._services.stopping.set()
        with self._lock:
            if self._loop is not None and self._told is not None:
                self._loop.call_soon_threadsafe(self._told.set)

    def run(self) -> None:
        """Runs jobs until `stop` is called."""
        keeper = threading.Thread(target=self._keep_house, name="housekeeping", daemon=True)
        keeper.start()
        logger.info("The worker takes jobs.", extra={"orders_at_once": self._pace.orders_at_once})
        try:
            asyncio.run(self._run())
        finally:
            self._stopped.set()
            keeper.join()
        logger.info("The worker has stopped.")

    async def _run(self) -> None:
        threads = self._pace.orders_at_once + self._pace.commands_at_once
        with ThreadPoolExecutor(threads, thread_name_prefix="job") as executor:
            asyncio.get_running_loop().set_default_executor(executor)
            with self._lock:
                self._loop, self._told = asyncio.get_running_loop(), asyncio.Event()
            try:
                await self._run_until_told(self._told)
            finally:
                with self._lock:
                    self._loop = self._told = None

    async def _run_until_told(self, told: asyncio.Event) -> None:
        # procrastinate's worker ends by itself when the database goes away; ours begins anew.
        pause = self._pace.first_pause_seconds
        while not self._stopped.is_set():
            try:
                async with queue.app(
                    self._services.pool.dsn, self._runner, connections=6
                ).open_async() as app:
                    await self._serve(app, told)
                pause = self._pace.first_pause_seconds
            except queue.FAILURES as error:
                logger.warning("The queue cannot be reached.", extra={"error": type(error).__name__})
            if not self._stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), pause)
                pause = min(2 * pause, _LONGEST_RESTART_PAUSE_SECONDS)

    async def _serve(self, app: App, told: asyncio.Event) -> None:
        common: dict[str, Any] = {
            "install_signal_handlers": False,
            "fetch_job_polling_interval": self._pace.poll_seconds,
            "update_heartbeat_interval": self._pace.heartbeat_seconds,
            "stalled_worker_timeout": self._pace.stalled_after_seconds,
        }
        # Two, so that hours of orders cannot keep a command waiting, `pause` among them.
        servers = [
            asyncio.create_task(
                app.run_worker_async(queues=[name], name=name, concurrency=concurrency, **common)
            )
            for name, concurrency in (
                (queue.COMMANDS, self._pace.commands_at_once),
                (queue.ORDERS, self._pace.orders_at_once),
            )
        ]
        waiter = asyncio.create_task(told.wait())
        await asyncio.wait([*servers, waiter], return_when=asyncio.FIRST_COMPLETED)
        for task in (*servers, waiter):
            # A cancelled server takes nothing new and waits for what it has in hand.
            task.cancel()
        results = await asyncio.gather(*servers, waiter, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    def _keep_house(self) -> None:
        rounds = 0
        look_at = time.monotonic() + _MISSED_FIRST_SECONDS
        while not self._stopped.wait(self._pace.sweep_seconds):
            self._runner.keep_house(forgets=rounds % _FORGET_EVERY == 0)
            rounds += 1
            if time.monotonic() >= look_at:
                self._runner.look_for_missed()
                look_at = time.monotonic() + _MISSED_EVERY_SECONDS


@contextlib.contextmanager
def _told_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop`; a second one ends the process as if we had said nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield  # whoever has the main thread has the signals
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def handle(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
