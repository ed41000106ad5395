"""What a hazard is judged by: a statement, what the script did before it, and a catalog if there is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.hazards.hanging import Hanging
from workorders.migration.hazards.past import Past
from workorders.migration.names import RelationName
from workorders.migration.operations import family
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, RawStatement


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A table that was there before the script."""

    #: As the script names it, or schema-qualified where a catalog tells.
    name: str
    #: The bare name in the script.
    relname: str
    #: None without a catalog.
    table: Table | None = None
    #: What inherits from it, of which most statements do the same.
    heirs: tuple[Table, ...] = ()

    def __str__(self) -> str:
        size_bytes = sum(each.size_bytes for each in (self.table, *self.heirs) if each is not None)
        if not size_bytes:
            return self.name
        with_heirs = f" with the {len(self.heirs)} that inherit from it" if len(self.heirs) > 1 else ""
        with_heirs = f" with {self.heirs[0].name}" if len(self.heirs) == 1 else with_heirs
        return f"{self.name} ({_size(size_bytes)}{with_heirs})"

    @property
    def if_filled(self) -> str:
        """The condition that only a database could have told."""
        return ", if it holds rows" if self.table is None else ""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of an ALTER TABLE, on a table that was there before."""

    subject: Subject
    #: Without `AT_`.
    kind: str
    node: Node

    @property
    def column(self) -> str:
        """The column, or constraint, that it names."""
        return str(self.node.get("name", ""))

    @property
    def definition(self) -> Node:
        """A ColumnDef, Constraint or the like; empty for none."""
        inner = self.node.get("def", {})
        for key in ("ColumnDef", "Constraint", "PartitionCmd", "ATAlterConstraint"):
            if key in inner:
                found: Node = inner[key]
                return found
        return {}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A statement where it stands."""

    raw: RawStatement
    past: Past
    #: The statements after it.
    following: tuple[RawStatement, ...] = ()
    catalog: Catalog | None = None
    #: Tables that hold no row, as far as anybody looked.
    empty: frozenset[RelationName] = field(default_factory=frozenset)
    #: What hangs on functions, types and sequences, by bare name; None where nobody has asked.
    hanging: Mapping[str, tuple[Hanging, ...]] | None = None

    @property
    def node(self) -> Node:
        """The statement's fields."""
        return self.raw.node

    def old(self, relation: Node) -> Subject | None:
        """The table, if it was there before the script."""
        schema, name = relation.get("schemaname", ""), relation["relname"]
        if relation.get("relpersistence") == "t" or self.past.has_made(schema, name):
            return None
        if self.catalog is None:
            return Subject(name=f"{schema}.{name}" if schema else name, relname=name)
        table = self.catalog.find(schema or None, self.past.table_before(name))
        if table is None:
            return None
        return Subject(
            name=str(table.name), relname=name, table=table, heirs=family.heirs(self.catalog, table.name)
        )

    def filled(self, relation: Node) -> Subject | None:
        """The same, unless it is known to hold no row."""
        found = self.old(relation)
        if found is None or (found.table is not None and found.table.name in self.empty):
            return None
        return found

    def commands(self, *kinds: str, even_empty: bool = False) -> Iterator[Command]:
        """The commands of an ALTER TABLE of these kinds, without `AT_`."""
        if self.raw.kind != "AlterTableStmt" or self.node.get("objtype") not in _TABLES:
            return
        subject = (self.old if even_empty else self.filled)(self.node["relation"])
        if subject is None:
            return
        for item in self.node.get("cmds", []):
            command = item["AlterTableCmd"]
            kind = command["subtype"].removeprefix("AT_")
            if kind in kinds:
                yield Command(subject=subject, kind=kind, node=command)

    def column(self, subject: Subject, name: str) -> Column | None:
        """The column as the catalog has it, under the name that it had before the script."""
        if subject.table is None:
            return None
        return subject.table.column(self.past.column_before(subject.relname, name))

    def is_new_column(self, subject: Subject, column: str) -> bool:
        """Whether the script itself has added it."""
        return self.past.has_added(subject.relname, column)

    def volatile_call(self, expression: Node) -> str:
        """The name of a function in it that gives another value for every row; "" for none that is known."""
        for name in tree.functions_in(expression):
            volatile = self.past.functions.get(name)
            if volatile is None and self.catalog is not None:
                volatile = name in self.catalog.volatile_functions
            if volatile or (volatile is None and name in VOLATILE):
                return name
        return ""

    def is_constrained_domain(self, type_name: Node) -> bool:
        """Whether a type is a domain that does not take every value."""
        name = tree.strings(type_name["names"])[-1]
        known = self.past.domains.get(name)
        if known is not None or self.catalog is None:
            return bool(known)
        return name in self.catalog.constrained_domains


_TABLES = ("OBJECT_TABLE", "OBJECT_MATVIEW")

#: Functions of the server, and of the extensions that make keys, whose every call gives another value.
VOLATILE = frozenset(
    {
        *("random", "random_normal", "gen_random_uuid", "uuidv4", "uuidv7", "clock_timestamp", "timeofday"),
        *("nextval", "setval", "currval", "lastval"),
        *("uuid_generate_v1", "uuid_generate_v1mc", "uuid_generate_v4", "gen_random_bytes", "gen_salt"),
    }
)


def listed(nodes: list[Node]) -> Iterator[Node]:
    """The relations of a list such as that of TRUNCATE."""
    yield from (node["RangeVar"] for node in nodes if "RangeVar" in node)


def dropped(node: Node) -> Iterator[Node]:
    """The relations that a DROP names."""
    for item in node.get("objects", []):
        names = tree.strings(item["List"]["items"]) if "List" in item else ()
        if names:
            yield {"relname": names[-1]} | ({"schemaname": names[-2]} if names[1:] else {})


def constraints(column: Node, *kinds: str) -> Iterator[Node]:
    """A column definition's own constraints of these kinds, without `CONSTR_`."""
    for item in column.get("constraints", []):
        if item["Constraint"]["contype"].removeprefix("CONSTR_") in kinds:
            yield item["Constraint"]


def has_option(options: list[Node], name: str) -> bool:
    """Whether an option such as CONCURRENTLY is given and not switched off."""
    for item in options:
        option = item["DefElem"]
        if option["defname"] == name:
            argument = option.get("arg", {})
            said = argument.get("String", {}).get("sval", argument.get("Integer", {}).get("ival", 1))
            return str(said).lower() not in ("off", "false", "0")
    return False


def _size(size_bytes: int) -> str:
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"
