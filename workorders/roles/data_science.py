"""data-science, worker 1: what is there, what the change does to it, and whether it came through."""

from __future__ import annotations

from dataclasses import dataclass

from workorders.memory import told
from workorders.migration import acceptances, impact, render, validation
from workorders.migration.connections import Target
from workorders.migration.engine import Prepared
from workorders.migration.estimate import Experience, total
from workorders.migration.impact import Impact
from workorders.migration.validation import Measured
from workorders.report import (
    Answers,
    Arrow,
    Block,
    Code,
    Diagram,
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

ROLE = "data-science"

#: More arrows than this nobody reads.
_MOST_ARROWS = 40


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What the first phase found."""

    report: Report
    prepared: Prepared
    impact: Impact
    #: The validation queries' answers before the migration, as of the analysis.
    measured: Measured


def analyse(target: Target, brief: Brief, prepared: Prepared) -> Analysis:
    """Phase 1. Reads the target lightly and changes nothing."""
    queries = validation.queries(prepared.plan, prepared.catalog)
    measured = validation.measure(target, queries)
    experience = Experience.of(each.facts for each in brief.lessons)
    found = impact.analyse(target, prepared.plan, prepared.catalog, measured, experience)
    risks = _risks(prepared, found)
    report = Report(
        role=ROLE,
        title="Impact analysis",
        summary=_summary(prepared, found, risks),
        finding=Finding.NOTE if risks else Finding.HOLDS,
        sections=(
            Section(
                title="What was asked, and what was found",
                blocks=(Answers(answers=phase_answers(brief, 1, _found(prepared, found, measured, risks))),),
            ),
            *_risk_section(risks),
            Section(title="Run as it is written, it would", blocks=(_plain(found),)),
            Section(title="Tables that are touched", blocks=_tables(found)),
            *_memory(brief),
            Section(
                title="The queries that validate it",
                blocks=(
                    Folded(
                        title=words.count(len(queries), "validation query"),
                        blocks=(Code(language="sql", text=_queries(measured)),),
                    ),
                ),
            ),
        ),
    )
    return Analysis(report=report, prepared=prepared, impact=found, measured=measured)


def _summary(prepared: Prepared, found: Impact, risks: list[str]) -> str:
    plan = prepared.plan
    rows = sum(touched.rows or 0 for touched in found.tables)
    text = (
        f"{words.count(len(plan.statements), 'statement')} on"
        f" {words.count(len(found.tables), 'existing table')} with {rows:,} rows in all come to"
        f" {words.count(len(plan.steps), 'step')}."
    )
    return f"{text} {words.count(len(risks), 'risk')} to know of." if risks else f"{text} No risk was found."


def _found(prepared: Prepared, found: Impact, measured: Measured, risks: list[str]) -> tuple[Found, ...]:
    plan = prepared.plan
    columns = sum(touched.columns for touched in found.tables)
    keys = sum(touched.foreign_keys for touched in found.tables)
    written = [each.rows for each in found.writes]
    duration, unknown = total(each.milliseconds for each in found.estimates)
    known = len(found.estimates) - unknown
    answered = sum(answer.value is not None for answer in measured.answers)
    return (
        Found(
            finding=Finding.NOTE,
            found=f"{words.count(len(found.tables), 'table')} with {words.count(columns, 'column')} and"
            f" {words.count(keys, 'foreign key')} to or from them.",
            evidence=f"The catalog of {named(plan.identity.database)}, server"
            f" {prepared.catalog.server_version // 10000}.{prepared.catalog.server_version % 10000}.",
        ),
        Found(
            finding=Finding.NOTE,
            found=f"Touched: {words.names(plan.tables)}. {words.count(len(found.dependences), 'thing')}"
            f" {'depends' if len(found.dependences) == 1 else 'depend'} on them.",
            evidence="pg_depend and pg_constraint.",
        ),
        Found(
            finding=Finding.NOTE if None not in written else Finding.OPEN,
            found=f"{sum(rows or 0 for rows in written):,} rows are written by UPDATE or DELETE."
            if written and None not in written
            else "Unknown: counting the rows took too long, or the statement reads other tables."
            if written
            else "None: no statement writes rows, and no step writes a table anew.",
            evidence="; ".join(
                f"line {each.line}: {words.count(each.rows, 'row')} of {named(each.table)}"
                for each in found.writes
            )
            or "The plan's steps.",
        ),
        Found(
            finding=Finding.NOTE if known else Finding.OPEN,
            found=(f"{words.interval(duration)} for {words.count(known, 'step')}; " if known else "")
            + (
                f"unknown for {words.count(unknown, 'step')} until the rehearsal."
                if unknown
                else "no step is left out."
            ),
            evidence=f"{duration.because[:1].upper()}{duration.because[1:]}.",
        ),
        Found(
            finding=Finding.NOTE,
            found=f"{len(measured.answers)} queries, of which {answered} were answered on the target.",
            evidence="They stand below, with their answers.",
        ),
        Found(
            finding=Finding.NOTE,
            found=f"{words.count(len(risks), 'risk')}, listed below." if risks else "No risk was found.",
            evidence="The hazards of each statement in its plain form, held against the catalog.",
        ),
    )


def _risks(prepared: Prepared, found: Impact) -> list[str]:
    risks = [f"Run as it is written, {hazard}." for hazard in found.hazards]
    risks += [
        f"{acceptances.risk(name, prepared.plan, prepared.positional_writers)} The approval has to accept"
        f" {named(name)}."
        for name in prepared.plan.acceptances
    ]
    if prepared.plan.names().renames and found.saying_former_names != ():
        risks.append(
            "pg_stat_statements cannot be read here, so nobody can tell whether the application says a name"
            " that is given up."
            if found.saying_former_names is None
            else f"{words.count(len(found.saying_former_names), 'statement')} of the application"
            f" {'says' if len(found.saying_former_names) == 1 else 'say'} a name that is given up, and will"
            f" fail: {named(found.saying_former_names[0][:200])}"
        )
    if found.publications:
        risks.append(
            f"The publications {', '.join(named(name) for name in found.publications)} carry touched tables:"
            " subscribers need the same change."
        )
    if prepared.catalog.role_is_superuser:
        risks.append(f"The role {named(prepared.catalog.role)} is a superuser: nothing bounds the script.")
    return risks


def _risk_section(risks: list[str]) -> tuple[Section, ...]:
    if not risks:
        return ()
    return (Section(title="Risks", blocks=tuple(Paragraph(text=risk) for risk in risks)),)


def _plain(found: Impact) -> Block:
    """Each statement's locks, reads and writes of tables with rows, as the catalog foretells them."""
    rows = [
        (str(each.line), words.locks(each.locks), words.names(each.scans), words.names(each.rewrites))
        if each.is_foretold
        else (str(each.line), "unknown", "unknown", "unknown")
        for each in found.plain
    ]
    return Grid(header=("Line", "lock", "read from end to end", "write anew"), rows=tuple(rows))


def _tables(found: Impact) -> tuple[Block, ...]:
    rows = tuple(
        (
            named(touched.name),
            "not counted" if touched.rows is None else f"{touched.rows:,}",
            words.size(touched.size_bytes),
            str(touched.columns),
            str(touched.indexes),
            str(touched.foreign_keys),
            str(touched.triggers),
        )
        for touched in found.tables
    )
    header = ("Table", "Rows", "Size", "Columns", "Indexes", "Foreign keys", "Triggers")
    if not rows:
        return (Paragraph(text="No existing table is touched."),)
    arrows = tuple(
        Arrow(source=each.description, destination=str(each.table), label=each.kind)
        for each in found.dependences[:_MOST_ARROWS]
    )
    if not arrows:
        return (Grid(header=header, rows=rows), Paragraph(text="Nothing depends on them."))
    left = len(found.dependences) - len(arrows)
    more = (Paragraph(text=f"{left} more are not drawn."),) if left else ()
    return (Grid(header=header, rows=rows), Diagram(arrows=arrows), *more)


def _memory(brief: Brief) -> tuple[Section, ...]:
    if not brief.lessons:
        return ()
    return (
        Section(
            title="What earlier orders on these tables taught",
            blocks=tuple(Paragraph(text=told(lesson)) for lesson in brief.lessons),
        ),
    )


def _queries(measured: Measured) -> str:
    lines = []
    for answer in measured.answers:
        value = "not measured" if answer.value is None else str(answer.value)
        lines.append(f"{answer.query.sql};\n-- {value}, in {words.duration(answer.milliseconds)}")
    return "\n".join(lines)


def scripts(prepared: Prepared) -> tuple[Block, ...]:
    """Plan, rollback and purge as psql files, folded."""
    plan = prepared.plan
    files = (
        ("The plan, as a file for psql", render.plan_file(plan)),
        ("The rollback, as a file for psql", render.rollback_file(plan)),
        ("The purge, as a file for psql", render.purge_file(plan)),
    )
    return tuple(Folded(title=title, blocks=(Code(language="sql", text=text),)) for title, text in files)
