"""The name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from workorders.report import named


def nearest(name: str, among: Iterable[str]) -> str | None:
    """The most similar of the known names, or None where none is similar. Case does not count."""
    known = {each.casefold(): each for each in among}
    # Compared in full it would take quadratic time, and no known name is that long.
    found = get_close_matches(name.casefold()[:100], list(known), n=1, cutoff=0.6)
    return known[found[0]] if found else None


def did_you_mean(name: str, among: Iterable[str]) -> str:
    """A sentence that holds the nearest name, or all of them where none is near; never empty."""
    known = tuple(among)
    if not known:
        return "There are none yet."
    near = nearest(name, known)
    if near is not None:
        return f"Did you mean {named(near)}?"
    return f"There {'are' if len(known) > 1 else 'is'} {', '.join(named(each) for each in known)}."
