"""Kinds of people, and which of them each command is for: the table that the documentation shows."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from workorders.authority import Who


class Kind(Enum):
    """Who somebody is to an order. The value is a column of the page."""

    STRANGER = "stranger"  # no permission on the repository, and may comment because it is public
    READER = "reader"
    WRITER = "writer"  # and neither an author nor a supervisor
    AUTHOR = "author"  # with write permission
    SUPERVISOR = "supervisor"  # with write permission
    BOTH = "supervisor who is an author"
    WITHOUT_WRITE = "supervisor without write permission"
    OPERATOR = "operator at a terminal"
    BOT = "bot"  # that the policy does not name


_WRITERS = frozenset({Kind.WRITER, Kind.AUTHOR, Kind.SUPERVISOR, Kind.BOTH, Kind.OPERATOR})

#: Whom a command obeys in the states that take it. Nobody else, and an approval from no terminal.
OBEYED: Mapping[Who, frozenset[Kind]] = MappingProxyType(
    {
        Who.READER: frozenset(Kind) - {Kind.BOT},
        Who.WRITER: _WRITERS,
        # Where the policy names nobody for the role.
        Who.ROLE: _WRITERS,
        Who.AUTHOR_OR_SUPERVISOR: _WRITERS - {Kind.WRITER},
        Who.SUPERVISOR: frozenset({Kind.SUPERVISOR, Kind.BOTH, Kind.OPERATOR}),
        Who.APPROVER: frozenset({Kind.SUPERVISOR}),
    }
)
