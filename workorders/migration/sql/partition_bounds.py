"""What a partition's bound says of its rows, as a condition that the server takes for a proof.

ATTACH PARTITION reads the whole table unless a validated CHECK implies the bound, and a new partition
reads the DEFAULT one unless a CHECK excludes the bound there. The conditions are made as the server
makes its own (`get_qual_for_range` and its neighbours in `src/backend/partitioning/partbounds.c`).
"""

from __future__ import annotations

from dataclasses import dataclass

from workorders.migration.catalog.snapshot import Table
from workorders.migration.names import literal, quoted
from workorders.migration.sql import tree
from workorders.migration.sql.tree import Node, strings

#: A bound that is below or above every value.
_LOWEST, _HIGHEST = "minvalue", "maxvalue"

_WITHOUT_COLLATION = frozenset(
    {
        *("smallint", "integer", "bigint", "numeric", "uuid", "date", "boolean", "bytea", "inet"),
        *("timestamp without time zone", "timestamp with time zone"),
    }
)


@dataclass(frozen=True, kw_only=True)
class Key:
    """One column or expression of a partition key."""

    #: As SQL.
    sql: str
    #: The column's type; "" for an expression.
    type: str
    #: The column's name; "" for an expression.
    column: str


def strategy_and_keys(parent: Table) -> tuple[str, tuple[Key, ...]]:
    """range, list or hash, and the parts of the key."""
    (raw,) = tree.statements(f"CREATE TABLE t () PARTITION BY {parent.partition_key}")
    spec = raw.node["partspec"]
    types = {column.name: column.type for column in parent.columns}
    keys = []
    for item in spec["partParams"]:
        element = item["PartitionElem"]
        if "name" in element:
            name = element["name"]
            keys.append(Key(sql=quoted(name), type=types.get(name, ""), column=name))
        else:
            keys.append(Key(sql=f"({tree.expression_text(element['expr'])})", type="", column=""))
    return str(spec["strategy"]).removeprefix("PARTITION_STRATEGY_").lower(), tuple(keys)


def columns_of(parent: Table) -> tuple[str, ...]:
    """The columns of the key, those in its expressions included."""
    (raw,) = tree.statements(f"CREATE TABLE t () PARTITION BY {parent.partition_key}")
    named = [
        each["PartitionElem"]["name"]
        for each in raw.node["partspec"]["partParams"]
        if "name" in each["PartitionElem"]
    ]
    return tuple(dict.fromkeys([*named, *tree.columns_in(raw.node["partspec"])]))


def read(bound: str) -> Node:
    """A bound as the catalog writes it, e.g. `FOR VALUES FROM (0) TO (10)`, as a tree."""
    (raw,) = tree.statements(f"ALTER TABLE p ATTACH PARTITION c {bound}")
    node: Node = raw.node["cmds"][0]["AlterTableCmd"]["def"]["PartitionCmd"]["bound"]
    return node


def text(bound: Node) -> str:
    """A bound's tree as SQL."""
    relation = {"relname": "p", "inh": True, "relpersistence": "p"}
    command = {
        "subtype": "AT_AttachPartition",
        "def": {"PartitionCmd": {"name": {**relation, "relname": "c"}, "bound": bound}},
        "behavior": "DROP_RESTRICT",
    }
    statement = {"relation": relation, "cmds": [{"AlterTableCmd": command}], "objtype": "OBJECT_TABLE"}
    return tree.statement_text("AlterTableStmt", statement).removeprefix("ALTER TABLE p ATTACH PARTITION c ")


def is_default(bound: Node) -> bool:
    """DEFAULT: whatever no other partition takes."""
    return bool(bound.get("is_default"))


def condition(parent: Table, bound: Node) -> str | None:
    """True of the rows that belong there, and of no other; None where nobody can tell beforehand.

    That is so for DEFAULT, and where a bound is no plain value: the server works it out when it runs.
    """
    strategy, keys = strategy_and_keys(parent)
    if is_default(bound):
        return None
    if strategy == "hash":
        arguments = ", ".join(key.sql for key in keys)
        modulus, remainder = bound.get("modulus", 0), bound.get("remainder", 0)
        return (
            f"pg_catalog.satisfies_hash_partition({literal(parent.name.sql).strip()}::pg_catalog.regclass,"
            f" {modulus}, {remainder}, {arguments})"
        )
    if strategy == "list":
        return _listed(keys[0], bound["listdatums"])
    lower = [_value(key, item) for key, item in zip(keys, bound["lowerdatums"], strict=True)]
    upper = [_value(key, item) for key, item in zip(keys, bound["upperdatums"], strict=True)]
    if None in lower or None in upper:
        return None
    return _ranged(keys, [each or "" for each in lower], [each or "" for each in upper])


def is_proof(parent: Table, bound: Node) -> bool:
    """Whether the server takes a CHECK of the condition for a proof.

    Of a hash it does so only where no part of the key has a collation: its own condition has none.
    """
    strategy, keys = strategy_and_keys(parent)
    return not is_default(bound) and (
        strategy != "hash" or all(key.type.split("(")[0] in _WITHOUT_COLLATION for key in keys)
    )


def inside(parent: Table, bound: Node) -> dict[str, str]:
    """Values of key columns, as SQL, that some row of the partition has; what cannot be told is left out."""
    strategy, keys = strategy_and_keys(parent)
    if is_default(bound) or strategy == "hash":
        return {}
    items = bound["lowerdatums"] if strategy == "range" else bound["listdatums"][:1]
    found = {}
    for key, item in zip(keys, items, strict=strategy == "range"):
        value = _value(key, item)
        if key.column and value is not None and value not in (_LOWEST, _HIGHEST):
            found[key.column] = value
    return found


def _value(key: Key, item: Node) -> str | None:
    """A bound's value as SQL, or `minvalue` or `maxvalue`; None for what is no plain value."""
    if "ColumnRef" in item:
        name = strings(item["ColumnRef"]["fields"])[-1]
        return name if name in (_LOWEST, _HIGHEST) else None
    if any(found.kind not in ("A_Const", "TypeCast", "TypeName", "String") for found in tree.walk(item)):
        return None
    written = tree.expression_text(item)
    return f"({written})::{key.type}" if key.type else written


def _listed(key: Key, items: list[Node]) -> str | None:
    plain = [item for item in items if not item.get("A_Const", {}).get("isnull")]
    values = [_value(key, item) for item in plain]
    if None in values or any(value in (_LOWEST, _HIGHEST) for value in values):
        return None
    takes_null = len(plain) < len(items)
    if not values:
        return f"{key.sql} IS NULL"
    array = ", ".join(value or "" for value in values)
    is_one = f"{key.sql} = {values[0]}" if len(values) == 1 else f"{key.sql} = ANY (ARRAY[{array}])"
    return f"({key.sql} IS NULL OR {is_one})" if takes_null else f"{key.sql} IS NOT NULL AND {is_one}"


def _ranged(keys: tuple[Key, ...], lower: list[str], upper: list[str]) -> str:
    filled = [f"{key.sql} IS NOT NULL" for key in keys]
    same = 0
    while same < len(keys) - 1 and lower[same] == upper[same] and lower[same] not in (_LOWEST, _HIGHEST):
        same += 1
    fixed = [f"{key.sql} = {value}" for key, value in zip(keys[:same], lower[:same], strict=True)]
    sides = [
        _side(keys[same:], lower[same:], is_lower=True),
        _side(keys[same:], upper[same:], is_lower=False),
    ]
    return " AND ".join([*filled, *fixed, *(side for side in sides if side)])


def _side(keys: tuple[Key, ...], values: list[str], *, is_lower: bool) -> str:
    """Row by row comparison with one bound, written out; "" where it is open."""
    open_end, shut_end = (_LOWEST, _HIGHEST) if is_lower else (_HIGHEST, _LOWEST)
    beyond = ">" if is_lower else "<"
    arms: list[str] = []
    for place, (key, value) in enumerate(zip(keys, values, strict=True)):
        if value in (open_end, shut_end):
            break
        following = values[place + 1] if place + 1 < len(values) else None
        is_last = following is None or following in (open_end, shut_end)
        # The lower bound itself belongs to the partition, the upper one does not.
        includes = (is_lower if following is None else following == open_end) if is_last else False
        alike = [f"{k.sql} = {v}" for k, v in zip(keys[:place], values[:place], strict=True)]
        arms.append(" AND ".join([*alike, f"{key.sql} {beyond}{'=' if includes else ''} {value}"]))
    if not arms:
        return ""
    return arms[0] if len(arms) == 1 else f"({' OR '.join(f'({arm})' for arm in arms)})"
