"""Which paths of a repository a policy's globs mean."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def matches(path: str, globs: Iterable[str]) -> bool:
    """Whether the whole path is meant by one of the globs.

    `*` and `?` stand for characters within one name, `[a-z]` and `[!a-z]` for one of them, and `**` as
    a whole name for any number of directories, none included. Case counts, as it does in git; names
    that begin with a dot are names like others.
    """
    names = path.split("/")
    return any(_fits(names, glob.split("/")) for glob in globs)


def _fits(names: list[str], parts: list[str]) -> bool:
    # How many names the parts so far may have taken.
    taken = {0}
    for part in parts[:-1]:
        if part == "**":
            taken = set(range(min(taken), len(names)))
        else:
            taken = {count + 1 for count in taken if count < len(names) and fnmatchcase(names[count], part)}
        if not taken:
            return False
    if parts[-1] == "**":
        return min(taken) < len(names)
    return len(names) - 1 in taken and fnmatchcase(names[-1], parts[-1])
