"""`lockkeeper diff`: in what two databases' schemas differ."""

from __future__ import annotations

import json
from contextlib import closing

import click
import psycopg

from bot.errors import LockkeeperError
from bot.render import escape
from bot.terminal import inputs, words
from bot.terminal.answer import Status, status_of, troubles_of
from workorders.migration import sessions
from workorders.migration.catalog import diff as differences
from workorders.migration.catalog import fingerprint as fingerprints
from workorders.migration.catalog.fingerprint import Fingerprint


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def diff(first: str, second: str, as_json: bool) -> None:
    """Tell in what two databases' schemas differ. Changes nothing.

    A and B are connection strings. What is new is in B alone, what is missing in A alone. Rows are
    not compared, and what Lockkeeper keeps for its own use is left out.

    \b
    Exit status: 0 the same, 1 different, 2 usage, 4 a database could not be read.
    """
    before, after = (
        _fingerprint(inputs.database_url(url), name) for url, name in ((first, "A"), (second, "B"))
    )
    found = differences.compare(before, after)
    if as_json:
        content = {
            "hashes": [before.hash, after.hash],
            "differences": [
                {
                    "object": each.key,
                    "attribute": each.attribute or None,
                    "before": each.before,
                    "after": each.after,
                    "words": str(each),
                }
                for each in found
            ],
        }
        click.echo(json.dumps(content, indent=2, ensure_ascii=False))
    else:
        for each in found:
            click.echo(escape.visible(str(each)))
        click.echo(
            f"{len(found)} difference{'' if len(found) == 1 else 's'}." if found else "The same schema."
        )
    raise click.exceptions.Exit(1 if found else 0)


def _fingerprint(url: str, name: str) -> Fingerprint:
    try:
        with closing(sessions.connect(url)) as target:
            return fingerprints.read(target)
    except LockkeeperError as error:
        for line in words.troubles(troubles_of(error)):
            click.echo(f"{name}: {line}", err=True)
        raise click.exceptions.Exit(status_of(error)) from error
    except psycopg.Error as error:
        # Not str(error): the server's message may quote rows.
        click.echo(
            f"{name}: The server refused a query of ours: {error.sqlstate or 'no SQLSTATE'}.", err=True
        )
        raise click.exceptions.Exit(Status.BLOCKED) from error
