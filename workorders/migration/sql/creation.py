"""CREATE INDEX and CREATE TABLE into operations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Index, Table
from workorders.migration.locks import LockMode
from workorders.migration.names import RelationName, chosen, index_columns_part, is_ours, quoted
from workorders.migration.operations.create_index import CreateIndex
from workorders.migration.operations.create_table import CreateTable
from workorders.migration.operations.new_relation import ChangeNewRelation
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.sql import heirs, index_forms, inline, keys, partitions, tree
from workorders.migration.sql.relations import qualified
from workorders.migration.sql.tree import Node, strings

#: Of a LIKE: `CREATE_TABLE_LIKE_CONSTRAINTS` in the server's parsenodes.h.
_INCLUDING_CONSTRAINTS = 1 << 2


def create_index(node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The index with the name that the server would choose where the script gives none."""
    relation = node["relation"]
    table = catalog.find(relation.get("schemaname"), relation["relname"])
    if table is None:
        raise refused(
            place,
            f"There is no table {relation['relname']}.",
            "Check its name and its schema.",
            sqlstate="42P01",
        )
    elements = [item["IndexElem"] for item in node.get("indexParams", [])]
    included = tuple(item["IndexElem"]["name"] for item in node.get("indexIncludingParams", []))
    key_columns = tuple(key.get("name", "") for key in elements)
    read = [
        *key_columns,
        *included,
        *tree.columns_in(elements),
        *tree.columns_in(node.get("whereClause", {})),
    ]
    columns = tuple(dict.fromkeys(column for column in read if column))
    for column in columns:
        # Of a view that the script makes, only the server knows the columns.
        if table.column(column) is None and not (table.kind == "m" and table.is_new) and not table.is_unread:
            raise refused(place, f"{table.name} has no column {column}.", "Check its name.", sqlstate="42703")
    taken = catalog.relation_names.get(table.name.schema, frozenset())
    name = node.get("idxname")
    if name is None:
        part = index_columns_part([*(index_forms.name_part(key) for key in elements), *included])
        name = chosen(table.name.name, part, "idx", taken)
    elif name in taken:
        if node.get("if_not_exists") and not any(
            index.name == name and not index.is_valid for index in table.indexes
        ):
            return
        if node.get("if_not_exists"):
            raise refused(
                place,
                f"The index {name} is there, but invalid: a build of it failed, and no query uses it.",
                f"DROP INDEX CONCURRENTLY {quoted(table.name.schema)}.{quoted(name)}; first.",
            )
        raise refused(place, f"There is already a relation {name}.", "Choose another name.", sqlstate="42P07")
    if table.is_unread:
        yield new_index(node, table, name, place)
        return
    built = {
        **{key: value for key, value in node.items() if key != "if_not_exists"},
        "idxname": name,
        "concurrent": True,
        "relation": {**relation, "schemaname": table.name.schema},
    }
    sql = tree.statement_text("IndexStmt", built)
    predicate = node.get("whereClause")
    if table.kind == "p" and node.get("concurrent"):
        raise refused(
            place,
            f"{table.name} is partitioned, and CREATE INDEX CONCURRENTLY is not for those: the server refuses"
            " it.",
            "Leave CONCURRENTLY out: its partitions' indexes are built one by one, concurrently.",
        )
    yield CreateIndex(
        place=place,
        table=table.name,
        index=Index(
            name=name,
            definition=sql.replace(" CONCURRENTLY", "", 1),
            columns=columns,
            key_columns=key_columns,
            is_unique=bool(node.get("unique")),
        ),
        sql=sql,
        predicate=None if predicate is None else tree.expression_text(predicate),
        is_only=table.kind == "p" and not relation.get("inh"),
    )


def new_index(node: Node, table: Table, name: str, place: Place) -> ChangeNewRelation:
    """An index on what the script made from a query: nobody reads that yet, so it need not be concurrent."""
    index = RelationName(schema=table.name.schema, name=name)
    text = {
        **{key: value for key, value in node.items() if key not in ("if_not_exists", "concurrent")},
        "idxname": name,
        "relation": {**node["relation"], "schemaname": table.name.schema},
    }
    sql = tree.statement_text("IndexStmt", text)
    return ChangeNewRelation(
        place=place,
        becomes=replace(table, indexes=(*table.indexes, Index(name=name, definition=sql))),
        title=f"build index {index}",
        sql=sql,
        mode=LockMode.SHARE,
    )


def create_table(node: Node, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The table as it will be. What makes it more than an ordinary table is refused by name."""
    relation = node["relation"]
    if node.get("ofTypename"):
        raise refused(
            place, f"CREATE TABLE {relation['relname']}: OF a type is not modelled yet.", "Take it out."
        )
    name = free_name(relation, place, catalog, if_not_exists=bool(node.get("if_not_exists")))
    if name is None:
        return
    if node.get("partbound"):
        yield partitions.created(node, name, place, catalog)
        return
    text_node = {
        **{key: value for key, value in node.items() if key != "if_not_exists"},
        "relation": {**relation, "schemaname": name.schema},
    }
    parents = heirs.parents_of(node, place, catalog)
    if parents and is_ours(name.schema):
        raise refused(
            place,
            f"{name.name} is a temporary table that inherits from {parents[0].name}: its rows would be seen"
            " by everybody among that one's, for it would stand in a schema of the run's.",
            "Make it without INHERITS.",
        )
    if parents:
        text_node["inhRelations"] = [
            {"RangeVar": qualified(item["RangeVar"], parent.name)}
            for item, parent in zip(node["inhRelations"], parents, strict=True)
        ]
    yield CreateTable(
        place=place,
        created=heirs.merged(_table(node, name, place, catalog), parents, place, catalog),
        sql=tree.statement_text("CreateStmt", text_node),
    )


def free_name(relation: Node, place: Place, catalog: Catalog, *, if_not_exists: bool) -> RelationName | None:
    """Where a new table will be; None where it is there already and may be."""
    if relation.get("relpersistence", "p") == "t":
        raise refused(
            place,
            f"{relation['relname']} is a temporary table: each step has a session of its own.",
            "Use an ordinary table, and drop it by hand afterwards.",
        )
    schema = relation.get("schemaname") or next(iter(catalog.search_path), None)
    if schema is None or schema not in catalog.schemas:
        raise refused(
            place,
            f"There is no schema {schema or 'in the search path'}.",
            "CREATE SCHEMA first.",
            sqlstate="3F000",
        )
    name = RelationName(schema=schema, name=relation["relname"])
    if name.name in catalog.relation_names.get(schema, frozenset()):
        if if_not_exists:
            return None
        raise refused(place, f"There is already a relation {name}.", "Choose another name.", sqlstate="42P07")
    return name


def _table(node: Node, name: RelationName, place: Place, catalog: Catalog) -> Table:
    columns: list[Column] = []
    constraints: list[Constraint] = []
    for item in node.get("tableElts", []):
        if "ColumnDef" in item:
            definition = item["ColumnDef"]
            parts = inline.constraints(definition)
            columns.append(column_of(definition, parts))
            constraints += constraints_of(parts, name, (definition["colname"],), catalog, constraints)
        elif "Constraint" in item:
            own = strings(item["Constraint"].get("keys", []) or item["Constraint"].get("fk_attrs", []))
            constraints += constraints_of([item["Constraint"]], name, own, catalog, constraints)
        elif "TableLikeClause" in item:
            source = catalog.find(
                item["TableLikeClause"]["relation"].get("schemaname"),
                item["TableLikeClause"]["relation"]["relname"],
            )
            if source is None:
                raise refused(place, "LIKE names a table that is not there.", "Check its name.")
            columns += source.columns
            if item["TableLikeClause"].get("options", 0) & _INCLUDING_CONSTRAINTS:
                constraints += [
                    replace(each, is_inherited=False, is_local=True, is_validated=True, comment=None)
                    for each in source.constraints
                    if each.kind == "c"
                ]
    key = next((c.columns for c in constraints if c.kind == "p"), ())
    columns = [
        Column(
            name=column.name,
            type=column.type,
            not_null=column.not_null or column.name in key,
            default=column.default,
            identity=column.identity,
            generated=column.generated,
        )
        for column in columns
    ]
    spec = node.get("partspec")
    return Table(
        name=name,
        kind="r" if spec is None else "p",
        partition_key=None if spec is None else partitions.key_text(spec),
        columns=tuple(columns),
        constraints=tuple(constraints),
        is_new=True,
    )


def column_of(definition: Node, parts: list[Node]) -> Column:
    """A new column, as far as its definition tells."""
    kinds = {part["contype"]: part for part in parts}
    default = kinds.get("CONSTR_DEFAULT")
    type_name = strings(definition["typeName"].get("names", []))[-1]
    serial = {"serial": "integer", "bigserial": "bigint", "smallserial": "smallint"}.get(type_name)
    return Column(
        name=definition["colname"],
        type=serial or tree.type_text(definition["typeName"]),
        not_null="CONSTR_NOTNULL" in kinds or "CONSTR_IDENTITY" in kinds or serial is not None,
        default=None if default is None else tree.expression_text(default["raw_expr"]),
        identity="d" if "CONSTR_IDENTITY" in kinds else "",
        generated="s" if "CONSTR_GENERATED" in kinds else "",
    )


def constraints_of(
    parts: list[Node],
    table: RelationName,
    own: tuple[str, ...],
    catalog: Catalog,
    earlier: list[Constraint],
) -> list[Constraint]:
    """The constraints that a table's or a column's definition makes, named as the server names them."""
    made: list[Constraint] = []
    taken = set(catalog.constraint_names.get(table.schema, frozenset()))
    for part in parts:
        taken |= {constraint.name for constraint in (*earlier, *made)}
        columns = "_".join(own) or None
        match part["contype"]:
            case "CONSTR_PRIMARY":
                kind, name = "p", chosen(table.name, None, "pkey", taken)
            case "CONSTR_UNIQUE":
                kind, name = "u", chosen(table.name, columns, "key", taken)
            case "CONSTR_FOREIGN":
                kind, name = "f", chosen(table.name, columns, "fkey", taken)
            case "CONSTR_CHECK":
                own = tree.columns_in(part["raw_expr"])
                kind = "c"
                name = chosen(table.name, own[0] if len(own) == 1 else None, "check", taken)
            case _:
                continue
        itself = Table(name=table, constraints=(*earlier, *made))
        made.append(_constraint(part, kind, part.get("conname") or name, own, itself, catalog))
    return made


def _constraint(
    part: Node, kind: str, name: str, own: tuple[str, ...], itself: Table, catalog: Catalog
) -> Constraint:
    if kind == "f":
        pointed_at = part["pktable"]
        table = catalog.find(pointed_at.get("schemaname"), pointed_at["relname"])
        is_named_so = pointed_at["relname"] == itself.name.name
        if is_named_so and pointed_at.get("schemaname", itself.name.schema) == itself.name.schema:
            table = itself
        if table is not None:
            made = keys.foreign_key_of(part, name, own, table)
            return replace(made, is_validated=made.is_enforced)
    definition = f"CHECK ({tree.expression_text(part['raw_expr'])})" if kind == "c" else ""
    return Constraint(
        name=name,
        kind=kind,
        definition=definition,
        columns=own,
        index=name if kind in "pu" else None,
        is_deferrable=bool(part.get("deferrable")),
        is_initially_deferred=bool(part.get("initdeferred")),
    )
