"""The processes that stay: `serve` and `worker`; and `migrate`, which goes before them."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NoReturn

import click

from bot import log
from bot import services as services_of
from bot.app import run_web
from bot.assembly import assembled
from bot.errors import Broken, new_reference
from bot.services import Services
from bot.settings import Settings
from bot.terminal.outcomes import told_in_words
from bot.worker import Worker, run_worker

_logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@click.command()
@click.option("--web-only", is_flag=True, help="Take no jobs: workers run elsewhere.")
def serve(web_only: bool) -> None:
    """Answer GitHub and work on orders, until told to end.

    SIGTERM and SIGINT let requests and jobs in hand end; a second one does not wait for them.
    """
    with told_in_words(), _ending_when_told():
        settings = Settings.from_environment()
        log.configure(settings.log_format, settings.log_level)
        with ExitStack() as resources:
            services = resources.enter_context(assembled(settings))
            if not web_only:
                resources.enter_context(_working(services))
            run_web(settings, services, ready=_ready)


@click.command()
def worker() -> None:
    """Work on orders, until told to end.

    SIGTERM and SIGINT let jobs in hand end; a second one does not wait for them.
    """
    with told_in_words(), _ending_when_told():
        run_worker(Settings.from_environment())


@click.command()
def migrate() -> None:
    """Bring the schema of Lockkeeper's own database up to date.

    Forwards only, under a lock; a second run finds nothing to do.
    """
    with told_in_words():
        applied = services_of.migrate(Settings.from_environment())
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("The schema is up to date.")


def _ready(address: str) -> None:
    click.echo(f"Lockkeeper answers at {address}")


@contextmanager
def _ending_when_told() -> Iterator[None]:
    """Until something better listens to them, both signals end the process with what is open closed."""
    before = {number: signal.signal(number, _exit) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


@contextmanager
def _working(services: Services) -> Iterator[None]:
    """A worker beside what the block does; told to end, and waited for, when the block has ended.

    A worker that fails ends the process: a web that takes orders which nobody works on is worse
    than one that is restarted. Raises Broken then.
    """
    worker = Worker(services)
    failed_as: list[str] = []

    def work() -> None:
        try:
            worker.run()
        except Exception as error:
            failed_as.append(new_reference())
            _logger.error("The worker failed.", exc_info=error, extra={"reference": failed_as[0]})
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    try:
        yield
    finally:
        # A second signal ends the process at once; what is left open finds its own end.
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        worker.stop()
        thread.join()
        if failed_as:
            raise Broken("The worker has failed.", reference=failed_as[0])
