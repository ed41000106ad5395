"""A hazard as a record: what a statement does to those who use the database, shown by an example.

The effect is data, because a test runs every example on a server and looks whether the effect is
there for the bad one and not for the good one. A hazard that the server does not confirm is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from workorders.migration.hazards.scene import Scene
from workorders.migration.locks import LockMode


@dataclass(frozen=True, kw_only=True)
class Then:
    """A statement of the application, and what becomes of it afterwards. Before, none of that holds."""

    sql: str
    #: The SQLSTATE with which it fails from then on.
    fails_with: str = ""
    #: The table that it reads from end to end from then on.
    scans: str = ""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What is claimed of the bad example. What is claimed of tables holds within one transaction."""

    #: Table -> the lock that is taken on it, or a stronger one.
    locks: Mapping[str, LockMode] = field(default_factory=dict)
    #: Tables whose files are written anew.
    rewrites: tuple[str, ...] = ()
    #: Tables that are read from end to end.
    scans: tuple[str, ...] = ()
    #: Tables of which every row is written.
    writes: tuple[str, ...] = ()
    #: The SQLSTATE with which the script fails.
    fails_with: str = ""
    #: A query that counts something of which less is there afterwards, or nothing at all.
    loses: str = ""
    #: A query, asked in the same session, that is true afterwards.
    leaves: str = ""
    #: What the application feels later.
    then: Then | None = None
    #: It waits for a lock for as long as somebody holds it.
    waits: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The claims, each in a few words, in Markdown."""
        found = [f"`{mode.sql}` on `{table}`" for table, mode in self.locks.items()]
        found += [f"`{table}` is written anew" for table in self.rewrites]
        found += [f"`{table}` is read from end to end" for table in self.scans]
        found += [f"every row of `{table}` is written in one transaction" for table in self.writes]
        found += [f"fails with SQLSTATE `{self.fails_with}`"] if self.fails_with else []
        found += [f"less is there afterwards of `{self.loses}`"] if self.loses else []
        found += [f"afterwards this is true: `{self.leaves}`"] if self.leaves else []
        if self.then is not None and self.then.fails_with:
            found.append(f"afterwards `{self.then.sql}` fails with SQLSTATE `{self.then.fails_with}`")
        if self.then is not None and self.then.scans:
            found.append(f"afterwards `{self.then.sql}` reads `{self.then.scans}` from end to end")
        found += ["waits for its lock without an end, and everybody behind it"] if self.waits else []
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A hazard met in a statement."""

    #: Names the object and what happens to whom, with its condition where it has one.
    sentence: str
    #: The way out where it is not the hazard's own.
    way_out: str = ""
    #: The tables that feel it, as they were named before the script; schema-qualified where a catalog tells.
    tables: tuple[str, ...] = ()
    #: The column, constraint, index, label or setting that it is about; "" for none.
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """One thing that a statement may do to those who use the database."""

    #: E.g. `create-index`; what an allowance names.
    id: str
    title: str
    #: When it is one.
    condition: str
    #: What happens then, and to whom.
    consequence: str
    way_out: str
    #: Both on `examples.SCHEMA`.
    bad: str
    good: str
    effect: Effect
    #: Meets it in a statement, or not.
    judge: Callable[[Scene], Iterable[Seen]]
    #: SQL that makes `examples.SCHEMA` ready for both; what fails in it is meant to.
    prepare: str = ""
    #: It cannot be told from the script alone.
    needs_database: bool = False
    #: The first major version that has the statement or the way out; 0 where all have it.
    since: int = 0
    #: Said once a file, and no hazard of a run of Lockkeeper's.
    is_note: bool = False
