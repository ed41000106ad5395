"""What a statement does to the relations that are there: locks, and rows read or written anew."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Of relations that exist before the statement: tables, views and sequences; never of indexes."""

    #: The strongest lock on each table and view.
    locks: Mapping[RelationName, LockMode] = field(default_factory=dict)
    #: Tables, materialised views and sequences that get another file.
    rewrites: frozenset[RelationName] = frozenset()
    #: Tables and materialised views that are read from end to end.
    scans: frozenset[RelationName] = frozenset()

    def among(self, names: Collection[RelationName]) -> Effect:
        """Of these relations alone."""
        return Effect(
            locks={name: mode for name, mode in self.locks.items() if name in names},
            rewrites=self.rewrites.intersection(names),
            scans=self.scans.intersection(names),
        )

    def differences(self, other: Effect) -> tuple[str, ...]:
        """What the other has otherwise, in words: this one was expected, the other one seen."""
        found = []
        for name in sorted({*self.locks, *other.locks}):
            expected, seen = self.locks.get(name), other.locks.get(name)
            if expected is not seen:
                found.append(f"lock on {name}: {_mode(expected)} expected, {_mode(seen)} seen")
        for what, ours, theirs in (
            ("written anew", self.rewrites, other.rewrites),
            ("read from end to end", self.scans, other.scans),
        ):
            found += [f"{name} is {what}, which was not expected" for name in sorted(theirs - ours)]
            found += [f"{name} is not {what}, which was expected" for name in sorted(ours - theirs)]
        return tuple(found)


def together(effects: Iterable[Effect]) -> Effect:
    """Of several in one transaction: each relation with the strongest lock that any of them takes."""
    order = list(LockMode)
    locks: dict[RelationName, LockMode] = {}
    rewrites: set[RelationName] = set()
    scans: set[RelationName] = set()
    for effect in effects:
        for name, mode in effect.locks.items():
            locks[name] = max(locks.get(name, mode), mode, key=order.index)
        rewrites |= effect.rewrites
        scans |= effect.scans
    return Effect(locks=locks, rewrites=frozenset(rewrites), scans=frozenset(scans))


def _mode(mode: LockMode | None) -> str:
    return "none" if mode is None else mode.sql
