"""Targets: `database add`, `database list`, `database remove`."""

from __future__ import annotations

import re
import sys
from contextlib import closing

import click

from bot.errors import Refused
from bot.services import Services
from bot.settings import Settings
from bot.store import databases
from bot.store.databases import BoundRepository
from bot.terminal import inputs
from bot.terminal.outcomes import told_in_words
from workorders.migration import sessions

#: As a policy may name a target.
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")


@click.group()
def database() -> None:
    """Bind the databases that orders may name."""


@database.command()
@click.argument("name", metavar="NAME")
@click.argument("url", metavar="URL")
@click.option(
    "--repository",
    "repositories",
    metavar="OWNER/NAME",
    multiple=True,
    required=True,
    help="A repository whose orders may name it. May be repeated.",
)
def add(name: str, url: str, repositories: tuple[str, ...]) -> None:
    """Bind a database to a name, or give a known name a new URL.

    URL is a connection string of Postgres; - reads it from standard input, so that its password
    stands in no list of processes. It is tried, and kept encrypted.
    """
    if not _NAME.fullmatch(name):
        raise click.BadParameter(
            f"{name!r} is no name of a target: small letters, digits, - and _, at most 40.", param_hint="NAME"
        )
    for full_name in repositories:
        if not _REPOSITORY.fullmatch(full_name):
            raise click.BadParameter(f"{full_name!r} is not OWNER/NAME.", param_hint="--repository")
    given = inputs.database_url(sys.stdin.readline().strip() if url == "-" else url)
    with told_in_words(), Services.open(Settings.from_environment()) as services:
        is_superuser = _tried(given)
        found = tuple(_found(services, full_name) for full_name in dict.fromkeys(repositories))
        with services.pool.transaction() as ours:
            databases.bind(ours, services.vault, name, given, found)
    click.echo(f"{name} may be named by orders of {', '.join(each.full_name for each in found)}.")
    if is_superuser:
        click.echo(
            "Warning: its role is a superuser, whom nothing bounds. Give the role that owns the tables.",
            err=True,
        )


@database.command("list")
def list_() -> None:
    """Show the names that are bound, without their URLs."""
    with told_in_words(), Services.open(Settings.from_environment()) as services:
        with services.pool.transaction() as ours:
            found = databases.every(ours)
    for each in found:
        click.echo(f"{each.name}  {', '.join(sorted(every.full_name for every in each.repositories))}")
    if not found:
        click.echo("No database is bound. Run: lockkeeper database add NAME URL --repository OWNER/NAME")


@database.command()
@click.argument("name", metavar="NAME")
def remove(name: str) -> None:
    """Forget a name and its URL. The database itself is left as it is."""
    with told_in_words(), Services.open(Settings.from_environment()) as services:
        with services.pool.transaction() as ours:
            was_there = databases.forget(ours, name)
        if not was_there:
            raise Refused.because(
                f"No database is bound to the name {name}.", "lockkeeper database list shows those that are."
            )
    click.echo(f"{name} is forgotten. Orders on it wait until the name is bound again.")


def _tried(dsn: str) -> bool:
    """Whether the role is a superuser. Raises Blocked where the database cannot be reached."""
    with closing(sessions.connect(dsn)) as target:
        return bool(target.info.parameter_status("is_superuser") == "on")


def _found(services: Services, full_name: str) -> BoundRepository:
    """The repository by the id that it keeps when it is renamed."""
    found = services.app().find_repository(full_name)
    if found is None:
        raise Refused.because(
            f"Lockkeeper's App is not installed on {full_name}, or there is no such repository.",
            "Install the App there, then run this again.",
        )
    return BoundRepository(id=found.id, full_name=found.full_name)
