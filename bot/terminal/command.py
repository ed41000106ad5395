"""What the engine's commands have in common: their options, and how each ends with one answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

import click
import psycopg

from bot.errors import Broken, LockkeeperError, Problem, new_reference
from bot.log import configure
from bot.terminal import inputs
from bot.terminal.answer import Answer, Status, Trouble, of_error
from bot.terminal.voice import Voice
from workorders.migration import sessions
from workorders.migration.application import Interrupted
from workorders.migration.connections import Target

_logger = logging.getLogger(__name__)

_Command = TypeVar("_Command", bound=Callable[..., Any])


def with_database(command: _Command) -> _Command:
    """`--database` and `--json`, which all have."""
    command = click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")(
        command
    )
    return click.option("--database", required=True, metavar="URL", help="The target's connection string.")(
        command
    )


def give(database: str, as_json: bool, work: Callable[[Target, str, Voice], Answer]) -> None:
    """Connects, does the work, and ends the command with its answer, whatever comes."""
    url = inputs.database_url(database)
    voice = Voice(as_json=as_json)
    try:
        with closing(sessions.connect(url)) as target:
            answer = work(target, inputs.completed(url, target), voice)
    except LockkeeperError as error:
        answer = of_error(error)
    except psycopg.Error as error:
        # Not str(error): the server's message may quote rows.
        problem = Problem(
            line=None,
            reason=f"The server refused a query of ours with SQLSTATE {error.sqlstate or 'none'}.",
            next_move="Check that the role may read the catalog and that the server is up.",
        )
        trouble = Trouble(problem=problem, sqlstate=error.sqlstate)
        answer = Answer(status=Status.BLOCKED, state="blocked", troubles=(trouble,))
    except KeyboardInterrupt:
        interrupted = "It was interrupted from the keyboard."
        answer = of_error(
            Interrupted(interrupted, "SELECT run, state FROM lockkeeper.runs; shows what began.")
        )
    except Exception:
        reference = new_reference()
        configure("text", "INFO")
        _logger.exception("a command ended in a way that nobody foresaw", extra={"reference": reference})
        answer = of_error(Broken("The command could not be ended.", reference=reference))
    voice.answer(answer)
    raise click.exceptions.Exit(answer.status)
