"""`lockkeeper corpus`: a project's migration history as a measure of the engine. No target is touched."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bot.render import escape
from bot.settings import Settings
from bot.shadow import workshop
from bot.terminal import inputs
from bot.terminal.answer import Status
from bot.terminal.outcomes import told_in_words
from workorders.migration.corpus import layouts
from workorders.migration.corpus.outcome import Kind, Outcome, Totals
from workorders.migration.corpus.runner import Corpus

#: A difference in every table of a database would hide the next file's line.
_REASONS_SHOWN = 8


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--database",
    metavar="URL",
    help="A superuser's URL of a throw-away server. Default: the embedded one.",
)
@click.option("--pattern", metavar="GLOB", help="Which files of DIR are migrations. Default: *.sql.")
@click.option("--begin", metavar="FILE", help="Files before this one are run by psql alone, and not told of.")
@click.option(
    "--proofs",
    is_flag=True,
    help="Rehearse each file as well: the proofs under writes, some seconds a file more.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object a line: a file each, then totals."
)
def corpus(
    folder: Path, database: str | None, pattern: str | None, begin: str | None, proofs: bool, as_json: bool
) -> None:
    """Measure the engine on a project's whole migration history.

    DIR holds the migrations of Prisma, Diesel, Flyway, goose, dbmate, golang-migrate or sqlx, or
    plain *.sql files. Each is planned, applied, rolled back, applied again and purged on a database
    with made-up rows, and compared with what psql makes of it. Exit status: 0 if nothing differs,
    nothing fails and, with --proofs, everything is proven, else 1.
    """
    with told_in_words():
        history = layouts.read(folder, pattern)
        names = [migration.name for migration in history.migrations]
        if begin is not None and begin not in names:
            raise click.BadParameter(f"{begin!r} is none of the {len(names)} files.", param_hint="--begin")
        settings = Settings.from_environment()
        if database is not None:
            settings = replace(settings, shadow_url=inputs.database_url(database))
        if not as_json:
            click.echo(f"{len(names)} files, layout {history.layout}", err=True)
        outcomes = []
        with (
            workshop(settings) as place,
            Corpus(place.server, place.binaries, with_proofs=proofs) as runner,
        ):
            for outcome in runner.run(history.migrations, begin=begin):
                outcomes.append(outcome)
                for line in [json.dumps(_object(outcome))] if as_json else _lines(outcome):
                    click.echo(line)
        totals = Totals.of(outcomes)
        click.echo(json.dumps({"totals": _totals(totals)}) if as_json else _sentence(totals))
    raise click.exceptions.Exit(Status.DONE if totals.is_clean else Status.FAILED)


def _object(outcome: Outcome) -> Mapping[str, Any]:
    return {
        "file": outcome.file,
        "outcome": outcome.kind.value,
        "seconds": round(outcome.seconds, 3),
        "reasons": list(outcome.reasons),
        "notes": list(outcome.notes),
    }


def _totals(totals: Totals) -> Mapping[str, Any]:
    return {
        "files": totals.counts.total(),
        **{kind.value: totals.counts[kind] for kind in Kind},
        "seconds": round(totals.seconds, 3),
    }


def _lines(outcome: Outcome) -> list[str]:
    shown = [*outcome.reasons[:_REASONS_SHOWN]]
    if len(outcome.reasons) > _REASONS_SHOWN:
        shown.append(f"and {len(outcome.reasons) - _REASONS_SHOWN} more")
    notes = f"  ({'; '.join(outcome.notes)})" if outcome.notes else ""
    return [
        f"{outcome.kind.value:10}  {outcome.seconds:5.2f} s  {escape.visible(outcome.file)}{notes}",
        *(f"{'':10}  {escape.visible(reason)}" for reason in shown),
    ]


def _sentence(totals: Totals) -> str:
    each = ", ".join(f"{totals.counts[kind]} {kind.value}" for kind in Kind if kind is not Kind.PSQL_FAILS)
    return (
        f"{totals.run_by_psql} of {totals.counts.total()} files run with psql: {each}."
        f" {totals.seconds:.0f} s."
    )
