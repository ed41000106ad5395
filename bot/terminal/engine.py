"""The engine by hand: plan, rehearse, apply, rollback, finish, fingerprint. Without GitHub."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import click

from bot.embedded import binaries
from bot.errors import Blocked, LockkeeperError, Problem
from bot.settings import Settings
from bot.shadow import workshop
from bot.terminal import inputs, words
from bot.terminal.answer import Answer, Status, Trouble, status_of, troubles_of
from bot.terminal.command import give, with_database
from bot.terminal.voice import Voice
from workorders.migration import application, engine, validation
from workorders.migration import impact as impacts
from workorders.migration.acceptances import POSITIONAL, PUBLISHED, UNLOCKED
from workorders.migration.application import OTHER_MAJOR, Application, Execution, Proposal, Terms
from workorders.migration.catalog import fingerprint as fingerprints
from workorders.migration.connections import Target
from workorders.migration.errors import Failed
from workorders.migration.estimate import NO_EXPERIENCE, Work
from workorders.migration.executor import Outcome
from workorders.migration.limits import Limits
from workorders.migration.rehearsal.proof_file import ProofFile
from workorders.migration.rehearsal.proofs import measured
from workorders.migration.settle import Decision

_waiting = click.option(
    "--max-wait",
    type=click.FloatRange(min=0, min_open=True),
    default=Limits().max_wait_seconds,
    show_default=True,
    metavar="SECONDS",
    help="How long to try for one step's locks.",
)


@click.command()
@click.argument("file", metavar="FILE")
@with_database
def plan(file: str, database: str, as_json: bool) -> None:
    """Show impact, plan and rollback. Changes nothing.

    FILE is a script of plain SQL; - is standard input.
    """
    text = inputs.script(file)

    def work(target: Target, _: str, voice: Voice) -> Answer:
        prepared = engine.prepare(target, text, binaries=binaries())
        made = prepared.plan
        asked = validation.measure(target, validation.queries(made, prepared.catalog))
        found = impacts.analyse(target, made, prepared.catalog, asked, NO_EXPERIENCE)
        voice.show(
            [*words.head(made), *words.impact(found), *words.costs(found.estimates), *words.steps(made, {})]
        )
        return Answer(
            status=Status.DONE,
            state="planned",
            run=made.run,
            digest=made.digest,
            statements=made.statements,
            steps=made.steps,
            notes=tuple(f"To apply it, add --accept {needed}." for needed in made.acceptances),
            more={"impact": _plain(asdict(found))},
        )

    give(database, as_json, work)


@click.command()
@click.argument("file", metavar="FILE")
@with_database
@click.option(
    "--proof", "proof", metavar="OUT.json", help="Write what was proven to a file, for lockkeeper verify."
)
def rehearse(file: str, database: str, as_json: bool, proof: str | None) -> None:
    """Prove the plan on copies of the target. Changes nothing.

    FILE is a script of plain SQL; - is standard input.
    """
    text = inputs.script(file)
    out = None if proof is None else inputs.writable(proof)

    def work(target: Target, dsn: str, voice: Voice) -> Answer:
        voice.say("Rehearsing on copies of the target ...")
        with workshop(Settings.from_environment()) as place:
            proposal = Application(dsn=dsn, text=text).rehearse(place)
        estimates = impacts.foretold(target, proposal.rehearsal)
        voice.show([*words.head(proposal.plan), *words.proofs(proposal.rehearsal), *words.costs(estimates)])
        if out is not None:
            found = ProofFile.of(proposal.rehearsal, proposal.target_version, datetime.now(UTC))
            out.write_text(found.to_json(), encoding="utf-8")
            voice.say(f"The proof is in {out}.")
        return of_proposal(proposal)

    give(database, as_json, work)


@click.command()
@click.argument("file", metavar="FILE")
@with_database
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--allow-superuser", is_flag=True, help="Work as a superuser, whom nothing bounds.")
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    type=click.Choice([POSITIONAL, UNLOCKED, PUBLISHED, OTHER_MAJOR]),
    help="What you accept expressly; a refusal says which. May be repeated.",
)
@_waiting
def apply(
    file: str,
    database: str,
    as_json: bool,
    yes: bool,
    allow_superuser: bool,
    accepted: tuple[str, ...],
    max_wait: float,
) -> None:
    """Rehearse, ask, execute; undo at once what fails.

    FILE is a script of plain SQL; - is standard input, which needs --yes.
    """
    if not yes and (file == "-" or not sys.stdin.isatty()):
        raise click.UsageError("Nobody can be asked here, for there is no terminal: add --yes.")
    text = inputs.script(file)
    terms = Terms(accepted=frozenset(accepted), allow_superuser=allow_superuser)

    def work(target: Target, dsn: str, voice: Voice) -> Answer:
        def confirm(proposal: Proposal) -> bool:
            voice.show(
                [*words.head(proposal.plan), *words.steps(proposal.plan, measured(proposal.rehearsal))]
            )
            voice.show(words.proofs(proposal.rehearsal))
            if proposal.is_of_another_major:
                voice.say(_of_another_major(proposal))
            question = f"Execute {proposal.plan.run} in {target.info.dbname}?"
            agreed = yes or voice.confirm(proposal, question)
            if agreed:
                voice.say(f"Executing {proposal.plan.run} ...")
            return agreed

        wanted = Application(dsn=dsn, text=text, terms=terms, limits=Limits(max_wait_seconds=max_wait))
        voice.say("Rehearsing on copies of the target ...")
        with workshop(Settings.from_environment()) as place:
            applied = wanted.apply(place, confirm, progress=voice)
        if applied.execution is not None:
            return _of_execution(applied.proposal, applied.execution, voice, _address(target))
        if not applied.proposal.rehearsal.holds:
            voice.show([*words.head(applied.proposal.plan), *words.proofs(applied.proposal.rehearsal)])
            return of_proposal(applied.proposal)
        unconfirmed = Problem(line=None, reason="It was not confirmed: nothing was changed.", next_move="")
        return replace(
            of_proposal(applied.proposal),
            status=Status.REFUSED,
            state="refused",
            troubles=(Trouble(problem=unconfirmed),),
        )

    give(database, as_json, work)


@click.command()
@click.argument("run", metavar="RUN")
@with_database
@click.option("--set-aside", is_flag=True, help="Rows that the old schema cannot hold go to our schema.")
@click.option(
    "--fill",
    "filled",
    multiple=True,
    metavar="COLUMN=EXPR",
    help="A value for rows that the old schema cannot hold as they are. May be repeated.",
)
@_waiting
def rollback(
    run: str, database: str, as_json: bool, set_aside: bool, filled: tuple[str, ...], max_wait: float
) -> None:
    """Undo a run, with every row written since.

    RUN is the name that apply printed. Where the old schema cannot hold a row, nothing is
    changed until --fill or --set-aside says what is to become of it.
    """
    decision = Decision(fill=inputs.fills(filled), set_aside=set_aside)
    limits = Limits(max_wait_seconds=max_wait)

    def work(_: Target, dsn: str, voice: Voice) -> Answer:
        return _walked(
            dsn, run, voice, lambda: application.roll_back(dsn, run, decision, limits, progress=voice)
        )

    give(database, as_json, work)


@click.command()
@click.argument("run", metavar="RUN")
@with_database
@click.option("--purge", is_flag=True, help="Drop now what the way back would need.")
@_waiting
def finish(run: str, database: str, as_json: bool, purge: bool, max_wait: float) -> None:
    """Mark a run as finished; with --purge, for good.

    RUN is the name that apply printed.
    """
    limits = Limits(max_wait_seconds=max_wait)

    def work(_: Target, dsn: str, voice: Voice) -> Answer:
        return _walked(
            dsn, run, voice, lambda: application.finish(dsn, run, limits, purge=purge, progress=voice)
        )

    give(database, as_json, work)


@click.command()
@with_database
def fingerprint(database: str, as_json: bool) -> None:
    """Show the whole schema as a value and its hash."""

    def work(target: Target, _: str, voice: Voice) -> Answer:
        found = fingerprints.read(target)
        voice.show(words.fingerprint(found))
        objects = {key: dict(attributes) for key, attributes in found.objects.items()}
        return Answer(status=Status.DONE, state="read", more={"hash": found.hash, "objects": objects})

    give(database, as_json, work)


def of_proposal(proposal: Proposal) -> Answer:
    """What a rehearsal alone has to say."""
    rehearsal = proposal.rehearsal
    return Answer(
        status=Status.DONE if rehearsal.holds else Status.REFUSED,
        state="proven" if rehearsal.holds else "refused",
        run=proposal.plan.run,
        digest=proposal.plan.digest,
        statements=proposal.plan.statements,
        steps=proposal.plan.steps,
        milliseconds=measured(rehearsal),
        proofs=rehearsal.proofs,
        troubles=tuple(Trouble(problem=problem) for problem in rehearsal.problems),
        notes=(_of_another_major(proposal),) if proposal.is_of_another_major else (),
    )


def _of_execution(proposal: Proposal, execution: Execution, voice: Voice, address: str) -> Answer:
    timings = {timed.step: timed.milliseconds for timed in execution.timings}
    answer = replace(
        of_proposal(proposal),
        status=Status.DONE,
        state=execution.state,
        milliseconds=timings,
        more={"validation": [_plain(asdict(comparison)) for comparison in execution.comparisons]},
    )
    back = f"lockkeeper rollback {execution.run} --database {address}"
    if execution.stopped_by is None:
        voice.show(words.validation(execution))
        voice.show(words.next_moves(execution.run, address))
        lost = [each for each in execution.comparisons if each.agrees is False]
        if not lost:
            return answer
        reason = f"Executed, but the validation of {lost[0].query.table} differs: {lost[0].words}."
        problem = Problem(line=None, reason=reason, next_move=f"Look at it; to undo the run: {back}")
        return replace(answer, status=Status.BLOCKED, troubles=(Trouble(problem=problem),))
    troubles = troubles_of(execution.stopped_by)
    if execution.stands_because is not None:
        standing = troubles_of(execution.stands_because)
        note = f"{execution.run} is {execution.state.replace('_', ' ')}. To undo what was done: {back}"
        return replace(answer, status=Status.BLOCKED, troubles=(*troubles, *standing), notes=(note,))
    left = words.left(execution.undone) if execution.undone else ()
    notes = (f"What was done of {execution.run} is undone.", *left)
    return replace(answer, status=status_of(execution.stopped_by), troubles=troubles, notes=notes)


def _walked(dsn: str, run: str, voice: Voice, walk: Callable[[], Outcome]) -> Answer:
    """A stored run is undone or finished; where that stops, it stays where it is."""
    before = application.stored(dsn, run)
    about = Answer(status=Status.DONE, state=before.state, run=run, digest=before.digest, steps=before.steps)
    try:
        outcome = walk()
    except LockkeeperError as error:
        # Failed means undone only for an execution.
        status = Status.BLOCKED if isinstance(error, Failed) else status_of(error)
        now = application.stored(dsn, run)
        return replace(about, status=status, state=now.state, troubles=troubles_of(error))
    except KeyboardInterrupt:
        now = application.stored(dsn, run)
        stopped = Blocked("It was interrupted from the keyboard.", "Give the same command again to go on.")
        return replace(about, status=Status.BLOCKED, state=now.state, troubles=troubles_of(stopped))
    voice.show([f"{run} is {outcome.state.replace('_', ' ')}."])
    return replace(about, state=outcome.state, notes=words.left(outcome))


def _of_another_major(proposal: Proposal) -> str:
    shadow, own = proposal.rehearsal.server_version // 10000, proposal.target_version // 10000
    return f"RED FLAG: rehearsed on Postgres {shadow}, and the target is {own}."


def _address(target: Target) -> str:
    """The target for a command line, without a password."""
    info = target.info
    url = f"postgresql://{quote(info.user)}@{quote(info.host, safe='')}:{info.port}/{quote(info.dbname)}"
    return shlex.quote(url)


def _plain(value: Any) -> Any:
    """Values of the engine as JSON values: names and lock modes as their words."""
    if isinstance(value, dict):
        if set(value) == {"schema", "name"}:
            return f"{value['schema']}.{value['name']}"
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Work):
        return value.value
    return getattr(value, "sql", value)
