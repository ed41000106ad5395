"""From a script and a catalog to the ordered steps that bring it about, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from workorders.migration.catalog.snapshot import Catalog, Constraint, Identity, Reference
from workorders.migration.decisions import Decision, Nobody, Questions
from workorders.migration.draft import Draft, PlannedStatement, names_of
from workorders.migration.errors import Problem, Refused
from workorders.migration.names import RelationName
from workorders.migration.operations.operation import Check
from workorders.migration.operations.refresh import refilling
from workorders.migration.renames import Names
from workorders.migration.sql import blocks, temporary, translate, unrolling
from workorders.migration.sql.script import Script, Statement
from workorders.migration.steps import MovedColumn, Step
from workorders.migration.stored_steps import to_json

#: Part of every digest: an approval is of what this version would do.
VERSION = "0.1.0"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be approved and run. `digest` is of everything that an approval approves."""

    #: Tells this run's traces in the target from every other's.
    run: str
    identity: Identity
    script: Script
    statements: tuple[PlannedStatement, ...]
    steps: tuple[Step, ...]
    checks: tuple[Check, ...]
    #: Existing tables that it changes, reaches or depends on, sorted.
    tables: tuple[RelationName, ...]
    #: What decided which statements its DO blocks come to.
    decisions: tuple[Decision, ...] = ()
    #: Foreign keys between tables that are there that it adds; its rows have to be a sample of both.
    references: tuple[Reference, ...] = ()
    #: What an approval has to accept expressly, e.g. "positional".
    acceptances: tuple[str, ...] = ()
    #: A column that it puts out of sight is one of a table that is published then.
    hides_published: bool = False
    #: `Fingerprint.of(tables).hash` of the target when it was made.
    fingerprint: str = ""
    #: The target's policy in force, as text; "" on the command line.
    policy: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over SQL, steps, inverses, what decided them, target, fingerprint, policy and version."""
        content = {
            "sql": self.script.text,
            "steps": [to_json(step) for step in self.steps],
            "decisions": [each.digest for each in self.decisions],
            "target": str(self.identity),
            "fingerprint": self.fingerprint,
            "policy": self.policy,
            "acceptances": list(self.acceptances),
            "version": VERSION,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def touched(self) -> tuple[RelationName, ...]:
        """`tables` and those that it creates, sorted: a run on any of them stands on this one."""
        return tuple(sorted({*self.tables, *(name for each in self.statements for name in each.tables)}))

    @property
    def gone(self) -> frozenset[RelationName]:
        """Tables that it drops, as they were called before; others may have their names afterwards."""
        dropping = (step for step in self.steps if step.operation == "drop_table")
        return frozenset(
            self.names(step.statement).reversed.table(move.relation)
            for step in dropping
            for move in step.moves
        )

    @property
    def gone_columns(self) -> frozenset[tuple[RelationName, str]]:
        """Columns that it drops, as they were called before; others may have their names afterwards."""
        dropping = (step for step in self.steps if step.operation == "drop_column")
        found = set()
        for step in dropping:
            before = self.names(step.statement).reversed
            found |= {
                (before.table(each.table), before.column(each.table, each.column)) for each in step.hides
            }
        return frozenset(found)

    @property
    def moved(self) -> tuple[MovedColumn, ...]:
        """Columns that stand elsewhere afterwards than after the plain SQL, in the order of their moves."""
        return tuple(step.moved for step in self.steps if step.moved is not None)

    @property
    def moved_back(self) -> tuple[MovedColumn, ...]:
        """Columns that stand elsewhere after a rollback than before the plan, in the order of their moves."""
        return tuple(move for step in reversed(self.steps) for move in step.moved_back)

    def names(self, until: int | None = None) -> Names:
        """From the names before the run to those after it, or to those that a statement meets."""
        return names_of(step for step in self.steps if until is None or step.statement < until)

    @property
    def is_undone_instantly(self) -> bool:
        """The whole way back takes about a second at any size."""
        return all(step.is_undone_instantly for step in self.steps)


def run_name(script: Script, identity: Identity, earlier_runs: int) -> str:
    """The same for the same script on the same target, until it has been run there."""
    seed = f"{script.sha256}/{identity}/{earlier_runs}"
    return f"run-{hashlib.sha256(seed.encode()).hexdigest()[:10]}"


def make(
    script: Script,
    catalog: Catalog,
    *,
    run: str,
    also_written: Mapping[int, tuple[RelationName, ...]] | None = None,
    questions: Questions | None = None,
) -> Plan:
    """The plan of a script on a catalog. Nothing is changed, and nothing read but what `questions` answers.

    `also_written` gives, by statement, the tables that its triggers were seen to write in a
    rehearsal. Raises Refused with every problem that was found, each with its line.
    """
    draft = Draft(catalog, run, also_written or {})
    problems: list[Problem] = []
    for statement in script.statements:
        try:
            _add(draft, statement, questions or Nobody())
        except Refused as refusal:
            found = translate.problems_of(refusal, statement.line).problems
            problems += (temporary.as_written(problem, run) for problem in found)
    if problems:
        raise Refused(*problems)
    draft.finish()
    steps = _refreshed_at_last(draft.steps, dict.fromkeys(draft.filled))
    return Plan(
        run=run,
        identity=catalog.identity,
        script=replace(
            script,
            statements=tuple(each.statement for each in draft.planned),
            notes=tuple(
                dict.fromkeys(
                    (*script.notes, *draft.notes, *(each.note for each in draft.decisions if each.note))
                )
            ),
        ),
        statements=tuple(draft.planned),
        steps=tuple(_told_of_remakes(step, draft.catalog) for step in steps),
        checks=tuple(draft.checks),
        decisions=tuple(draft.decisions),
        hides_published=draft.hides_published,
        tables=_tables(steps, draft.planned, catalog),
        references=_references(catalog, draft.catalog, names_of(steps)),
    )


def _add(draft: Draft, statement: Statement, questions: Questions) -> None:
    """Plans one statement more, or what it comes to."""
    if not unrolling.is_unrolled(statement.raw, draft.catalog):
        draft.add(statement)
        return
    saved = draft.saved()
    try:
        unrolling.unroll(statement.raw, draft, questions)
    except Refused as refusal:
        if statement.raw.kind == "DoStmt" and blocks.read(statement.raw).changes_schema:
            raise
        # A function that may change the schema need not do so: it is run as it is, and must not.
        draft.restore(saved)
        draft.add(statement)
        draft.notes.append(
            f"line {statement.line}: it runs as it is, and is stopped if it changes the schema, for what it"
            f" calls cannot be read as statements of its own. {refusal.problems[0].reason}"
        )


def _refreshed_at_last(steps: list[Step], filled: Iterable[RelationName]) -> list[Step]:
    """A refresh on the way back waits until the rows that it reads are back: it goes with the first step's.

    `filled` are materialised views that are made again while rows have still to be put back.
    """
    refreshes = [
        action for step in reversed(steps[1:]) if step.operation == "refresh" for action in step.undo
    ]
    refreshes += [refilling(name) for name in filled]
    if not refreshes:
        return steps
    first, *others = (
        replace(s, undo=()) if n and s.operation == "refresh" else s for n, s in enumerate(steps)
    )
    return [replace(first, undo=(*first.undo, *refreshes)), *others]


def with_facts(plan: Plan, *, fingerprint: str, acceptances: tuple[str, ...], policy: str = "") -> Plan:
    """The plan bound to what was found on the target."""
    return replace(plan, fingerprint=fingerprint, acceptances=acceptances, policy=policy)


def _tables(steps: list[Step], planned: list[PlannedStatement], before: Catalog) -> tuple[RelationName, ...]:
    names = {name for each in planned for name in each.tables}
    for step in steps:
        for action in (step.action, *step.undo):
            names |= {lock.relation for lock in action.locks} | set(action.captured)
    return tuple(sorted(name for name in names if name in before.tables))


def _references(before: Catalog, after: Catalog, names: Names) -> tuple[Reference, ...]:
    """Foreign keys that come to be over columns that are there already, by the names of now."""
    back = names.reversed

    def called_before(table: RelationName, key: Constraint) -> Constraint:
        there = key.referenced
        return replace(
            key,
            name=back.constraint(table, key.name),
            columns=tuple(back.column(table, each) for each in key.columns),
            referenced=None if there is None else back.table(there),
            referenced_columns=tuple(
                each if there is None else back.column(there, each) for each in key.referenced_columns
            ),
        )

    def has(name: RelationName | None, columns: tuple[str, ...]) -> bool:
        table = None if name is None else before.tables.get(name)
        return table is not None and all(table.column(column) for column in columns)

    return tuple(
        Reference(table=name, constraint=key)
        for name, table in before.tables.items()
        if (then := after.tables.get(names.table(name))) is not None
        for key in (called_before(then.name, each) for each in then.foreign_keys)
        if table.constraint(key.name) is None
        and has(name, key.columns)
        and has(key.referenced, key.referenced_columns)
    )


def _told_of_remakes(step: Step, catalog: Catalog) -> Step:
    """The step, knowing which of its tables are there again in the end."""
    moves = (replace(move, is_remade=move.relation in catalog.tables) for move in step.moves)
    return replace(step, moves=tuple(moves))
