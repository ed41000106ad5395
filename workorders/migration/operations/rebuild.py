"""Building again what was dropped: indexes, constraints and their comments, online.

Used by every inverse whose operation takes something along that hangs on a table.
"""

from __future__ import annotations

from collections.abc import Mapping

from workorders.migration import questions
from workorders.migration.catalog.snapshot import Catalog, Constraint, Index
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, literal, ours, quoted
from workorders.migration.operations.operation import exclusive
from workorders.migration.sql import tree
from workorders.migration.steps import Action, Misfit


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
    )


def concurrently(definition: str) -> str:
    """A CREATE INDEX statement with CONCURRENTLY, whatever it had."""
    (raw,) = tree.statements(definition)
    return tree.statement_text(raw.kind, {**raw.node, "concurrent": True})


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
    marks: list[str] = []
    if built.comment is not None:
        marks.append(f"COMMENT ON INDEX {name.sql} IS {literal(built.comment)}")
    if built.is_clustered:
        marks.append(f"ALTER TABLE {table.sql} CLUSTER ON {quoted(built.name)}")
    if built.is_replica_identity:
        marks.append(f"ALTER TABLE {table.sql} REPLICA IDENTITY USING INDEX {quoted(built.name)}")
    if not marks:
        return (build,)
    locks: tuple[Lock, ...] = ()
    if built.is_replica_identity:
        locks = exclusive(table)
    elif built.is_clustered:
        locks = (Lock(relation=table, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
    return (build, Action(title=f"mark index {name} as it was", sql=tuple(marks), locks=locks))


def unique_constraint(table: RelationName, constraint: Constraint, built: Index) -> tuple[Action, ...]:
    """A primary key or unique constraint: its index concurrently, then the constraint on it."""
    kind = "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"
    tail = "".join(
        f" {word}" for word in ("DEFERRABLE", "INITIALLY DEFERRED") if f" {word}" in constraint.definition
    )
    sql = [
        f"ALTER TABLE {table.sql} ADD CONSTRAINT {quoted(constraint.name)}"
        f" {kind} USING INDEX {quoted(built.name)}{tail}"
    ]
    if constraint.comment is not None:
        sql.append(_comment(table, constraint))
    return (
        *index(table, built),
        Action(
            title=f"make {built.name} the {kind.lower()} again",
            sql=tuple(sql),
            locks=exclusive(table),
            done=questions.constraint_exists(table, constraint.name),
        ),
    )


def checked_constraint(table: RelationName, constraint: Constraint) -> str:
    """A CHECK or foreign key added NOT VALID: new rows obey it, old ones are not read."""
    is_enforced = "NOT ENFORCED" not in constraint.definition
    return (
        f"ALTER TABLE {table.sql} ADD CONSTRAINT {quoted(constraint.name)} {constraint.definition}"
        f"{' NOT VALID' if is_enforced else ''}"
    )


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
            sql=(f"ALTER TABLE {table.sql} VALIDATE CONSTRAINT {quoted(constraint.name)}",),
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
        rows=_violating(table, constraint, current),
        rows_back=_violating(table, constraint, {}),
        aside=aside(run, table, constraint.name),
        reason=f"{table} had the constraint {constraint.name}",
        referenced_when=referenced_when(catalog, table),
    )


def _violating(table: RelationName, constraint: Constraint, current: Mapping[str, str]) -> str:
    if constraint.kind == "c":
        inner = constraint.definition.removeprefix("CHECK ").removesuffix(" NO INHERIT")
        return f"NOT ({tree.renamed_columns(inner, dict(current))})"
    names = tuple(current.get(column, column) for column in constraint.columns)
    if constraint.kind == "f" and constraint.referenced is not None:
        own = [f"t.{quoted(name)}" for name in names]
        pairs = " AND ".join(
            f"p.{quoted(theirs)} = {mine}"
            for theirs, mine in zip(constraint.referenced_columns, own, strict=True)
        )
        filled = " AND ".join(f"{mine} IS NOT NULL" for mine in own)
        return f"{filled} AND NOT EXISTS (SELECT FROM {constraint.referenced.sql} p WHERE {pairs})"
    keys = [quoted(name) for name in names]
    return _has_earlier_twin(table, keys, "", nulls_are_same="NULLS NOT DISTINCT" in constraint.definition)


def duplicates(
    catalog: Catalog, table: RelationName, dropped: Index, current: Mapping[str, str], run: str
) -> Misfit | None:
    """Rows that a dropped unique index would not have let in; None for any other index.

    `current` gives the present name of a column that was renamed meanwhile.
    """
    if not dropped.is_unique:
        return None
    return Misfit(
        table=table,
        fillable=tuple(dict.fromkeys(column for column in dropped.key_columns if column)) or dropped.columns,
        rows=_duplicate(table, dropped, current),
        rows_back=_duplicate(table, dropped, {}),
        aside=aside(run, table, dropped.name),
        reason=f"{table} had the unique index {dropped.name}",
        referenced_when=referenced_when(catalog, table),
    )


def _duplicate(table: RelationName, dropped: Index, current: Mapping[str, str]) -> str:
    """What the index's own definition says: keys, expressions among them, and predicate."""
    (raw,) = tree.statements(dropped.definition)
    elements = [item["IndexElem"] for item in raw.node["indexParams"]]
    keys = [
        quoted(current.get(element["name"], element["name"]))
        if "name" in element
        else f"({tree.renamed_columns(tree.expression_text(element['expr']), dict(current))})"
        for element in elements
    ]
    predicate = raw.node.get("whereClause")
    among = "" if predicate is None else tree.renamed_columns(tree.expression_text(predicate), dict(current))
    return _has_earlier_twin(table, keys, among, nulls_are_same=bool(raw.node.get("nulls_not_distinct")))


def _has_earlier_twin(table: RelationName, keys: list[str], among: str, *, nulls_are_same: bool) -> str:
    """True of each row but the first of those with the same keys, as a unique index compares them."""
    conditions = [f"({among})"] if among else []
    conditions += [] if nulls_are_same else [f"{key} IS NOT NULL" for key in keys]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        "t.ctid IN (SELECT place FROM (SELECT ctid AS place, row_number() OVER (PARTITION BY"
        f" {', '.join(keys)} ORDER BY ctid) AS copy FROM {table.sql}{where}) d WHERE copy > 1)"
    )


def _comment(table: RelationName, constraint: Constraint) -> str:
    text = literal(constraint.comment or "")
    return f"COMMENT ON CONSTRAINT {quoted(constraint.name)} ON {table.sql} IS {text}"
