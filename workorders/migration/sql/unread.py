"""CREATE TABLE AS, and what a script says of relations that it made from a query."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import LockMode
from workorders.migration.operations.create_table import CreateTable
from workorders.migration.operations.new_relation import ChangeNewRelation
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.sql import inline, row_changes, tree
from workorders.migration.sql.creation import column_of, constraints_of, free_name
from workorders.migration.sql.tree import Node, strings

#: Volatile functions that write no row.
_HARMLESS = frozenset(
    {
        *("random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7", "uuid_generate_v4"),
        *("uuid_generate_v1", "clock_timestamp", "timeofday", "nextval", "setseed", "gen_random_bytes"),
    }
)


#: Commands of ALTER TABLE that may write every row anew.
_REWRITING = frozenset({"AT_AddColumn", "AT_AlterColumnType"})


def created(node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The table of a CREATE TABLE AS; its columns are the query's, which only the server knows."""
    into, query = node["into"], node["query"]
    name = free_name(into["rel"], place, catalog, if_not_exists=bool(node.get("if_not_exists")))
    if name is None:
        return
    if "SelectStmt" not in query:
        raise refused(place, "CREATE TABLE AS EXECUTE hides what will run.", "Write the query itself.")
    select = query["SelectStmt"]
    writes = row_changes.changes_within(select)
    calls = catalog.volatile(tree.functions_in(query)) - _HARMLESS
    if calls:
        raise refused(
            place,
            f"CREATE TABLE {name}: its query calls {min(calls)}(), which is volatile and may write rows.",
            f"Write CREATE TABLE {name.sql} (...); INSERT INTO {name.sql} SELECT ...;",
        )
    text = {key: value for key, value in node.items() if key != "if_not_exists"}
    text["into"] = {**into, "rel": {**into["rel"], "schemaname": name.schema}}
    if writes:
        text["into"] |= {"skipData": True}
    made = CreateTable(
        place=place,
        created=Table(name=name, is_new=True, is_unread=True),
        sql=tree.statement_text("CreateTableAsStmt", text),
        mentions=row_changes.read_by(query, catalog),
    )
    yield made
    if writes and not into.get("skipData"):
        filling = {
            "relation": text["into"]["rel"],
            "selectStmt": {"SelectStmt": {key: v for key, v in select.items() if key != "withClause"}},
            "withClause": select["withClause"],
            "override": "OVERRIDING_NOT_SET",
        }
        yield from row_changes.operations("InsertStmt", filling, place, made.after(catalog))


def altered(node: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """An ALTER TABLE of such a table, as a whole."""
    becomes = table
    for item in node["cmds"]:
        becomes = _altered(item["AlterTableCmd"], becomes, place, catalog)
    text = {**node, "relation": {**node["relation"], "schemaname": table.name.schema}}
    pointing = tuple(
        key
        for key in becomes.foreign_keys
        if key not in table.constraints and key.referenced not in (None, table.name)
    )
    yield ChangeNewRelation(
        place=place,
        becomes=becomes,
        title=f"alter {table.name}",
        sql=tree.statement_text("AlterTableStmt", text),
        mode=_strongest([item["AlterTableCmd"] for item in node["cmds"]]),
        pointing=pointing,
        may_rewrite=any(item["AlterTableCmd"]["subtype"] in _REWRITING for item in node["cmds"]),
    )


def _strongest(commands: list[Node]) -> LockMode:
    """What a part of ALTER TABLE needs, the strongest of all."""
    if any(not _is_foreign_key(command) for command in commands):
        return LockMode.ACCESS_EXCLUSIVE
    return LockMode.SHARE_ROW_EXCLUSIVE


def _is_foreign_key(command: Node) -> bool:
    part = command.get("def", {}).get("Constraint", {})
    return bool(command["subtype"] == "AT_AddConstraint" and part.get("contype") == "CONSTR_FOREIGN")


def _altered(command: Node, table: Table, place: Place, catalog: Catalog) -> Table:
    match command["subtype"]:
        case "AT_AddColumn":
            definition = command["def"]["ColumnDef"]
            parts = inline.constraints(definition)
            more = constraints_of(
                parts, table.name, (definition["colname"],), catalog, list(table.constraints)
            )
            return replace(
                table,
                columns=(*table.columns, column_of(definition, parts)),
                constraints=(*table.constraints, *more),
            )
        case "AT_AddConstraint":
            part = command["def"]["Constraint"]
            if part.get("indexname"):
                return table
            own = strings(part.get("keys", []) or part.get("fk_attrs", []))
            more = constraints_of([part], table.name, own, catalog, list(table.constraints))
            return replace(table, constraints=(*table.constraints, *more))
        case "AT_DropConstraint":
            left = tuple(each for each in table.constraints if each.name != command["name"])
            return replace(table, constraints=left)
        case "AT_DropColumn":
            left_columns = tuple(each for each in table.columns if each.name != command["name"])
            return replace(table, columns=left_columns)
        case (
            "AT_SetNotNull" | "AT_DropNotNull" | "AT_ColumnDefault" | "AT_AlterColumnType" | "AT_AddIdentity"
        ):
            return table
        case subtype:
            raise refused(
                place,
                f"ALTER TABLE {table.name}: {subtype.removeprefix('AT_')} is not modelled yet.",
                "Take it out of this script, or run it by hand.",
            )
