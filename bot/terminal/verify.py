"""A proof run again: does the target still give what the file says?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import click

from bot.render import escape
from bot.settings import Settings
from bot.shadow import workshop
from bot.terminal import inputs
from bot.terminal.answer import Answer, Status, Trouble
from bot.terminal.command import give, with_database
from bot.terminal.engine import of_proposal
from bot.terminal.voice import Voice
from workorders.migration.application import Application, Terms
from workorders.migration.connections import Target
from workorders.migration.errors import Problem
from workorders.migration.rehearsal.proof_file import ProofFile


@click.command()
@click.argument("proof", metavar="PROOF")
@with_database
def verify(proof: str, database: str, as_json: bool) -> None:
    """Run a proof again and say what differs. Changes nothing.

    PROOF is a file that rehearse wrote with --proof. Exit status 0: it agrees, 1: it differs.
    """
    text = inputs.script(proof)

    def work(_: Target, dsn: str, voice: Voice) -> Answer:
        first = ProofFile.from_json(text)
        voice.say("Rehearsing on copies of the target ...")
        wanted = Application(dsn=dsn, text=first.sql, terms=Terms(policy=first.policy))
        with workshop(Settings.from_environment()) as place:
            proposal = wanted.rehearse(place)
        again = ProofFile.of(proposal.rehearsal, proposal.target_version, datetime.now(UTC))
        found = first.differences(again)
        answer = replace(of_proposal(proposal), more={"verified": not found, "changed": list(found)})
        if not found:
            voice.show([f"It agrees with {proof}: every proof, schema, row and lock is as it was."])
            return replace(answer, status=Status.DONE, state="verified")
        voice.show(escape.visible(each) for each in found)
        differs = Problem(
            line=None,
            reason=f"{len(found)} things are not as {proof} says.",
            next_move="Rehearse the script again, and look at what moved.",
        )
        return replace(
            answer,
            status=Status.FAILED,
            state="differs",
            troubles=(Trouble(problem=differs), *answer.troubles),
        )

    give(database, as_json, work)
