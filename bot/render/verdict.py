"""How a finding is shown: always by a sign and a word, for not everybody sees the colour."""

from __future__ import annotations

from types import MappingProxyType

from workorders.report import Finding

SIGNS = MappingProxyType({Finding.HOLDS: "✅", Finding.FAILS: "❌", Finding.OPEN: "⬜", Finding.NOTE: "📝"})
WORDS = MappingProxyType(
    {Finding.HOLDS: "Holds", Finding.FAILS: "Fails", Finding.OPEN: "Open", Finding.NOTE: "Note"}
)


def shown(finding: Finding) -> str:
    """The sign and the word."""
    return f"{SIGNS[finding]} {WORDS[finding]}"
