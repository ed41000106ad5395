"""A plan's steps as JSON values, as the target's journal stores them."""

from __future__ import annotations

from typing import Any

from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.other_names import OtherName
from workorders.migration.renames import Part, Renamed
from workorders.migration.steps import (
    Action,
    Batches,
    HiddenColumn,
    Misfit,
    Move,
    MovedColumn,
    Parent,
    Restored,
    Step,
)


def to_json(step: Step) -> dict[str, Any]:
    """A step as JSON values, as the target's journal stores it."""
    return {
        "statement": step.statement,
        "operation": step.operation,
        "action": _action_to_json(step.action),
        "undo": [_action_to_json(action) for action in step.undo],
        "purge": [_action_to_json(action) for action in step.purge],
        "misfits": [
            {
                "table": [misfit.table.schema, misfit.table.name],
                "fillable": list(misfit.fillable),
                "rows": misfit.rows,
                "rows_back": misfit.rows_back,
                "aside": [misfit.aside.schema, misfit.aside.name],
                "reason": misfit.reason,
                "found_in": None
                if misfit.found_in is None
                else [misfit.found_in.schema, misfit.found_in.name],
                "referenced_when": list(misfit.referenced_when),
                "parent": None
                if misfit.parent is None
                else [misfit.parent.table.schema, misfit.parent.table.name, misfit.parent.pairs],
                "is_alone": misfit.is_alone,
            }
            for misfit in step.misfits
        ],
        "remains": [[name.schema, name.name] for name in step.remains],
        "restores": [
            [*_named(each.table), each.rows, *_named(each.images), each.columns] for each in step.restores
        ],
        "other_names": [each.to_json() for each in step.other_names],
        "hides": [[each.table.schema, each.table.name, each.column, each.hidden] for each in step.hides],
        "moves": [
            [move.relation.schema, move.relation.name, move.there.schema, move.there.name, move.is_remade]
            for move in step.moves
        ],
        "loses": step.loses,
        "is_undone_instantly": step.is_undone_instantly,
        "moved": None if step.moved is None else _moved_to_json(step.moved),
        "moved_back": [_moved_to_json(each) for each in step.moved_back],
        "renamed": None if step.renamed is None else _renamed_to_json(step.renamed),
    }


def from_json(raw: dict[str, Any]) -> Step:
    """The step that `to_json` wrote."""
    return Step(
        statement=raw["statement"],
        operation=raw["operation"],
        action=_action_from_json(raw["action"]),
        undo=tuple(_action_from_json(action) for action in raw["undo"]),
        purge=tuple(_action_from_json(action) for action in raw["purge"]),
        misfits=tuple(
            Misfit(
                table=RelationName(schema=misfit["table"][0], name=misfit["table"][1]),
                fillable=tuple(misfit["fillable"]),
                rows=misfit["rows"],
                rows_back=misfit["rows_back"],
                aside=RelationName(schema=misfit["aside"][0], name=misfit["aside"][1]),
                reason=misfit["reason"],
                found_in=_name(misfit.get("found_in")),
                referenced_when=tuple(misfit["referenced_when"]),
                parent=_parent(misfit.get("parent")),
                is_alone=misfit.get("is_alone", False),
            )
            for misfit in raw["misfits"]
        ),
        remains=_names(raw["remains"]),
        restores=tuple(
            Restored(
                table=RelationName(schema=schema, name=name),
                rows=rows,
                images=RelationName(schema=our_schema, name=images),
                columns=tuple((column, was) for column, was in columns),
            )
            for schema, name, rows, our_schema, images, columns in raw.get("restores", [])
        ),
        hides=tuple(
            HiddenColumn(table=RelationName(schema=schema, name=name), column=column, hidden=hidden)
            for schema, name, column, hidden in raw.get("hides", [])
        ),
        moves=tuple(
            Move(
                relation=RelationName(schema=schema, name=name),
                there=RelationName(schema=our_schema, name=our_name),
                is_remade=is_remade,
            )
            for schema, name, our_schema, our_name, is_remade in raw.get("moves", [])
        ),
        other_names=tuple(OtherName.from_json(each) for each in raw.get("other_names", [])),
        loses=raw["loses"],
        is_undone_instantly=raw["is_undone_instantly"],
        moved=_moved_from_json(raw["moved"]) if raw.get("moved") else None,
        moved_back=tuple(_moved_from_json(each) for each in raw.get("moved_back", ())),
        renamed=renamed_from_json(raw.get("renamed")),
    )


def _renamed_to_json(renamed: Renamed) -> dict[str, Any]:
    return {
        "part": renamed.part.value,
        "table": [renamed.table.schema, renamed.table.name],
        "becomes": [renamed.becomes.schema, renamed.becomes.name],
        "was": renamed.was,
        "now": renamed.now,
    }


def renamed_from_json(raw: dict[str, Any] | None) -> Renamed | None:
    """The other name that `to_json` wrote, where a step gives one."""
    if raw is None:
        return None
    table, becomes = _names([raw["table"], raw["becomes"]])
    return Renamed(part=Part(raw["part"]), table=table, becomes=becomes, was=raw["was"], now=raw["now"])


def _moved_to_json(moved: MovedColumn) -> list[str]:
    return [moved.table.schema, moved.table.name, moved.column, moved.behind]


def _moved_from_json(raw: list[str]) -> MovedColumn:
    schema, name, column, behind = raw
    return MovedColumn(table=RelationName(schema=schema, name=name), column=column, behind=behind)


def _action_to_json(action: Action) -> dict[str, Any]:
    batches = action.batches
    return {
        "title": action.title,
        "sql": list(action.sql),
        "locks": [[lock.relation.schema, lock.relation.name, lock.mode.value] for lock in action.locks],
        "scans": [[name.schema, name.name] for name in action.scans],
        "rewrites": [[name.schema, name.name] for name in action.rewrites],
        "is_transactional": action.is_transactional,
        "done": action.done,
        "sweep": list(action.sweep),
        "batches": None
        if batches is None
        else {
            "first": batches.first,
            "next": batches.next,
            "between": list(batches.between),
            "rest": list(batches.rest),
            "key_columns": batches.key_columns,
        },
        "settles": action.settles,
        "as_replica": action.as_replica,
        "captured": [[name.schema, name.name] for name in action.captured],
        "capture": action.capture,
        "leaves": action.leaves,
    }


def _action_from_json(raw: dict[str, Any]) -> Action:
    batches = raw["batches"]
    return Action(
        title=raw["title"],
        sql=tuple(raw["sql"]),
        locks=tuple(
            Lock(relation=RelationName(schema=schema, name=name), mode=LockMode(mode))
            for schema, name, mode in raw["locks"]
        ),
        scans=_names(raw["scans"]),
        rewrites=_names(raw["rewrites"]),
        is_transactional=raw["is_transactional"],
        done=raw["done"],
        sweep=tuple(raw["sweep"]),
        batches=None
        if batches is None
        else Batches(
            first=batches["first"],
            next=batches["next"],
            between=tuple(batches["between"]),
            rest=tuple(batches["rest"]),
            key_columns=batches["key_columns"],
        ),
        settles=raw["settles"],
        as_replica=raw["as_replica"],
        captured=_names(raw["captured"]),
        capture=raw["capture"],
        leaves=raw["leaves"],
    )


def _parent(raw: list[Any] | None) -> Parent | None:
    if raw is None:
        return None
    schema, name, pairs = raw
    return Parent(
        table=RelationName(schema=schema, name=name), pairs=tuple((theirs, own) for theirs, own in pairs)
    )


def _name(raw: list[str] | None) -> RelationName | None:
    return None if raw is None else RelationName(schema=raw[0], name=raw[1])


def _named(name: RelationName) -> list[str]:
    return [name.schema, name.name]


def _names(raw: list[list[str]]) -> tuple[RelationName, ...]:
    return tuple(RelationName(schema=schema, name=name) for schema, name in raw)
