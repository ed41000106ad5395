"""What a name becomes through several renamings, and what it was before them."""

from __future__ import annotations

from workorders.migration.names import RelationName
from workorders.migration.renames import Names, Part, Renamed
from workorders.migration.sql import renamed


def _name(name: str) -> RelationName:
    return RelationName(schema="public", name=name)


A, B, C = _name("a"), _name("b"), _name("c")

#: Two tables change names by way of a third one, and columns of both on the way.
SWAPPED = Names(
    renames=(
        Renamed(part=Part.COLUMN, table=A, becomes=A, was="x", now="y"),
        Renamed(part=Part.TABLE, table=A, becomes=C),
        Renamed(part=Part.TABLE, table=B, becomes=A),
        Renamed(part=Part.COLUMN, table=A, becomes=A, was="x", now="z"),
        Renamed(part=Part.CONSTRAINT, table=A, becomes=A, was="x", now="k"),
        Renamed(part=Part.TABLE, table=C, becomes=B),
    )
)


def test_each_name_goes_its_own_way_and_back() -> None:
    assert [SWAPPED.table(name) for name in (A, B, C)] == [B, A, B]
    assert [SWAPPED.column(A, "x"), SWAPPED.column(B, "x"), SWAPPED.column(B, "y")] == ["y", "z", "y"]
    assert [SWAPPED.constraint(A, "x"), SWAPPED.constraint(B, "x")] == ["x", "k"]

    given_up = [(each.table.name, each.was) for each in SWAPPED.given_up]
    assert given_up == [("a", "x"), ("a", ""), ("b", ""), ("b", "x"), ("b", "x"), ("a", "")]

    back = SWAPPED.reversed
    assert [back.table(name) for name in (A, B)] == [B, A]
    assert [back.column(B, "y"), back.column(A, "z"), back.column(A, "y")] == ["x", "x", "y"]
    assert back.constraint(A, "k") == "x"


def test_a_query_changes_the_names_that_it_means_and_no_others() -> None:
    asked = (
        "SELECT count(*) FROM public.a t WHERE t.x = 'x' AND y > 0 AND NOT EXISTS"
        " (SELECT FROM public.b p WHERE p.x = t.x AND p.w = 'public.a')"
    )

    assert renamed.query(asked, SWAPPED, main=A) == (
        "SELECT count(*) FROM public.b t WHERE t.y = 'x' AND y > 0 AND NOT EXISTS"
        " (SELECT FROM public.a p WHERE p.z = t.y AND p.w = 'public.a')"
    )


def test_a_statement_changes_the_table_that_it_is_about() -> None:
    old, new = RelationName(schema="A b", name='t"'), RelationName(schema="s", name="ü %s")
    texts = [
        'ALTER TABLE "A b"."t""" DROP COLUMN IF EXISTS "t"""',
        'DROP TRIGGER IF EXISTS "t""" ON "A b"."t"""',
        'SELECT pg_catalog.to_regclass(\'"A b"."t"""\') IS NOT NULL',
    ]

    assert [renamed.with_table(text, old, new) for text in texts] == [
        'ALTER TABLE s."ü %s" DROP IF EXISTS "t"""',
        'DROP TRIGGER IF EXISTS "t""" ON s."ü %s"',
        'SELECT pg_catalog.to_regclass(\'"s"."ü %s"\') IS NOT NULL',
    ]
    assert renamed.with_table(texts[0], _name("t"), new) == texts[0]
