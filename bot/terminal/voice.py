"""Where a command's words go: its answer to standard output, what happens meanwhile to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from bot.render import escape
from bot.terminal import words
from bot.terminal.answer import Answer
from workorders.migration.application import Proposal


class Voice:
    """Speaks to a person, or, with `--json`, one object to a program. Hears a run's progress."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._is_in_a_line = False

    def show(self, lines: Iterable[str]) -> None:
        """A part of the answer. With `--json` it is left to the object."""
        if not self._as_json:
            for line in lines:
                click.echo(line)

    def say(self, text: str) -> None:
        """Something that happens meanwhile."""
        self._end_line()
        click.echo(text, err=True)

    def confirm(self, proposal: Proposal, question: str) -> bool:
        """Asks the person at the terminal, who has been shown everything."""
        if self._as_json:
            # The object comes at the end; whoever is asked has to see the plan before.
            for line in (*words.head(proposal.plan), *words.steps(proposal.plan, {})):
                click.echo(line, err=True)
        click.echo(err=True)
        try:
            return click.confirm(question, err=True)
        except click.Abort:
            # Ctrl-C or the end of the input: whoever does not answer has not agreed.
            return False

    def answer(self, answer: Answer) -> None:
        """The last word."""
        self._end_line()
        if self._as_json:
            click.echo(answer.to_json())
        for note in answer.notes:
            click.echo(escape.visible(note), err=True)
        for line in words.troubles(answer.troubles):
            click.echo(line, err=True)

    def began(self, title: str, number: int, total: int) -> None:
        """An action begins: its line is left open for its time."""
        self._end_line()
        width = len(str(total))
        click.echo(f"  {str(number).rjust(width)}/{total}  {escape.visible(title)}", err=True, nl=False)
        self._is_in_a_line = True

    def batch_ended(self, title: str, batches: int) -> None:  # noqa: ARG002 (the line has its title)
        """On a terminal each tenth batch is a dot."""
        if self._is_in_a_line and batches % 10 == 0 and sys.stderr.isatty():
            click.echo(".", err=True, nl=False)

    def ended(self, title: str, milliseconds: float) -> None:  # noqa: ARG002 (as above)
        """Its time ends the line."""
        click.echo(f"  {milliseconds:.0f} ms", err=True)
        self._is_in_a_line = False

    def _end_line(self) -> None:
        if self._is_in_a_line:
            click.echo(err=True)
            self._is_in_a_line = False
