"""From a script and a catalog to the ordered steps that bring it about, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from workorders.migration.atlas import expected
from workorders.migration.atlas.effect import Effect
from workorders.migration.catalog.snapshot import Catalog, Constraint, Identity, Reference, Table
from workorders.migration.errors import Problem, Refused
from workorders.migration.later_names import purged_under
from workorders.migration.names import LAST, OUR_SCHEMA, RelationName, is_ours
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.drop_column import DropColumn
from workorders.migration.operations.drop_table import DropTable
from workorders.migration.operations.drop_type import DropType
from workorders.migration.operations.operation import Check, Operation, Place
from workorders.migration.operations.refresh import refilling
from workorders.migration.operations.twin_column import TwinColumn
from workorders.migration.renames import Names, Part, Renamed
from workorders.migration.sql import renamed, session_settings, stars, temporary, translate
from workorders.migration.sql.script import Script, Statement
from workorders.migration.steps import MovedColumn, Step, to_json

#: Part of every digest: an approval is of what this version would do.
VERSION = "0.1.0"

#: Operations after which a check of the rows as they are now would prove nothing.
_CHANGES_ROWS = frozenset(
    {"update", "delete", "insert", "merge", "truncate", "do", "call", "select"}
    | {"add_column", "fill_column", "drop_column", "create_table", "twin_column", "change_labels"}
)

#: Operations after which a column has another name, or another type.
_RENAMES = frozenset({"drop_column", "rename_column", "alter_type", "change_labels", "twin_column"})

#: Operations that put a column out of sight.
_HIDES = frozenset({"drop_column", "twin_column"})

#: Quarantine leaves a column where `INSERT INTO t VALUES (...)` and COPY would meet it.
POSITIONAL = "positional"


@dataclass(frozen=True, kw_only=True)
class PlannedStatement:
    """A statement with what it comes to."""

    statement: Statement
    #: The names of its operations; none where the catalog already is as it wants it.
    operations: tuple[str, ...]
    #: Who would wait, and how long, if it ran as it is written.
    hazards: tuple[str, ...]
    tables: tuple[RelationName, ...]
    #: What it would do to tables with rows if it ran as it is written; None where that cannot be foretold.
    plain: Effect | None = None


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
    #: Foreign keys between tables that are there that it adds; its rows have to be a sample of both.
    references: tuple[Reference, ...] = ()
    #: What an approval has to accept expressly, e.g. "positional".
    acceptances: tuple[str, ...] = ()
    #: `Fingerprint.of(tables).hash` of the target when it was made.
    fingerprint: str = ""
    #: The target's policy in force, as text; "" on the command line.
    policy: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 over SQL, steps with their inverses, target, fingerprint, policy and version."""
        content = {
            "sql": self.script.text,
            "steps": [to_json(step) for step in self.steps],
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
    def moved(self) -> tuple[MovedColumn, ...]:
        """Columns that stand elsewhere afterwards than after the plain SQL, in the order of their moves."""
        return tuple(step.moved for step in self.steps if step.moved is not None)

    def names(self, until: int | None = None) -> Names:
        """From the names before the run to those after it, or to those that a statement meets."""
        return _names(step for step in self.steps if until is None or step.statement < until)

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
) -> Plan:
    """The plan of a script on a catalog. Pure: nothing is read and nothing changed.

    `also_written` gives, by statement, the tables that its triggers were seen to write in a
    rehearsal. Raises Refused with every problem that was found, each with its line.
    """
    steps: list[Step] = []
    checks: list[Check] = []
    planned: list[PlannedStatement] = []
    problems: list[Problem] = []
    before = catalog
    changed: set[RelationName] = set()
    filled: list[RelationName] = []
    twinned: set[tuple[RelationName, str]] = set()
    settings: Mapping[str, str] = {}
    hiding: stars.Seen = {}
    for position, statement in enumerate(script.statements):
        names: list[str] = []
        hazards: list[str] = []
        tables: list[RelationName] = []
        plain = expected.effect(statement.raw, catalog)
        old = {table.name for table in catalog.tables.values() if not table.is_new}
        setting = session_settings.setting_of(statement.raw)
        place = Place(statement=position, line=statement.line)
        try:
            if setting is not None:
                settings = session_settings.after(setting, settings, place, catalog)
                catalog = replace(catalog, settings={**before.settings, **settings})
            raw = stars.written_out(statement.raw, hiding, place, catalog)
            if temporary.is_made(raw) and temporary.schema_of(run) not in catalog.schemas:
                settings = {**settings, "search_path": temporary.path(run, catalog)}
                steps.append(temporary.creation(run, place))
                catalog = temporary.with_schema(run, catalog)
            seen = replace(statement, raw=temporary.placed(raw, run, place, catalog))
            is_read = setting is None and not temporary.is_only_dropped(raw, run, catalog)
            if setting is None and not is_read:
                catalog = temporary.dropped(raw, catalog)
            for found in translate.operations(seen, position, catalog) if is_read else ():
                operation = translate.with_written(found, (also_written or {}).get(position, ()))
                concerned = translate.concerned(operation)
                for name in concerned:
                    _must_not_be_ours(name, statement)
                names_now = _names(steps)
                _must_not_be_twinned(operation, before, names_now, twinned, statement)
                made = operation.steps(catalog, run)
                if changed:
                    filled += _filled_again(operation, catalog)
                for given in _names(made).renames:
                    steps = [purged_under(step, given) for step in steps]
                    changed, twinned = _called(changed, twinned, given)
                    hiding = stars.renamed(hiding, given)
                made = temporary.kept_apart(made, operation.table, run)
                steps += [session_settings.travelling(step, settings) for step in made]
                table = catalog.tables.get(operation.table) if operation.table else None
                if made and (table is None or not table.is_new):
                    # What the script itself does to the rows before decides, not how they are now.
                    checks += [
                        _asked_before(check, operation.table, names_now)
                        for check in operation.checks()
                        if changed.isdisjoint({operation.table, *check.reads})
                    ]
                    hazards.append(operation.hazard())
                if operation.name in _CHANGES_ROWS:
                    changed |= {name for step in made for name in step.action.captured}
                    changed |= {operation.table} if operation.table else set()
                if made and operation.name in _HIDES and table is not None:
                    gone = {operation.column} if isinstance(operation, DropColumn) else set()
                    left = (each for each in stars.seen(table, hiding) if each not in gone)
                    hiding = {**hiding, table.name: tuple(left)}
                if isinstance(operation, TwinColumn):
                    twinned.add((operation.table, operation.column))
                names.append(operation.name)
                tables += concerned
                catalog = _with_hidden(operation.after(catalog), table, made)
                if isinstance(operation, DropType):
                    catalog = operation.seen_by_hidden(catalog, run)
        except Refused as refusal:
            problems += translate.problems_of(refusal, statement.line).problems
        planned.append(
            PlannedStatement(
                statement=statement,
                operations=tuple(names),
                hazards=tuple(dict.fromkeys(hazards)),
                tables=tuple(dict.fromkeys(tables)),
                plain=None if plain is None else plain.among(old),
            )
        )
    if problems:
        raise Refused(*problems)
    if temporary.schema_of(run) in catalog.schemas:
        named = {name for each in planned for name in each.tables}
        steps.append(temporary.removal(run, len(script.statements) - 1, named))
    steps = _refreshed_at_last(steps, dict.fromkeys(filled))
    return Plan(
        run=run,
        identity=before.identity,
        script=script,
        statements=tuple(planned),
        steps=tuple(_told_of_remakes(step, catalog) for step in steps),
        checks=tuple(checks),
        tables=_tables(steps, planned, before),
        references=_references(before, catalog, _names(steps)),
    )


def _with_hidden(catalog: Catalog, table: Table | None, made: Iterable[Step]) -> Catalog:
    """The catalog with what the steps have put out of sight in a table: its rows still have it."""
    for step in made:
        for each in step.hides:
            was = None if table is None else table.column(each.column)
            now = catalog.tables.get(each.table)
            if was is not None and now is not None:
                hidden = replace(was, name=each.hidden, not_null=False, default=None)
                catalog = catalog.with_table(replace(now, hidden=(*now.hidden, hidden)))
    return catalog


def _filled_again(operation: Operation, catalog: Catalog) -> tuple[RelationName, ...]:
    """Materialised views that the operation's way back makes again, with the rows of that moment."""
    if isinstance(operation, DropTable):
        return operation.fills_again(catalog)
    return operation.fills_again if isinstance(operation, ChangeDefinition) else ()


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


def _names(steps: Iterable[Step]) -> Names:
    return Names(renames=tuple(step.renamed for step in steps if step.renamed is not None))


def _called(
    changed: set[RelationName], twinned: set[tuple[RelationName, str]], given: Renamed
) -> tuple[set[RelationName], set[tuple[RelationName, str]]]:
    """What the script has changed, and what has a twin, also under the names of now."""
    if given.part is not Part.TABLE:
        return changed, twinned
    name = Names(renames=(given,)).table
    return {name(each) for each in changed}, {(name(table), column) for table, column in twinned}


def _asked_before(check: Check, table: RelationName | None, names: Names) -> Check:
    """The check as it can be asked before the plan has run."""
    if table is None or not names.renames:
        return check
    return replace(check, query=renamed.query(check.query, names.reversed, main=table))


def _must_not_be_twinned(
    operation: Operation,
    before: Catalog,
    given: Names,
    twinned: set[tuple[RelationName, str]],
    statement: Statement,
) -> None:
    """A trigger of ours names both columns: until it is gone, neither may have another name."""
    names, columns = _renamed(operation)
    for name in names:
        table = before.tables.get(given.reversed.table(name))
        if table is not None and any(is_ours(each.name) for each in table.triggers if each.name[0] == LAST):
            raise Refused.because(
                f"{name} still has the twin of an earlier run.", "Purge that run first.", line=statement.line
            )
    for name, column in twinned:
        if name in names and columns in (None, column):
            raise Refused.because(
                f"{name}.{column} has just got a twin in this script.",
                "Make the second change in a migration of its own, after the first one is purged.",
                line=statement.line,
            )


def _renamed(operation: Operation) -> tuple[tuple[RelationName, ...], str | None]:
    """The tables of which a column gets another name or type, and the column; None for all of them."""
    if isinstance(operation, DropTable):
        return operation.tables, None
    column = getattr(operation, "column", None)
    if operation.table is None or operation.name not in _RENAMES or not isinstance(column, str):
        return (), None
    return (operation.table,), column


def _must_not_be_ours(name: RelationName, statement: Statement) -> None:
    if name.schema == OUR_SCHEMA or is_ours(name.name):
        raise Refused.because(
            f"{name} is Lockkeeper's own.",
            "Leave it alone: it holds what a rollback needs.",
            line=statement.line,
        )
