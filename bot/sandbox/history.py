"""Commits and what differs between two of them, as git tells it."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.sandbox.records import Commit

#: Git calls a removed and an added file of at least this likeness one renamed file.
_LIKENESS = 0.5

Commits = Mapping[str, Commit]


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One file of a difference."""

    path: str
    #: GitHub's word: `added`, `removed`, `modified` or `renamed`.
    status: str
    #: What it is now; of a removed one what it was.
    text: str
    previous_path: str | None = None
    #: Of a unified difference, without the lines that name the files.
    patch: tuple[str, ...] = ()

    @property
    def additions(self) -> int:
        """Lines that came."""
        return sum(line.startswith("+") for line in self.patch)

    @property
    def deletions(self) -> int:
        """Lines that went."""
        return sum(line.startswith("-") for line in self.patch)


def ancestors(commits: Commits, sha: str) -> dict[str, None]:
    """The commit and all before it, nearest first."""
    found: dict[str, None] = {sha: None}
    waiting = [sha]
    while waiting:
        parents = [each for each in commits[waiting.pop(0)].parents if each not in found]
        found.update(dict.fromkeys(parents))
        waiting += dict.fromkeys(parents)
    return found


def merge_base(commits: Commits, base: str, head: str) -> str | None:
    """The nearest commit of the head's that the base has, too."""
    theirs = ancestors(commits, base)
    return next((sha for sha in ancestors(commits, head) if sha in theirs), None)


def commits_between(commits: Commits, base: str, head: str) -> list[Commit]:
    """What the head has and the base lacks, oldest first."""
    theirs = ancestors(commits, base)
    own = [commits[sha] for sha in ancestors(commits, head) if sha not in theirs]
    return own[::-1]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[FileChange]:
    """What leads from one tree to the other, in path order."""
    renamed = dict(_renames(before, after))
    found = []
    for path in sorted({*before, *after} - set(renamed.values())):
        if path in renamed:
            old = renamed[path]
            found.append(_change(path, "renamed", before[old], after[path], previous_path=old))
        elif path not in before:
            found.append(_change(path, "added", "", after[path]))
        elif path not in after:
            found.append(_change(path, "removed", before[path], ""))
        elif before[path] != after[path]:
            found.append(_change(path, "modified", before[path], after[path]))
    return found


def _renames(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    gone = sorted(set(before) - set(after))
    for new in sorted(set(after) - set(before)):
        likeness = {old: _likeness(before[old], after[new]) for old in gone}
        best = max(likeness, key=likeness.__getitem__, default=None)
        if best is not None and likeness[best] >= _LIKENESS:
            gone.remove(best)
            yield new, best


def _likeness(one: str, other: str) -> float:
    if not one or not other:
        # Git never takes an empty file for a renamed one.
        return 0.0
    return difflib.SequenceMatcher(None, one.splitlines(), other.splitlines(), autojunk=False).ratio()


def _change(path: str, status: str, old: str, new: str, previous_path: str | None = None) -> FileChange:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=3, lineterm="")
    return FileChange(
        path=path,
        status=status,
        text=old if status == "removed" else new,
        previous_path=previous_path,
        patch=tuple(lines)[2:],
    )
