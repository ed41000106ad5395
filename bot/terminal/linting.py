"""`lockkeeper lint`: what a script would do to those who use the database, before anybody runs it."""

from __future__ import annotations

from contextlib import closing

import click
import psycopg

from bot.errors import LockkeeperError, Unreadable
from bot.render import findings
from bot.render.findings import File
from bot.terminal import inputs
from workorders.migration import sessions
from workorders.migration.catalog import read as catalogs
from workorders.migration.connections import Target
from workorders.migration.hazards import emptiness
from workorders.migration.hazards.hanging import hanging
from workorders.migration.hazards.linting import Linted
from workorders.migration.hazards.linting import lint as linted

_FORMATS = ("text", "json", "sarif", "github")


@click.command()
@click.argument("paths", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--database",
    metavar="URL",
    help="A database on which the files have not been run yet: what it shows to be harmless is not said.",
)
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True)
def lint(paths: tuple[str, ...], database: str | None, form: str) -> None:
    """Name the hazards of SQL files, each with its way out. Changes nothing.

    Each FILE is a script of plain SQL, judged by itself; - is standard input. The one statement
    that follows a comment `-- lockkeeper: allow HAZARD because REASON` is allowed that hazard.

    \b
    Exit status: 0 no hazard, 1 hazards, 2 a file, a comment or the database
    could not be read. Notes and what is allowed are no hazards.
    """
    if database is None:
        files = tuple(_file(path, None) for path in paths)
    else:
        files = _on_database(paths, inputs.database_url(database))
    match form:
        case "json":
            click.echo(findings.as_json(files))
        case "sarif":
            click.echo(findings.sarif(files))
        case _:
            for line in (findings.github if form == "github" else findings.text)(files):
                click.echo(line)
    raise click.exceptions.Exit(_status(files))


def _on_database(paths: tuple[str, ...], url: str) -> tuple[File, ...]:
    try:
        with closing(sessions.connect(url)) as target:
            return tuple(_file(path, target) for path in paths)
    except LockkeeperError as error:
        raise click.UsageError(str(error)) from error
    except psycopg.Error as error:
        # Not str(error): the server's message may quote rows.
        raise click.UsageError(
            f"The server refused a query of ours with SQLSTATE {error.sqlstate or 'none'}. Check that the"
            " role may read the catalog and that the server is up."
        ) from error


def _file(path: str, target: Target | None) -> File:
    # A name that is no text can be opened, but neither printed nor be written as JSON.
    return File(path=click.format_filename(path), linted=_linted(path, target))


def _linted(path: str, target: Target | None) -> Linted:
    try:
        script = inputs.script(path)
    except click.BadParameter as error:
        # The other files are judged all the same.
        return Linted(problems=(Unreadable(error.message, ""),))
    if target is None:
        return linted(script)
    catalog = catalogs.read(target)
    return linted(script, catalog, emptiness.empty(target, catalog, script), hanging(target, script))


def _status(files: tuple[File, ...]) -> int:
    if any(file.linted.problems for file in files):
        return 2
    return 1 if any(file.linted.hazards for file in files) else 0
