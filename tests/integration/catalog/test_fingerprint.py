from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.integration.catalog.changes import SETUP, Change
from tests.integration.catalog.object_changes import OBJECT_CHANGES
from tests.integration.catalog.relation_changes import RELATION_CHANGES
from workorders.migration.catalog import fingerprint
from workorders.migration.catalog.diff import compare
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.connections import Target
from workorders.migration.names import RelationName, ours, quoted

CHANGES = (*RELATION_CHANGES, *OBJECT_CHANGES)

HOSTILE = ("a b", "Ünï", 'quo"te', "a.b", "new\nline", "é" * 31, "select", "%s", "'", "{}", "A", "a\\n")


@contextmanager
def connected(url: str) -> Iterator[Target]:
    with psycopg.connect(url, autocommit=True) as connection:
        yield Target(connection)


def read(url: str) -> Fingerprint:
    with connected(url) as target:
        return fingerprint.read(target)


def run(url: str, sql: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.encode())


@pytest.mark.parametrize("change", CHANGES, ids=[change.sql[:50] for change in CHANGES])
def test_each_change_is_told_and_its_undoing_gives_the_old_hash(
    change: Change, make_database: Callable[..., str], superuser_dsn: Callable[[str], str]
) -> None:
    database = make_database(SETUP)
    changer = superuser_dsn(database) if change.needs_superuser else database
    before = read(database)

    run(changer, change.sql)
    changed = read(database)
    run(changer, change.undo)
    after = read(database)

    assert changed.hash != before.hash
    told = [str(difference) for difference in compare(before, changed)]
    assert any(sentence.startswith(change.told) for sentence in told), told
    assert [str(difference) for difference in compare(before, after)] == []
    assert after.hash == before.hash


def test_reading_twice_gives_the_same_hash(make_database: Callable[..., str]) -> None:
    database = make_database(SETUP)

    assert read(database).hash == read(database).hash


def test_the_session_changes_nothing_and_is_not_changed(make_database: Callable[..., str]) -> None:
    database = make_database(
        SETUP + "CREATE TABLE d (at timestamptz DEFAULT '2020-01-01 00:00+00', i interval DEFAULT '1 day')"
    )
    names = ("search_path", "TimeZone", "DateStyle", "IntervalStyle", "quote_all_identifiers", "lock_timeout")
    plain = read(database)
    with connected(database) as target:
        target.execute(
            "SET search_path = other; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German';"
            "SET IntervalStyle = 'sql_standard'; SET quote_all_identifiers = on"
        )
        before = [target.execute(f"SHOW {name}".encode()).fetchone() for name in names]
        odd = fingerprint.read(target)
        after = [target.execute(f"SHOW {name}".encode()).fetchone() for name in names]

    assert compare(plain, odd) == ()
    assert after == before


def test_a_transaction_under_way_is_read_and_left_open(make_database: Callable[..., str]) -> None:
    database = make_database(SETUP)
    before = read(database)
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE x ()")
        seen = fingerprint.read(Target(connection))
        connection.execute("SELECT 'x'::regclass")
        connection.rollback()

    assert [str(difference) for difference in compare(before, seen)] == ["table public.x is new"]
    assert read(database).hash == before.hash


def test_ours_leaves_no_trace(make_database: Callable[..., str]) -> None:
    database = make_database(SETUP)
    before = read(database)
    name = {
        kind: quoted(ours(kind, "run", "x")) for kind in ("column", "index", "check", "trigger", "function")
    }

    run(
        database,
        f"""
        CREATE SCHEMA lockkeeper;
        CREATE TABLE lockkeeper.journal (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int DEFAULT 1);
        CREATE VIEW lockkeeper.v AS SELECT * FROM lockkeeper.journal;
        CREATE FUNCTION lockkeeper.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE TYPE lockkeeper.e AS ENUM ('a');
        COMMENT ON SCHEMA lockkeeper IS 'ours';
        ALTER TABLE t ADD {name["column"]} serial, ADD CONSTRAINT {name["check"]} CHECK (c > 0) NOT VALID;
        ALTER TABLE t ADD later int;
        CREATE INDEX {name["index"]} ON t ({name["column"]});
        CREATE FUNCTION {name["function"]}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER {name["trigger"]} BEFORE INSERT ON t EXECUTE FUNCTION {name["function"]}();
        """,
    )

    assert [str(difference) for difference in compare(before, read(database))] == [
        "column public.t.later is new"
    ]
    plain = make_database(SETUP + "ALTER TABLE t ADD later int")
    assert read(plain).hash == read(database).hash


def test_a_dropped_column_leaves_no_trace(make_database: Callable[..., str]) -> None:
    gone = make_database("CREATE TABLE t (gone int, a int); ALTER TABLE t DROP gone")
    never = make_database("CREATE TABLE t (a int)")

    assert read(gone).hash == read(never).hash


def test_the_order_of_columns_counts(make_database: Callable[..., str]) -> None:
    one = read(make_database("CREATE TABLE t (a int, b int)"))
    other = read(make_database("CREATE TABLE t (b int, a int)"))

    assert [str(difference) for difference in compare(one, other)] == [
        "column public.t.a: position was 1, is 2",
        "column public.t.b: position was 2, is 1",
    ]


def test_the_order_of_constraints_and_grants_does_not_count(make_database: Callable[..., str]) -> None:
    one = """CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0);
             ALTER TABLE t ADD CONSTRAINT y CHECK (a > 1);
             GRANT SELECT ON t TO PUBLIC; GRANT INSERT ON t TO pg_monitor;"""
    other = """CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT y CHECK (a > 1);
             ALTER TABLE t ADD CONSTRAINT x CHECK (a > 0);
             GRANT INSERT ON t TO pg_monitor; GRANT SELECT ON t TO PUBLIC;"""

    assert read(make_database(one)).hash == read(make_database(other)).hash


def test_rows_and_what_a_sequence_has_given_do_not_count(make_database: Callable[..., str]) -> None:
    database = make_database(SETUP)
    before = read(database)

    run(
        database, "INSERT INTO p VALUES (1); INSERT INTO t (a, m) VALUES (1, 1); SELECT nextval('s'); ANALYZE"
    )

    assert read(database).hash == before.hash


def test_members_of_an_extension_are_stood_for_by_it(make_database: Callable[..., str]) -> None:
    database = make_database("CREATE EXTENSION hstore")

    assert not [key for key in read(database).objects if key.startswith(("function", "type", "aggregate"))]


def test_names_never_collide_and_never_crash(make_database: Callable[..., str]) -> None:
    database = make_database()
    script = [f"CREATE SCHEMA {quoted(name)}" for name in HOSTILE]
    for schema in HOSTILE:
        for table in HOSTILE:
            columns = ", ".join(f"{quoted(name)} int" for name in HOSTILE)
            script.append(f"CREATE TABLE {quoted(schema)}.{quoted(table)} ({columns})")
    run(database, ";".join(script))

    found = read(database)

    count = len(HOSTILE)
    # The schema public and the extension plpgsql are there too.
    assert len(found.objects) == 2 + count + count**2 + count**3
    assert Fingerprint.from_json(found.to_json()) == found
    one = found.of([RelationName(schema="a.b", name='quo"te')])
    assert len(one.objects) == 1 + count
    assert all("\n" not in str(difference) for difference in compare(Fingerprint(), found))


def test_of_keeps_what_belongs_to_the_relations(make_database: Callable[..., str]) -> None:
    found = read(make_database(SETUP)).of([RelationName(schema="public", name="t")])

    assert {key.split(" ")[0] for key in found.objects} == {
        "table",
        "column",
        "constraint",
        "index",
        "trigger",
        "rule",
        "policy",
        "statistics",
        "sequence",
        "published",
    }
    assert "column public.p.id" not in found.objects
    assert "sequence public.t_id_seq" in found.objects
    assert "sequence public.s" not in found.objects
