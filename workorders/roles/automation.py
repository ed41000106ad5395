"""automation, worker 2: scripts, rehearsal, execution and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workorders.migration import decisions, forecast, impact, render, scoring
from workorders.migration.connections import Target
from workorders.migration.estimate import Amount, Estimate, Experience
from workorders.migration.executor import Outcome
from workorders.migration.monitor import Watched
from workorders.migration.plan import Plan
from workorders.migration.rehearsal import proofs
from workorders.migration.rehearsal.proof import REVERSALS
from workorders.migration.rehearsal.proofs import Rehearsal
from workorders.migration.rehearsal.shadow import ShadowServer
from workorders.migration.scoring import Expected
from workorders.migration.validation import Measured
from workorders.report import (
    AlertKind,
    Answers,
    Block,
    Finding,
    Folded,
    Grid,
    Paragraph,
    Report,
    Section,
    named,
)
from workorders.roles import words
from workorders.roles.brief import Brief, Found, phase_answers
from workorders.roles.data_science import scripts
from workorders.stored_plan import StoredPlan, StoredStep

ROLE = "automation"

_NOT_YET = Found(finding=Finding.OPEN, found="Not before it is approved.")


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """What the second phase found before the approval."""

    report: Report
    rehearsal: Rehearsal
    estimates: tuple[Estimate, ...]


def prepare(
    target: Target,
    dsn: str,
    brief: Brief,
    policy: str,
    server: ShadowServer,
    binaries: Path,
    measured: Measured,
) -> Preparation:
    """Phase 2 until the approval: scripts and rehearsal. Changes nothing in the target.

    Raises Unreadable, Refused and Blocked as `rehearse` does.
    """
    rehearsal = proofs.rehearse(target, dsn, brief.order.sql, server, binaries, policy=policy)
    experience = Experience.of(each.facts for each in brief.lessons)
    estimates = impact.foretold(target, rehearsal, measured, experience)
    return Preparation(
        report=_prepared_report(brief, rehearsal, estimates), rehearsal=rehearsal, estimates=estimates
    )


def _prepared_report(brief: Brief, rehearsal: Rehearsal, estimates: tuple[Estimate, ...]) -> Report:
    plan = rehearsal.prepared.plan
    alone = [step for step in plan.steps if not step.action.is_transactional]
    sampled = sum(rehearsal.sample.rows.values())
    failed = [proof.name for proof in rehearsal.proofs if proof.holds is False]
    ways_back = [proof for proof in rehearsal.proofs if proof.name in REVERSALS]
    leads_back = all(proof.holds for proof in ways_back) and len(ways_back) == len(REVERSALS)
    losses = tuple(dict.fromkeys(step.loses for step in plan.steps if step.loses))
    found = (
        Found(
            finding=Finding.HOLDS,
            found=f"{words.count(len(plan.steps), 'step')}, {len(plan.steps) - len(alone)} of them in a"
            " transaction of their own"
            + (f"; {len(alone)} outside of one, for it works CONCURRENTLY." if alone else "."),
            evidence=f"Rehearsed in {rehearsal.seconds:.1f} s on a copy with {sampled:,} sample rows.",
        ),
        Found(
            finding=Finding.HOLDS if leads_back else Finding.FAILS if ways_back else Finding.OPEN,
            found=f"{sum(len(step.undo) for step in plan.steps)} actions lead back,"
            f" {'instantly' if plan.is_undone_instantly else 'online, as long as rebuilding takes'}."
            + (f" {'; '.join(losses).capitalize()}." if losses else ""),
            evidence=f"The proofs of {' and '.join(proof.name for proof in ways_back)}."
            if ways_back
            else "No proof was reached.",
        ),
        Found(
            finding=Finding.NOTE,
            found="Sessions that wait for the migration, and errors, are watched ten times a second; the"
            " supervisors are told in this issue.",
            evidence=f"A stall budget of {brief.policy.stall_budget_ms if brief.policy else 100} ms.",
        ),
        _NOT_YET,
        _NOT_YET,
        _NOT_YET,
    )
    sections = [
        Section(
            title="What was asked, and what was found",
            blocks=(Answers(answers=phase_answers(brief, 2, found)),),
        ),
        Section(title="The proofs", blocks=_proofs(rehearsal)),
    ]
    if rehearsal.problems:
        sections.append(Section(title="What stands in the way", blocks=(words.problems(rehearsal.problems),)))
    sections.append(
        Section(title="The steps", blocks=(_steps(plan, rehearsal), *scripts(rehearsal.prepared)))
    )
    sections.append(words.costs(estimates, forecast.kept_bytes(plan, rehearsal.prepared.catalog)))
    return Report(
        role=ROLE,
        title="Scripts and rehearsal",
        summary=(
            "The plan gives what the plain SQL gives, and its rollback gives back what there was and keeps"
            " what is written meanwhile: all of it was tried on copies of the target."
            if rehearsal.holds
            else f"The plan is not offered for approval: {', '.join(failed) or 'the rehearsal'} failed."
        ),
        finding=Finding.HOLDS if rehearsal.holds else Finding.FAILS,
        sections=tuple(sections),
    )


def _proofs(rehearsal: Rehearsal) -> tuple[Block, ...]:
    rows = tuple(
        (
            proof.name,
            proof.claim,
            proof.word,
            "; ".join(map(named, (*proof.differences, *proof.flags))),
        )
        for proof in rehearsal.proofs
    )
    blocks: list[Block] = (
        [Grid(header=("Proof", "Claim", "Result", "What was seen"), rows=rows)] if rows else []
    )
    sample = rehearsal.sample
    if sample.made_up:
        blocks.append(
            Paragraph(text=f"Empty in the target, tried with made-up rows: {words.names(sample.made_up)}.")
        )
    if sample.empty:
        blocks.append(
            Paragraph(
                text="Tried without any rows, so that the proof is of the schema only:"
                f" {words.names(sample.empty)}."
            )
        )
    return tuple(blocks)


def _steps(plan: Plan, rehearsal: Rehearsal) -> Grid:
    measured = proofs.measured(rehearsal)
    return Grid(
        header=("Step", "Locks", "In rehearsal", "Way back"),
        rows=tuple(
            (
                named(step.action.title),
                words.locks(step.action.locks),
                words.duration(measured[number]) if number in measured else "not reached",
                "instant" if step.is_undone_instantly else "online",
            )
            for number, step in enumerate(plan.steps)
        ),
    )


def executed(
    brief: Brief,
    outcome: Outcome,
    watched: Watched,
    milliseconds: float,
    log: tuple[tuple[str, float], ...],
    expected: Sequence[Expected] = (),
) -> Report:
    """The report on an execution that ended well; `expected` is how long each step was to take."""
    found = (
        Found(finding=Finding.HOLDS, found="As rehearsed.", evidence=f"Run {named(outcome.run)}."),
        Found(
            finding=Finding.HOLDS, found="Ready until it is purged.", evidence="The journal in the target."
        ),
        _watching(brief, watched),
        Found(
            finding=Finding.HOLDS,
            found=f"{words.count(len(log), 'step')} ran in {words.duration(milliseconds)}.",
            evidence=f"Run {named(outcome.run)}, state {outcome.state}.",
        ),
        Found(
            finding=Finding.HOLDS,
            found="Each step's time stands below.",
            evidence="lockkeeper.journal in the target.",
        ),
        Found(
            finding=Finding.HOLDS,
            found="Executed without an error."
            + (
                f" {outcome.failed_lock_tries} tries for a lock were given up in time."
                if outcome.failed_lock_tries
                else ""
            ),
            evidence="This report.",
        ),
    )
    return Report(
        role=ROLE,
        title="Execution",
        summary=f"Executed in {words.duration(milliseconds)}. {_stall(watched)}",
        finding=Finding.HOLDS,
        sections=(
            Section(
                title="What was asked, and what was found",
                blocks=(Answers(answers=phase_answers(brief, 2, found)),),
            ),
            Section(title="The log", blocks=(_scored(outcome, expected) or _log(log),)),
        ),
    )


def alerted(message: str, mentions: tuple[str, ...]) -> Report:
    """What the watch over a running execution has to say at once."""
    return Report(
        role=ROLE,
        title="Alert",
        summary=f"While it is executed: {message}",
        finding=Finding.FAILS,
        mentions=mentions,
        alert=AlertKind.MONITOR,
    )


def _watching(brief: Brief, watched: Watched) -> Found:
    budget = brief.policy.stall_budget_ms if brief.policy else 100
    if not watched.samples:
        return Found(finding=Finding.OPEN, found="Nobody watched.", evidence="No look succeeded.")
    return Found(
        finding=Finding.HOLDS if watched.longest_stall_ms <= budget and not watched.errors else Finding.FAILS,
        found=_stall(watched),
        evidence=f"{watched.samples} looks, {watched.errors} of them failed; budget {budget} ms.",
    )


def _stall(watched: Watched) -> str:
    if not watched.samples:
        return "Nobody watched for waiting sessions."
    if not watched.most_blocked:
        return f"No session was seen waiting in {words.count(watched.samples, 'look')}."
    return (
        f"At most {words.count(watched.most_blocked, 'session')} waited at once, the longest for"
        f" {words.duration(watched.longest_stall_ms)}."
    )


def _scored(outcome: Outcome, expected: Sequence[Expected]) -> Grid | None:
    """Each step's time beside the one that was foretold; None where that is not known."""
    if not outcome.timings or not expected:
        return None
    words_of = {True: "yes", False: "no", None: "unknown"}
    return Grid(
        header=("Step", "Time", "Expected", "As expected"),
        rows=tuple(
            (
                named(timed.title),
                words.duration(timed.milliseconds),
                words.interval(
                    Amount(low=expected[timed.step].low_ms, high=expected[timed.step].high_ms, because="")
                ),
                words_of[expected[timed.step].holds(timed.milliseconds)],
            )
            for timed in outcome.timings
        ),
    )


def _log(log: tuple[tuple[str, float], ...]) -> Grid:
    return Grid(
        header=("Step", "Time"),
        rows=tuple((named(title), words.duration(milliseconds)) for title, milliseconds in log),
    )


def rolled_back(outcome: Outcome, milliseconds: float, log: tuple[tuple[str, float], ...]) -> Report:
    """The report on a rollback that ended well."""
    left = tuple(
        Paragraph(
            text=f"{words.count(each.rows, 'row')} were written since and keep what was written:"
            f" {named(each.title)}. Their former values are kept in the target until the purge."
        )
        for each in outcome.left
    )
    return Report(
        role=ROLE,
        title="Rollback",
        summary=f"Rolled back in {words.duration(milliseconds)}: the schema is as it was, and rows written"
        " since are kept.",
        finding=Finding.HOLDS,
        sections=(
            Section(title="The log", blocks=(*left, Folded(title="Each action", blocks=(_log(log),)))),
        ),
    )


def kept(rehearsal: Rehearsal, estimates: Sequence[Estimate] = ()) -> Mapping[str, object]:
    """What the review and the execution need of the rehearsal, as JSON values."""
    plan = rehearsal.prepared.plan
    return {
        "expected": scoring.to_json([Expected.of(each) for each in estimates]),
        "run": plan.run,
        "digest": plan.digest,
        "holds": rehearsal.holds,
        "also_written": {
            str(statement): [[name.schema, name.name] for name in names]
            for statement, names in rehearsal.also_written.items()
        },
        "decisions": [[each.line, each.digest] for each in decisions.kept(plan.decisions)],
        "proofs": [
            {
                "name": proof.name,
                "claim": proof.claim,
                "holds": proof.holds,
                "differences": list(proof.differences),
                "flags": list(proof.flags),
            }
            for proof in rehearsal.proofs
        ],
        "milliseconds": {str(timed.step): timed.milliseconds for timed in rehearsal.timings},
        "undo_milliseconds": sum(timed.milliseconds for timed in rehearsal.undo_timings),
        "sampled_rows": sum(rehearsal.sample.rows.values()),
        "server_version": rehearsal.server_version,
        "seconds": rehearsal.seconds,
    }


def leads_back(kept_rehearsal: Mapping[str, Any]) -> bool:
    """Whether the way back was tried on a quiet copy and on one that was written, and held on both."""
    held = {proof["name"]: proof["holds"] for proof in kept_rehearsal.get("proofs", ())}
    return all(held.get(name) for name in REVERSALS)


def plan_to_show(rehearsal: Rehearsal) -> StoredPlan:
    """What there is to keep of a rehearsal's plan for whoever asks for it."""
    plan = rehearsal.prepared.plan
    measured = proofs.measured(rehearsal)
    return StoredPlan(
        run=plan.run,
        digest=plan.digest,
        sql_sha256=plan.script.sha256,
        steps=tuple(
            StoredStep(
                title=step.action.title,
                locks=words.locks(step.action.locks),
                in_rehearsal=words.duration(measured[number]) if number in measured else "not reached",
                undo=tuple(action.title for action in step.undo),
                is_undone_instantly=step.is_undone_instantly,
            )
            for number, step in enumerate(plan.steps)
        ),
        acceptances=plan.acceptances,
        forth=render.plan_file(plan),
        back=render.rollback_file(plan),
        purge=render.purge_file(plan),
    )
