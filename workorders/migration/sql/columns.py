"""ADD COLUMN into operations: the column, then each of its constraints on its own path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.names import RelationName, chosen
from workorders.migration.operations.add_column import AddColumn
from workorders.migration.operations.add_identity import AddIdentity
from workorders.migration.operations.fill_column import FillColumn, next_number
from workorders.migration.operations.operation import Operation, Place, refused
from workorders.migration.operations.set_not_null import SetNotNull
from workorders.migration.sql import constraints, inline, tree
from workorders.migration.sql.tree import Node, strings

#: The server's words for columns with a sequence of their own, and the type that each has.
_SERIALS = {
    "serial": "int4", "serial4": "int4", "bigserial": "int8", "serial8": "int8", "smallserial": "int2",
    "serial2": "int2",
}  # fmt: skip
_TYPES = {"int2": "smallint", "int4": "integer", "int8": "bigint"}

#: What ALTER TABLE does with the table, rather than with the column.
_OWN_PATHS = {"CONSTR_CHECK", "CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_FOREIGN"}


def added(command: Node, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The operations of an ADD COLUMN. Raises Refused for what is not modelled."""
    definition = command["def"]["ColumnDef"]
    name = definition["colname"]
    if table.column(name) is not None:
        if command.get("missing_ok"):
            return
        raise refused(
            place,
            f"{table.name} already has a column {name}.",
            "Write ADD COLUMN IF NOT EXISTS.",
            sqlstate="42701",
        )
    wanted = _Wanted.of(definition, table.name)
    for operation in _column(wanted, table, place, catalog):
        yield operation
        catalog = operation.after(catalog)
    for constraint in wanted.apart:
        for operation in constraints.added(constraint, catalog.tables[table.name], place, catalog):
            yield operation
            catalog = operation.after(catalog)


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A ColumnDef, taken apart."""

    definition: Node
    table: RelationName
    #: By `contype`, those that are part of the column itself.
    own: dict[str, Node]
    #: Those that are constraints of the table, with the column written out.
    apart: tuple[Node, ...]

    @classmethod
    def of(cls, definition: Node, table: RelationName) -> _Wanted:
        merged = inline.constraints(definition)
        column = [{"String": {"sval": definition["colname"]}}]
        for constraint in merged:
            if constraint["contype"] in ("CONSTR_UNIQUE", "CONSTR_PRIMARY"):
                constraint["keys"] = column
            elif constraint["contype"] == "CONSTR_FOREIGN":
                constraint["fk_attrs"] = column
        return cls(
            definition=definition,
            table=table,
            own={each["contype"]: each for each in merged if each["contype"] not in _OWN_PATHS},
            apart=tuple(each for each in merged if each["contype"] in _OWN_PATHS),
        )

    @property
    def name(self) -> str:
        return str(self.definition["colname"])

    @property
    def serial(self) -> str:
        """The type behind a serial; "" for any other column."""
        words = strings(self.definition["typeName"].get("names", []))
        return _SERIALS.get(words[0], "") if len(words) == 1 else ""

    @property
    def type(self) -> str:
        return _TYPES[self.serial] if self.serial else tree.type_text(self.definition["typeName"])

    @property
    def is_not_null(self) -> bool:
        return bool(self.serial) or bool({"CONSTR_NOTNULL", "CONSTR_IDENTITY"} & set(self.own))

    @property
    def not_null_name(self) -> str | None:
        """As the script names it."""
        return self.own.get("CONSTR_NOTNULL", {}).get("conname")

    @property
    def default(self) -> str | None:
        found = self.own.get("CONSTR_DEFAULT")
        return None if found is None else tree.expression_text(found["raw_expr"])

    @property
    def generated(self) -> str:
        return str(self.own.get("CONSTR_GENERATED", {}).get("generated_kind", ""))

    def sql(self, *kinds: str) -> str:
        """The column as SQL with those of its own constraints."""
        kept = [{"Constraint": self.own[kind]} for kind in self.own if kind in kinds]
        column: Node = {**self.definition, "constraints": kept}
        if self.serial:
            names = [{"String": {"sval": word}} for word in ("pg_catalog", self.serial)]
            column["typeName"] = {"names": names, "typemod": -1}
        wrapper: Node = {
            "relation": {"relname": "t", "inh": True, "relpersistence": "p"},
            "cmds": [
                {
                    "AlterTableCmd": {
                        "subtype": "AT_AddColumn",
                        "def": {"ColumnDef": column},
                        "behavior": "DROP_RESTRICT",
                    }
                }
            ],
            "objtype": "OBJECT_TABLE",
        }
        text = tree.statement_text("AlterTableStmt", wrapper)
        return text.removeprefix("ALTER TABLE t ADD COLUMN").strip()


def _column(wanted: _Wanted, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    """The column itself, NOT NULL and identity included."""
    expression = wanted.own.get("CONSTR_DEFAULT", {})
    is_volatile = bool(catalog.volatile(tree.functions_in(expression)))
    if wanted.serial or "CONSTR_IDENTITY" in wanted.own or (is_volatile and not table.is_new):
        yield from _filled(wanted, table, place, catalog)
        return
    column = Column(
        name=wanted.name,
        type=wanted.type,
        not_null=wanted.is_not_null,
        not_null_name=wanted.not_null_name,
        default=wanted.default,
        generated=wanted.generated,
    )
    why = ""
    if wanted.generated == "s":
        why = "it is generated and STORED"
    elif is_volatile:
        why = "its default is volatile"
    elif strings(wanted.definition["typeName"].get("names", []))[-1] in catalog.constrained_domains:
        why = f"{wanted.type} is a domain with constraints"
    kinds = ("CONSTR_DEFAULT", "CONSTR_NOTNULL", "CONSTR_NULL", "CONSTR_GENERATED")
    yield AddColumn(
        place=place, table=table.name, column=column, definition=wanted.sql(*kinds), rewrites_because=why
    )


def _filled(wanted: _Wanted, table: Table, place: Place, catalog: Catalog) -> Iterator[Operation]:
    identity = wanted.own.get("CONSTR_IDENTITY")
    options = "" if identity is None else _sequence_options(identity, table.name, place)
    default, owned = wanted.default, None
    if wanted.serial:
        taken = catalog.relation_names.get(table.name.schema, frozenset())
        name = chosen(table.name.name, wanted.name, "seq", taken)
        owned = RelationName(schema=table.name.schema, name=name)
        default = next_number(owned)
    yield FillColumn(
        place=place,
        table=table.name,
        column=Column(name=wanted.name, type=wanted.type, default=default),
        definition=wanted.sql(),
        owned=owned,
        lends=None if identity is None else options,
    )
    if wanted.is_not_null:
        yield SetNotNull(place=place, table=table.name, column=wanted.name, constraint=wanted.not_null_name)
    if identity is not None:
        yield AddIdentity(
            place=place,
            table=table.name,
            column=wanted.name,
            identity=identity["generated_when"],
            options=f"({options})" if options else "",
            continues=True,
        )


def identity_added(command: Node, table: Table, place: Place) -> AddIdentity:
    """ALTER COLUMN ... ADD GENERATED AS IDENTITY."""
    constraint = command["def"]["Constraint"]
    options = _sequence_options(constraint, table.name, place)
    return AddIdentity(
        place=place,
        table=table.name,
        column=command["name"],
        identity=constraint["generated_when"],
        options=f"({options})" if options else "",
    )


def _sequence_options(constraint: Node, table: RelationName, place: Place) -> str:
    """An identity's options as CREATE SEQUENCE writes them, a type left out: the column has it."""
    items = [item for item in constraint.get("options", []) if item["DefElem"]["defname"] != "as"]
    if any(item["DefElem"]["defname"] in ("sequence_name", "owned_by") for item in items):
        raise refused(place, f"An identity of {table} names its sequence itself.", "Leave SEQUENCE NAME out.")
    if not items:
        return ""
    sequence: Node = {"relname": "s", "inh": True, "relpersistence": "p"}
    text = tree.statement_text("CreateSeqStmt", {"sequence": sequence, "options": items})
    return text.removeprefix("CREATE SEQUENCE s").strip()
