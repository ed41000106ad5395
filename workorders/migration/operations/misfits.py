"""Rows that the old schema could not hold, in tables that inherit: each table's own are counted apart.

What reads a table reads its heirs' rows, too; but they are held to other keys, and set aside they
would lose the columns that only they have. Keys are each table's own; CHECK and NOT NULL go down to heirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import OUR_SCHEMA, RelationName, ours
from workorders.migration.operations import family, rebuild
from workorders.migration.operations.operation import Check, Operation
from workorders.migration.sql import tree
from workorders.migration.steps import Action, Misfit, Step

#: Operations that ask about keys, of which each table has its own.
_OF_KEYS = frozenset({"add_foreign_key", "add_key", "use_index", "create_index", "alter_constraint"})


def spread(catalog: Catalog, operation: Operation, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps with the misfits of each heir, where the operation goes down to it."""
    goes_down, has_any = family.goes_to_heirs(operation), _has_any(catalog)
    spread_out = (
        _spread(catalog, step, goes_down=goes_down) if step.misfits and has_any else step for step in steps
    )
    return tuple(
        replace(step, misfits=tuple(replace(misfit, is_inherited=False) for misfit in step.misfits))
        for step in spread_out
    )


def asked(catalog: Catalog, operation: Operation, checks: Iterable[Check]) -> tuple[Check, ...]:
    """The checks of rows before it runs; of keys, of each table's own rows."""
    is_of_key = operation.name in _OF_KEYS or (
        operation.name == "validate_constraint" and not family.goes_to_heirs(operation)
    )
    if not (is_of_key and _has_any(catalog)):
        return tuple(checks)
    return tuple(replace(check, query=alone(catalog, check.query)) for check in checks)


def alone(catalog: Catalog, query: str) -> str:
    """A query that reads of each table with heirs its own rows alone."""
    (raw,) = tree.statements(query)
    _mark(catalog, raw.node)
    return tree.statement_text(raw.kind, raw.node)


def _condition(catalog: Catalog, condition: str) -> str:
    node = tree.expression(condition)
    return tree.expression_text(node) if _mark(catalog, node) else condition


def _mark(catalog: Catalog, node: object) -> bool:
    marked = False
    for relation in tree.relations(node):
        table = catalog.find(relation.get("schemaname"), relation["relname"])
        if table is not None and table.has_heirs:
            relation["inh"] = False
            marked = True
    return marked


def _has_any(catalog: Catalog) -> bool:
    return any(table.has_heirs for table in catalog.tables.values())


def _spread(catalog: Catalog, step: Step, *, goes_down: bool) -> Step:
    found = [_own(catalog, misfit) for misfit in step.misfits]
    more: dict[int, list[int]] = {}
    for place, misfit in enumerate(step.misfits):
        for heir in family.heirs(catalog, misfit.table) if goes_down and misfit.is_inherited else ():
            more.setdefault(place, []).append(len(found))
            aside = RelationName(schema=OUR_SCHEMA, name=ours("aside", misfit.aside.name, str(heir.name)))
            found.append(
                replace(
                    _own(catalog, misfit),
                    table=heir.name,
                    aside=aside,
                    referenced_when=tuple(
                        _condition(catalog, each) for each in rebuild.referenced_when(catalog, heir.name)
                    ),
                    is_alone=heir.has_heirs,
                )
            )
    undo: list[Action] = []
    for action in step.undo:
        undo.append(action)
        undo += [
            replace(action, settles=place, title=f"{action.title} in {found[place].table}")
            for place in more.get(-1 if action.settles is None else action.settles, ())
        ]
    kept = tuple(misfit.aside for misfit in found[len(step.misfits) :])
    return replace(step, misfits=tuple(found), undo=tuple(undo), remains=(*step.remains, *kept))


def _own(catalog: Catalog, misfit: Misfit) -> Misfit:
    table = catalog.tables.get(misfit.table)
    return replace(
        misfit,
        rows=_condition(catalog, misfit.rows),
        rows_back=_condition(catalog, misfit.rows_back),
        referenced_when=tuple(_condition(catalog, each) for each in misfit.referenced_when),
        is_alone=table is not None and table.has_heirs,
    )
