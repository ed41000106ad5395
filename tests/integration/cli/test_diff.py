from __future__ import annotations

from collections.abc import Callable

from tests.integration.cli.conftest import Lockkeeper, Query
from tests.integration.cli.schema import SCHEMA

MakeDatabase = Callable[..., str]


def test_differences_of_two_databases_are_told_in_words(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, one: Query
) -> None:
    first, second = make_database(SCHEMA), make_database(SCHEMA)

    same = lockkeeper("diff", first, second)
    one(second, "DELETE FROM visits")
    one(second, "ALTER TABLE customers ALTER points SET NOT NULL")
    one(second, "CREATE INDEX by_email ON customers (email)")
    one(second, "ALTER TABLE customers DROP COLUMN name")
    told = lockkeeper("diff", first, second)
    back = lockkeeper("diff", second, first, "--json")

    assert (same.status, same.out, same.err) == (0, "The same schema.\n", "")
    assert told.status == 1
    assert "column public.customers.name is missing\n" in told.out
    assert "index public.by_email is new\n" in told.out
    assert "column public.customers.points: NOT NULL was not set, is true\n" in told.out
    assert back.status == 1
    assert {"column public.customers.name is new", "index public.by_email is missing"} <= {
        each["words"] for each in back.object["differences"]
    }


def test_database_that_cannot_be_read_is_named_and_its_password_is_not(
    lockkeeper: Lockkeeper, database: str
) -> None:
    ran = lockkeeper("diff", database, "postgresql://u:geheim@127.0.0.1:1/x")

    assert ran.status == 4
    assert ran.err.startswith("B: ")
    assert "geheim" not in ran.out + ran.err
    assert "Traceback" not in ran.err
