"""How a command that works on ours ends: an error becomes sentences and an exit status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from bot.errors import LockkeeperError
from bot.terminal import words
from bot.terminal.answer import status_of, troubles_of


@contextmanager
def told_in_words() -> Iterator[None]:
    """An error of ours ends the command with its sentences on standard error and its status."""
    try:
        yield
    except LockkeeperError as error:
        for line in words.troubles(troubles_of(error)):
            click.echo(line, err=True)
        raise click.exceptions.Exit(status_of(error)) from error
