"""The hidden first line of each text that we post, by which we find it again.

The line is an HTML comment with an opaque id and its MAC. Only the first line of a text is
read: a marker copied from one of our texts into a name that we then print stands lower and
is not seen. Whoever looks for markers looks only at texts by our own App.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

_LINE = re.compile(r"<!-- lockkeeper:([A-Za-z0-9-]{1,64}):([0-9a-f]{32}) -->")


@dataclass(frozen=True, kw_only=True)
class Marker:
    """Writes and reads markers under one secret key."""

    #: At least 16 bytes, and the same in every process of an installation for ever.
    key: bytes

    def __post_init__(self) -> None:
        if len(self.key) < 16:
            raise ValueError("a marker's key has at least 16 bytes")

    def __repr__(self) -> str:
        return "Marker()"

    def line(self, mark: str) -> str:
        """The comment for an id of letters, digits and hyphens, at most 64 characters."""
        line = f"<!-- lockkeeper:{mark}:{self._mac(mark)} -->"
        if not _LINE.fullmatch(line):
            raise ValueError(f"{mark!r} cannot be a marker's id")
        return line

    def written(self, mark: str, text: str) -> str:
        """The text with its marker before it."""
        return f"{self.line(mark)}\n{text}"

    def read(self, text: str) -> str | None:
        """The id in the first line, or None where there is none that we have written."""
        first, _, _ = text.partition("\n")
        found = _LINE.fullmatch(first.rstrip())
        if found is None or not hmac.compare_digest(found[2], self._mac(found[1])):
            return None
        return found[1]

    def _mac(self, mark: str) -> str:
        return hmac.new(self.key, b"lockkeeper marker " + mark.encode(), hashlib.sha256).hexdigest()[:32]
