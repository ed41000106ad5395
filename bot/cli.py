"""The `lockkeeper` command: one table of its commands, each loaded only when it is run.

A command is added by one line of `COMMANDS`; its function lives in a module of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module

import click

from handlers.commands import KINDS


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a command lives, and the line that the list of commands shows of it."""

    module: str
    #: The command, or a mapping that has it under the entry's own name.
    attribute: str
    summary: str


_ENGINE = "bot.terminal.engine"
_RUNNING = "bot.terminal.running"

#: In the order in which they are listed.
COMMANDS: Mapping[str, Entry] = {
    "lint": Entry(
        module="bot.terminal.linting",
        attribute="lint",
        summary="Name the hazards of SQL files, each with its way out. Changes nothing.",
    ),
    "plan": Entry(
        module=_ENGINE, attribute="plan", summary="Show impact, plan and rollback. Changes nothing."
    ),
    "rehearse": Entry(
        module=_ENGINE,
        attribute="rehearse",
        summary="Prove the plan on copies of the target. Changes nothing.",
    ),
    "verify": Entry(
        module="bot.terminal.verify",
        attribute="verify",
        summary="Run a proof again and say what differs. Changes nothing.",
    ),
    "apply": Entry(
        module=_ENGINE, attribute="apply", summary="Rehearse, ask, execute; undo at once what fails."
    ),
    "rollback": Entry(
        module=_ENGINE, attribute="rollback", summary="Undo a run, with every row written since."
    ),
    "finish": Entry(
        module=_ENGINE, attribute="finish", summary="Mark a run as finished; with --purge, for good."
    ),
    "fingerprint": Entry(
        module=_ENGINE, attribute="fingerprint", summary="Show the whole schema as a value and its hash."
    ),
    "diff": Entry(
        module="bot.terminal.comparing",
        attribute="diff",
        summary="Tell in what two databases' schemas differ. Changes nothing.",
    ),
    "atlas": Entry(
        module="bot.terminal.atlas",
        attribute="atlas",
        summary="Try every kind of statement on a server, and say where it does something unexpected.",
    ),
    "corpus": Entry(
        module="bot.terminal.corpus",
        attribute="corpus",
        summary="Measure the engine on a project's whole migration history.",
    ),
    "demo": Entry(
        module="bot.demo.command",
        attribute="demo",
        summary="Try Lockkeeper here: a shop with traffic, a stand-in for GitHub, an order to approve.",
    ),
    "serve": Entry(
        module=_RUNNING, attribute="serve", summary="Answer GitHub and work on orders, until told to end."
    ),
    "worker": Entry(module=_RUNNING, attribute="worker", summary="Work on orders, until told to end."),
    "migrate": Entry(
        module=_RUNNING,
        attribute="migrate",
        summary="Bring the schema of Lockkeeper's own database up to date.",
    ),
    "database": Entry(
        module="bot.terminal.databases",
        attribute="database",
        summary="Bind the databases that orders may name.",
    ),
    "log": Entry(
        module="bot.terminal.history", attribute="log", summary="Show what happened to an order, in order."
    ),
    **{
        f"wo:{kind.verb}": Entry(module="bot.terminal.work_orders", attribute="COMMANDS", summary=kind.help)
        for kind in KINDS
    },
}


class Commands(click.Group):
    """A group that knows its commands by name, and imports only the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (the table is one for all)
        """The table's names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as above)
        """Imports the command's module."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        found = getattr(import_module(entry.module), entry.attribute)
        command: click.Command = found[cmd_name] if isinstance(found, Mapping) else found
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (as above)
        """Lists them from the table alone, so that `--help` loads no engine."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lockkeeper", prog_name="lockkeeper")
def lockkeeper() -> None:
    """Postgres schema migrations: planned online, proven in rehearsal, undone without losing a row.

    \b
    Exit status: 0 done, 1 failed and undone, 2 usage, 3 refused and nothing changed,
    4 blocked: something or somebody has to decide or give way first.
    lint and diff have their own: see their --help.
    """


def main() -> None:
    """The entry point of the console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; its exit status."""
    try:
        status = lockkeeper.main(list(arguments), prog_name="lockkeeper", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        if "--json" in arguments:
            # Whoever reads our standard output expects one object there, whatever is wrong.
            from bot.terminal.answer import of_usage  # noqa: PLC0415 (loads the engine, which --help need not)

            click.echo(of_usage(error.format_message()).to_json())
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return 130
    return status if isinstance(status, int) else 0
