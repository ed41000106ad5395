"""Foreign keys, primary keys, unique and exclusion constraints of a script, into operations."""

from __future__ import annotations

from collections.abc import Iterator

from workorders.migration.catalog.snapshot import Catalog, Constraint, Index, Table
from workorders.migration.names import RelationName, chosen, index_columns_part, quoted
from workorders.migration.operations.add_foreign_key import AddForeignKey, has_index_for, list_of
from workorders.migration.operations.add_key import AddKey
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.set_not_null import SetNotNull
from workorders.migration.operations.use_index import UseIndex
from workorders.migration.sql import index_forms, tree
from workorders.migration.sql.tree import Node, strings

#: How a foreign key's actions are kept in the catalog, and how they are written.
_ACTIONS = {"a": "", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def foreign_key(node: Node, table: Table, place: Place, catalog: Catalog) -> AddForeignKey:
    """A foreign key that points where the server would let it point. Raises Refused else."""
    columns = strings(node["fk_attrs"])
    must_have(table, (*columns, *strings(node.get("fk_del_set_cols", []))), place)
    pointed_at = node["pktable"]
    referenced = catalog.find(pointed_at.get("schemaname"), pointed_at["relname"])
    if referenced is None:
        raise refused(
            place,
            f"There is no table {pointed_at['relname']}.",
            "Check its name and its schema.",
            sqlstate="42P01",
        )
    theirs = strings(node.get("pk_attrs", [])) or referenced.key
    must_have(referenced, theirs, place)
    if not theirs:
        raise refused(
            place,
            f"{referenced.name} has no primary key, and the foreign key names no columns of it.",
            "Name columns that have a unique constraint.",
        )
    if len(theirs) != len(columns):
        raise refused(
            place,
            f"The foreign key has {len(columns)} columns of {table.name} for {len(theirs)} of"
            f" {referenced.name}.",
            "Name as many on both sides.",
        )
    if node.get("fk_with_period") and not table.is_new:
        raise refused(
            place,
            f"A foreign key over periods of {table.name} would be looked up row by row under a lock, and its"
            " rows cannot be told beforehand.",
            "Add it in the script that creates the table, or by hand, in a window.",
        )
    names = constraint_names(catalog, table)
    name = node.get("conname") or chosen(table.name.name, index_columns_part(columns), "fkey", names)
    must_be_free(table, name, place)
    constraint = foreign_key_of(node, name, columns, referenced)
    if constraint.referenced_index is None and not node.get("fk_with_period"):
        raise refused(
            place,
            f"No unique constraint of {referenced.name} is over ({', '.join(theirs)}): a foreign key cannot"
            " point there.",
            f"ALTER TABLE {referenced.name.sql} ADD UNIQUE ({list_of(theirs)}); first.",
        )
    return AddForeignKey(
        place=place,
        table=table.name,
        constraint=constraint,
        referenced=referenced.name,
        is_indexed=has_index_for(table, columns),
    )


def foreign_key_of(node: Node, name: str, columns: tuple[str, ...], referenced: Table) -> Constraint:
    """The foreign key as the catalog will have it, with its definition as the server writes it."""
    theirs = strings(node.get("pk_attrs", [])) or referenced.key
    is_full = node.get("fk_matchtype") == "f"
    on_delete, on_update = node.get("fk_del_action", "a"), node.get("fk_upd_action", "a")
    own, far = list_of(columns), list_of(theirs)
    if node.get("fk_with_period"):
        own, far = (f"{list_of(part[:-1])}, PERIOD {quoted(part[-1])}" for part in (columns, theirs))
    definition = f"FOREIGN KEY ({own}) REFERENCES {referenced.name.sql}({far})"
    definition += " MATCH FULL" if is_full else ""
    definition += f" ON UPDATE {_ACTIONS[on_update]}" if on_update != "a" else ""
    definition += f" ON DELETE {_ACTIONS[on_delete]}" if on_delete != "a" else ""
    emptied = strings(node.get("fk_del_set_cols", []))
    definition += f" ({list_of(emptied)})" if emptied else ""
    is_enforced = bool(node.get("is_enforced"))
    return Constraint(
        name=name,
        kind="f",
        definition=definition + _deferral(node),
        columns=columns,
        is_validated=is_enforced and not node.get("skip_validation"),
        is_enforced=is_enforced,
        is_deferrable=bool(node.get("deferrable")),
        is_initially_deferred=bool(node.get("initdeferred")),
        is_match_full=is_full,
        referenced=referenced.name,
        referenced_columns=theirs,
        referenced_index=None if node.get("fk_with_period") else _unique_index(referenced, theirs),
        on_delete=on_delete,
        on_update=on_update,
    )


def key(node: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """A primary key, unique or exclusion constraint; what a primary key demands of its columns first."""
    is_primary = node["contype"] == "CONSTR_PRIMARY"
    if is_primary and table.key:
        raise refused(place, f"{table.name} already has a primary key.", "Drop that first.", sqlstate="42P16")
    if node.get("indexname"):
        found = _using_index(node, table, place)
        columns = found.constraint.columns
        operation: Operation = found
    else:
        made = _built(node, table, place, catalog)
        columns = made.constraint.columns
        operation = made
    if is_primary and not (table.is_new and isinstance(operation, AddKey)):
        yield from _demanded(table, columns, place)
    yield operation


def _demanded(table: Table, columns: tuple[str, ...], place: Place) -> Iterator[Operation]:
    for name in columns:
        column = table.column(name)
        if column is None or not column.not_null:
            yield SetNotNull(place=place, table=table.name, column=name)
        elif not column.is_not_null_validated:
            raise refused(
                place,
                f"{column.not_null_name} of {table.name} is NOT VALID, so that {name} cannot be in a primary"
                " key.",
                f"ALTER TABLE {table.name.sql} VALIDATE CONSTRAINT {quoted(column.not_null_name or '')};"
                " first.",
            )


def _built(node: Node, table: Table, place: Place, catalog: Catalog) -> AddKey:
    kind = {"CONSTR_PRIMARY": "p", "CONSTR_UNIQUE": "u", "CONSTR_EXCLUSION": "x"}[node["contype"]]
    elements = [item["List"]["items"][0]["IndexElem"] for item in node.get("exclusions", [])]
    columns = strings(node.get("keys", [])) or tuple(element.get("name", "") for element in elements)
    included = strings(node.get("including", []))
    must_have(table, tuple(column for column in (*columns, *included) if column), place)
    name = node.get("conname")
    taken = constraint_names(catalog, table) | catalog.relation_names.get(table.name.schema, frozenset())
    if name is None:
        named = [index_forms.name_part(element) for element in elements] or columns
        part = index_columns_part([*named, *included])
        first = table.name.name
        name = (
            chosen(first, None, "pkey", taken)
            if kind == "p"
            else chosen(first, part, "key" if kind == "u" else "excl", taken)
        )
    must_be_free(table, name, place)
    if name in catalog.relation_names.get(table.name.schema, frozenset()):
        raise refused(
            place,
            f"There is already a relation {table.name.schema}.{name}.",
            "Choose another name.",
            sqlstate="42P07",
        )
    has_online_form = kind != "x" and not node.get("without_overlaps")
    build = _build(node, name, table.name, columns, included) if has_online_form else ""
    return AddKey(
        place=place,
        table=table.name,
        constraint=_key_of(node, kind, name, columns, included),
        index=Index(
            name=name,
            definition=build.replace(" CONCURRENTLY", "", 1),
            columns=tuple(dict.fromkeys(column for column in (*columns, *included) if column)),
            key_columns=columns,
            is_unique=kind != "x",
            is_primary=kind == "p",
            constraint=name,
            method="btree" if has_online_form else "gist",
        ),
        build=build,
        plain=_plain(node, name),
    )


def _key_of(
    node: Node, kind: str, name: str, columns: tuple[str, ...], included: tuple[str, ...]
) -> Constraint:
    if kind == "x" or node.get("without_overlaps"):
        definition = _plain(node, name).removeprefix(f"CONSTRAINT {quoted(name)} ")
        definition = definition.removeprefix(f"CONSTRAINT {name} ")
    else:
        words = {"p": "PRIMARY KEY", "u": "UNIQUE"}[kind]
        words += " NULLS NOT DISTINCT" if node.get("nulls_not_distinct") else ""
        definition = f"{words} ({list_of(columns)})" + (f" INCLUDE ({list_of(included)})" if included else "")
        definition += _deferral(node)
    return Constraint(
        name=name,
        kind=kind,
        definition=definition,
        columns=columns,
        is_deferrable=bool(node.get("deferrable")),
        is_initially_deferred=bool(node.get("initdeferred")),
        index=name,
    )


def _build(
    node: Node, name: str, table: RelationName, columns: tuple[str, ...], included: tuple[str, ...]
) -> str:
    """The index that the server would build, concurrently."""

    def elements(names: tuple[str, ...]) -> list[Node]:
        order = {"ordering": "SORTBY_DEFAULT", "nulls_ordering": "SORTBY_NULLS_DEFAULT"}
        return [{"IndexElem": {"name": each, **order}} for each in names]

    statement: Node = {
        "idxname": name,
        "relation": {"schemaname": table.schema, "relname": table.name, "inh": True, "relpersistence": "p"},
        "accessMethod": "btree",
        "indexParams": elements(columns),
        "unique": True,
        "concurrent": True,
    }
    if included:
        statement["indexIncludingParams"] = elements(included)
    if node.get("nulls_not_distinct"):
        statement["nulls_not_distinct"] = True
    if node.get("options"):
        statement["options"] = node["options"]
    if node.get("indexspace"):
        statement["tableSpace"] = node["indexspace"]
    return tree.statement_text("IndexStmt", statement)


def _plain(node: Node, name: str) -> str:
    """The constraint as the script has it, under the name that the server would choose."""
    statement: Node = {
        "relation": {"relname": "t", "inh": True, "relpersistence": "p"},
        "cmds": [
            {
                "AlterTableCmd": {
                    "subtype": "AT_AddConstraint",
                    "def": {"Constraint": {**node, "conname": name}},
                    "behavior": "DROP_RESTRICT",
                }
            }
        ],
        "objtype": "OBJECT_TABLE",
    }
    return tree.statement_text("AlterTableStmt", statement).removeprefix("ALTER TABLE t ADD ")


def _using_index(node: Node, table: Table, place: Place) -> UseIndex:
    name = node["indexname"]
    index = next((index for index in table.indexes if index.name == name), None)
    if index is None:
        raise refused(place, f"{table.name} has no index {name}.", "Check its name.", sqlstate="42704")
    (statement,) = tree.statements(index.definition)
    is_fit = index.is_unique and index.is_valid and index.constraint is None and all(index.key_columns)
    if not is_fit or "whereClause" in statement.node or index.method != "btree":
        raise refused(
            place,
            f"{name} of {table.name} is not a unique, valid index over whole columns and all rows without a"
            " constraint, as USING INDEX demands.",
            "CREATE UNIQUE INDEX CONCURRENTLY one that is.",
        )
    kind = "p" if node["contype"] == "CONSTR_PRIMARY" else "u"
    constraint = node.get("conname") or name
    must_be_free(table, constraint, place)
    words = "PRIMARY KEY" if kind == "p" else "UNIQUE"
    words += " NULLS NOT DISTINCT" if statement.node.get("nulls_not_distinct") else ""
    return UseIndex(
        place=place,
        table=table.name,
        constraint=Constraint(
            name=constraint,
            kind=kind,
            definition=f"{words} ({list_of(index.key_columns)}){_deferral(node)}",
            columns=index.key_columns,
            is_deferrable=bool(node.get("deferrable")),
            is_initially_deferred=bool(node.get("initdeferred")),
            index=constraint,
        ),
        index=index,
    )


def _unique_index(table: Table, columns: tuple[str, ...]) -> str | None:
    """The index that a foreign key to these columns would need; the primary key's before others."""
    candidates = [
        index
        for index in sorted(table.indexes, key=lambda index: not index.is_primary)
        if index.is_unique
        and index.is_valid
        and sorted(index.key_columns) == sorted(columns)
        and " WHERE " not in index.definition
    ]
    deferrable = {constraint.index for constraint in table.constraints if constraint.is_deferrable}
    for index in candidates:
        if index.name not in deferrable:
            return index.name
    # Of a table that the script creates, the constraints are known before their indexes.
    return next(
        (
            constraint.index
            for constraint in table.constraints
            if constraint.kind in "pu"
            and sorted(constraint.columns) == sorted(columns)
            and not constraint.is_deferrable
        ),
        None,
    )


def _deferral(node: Node) -> str:
    return (" DEFERRABLE" if node.get("deferrable") else "") + (
        " INITIALLY DEFERRED" if node.get("initdeferred") else ""
    )


def constraint_names(catalog: Catalog, table: Table) -> frozenset[str]:
    """The constraints' names that are taken in the table's schema."""
    return catalog.constraint_names.get(table.name.schema, frozenset())


def must_have(table: Table, columns: tuple[str, ...], place: Place) -> None:
    """Raises Refused for a column that the table does not have."""
    for column in columns:
        if table.column(column) is None:
            raise refused(place, f"{table.name} has no column {column}.", "Check its name.", sqlstate="42703")


def must_be_free(table: Table, name: str, place: Place) -> None:
    """Raises Refused where the table has a constraint of that name."""
    if table.constraint(name) is not None or any(column.not_null_name == name for column in table.columns):
        raise refused(
            place, f"{table.name} already has a constraint {name}.", "Choose another name.", sqlstate="42710"
        )
