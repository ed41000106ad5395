"""Made-up values for a column, as SQL: tame ones that differ from row to row, and hostile ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from zlib import crc32

from workorders.migration.catalog.snapshot import Catalog, Column, Table
from workorders.migration.catalog.types import bare
from workorders.migration.names import literal


class Mood(Enum):
    """How much a made-up row asks of what is to be done with it, the most first."""

    HOSTILE = "hostile"  # NULLs, extremes, repeated values, long texts
    TAME = "tame"  # small, different, nothing left out
    BARE = "bare"  # only what the table insists on


_WHOLE = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
#: As long as a value may be that an index holds: it is stored out of line all the same.
_LONG = "(SELECT string_agg(md5(i::text), ' ') FROM generate_series(1, 64) i)"

#: By type without modifiers: what differs with the row's number `{n}`, and what is odd.
_TAME: Mapping[str, str] = {
    "numeric": "{n}",
    "real": "{n}",
    "double precision": "{n}",
    "money": "{n}",
    "oid": "{n}",
    "date": "DATE '2001-01-01' + {n}",
    "uuid": "md5('{n}')",
    "json": """'{{"n": {n}}}'""",
    "jsonb": """'{{"n": {n}}}'""",
    "bytea": r"decode(lpad('{n}', 2, '0'), 'hex')",
    "inet": "'10.0.0.{n}'",
    "cidr": "'10.0.{n}.0/24'",
    "macaddr": "'08:00:2b:01:02:0{n}'",
    "interval": "interval '{n} hours'",
    "timestamp without time zone": "TIMESTAMP '2001-01-01 00:00' + interval '{n} hours'",
    "timestamp with time zone": "TIMESTAMP '2001-01-01 00:00' + interval '{n} hours'",
    "time without time zone": "TIME '00:00' + interval '{n} hours'",
    "time with time zone": "TIME '00:00' + interval '{n} hours'",
    "tsvector": "'word{n}'",
    "tsquery": "'word{n}'",
    "ltree": "'a.b{n}'",
    "hstore": "'a=>{n}'",
    "xml": "'<a>{n}</a>'",
    "point": "'({n},{n})'",
    "bit": "B'1'",
    "bit varying": "B'1'",
    "int4range": "'[{n},{n}]'",
    "int8range": "'[{n},{n}]'",
    "numrange": "'[{n},{n}]'",
    "daterange": "'[2001-01-0{n},2001-01-0{n}]'",
    "tsrange": "'[2001-01-0{n},2001-01-0{n}]'",
    "tstzrange": "'[2001-01-0{n},2001-01-0{n}]'",
}
_TEXTS = ("text", "character varying", "character", "name", "citext")
_HOSTILE_TEXTS = (
    "''",
    _LONG,
    r"""' it''s "odd" \ %s {0} $1 :x 🚢 '""",
    "'NULL'",
    "'same'",
    "'same'",
)
_HOSTILE: Mapping[str, Sequence[str]] = {
    "boolean": ("true", "false"),
    "numeric": ("0", "-1", "'0.000001'"),
    "real": ("'-0'", "'1e-30'"),
    "double precision": ("'-0'", "'NaN'", "'1e300'"),
    "date": ("'4713-01-01 BC'", "'9999-12-31'"),
    "json": ("""'{"a": 1, "a": null}'""", "'null'", "'[]'", """'"text"'"""),
    "jsonb": ("'{}'", "'null'", "'[]'", """'"text"'"""),
    "bytea": ("''", r"'\x00ff00'"),
    "inet": ("'::1'", "'0.0.0.0/0'"),
    "interval": ("'-1 mons +2 days -3 hours'", "'0'"),
    "timestamp without time zone": ("'0001-01-01 00:00:00 BC'", "'2024-02-29 23:59:59.999999'"),
    "timestamp with time zone": ("'infinity'", "'2024-02-29 23:59:59.999999+00'"),
    "time without time zone": ("'23:59:59.999999'", "'24:00'"),
    "tsvector": ("''",),
    "ltree": ("''",),
    "int4range": ("'empty'", "'(,)'"),
    "tstzrange": ("'empty'", "'(,)'"),
}
_QUOTED = re.compile(r"'((?:[^']|'')*)'")


def value(catalog: Catalog, table: Table, column: Column, number: int, mood: Mood) -> str:
    """The column's value in the row of this number, cast to its type; the same at every call."""
    base = _base(catalog, column.type)
    allowed = _named_by_checks(table, column)
    if allowed:
        return _cast(literal(allowed[number % len(allowed)]).strip(), column.type)
    tame = _tame(catalog, base, number)
    if mood is not Mood.HOSTILE or _must_differ(table, column):
        return _cast(tame, column.type)
    odd = list(_odd(base))
    if not column.not_null and not column.is_not_null_domain:
        odd.append("NULL")
    place = number + crc32(f"{table.name.name}.{column.name}".encode())
    chosen = [tame, *odd]
    return _cast(chosen[place % len(chosen)], column.type)


def _cast(expression: str, type_name: str) -> str:
    return f"({expression})::{type_name}"


def _tame(catalog: Catalog, base: str, number: int) -> str:
    if base.endswith("[]"):
        element = base.removesuffix("[]")
        return f"ARRAY[{_cast(_tame(catalog, _base(catalog, element), number), element)}]"
    kind = bare(base)
    if kind in _WHOLE:
        return str(number)
    if kind == "boolean":
        return "true" if number % 2 else "false"
    if kind in _TEXTS:
        return f"'made up {number}'"
    if kind.rpartition(".")[2] in _TAME:
        return _TAME[kind.rpartition(".")[2]].format(n=number)
    for name, labels in catalog.enums.items():
        if labels and catalog.types.names.get(name) == kind:
            return literal(labels[number % len(labels)]).strip()
    if kind.rpartition(".")[2] in _TEXTS:
        return f"'made up {number}'"
    return "NULL"


def _odd(base: str) -> Sequence[str]:
    if base.endswith("[]"):
        return ("'{}'", "'{NULL}'")
    kind = bare(base)
    if kind in _WHOLE:
        return ("0", "-1", str(_WHOLE[kind] - 1), str(-_WHOLE[kind]))
    if kind.rpartition(".")[2] in _TEXTS:
        return _HOSTILE_TEXTS
    return _HOSTILE.get(kind, ())


def _base(catalog: Catalog, type_name: str) -> str:
    """What a domain is made of, however deep."""
    while bare(type_name) in catalog.types.bases:
        type_name = catalog.types.bases[bare(type_name)]
    return type_name


def _named_by_checks(table: Table, column: Column) -> list[str]:
    """The values that a CHECK of this column alone lists: made-up ones would not be let in."""
    found = []
    for constraint in table.constraints:
        if constraint.kind == "c" and constraint.columns == (column.name,) and " = " in constraint.definition:
            found += [each.replace("''", "'") for each in _QUOTED.findall(constraint.definition)]
    return found


def _must_differ(table: Table, column: Column) -> bool:
    return any(index.is_unique and column.name in index.columns for index in table.indexes)
