"""ALTER TABLE ... ATTACH PARTITION.

Plain form: SHARE UPDATE EXCLUSIVE on the parent, but ACCESS EXCLUSIVE on the table, and on the DEFAULT
partition, while each is read; and while indexes that the table lacks are built and foreign keys are
checked. Online form: a CHECK of the bound, NOT VALID and then validated, on the table, and one of its
opposite on the DEFAULT partition; the indexes concurrently and the foreign keys validated
beforehand, under the names that the server would give them; then ATTACH, which finds all of that
done. The way back detaches, and drops what attaching had added.
Source: https://www.postgresql.org/docs/18/sql-altertable.html, ATTACH PARTITION.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import membership, rebuild
from workorders.migration.operations.operation import SMALL_BYTES, Check, Place, must_find, refused
from workorders.migration.sql import index_forms
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class AttachPartition:
    """A table becomes a partition."""

    name: ClassVar[str] = "attach_partition"
    place: Place
    #: The parent.
    table: RelationName
    child: RelationName
    #: `FOR VALUES ...` or `DEFAULT`.
    bound: str
    #: True of the rows that belong there; None where that cannot be told.
    condition: str | None = None
    #: The server takes a CHECK of it for a proof that no row needs be read.
    is_proof: bool = True

    @property
    def mentions(self) -> tuple[RelationName, ...]:
        """The table that becomes one."""
        return (self.child,)

    def hazard(self) -> str:
        """Everybody who uses the table, or the DEFAULT partition."""
        return (
            f"reads and writes of {self.child}, and of the DEFAULT partition of {self.table}, wait under"
            " ACCESS EXCLUSIVE while their rows are read and the indexes are built that are missing"
        )

    def checks(self) -> tuple[Check, ...]:
        """No row that does not belong there."""
        if self.condition is None:
            return ()
        where = f"({self.condition}) IS NOT TRUE"
        return (
            Check(
                query=f"SELECT count(*) FROM {self.child.sql} WHERE {where}",
                reason=f"{{count}} rows of {self.child} do not belong {self.bound}.",
                next_move=f"SELECT * FROM {self.child.sql} WHERE {where}; finds them.",
                reads=(self.child,),
            ),
        )

    def steps(self, catalog: Catalog, run: str) -> tuple[Step, ...]:
        """Everything that takes time beforehand, then the attachment."""
        parent, child = must_find(catalog, self.table), must_find(catalog, self.child)
        self._must_fit(parent, child)
        default = membership.default_of(catalog, self.table)
        guards: list[Step] = []
        released: list[Step] = []
        watched = [] if child.is_new else [(child, self.condition, f"FOR VALUES of {self.table}")]
        if default is not None:
            opposite = None if self.condition is None else f"NOT ({self.condition})"
            watched.append((default, opposite, f"what {self.child} takes"))
        for table, condition, why in watched:
            if condition is None or not self.is_proof:
                self._must_be_small(table)
            else:
                steps, release = membership.guarded(
                    catalog, table, condition, run, self.place, self.name, why
                )
                guards += steps
                released.append(release)
        made = () if child.is_new else tuple(self._made(catalog, parent, child))
        ready = child
        if not child.is_new:
            keys = membership.missing_foreign_keys(parent, child)
            ready = replace(child, constraints=(*child.constraints, *keys))
        attach = Step(
            statement=self.place.statement,
            operation=self.name,
            action=Action(
                title=f"attach {self.child} to {self.table}",
                sql=(f"ALTER TABLE {self.table.sql} ATTACH PARTITION {self.child.sql} {self.bound}",),
                locks=membership.attaching_locks(
                    catalog, parent, ready, on_parent=LockMode.SHARE_UPDATE_EXCLUSIVE
                ),
                done=membership.is_partition(self.table, self.child),
            ),
            undo=self._undo(catalog, parent, child),
        )
        return (*guards, *made, attach, *released)

    def _must_fit(self, parent: Table, child: Table) -> None:
        """Raises Refused for what the server would refuse."""
        if child.parents or child.kind not in "rp" or child.has_heirs:
            raise refused(
                self.place,
                f"{self.child} has a parent or is no table that could have one.",
                "Check its name.",
            )
        own = {column.name: column for column in child.columns}
        for column in parent.columns:
            there = own.pop(column.name, None)
            if there is None or there.type != column.type:
                raise refused(
                    self.place,
                    f"{self.child} has no column {column.name} of type {column.type}, as {self.table} has.",
                    "Add it first.",
                )
            if column.not_null and not there.not_null:
                raise refused(
                    self.place,
                    f"{self.child}.{column.name} may be NULL, and that of {self.table} may not.",
                    f"ALTER TABLE {self.child.sql} ALTER COLUMN {quoted(column.name)} SET NOT NULL; first.",
                )
        if own:
            raise refused(
                self.place,
                f"{self.child} has a column {next(iter(own))}, which {self.table} does not have.",
                "Drop it first.",
            )
        names = {each.name for each in child.constraints}
        for constraint in parent.constraints:
            if constraint.kind == "c" and not constraint.is_no_inherit and constraint.name not in names:
                raise refused(
                    self.place,
                    f"{self.child} lacks the constraint {constraint.name} of {self.table}.",
                    f"ALTER TABLE {self.child.sql} ADD CONSTRAINT {quoted(constraint.name)}"
                    f" {constraint.definition}; first.",
                )

    def _must_be_small(self, table: Table) -> None:
        if table.size_bytes > SMALL_BYTES and not table.is_new:
            raise refused(
                self.place,
                f"{table.name} ({table.size_bytes // 1024} kB) would be read under ACCESS EXCLUSIVE: its rows"
                f" cannot be proven to fit {self.bound} beforehand.",
                "Write the bound as plain values, or attach it by hand.",
            )

    def _made(self, catalog: Catalog, parent: Table, child: Table) -> Iterator[Step]:
        """Indexes, keys and foreign keys that the parent has and the table lacks."""
        for key, index in _missing_indexes(catalog, parent, child):
            actions = (
                rebuild.index(child.name, index)
                if key is None
                else rebuild.unique_constraint(child.name, key, index)
            )
            name = RelationName(schema=child.name.schema, name=index.name)
            undo = Action(
                title=f"drop index {name}",
                sql=(f"DROP INDEX CONCURRENTLY IF EXISTS {name.sql}",),
                locks=(Lock(relation=child.name, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
                is_transactional=False,
                done=questions.negated(questions.relation_exists(name)),
            )
            for position, action in enumerate(actions):
                back = undo if position == 0 else None
                if position and key is not None:
                    back = rebuild.dropped_constraint(child.name, key)
                yield self._step(action, back)
        for constraint in membership.missing_foreign_keys(parent, child):
            yield self._step(
                Action(
                    title=f"hold new rows of {child.name} to {constraint.name}",
                    sql=(rebuild.checked_constraint(child.name, constraint),),
                    locks=rebuild.constraint_locks(child.name, constraint),
                    done=questions.constraint_exists(child.name, constraint.name),
                ),
                rebuild.dropped_constraint(child.name, constraint),
            )
            for action in rebuild.validation(child.name, constraint):
                yield self._step(action, None)

    def _step(self, action: Action, back: Action | None) -> Step:
        return Step(
            statement=self.place.statement,
            operation=self.name,
            action=action,
            undo=() if back is None else (back,),
        )

    def _undo(self, catalog: Catalog, parent: Table, child: Table) -> tuple[Action, ...]:
        is_detached = questions.negated(membership.is_partition(self.table, self.child))
        added: list[str] = []
        if child.is_new:
            alter = f"ALTER TABLE {self.child.sql} DROP CONSTRAINT IF EXISTS"
            for key, index in _missing_indexes(catalog, parent, child):
                name = RelationName(schema=child.name.schema, name=index.name)
                added.append(
                    f"DROP INDEX IF EXISTS {name.sql}" if key is None else f"{alter} {quoted(key.name)}"
                )
            added += [f"{alter} {quoted(key.name)}" for key in membership.missing_foreign_keys(parent, child)]
        return (
            Action(
                title=f"detach {self.child} from {self.table}",
                sql=(f"ALTER TABLE {self.table.sql} DETACH PARTITION {self.child.sql}", *added),
                locks=membership.detaching_locks(catalog, parent, child),
                done=is_detached,
            ),
        )

    def after(self, catalog: Catalog) -> Catalog:
        """One more partition, with all that the parent has."""
        parent, child = must_find(catalog, self.table), must_find(catalog, self.child)
        indexes = list(child.indexes)
        constraints = list(child.constraints)
        for key, index in _missing_indexes(catalog, parent, child):
            indexes.append(index)
            constraints += [key] if key is not None else []
        constraints += membership.missing_foreign_keys(parent, child)
        attached = {each.name: whole for each, whole in _pairs(parent, indexes, constraints)}
        marked = tuple(
            replace(each, is_inherited=True, attached_to=attached[each.name])
            if each.name in attached
            else each
            for each in indexes
        )
        became = replace(child, indexes=marked, constraints=tuple(constraints))
        return membership.with_child(catalog, self.table, became, self.bound)


def _pairs(
    parent: Table, indexes: list[Index], constraints: list[Constraint]
) -> Iterator[tuple[Index, RelationName]]:
    """Which index of the child the server attaches to which of the parent: the first that is alike."""
    kinds = {each.index: each.kind for each in constraints if each.index is not None}
    wanted = {each.index: each.kind for each in parent.constraints if each.index is not None}
    free = [each for each in indexes if each.attached_to is None and each.is_valid]
    for whole in parent.indexes:
        for each in free:
            same_kind = wanted.get(whole.name) is None or kinds.get(each.name) == wanted.get(whole.name)
            if same_kind and index_forms.are_alike(whole, each):
                free.remove(each)
                yield each, RelationName(schema=parent.name.schema, name=whole.name)
                break


def _missing_indexes(
    catalog: Catalog, parent: Table, child: Table
) -> Iterator[tuple[Constraint | None, Index]]:
    """What the server would build, with the constraint that stands on it."""
    have = {whole for _, whole in _pairs(parent, list(child.indexes), list(child.constraints))}
    taken = catalog.relation_names.get(child.name.schema, frozenset())
    for index in parent.indexes:
        if RelationName(schema=parent.name.schema, name=index.name) in have:
            continue
        key = None if index.constraint is None else parent.constraint(index.constraint)
        name = index_forms.name_in(child.name, index, key, taken)
        taken |= {name}
        new = replace(
            index,
            name=name,
            definition=index_forms.definition_for(index.definition, child.name, name),
            constraint=None if key is None else name,
            comment=None,
            is_replica_identity=False,
            is_clustered=False,
        )
        yield (None if key is None else replace(key, name=name, index=name, comment=None)), new
