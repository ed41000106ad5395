"""postgres, the supervisor: reviews by code what people then approve, and validates the outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workorders.authority import could_be_approved
from workorders.migration.engine import Prepared
from workorders.migration.rehearsal.proof import REVERSALS
from workorders.migration.validation import Comparison
from workorders.migration.workload import Judgement
from workorders.order import Criterion
from workorders.policy import PolicyAnswer
from workorders.report import Answers, Block, Code, Finding, Folded, Grid, Paragraph, Report, Section, named
from workorders.roles import red_flags, words
from workorders.roles.brief import Brief, Found, answers, phase_answers, shipped

ROLE = "postgres"


@dataclass(frozen=True, kw_only=True)
class Review:
    """The verdict before an approval."""

    report: Report
    digest: str
    #: Whether the plan may be offered for approval.
    is_sound: bool


def review(
    brief: Brief,
    prepared: Prepared,
    rehearsed: Mapping[str, Any],
    policy: PolicyAnswer,
    mentions: tuple[str, ...],
) -> Review:
    """Phase 3 until the approval. `rehearsed` is what automation kept of the rehearsal."""
    plan = prepared.plan
    proofs = {proof["name"]: proof for proof in rehearsed["proofs"]}
    flags = red_flags.found(prepared, proofs)
    is_same = plan.digest == rehearsed["digest"]
    is_sound = bool(rehearsed["holds"]) and is_same
    indexes = sum(step.operation in ("create_index", "drop_index", "drop_column") for step in plan.steps)
    found = (
        Found(
            finding=Finding.NOTE if flags else Finding.HOLDS,
            found=f"{words.count(len(flags), 'red flag')}, listed below."
            if flags
            else "No red flag was found.",
            evidence="Impact analysis, publications, role, positional writes and the workload.",
        ),
        Found(
            finding=_finding(proofs, "equivalence"),
            found="Parsed with Postgres's own grammar, run on a copy, and compared with the plain SQL.",
            evidence="The proof of equivalence.",
        ),
        Found(
            finding=_finding(proofs, *REVERSALS),
            found="The rollback was run on copies: it gave back schema and rows, and kept later ones.",
            evidence=f"The proofs of {' and '.join(REVERSALS)}; it took"
            f" {words.duration(float(rehearsed['undo_milliseconds']))} on {rehearsed['sampled_rows']:,}"
            " sample rows.",
        ),
        Found(
            finding=_finding(proofs, "equivalence"),
            found=f"{words.count(indexes, 'step')} on indexes; all indexes and constraints are valid, and the"
            " same as plain psql's.",
            evidence="The fingerprints of both copies, validity of indexes and constraints included.",
        ),
        Found(
            finding=Finding.OPEN,
            found="Sound; people may approve it now." if is_sound else "Not offered for approval.",
            evidence=f"Digest {named(plan.digest[:16])}.",
        ),
        Found(finding=Finding.OPEN, found="Not before it is approved."),
        Found(finding=Finding.OPEN, found="Not before it has run."),
    )
    report = Report(
        role=ROLE,
        title="Review",
        summary=_verdict(brief, policy, plan.digest, is_sound=is_sound, is_same=is_same),
        finding=Finding.HOLDS if is_sound else Finding.FAILS,
        sections=(
            Section(title="The verdict", blocks=(_table(proofs, indexes),)),
            *(
                (Section(title="Red flags", blocks=tuple(Paragraph(text=flag) for flag in flags)),)
                if flags
                else ()
            ),
            Section(
                title="What was asked, and what was found",
                blocks=(Answers(answers=phase_answers(brief, 3, found)),),
            ),
            Section(title="What an approval approves", blocks=_approval(brief, prepared, policy)),
        ),
        mentions=mentions if is_sound else (),
    )
    return Review(report=report, digest=plan.digest, is_sound=is_sound)


def _finding(proofs: Mapping[str, Any], *names: str) -> Finding:
    """Fails if one of them does; open while one is not tried, or nobody can tell."""
    results = [proofs[name]["holds"] if name in proofs else None for name in names]
    if False in results:
        return Finding.FAILS
    return Finding.OPEN if None in results else Finding.HOLDS


def _table(proofs: Mapping[str, Any], indexes: int) -> Grid:
    def result(name: str) -> str:
        if name not in proofs:
            return "not tried"
        return {True: "yes", False: "no", None: "unknown"}[proofs[name]["holds"]]

    return Grid(
        header=("Checked", "Result", "How"),
        rows=(
            ("Syntax", result("equivalence"), "parsed with the server's grammar, and rehearsed"),
            (
                "Logic",
                result("equivalence"),
                "equivalence: the plan, purged, leaves what the plain SQL leaves",
            ),
            (
                "Soak",
                result("soak equivalence"),
                "soak equivalence: until it is purged, writes do what they do after the plain SQL",
            ),
            ("Rollback", result("reversal"), "reversal: plan and rollback leave what was there"),
            (
                "Rollback after writes",
                result("reversal under writes"),
                "reversal under writes: what was written since stays, what cannot is counted first",
            ),
            (
                "Again",
                result("idempotence"),
                "idempotence: plan, rollback and plan leave what the plan leaves",
            ),
            (
                "Indexes and constraints",
                result("equivalence"),
                f"valid and the same as plain psql's ({words.count(indexes, 'step')} on indexes)",
            ),
            ("Locks", result("locks"), "no step locks or rewrites more than it declares"),
            (
                "Workload",
                result("workload"),
                "no statement of the application breaks, or loses an index, by the plan",
            ),
        ),
    )


def _verdict(brief: Brief, policy: PolicyAnswer, digest: str, *, is_sound: bool, is_same: bool) -> str:
    if not is_same:
        return "The target has changed since the rehearsal, so the plan has to be made and rehearsed again."
    if not is_sound:
        return "The proofs do not hold: this plan cannot be approved."
    needed = brief.policy.approvals if brief.policy else 1
    text = f"Sound. It needs {words.count(needed, 'approval')} of the digest {named(digest[:16])}."
    possible = could_be_approved(replace(brief.order, digest=digest), policy)
    return text if possible.is_yes else f"{text} {possible.sentence}"


def _approval(brief: Brief, prepared: Prepared, policy: PolicyAnswer) -> tuple[Block, ...]:
    plan = prepared.plan
    send_back = '/wo request-changes "why"'
    accept = "".join(f" --accept {name}" for name in plan.acceptances)
    blocks: list[Block] = [
        Paragraph(
            text=f"To approve, a supervisor comments {named(f'/wo approve {plan.digest[:16]}{accept}')};"
            f" to send it back, {named(send_back)}."
        ),
        Folded(
            title="What the digest covers",
            blocks=(
                Code(
                    language="text",
                    text=f"digest       {plan.digest}\ntarget       {plan.identity}\n"
                    f"fingerprint  {plan.fingerprint}\nrun          {plan.run}\n"
                    f"steps        {len(plan.steps)}, with their inverses\n"
                    f"accepted     {' '.join(plan.acceptances) or 'nothing needed'}",
                ),
            ),
        ),
    ]
    possible = could_be_approved(replace(brief.order, digest=plan.digest), policy)
    if possible.file:
        blocks.append(Code(language="text", text=possible.file))
    return tuple(blocks)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What is known after an execution. None means that it could not be found out."""

    run: str
    is_executed: bool
    comparisons: Sequence[Comparison]
    #: Both proofs of reversal of the very plan that ran.
    reversal_holds: bool
    workload: Judgement | None
    slower_than: float


def criteria(order_criteria: Iterable[Criterion], evidence: Evidence) -> tuple[Criterion, ...]:
    """The criteria with what the checks found. A line that no check measures stays as it is."""
    checks = dict(zip(shipped().criteria, _checks(evidence), strict=True))
    return tuple(
        criterion
        if criterion.text not in checks
        else replace(
            criterion,
            holds=checks[criterion.text].finding is Finding.HOLDS,
            fails=checks[criterion.text].finding is Finding.FAILS,
            evidence=f"{checks[criterion.text].found} {checks[criterion.text].evidence}".strip(),
        )
        for criterion in order_criteria
    )


def _checks(evidence: Evidence) -> tuple[Found, ...]:
    return (
        Found(
            finding=Finding.HOLDS if evidence.is_executed else Finding.OPEN,
            found="Every step ended without an error."
            if evidence.is_executed
            else "It has not been executed.",
            evidence=f"Run {named(evidence.run)}." if evidence.run else "",
        ),
        _integrity(evidence.comparisons),
        Found(
            finding=Finding.HOLDS if evidence.reversal_holds else Finding.OPEN,
            found="The rollback of this very plan was run on copies: it gave back what there was, and kept"
            " what had been written since."
            if evidence.reversal_holds
            else "No proof of reversal holds, before writes and after them.",
        ),
        _functional(evidence.workload),
        _performance(evidence.workload, evidence.slower_than),
        _zero_loss(evidence.comparisons),
    )


def _integrity(comparisons: Sequence[Comparison]) -> Found:
    relevant = [each for each in comparisons if each.query.kind in ("rows", "orphans", "violators")]
    wrong = [each for each in relevant if each.agrees is False]
    unknown = [each for each in relevant if each.agrees is None]
    if wrong:
        return Found(finding=Finding.FAILS, found="; ".join(_told(each) for each in wrong) + ".")
    if unknown:
        return Found(finding=Finding.OPEN, found="; ".join(_told(each) for each in unknown) + ".")
    return Found(
        finding=Finding.HOLDS,
        found=f"{words.count(len(relevant), 'query')} of rows, constraints and relationships agree."
        if relevant
        else "No table that was there before is touched.",
    )


def _zero_loss(comparisons: Sequence[Comparison]) -> Found:
    counts = [each for each in comparisons if each.query.kind == "rows"]
    wrong = [each for each in comparisons if each.agrees is False]
    unknown = [each for each in counts if each.agrees is None]
    if wrong:
        return Found(finding=Finding.FAILS, found="; ".join(_told(each) for each in wrong) + ".")
    if unknown:
        return Found(finding=Finding.OPEN, found="; ".join(_told(each) for each in unknown) + ".")
    equal = [each for each in comparisons if each.query.kind == "checksum" and each.agrees]
    busy = [each for each in comparisons if each.query.kind == "checksum" and each.agrees is None]
    return Found(
        finding=Finding.HOLDS,
        found="; ".join(_told(each) for each in counts) + "."
        if counts
        else "No table that was there is touched.",
        evidence=f"Checksums: {len(equal)} equal, {len(busy)} not comparable because of traffic.",
    )


def _told(comparison: Comparison) -> str:
    return f"{named(comparison.query.table)}: {comparison.words}"


def _functional(judged: Judgement | None) -> Found:
    if judged is None:
        return Found(
            finding=Finding.OPEN,
            found="pg_stat_statements cannot be read in the target (or its server is older than 16), so"
            " nobody knows what the application runs.",
            evidence="CREATE EXTENSION pg_stat_statements; lets it be checked.",
        )
    if judged.broken:
        return Found(
            finding=Finding.FAILS,
            found=f"{words.count(len(judged.broken), 'statement')} of the application no longer plan:"
            f" {'; '.join(named(text[:200]) for text in judged.broken)}.",
        )
    return Found(
        finding=Finding.HOLDS,
        found=f"All {judged.statements} statements of the application that touch these tables still plan.",
        evidence="pg_stat_statements and EXPLAIN (GENERIC_PLAN).",
    )


def _performance(judged: Judgement | None, slower_than: float) -> Found:
    if judged is None:
        return _functional(None)
    if judged.lost_index or judged.slower:
        lost = [f"lost its index: {named(text[:200])}" for text in judged.lost_index]
        slow = [f"slower: {named(text[:200])}" for text in judged.slower]
        return Found(finding=Finding.FAILS, found="; ".join([*lost, *slow]) + ".")
    return Found(
        finding=Finding.HOLDS,
        found=f"None of {judged.statements} statements lost an index, and none of the {judged.compared} with"
        f" enough calls since exceeds {slower_than:g} times its former mean.",
        evidence="pg_stat_statements before and after.",
    )


def validated(
    brief: Brief,
    evidence: Evidence,
    ticked: tuple[Criterion, ...],
    mentions: tuple[str, ...],
) -> Report:
    """The report after an execution."""
    open_ones = [each for each in ticked if not each.holds]
    lines = [each.text for each in ticked]
    wrong = [each for each in evidence.comparisons if each.agrees is False]
    approvers = ", ".join(named(each.person.login) for each in brief.order.approvals) or "nobody"
    found = (
        Found(finding=Finding.NOTE, found="As reviewed."),
        Found(finding=Finding.HOLDS, found="As reviewed, and executed without an error."),
        Found(finding=Finding.HOLDS, found="Ready until it is purged: comment /wo rollback."),
        Found(finding=Finding.HOLDS, found="As reviewed."),
        Found(
            finding=Finding.HOLDS,
            found=f"Approved by {approvers}.",
        ),
        _integrity(evidence.comparisons),
        Found(finding=Finding.NOTE, found="This report."),
    )
    return Report(
        role=ROLE,
        title="Validation",
        summary=(
            "The validation queries do not agree: it is rolled back."
            if wrong
            else "All criteria hold. It soaks now: until it is done and purged, a rollback brings back schema"
            " and data."
            if not open_ones
            else f"Executed and validated; {words.count(len(open_ones), 'criterion')}"
            " could not be ticked by a check."
        ),
        finding=Finding.FAILS if wrong else Finding.HOLDS if not open_ones else Finding.NOTE,
        sections=(
            Section(
                title="The criteria",
                blocks=(Answers(answers=answers(lines, shipped().criteria, _checks(evidence))),),
            ),
            Section(title="Before and after", blocks=(_compared(evidence.comparisons),)),
            Section(
                title="What was asked, and what was found",
                blocks=(Answers(answers=phase_answers(brief, 3, found)),),
            ),
        ),
        mentions=mentions,
    )


def _compared(comparisons: Sequence[Comparison]) -> Block:
    if not comparisons:
        return Paragraph(text="No table that was there before is touched.")
    signs = {True: "agrees", False: "does not agree", None: "cannot be said"}
    return Grid(
        header=("Table", "What", "Before", "After", "Result"),
        rows=tuple(
            (
                named(each.query.table),
                f"{each.query.kind} {named(each.query.subject)}" if each.query.subject else each.query.kind,
                "" if each.before is None else f"{each.before:,}",
                "" if each.after is None else f"{each.after:,}",
                f"{signs[each.agrees]}: {each.words}",
            )
            for each in comparisons
        ),
    )
