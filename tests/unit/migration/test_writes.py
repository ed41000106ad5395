from __future__ import annotations

from dataclasses import replace

import pytest

from workorders.migration.catalog.snapshot import Catalog, Column, Constraint, Identity, Table
from workorders.migration.names import RelationName
from workorders.migration.rehearsal import writes
from workorders.migration.rehearsal.rows import Rows, TableRows
from workorders.migration.rehearsal.writes import Write
from workorders.migration.sql import tree

P, T = (RelationName(schema="public", name=name) for name in "pt")

PARENT = Table(
    name=P,
    columns=(Column(name="id", type="integer", not_null=True),),
    constraints=(Constraint(name="p_pkey", kind="p", definition="PRIMARY KEY (id)", columns=("id",)),),
)
CHILD = Table(
    name=T,
    columns=(
        Column(name="id", type="bigint", not_null=True, identity="a"),
        Column(name="lockkeeper_dropped_1", type="text"),
        Column(name="note %s", type="character varying(20)"),
        Column(name="p", type="integer"),
        Column(name="twice", type="integer", generated="s", generation="(p * 2)"),
        Column(name="token", type="uuid", default="gen_random_uuid()"),
    ),
    constraints=(
        Constraint(name="t_pkey", kind="p", definition="PRIMARY KEY (id)", columns=("id",)),
        Constraint(
            name="t_p_fkey",
            kind="f",
            definition="FOREIGN KEY (p) REFERENCES public.p(id)",
            columns=("p",),
            referenced=P,
            referenced_columns=("id",),
        ),
    ),
)
KEYLESS = replace(CHILD, constraints=CHILD.constraints[1:])

ROWS: Rows = {
    P: TableRows(columns=("id",), rows=tuple((str(n),) for n in range(1, 5))),
    T: TableRows(
        columns=("id", "note %s", "p", "token", "twice"),
        rows=tuple((str(n), f"se\\cret '{n}", str(n % 2 + 1), f"token {n}", str(n)) for n in range(1, 9)),
    ),
}


def _generated(
    child: Table = CHILD, *, seed: str = "0badcafe", is_hidden: bool = False, rows: Rows = ROWS
) -> tuple[Write, ...]:
    identity = Identity(system_identifier="1", database="shop")
    catalog = Catalog(
        identity=identity,
        server_version=180000,
        search_path=("public",),
        role="owner",
        tables={P: PARENT, T: child},
    )
    by_position = () if is_hidden else (T,)
    loose = frozenset({(T, "token")})
    return writes.generate(catalog, rows, loose, (T,), by_position=by_position, seed=seed)


def test_the_same_script_gives_the_same_writes_and_another_others() -> None:
    assert _generated() == _generated()
    assert _generated() != _generated(seed="1badcafe")


def test_what_is_chance_in_the_rows_decides_nothing() -> None:
    drawn_anew = tuple((*row[:3], f"another {row[0]}", row[4]) for row in ROWS[T].rows)

    assert _generated(rows={**ROWS, T: replace(ROWS[T], rows=drawn_anew)}) == _generated()


@pytest.mark.parametrize("child", [CHILD, KEYLESS], ids=["with a key", "without"])
def test_each_is_one_statement_that_names_no_hidden_column_and_no_value_of_chance(child: Table) -> None:
    for write in _generated(child):
        assert len(tree.statements(write.statement)) == 1
        assert "lockkeeper" not in write.statement
        assert "token 1" not in write.statement
        assert "secret" not in write.title.replace("\\", "")


def test_every_kind_of_write_is_there_for_each_column() -> None:
    titles = {write.title.rpartition(" (")[0] for write in _generated() if write.table == T}

    assert titles >= {
        "insert a row like another",
        "insert a made-up row",
        "insert what is required alone",
        "insert a row again",
        "insert a row again with another key",
        "insert a row that points nowhere by t_p_fkey",
        "insert a row by position",
        "delete a row",
    }
    for column in ("id", "note %s", "p", "twice", "token"):
        assert f"set {column} to NULL" in titles
        assert f"set {column} to a made-up value" in titles
    assert {write.title for write in _generated() if write.table == P} >= {"delete a parent (public.p)"}


def test_a_table_with_a_hidden_column_is_not_written_by_position() -> None:
    assert not any("by position" in write.title for write in _generated(is_hidden=True))


def test_half_of_the_rows_that_nobody_points_at_stay_as_they_are() -> None:
    changed = {
        row.strip("()")
        for write in _generated()
        if write.table == T and write.statement.startswith(("UPDATE", "DELETE"))
        for row in write.statement.rpartition(" WHERE ")[2].split(" OR ")
    }

    assert len(changed) == len(ROWS[T].rows) / 2
