"""Hazards after which something is not there any more, or not where the application looks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workorders.migration.catalog.snapshot import Table
from workorders.migration.hazards.hanging import KINDS
from workorders.migration.hazards.hazard import Effect, Hazard, Seen, Then
from workorders.migration.hazards.scene import Scene, dropped, listed
from workorders.migration.locks import LockMode
from workorders.migration.sql import objects

_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE

#: What is called by a name alone; operators, casts and the like are rare in migrations.
_NAMED = frozenset(
    f"OBJECT_{kind}"
    for kind in (
        *("TABLE", "VIEW", "MATVIEW", "SEQUENCE", "FOREIGN_TABLE", "TYPE", "DOMAIN", "SCHEMA", "EXTENSION"),
        *("FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE"),
    )
)


def _column(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("DropColumn"):
        subject, name = command.subject, command.column
        if scene.is_new_column(subject, name) or (subject.table and scene.column(subject, name) is None):
            continue
        then = ", and the running application fails where it still names it"
        if _gets_column(scene, subject.relname, name):
            then = "; the column that gets its name begins without them"
        yield Seen(
            tables=(subject.name,),
            name=name,
            sentence=f"{subject}: column {name} and its values are gone for good{subject.if_filled}{then}.",
        )


def _table(scene: Scene) -> Iterator[Seen]:
    if scene.raw.kind != "DropStmt" or scene.node["removeType"] != "OBJECT_TABLE":
        return
    for relation in dropped(scene.node):
        subject = scene.filled(relation)
        if subject is not None:
            yield Seen(
                tables=(subject.name,),
                sentence=f"{subject}: the table and its rows are gone for good{subject.if_filled}.",
            )


def _truncated(scene: Scene) -> Iterator[Seen]:
    if scene.raw.kind != "TruncateStmt":
        return
    for relation in listed(scene.node["relations"]):
        subject = scene.filled(relation)
        if subject is not None:
            more = ", and of every table that references it" if _is_cascade(scene) else ""
            yield Seen(
                tables=(subject.name,),
                sentence=f"{subject}: all rows are gone for good{more}{subject.if_filled}.",
            )


def _is_cascade(scene: Scene) -> bool:
    return bool(scene.node.get("behavior") == "DROP_CASCADE")


def _cascade(scene: Scene) -> Iterator[Seen]:
    if scene.raw.kind == "DropStmt" and _is_cascade(scene):
        named = (item for item in scene.node["objects"] if scene.node["removeType"] in _NAMED)
        names = [objects.names_of(item)[-1] for item in named]
        if scene.node["removeType"] == "OBJECT_TABLE":
            names = [subject.name for relation in dropped(scene.node) if (subject := scene.old(relation))]
        kind = scene.node["removeType"].removeprefix("OBJECT_")
        for name in names:
            more: str | None = ""
            if kind in ("TABLE", "VIEW", "MATVIEW"):
                more = _dependants(scene, name)
            elif kind in KINDS and scene.hanging is not None:
                more = _hanging(scene, name)
            if more is not None:
                yield Seen(
                    name=name,
                    sentence=f"DROP ... CASCADE of {kind.lower().replace('_', ' ')} {name} takes along"
                    f" {more or _UNKNOWN}.",
                )
    for command in scene.commands("DropColumn", "DropConstraint", even_empty=True):
        if command.node.get("behavior") == "DROP_CASCADE":
            is_key = command.kind == "DropConstraint"
            found = (_keyed if is_key else _dependants)(scene, command.subject.name, command.column)
            if found is not None:
                yield Seen(
                    tables=(command.subject.name,),
                    name=command.column,
                    sentence=f"{command.subject}: DROP of {command.column} with CASCADE takes along"
                    f" {found or _UNKNOWN}.",
                )


_UNKNOWN = "whatever hangs on it, and says so nowhere but in a NOTICE"


def _table_of(scene: Scene, name: str) -> Table | None:
    assert scene.catalog is not None
    return next(
        (each for each in scene.catalog.tables.values() if name in (str(each.name), each.name.name)), None
    )


def _dependants(scene: Scene, name: str, column: str = "") -> str | None:
    """What hangs on it; "" where nobody can tell, None for nothing."""
    if scene.catalog is None:
        return ""
    table = _table_of(scene, name)
    if table is None:
        return None
    gone = _gone(scene)
    found = [
        each.description
        for each in table.dependants
        if not each.is_own and each.kind != "foreign key" and (not column or each.column == column)
        if each.relation is None or each.relation.name not in gone
    ]
    found += _pointing(scene, table, lambda columns: not column or column in columns)
    return ", ".join(dict.fromkeys(found)) or None


def _pointing(scene: Scene, table: Table, chosen: Callable[[tuple[str, ...]], bool]) -> list[str]:
    """The foreign keys that point at the table's chosen columns and are still there."""
    assert scene.catalog is not None
    # A table that is dropped itself is among them: its own go with it.
    gone, dropped_parts = _gone(scene), scene.past.dropped_parts
    return [
        f"constraint {reference.constraint.name} on {reference.table}"
        for reference in scene.catalog.referencing(table.name)
        if reference.table.name not in gone
        if chosen(reference.constraint.referenced_columns)
        if not any(
            (reference.table.name, each) in dropped_parts
            for each in (reference.constraint.name, *reference.constraint.columns)
        )
    ]


def _keyed(scene: Scene, name: str, constraint: str) -> str | None:
    """The same of a constraint: foreign keys that point at its columns."""
    if scene.catalog is None:
        return ""
    table = _table_of(scene, name)
    key = next((each for each in table.constraints if each.name == constraint), None) if table else None
    if table is None or key is None or key.kind not in "pu":
        return None
    return ", ".join(_pointing(scene, table, lambda columns: set(columns) == set(key.columns))) or None


def _hanging(scene: Scene, name: str) -> str | None:
    """The same of a function, type or sequence."""
    assert scene.hanging is not None
    gone = _gone(scene)
    found = [
        each.description
        for each in scene.hanging.get(name, ())
        if each.relation is None
        or not (
            each.relation.name in gone or (each.relation.name, each.trigger) in scene.past.dropped_triggers
        )
    ]
    return ", ".join(found) or None


def _gone(scene: Scene) -> frozenset[str]:
    """The tables and views that the script has dropped, with the views that read them, or drops here."""
    assert scene.catalog is not None
    gone = set(scene.past.dropped_relations)
    open_ends = list(gone)
    while open_ends:
        table = _table_of(scene, open_ends.pop())
        for each in table.dependants if table else ():
            if each.relation and each.kind in _VIEWS and each.relation.name not in gone:
                gone.add(each.relation.name)
                open_ends.append(each.relation.name)
    if scene.raw.kind == "DropStmt":
        gone |= {relation["relname"] for relation in dropped(scene.node)}
    return frozenset(gone)


_VIEWS = ("view", "materialized view")


def _renamed_column(scene: Scene) -> Iterator[Seen]:
    node = scene.node
    if scene.raw.kind != "RenameStmt" or node["renameType"] != "OBJECT_COLUMN":
        return
    subject = scene.old(node["relation"])
    if subject is None or _gets_column(scene, node["relation"]["relname"], node["subname"]):
        return
    if not scene.is_new_column(subject, node["subname"]):
        yield Seen(
            tables=(subject.name,),
            name=node["subname"],
            sentence=f"{subject}: column {node['subname']} becomes {node['newname']}: the running"
            " application, which says the old name, fails.",
        )


def _gets_column(scene: Scene, table: str, name: str) -> bool:
    """Whether the table gets a column of this name in this statement or later in the script."""
    for raw in (scene.raw, *scene.following):
        if raw.kind == "RenameStmt" and raw.node.get("newname") == name:
            if raw.node["renameType"] == "OBJECT_COLUMN" and raw.node["relation"]["relname"] == table:
                return True
        elif raw.kind == "AlterTableStmt" and raw.node["relation"]["relname"] == table:
            commands = (item["AlterTableCmd"] for item in raw.node["cmds"])
            added = (each.get("def", {}).get("ColumnDef", {}) for each in commands)
            if any(column.get("colname") == name for column in added):
                return True
    return False


def _renamed_table(scene: Scene) -> Iterator[Seen]:
    node, new = scene.node, ""
    if scene.raw.kind == "RenameStmt" and node["renameType"] in (
        "OBJECT_TABLE",
        "OBJECT_VIEW",
        "OBJECT_MATVIEW",
    ):
        new = node["newname"]
    elif scene.raw.kind == "AlterObjectSchemaStmt" and node["objectType"] in ("OBJECT_TABLE", "OBJECT_VIEW"):
        new = f"{node['newschema']}.{node['relation']['relname']}"
    if not new:
        return
    subject = scene.old(node["relation"])
    if subject is None or _is_stood_in_for(scene, node["relation"]["relname"]):
        return
    yield Seen(
        tables=(subject.name,),
        sentence=f"{subject}: becomes {new}: the running application, which says the old name, fails.",
    )


def _is_stood_in_for(scene: Scene, name: str) -> bool:
    """Whether something else is put under the old name later in the script."""
    for raw in scene.following:
        if raw.kind in ("ViewStmt", "CreateStmt"):
            made = raw.node["view"] if raw.kind == "ViewStmt" else raw.node["relation"]
            if made["relname"] == name:
                return True
        if (
            raw.kind == "RenameStmt"
            and raw.node["renameType"] == "OBJECT_TABLE"
            and raw.node["newname"] == name
        ):
            return True
    return False


HAZARDS = (
    Hazard(
        id="drop-column",
        title="A column dropped with its values",
        condition="DROP COLUMN of a column that the script has not added itself.",
        consequence="The values are gone for good; no migration back brings them again.",
        way_out="First let the application stop using it; `lockkeeper apply` keeps the values until the way"
        " back is given up.",
        bad="ALTER TABLE customers DROP COLUMN note;",
        good="COMMENT ON COLUMN customers.note IS 'unused since release 12, to be dropped after release 13';",
        effect=Effect(locks={"customers": _EXCLUSIVE}, loses="SELECT count(note) FROM customers"),
        judge=_column,
    ),
    Hazard(
        id="drop-table",
        title="A table dropped with its rows",
        condition="DROP TABLE of a table that the script has not made itself.",
        consequence="The rows are gone for good, and tables that it references are locked too.",
        way_out="First let the application stop using it, and move it to another schema, from which it can"
        " come back.",
        bad="DROP TABLE orders;",
        good="""CREATE SCHEMA attic;
ALTER TABLE orders SET SCHEMA attic;""",
        effect=Effect(
            locks={"orders": _EXCLUSIVE},
            loses="SELECT sum(reltuples) FROM pg_class WHERE relname = 'orders'",
        ),
        judge=_table,
    ),
    Hazard(
        id="truncate",
        title="TRUNCATE",
        condition="TRUNCATE of a table that the script has not made itself.",
        consequence="All rows are gone for good; reads and writes wait for it.",
        way_out="Move the table out of the way and create an empty one, or DELETE in batches what is not"
        " wanted.",
        bad="TRUNCATE customers;",
        good="DELETE FROM customers WHERE id BETWEEN 2001 AND 3000 AND note IS NULL;",
        effect=Effect(locks={"customers": _EXCLUSIVE}, loses="SELECT count(*) FROM customers"),
        judge=_truncated,
    ),
    Hazard(
        id="drop-cascade",
        title="DROP ... CASCADE",
        condition="CASCADE in a DROP, DROP COLUMN or DROP CONSTRAINT; with a database, where something hangs"
        " on it that the script has not dropped before.",
        consequence="Whatever hangs on it goes too: views, foreign keys, functions, and what hangs on those.",
        way_out="Name what is to go, in statements of their own; without CASCADE the server says what that"
        " is.",
        bad="ALTER TABLE customers DROP COLUMN points CASCADE;",
        good="""DROP VIEW rich_customers;
ALTER TABLE customers DROP COLUMN points;
CREATE VIEW rich_customers AS SELECT id FROM customers;""",
        effect=Effect(then=Then(sql="SELECT id FROM rich_customers", fails_with="42P01")),
        judge=_cascade,
    ),
    Hazard(
        id="rename-column",
        title="A column renamed",
        condition="RENAME COLUMN, with no other column under the old name afterwards.",
        consequence="The running application says the old name and fails, until all of it is replaced.",
        way_out="Add a column under the new name, keep both in step by a trigger, and drop the old one when"
        " nobody says its name any more.",
        bad="ALTER TABLE customers RENAME COLUMN note TO remark;",
        good="ALTER TABLE customers ADD COLUMN remark text;",
        effect=Effect(
            locks={"customers": _EXCLUSIVE}, then=Then(sql="SELECT note FROM customers", fails_with="42703")
        ),
        judge=_renamed_column,
    ),
    Hazard(
        id="rename-table",
        title="A table or view renamed, or moved to another schema",
        condition="RENAME TO or SET SCHEMA, with nothing under the old name afterwards.",
        consequence="The running application says the old name and fails, until all of it is replaced.",
        way_out="Leave a view under the old name, in the same transaction.",
        bad="ALTER TABLE customers RENAME TO clients;",
        good="""BEGIN;
ALTER TABLE customers RENAME TO clients;
CREATE VIEW customers WITH (security_invoker) AS SELECT * FROM clients;
COMMIT;""",
        effect=Effect(
            locks={"customers": _EXCLUSIVE}, then=Then(sql="SELECT note FROM customers", fails_with="42P01")
        ),
        judge=_renamed_table,
    ),
)
