"""The sandbox's state as a JSON file, so that a demo can be taken up again.

Guided by the records' own types: a new field of a record needs nothing here, as long as its type
is one of those that the records use already.
"""

import dataclasses
import json
import os
import types
import typing
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.sandbox.state import State

_VERSION = 2


class UnreadableState(ValueError):
    """A saved state that this version cannot take up."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} cannot be taken up: {reason}; remove it to begin anew.")


def save(state: State, path: Path) -> None:
    """Writes the file anew, or leaves the old one whole; others on the machine cannot read it."""
    document = {"version": _VERSION, "state": _dumped(State, state)}
    beside = path.with_name(path.name + ".new")
    # It holds the people's tokens.
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file)
    beside.replace(path)


def load(state: State, path: Path) -> None:
    """Puts what was saved in the place of all that `state` holds."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != _VERSION:
            raise UnreadableState(path, f"it is of version {document['version']}")
        loaded = _built(State, document["state"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, UnreadableState):
            raise
        raise UnreadableState(path, f"it is no saved state ({type(error).__name__})") from error
    for field in _fields(State):
        setattr(state, field, getattr(loaded, field))
    state.skip_used_ids()


def _fields(kind: Any) -> Mapping[str, Any]:
    hints = typing.get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.name[0] != "_"}


def _inner(kind: Any) -> Any:
    """What a union with None has beside it; any other kind itself."""
    if typing.get_origin(kind) is not types.UnionType:
        return kind
    (inner,) = (each for each in typing.get_args(kind) if each is not type(None))
    return inner


def _dumped(kind: Any, value: Any) -> Any:
    kind = _inner(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if value is None or kind is object:
        return value
    if dataclasses.is_dataclass(kind):
        return {name: _dumped(each, getattr(value, name)) for name, each in _fields(kind).items()}
    if kind is datetime:
        return value.isoformat()
    if origin in (dict, Mapping):
        # Pairs, for JSON's keys are texts, and these may be numbers.
        return [[key, _dumped(arguments[1], each)] for key, each in value.items()]
    if origin in (tuple, list):
        return [_dumped(arguments[0], each) for each in value]
    return value


def _built(kind: Any, value: Any) -> Any:
    kind = _inner(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if value is None or kind is object:
        return value
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return kind(**{name: _built(each, value[name]) for name, each in _fields(kind).items()})
    if kind is datetime:
        return datetime.fromisoformat(value)
    if origin in (dict, Mapping):
        return {_built(arguments[0], key): _built(arguments[1], each) for key, each in value}
    if origin in (tuple, list):
        return origin(_built(arguments[0], each) for each in value)
    return value
