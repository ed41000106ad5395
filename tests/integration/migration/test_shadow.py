"""Rehearsals leave nothing on the shadow server, and take nothing of one that is still alive."""

from __future__ import annotations

from contextlib import closing

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bot.embedded import Server, binaries
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions
from workorders.migration.catalog import diff, fingerprint
from workorders.migration.catalog import read as catalogs
from workorders.migration.connections import Shadow
from workorders.migration.rehearsal.shadow import shadow_of


def databases(shadow_server: Server) -> set[str]:
    with psycopg.connect(shadow_server.dsn(), autocommit=True) as shadow:
        rows = shadow.execute("SELECT datname FROM pg_database WHERE datname ~ '^shadow'").fetchall()
    return {name for (name,) in rows}


def name_of(dsn: str) -> str:
    return str(conninfo_to_dict(dsn)["dbname"])


def test_what_a_dead_rehearsal_left_is_dropped_by_the_next_and_a_living_one_is_left_alone(
    make_target: MakeTarget, shadow_server: Server
) -> None:
    url = make_target(
        "CREATE TABLE orders (id int PRIMARY KEY CONSTRAINT counted CHECK (id > 0));"
        " CREATE TABLE late () INHERITS (orders);"
        " COMMENT ON CONSTRAINT counted ON late IS 'the heir''s'; COMMENT ON COLUMN late.id IS 'its number';"
    )
    dead = {"shadow_0123456789ab", "shadow_0123456789ab_1"}
    for name in dead:
        shadow_server.create_database(name)

    with closing(sessions.connect(url)) as target:
        catalog = engine.prepare(target, "CREATE INDEX ON orders (id);", binaries=binaries()).catalog
        with shadow_of(target, url, catalog, shadow_server, binaries()) as living:
            copies = {name_of(living.template), name_of(living.clone().superuser)}
            with psycopg.connect(living.template, autocommit=True) as template:
                copied = fingerprint.read(Shadow(template))
            with shadow_of(target, url, catalog, shadow_server, binaries()):
                seen = databases(shadow_server)

        # What pg_dump leaves out of a schema is there, too.
        differences = diff.compare(fingerprint.read(target), copied)
    assert [str(each) for each in differences if ".late" in each.key] == []
    # Other tests rehearse on the same server, so nothing is said of what else is there.
    assert copies <= seen
    assert dead.isdisjoint(seen)
    assert copies.isdisjoint(databases(shadow_server))


def test_what_a_table_calls_may_say_names_without_their_schema(
    make_target: MakeTarget, shadow_server: Server
) -> None:
    """As on the target; pg_dump's own session finds none but the server's."""
    url = make_target(
        "CREATE TYPE pair AS (a int, b int);"
        " CREATE FUNCTION paired(n int) RETURNS pair LANGUAGE sql IMMUTABLE AS 'SELECT ROW(n, n)::pair';"
        " CREATE TABLE t (id int PRIMARY KEY, both_of pair GENERATED ALWAYS AS (paired(id)) STORED);"
    )
    with closing(sessions.connect(url)) as target:
        catalog = catalogs.read(target)
        with shadow_of(target, url, catalog, shadow_server, binaries()) as shadow:
            with psycopg.connect(shadow.template, autocommit=True) as template:
                copied = fingerprint.read(Shadow(template))
        assert diff.compare(fingerprint.read(target), copied) == ()
