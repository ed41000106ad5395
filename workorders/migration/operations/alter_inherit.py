"""ALTER TABLE ... INHERIT and NO INHERIT.

Plain form: ACCESS EXCLUSIVE on the child for a catalog change, and with INHERIT SHARE UPDATE EXCLUSIVE
on the parent, so it is the online form too, under lock retry: no row is read. From then on the
child's rows show in what reads the parent, or do so no longer. The inverse is the other one of the two; after
NO INHERIT an empty table of ours stands in for the parent until the purge, where it would show
otherwise that columns and constraints had once been the child's own. Rows stay where they are.
Source: https://www.postgresql.org/docs/18/sql-altertable.html.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, ours
from workorders.migration.operations import family, inheritance, membership, ties
from workorders.migration.operations.inheritance import inherits
from workorders.migration.operations.operation import Check, Place, exclusive, must_find, refused
from workorders.migration.operations.restoration import strongest
from workorders.migration.operations.ties import Ties
from workorders.migration.steps import Action, Step

#: What reads the parent shows, in words.
_SHOWS = "what reads {parent} without ONLY {verb} the rows of {child} from then on"


@dataclass(frozen=True, kw_only=True)
class AlterInherit:
    """A table inherits from another, or does so no more."""

    place: Place
    #: The child.
    table: RelationName
    parent: RelationName
    #: INHERIT, not NO INHERIT.
    is_added: bool

    @property
    def name(self) -> str:
        """inherit or no_inherit."""
        return "inherit" if self.is_added else "no_inherit"

    @property
    def mentions(self) -> tuple[RelationName, ...]:
        """The parent."""
        return (self.parent,)

    def hazard(self) -> str:
        """Who reads the parent; and everybody, for a moment."""
        shows = _SHOWS.format(
            parent=self.parent, child=self.table, verb="shows" if self.is_added else "lacks"
        )
        return (
            f"{shows}; reads and writes of {self.table} wait for a catalog change, and for whom it waits for"
        )

    def checks(self) -> tuple[Check, ...]:
        """Nothing that rows could break."""
        return ()

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """As it is written; without the parent, with what stands in for it until the purge."""
        table, parent = must_find(catalog, self.table), must_find(catalog, self.parent)
        inheritance.must_have_parents(table, self.place)
        inheritance.must_be_separable(catalog, table, parent, self.place)
        if self.is_added:
            _must_fit(catalog, table, parent, self.place)
        alter = f"ALTER TABLE {self.table.sql}"
        is_tied = membership.is_partition(self.parent, self.table)
        add = Action(
            title=f"let {self.table} inherit from {self.parent}",
            sql=(f"{alter} INHERIT {self.parent.sql}",),
            locks=strongest(
                (*exclusive(self.table), Lock(relation=self.parent, mode=LockMode.SHARE_UPDATE_EXCLUSIVE))
            ),
            done=is_tied,
        )
        drop = Action(
            title=f"let {self.table} inherit no more from {self.parent}",
            sql=(f"{alter} NO INHERIT {self.parent.sql}",),
            locks=exclusive(self.table),
            done=questions.negated(is_tied),
        )
        step = Step(statement=self.place.statement, operation=self.name, action=add, undo=(drop,))
        if self.is_added or table.is_new:
            return (step if self.is_added else replace(step, action=drop, undo=(add,)),)
        tie = self._tie(catalog, run)
        back = replace(
            add, sql=tie.tying, locks=strongest((*exclusive(self.table), *tie.tying_locks)), done=is_tied
        )
        return (
            Step(
                statement=self.place.statement,
                operation=self.name,
                action=replace(drop, sql=tie.untying),
                undo=(back,),
                purge=self._purge(tie),
            ),
        )

    def _tie(self, catalog: Catalog, run: str) -> Ties:
        # In the child's own schema, where a dump of it finds what it inherits from.
        name = ours("parent", run, str(self.place.statement), str(self.parent), str(self.table))
        stand_in = RelationName(schema=self.table.schema, name=name)
        return ties.of(catalog, must_find(catalog, self.table), (self.parent,), stand_in, self.place)

    def _purge(self, tie: Ties) -> tuple[Action, ...]:
        if tie.stand_in is None:
            return ()
        return (
            Action(
                title=f"make what {self.table} inherited from {self.parent} its own for good",
                sql=tie.ending,
                locks=exclusive(self.table, tie.stand_in),
                done=questions.negated(questions.relation_exists(tie.stand_in)),
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """One tie more, or less; what stands in for the parent is one of them until the purge."""
        if self.is_added:
            return tied(catalog, self.table, self.parent)
        table = must_find(catalog, self.table)
        tie = self._tie(catalog, "")
        catalog = untied(catalog, self.table, self.parent)
        if tie.stand_in is None or table.is_new:
            return catalog
        left = catalog.tables[self.table].parents
        return catalog.with_table(replace(table, parents=(*left, tie.stand_in)))


def tied(catalog: Catalog, child: RelationName, parent: RelationName) -> Catalog:
    """The catalog in which the child inherits from one parent more."""
    table = catalog.tables[child]
    catalog = catalog.with_table(_with_parents(catalog, table, (*table.parents, parent)))
    whole = catalog.tables[parent]
    children = tuple(sorted({*whole.children, child}))
    return catalog.with_table(replace(whole, children=children))


def untied(catalog: Catalog, child: RelationName, parent: RelationName) -> Catalog:
    """The catalog in which the child inherits from one parent less."""
    table = catalog.tables[child]
    left = tuple(name for name in table.parents if name != parent)
    catalog = catalog.with_table(_with_parents(catalog, table, left))
    whole = catalog.tables[parent]
    children = tuple(name for name in whole.children if name != child)
    return catalog.with_table(replace(whole, children=children))


def _with_parents(catalog: Catalog, table: Table, names: tuple[RelationName, ...]) -> Table:
    """What no parent gives any more is the table's own."""
    parents = [catalog.tables[name] for name in names if name in catalog.tables]
    columns = {column.name for parent in parents for column in parent.columns}
    demanded = {column.name for parent in parents for column in parent.columns if column.not_null}
    checks = {each.name for parent in parents for each in parent.constraints if inherits(each)}
    return replace(
        table,
        parents=names,
        columns=tuple(
            replace(
                column,
                is_inherited=column.name in columns,
                is_local=column.is_local or column.name not in columns,
                is_not_null_local=column.is_not_null_local or column.name not in demanded,
            )
            for column in table.columns
        ),
        constraints=tuple(
            replace(each, is_inherited=each.name in checks, is_local=each.is_local or each.name not in checks)
            if each.kind == "c"
            else each
            for each in table.constraints
        ),
    )


def _must_fit(catalog: Catalog, table: Table, parent: Table, place: Place) -> None:
    """Raises Refused for what the server would refuse."""
    if parent.name in table.parents or parent.name in {
        table.name,
        *(heir.name for heir in family.heirs(catalog, table.name)),
    }:
        why = "inherits from it already" if parent.name in table.parents else "would inherit from itself"
        raise refused(place, f"{table.name} {why}.", "Take the statement out.", sqlstate="42P07")
    for column in parent.columns:
        own = table.column(column.name)
        # Of a new table the script's own words for types are known, and not what LIKE has made generated.
        is_alike = own is not None and (own.type, own.collation) == (column.type, column.collation)
        if own is None or not (is_alike or table.is_new):
            lacks = "no" if own is None else "another"
            raise refused(
                place,
                f"{table.name} has {lacks} column {column.name} {column.type} as {parent.name} has it.",
                f"ALTER TABLE {table.name.sql} first, so that the two are alike.",
                sqlstate="42804",
            )
        is_alike = column.generated == own.generated or table.is_new
        if (column.not_null and not own.not_null) or not is_alike:
            what = "NOT NULL" if is_alike else "generated alike"
            raise refused(
                place,
                f"{table.name}.{column.name} has to be {what}, as {parent.name}'s is.",
                f"ALTER TABLE {table.name.sql} first, so that the two are alike.",
                sqlstate="42804",
            )
    for constraint in parent.constraints:
        own_check = table.constraint(constraint.name)
        if inherits(constraint) and (own_check is None or own_check.kind != "c"):
            raise refused(
                place,
                f"{table.name} lacks the constraint {constraint.name} of {parent.name}.",
                f"ALTER TABLE {table.name.sql} ADD CONSTRAINT {constraint.name} {constraint.definition};"
                " first.",
                sqlstate="42804",
            )
