"""What a step gives another name that holds no rows."""

from __future__ import annotations

from dataclasses import dataclass

from workorders.migration.names import RelationName
from workorders.migration.renames import Part


@dataclass(frozen=True, kw_only=True)
class OtherName:
    """What holds no rows and has another name from a step on."""

    part: Part
    name: RelationName
    there: RelationName
    #: A label of an enum before and after; "" where it is the enum that is renamed.
    was: str = ""
    now: str = ""

    @classmethod
    def from_json(cls, raw: list[str]) -> OtherName:
        """The other name that `to_json` wrote."""
        part, schema, name, schema_there, name_there, was, now = raw
        return cls(
            part=Part(part),
            name=RelationName(schema=schema, name=name),
            there=RelationName(schema=schema_there, name=name_there),
            was=was,
            now=now,
        )

    def to_json(self) -> list[str]:
        """As JSON values, as the target's journal stores it."""
        name, there = self.name, self.there
        return [self.part.value, name.schema, name.name, there.schema, there.name, self.was, self.now]
