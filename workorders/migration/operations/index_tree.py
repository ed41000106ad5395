"""An index of a partitioned table with those of its partitions: how it is built online, and dropped.

The server builds such an index in one go, and every write waits. Online, the index of the whole is
laid out first (ON ONLY, which reads no row), each partition's is built concurrently, and then
they are put together (ALTER INDEX ... ATTACH PARTITION), which no reader or writer waits for. Of a
constraint, each part is one of its own, as the server has it.
Source: https://www.postgresql.org/docs/18/sql-createindex.html, "Notes".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations import family, rebuild
from workorders.migration.operations.operation import Place
from workorders.migration.sql import index_forms, tree
from workorders.migration.steps import Action, Step


@dataclass(frozen=True, kw_only=True)
class Part:
    """The index of one table among those of a tree."""

    table: RelationName
    index: Index
    #: The constraint that stands on it.
    constraint: Constraint | None = None
    #: The index that it is attached to; None for the whole.
    whole: RelationName | None = None
    is_partitioned: bool = False
    #: The partition has one like it already, which is taken.
    is_there: bool = False

    @property
    def name(self) -> RelationName:
        """The index's name."""
        return RelationName(schema=self.table.schema, name=self.index.name)


def standing(catalog: Catalog, table: Table, index: Index) -> tuple[Part, ...]:
    """An index that is there, with what is attached to it: the whole first."""
    whole = _part(table, index, None)
    found = [whole]
    for child in table.children:
        below = catalog.tables.get(child)
        for each in () if below is None else below.indexes:
            if below is not None and each.attached_to == whole.name:
                first, *others = standing(catalog, below, each)
                found += [_part(below, first.index, whole.name), *others]
    return tuple(found)


def wanted(
    catalog: Catalog, table: Table, index: Index, key: Constraint | None = None, *, only: bool = False
) -> tuple[Part, ...]:
    """What the server would build for a new one, with its names; what a partition has is taken.

    `key` is the constraint that is to stand on it.
    """
    whole = Part(table=table.name, index=index, constraint=key, is_partitioned=True)
    if only:
        return (whole,)
    taken = dict(catalog.relation_names)
    taken[table.name.schema] = taken.get(table.name.schema, frozenset()) | {index.name}
    return (whole, *_below(catalog, table, whole, taken))


def _below(catalog: Catalog, table: Table, whole: Part, taken: dict[str, frozenset[str]]) -> Iterator[Part]:
    for child in (catalog.tables[name] for name in table.children if name in catalog.tables):
        there = next((each for each in child.indexes if _is_taken(child, whole, each)), None)
        if there is not None:
            yield replace(_part(child, there, whole.name), is_there=True)
            continue
        name = index_forms.name_in(child.name, whole.index, whole.constraint, taken[child.name.schema])
        taken[child.name.schema] |= {name}
        index = replace(
            whole.index,
            name=name,
            definition=index_forms.definition_for(whole.index.definition, child.name, name),
            constraint=None if whole.constraint is None else name,
            is_inherited=True,
            attached_to=whole.name,
            comment=None,
            is_clustered=False,
            is_replica_identity=False,
        )
        key = whole.constraint
        part = Part(
            table=child.name,
            index=index,
            constraint=None if key is None else replace(key, name=name, index=name, comment=None),
            whole=whole.name,
            is_partitioned=child.kind == "p",
        )
        yield part
        yield from _below(catalog, child, part, taken) if child.kind == "p" else ()


def _is_taken(child: Table, whole: Part, index: Index) -> bool:
    key = None if index.constraint is None else child.constraint(index.constraint)
    kind = None if whole.constraint is None else whole.constraint.kind
    return (
        index.is_valid
        and index.attached_to is None
        and (kind is None or (key is not None and key.kind == kind))
        and index_forms.are_alike(whole.index, index)
    )


def with_parts(catalog: Catalog, parts: tuple[Part, ...]) -> Catalog:
    """The catalog with all of it."""
    for part in parts:
        table = catalog.tables[part.table]
        index = replace(part.index, is_inherited=part.whole is not None, attached_to=part.whole)
        indexes = (*(each for each in table.indexes if each.name != index.name), index)
        constraints = table.constraints
        if part.constraint is not None and table.constraint(part.constraint.name) is None:
            constraints = (*constraints, replace(part.constraint, is_inherited=part.whole is not None))
        catalog = catalog.with_table(replace(table, indexes=indexes, constraints=constraints))
    return catalog


def without_parts(catalog: Catalog, parts: tuple[Part, ...]) -> Catalog:
    """The catalog without any of it."""
    for part in parts:
        table = catalog.tables[part.table]
        gone = None if part.constraint is None else part.constraint.name
        catalog = catalog.with_table(
            replace(
                table,
                indexes=tuple(each for each in table.indexes if each.name != part.index.name),
                constraints=tuple(each for each in table.constraints if each.name != gone),
            )
        )
    return catalog


def _part(table: Table, index: Index, whole: RelationName | None) -> Part:
    return Part(
        table=table.name,
        index=index,
        constraint=None if index.constraint is None else table.constraint(index.constraint),
        whole=whole,
        is_partitioned=table.kind == "p",
    )


def laying_out(parts: tuple[Part, ...]) -> Action:
    """The index of each partitioned table, of which no row is read."""
    whole = [part for part in parts if part.is_partitioned and not part.is_there]
    mode = LockMode.SHARE if parts[0].constraint is None else LockMode.ACCESS_EXCLUSIVE
    return Action(
        title=f"lay out index {parts[0].name}",
        sql=tuple(statement for part in whole for statement in _laid_out(part)),
        locks=tuple(Lock(relation=part.table, mode=mode) for part in whole),
        done=questions.relation_exists(parts[0].name),
    )


def _laid_out(part: Part) -> tuple[str, ...]:
    marked = rebuild.marks(part.table, part.index)
    if part.constraint is None:
        return (on_only(part.index.definition), *marked)
    add = f"ALTER TABLE ONLY {part.table.sql} ADD CONSTRAINT {quoted(part.constraint.name)}"
    return (
        f"{add} {part.constraint.definition}",
        *marked,
        *rebuild.comment_on(part.table, part.constraint),
    )


def building(parts: tuple[Part, ...]) -> tuple[tuple[Action, ...], ...]:
    """For each partition with rows, the actions that build its index."""
    return tuple(
        rebuild.index(part.table, part.index)
        if part.constraint is None
        else rebuild.unique_constraint(part.table, part.constraint, part.index)
        for part in parts
        if not (part.is_partitioned or part.is_there)
    )


def putting_together(parts: tuple[Part, ...]) -> tuple[Action, ...]:
    """Each part attached, the deepest first; nothing where there are no partitions."""
    attached = [part for part in reversed(parts) if part.whole is not None]
    if not attached:
        return ()
    return (
        Action(
            title=f"put index {parts[0].name} together",
            sql=tuple(
                f"ALTER INDEX {part.whole.sql} ATTACH PARTITION {part.name.sql}"
                for part in attached
                if part.whole is not None
            ),
            done=questions.index_is_valid(parts[0].name),
        ),
    )


def again(parts: tuple[Part, ...]) -> tuple[Action, ...]:
    """The whole of it built again."""
    return (
        laying_out(parts),
        *(action for actions in building(parts) for action in actions),
        *putting_together(parts),
    )


def dropped(catalog: Catalog, parts: tuple[Part, ...]) -> Action:
    """The whole of it taken away, what is attached included."""
    first = parts[0]
    # What is not attached yet stays when the whole goes.
    laid_out = [part for part in parts if part.is_partitioned and not part.is_there]
    return Action(
        title=f"drop index {first.name}",
        sql=tuple(_dropping(part) for part in laid_out),
        locks=family.locks(catalog, (first.table,), LockMode.ACCESS_EXCLUSIVE),
        done=questions.every(questions.negated(questions.relation_exists(part.name)) for part in laid_out),
    )


def _dropping(part: Part) -> str:
    if part.constraint is None:
        return f"DROP INDEX IF EXISTS {part.name.sql}"
    return f"ALTER TABLE {part.table.sql} DROP CONSTRAINT IF EXISTS {quoted(part.constraint.name)}"


def built(catalog: Catalog, parts: tuple[Part, ...], place: Place, operation: str) -> tuple[Step, ...]:
    """The steps of a new one, each with its way back."""

    def step(action: Action, undo: Iterable[Action]) -> Step:
        return Step(statement=place.statement, operation=operation, action=action, undo=tuple(undo))

    drop = dropped(catalog, parts)
    taken = (part for part in parts if part.is_there)
    leaves = (part for part in parts if not (part.is_partitioned or part.is_there))
    return (
        step(laying_out(parts), (drop,)),
        *(
            step(action, _unbuilt(part) if position == 0 else _unheld(part))
            for part, actions in zip(leaves, building(parts), strict=True)
            for position, action in enumerate(actions)
        ),
        *(
            # What was there before goes with the whole, and has to be built again.
            step(
                action, (drop, *(again for part in taken for again in rebuild.index(part.table, part.index)))
            )
            for action in putting_together(parts)
        ),
    )


def _unbuilt(part: Part) -> tuple[Action, ...]:
    return (
        Action(
            title=f"drop index {part.name}",
            sql=(f"DROP INDEX CONCURRENTLY IF EXISTS {part.name.sql}",),
            locks=(Lock(relation=part.table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
            is_transactional=False,
            done=questions.negated(questions.relation_exists(part.name)),
        ),
    )


def _unheld(part: Part) -> tuple[Action, ...]:
    return () if part.constraint is None else (rebuild.dropped_constraint(part.table, part.constraint),)


def on_only(definition: str) -> str:
    """A CREATE INDEX of the table alone, without its partitions."""
    (raw,) = tree.statements(definition)
    relation = {key: value for key, value in raw.node["relation"].items() if key != "inh"}
    node = {key: value for key, value in raw.node.items() if key != "concurrent"}
    return tree.statement_text(raw.kind, {**node, "relation": relation})
