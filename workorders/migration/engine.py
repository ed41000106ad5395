"""What can be done with a script and a target, each as one call: prepare, execute, undo, finish."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from workorders.migration import acceptances, dumping, journal, plan, positional
from workorders.migration.catalog import fingerprint
from workorders.migration.catalog import read as catalogs
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Target
from workorders.migration.decisions import Asked
from workorders.migration.errors import Blocked, Problem, Refused
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.sql import extensions, script, translate


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A plan with what it was made on."""

    plan: Plan
    catalog: Catalog
    #: Of the tables that it touches, as they were.
    fingerprint: Fingerprint
    #: Statements that would meet a hidden column; None where nobody can tell.
    positional_writers: tuple[str, ...] | None


def prepare(
    target: Target,
    text: str,
    *,
    policy: str = "",
    also_written: Mapping[int, tuple[RelationName, ...]] | None = None,
    binaries: Path | None = None,
    sizes: Mapping[RelationName, int] | None = None,
) -> Prepared:
    """The plan of a script on a target. Reads the catalog; changes nothing.

    A copy with sample rows is planned by the target's `sizes` in bytes. `binaries` is the folder of
    pg_dump, which is asked where the script changes definitions or drops tables.

    Raises Unreadable and Refused with every problem found.
    """
    parsed = script.read(text)
    needs_all = any(statement.needs_archive for statement in parsed.statements)
    # What definitions need and are needed by has no end that words would tell.
    catalog = catalogs.read(target, None if needs_all else parsed.words | _names(also_written))
    if any(translate.needs_archive(statement, catalog) for statement in parsed.statements):
        if not needs_all:
            catalog = catalogs.read(target)
        archive = dumping.archive_of(target, binaries)
        for table in catalog.tables.values():
            if table.kind == "m" and table.is_populated:
                archive = archive.filled(table.name.schema, table.name.name)
        catalog = replace(catalog, archive=archive)
        raws = [each.raw for each in parsed.statements]
        if dropped := extensions.dropped_by(raws):
            catalog = replace(catalog, extension_members=catalogs.extension_members(target, dropped))
        if created := extensions.created_by(raws):
            creatable = catalogs.creatable_extensions(target, created)
            catalog = replace(catalog, creatable_extensions=creatable)
    for name in (sizes or {}).keys() & catalog.tables.keys():
        catalog = catalog.with_table(replace(catalog.tables[name], size_bytes=(sizes or {})[name]))
    run = plan.run_name(parsed, catalog.identity, journal.earlier_runs(target, parsed.sha256))
    made = plan.make(parsed, catalog, run=run, also_written=also_written, questions=Asked(target))
    touched = fingerprint.read(target, made.tables)
    hidden = positional.hidden_in(made)
    writers = positional.writers(target, hidden) if hidden else ()
    needed = acceptances.needed(made, has_hidden=bool(hidden), writers=writers)
    bound = plan.with_facts(made, fingerprint=touched.hash, acceptances=needed, policy=policy)
    return Prepared(plan=bound, catalog=catalog, fingerprint=touched, positional_writers=writers)


def _names(also_written: Mapping[int, tuple[RelationName, ...]] | None) -> frozenset[str]:
    return frozenset(name.name for names in (also_written or {}).values() for name in names)


def must_be_accepted(prepared: Prepared, accepted: Collection[str]) -> None:
    """Raises Refused for what has to be accepted expressly and was not."""
    problems = [
        acceptances.problem(needed, prepared.plan, prepared.positional_writers)
        for needed in prepared.plan.acceptances
        if needed not in accepted
    ]
    if problems:
        raise Refused(*problems)


def must_be_unprivileged(prepared: Prepared, *, allow_superuser: bool) -> None:
    """Raises Refused for a superuser who was not expressly allowed."""
    if prepared.catalog.role_is_superuser and not allow_superuser:
        raise Refused.because(
            f"{prepared.catalog.role} is a superuser: nothing would bound what the script may do.",
            "Connect as the role that owns the tables, or add --allow-superuser.",
        )


def run_checks(target: Target, made: Plan) -> tuple[Problem, ...]:
    """What rows break, found by light, read-only queries. Raises Blocked at their time limit."""
    problems = []
    for check in made.checks:
        with target.transaction():
            target.execute("SET TRANSACTION READ ONLY")
            target.execute("SELECT pg_catalog.set_config('statement_timeout', '60s', true)")
            try:
                row = target.execute(check.query.encode()).fetchone()
            except psycopg.errors.QueryCanceled as error:
                raise Blocked(
                    "Checking the rows took longer than 60 s.", f"Run it by hand: {check.query};"
                ) from error
        count = 0 if row is None else int(row[0])
        if count:
            # Not str.format: a condition of the user's may hold braces.
            reason = check.reason.replace("{count}", str(count), 1)
            problems.append(Problem(line=None, reason=reason, next_move=check.next_move))
    return tuple(problems)
