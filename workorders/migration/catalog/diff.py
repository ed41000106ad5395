"""What differs between two fingerprints, in a person's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workorders.migration.catalog.fingerprint import Fingerprint, Value

#: Attributes whose name is not how a person would say it.
_SAID: Mapping[str, str] = {
    "not_null": "NOT NULL",
    "expression": "default or generation expression",
}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One object that is new or missing, or one attribute of an object that is in both."""

    #: As in a fingerprint, e.g. `column public.t.a`.
    key: str
    #: Empty where the object itself is new or missing.
    attribute: str = ""
    #: None where the attribute, or the object, was not there before.
    before: Value | None = None
    #: None where it is not there any more.
    after: Value | None = None
    is_new: bool = False
    is_missing: bool = False

    def __str__(self) -> str:
        key = _on_one_line(self.key)
        if self.is_new:
            return f"{key} is new"
        if self.is_missing:
            return f"{key} is missing"
        name = _SAID.get(self.attribute, self.attribute.replace("_", " "))
        return f"{key}: {name} was {_told(self.before)}, is {_told(self.after)}"


def compare(before: Fingerprint, after: Fingerprint) -> tuple[Difference, ...]:
    """All differences, sorted by key and attribute; empty if and only if the hashes are equal."""
    return tuple(_differences(before.objects, after.objects))


def _differences(
    before: Mapping[str, Mapping[str, Value]], after: Mapping[str, Mapping[str, Value]]
) -> Iterator[Difference]:
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            yield Difference(key=key, is_new=True)
        elif key not in after:
            yield Difference(key=key, is_missing=True)
        else:
            was, now = before[key], after[key]
            for attribute in sorted(was.keys() | now.keys()):
                if _differ(was.get(attribute), now.get(attribute)):
                    yield Difference(
                        key=key,
                        attribute=attribute,
                        before=was.get(attribute),
                        after=now.get(attribute),
                    )


def _differ(was: Value | None, now: Value | None) -> bool:
    # In Python True equals 1; in JSON, and so in the hash, it does not.
    return type(was) is not type(now) or was != now


def _told(value: Value | None) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return "true" if value else "false"
        case list():
            return _on_one_line(", ".join(value)) or "none"
        case _:
            return _on_one_line(str(value)) or "empty"


def _on_one_line(text: str) -> str:
    """The text with line ends and other control characters written as escapes."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )
