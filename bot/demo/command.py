"""`lockkeeper demo`: sets the stage, opens an order, and leaves the rest to whoever tries it, or plays it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from bot.demo import shop as shops
from bot.demo.play import Play, Stopped, await_state, start, told
from bot.demo.stage import PACE, PEOPLE, Stage, staged
from bot.demo.transcript import transcript
from bot.embedded import Cluster
from bot.errors import LockkeeperError
from bot.terminal.outcomes import told_in_words

#: Those of Lockkeeper's own, and the shop's.
CLUSTERS = ("ours", "shadow", shops.CLUSTER)

#: Lines of each log that are shown where something went wrong.
_LOG_LINES = 25


@click.command()
@click.option("--auto", is_flag=True, help="Play the whole journey, print the transcript and end.")
def demo(auto: bool) -> int:
    """Try Lockkeeper here: a shop with traffic, a stand-in for GitHub, an order to approve.

    Everything listens on 127.0.0.1 only, is kept in a folder of its own, and ends with Ctrl-C.
    """
    clock = _Clock()
    with told_in_words(), _own_home() as home, _ended_by_signals():
        try:
            clock.say(f"Setting the stage in {home}; logs in {home / 'logs'}.")
            pace = " ".join(f"{name}={value}" for name, value in PACE.items())
            clock.say(f"The one setting that is not the default: {pace}.")
            with staged(home, clock.say) as stage:
                clock.say("The stage is set.")
                status = _played(stage, clock) if auto else _handed_over(stage, clock)
                clock.say("Ending everything.")
        except LockkeeperError:
            _show_logs(home / "logs")
            raise
        except KeyboardInterrupt:
            click.echo()
            clock.say("Everything has ended.")
            return 0
    clock.say("Everything has ended.")
    return status


class _Clock:
    """Says what happens, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, text: str) -> None:
        click.echo(f"[{time.monotonic() - self._began:6.1f} s] {text}")


def _played(stage: Stage, clock: _Clock) -> int:
    """The exit status: 0 if all was seen."""
    play = Play(stage, clock.say)
    began = time.monotonic()
    stopped: Stopped | None = None
    try:
        play.run()
    except Stopped as error:
        stopped = error
    seconds = time.monotonic() - began
    for line in transcript(stage.hub):
        click.echo(line)
    if stopped is not None:
        _show_logs(stage.logs)
        click.echo(f"\nStopped: {stopped}")
    click.echo(f"\nWhat was to be seen, in {seconds:.0f} s:\n")
    for line in play.seen.lines():
        click.echo(line)
    click.echo()
    return 0 if stopped is None and play.seen.is_whole else 1


def _handed_over(stage: Stage, clock: _Clock) -> int:
    """Opens an order, says what to do with it, and stays."""
    asked_on = stage.hub.open_issue("ana", "The old checkout is gone", "Its column can go, too.")
    order = start(stage, asked_on, shops.TIDY_ORDERS, clock.say)
    clock.say("It is analysed, rehearsed and reviewed; that takes some seconds.")
    await_state(stage, order, "awaiting_approval")
    people = ", ".join(f"{login} ({role})" for login, role in PEOPLE.items())
    click.echo(
        f"""
Order #{order} awaits its approval:

    {stage.hub.page_of(order)}

The page lets you comment as {people}. ana is the author, dba the supervisor.
Three lines to type there, as dba:

    /wo approve
    /wo rollback
    /wo done "what you saw"         (instead of the rollback)

A second order: comment as ana on #{asked_on}

    wo:start database-migration --sql {shops.CUSTOMER_TIERS}

Logs: {stage.logs}
Ctrl-C ends everything."""
    )
    while True:
        threading.Event().wait(10)
        figures = stage.traffic.take()
        clock.say(f"The shop's traffic: {told(figures)}.")


@contextmanager
def _own_home() -> Iterator[Path]:
    """A new folder for one demo. At its end all but the logs is removed."""
    home = _folder() / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    # Passable: where we are root, Postgres's account has to get to its data.
    home.mkdir(mode=0o711, parents=True)
    try:
        yield home
    finally:
        for name in CLUSTERS:
            Cluster(home=home, name=name, settings={}).remove()
        for path in home.iterdir():
            if path.name != "logs":
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _folder() -> Path:
    """Below LOCKKEEPER_HOME, else in the checkout, else in the machine's folder for what is temporary."""
    told_home = os.environ.get("LOCKKEEPER_HOME")
    if told_home:
        return Path(told_home).expanduser().absolute() / "demo"
    checkout = Path(__file__).parents[2]
    if (checkout / "pyproject.toml").exists():
        return checkout / ".home" / "demo"
    folder = Path(tempfile.mkdtemp(prefix="lockkeeper-demo-"))
    folder.chmod(0o711)
    return folder


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end everything as Ctrl-C does.

    SIGINT is set as well, since a shell lets what it starts in the background ignore it; SIGHUP
    stays ignored where `nohup` asked for that.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, _interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _show_logs(logs: Path) -> None:
    for log in sorted(logs.glob("*.log")) if logs.exists() else ():
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        if lines:
            click.echo(f"\n--- the end of {log}")
            for line in lines:
                click.echo(line)
