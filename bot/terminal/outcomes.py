"""How a command that works on ours ends: an error becomes sentences and an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from bot.errors import Broken, LockkeeperError
from bot.terminal import words
from bot.terminal.answer import status_of, troubles_of


@contextmanager
def told_in_words() -> Iterator[None]:
    """An error of ours ends the command with its sentences on standard error and its status."""
    try:
        yield
    except LockkeeperError as error:
        # Elsewhere a broken promise of ours leaves a run in a target to be looked at.
        lines = (str(error),) if isinstance(error, Broken) else words.troubles(troubles_of(error))
        for line in lines:
            click.echo(line, err=True)
        raise click.exceptions.Exit(status_of(error)) from error
