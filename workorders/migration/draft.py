"""A plan while it is made: statement by statement, each on the catalog as those before it leave it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Self

from workorders.migration.atlas import expected
from workorders.migration.atlas.effect import Effect
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.decisions import Decision
from workorders.migration.errors import Refused
from workorders.migration.later_names import behind_another, purged_under
from workorders.migration.names import LAST, OUR_SCHEMA, RelationName, is_ours
from workorders.migration.operations import counted, family, hidden_parts, misfits, unvalidated
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.drop_column import DropColumn
from workorders.migration.operations.drop_table import DropTable
from workorders.migration.operations.drop_type import DropType
from workorders.migration.operations.operation import Check, Operation, Place, refused
from workorders.migration.operations.rename_column import RenameColumn
from workorders.migration.operations.twin_column import TwinColumn
from workorders.migration.operations.twin_names import Twins
from workorders.migration.operations.write_rows import WriteRows
from workorders.migration.renames import Names, Part
from workorders.migration.sql import renamed, session_settings, stars, temporary, translate
from workorders.migration.sql.renamed import RenamedType
from workorders.migration.sql.script import Statement
from workorders.migration.steps import Step

#: Operations after which a check of the rows as they are now would prove nothing.
_CHANGES_ROWS = frozenset(
    {"update", "delete", "insert", "merge", "truncate", "do", "call", "select"}
    | {"add_column", "fill_column", "drop_column", "create_table", "twin_column", "change_labels"}
)

#: Operations after which a column has another name, or another type.
_RENAMES = frozenset({"drop_column", "rename_column", "alter_type", "change_labels", "twin_column"})

#: Operations that put a column out of sight.
_HIDES = frozenset({"drop_column", "twin_column"})


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


class Draft:
    """What is planned of a script so far. Pure: nothing is read and nothing changed."""

    def __init__(
        self, catalog: Catalog, run: str, also_written: Mapping[int, tuple[RelationName, ...]]
    ) -> None:
        self._run = run
        self._also_written = also_written
        #: From before the script.
        self.before = catalog
        #: After the statements so far.
        self.catalog = catalog
        self.steps: list[Step] = []
        self.checks: list[Check] = []
        self.planned: list[PlannedStatement] = []
        #: What decided which statements its blocks come to.
        self.decisions: list[Decision] = []
        #: What was left out, for the report.
        self.notes: list[str] = []
        #: A column of a published table has been put out of sight.
        self.hides_published = False
        #: Tables whose rows are not as they were.
        self.changed: set[RelationName] = set()
        #: Materialised views that are made again on the way back, with the rows of that moment.
        self.filled: list[RelationName] = []
        #: What the script has set.
        self.settings: Mapping[str, str] = {}
        self._twins = Twins()
        self._hiding: stars.Seen = {}
        #: How many actions of the first renaming's way back are its own.
        self._own_way_back: int | None = None

    @property
    def names(self) -> Names:
        """From the names before the script to those of now."""
        return names_of(self.steps)

    def saved(self) -> Self:
        """A draft of its own that goes on from here; the decisions are those of both."""
        draft = copy(self)
        for name in ("steps", "checks", "planned", "notes", "changed", "filled"):
            setattr(draft, name, copy(getattr(self, name)))
        return draft

    def restore(self, saved: Self) -> None:
        """Makes it what it was when it was saved, its decisions apart."""
        self.__dict__.update(saved.saved().__dict__)

    def add(self, statement: Statement) -> None:
        """Plans one statement more. Raises Refused with every problem found in it."""
        catalog, position = self.catalog, len(self.planned)
        names: list[str] = []
        hazards: list[str] = []
        tables: list[RelationName] = []
        plain = expected.effect(statement.raw, catalog)
        old = {table.name for table in catalog.tables.values() if not table.is_new}
        setting = session_settings.setting_of(statement.raw)
        place = Place(statement=position, line=statement.line)
        try:
            if setting is not None:
                self._set(setting, place)
                return
            raw = stars.written_out(statement.raw, self._hiding, place, catalog)
            if temporary.is_made(raw) and temporary.schema_of(self._run) not in catalog.schemas:
                self.settings = {**self.settings, "search_path": temporary.path(self._run, catalog)}
                self.steps.append(temporary.creation(self._run, place))
                catalog = self.catalog = temporary.with_schema(self._run, catalog)
            if raw.kind == "LockStmt":
                self.notes.append(
                    f"line {statement.line}: {raw.text!r} is left out:"
                    " every step takes the locks that it needs."
                )
            seen = replace(statement, raw=temporary.placed(raw, self._run, place, catalog))
            if temporary.is_only_dropped(raw, self._run, catalog):
                self.catalog = temporary.dropped(raw, catalog)
                return
            for found in translate.operations(seen, position, catalog):
                operation = translate.with_written(found, self._also_written.get(position, ()))
                concerned = translate.concerned(operation)
                for name in concerned:
                    _must_not_be_ours(name, statement)
                hazards += self._add(operation, statement)
                names.append(operation.name)
                tables += concerned
        finally:
            self.planned.append(
                PlannedStatement(
                    statement=statement,
                    operations=tuple(names),
                    hazards=tuple(dict.fromkeys(hazards)),
                    tables=tuple(dict.fromkeys(tables)),
                    plain=None if plain is None else plain.among(old),
                )
            )

    def _set(self, setting: session_settings.Setting, place: Place) -> None:
        """What a SET means for the statements after it."""
        catalog = self.catalog
        if setting.name == "search_path" and temporary.schema_of(self._run) in catalog.schemas:
            raise refused(
                place,
                "SET search_path after a temporary table of the script: it would be out of sight.",
                "Set it before the table is made.",
            )
        self.settings = session_settings.after(setting, self.settings, place, catalog, self.before)
        self.catalog = replace(
            catalog,
            settings={**self.before.settings, **self.settings},
            search_path=session_settings.path_after(setting, catalog, self.before),
        )

    def finish(self) -> None:
        """What comes after the last statement."""
        if temporary.schema_of(self._run) in self.catalog.schemas:
            named = {name for each in self.planned for name in each.tables}
            # Dropped tables are still there; functions are none, and dropped views have gone.
            named -= {
                name
                for each in self.planned
                if each.statement.raw.kind in ("CreateFunctionStmt", "ViewStmt")
                for name in each.tables
                if name not in self.catalog.tables
            }
            self.steps.append(temporary.removal(self._run, len(self.planned) - 1, named))

    def _add(self, operation: Operation, statement: Statement) -> list[str]:
        """Plans one operation more; its hazards."""
        formers = {each.hidden: each.column for step in self.steps for each in step.hides}
        let_go, catalog = hidden_parts.let_go(operation, self.catalog, self._run, formers)
        hazards: list[str] = []
        names_now = names_of(self.steps)
        _must_not_be_twinned(operation, self.before, names_now, self._twins, statement)
        made = family.spread(
            operation.name,
            catalog,
            operation.steps(catalog, self._run),
            statement.raw,
            heirs_of=operation.table if family.goes_to_heirs(operation) else None,
        )
        made = (*let_go, *misfits.spread(catalog, operation, made))
        if self.changed:
            self.filled += _filled_again(operation, catalog)
        for given in names_of(made).renames:
            self.steps = [purged_under(step, given) for step in self.steps]
            if given.part is Part.TABLE:
                self.changed = {Names(renames=(given,)).table(each) for each in self.changed}
                self._twins = self._twins.under(given)
            self._hiding = stars.renamed(self._hiding, given)
        made = temporary.kept_apart(made, operation.table, self._run)
        if not isinstance(operation, TwinColumn):
            made = tuple(self._told(step) for step in made)
        given_type = _renamed_type(operation, self._run)
        if given_type is not None and made:
            self._twins, first = self._twins.under_type(given_type, made[0])
            made = (first, *made[1:])
        if isinstance(operation, ChangeDefinition) and operation.undone_later:
            self._put_off(made)
            made = tuple(replace(step, undo=()) for step in made)
        self.steps += [session_settings.travelling(step, self.settings) for step in made]
        table = catalog.tables.get(operation.table) if operation.table else None
        if made and (table is None or not table.is_new):
            # What the script itself does to the rows before decides, not how they are now.
            self.checks += [
                _asked_before(check, operation.table, names_now)
                for check in misfits.asked(
                    catalog, operation, (*operation.checks(), *_of_backfill(operation, table, catalog))
                )
                if self.changed.isdisjoint({operation.table, *check.reads})
            ]
            hazards.append(operation.hazard())
        self.hides_published |= any(
            catalog.tables[each.table].publications for step in made for each in step.hides
        )
        if operation.name in _CHANGES_ROWS:
            self.changed |= {name for step in made for name in step.action.captured}
            self.changed |= {operation.table} if operation.table else set()
            self.changed |= set(_may_change(operation, catalog))
        if made and operation.name in _HIDES and table is not None:
            gone = {operation.column} if isinstance(operation, DropColumn) else set()
            self.steps = [behind_another(step, table, gone) for step in self.steps] if gone else self.steps
            left = (each for each in stars.seen(table, self._hiding) if each not in gone)
            self._hiding = {**self._hiding, table.name: tuple(left)}
        if isinstance(operation, TwinColumn):
            self._twins = self._twins.and_one(operation.table, operation.twin(catalog, self._run))
        after = family.followed(operation, catalog, operation.after(catalog))
        if isinstance(operation, TwinColumn):
            after = hidden_parts.kept(operation, catalog, after, self._run)
        self.catalog = counted.told(_with_hidden(after, table, made), made)
        if isinstance(operation, DropType):
            self.catalog = operation.seen_by_hidden(self.catalog, self._run)
        return hazards

    def _told(self, step: Step) -> Step:
        self._twins, told = self._twins.told(step)
        return told

    def _put_off(self, made: Iterable[Step]) -> None:
        """Their way back goes with that of the first renaming: after its own, the last one put off first."""
        first = next(number for number, step in enumerate(self.steps) if _gives_a_name(step))
        step = self.steps[first]
        own = self._own_way_back = len(step.undo) if self._own_way_back is None else self._own_way_back
        back = (action for each in made for action in session_settings.travelling(each, self.settings).undo)
        self.steps[first] = replace(step, undo=(*step.undo[:own], *back, *step.undo[own:]))


def _may_change(operation: Operation, catalog: Catalog) -> Collection[RelationName]:
    """Tables whose rows a program of the user's may change: those that a block says; for a function, any."""
    if not isinstance(operation, WriteRows) or operation.writes:
        return ()
    return operation.mentions if operation.name == "do" else catalog.tables


def _renamed_type(operation: Operation, run: str) -> RenamedType | None:
    """The type that has another name after the operation."""
    if isinstance(operation, DropType) and not operation.arguments:
        return operation.renames(run)
    return operation.renames if isinstance(operation, ChangeDefinition) else None


def names_of(steps: Iterable[Step]) -> Names:
    """The renamings of these steps, in order."""
    return Names(renames=tuple(step.renamed for step in steps if step.renamed is not None))


def _gives_a_name(step: Step) -> bool:
    """Whether something that stays in sight is called otherwise from it on."""
    is_one = step.operation == "definition" and any(each.name != each.there for each in step.other_names)
    return step.renamed is not None or is_one


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


def _of_backfill(operation: Operation, table: Table | None, catalog: Catalog) -> Iterable[Check]:
    if table is None or operation.name not in unvalidated.BACKFILLED:
        return ()
    every = (table, *family.heirs(catalog, table.name))
    return tuple(check for each in every for check in unvalidated.checks(each))


def _filled_again(operation: Operation, catalog: Catalog) -> tuple[RelationName, ...]:
    """Materialised views that the operation's way back makes again, with the rows of that moment."""
    if isinstance(operation, DropTable):
        return operation.fills_again(catalog)
    return operation.fills_again if isinstance(operation, ChangeDefinition) else ()


def _asked_before(check: Check, table: RelationName | None, names: Names) -> Check:
    """The check as it can be asked before the plan has run."""
    if table is None or not names.renames:
        return check
    return replace(check, query=renamed.query(check.query, names.reversed, main=table))


def _must_not_be_twinned(
    operation: Operation,
    before: Catalog,
    given: Names,
    twins: Twins,
    statement: Statement,
) -> None:
    """Until its trigger is gone, a twin's column keeps its type; that of a run before, its name, too."""
    names, columns = _renamed(operation)
    for name in names:
        table = before.tables.get(given.reversed.table(name))
        if table is not None and any(is_ours(each.name) for each in table.triggers if each.name[0] == LAST):
            raise Refused.because(
                f"{name} still has the twin of an earlier run.", "Purge that run first.", line=statement.line
            )
    for name, twin in () if isinstance(operation, RenameColumn) else twins.known:
        if name in names and columns in (None, twin.name):
            raise Refused.because(
                f"{name}.{twin.name} has just got a twin in this script.",
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
