"""What belongs to an extension."""

from __future__ import annotations

from dataclasses import dataclass

from workorders.migration.names import RelationName


@dataclass(frozen=True, kw_only=True)
class Member:
    """Something that belongs to an extension, or a constraint that stands on its operator class."""

    #: TYPE, FUNCTION, OPERATOR, OPERATOR CLASS or CONSTRAINT.
    kind: str
    name: RelationName
