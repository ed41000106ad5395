"""Statements about objects without rows: CREATE and DROP of them, into operations.

What a statement changes is decided from its tree; what was there before comes from the catalog's
archive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.attached import Trigger
from workorders.migration.catalog.snapshot import Catalog, Table
from workorders.migration.locks import Lock, LockMode
from workorders.migration.names import OUR_SCHEMA, RelationName, is_ours, quoted
from workorders.migration.operations import own_columns
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Operation, exclusive, refused
from workorders.migration.operations.restoration import PROLOGUE, strongest, taken
from workorders.migration.sql import new_types, objects, renamed, tree
from workorders.migration.sql.objects import Signature, relation_names
from workorders.migration.sql.reading import Reading
from workorders.migration.sql.tree import Node, strings

_ON_TABLES = {"CreateTrigStmt": "TRIGGER", "CreatePolicyStmt": "POLICY", "RuleStmt": "RULE"}
#: What the server says where an object of a kind is there already; of all others, 42710.
_ALREADY = {
    "FUNCTION": "42723",
    "PROCEDURE": "42723",
    "AGGREGATE": "42723",
    "SCHEMA": "42P06",
    "VIEW": "42P07",
    "MATERIALIZED VIEW": "42P07",
    "SEQUENCE": "42P07",
}

_TAKE_OUT = "Take it out of this script, or run it by hand."


def creations(reading: Reading) -> Iterator[Operation]:
    """The operation of a CREATE; none where IF NOT EXISTS finds the object."""
    made = _made(reading)
    existing = reading.objects.find(made.kinds, made.names, made.signature)
    if existing is not None and reading.node.get("if_not_exists"):
        return
    is_replacing = reading.node.get("replace") or reading.node.get("replace_existing")
    if existing is None:
        _must_be_free(reading, made)
        yield _new(reading, made)
    elif is_replacing:
        yield _replaced(reading, made, existing)
    else:
        raise refused(
            reading.place,
            f"There is already a {existing}.",
            "Choose another name.",
            sqlstate=_ALREADY.get(existing.kind, "42710"),
        )


@dataclass(frozen=True, kw_only=True)
class _Made:
    """What a CREATE makes."""

    kind: str
    names: tuple[str, ...]
    #: The relation that it is part of.
    on: RelationName | None = None
    signature: Signature | None = None
    locks: tuple[Lock, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The archive's kinds that share its names."""
        return ("TYPE", "DOMAIN") if self.kind in ("TYPE", "DOMAIN") else (self.kind,)


def _made(reading: Reading) -> _Made:
    node, kind = reading.node, reading.raw.kind
    match kind:
        case "ViewStmt":
            _must_last(reading, node["view"])
            return _Made(kind="VIEW", names=relation_names(node["view"]))
        case "CreateTableAsStmt":
            return _Made(kind="MATERIALIZED VIEW", names=relation_names(node["into"]["rel"]))
        case "CreateSeqStmt":
            _must_last(reading, node["sequence"])
            return _Made(kind="SEQUENCE", names=relation_names(node["sequence"]))
        case "CompositeTypeStmt":
            return _Made(kind="TYPE", names=relation_names(node["typevar"]))
        case "CreateFunctionStmt":
            routine = "PROCEDURE" if node.get("is_procedure") else "FUNCTION"
            return _Made(kind=routine, names=strings(node["funcname"]), signature=objects.parameters(node))
        case "DefineStmt" if node["kind"] == "OBJECT_AGGREGATE" and not node.get("oldstyle"):
            return _Made(
                kind="AGGREGATE", names=strings(node["defnames"]), signature=objects.parameters(node)
            )
        case "CreateTrigStmt" | "CreatePolicyStmt" | "RuleStmt":
            return _made_on_table(reading)
        case "CreateEnumStmt" | "CreateRangeStmt":
            return _Made(kind="TYPE", names=strings(node["typeName"]))
        case "CreateDomainStmt":
            return _Made(kind="DOMAIN", names=strings(node["domainname"]))
        case "CreateSchemaStmt" if not node.get("schemaElts") and node.get("schemaname"):
            return _Made(kind="SCHEMA", names=(node["schemaname"],))
        case "CreateExtensionStmt":
            return _Made(kind="EXTENSION", names=(node["extname"],))
        case "CreateStatsStmt" if node.get("defnames"):
            on = reading.relation(node["relations"][0]["RangeVar"])
            gentle = (Lock(relation=on, mode=LockMode.SHARE_UPDATE_EXCLUSIVE),)
            return _Made(kind="STATISTICS", names=strings(node["defnames"]), on=on, locks=gentle)
    words = " ".join(re.findall(r"[A-Za-z]+", reading.raw.text)[:3]).upper()
    raise refused(reading.place, f"{words}: this form is not modelled yet.", _TAKE_OUT)


def _made_on_table(reading: Reading) -> _Made:
    node, kind = reading.node, _ON_TABLES[reading.raw.kind]
    relation = node["table"] if kind == "POLICY" else node["relation"]
    on = reading.relation(relation)
    name = str(node.get("trigname") or node.get("policy_name") or node.get("rulename"))
    mode = LockMode.SHARE_ROW_EXCLUSIVE if kind == "TRIGGER" else LockMode.ACCESS_EXCLUSIVE
    if kind == "TRIGGER" and node.get("constrrel"):
        raise refused(reading.place, "A constraint trigger FROM a table is not modelled yet.", _TAKE_OUT)
    return _Made(kind=kind, names=(on.schema, on.name, name), on=on, locks=(Lock(relation=on, mode=mode),))


def _must_last(reading: Reading, relation: Node) -> None:
    if relation.get("relpersistence") == "t":
        raise refused(
            reading.place,
            f"{relation['relname']} is temporary: each step has a session of its own.",
            "Use a lasting one, and drop it by hand afterwards.",
        )


def _must_be_free(reading: Reading, made: _Made) -> None:
    """Relations share their names with tables and indexes, which the archive may not have."""
    name = _name(reading, made)
    if made.signature is not None and name in reading.catalog.left_in_place:
        raise refused(
            reading.place,
            f"The function {name} that this script has dropped stays in its place until the purge: rows may"
            " be counted with it before a rollback, or a column is kept in step through it.",
            "Make the new one in a migration of its own, after this one is purged.",
        )
    if made.kind == "EXTENSION" and name.name in reading.catalog.left_extensions:
        raise refused(
            reading.place,
            f"The extension {name.name} that this script has dropped stays in its place until the purge.",
            "Make it again in a migration of its own, after this one is purged.",
        )
    if made.kind == "EXTENSION":
        _must_be_creatable(reading, name.name)
    taken_names = reading.catalog.relation_names.get(name.schema, frozenset())
    is_relation = made.kind in ("VIEW", "MATERIALIZED VIEW", "SEQUENCE")
    if is_relation and name.name in taken_names and not reading.node.get("if_not_exists"):
        raise refused(
            reading.place, f"There is already a relation {name}.", "Choose another name.", sqlstate="42P07"
        )


def _must_be_creatable(reading: Reading, extension: str) -> None:
    """Raises what the server would say; a block may have a handler for that."""
    catalog = reading.catalog
    may = catalog.creatable_extensions.get(extension, True)
    if may is None:
        raise refused(
            reading.place,
            f"The target's server has no extension {extension}.",
            "Install its files on the server, or ask its provider to.",
            sqlstate="0A000",
        )
    if not may:
        raise refused(
            reading.place,
            f"CREATE EXTENSION {extension} takes a superuser, or a right that only its provider knows of:"
            f" {catalog.role} is none, and nobody is in a rehearsal.",
            "Create it by hand; CREATE EXTENSION IF NOT EXISTS then passes it over.",
        )


def _name(reading: Reading, made: _Made) -> RelationName:
    """Where it is or will be; objects outside of schemas stand for themselves."""
    if made.kind in ("SCHEMA", "EXTENSION"):
        name = RelationName(schema=made.names[-1], name=made.names[-1])
    elif made.kind in _ON_TABLES.values():
        name = RelationName(schema=made.names[0], name=made.names[-1])
    else:
        schema = made.names[-2] if len(made.names) > 1 else next(iter(reading.catalog.search_path), None)
        if schema is None or schema not in reading.catalog.schemas:
            raise refused(
                reading.place,
                f"There is no schema {schema or 'in the search path'}.",
                "CREATE SCHEMA first.",
                sqlstate="3F000",
            )
        name = RelationName(schema=schema, name=made.names[-1])
    if name.schema == OUR_SCHEMA or is_ours(name.name):
        raise refused(reading.place, f"{name} would be Lockkeeper's own.", "Choose another name.")
    return name


def _new(reading: Reading, made: _Made) -> ChangeDefinition:
    name = _name(reading, made)
    address = _address(reading, made, name)
    schema = "" if made.kind in ("SCHEMA", "EXTENSION") else name.schema
    tag = name.name
    if made.signature is not None:
        tag = f"{name.name}({', '.join(made.signature.inputs)})"
    elif made.kind in _ON_TABLES.values():
        tag = f"{made.names[1]} {name.name}"
    entry = Entry(
        number=reading.archive.next_number,
        kind=made.kind,
        schema=schema,
        tag=tag,
        definition=reading.raw.text,
        drop=f"DROP {address};",
        owner="",
        needs=reading.objects.mentioned(reading.node),
        search_path=reading.catalog.search_path,
    )
    drop_locks = () if made.on is None or made.kind == "STATISTICS" else exclusive(made.on)
    return ChangeDefinition(
        place=reading.place,
        table=name if made.on is None else made.on,
        title=f"create {entry}",
        sql=reading.raw.text,
        locks=made.locks,
        undo_title=f"drop {entry}",
        undo=(*own_columns.as_text(made.kind, name.schema, name.name), f"DROP {address}"),
        undo_locks=drop_locks or made.locks or (exclusive(name) if "VIEW" in made.kind else ()),
        becomes=_with_new(reading.added_entry(entry), reading, made, name),
    )


def _address(reading: Reading, made: _Made, name: RelationName) -> str:
    if made.kind in ("SCHEMA", "EXTENSION"):
        return f"{made.kind} {quoted(name.name)}"
    if made.kind in _ON_TABLES.values() and made.on is not None:
        return f"{made.kind} {quoted(name.name)} ON {made.on.sql}"
    if made.signature is None:
        return f"{made.kind} {name.sql}"
    items = reading.node.get("parameters", [])
    if made.kind == "AGGREGATE":
        items = reading.node["args"][0].get("List", {}).get("items", [])
    found = [item["FunctionParameter"] for item in items]
    known = (reading.catalog.types, reading.catalog.search_path)
    types = [
        renamed.type_qualified(tree.type_text(each["argType"]), *known)
        for each in found
        if each.get("mode") not in ("FUNC_PARAM_OUT", "FUNC_PARAM_TABLE")
    ]
    return f"{made.kind} {name.sql}({', '.join(types) or '*' * (made.kind == 'AGGREGATE')})"


def _with_new(catalog: Catalog, reading: Reading, made: _Made, name: RelationName) -> Catalog:
    """What else of the catalog a new object changes."""
    node = reading.node
    if made.kind in ("VIEW", "MATERIALIZED VIEW"):
        is_filled = not node.get("into", {}).get("skipData")
        kind = "v" if made.kind == "VIEW" else "m"
        return catalog.with_table(Table(name=name, kind=kind, is_populated=is_filled, is_new=True))
    if made.kind == "SEQUENCE":
        names = catalog.relation_names.get(name.schema, frozenset()) | {name.name}
        return replace(catalog, relation_names={**catalog.relation_names, name.schema: names})
    if made.kind == "SCHEMA":
        return replace(catalog, schemas=catalog.schemas | {name.name})
    if made.kind == "FUNCTION":
        return new_types.with_function(catalog, node, name)
    if made.kind == "EXTENSION":
        return new_types.with_extension(catalog, node)
    if made.kind in ("TYPE", "DOMAIN"):
        return new_types.with_type(catalog, reading, name)
    table = None if made.on is None else catalog.tables.get(made.on)
    if made.kind == "TRIGGER" and table is not None:
        trigger = Trigger(
            name=name.name,
            definition=reading.raw.text,
            is_row=bool(node.get("row")),
            function=".".join(strings(node["funcname"])),
        )
        return catalog.with_table(replace(table, triggers=(*table.triggers, trigger)))
    return catalog


def _replaced(reading: Reading, made: _Made, entry: Entry) -> ChangeDefinition:
    name = _name(reading, replace(made, names=(entry.schema, made.names[-1])))
    if made.on is not None:
        name = made.on
    archive = reading.archive
    after = replace(
        entry,
        definition=reading.raw.text,
        needs=tuple({*entry.needs, *reading.objects.mentioned(reading.node)}),
        search_path=reading.catalog.search_path,
    )
    left = archive
    if made.signature is not None:
        left = archive.without_said(entry, "ALTER")
    rule = reading.objects.find(("RULE",), (entry.schema, entry.tag, "_RETURN"))
    if rule is not None:
        # pg_dump makes a view that needs a key in two goes: the second one has its text.
        after = replace(after, needs=tuple({*after.needs, *rule.needs} - {entry.number}))
        left = left.without((rule,))
    former = _again(reading, entry if rule is None else replace(entry, definition=rule.definition))
    if former is not None and not archive.attached(entry, "ALTER"):
        undo = (*PROLOGUE, *_under_path(former, entry))
        undo_locks = exclusive(name) if made.kind == "VIEW" else made.locks
    else:
        gone = taken(archive, (entry,), reading.place, reading.catalog.role)
        undo, undo_locks = (*gone.dropping, *gone.restoring), gone.locks
    return ChangeDefinition(
        place=reading.place,
        table=name,
        title=f"replace {entry}",
        sql=reading.raw.text,
        locks=exclusive(name) if made.kind == "VIEW" else made.locks,
        undo_title=f"give {entry} its former definition",
        undo=undo,
        undo_locks=strongest(undo_locks),
        becomes=_with_again(replace(reading.catalog, archive=left.with_entry(after)), reading, made, name),
    )


def _with_again(catalog: Catalog, reading: Reading, made: _Made, name: RelationName) -> Catalog:
    return new_types.with_function(catalog, reading.node, name) if made.kind == "FUNCTION" else catalog


def _under_path(statements: Sequence[str], entry: Entry) -> list[str]:
    if not entry.search_path:
        return list(statements)
    path = ", ".join(map(quoted, entry.search_path)).replace("'", "''")
    return [f"SELECT pg_catalog.set_config('search_path', '{path}', true)", *statements]


def _again(reading: Reading, entry: Entry) -> tuple[str, ...] | None:
    """The former definition as CREATE OR REPLACE, where the server would take it; else None.

    It would not take a parameter's default or name away, nor a view's column.
    """
    former = tree.statements(entry.definition)
    if len(former) != 1 or former[0].kind != reading.raw.kind:
        return None
    old, new = former[0].node, reading.node
    match reading.raw.kind:
        case "CreateFunctionStmt":
            same = _parameters(old) == _parameters(new)
        case "ViewStmt":
            count = _columns(old)
            same = count is not None and count == _columns(new) and _names(old) == _names(new)
        case _:
            return None
    if not same:
        return None
    text = re.sub(r"\ACREATE\s+(OR\s+REPLACE\s+)?", "CREATE OR REPLACE ", former[0].text, flags=re.IGNORECASE)
    return (text,)


def _parameters(node: Node) -> list[tuple[str, bool]]:
    found = [item["FunctionParameter"] for item in node.get("parameters", [])]
    return [(each.get("name", ""), "defexpr" in each) for each in found]


def _columns(node: Node) -> int | None:
    """How many columns a view has; None where its text does not say."""
    targets = node["query"].get("SelectStmt", {}).get("targetList", [])
    for target in targets:
        if any(
            "A_Star" in field for field in target["ResTarget"]["val"].get("ColumnRef", {}).get("fields", [])
        ):
            return None
    return len(targets) or None


def _names(node: Node) -> list[str]:
    return [str(item["String"].get("sval")) for item in node.get("aliases", [])]
