"""A plan's parts as values: what is sent, what it locks, how it is undone and purged.

Everything that runs is rendered here once, as text. A run stores these values in the
target, so that a later version of Lockkeeper can finish or undo what an earlier one began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import RelationName
from workorders.migration.other_names import OtherName
from workorders.migration.renames import Renamed


@dataclass(frozen=True, kw_only=True)
class Batches:
    """How an action is cut into ranges of a key, each in a transaction of its own.

    The bounds travel as the settings `lockkeeper.low_1`, `lockkeeper.high_1` and so on,
    one for each key column, as text; the statements read them with `current_setting`,
    so that they are complete SQL and can be printed and run in psql.
    """

    #: Gives one row: the lowest key as text columns; no row where there is nothing to do.
    first: str
    #: Gives the key that is `lockkeeper.batch_rows` rows beyond the low bound; no row at the end.
    next: str
    #: Changes the rows in [low, high).
    between: tuple[str, ...]
    #: Changes the rows from low on: the last batch.
    rest: tuple[str, ...]
    #: How many columns the key has.
    key_columns: int


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that is done to a target in one go, in one transaction unless said otherwise."""

    title: str
    #: The statements, in order. Empty where `batches` or `settles` says what is done.
    sql: tuple[str, ...] = ()
    #: Locks on relations that exist before it and that the application may wait for.
    locks: tuple[Lock, ...] = ()
    #: Relations that are read from end to end, and those that are written anew.
    scans: tuple[RelationName, ...] = ()
    rewrites: tuple[RelationName, ...] = ()
    is_transactional: bool = True
    #: A query that gives one boolean: has this happened? Asked of the catalog alone.
    done: str = "SELECT false"
    #: For a non-transactional action: what takes away the remains of a failed try.
    sweep: tuple[str, ...] = ()
    batches: Batches | None = None
    #: The misfit, by its position in the step, whose rows are filled or set aside here.
    settles: int | None = None
    #: The user's triggers do not fire (`session_replication_role = replica`).
    as_replica: bool = False
    #: Row images are captured while it runs, and no table but these may be written.
    captured: tuple[RelationName, ...] = ()
    #: What `lockkeeper.capture` is set to while it runs; "" where no images are captured.
    capture: str = ""
    #: A query: how many rows were written since and were therefore left as they are.
    leaves: str = ""

    @property
    def strongest(self) -> LockMode | None:
        """The strongest lock that it takes, or None."""
        modes = list(LockMode)
        return max((lock.mode for lock in self.locks), key=modes.index, default=None)


@dataclass(frozen=True, kw_only=True)
class Parent:
    """What the rows of a foreign key point at."""

    table: RelationName
    #: Its column, and the one that points at it.
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """Rows that may come to be and that the old schema cannot hold."""

    table: RelationName
    #: Columns of the old schema that a `--fill COLUMN=EXPR` may give a value.
    fillable: tuple[str, ...]
    #: A boolean expression over the table `t` before anything is undone: true for such rows.
    rows: str
    #: The same as the columns are called where the rows are settled.
    rows_back: str
    #: Where rows are put that are set aside; in our schema.
    aside: RelationName
    #: What the old schema demands, in words.
    reason: str
    #: Where the table stands before anything is undone, if it was moved away.
    found_in: RelationName | None = None
    #: Tables that point at this one, with the condition under which a row of it is pointed at.
    referenced_when: tuple[str, ...] = ()
    #: Of rows that point at nothing: rows of it may come back before.
    parent: Parent | None = None
    #: Not of rows of its heirs, too: each of those has a misfit of its own, or none.
    is_alone: bool = False
    is_inherited: bool = False  # while the plan is made: heirs' rows are held to it as well


@dataclass(frozen=True, kw_only=True)
class MovedColumn:
    """A column that stands in another place of its table afterwards than after the plain SQL."""

    table: RelationName
    column: str
    #: The column after which it stands.
    behind: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column} stands at its table's end afterwards, behind {self.behind}"


@dataclass(frozen=True, kw_only=True)
class Move:
    """A table or sequence that stands in our schema until it is purged."""

    relation: RelationName
    there: RelationName
    #: A later statement of the script makes another of its name, which is undone before.
    is_remade: bool = False


@dataclass(frozen=True, kw_only=True)
class Restored:
    """Rows that the way back gives their former values, before it comes to what an earlier step did."""

    table: RelationName
    #: A boolean expression over the table `t` before anything is undone: true for such rows.
    rows: str
    #: A table in our schema of rows as they were, those that are gone among them.
    images: RelationName
    #: The table's columns, each with its column in `images`.
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class HiddenColumn:
    """A column that has another name until it is purged."""

    table: RelationName
    column: str
    hidden: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """One action of a plan with its way back."""

    #: 0-based position of the statement in the script that it serves.
    statement: int
    #: The operation's name, e.g. `set_not_null`.
    operation: str
    action: Action
    #: Undoes it, in this order; each is skipped where its `done` already holds.
    undo: tuple[Action, ...] = ()
    #: Makes it final: what was kept for the way back goes.
    purge: tuple[Action, ...] = ()
    misfits: tuple[Misfit, ...] = ()
    #: Tables of ours that the step or its undo may fill; dropped by any purge.
    remains: tuple[RelationName, ...] = ()
    #: What the undo cannot bring back, in words; "" where it brings back everything.
    loses: str = ""
    #: The way back takes about a second at any size; otherwise something is rebuilt or checked online.
    is_undone_instantly: bool = True
    #: What it puts out of sight as a whole.
    moves: tuple[Move, ...] = ()
    #: The columns that it puts out of sight.
    hides: tuple[HiddenColumn, ...] = ()
    #: The column that had to move to its table's end, where there is one.
    moved: MovedColumn | None = None
    #: Those that the way back leaves at their tables' ends, in the order of their moves.
    moved_back: tuple[MovedColumn, ...] = ()
    #: What has another name once it has run, where something has.
    renamed: Renamed | None = None
    restores: tuple[Restored, ...] = ()
    #: What that holds no rows has another name once it has run.
    other_names: tuple[OtherName, ...] = ()


def purging_order(steps: Sequence[Step]) -> list[int]:
    """The numbers of the steps as they are made final: the last one first.

    But what stands in our schema as a whole goes at the end and in the script's order: the server
    let the script drop it in that order, and nothing in sight needs it. Extensions go last of all.
    """
    whole = {"drop_type": 1, "drop_extension": 2}
    turns = [whole.get(step.operation, int(bool(step.moves))) for step in steps]
    return sorted(range(len(steps)), key=lambda each: (turns[each], each if turns[each] else -each))
