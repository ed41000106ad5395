"""What a plan would touch: tables, what hangs on them, rows to be written, and for how long.

An estimate names the measurement that it comes from; without one it says so. Nothing here
changes anything; the target is read lightly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from workorders.migration import forecast, validation, workload
from workorders.migration.catalog.attached import Dependant
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.connections import Target
from workorders.migration.draft import PlannedStatement
from workorders.migration.estimate import NO_EXPERIENCE, Estimate, Experience
from workorders.migration.forecast import Grounds
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.rehearsal.metering import Cost
from workorders.migration.rehearsal.proofs import Rehearsal
from workorders.migration.sql import renamed, tree
from workorders.migration.validation import Measured


@dataclass(frozen=True, kw_only=True)
class Touched:
    """A table as it is before anything is done."""

    name: RelationName
    rows: int | None
    size_bytes: int
    columns: int
    indexes: int
    foreign_keys: int
    triggers: int


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """Rows that a statement writes."""

    #: 1-based line of the statement.
    line: int
    #: Its position in the script.
    statement: int
    operation: str
    table: RelationName
    #: Counted on the target; None where that took too long.
    rows: int | None


@dataclass(frozen=True, kw_only=True)
class Dependence:
    """Something that needs a table."""

    table: RelationName
    kind: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Plain:
    """What a statement would do to tables with rows if it ran as it is written."""

    #: 1-based line of the statement.
    line: int
    #: False where nothing can be said; the rest is empty then.
    is_foretold: bool
    locks: tuple[Lock, ...] = ()
    #: Tables that are read from end to end, and those that are written anew.
    scans: tuple[RelationName, ...] = ()
    rewrites: tuple[RelationName, ...] = ()

    @classmethod
    def of(cls, planned: PlannedStatement) -> Plain:
        """A planned statement's effect, in the order of names."""
        line, effect = planned.statement.line, planned.plain
        if effect is None:
            return cls(line=line, is_foretold=False)
        return cls(
            line=line,
            is_foretold=True,
            locks=tuple(Lock(relation=name, mode=mode) for name, mode in sorted(effect.locks.items())),
            scans=tuple(sorted(effect.scans)),
            rewrites=tuple(sorted(effect.rewrites)),
        )


@dataclass(frozen=True, kw_only=True)
class Impact:
    """All of it."""

    tables: tuple[Touched, ...]
    dependences: tuple[Dependence, ...]
    writes: tuple[Rewriting, ...]
    #: What the SQL would do as it is written.
    hazards: tuple[str, ...]
    #: The same as locks, reads and writes, foretold from the catalog.
    plain: tuple[Plain, ...]
    estimates: tuple[Estimate, ...]
    publications: tuple[str, ...]
    #: The application's statements that say a name which is given up; None where nobody can tell.
    saying_former_names: tuple[str, ...] | None


def analyse(
    target: Target, plan: Plan, catalog: Catalog, measured: Measured, experience: Experience
) -> Impact:
    """The impact of a plan. `measured` are the validation queries' answers from before."""
    tables = [catalog.tables[name] for name in plan.tables]
    written = writes(target, plan, catalog)
    return Impact(
        tables=tuple(
            Touched(
                name=table.name,
                rows=next(
                    (
                        answer.value
                        for answer in measured.answers
                        if answer.query.kind == "rows" and answer.query.table == table.name
                    ),
                    None,
                ),
                size_bytes=table.size_bytes,
                columns=len(table.columns),
                indexes=len(table.indexes),
                foreign_keys=len(table.foreign_keys) + len(catalog.referencing(table.name)),
                triggers=len(table.triggers),
            )
            for table in tables
        ),
        dependences=tuple(
            dependence
            for table in tables
            for dependence in _dependences(catalog, table.name, table.dependants)
        ),
        writes=written,
        hazards=tuple(
            f"line {planned.statement.line}: {hazard}"
            for planned in plan.statements
            for hazard in planned.hazards
        ),
        plain=tuple(Plain.of(each) for each in plan.statements),
        estimates=forecast.estimates(plan, grounds(target, catalog, measured, written, {}, experience)),
        publications=tuple(sorted({name for table in tables for name in table.publications})),
        saying_former_names=workload.saying(target, plan.names()),
    )


def _dependences(catalog: Catalog, name: RelationName, dependants: tuple[Dependant, ...]) -> list[Dependence]:
    found = [
        Dependence(table=name, kind=dependant.kind, description=dependant.description)
        for dependant in dependants
        # Foreign keys of other tables come below, with both tables' names.
        if dependant.kind != "foreign key"
    ]
    found += [
        Dependence(
            table=name,
            kind="foreign key",
            description=f"{reference.constraint.name} of {reference.table}",
        )
        for reference in catalog.referencing(name)
    ]
    return list(dict.fromkeys(found))


def writes(target: Target, plan: Plan, catalog: Catalog) -> tuple[Rewriting, ...]:
    """The rows that its UPDATEs and DELETEs are about, counted on the target."""
    found = []
    for position, planned in enumerate(plan.statements):
        raw = planned.statement.raw
        if raw.kind not in ("UpdateStmt", "DeleteStmt"):
            continue
        back = plan.names(position).reversed
        now, table = planned.tables[0], back.table(planned.tables[0])
        joined = (
            raw.node.get("fromClause") or raw.node.get("usingClause") or raw.node["relation"].get("alias")
        )
        where = raw.node.get("whereClause")
        condition = tree.expression_text(where) if where else ""
        if condition and back.renames:
            condition = renamed.condition(condition, back, main=now)
        is_countable = not joined and table in catalog.tables
        rows = validation.rows_matching(target, table, condition) if is_countable else None
        name = planned.operations[0] if planned.operations else raw.kind
        found.append(
            Rewriting(line=planned.statement.line, statement=position, operation=name, table=table, rows=rows)
        )
    return tuple(found)


def foretold(
    target: Target,
    rehearsal: Rehearsal,
    measured: Measured | None = None,
    experience: Experience = NO_EXPERIENCE,
) -> tuple[Estimate, ...]:
    """What a rehearsed plan will take. Counts the target's rows where nobody has `measured` them."""
    plan, catalog = rehearsal.prepared.plan, rehearsal.prepared.catalog
    if measured is None:
        measured = validation.measure(target, validation.queries(plan, catalog))
    written = writes(target, plan, catalog)
    return forecast.estimates(plan, grounds(target, catalog, measured, written, rehearsal.costs, experience))


def grounds(
    target: Target,
    catalog: Catalog,
    measured: Measured,
    written: Collection[Rewriting],
    costs: Mapping[int, Cost],
    experience: Experience,
) -> Grounds:
    """What there is to foretell from, with what only the target's settings tell."""
    found = target.execute(
        "SELECT pg_catalog.current_setting('data_checksums') = 'on'"
        " OR pg_catalog.current_setting('wal_log_hints') = 'on'"
    ).fetchone()
    return Grounds(
        catalog=catalog,
        measured=measured,
        counted={each.statement: each.rows for each in written},
        costs=costs,
        experience=experience,
        logs_hints=bool(found and found[0]),
    )
