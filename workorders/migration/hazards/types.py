"""Hazards of types: columns written anew, views in the way, and labels of enums."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from workorders.migration.catalog.snapshot import Column, Table
from workorders.migration.catalog.types import Cast, bare
from workorders.migration.hazards.hazard import Effect, Hazard, Seen, Then
from workorders.migration.hazards.scene import Command, Scene
from workorders.migration.locks import LockMode
from workorders.migration.names import quoted
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node

_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
_UTC = frozenset({"utc", "etc/utc", "universal", "zulu", "gmt", "etc/gmt"})
_TIMES = frozenset({"timestamp with time zone", "timestamp without time zone"})
_STRINGS = frozenset({"text", "character varying"})
#: Types whose precision may grow for nothing; none means 6.
_PRECISE = _TIMES | {"time with time zone", "time without time zone", "interval"}
_LENGTHS = frozenset({"character varying", "bit varying"})

#: What the parser calls them, and what the catalog does.
_CALLED = {
    "varchar": "character varying",
    "bpchar": "character",
    "varbit": "bit varying",
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "timetz": "time with time zone",
    "time": "time without time zone",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
}


class Cost(Enum):
    """What a change of type does to the rows."""

    NOTHING = "nothing"
    READ = "read"  # from end to end
    BY_TIME_ZONE = "by time zone"  # nothing under UTC, else written anew
    WRITTEN = "written"  # anew


def cost(old: str, new: str) -> Cost:
    """What it takes to make a column of one type one of another, both as the catalog writes them.

    Source: measurements on servers 12 to 18; `ATColumnChangeRequiresRewrite` in Postgres's own source.
    """
    one, other = bare(old), bare(new)
    had, gets = _modifiers(old), _modifiers(new)
    if old == new:
        return Cost.NOTHING
    if {one, other} <= _STRINGS and (not gets or (one == other and had and gets >= had)):
        return Cost.NOTHING
    if one == other and one in _LENGTHS and (not gets or (had and gets >= had)):
        return Cost.NOTHING
    if one == other == "numeric":
        grows = len(had) == len(gets) == 2 and had[1] == gets[1] and gets[0] >= had[0]
        return Cost.NOTHING if not gets or grows else Cost.WRITTEN
    if one == other and one in _PRECISE and (gets or [6]) >= (had or [6]):
        return Cost.NOTHING
    if {one, other} == _TIMES and (gets or [6]) == [6]:
        return Cost.BY_TIME_ZONE
    if (one, other) == ("cidr", "inet"):
        return Cost.NOTHING
    return Cost.WRITTEN


def _modifiers(type_name: str) -> list[int]:
    found = re.search(r"\(([\d,]+)\)", type_name)
    return [int(part) for part in found[1].split(",")] if found else []


def _changes(scene: Scene) -> Iterator[tuple[Command, str]]:
    for command in scene.commands("AlterColumnType"):
        if not scene.is_new_column(command.subject, command.column):
            yield command, _written(command.definition["typeName"])


def _written(type_name: Node) -> str:
    """As the catalog would write the type, as far as the script alone tells."""
    names = tree.strings(type_name["names"])
    name = _CALLED.get(names[-1], names[-1])
    modifiers = [
        str(item.get("A_Const", {}).get("ival", {}).get("ival", 0)) for item in type_name.get("typmods", [])
    ]
    if modifiers and name == "numeric" and len(modifiers) == 1:
        modifiers.append("0")
    if modifiers and name != "interval":
        head, _, tail = name.partition(" ") if name not in _LENGTHS else (name, "", "")
        name = f"{head}({','.join(modifiers)})" + (f" {tail}" if tail else "")
    return name + ("[]" if type_name.get("arrayBounds") else "")


def _computes(command: Command) -> bool:
    """Whether USING says more than a cast of the column."""
    node = command.definition.get("raw_default")
    while node is not None and "TypeCast" in node:
        node = node["TypeCast"]["arg"]
    if node is None:
        return False
    return tree.expression_text(node) not in (command.column, quoted(command.column))


def _change_cost(scene: Scene, command: Command, new: str) -> Cost:
    assert command.subject.table is not None and scene.catalog is not None
    column = scene.column(command.subject, command.column)
    if column is None:
        return Cost.NOTHING
    if _computes(command):
        return Cost.WRITTEN
    old = scene.catalog.types.bases.get(column.type, column.type) if column.is_domain else column.type
    if column.is_domain and column.type.split(".")[-1] == new.rsplit(".", maxsplit=1)[-1]:
        return Cost.NOTHING
    if _changes_no_bit(scene, old, command.definition["typeName"]):
        # Its indexes are built anew, for the other type's order.
        is_indexed = any(column.name in index.columns for index in command.subject.table.indexes)
        is_read = is_indexed or _is_read(command.subject.table, column, command.definition)
        return Cost.READ if is_read else Cost.NOTHING
    found = cost(old, new)
    is_utc = found is Cost.BY_TIME_ZONE and scene.past.time_zone in _UTC
    if is_utc and any(column.name in index.columns for index in command.subject.table.indexes):
        return Cost.READ  # the index is built anew, for the other type's order
    if found is Cost.NOTHING and _is_read(command.subject.table, column, command.definition):
        return Cost.READ
    return found


def _changes_no_bit(scene: Scene, old: str, type_name: Node) -> bool:
    """Whether the database has a cast that only gives the value another name, as from text to citext."""
    assert scene.catalog is not None
    known = scene.catalog.types
    names = tree.strings(type_name["names"])
    new = known.written(names, scene.catalog.search_path)
    if "typmods" in type_name or "arrayBounds" in type_name or {bare(old), new} <= _STRINGS:
        return False
    if new is None:
        return (bare(old), names[-1]) in scene.past.free_casts
    return Cast(source=bare(old), target=new) in known.free


def _is_read(table: Table, column: Column, definition: Node) -> bool:
    """Whether a CHECK, an index's expression or condition, or another collation makes the server read."""
    if any(each.kind in "cx" and column.name in each.columns for each in table.constraints):
        return True
    indexes = [index for index in table.indexes if column.name in index.columns]
    if "collClause" in definition and indexes:
        return True
    return any("" in index.key_columns or " WHERE " in index.definition for index in indexes)


def _new_rewritten(scene: Scene) -> Iterator[Seen]:
    """The script's own columns of tables that were there: their type is the script's too."""
    for command in scene.commands("AlterColumnType"):
        subject, name = command.subject, command.column
        given = scene.past.types.get((subject.relname, name))
        if given is None or not scene.is_new_column(subject, name):
            continue
        old, new = _written(given), _written(command.definition["typeName"])
        old = {"serial": "integer", "bigserial": "bigint", "smallserial": "smallint"}.get(old, old)
        is_known_free = scene.catalog is not None and _changes_no_bit(
            scene, old, command.definition["typeName"]
        )
        if not is_known_free and (_computes(command) or cost(old, new) is Cost.WRITTEN):
            yield Seen(
                tables=(subject.name,),
                name=name,
                sentence=f"{subject}: column {name}, which this script has added, becomes {new}: every row"
                f" and index is written anew under ACCESS EXCLUSIVE{subject.if_filled}.",
            )


def _rewritten(scene: Scene) -> Iterator[Seen]:
    yield from _new_rewritten(scene)
    for command, new in _changes(scene):
        subject, name = command.subject, command.column
        if subject.table is None:
            if bare(new) in _TIMES and not _computes(command):
                continue  # by the time zone, below
            yield Seen(
                tables=(subject.name,),
                name=name,
                sentence=f"{subject}: column {name} becomes {new}: every row and index is written anew"
                f" under ACCESS EXCLUSIVE, if it holds rows{'' if _computes(command) else _unless(new)}.",
            )
            continue
        found = _change_cost(scene, command, new)
        if found in (Cost.WRITTEN, Cost.READ):
            what = "row and index is written anew" if found is Cost.WRITTEN else "row is read"
            yield Seen(
                tables=(subject.name,),
                name=name,
                sentence=f"{subject}: column {name} becomes {new}: every {what} under ACCESS EXCLUSIVE:"
                " reads and writes wait until it is done.",
            )


def _unless(new: str) -> str:
    """The former types from which the change costs nothing."""
    one, modifiers = bare(new), _modifiers(new)
    if one in _STRINGS and not modifiers:
        return ", unless the column is text or varchar now"
    if one in _LENGTHS and modifiers:
        return f", unless the column is a {one} of at most {modifiers[0]} now"
    if one == "numeric":
        return ", unless the column is a numeric of the same scale and no more digits now"
    if one == "inet":
        return ", unless the column is cidr now"
    return ", unless it is of that type already"


def _by_time_zone(scene: Scene) -> Iterator[Seen]:
    for command, new in _changes(scene):
        if bare(new) not in _TIMES or scene.past.time_zone in _UTC or _computes(command):
            continue
        subject = command.subject
        other = next(iter(_TIMES - {bare(new)}))
        if subject.table is None:
            condition = f", if it holds rows and the column is {other} now"
        elif _change_cost(scene, command, new) is Cost.BY_TIME_ZONE:
            condition = ""
        else:
            continue
        yield Seen(
            tables=(subject.name,),
            name=command.column,
            sentence=f"{subject}: column {command.column} becomes {new}: where the session's TimeZone is"
            " not UTC, every row is written anew under ACCESS EXCLUSIVE, and what the values mean depends"
            f" on it{condition}.",
        )


def _in_the_way(scene: Scene) -> Iterator[Seen]:
    for command in scene.commands("AlterColumnType", even_empty=True):
        table = command.subject.table
        for dependant in table.dependants if table else ():
            is_view = dependant.kind in ("view", "materialized view", "rule")
            gone = dependant.relation is not None and dependant.relation.name in scene.past.dropped_relations
            if dependant.column == command.column and is_view and not gone:
                yield Seen(
                    tables=(command.subject.name,),
                    name=command.column,
                    sentence=f"{command.subject}: column {command.column} is used by"
                    f" {dependant.description}, so its change of type fails with SQLSTATE 0A000.",
                )
                break


def _label_used(scene: Scene) -> Iterator[Seen]:
    if not scene.past.labels or scene.raw.kind == "AlterEnumStmt":
        return
    for found in tree.walk({scene.raw.kind: scene.node}):
        label = found.node.get("sval", {}).get("sval") if found.kind == "A_Const" else None
        if label in scene.past.labels:
            yield Seen(
                sentence=f"'{label}' was added to {scene.past.labels[label]} in this transaction and cannot"
                " be used before its COMMIT: SQLSTATE 55P04."
            )
            return


def _label_renamed(scene: Scene) -> Iterator[Seen]:
    if scene.raw.kind == "AlterEnumStmt" and "oldVal" in scene.node:
        name = tree.strings(scene.node["typeName"])[-1]
        if not scene.past.has_made_type(name):
            yield Seen(
                name=scene.node["oldVal"],
                sentence=f"Enum {name}: '{scene.node['oldVal']}' is renamed: the running application, which"
                " writes and asks for it, gets SQLSTATE 22P02.",
            )


HAZARDS = (
    Hazard(
        id="alter-type",
        title="A change of type that writes every row",
        condition="ALTER COLUMN ... TYPE, but for changes that only the catalog notices: to a longer"
        " varchar or to text, a numeric with more digits of the same scale, more precision of a time, cidr"
        " to inet. A CHECK on the column, or an index with an expression or a condition over it, makes the"
        " server read even then.",
        consequence="The table and all its indexes are written anew under ACCESS EXCLUSIVE.",
        way_out="Add a column of the new type, keep it in step by a trigger, fill it in batches, and change"
        " over; `lockkeeper apply` does so.",
        bad="ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;",
        good="ALTER TABLE orders ALTER COLUMN code TYPE varchar(40);",
        effect=Effect(locks={"orders": _EXCLUSIVE}, rewrites=("orders",)),
        judge=_rewritten,
    ),
    Hazard(
        id="alter-type-time-zone",
        title="A change between timestamp and timestamptz",
        condition="ALTER COLUMN ... TYPE timestamptz of a timestamp, or back, without SET TimeZone to UTC"
        " before it.",
        consequence="The session's TimeZone decides whether every row is written anew, and which moment the"
        " values mean.",
        way_out="SET TimeZone = 'UTC' before it, if that is what the values mean; it is then free.",
        prepare="SET TimeZone = 'Europe/Berlin';",
        bad="ALTER TABLE customers ALTER COLUMN joined_at TYPE timestamptz;",
        good="""SET TimeZone = 'UTC';
ALTER TABLE customers ALTER COLUMN joined_at TYPE timestamptz;
RESET TimeZone;""",
        effect=Effect(locks={"customers": _EXCLUSIVE}, rewrites=("customers",)),
        judge=_by_time_zone,
    ),
    Hazard(
        id="alter-type-under-view",
        title="A change of type under a view",
        condition="ALTER COLUMN ... TYPE of a column that a view reads. Known from the database.",
        consequence="The statement fails, and with it the migration.",
        way_out="Drop the view before it and create it again after it, in one transaction.",
        bad="ALTER TABLE customers ALTER COLUMN points TYPE bigint;",
        good="""BEGIN;
DROP VIEW rich_customers;
ALTER TABLE customers ALTER COLUMN points TYPE bigint;
CREATE VIEW rich_customers AS SELECT id, points FROM customers;
COMMIT;""",
        effect=Effect(fails_with="0A000"),
        judge=_in_the_way,
        needs_database=True,
    ),
    Hazard(
        id="enum-label-used-at-once",
        title="A new label of an enum used in the same transaction",
        condition="ALTER TYPE ... ADD VALUE, and the label in a statement before the COMMIT.",
        consequence="The statement fails, and with it the transaction.",
        way_out="COMMIT between the two, or use the label in the next migration.",
        bad="""BEGIN;
ALTER TYPE mood ADD VALUE 'calm';
UPDATE orders SET state = 'calm' WHERE id = 1;
COMMIT;""",
        good="""ALTER TYPE mood ADD VALUE 'calm';
UPDATE orders SET state = 'calm' WHERE id = 1;""",
        effect=Effect(fails_with="55P04"),
        judge=_label_used,
    ),
    Hazard(
        id="rename-enum-label",
        title="A label of an enum renamed",
        condition="ALTER TYPE ... RENAME VALUE.",
        consequence="The running application writes and asks for the old label, which fails.",
        way_out="Add the new label, let the application use it, and change the rows in batches.",
        bad="ALTER TYPE mood RENAME VALUE 'happy' TO 'glad';",
        good="ALTER TYPE mood ADD VALUE 'glad';",
        effect=Effect(
            then=Then(sql="SELECT count(*) FROM orders WHERE state = 'happy'", fails_with="22P02"),
        ),
        judge=_label_renamed,
    ),
)
