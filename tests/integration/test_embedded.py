"""The embedded Postgres, with real processes."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest


def test_a_tests_database_belongs_to_an_ordinary_role(database: str) -> None:
    with psycopg.connect(database) as app:
        app.execute("CREATE TABLE public.berth (id int)")
        app.execute("CREATE SCHEMA quay")

        row = app.execute(
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert row == ("app_owner", False, False, False)


def test_make_database_runs_the_script_in_a_database_of_its_own(make_database: Callable[..., str]) -> None:
    first = make_database("CREATE TABLE one (id int); INSERT INTO one VALUES (1)")
    second = make_database()

    with psycopg.connect(first) as app:
        assert app.execute("SELECT id FROM one").fetchall() == [(1,)]
    with psycopg.connect(second) as app, pytest.raises(psycopg.errors.UndefinedTable):
        app.execute("SELECT id FROM one")


def test_superuser_dsn_names_the_same_database(database: str, superuser_dsn: Callable[[str], str]) -> None:
    with psycopg.connect(database) as app, psycopg.connect(superuser_dsn(database)) as superuser:
        query = "SELECT current_database(), current_setting('is_superuser')"
        (app_database, app_is_superuser) = app.execute(query).fetchone() or ("", "")
        (same_database, is_superuser) = superuser.execute(query).fetchone() or ("", "")

    assert app_database == same_database
    assert (app_is_superuser, is_superuser) == ("off", "on")
