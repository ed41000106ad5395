"""What a script has done so far, as far as it changes what its next statement does."""

from __future__ import annotations

from dataclasses import dataclass, replace

from workorders.migration.catalog import publications
from workorders.migration.catalog.extension_contents import EXTENSION_CONTENTS
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, RawStatement

#: Commands of ALTER TABLE under a lock that lets reads and writes through.
_MILD = frozenset(
    {
        *("ValidateConstraint", "AttachPartition", "SetStatistics", "SetRelOptions", "ResetRelOptions"),
        *("ClusterOn", "SetOptions", "ResetOptions"),
    }
)
#: `LockStmt.mode` of LOCK TABLE ... IN ACCESS EXCLUSIVE MODE, which is also what it takes without a mode.
EXCLUSIVE = 8
#: Commands under SHARE ROW EXCLUSIVE: writes wait, reads do not.
_HALF = frozenset(f"{what}Trig{which}" for what in ("Enable", "Disable") for which in ("", "All", "User"))


@dataclass(frozen=True, kw_only=True)
class Check:
    """A CHECK that the script has added."""

    table: str
    #: The column of which it says IS NOT NULL; "" for any other.
    not_null: str
    is_validated: bool


class Past:
    """Takes one statement after the other."""

    def __init__(self) -> None:
        self._tables: set[tuple[str, str]] = set()
        self._columns: set[tuple[str, str]] = set()
        #: New name -> the name before the script, of tables and of their columns.
        self._table_names: dict[str, str] = {}
        self._column_names: dict[tuple[str, str], str] = {}
        #: The statement that opened the transaction in which the next one is; None outside of one.
        self.opened: RawStatement | None = None
        #: Table -> the statement of this transaction that took ACCESS EXCLUSIVE on it.
        self.exclusive: dict[str, RawStatement] = {}
        #: Constraints added NOT VALID in this transaction: (table, name).
        self.not_valid: set[tuple[str, str]] = set()
        #: Labels added to enums in this transaction; enums made in it, and by the script at all.
        self.labels: dict[str, str] = {}
        self._new_types: set[str] = set()
        self._types: set[str] = set()
        #: Tables and views that the script has dropped.
        self.dropped_relations: set[str] = set()
        #: (table, trigger).
        self.dropped_triggers: set[tuple[str, str]] = set()
        #: By name: whether it is volatile; whether it takes not every value.
        self.functions: dict[str, bool] = {}
        self.domains: dict[str, bool] = {}
        self.checks: dict[tuple[str, str], Check] = {}
        #: Leading column and table of every index made by the script.
        self.indexed: set[tuple[str, str]] = set()
        self.dropped_indexes: set[str] = set()
        #: Columns and constraints that the script has dropped: (table, name).
        self.dropped_parts: set[tuple[str, str]] = set()
        #: The type, as a node, that the script has last given to a column: (table, column).
        self.types: dict[tuple[str, str], Node] = {}
        #: From one type to another that an extension of the script's brings: the value stays as it is.
        self.free_casts: set[tuple[str, str]] = set()
        #: Publications that the script has made or altered: whether they publish UPDATE or DELETE.
        self.publishing: dict[str, bool] = {}
        #: Tables into which the script has put what a query gives.
        self.filled: set[str] = set()
        #: Tables that the script has given a replica identity, or a primary key, which is one.
        self.identified: set[str] = set()
        self._index_names: set[str] = set()
        #: As last set, in small letters; "" where the script has not.
        self.time_zone = ""
        self.has_lock_timeout = False

    def has_made(self, schema: str, name: str) -> bool:
        """Whether the table is the script's own. A name without its schema fits any."""
        return any(
            (name == made and "" in (schema, of)) or (of, made) == (schema, name) for of, made in self._tables
        )

    def has_added(self, table: str, column: str) -> bool:
        """Whether the column is."""
        return (table, column) in self._columns

    def table_before(self, name: str) -> str:
        """The name that a table had before the script renamed it, if it did."""
        return self._table_names.get(name, name)

    def column_before(self, table: str, column: str) -> str:
        """The same for a column."""
        return self._column_names.get((table, column), column)

    def has_made_type(self, name: str) -> bool:
        """Whether the enum is the script's own."""
        return name in self._types

    def has_indexed(self, name: str) -> bool:
        """Whether the index is."""
        return name in self._index_names

    def proves_not_null(self, table: str, column: str) -> bool:
        """Whether a validated CHECK of the script's own says so."""
        return any(
            check.table == table and check.not_null == column and check.is_validated
            for check in self.checks.values()
        )

    def has_check(self, table: str) -> bool:
        """Whether it has a validated CHECK of the script's own."""
        return any(check.table == table and check.is_validated for check in self.checks.values())

    def take(self, raw: RawStatement) -> None:
        """The statement has been run."""
        node = raw.node
        match raw.kind:
            case "TransactionStmt":
                self._transaction(raw)
            case "CreateStmt" | "CreateForeignTableStmt":
                self._created(node.get("base", node) if raw.kind != "CreateStmt" else node)
            case "CreateTableAsStmt":
                into = node["into"]
                self._table(into["rel"])
                if not into.get("skipData"):
                    self.filled.add(into["rel"]["relname"])
            case "InsertStmt" if "valuesLists" not in node.get("selectStmt", {}).get("SelectStmt", {}):
                self.filled.add(node["relation"]["relname"])
            case "ViewStmt":
                self.dropped_relations.discard(node["view"]["relname"])
            case "IndexStmt":
                self._index(node["relation"]["relname"], node.get("indexParams", []))
                self._index_names.add(node.get("idxname", ""))
            case "DropStmt":
                self._dropped(raw)
            case "RenameStmt" if "relation" in node:
                self._renamed(raw)
            case "AlterTableStmt":
                self._altered(raw)
            case "TruncateStmt":
                for item in node["relations"]:
                    self._locked(item["RangeVar"], raw)
            case "LockStmt" if node["mode"] == EXCLUSIVE:
                for item in node["relations"]:
                    self._locked(item["RangeVar"], raw)
            case "AlterEnumStmt" if "oldVal" not in node and self.opened is not None:
                name = tree.strings(node["typeName"])[-1]
                if name not in self._new_types:
                    self.labels[node["newVal"]] = name
            case "CreateExtensionStmt" if node["extname"] in EXTENSION_CONTENTS:
                brought = EXTENSION_CONTENTS[node["extname"]]
                self.free_casts |= {(each, name) for each in brought.free for name in brought.types[:1]}
            case "CreatePublicationStmt" | "AlterPublicationStmt":
                given = publications.options(node)
                if raw.kind == "CreatePublicationStmt" or "publish" in given:
                    self.publishing[node["pubname"]] = publications.publishes_changes(given)
            case "CreateEnumStmt":
                self._types.add(tree.strings(node["typeName"])[-1])
                if self.opened is not None:
                    self._new_types.add(tree.strings(node["typeName"])[-1])
            case "CreateFunctionStmt":
                self._function(node)
            case "CreateDomainStmt":
                kinds = {item["Constraint"]["contype"] for item in node.get("constraints", [])}
                name = tree.strings(node["domainname"])[-1]
                self.domains[name] = bool(kinds & {"CONSTR_CHECK", "CONSTR_NOTNULL"})
            case "VariableSetStmt":
                self._set(node)

    def _transaction(self, raw: RawStatement) -> None:
        kind = raw.node.get("kind")
        if kind in ("TRANS_STMT_BEGIN", "TRANS_STMT_START"):
            self.opened = self.opened or raw
        elif kind in ("TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK"):
            self.opened = None
            self.exclusive, self.not_valid, self.labels, self._new_types = {}, set(), {}, set()

    def _table(self, relation: Node) -> None:
        self._tables.add((relation.get("schemaname", ""), relation["relname"]))
        self.dropped_relations.discard(relation["relname"])

    def _created(self, node: Node) -> None:
        self._table(node["relation"])
        name = node["relation"]["relname"]
        for element in node.get("tableElts", []):
            if "ColumnDef" in element:
                column = element["ColumnDef"]
                kinds = {item["Constraint"]["contype"] for item in column.get("constraints", [])}
                if kinds & {"CONSTR_PRIMARY", "CONSTR_UNIQUE"}:
                    self.indexed.add((name, column["colname"]))
            elif "Constraint" in element:
                self._constraint(name, element["Constraint"])

    def _constraint(self, table: str, constraint: Node) -> None:
        name = constraint.get("conname", "")
        is_validated = not constraint.get("skip_validation", False)
        if not is_validated and self.opened is not None:
            self.not_valid.add((table, name))
        match constraint["contype"]:
            case "CONSTR_PRIMARY" | "CONSTR_UNIQUE" if constraint.get("keys"):
                self.indexed.add((table, tree.strings(constraint["keys"])[0]))
            case "CONSTR_CHECK":
                test = constraint.get("raw_expr", {}).get("NullTest", {})
                is_not_null = test.get("nulltesttype") == "IS_NOT_NULL"
                columns = tree.columns_in(test) if is_not_null else ()
                self.checks[(table, name)] = Check(
                    table=table, not_null=columns[0] if columns else "", is_validated=is_validated
                )

    def _index(self, table: str, elements: list[Node]) -> None:
        first = elements[0]["IndexElem"] if elements else {}
        if "name" in first:
            self.indexed.add((table, first["name"]))

    def _dropped(self, raw: RawStatement) -> None:
        kind = raw.node["removeType"]
        if kind not in ("OBJECT_INDEX", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_TABLE", "OBJECT_TRIGGER"):
            return
        for item in raw.node["objects"]:
            names = tree.strings(item["List"]["items"])
            if kind == "OBJECT_INDEX":
                self.dropped_indexes.add(names[-1])
            elif kind == "OBJECT_TRIGGER":
                self.dropped_triggers.add((names[-2], names[-1]))
            elif kind == "OBJECT_TABLE":
                relation = {"relname": names[-1]} | ({"schemaname": names[-2]} if names[1:] else {})
                self._locked(relation, raw)
            if kind in ("OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_TABLE"):
                self.dropped_relations.add(names[-1])

    def _renamed(self, raw: RawStatement) -> None:
        node = raw.node
        relation, new = node["relation"], node["newname"]
        name = relation["relname"]
        if node["renameType"] in ("OBJECT_TABLE", "OBJECT_COLUMN"):
            self._locked(relation, raw)
        if node["renameType"] == "OBJECT_TABLE":
            if name in self.exclusive:
                self.exclusive.setdefault(new, self.exclusive[name])
            if self.has_made(relation.get("schemaname", ""), name):
                self._table({**relation, "relname": new})
            self._table_names[new] = self.table_before(name)
            self._columns |= {(new, column) for table, column in self._columns if table == name}
            self.filled |= {new} if name in self.filled else set()
            self.identified |= {new} if name in self.identified else set()
            self.indexed |= {(new, column) for table, column in self.indexed if table == name}
            for (table, column), before in tuple(self._column_names.items()):
                if table == name:
                    self._column_names[(new, column)] = before
        elif node["renameType"] == "OBJECT_COLUMN":
            if self.has_added(name, node["subname"]):
                self._columns.add((name, new))
            if (name, node["subname"]) in self.indexed:
                self.indexed.add((name, new))
            self._column_names[(name, new)] = self.column_before(name, node["subname"])

    def _altered(self, raw: RawStatement) -> None:
        relation = raw.node["relation"]
        table = relation["relname"]
        if any(is_exclusive(item["AlterTableCmd"]) for item in raw.node.get("cmds", [])):
            self._locked(relation, raw)
        for item in raw.node.get("cmds", []):
            command = item["AlterTableCmd"]
            definition = command.get("def", {})
            match command["subtype"]:
                case "AT_AddColumn":
                    column = definition["ColumnDef"]
                    self._columns.add((table, column["colname"]))
                    self.types[(table, column["colname"])] = column["typeName"]
                    for inner in column.get("constraints", []):
                        if inner["Constraint"]["contype"] in ("CONSTR_PRIMARY", "CONSTR_UNIQUE"):
                            self.indexed.add((table, column["colname"]))
                case "AT_AlterColumnType":
                    self.types[(table, command["name"])] = definition["ColumnDef"]["typeName"]
                case "AT_AddConstraint":
                    self._constraint(table, definition["Constraint"])
                    if definition["Constraint"]["contype"] == "CONSTR_PRIMARY":
                        self.identified.add(table)
                case "AT_ReplicaIdentity" if command["def"]["ReplicaIdentityStmt"]["identity_type"] != "n":
                    self.identified.add(table)
                case "AT_ValidateConstraint":
                    key = (table, command["name"])
                    if key in self.checks:
                        self.checks[key] = replace(self.checks[key], is_validated=True)
                case "AT_DropColumn":
                    self.dropped_parts.add((table, command["name"]))
                case "AT_DropConstraint":
                    self.dropped_parts.add((table, command["name"]))
                    self.checks.pop((table, command["name"]), None)

    def _locked(self, relation: Node, raw: RawStatement) -> None:
        if self.opened is not None and not self.has_made(relation.get("schemaname", ""), relation["relname"]):
            self.exclusive.setdefault(relation["relname"], raw)

    def _function(self, node: Node) -> None:
        said = {
            item["DefElem"]["arg"]["String"]["sval"]
            for item in node.get("options", [])
            if item["DefElem"]["defname"] == "volatility"
        }
        self.functions[tree.strings(node["funcname"])[-1]] = said <= {"volatile"}

    def _set(self, node: Node) -> None:
        name = str(node.get("name", "")).lower()
        values = [_value(item) for item in node.get("args", [])]
        if name == "timezone":
            self.time_zone = values[0].lower() if values else ""
        elif name == "lock_timeout" and values and values[0] not in ("0", ""):
            self.has_lock_timeout = True


def is_exclusive(command: Node) -> bool:
    """Whether a command of ALTER TABLE takes ACCESS EXCLUSIVE on its table."""
    kind = command["subtype"].removeprefix("AT_")
    if kind == "AddConstraint":
        return bool(command["def"]["Constraint"]["contype"] != "CONSTR_FOREIGN")
    if kind == "DetachPartition":
        return not command["def"]["PartitionCmd"].get("concurrent", False)
    return kind not in _MILD | _HALF


def _value(item: Node) -> str:
    constant = item.get("A_Const", {})
    if "sval" in constant:
        return str(constant["sval"].get("sval", ""))
    return str(constant.get("ival", {}).get("ival", 0)) if "ival" in constant else "?"
