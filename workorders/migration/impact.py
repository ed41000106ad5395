"""What a plan would touch: tables, what hangs on them, rows to be written, and for how long.

An estimate names the measurement that it comes from; without one it says so. Nothing here
changes anything; the target is read lightly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workorders.migration import validation, workload
from workorders.migration.catalog.snapshot import Catalog, Dependant
from workorders.migration.connections import Target
from workorders.migration.draft import PlannedStatement
from workorders.migration.locks import Lock
from workorders.migration.names import RelationName
from workorders.migration.plan import Plan
from workorders.migration.sql import renamed, tree
from workorders.migration.steps import Step
from workorders.migration.validation import Measured

#: How far a catalog change's time on the target may be from its time in rehearsal.
_CATALOG_SPREAD = 10.0

#: A validation reads what a count reads, and compares; an index build also sorts.
_SCAN_SPREAD, _BUILD_SPREAD = 4.0, 20.0


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
class Estimate:
    """How long a step will take, as an interval; both ends None where nothing was measured."""

    step: str
    locks: tuple[Lock, ...]
    low_ms: float | None
    high_ms: float | None
    #: The measurement that it comes from.
    because: str


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


def analyse(target: Target, plan: Plan, catalog: Catalog, measured: Measured) -> Impact:
    """The impact of a plan. `measured` are the validation queries' answers from before."""
    tables = [catalog.tables[name] for name in plan.tables]
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
        writes=tuple(_writes(target, plan, catalog)),
        hazards=tuple(
            f"line {planned.statement.line}: {hazard}"
            for planned in plan.statements
            for hazard in planned.hazards
        ),
        plain=tuple(Plain.of(each) for each in plan.statements),
        estimates=estimates(plan, measured, {}),
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


def _writes(target: Target, plan: Plan, catalog: Catalog) -> list[Rewriting]:
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
        found.append(Rewriting(line=planned.statement.line, operation=name, table=table, rows=rows))
    return found


def estimates(plan: Plan, measured: Measured, rehearsed: Mapping[int, float]) -> tuple[Estimate, ...]:
    """One estimate a step. `rehearsed` gives milliseconds on the sample, by step."""
    return tuple(_estimate(number, step, measured, rehearsed) for number, step in enumerate(plan.steps))


def _estimate(number: int, step: Step, measured: Measured, rehearsed: Mapping[int, float]) -> Estimate:
    action = step.action
    scans = [measured.milliseconds(name) for name in action.scans]
    if action.scans and all(scan is not None for scan in scans):
        total = sum(scan for scan in scans if scan is not None)
        spread = _SCAN_SPREAD if action.is_transactional else _BUILD_SPREAD
        names = ", ".join(map(str, action.scans))
        return Estimate(
            step=action.title,
            locks=action.locks,
            low_ms=total,
            high_ms=max(total * spread, 1.0),
            because=f"counting the rows of {names} took {total:.0f} ms on the target",
        )
    if number in rehearsed and not action.scans and action.batches is None and not action.captured:
        milliseconds = rehearsed[number]
        return Estimate(
            step=action.title,
            locks=action.locks,
            low_ms=milliseconds / _CATALOG_SPREAD,
            high_ms=milliseconds * _CATALOG_SPREAD,
            because=f"it took {milliseconds:.1f} ms in rehearsal, and does not depend on the rows",
        )
    return Estimate(
        step=action.title, locks=action.locks, low_ms=None, high_ms=None, because="nothing measured yet"
    )
