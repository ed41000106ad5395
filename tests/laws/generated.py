"""Cases that nobody thought of: a schema, rows and a script, drawn at random and small when shrunk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from workorders.migration.names import quoted

#: Types, each with a value of the row number `g`; `{m}` makes values repeat.
_VALUES = {
    "int": "(g * 7) % {m}",
    "bigint": "g * 1000000 % {m}",
    "text": "'v ' || g % {m}",
    "varchar(12)": "'c' || g % {m}",
    "numeric(8,2)": "(g % {m}) / 4.0",
    "boolean": "g % 2 = 0",
    "date": "DATE '2020-01-01' + g % {m}",
}

#: Types that a column of the first may become.
_BECOMES = {"int": ("bigint", "text"), "varchar(12)": ("text", "varchar(40)"), "text": ("varchar",)}

_DEFAULTS = {
    "int": "7", "bigint": "7", "text": "'d'", "varchar(12)": "'d'", "numeric(8,2)": "1.5",
    "boolean": "true", "date": "DATE '2021-01-01'",
}  # fmt: skip

_NAMES = ("a", "b", "Select", 'we"ird {x}', "größe %s", "x y")


@dataclass(frozen=True, kw_only=True)
class Generated:
    """One case."""

    setup: str
    sql: str


@dataclass
class _Table:
    """A table as the script has left it so far."""

    name: str
    #: By name: the type.
    columns: dict[str, str] = field(default_factory=dict)
    indexes: list[str] = field(default_factory=list)

    @property
    def sql(self) -> str:
        return quoted(self.name)


@st.composite
def cases(draw: DrawFn) -> Generated:
    """Two tables with rows, the second pointing at the first, and up to four statements."""
    first, setup = _first(draw)
    second = _Table(name="second", columns={"v": "int"})
    action = draw(st.sampled_from(["", " ON DELETE CASCADE", " ON DELETE SET NULL", " ON UPDATE CASCADE"]))
    setup.append(
        f"CREATE TABLE second (id int PRIMARY KEY, first_id int REFERENCES {first.sql}{action}, v int);"
        f" INSERT INTO second SELECT g, nullif(least(g, {draw(st.integers(1, 8))}), 3), g % 3"
        f" FROM generate_series(1, {draw(st.integers(0, 12))}) g"
        f" WHERE EXISTS (SELECT FROM {first.sql} WHERE id = 8)"
    )
    statements = [_statement(draw, first, second, place) for place in range(draw(st.integers(1, 4)))]
    return Generated(setup="; ".join(setup), sql="; ".join(each for each in statements if each))


def _first(draw: DrawFn) -> tuple[_Table, list[str]]:
    table = _Table(name=draw(st.sampled_from(["first", "Order", 'fi"rst'])))
    parts, values = ["id int PRIMARY KEY"], ["g"]
    for name in draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=3, unique=True)):
        kind = draw(st.sampled_from(sorted(_VALUES)))
        table.columns[name] = kind
        is_not_null = draw(st.booleans())
        default = f" DEFAULT {_DEFAULTS[kind]}" if draw(st.booleans()) else ""
        check = f" CHECK ({quoted(name)} IS NOT NULL)" if is_not_null and draw(st.booleans()) else ""
        parts.append(f"{quoted(name)} {kind}{default}{' NOT NULL' if is_not_null else ''}{check}")
        value = _VALUES[kind].format(m=draw(st.sampled_from([2, 5, 1000])))
        values.append(value if is_not_null else f"CASE WHEN g % 4 > 0 THEN {value} END")
    rows = draw(st.sampled_from([0, 1, 8, 30]))
    setup = [
        f"CREATE TABLE {table.sql} ({', '.join(parts)})",
        f"INSERT INTO {table.sql} SELECT {', '.join(values)} FROM generate_series(1, {rows}) g",
    ]
    for number, name in enumerate(table.columns):
        if draw(st.booleans()):
            index = f"standing_{number}"
            table.indexes.append(index)
            predicate = f" WHERE {quoted(name)} IS NOT NULL" if draw(st.booleans()) else ""
            setup.append(f"CREATE INDEX {index} ON {table.sql} ({quoted(name)}){predicate}")
    return table, setup


def _statement(draw: DrawFn, first: _Table, second: _Table, place: int) -> str:
    table = draw(st.sampled_from([first, first, first, second]))
    return draw(st.sampled_from(_STATEMENTS))(draw, table, place)


def _column(draw: DrawFn, table: _Table) -> str | None:
    return draw(st.sampled_from(sorted(table.columns))) if table.columns else None


def _add_column(draw: DrawFn, table: _Table, place: int) -> str:
    name, kind = f"new_{place}", draw(st.sampled_from(sorted(_VALUES)))
    table.columns[name] = kind
    default = f" DEFAULT {_DEFAULTS[kind]}{draw(st.sampled_from(['', ' NOT NULL']))}"
    return f"ALTER TABLE {table.sql} ADD COLUMN {name} {kind}{draw(st.sampled_from(['', default]))}"


def _drop_column(draw: DrawFn, table: _Table, place: int) -> str:
    name = _column(draw, table)
    if name is None:
        return ""
    del table.columns[name]
    return f"ALTER TABLE {table.sql} DROP COLUMN {quoted(name)}"


def _rename(draw: DrawFn, table: _Table, place: int) -> str:
    name = _column(draw, table)
    if name is None or draw(st.integers(0, 3)) == 0:
        was, table.name = table.sql, f"renamed_{place}"
        return f"ALTER TABLE {was} RENAME TO {table.sql}"
    table.columns[f"given_{place}"] = table.columns.pop(name)
    return f"ALTER TABLE {table.sql} RENAME COLUMN {quoted(name)} TO given_{place}"


def _change_type(draw: DrawFn, table: _Table, place: int) -> str:
    able = sorted(name for name, kind in table.columns.items() if kind in _BECOMES)
    if not able:
        return ""
    name = draw(st.sampled_from(able))
    kind = draw(st.sampled_from(_BECOMES[table.columns[name]]))
    table.columns[name] = kind
    return f"ALTER TABLE {table.sql} ALTER COLUMN {quoted(name)} TYPE {kind}"


def _alter_column(draw: DrawFn, table: _Table, place: int) -> str:
    name = _column(draw, table)
    if name is None:
        return ""
    column = quoted(name)
    alter = f"ALTER TABLE {table.sql}"
    default = _DEFAULTS.get(table.columns[name], "NULL")
    choices = [
        f"{alter} ALTER COLUMN {column} SET NOT NULL",
        f"{alter} ALTER COLUMN {column} DROP NOT NULL",
        f"{alter} ALTER COLUMN {column} SET DEFAULT {default}",
        f"{alter} ALTER COLUMN {column} DROP DEFAULT",
        f"{alter} ADD CONSTRAINT check_{place} CHECK ({column} IS NULL OR {column} = {column})",
        f"{alter} ADD CONSTRAINT unique_{place} UNIQUE ({column})",
        f"CREATE INDEX index_{place} ON {table.sql} ({column}, id)",
        f"CREATE UNIQUE INDEX index_{place} ON {table.sql} ({column}) WHERE id > 3",
    ]
    return draw(st.sampled_from(choices))


def _drop_index(draw: DrawFn, table: _Table, place: int) -> str:
    if not table.indexes:
        return ""
    return f"DROP INDEX IF EXISTS {table.indexes.pop()}"


def _rows(draw: DrawFn, table: _Table, place: int) -> str:
    name = _column(draw, table)
    known = "NULL" if name is None else _DEFAULTS.get(table.columns[name], "NULL")
    value = draw(st.sampled_from(["NULL", known]))
    choices = [
        f"DELETE FROM {table.sql} WHERE id % 4 = 1",
        f"INSERT INTO {table.sql} (id) VALUES ({900 + place})",
        f"UPDATE {table.sql} SET id = id + 500 WHERE id > 5",
    ]
    if name is not None:
        choices.append(f"UPDATE {table.sql} SET {quoted(name)} = {value} WHERE id % 3 = 0")
    return draw(st.sampled_from(choices))


def _drop_table(draw: DrawFn, table: _Table, place: int) -> str:
    was, table.name = table.sql, f"made_{place}"
    table.columns, table.indexes = {"c": "int"}, []
    return f"DROP TABLE {was}; CREATE TABLE {table.sql} (id int PRIMARY KEY, c int DEFAULT 3)"


_STATEMENTS: tuple[Callable[[DrawFn, _Table, int], str], ...] = (
    _add_column,
    _drop_column,
    _rename,
    _change_type,
    _alter_column,
    _alter_column,
    _alter_column,
    _drop_index,
    _rows,
    _rows,
    _drop_table,
)
