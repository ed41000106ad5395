"""ALTER SEQUENCE into operations: its settings, whose it is, and where it counts on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workorders.migration.catalog.archive import Entry
from workorders.migration.catalog.snapshot import Catalog
from workorders.migration.names import RelationName, quoted
from workorders.migration.operations.definition import ChangeDefinition
from workorders.migration.operations.operation import Operation, refused
from workorders.migration.operations.set_sequence import SetSequence
from workorders.migration.sql import tree
from workorders.migration.sql.objects import relation_names
from workorders.migration.sql.reading import Reading, said
from workorders.migration.sql.tree import Node, strings


def operations(reading: Reading) -> Iterator[Operation]:
    """One operation for each kind of thing that the statement says."""
    node = reading.node
    options = node.get("options", [])
    by_kind = {kind: [item for item in options if item["DefElem"]["defname"] == kind] for kind in _APART}
    settings = [item for item in options if item["DefElem"]["defname"] not in _APART]
    sequence = _found(reading)
    if sequence is None:
        if node.get("missing_ok"):
            return
        name = ".".join(relation_names(node["sequence"]))
        raise refused(reading.place, f"There is no sequence {name}.", "Check its name, or write IF EXISTS.")
    if settings:
        yield _set(reading, settings)
    for item in by_kind["owned_by"]:
        yield _owned(reading, sequence, item)
    for item in by_kind["restart"]:
        yield restarted(reading, sequence, item)


_UNSAID: tuple[Node, ...] = (
    {"DefElem": {"defname": "cycle", "arg": {"Boolean": {}}}},
    {
        "DefElem": {
            "defname": "as",
            "arg": {"TypeName": {"names": [{"String": {"sval": "int8"}}], "typemod": -1}},
        }
    },
)

#: Options that are no settings of the sequence itself.
_APART = ("owned_by", "restart")


def restarted(reading: Reading, sequence: RelationName, option: Node) -> SetSequence:
    """RESTART: the numbers that it has given out are not taken back."""
    text = tree.statement_text("AlterSeqStmt", {"sequence": _relation(sequence), "options": [option]})
    return SetSequence(place=reading.place, table=sequence, sql=text)


def former(dumped: list[Node], changed: list[Node]) -> list[Node]:
    """The options that give back what some changed; pg_dump writes all but two that are as by default."""
    known = {item["DefElem"]["defname"]: item for item in (*_UNSAID, *dumped)}
    names = dict.fromkeys(item["DefElem"]["defname"] for item in changed)
    return [known[name] for name in names if name in known]


def _found(reading: Reading) -> RelationName | None:
    """The sequence, in the archive or made by the script for a column."""
    names = relation_names(reading.node["sequence"])
    entry = reading.objects.find(("SEQUENCE",), names)
    if entry is not None:
        return RelationName(schema=entry.schema, name=entry.tag)
    return owned_sequence(reading.catalog, names)


def owned_sequence(catalog: Catalog, names: tuple[str, ...]) -> RelationName | None:
    """The sequence of a column that is called so in the search path."""
    owned = {
        sequence
        for table in catalog.tables.values()
        for column in table.columns
        for sequence in column.owned_sequences
    }
    schemas = names[:-1] or catalog.search_path
    wanted = (RelationName(schema=schema, name=names[-1]) for schema in schemas)
    return next((each for each in wanted if each in owned), None)


def _set(reading: Reading, options: list[Node]) -> ChangeDefinition:
    """The settings that it was made with, set again; how far it has counted stays."""
    entry = reading.must_find(("SEQUENCE",), relation_names(reading.node["sequence"]))
    (made, *rest) = tree.statements(entry.definition)
    if made.kind != "CreateSeqStmt" or rest:
        raise refused(
            reading.place,
            f"{entry.schema}.{entry.tag} belongs to an identity column.",
            "Write ALTER TABLE ... ALTER COLUMN ... SET, which says the same.",
        )
    relation = {**made.node["sequence"], "schemaname": entry.schema}
    back: Node = {"sequence": relation, "options": former(made.node.get("options", []), options)}
    forth: Node = {**reading.node, "options": options}
    changed = said(
        reading,
        entry,
        undo=(tree.statement_text("AlterSeqStmt", back),),
        after=reading.archive.with_entry(reading.said_of(entry, "ALTER")),
    )
    return replace(changed, sql=tree.statement_text("AlterSeqStmt", forth))


def _owned(reading: Reading, sequence: RelationName, option: Node) -> ChangeDefinition:
    """It goes with another column from now on, or with none."""
    catalog = reading.catalog
    former = next(
        (
            f"{table.name.sql}.{quoted(column.name)}"
            for table in catalog.tables.values()
            for column in table.columns
            if sequence in column.owned_sequences
        ),
        "NONE",
    )
    names = strings(option["DefElem"]["arg"]["List"]["items"])
    becomes = _with_owner(catalog, sequence, None, "")
    if len(names) > 1:
        table = catalog.find(names[-3] if len(names) > 2 else None, names[-2])
        if table is None or not (table.is_unread or table.column(names[-1])):
            raise refused(reading.place, f"There is no column {'.'.join(names)}.", "Check its name.")
        becomes = _with_owner(becomes, sequence, table.name, names[-1])
    entry = reading.objects.find(("SEQUENCE",), (sequence.schema, sequence.name))
    if entry is not None:
        owning = [e for e in reading.archive.objects if _is_owning(e, entry)]
        becomes = replace(becomes, archive=reading.archive.without(owning))
    forth: Node = {"sequence": _relation(sequence), "options": [option]}
    return ChangeDefinition(
        place=reading.place,
        table=sequence,
        title=f"tie sequence {sequence} to {'.'.join(names) if len(names) > 1 else 'no column'}",
        sql=tree.statement_text("AlterSeqStmt", forth),
        undo_title=f"tie sequence {sequence} to what it belonged to",
        undo=(f"ALTER SEQUENCE {sequence.sql} OWNED BY {former}",),
        becomes=becomes,
    )


def _is_owning(entry: Entry, sequence: Entry) -> bool:
    return entry.kind == "SEQUENCE OWNED BY" and sequence.number in entry.needs


def _with_owner(catalog: Catalog, sequence: RelationName, owner: RelationName | None, name: str) -> Catalog:
    """The catalog with the sequence at this column and no other."""
    for table in tuple(catalog.tables.values()):
        columns = []
        for column in table.columns:
            left = tuple(each for each in column.owned_sequences if each != sequence)
            mine = (sequence,) if (table.name, column.name) == (owner, name) else ()
            columns.append(replace(column, owned_sequences=(*left, *mine)))
        if tuple(columns) != table.columns:
            catalog = catalog.with_table(replace(table, columns=tuple(columns)))
    return catalog


def _relation(name: RelationName) -> Node:
    return {"schemaname": name.schema, "relname": name.name, "inh": True, "relpersistence": "p"}
