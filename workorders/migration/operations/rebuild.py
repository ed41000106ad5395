"""Building again what was dropped: indexes, constraints and their comments, online.

Used by every inverse whose operation takes something along that hangs on a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, literal, ours, quoted
from workorders.migration.operations import exclusions
from workorders.migration.operations.inheritance import inherits
from workorders.migration.operations.operation import exclusive
from workorders.migration.sql import tree
from workorders.migration.steps import Action, Misfit, Parent


def referenced_when(catalog: Catalog, table: RelationName) -> tuple[str, ...]:
    """For each foreign key that points at the table: true of its row `t` while one points there."""
    conditions = []
    for reference in catalog.referencing(table):
        pairs = " AND ".join(
            f"r.{quoted(theirs)} = t.{quoted(own)}"
            for theirs, own in zip(
                reference.constraint.columns, reference.constraint.referenced_columns, strict=True
            )
        )
        conditions.append(f"EXISTS (SELECT FROM {reference.table.sql} r WHERE {pairs})")
    return tuple(conditions)


def aside(run: str, table: RelationName, what: str) -> RelationName:
    """Where rows are put that the old schema cannot hold."""
    return RelationName(schema=OUR_SCHEMA, name=ours("aside", run, str(table), what))


def null_misfit(catalog: Catalog, table: RelationName, column: str, current: str, run: str) -> Misfit:
    """Rows without a value in a column that was NOT NULL and is now called `current`."""
    return Misfit(
        table=table,
        fillable=(column,),
        rows=f"t.{quoted(current)} IS NULL",
        rows_back=f"t.{quoted(column)} IS NULL",
        aside=aside(run, table, f"not_null {column}"),
        reason=f"{table}.{column} was NOT NULL",
        referenced_when=referenced_when(catalog, table),
        is_inherited=True,
    )


def concurrently(definition: str, name: str | None = None) -> str:
    """A CREATE INDEX statement with CONCURRENTLY, whatever it had; with another name where one is given."""
    (raw,) = tree.statements(definition)
    named = {} if name is None else {"idxname": name}
    return tree.statement_text(raw.kind, {**raw.node, **named, "concurrent": True})


def marks(table: RelationName, built: Index) -> tuple[str, ...]:
    """The statements that give an index its comment and its roles in the table."""
    name = RelationName(schema=table.schema, name=built.name)
    found: list[str] = []
    if built.comment is not None:
        found.append(f"COMMENT ON INDEX {name.sql} IS {literal(built.comment)}")
    if built.is_clustered:
        found.append(f"ALTER TABLE {table.sql} CLUSTER ON {quoted(built.name)}")
    if built.is_replica_identity:
        found.append(f"ALTER TABLE {table.sql} REPLICA IDENTITY USING INDEX {quoted(built.name)}")
    return tuple(found)


def index(table: RelationName, built: Index) -> tuple[Action, ...]:
    """The index built again concurrently, with what hangs on it."""
    name = RelationName(schema=table.schema, name=built.name)
    build = Action(
        title=f"build index {name} again",
        sql=(concurrently(built.definition),),
        locks=(Lock(relation=table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),),
        scans=(table,),
        is_transactional=False,
        done=questions.index_is_valid(name),
        sweep=(f"DROP INDEX CONCURRENTLY IF EXISTS {name.sql}",),
    )
    marked = marks(table, built)
    if not marked:
        return (build,)
    locks: tuple[Lock, ...] = ()
    if built.is_replica_identity:
        locks = exclusive(table)
    elif built.is_clustered:
        locks = (Lock(relation=table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
    return (build, Action(title=f"mark index {name} as it was", sql=marked, locks=locks))


def unique_constraint(table: RelationName, constraint: Constraint, built: Index) -> tuple[Action, ...]:
    """A primary key or unique constraint: its index concurrently, then the constraint on it."""
    kind = "primary key" if constraint.kind == "p" else "unique"
    return (
        *index(table, built),
        Action(
            title=f"make {built.name} the {kind} again",
            sql=(using_index(table, constraint, built.name), *comment_on(table, constraint)),
            locks=exclusive(table),
            done=questions.constraint_exists(table, constraint.name),
        ),
    )


def exclusion(table: RelationName, constraint: Constraint, built: Index) -> Action:
    """What excludes overlapping rows, with what is said of it: of a small table, in one go."""
    again = exclusions.added(
        table,
        constraint,
        f"hold {table} to {constraint.name} again",
        f"CONSTRAINT {quoted(constraint.name)} {constraint.definition}",
    )
    return replace(again, sql=(*again.sql, *comment_on(table, constraint), *marks(table, built)))


def using_index(table: RelationName, constraint: Constraint, index_name: str) -> str:
    """A primary key or unique constraint over an index that is there; the index gets its name."""
    kind = "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"
    return (
        f"ALTER TABLE {table.sql} ADD CONSTRAINT {quoted(constraint.name)}"
        f" {kind} USING INDEX {quoted(index_name)}{deferral(constraint)}"
    )


def deferral(constraint: Constraint) -> str:
    """DEFERRABLE and INITIALLY DEFERRED, where it is so, as they stand at the end of a definition."""
    deferrable = " DEFERRABLE" if constraint.is_deferrable else ""
    return deferrable + (" INITIALLY DEFERRED" if constraint.is_initially_deferred else "")


def checked_constraint(table: RelationName, constraint: Constraint) -> str:
    """A CHECK or foreign key added NOT VALID: new rows obey it, old ones are not read."""
    return (
        f"ALTER TABLE {_only(constraint)}{table.sql} ADD CONSTRAINT {quoted(constraint.name)}"
        f" {constraint.definition}"
        f" {'NOT VALID' if constraint.is_enforced else 'NOT ENFORCED'}"
    )


def _only(constraint: Constraint) -> str:
    """Of what heirs do not get, so that they are not locked."""
    return "ONLY " if constraint.kind == "c" and constraint.is_no_inherit else ""


def dropped_constraint(table: RelationName, constraint: Constraint) -> Action:
    """A constraint taken away, if it is there."""
    return Action(
        title=f"drop {constraint.name} of {table}",
        sql=(f"ALTER TABLE {table.sql} DROP CONSTRAINT IF EXISTS {quoted(constraint.name)}",),
        locks=dropping_locks(table, constraint),
        done=questions.negated(questions.constraint_exists(table, constraint.name)),
    )


def dropping_locks(table: RelationName, constraint: Constraint) -> tuple[Lock, ...]:
    """What dropping it locks: a foreign key also what it points at, and both exclusively."""
    if constraint.referenced in (None, table):
        return exclusive(table)
    assert constraint.referenced is not None
    return exclusive(table, constraint.referenced)


def comment_on(table: RelationName, constraint: Constraint) -> tuple[str, ...]:
    """The statement that gives a constraint its comment back, if it had one."""
    return () if constraint.comment is None else (_comment(table, constraint),)


def constraint_locks(table: RelationName, constraint: Constraint) -> tuple[Lock, ...]:
    """What adding it NOT VALID locks: a foreign key also what it points at."""
    if constraint.kind == "f" and constraint.referenced is not None:
        names = (table, *(() if constraint.referenced == table else (constraint.referenced,)))
        return tuple(Lock(relation=name, mode=LockMode.SHARE_ROW_EXCLUSIVE) for name in names)
    return exclusive(table)


def validation(table: RelationName, constraint: Constraint) -> tuple[Action, ...]:
    """Every row checked; nothing where the constraint had never been validated."""
    if not constraint.is_validated:
        return ()
    locks = [Lock(relation=table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE)]
    if constraint.kind == "f" and constraint.referenced not in (None, table):
        assert constraint.referenced is not None
        locks.append(Lock(relation=constraint.referenced, mode=LockMode.ROW_SHARE))
    return (
        Action(
            title=f"check every row against {constraint.name}",
            sql=(
                f"ALTER TABLE {_only(constraint)}{table.sql} VALIDATE CONSTRAINT {quoted(constraint.name)}",
            ),
            locks=tuple(locks),
            scans=(table,),
            done=questions.constraint_is_valid(table, constraint.name),
        ),
    )


def misfit(
    catalog: Catalog, table: RelationName, constraint: Constraint, current: Mapping[str, str], run: str
) -> Misfit | None:
    """Rows that a dropped constraint would not have let in; None where it had not been validated.

    `current` gives the present name of a column that was renamed meanwhile.
    """
    if not constraint.is_validated:
        return None
    return Misfit(
        table=table,
        fillable=constraint.columns,
        rows=violating(table, constraint, current),
        rows_back=violating(table, constraint, {}),
        aside=aside(run, table, constraint.name),
        reason=f"{table} had the constraint {constraint.name}",
        referenced_when=referenced_when(catalog, table),
        parent=_parent(constraint, current),
        is_inherited=inherits(constraint),
    )


def _parent(constraint: Constraint, current: Mapping[str, str]) -> Parent | None:
    if constraint.kind != "f" or constraint.referenced is None:
        return None
    own = (current.get(column, column) for column in constraint.columns)
    return Parent(
        table=constraint.referenced, pairs=tuple(zip(constraint.referenced_columns, own, strict=True))
    )


def violating(table: RelationName, constraint: Constraint, current: Mapping[str, str]) -> str:
    """A condition: true of each row `t` that the constraint would not let in."""
    if constraint.kind == "c":
        return f"NOT ({tree.renamed_columns(condition_of(constraint), dict(current))})"
    names = tuple(current.get(column, column) for column in constraint.columns)
    if constraint.kind == "f" and constraint.referenced is not None:
        own = [f"t.{quoted(name)}" for name in names]
        pairs = " AND ".join(
            f"p.{quoted(theirs)} = {mine}"
            for theirs, mine in zip(constraint.referenced_columns, own, strict=True)
        )
        filled = " AND ".join(f"{mine} IS NOT NULL" for mine in own)
        orphaned = f"{filled} AND NOT EXISTS (SELECT FROM {constraint.referenced.sql} p WHERE {pairs})"
        if not constraint.is_match_full or len(own) == 1:
            return orphaned
        some_filled = " OR ".join(f"{mine} IS NOT NULL" for mine in own)
        return f"(({orphaned}) OR (({some_filled}) AND NOT ({filled})))"
    if exclusions.is_one(constraint):
        return exclusions.overlapping(table, constraint.definition, current)
    keys = [quoted(name) for name in names]
    return _has_earlier_twin(
        table, keys, "", nulls_are_same=constraint.definition.startswith("UNIQUE NULLS NOT DISTINCT")
    )


def condition_of(check: Constraint) -> str:
    """What a CHECK demands, as an expression."""
    return check.definition.removeprefix("CHECK ").removesuffix(" NO INHERIT")


def duplicates(
    catalog: Catalog,
    table: RelationName,
    dropped: Index,
    current: Mapping[str, str],
    run: str,
    *,
    only: str = "",
) -> Misfit | None:
    """Rows that a dropped unique index would not have let in; None for any other index.

    `current` gives the present name of a column that was renamed meanwhile; `only` a condition
    without which nothing may be asked of a row.
    """
    if not dropped.is_unique:
        return None
    return Misfit(
        table=table,
        fillable=tuple(dict.fromkeys(column for column in dropped.key_columns if column)) or dropped.columns,
        rows=_duplicate(table, dropped, current, only),
        rows_back=_duplicate(table, dropped, {}, only),
        aside=aside(run, table, dropped.name),
        reason=f"{table} had the unique index {dropped.name}",
        referenced_when=referenced_when(catalog, table),
    )


def _duplicate(table: RelationName, dropped: Index, current: Mapping[str, str], only: str) -> str:
    """What the index's own definition says: keys, expressions among them, and predicate."""

    def guarded(expression: str) -> str:
        return f"(CASE WHEN {only} THEN ({expression}) END)" if only else f"({expression})"

    (raw,) = tree.statements(dropped.definition)
    elements = [item["IndexElem"] for item in raw.node["indexParams"]]
    keys = [
        quoted(current.get(element["name"], element["name"]))
        if "name" in element
        else guarded(tree.renamed_columns(tree.expression_text(element["expr"]), dict(current)))
        for element in elements
    ]
    predicate = raw.node.get("whereClause")
    among = (
        ""
        if predicate is None
        else guarded(tree.renamed_columns(tree.expression_text(predicate), dict(current)))
    )
    return _has_earlier_twin(table, keys, among, nulls_are_same=bool(raw.node.get("nulls_not_distinct")))


def _has_earlier_twin(table: RelationName, keys: list[str], among: str, *, nulls_are_same: bool) -> str:
    """True of each row but the first of those with the same keys, as a unique index compares them."""
    conditions = [among] if among else []
    conditions += [] if nulls_are_same else [f"{key} IS NOT NULL" for key in keys]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        # Two partitions may each have a row in the same place.
        "(t.tableoid, t.ctid) IN (SELECT home, place FROM (SELECT tableoid AS home, ctid AS place,"
        f" row_number() OVER (PARTITION BY {', '.join(keys)} ORDER BY tableoid, ctid) AS copy"
        f" FROM {table.sql}{where}) d WHERE copy > 1)"
    )


def _comment(table: RelationName, constraint: Constraint) -> str:
    text = literal(constraint.comment or "")
    return f"COMMENT ON CONSTRAINT {quoted(constraint.name)} ON {table.sql} IS {text}"
