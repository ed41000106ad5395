"""Publications of whole schemas and databases, which take a superuser, and what is refused of any."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.embedded import Server
from tests.integration.migration.application import refused_otherwise, selected, sent
from tests.laws import runs
from tests.plugins.bench import MakeTarget
from workorders.migration import engine, sessions
from workorders.migration.catalog import read as catalogs
from workorders.migration.errors import Refused
from workorders.migration.hazards.linting import lint

_SETUP = """
CREATE SCHEMA s; CREATE SCHEMA "o't %s";
CREATE TABLE t (id int PRIMARY KEY, n int, v text); CREATE TABLE s.u (id serial PRIMARY KEY, n int);
CREATE TABLE keyless (n int); CREATE UNLOGGED TABLE unlogged (n int); CREATE VIEW seen AS SELECT n FROM t;
INSERT INTO t SELECT g, g, 'v' FROM generate_series(1, 30) g; INSERT INTO keyless VALUES (1);
INSERT INTO s.u (n) SELECT generate_series(1, 5);
"""
_WIDE = """
CREATE PUBLICATION every FOR ALL TABLES WITH (publish = 'insert, update, delete');
CREATE PUBLICATION "sch'em" FOR TABLES IN SCHEMA s, "o't %s";
CREATE PUBLICATION owned FOR TABLE t; ALTER PUBLICATION owned OWNER TO pg_monitor;
COMMENT ON PUBLICATION every IS 'every'; COMMENT ON PUBLICATION "sch'em" IS 'schemas';
"""
#: Rows are changed, and columns, tables and a schema go, while all that is ours is published.
_SCRIPT = """
ALTER PUBLICATION owned OWNER TO pg_read_all_data; DROP PUBLICATION owned;
ALTER PUBLICATION "sch'em" ADD TABLE t WHERE (id > 3), TABLES IN SCHEMA public;
ALTER PUBLICATION every SET (publish = 'update, delete');
UPDATE t SET n = n + 1 WHERE id < 20; DELETE FROM t WHERE id > 25; ALTER TABLE s.u ALTER n SET NOT NULL;
ALTER TABLE t ADD COLUMN added float DEFAULT random(); ALTER TABLE t DROP COLUMN v; DROP TABLE s.u;
ALTER PUBLICATION "sch'em" DROP TABLES IN SCHEMA "o't %s"; DROP SCHEMA s CASCADE;
ALTER PUBLICATION "sch'em" SET TABLE t (id);
DROP PUBLICATION every, "sch'em"; CREATE PUBLICATION every FOR TABLES IN SCHEMA "o't %s";
"""


def test_what_is_ours_can_be_written_while_every_table_is_published(
    make_target: MakeTarget, postgres_server: Server
) -> None:
    dsn, plain = (postgres_server.dsn(urlsplit(make_target(_SETUP)).path[1:]) for _ in "ab")
    for each in (dsn, plain):
        sent(each, *filter(str.strip, (f"DROP TABLE keyless;{_WIDE}").split(";")))
    before = runs.state(dsn)
    with pytest.raises(Refused, match="has a column out of sight until"):
        runs.planned(dsn, "ALTER TABLE t DROP COLUMN v; CREATE PUBLICATION p FOR ALL TABLES")
    plan = runs.planned(dsn, _SCRIPT)

    runs.executed(dsn, plan)
    written = """SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'lockkeeper'::regnamespace
        AND c.relkind = 'r' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)
        AND pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid) > 0"""
    assert selected(dsn, written) == []
    runs.rolled_back(dsn, plan.run)
    former = runs.taken_back(before, plan)
    assert former.differences(runs.state(dsn), frozenset()) == []

    again = runs.planned(dsn, _SCRIPT)
    runs.executed(dsn, again)
    runs.purged(dsn, again.run)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(_SCRIPT.encode())
    there = runs.moved(runs.state(plain), again)
    assert there.schema == runs.state(dsn).schema


#: Each with what is said of it.
_REFUSED = {
    "CREATE PUBLICATION p FOR TABLES IN SCHEMA lockkeeper": r"Lockkeeper's own schema",
    "CREATE PUBLICATION p FOR TABLE lockkeeper.journal": r"no table journal",
    "CREATE PUBLICATION lockkeeper_p": r"Lockkeeper's own",
    "CREATE PUBLICATION given": r"already a publication given",
    "CREATE PUBLICATION p FOR TABLE seen": r"public\.seen is no table",
    "CREATE PUBLICATION p FOR TABLE unlogged": r"public\.unlogged is no table",
    "CREATE PUBLICATION p FOR TABLE t (id, nothing)": r"no column nothing",
    "CREATE PUBLICATION p FOR TABLE t (id), t (n)": r"public\.t is named twice",
    "CREATE PUBLICATION p FOR TABLES IN SCHEMA s": r"TABLES IN SCHEMA takes a superuser",
    'ALTER PUBLICATION "sch\'em" ADD TABLE t (id)': r"cannot stand beside",
    "CREATE PUBLICATION p FOR TABLES IN SCHEMA nowhere": r"no schema nowhere",
    "ALTER PUBLICATION given ADD TABLE t": r"names public\.t already",
    "ALTER PUBLICATION given DROP TABLE keyless": r"does not name public\.keyless",
    "ALTER PUBLICATION given DROP TABLE t (id)": r"takes no columns",
    "ALTER PUBLICATION nowhere ADD TABLE t": r"no publication nowhere",
    "ALTER PUBLICATION every ADD TABLE t": r"FOR ALL TABLES: none can be added",
    'DROP PUBLICATION "sch\'em"': r"and to give that back takes a superuser, which",
    "DROP PUBLICATION every": r"is FOR ALL TABLES, and to give that back takes a superuser",
    "DROP PUBLICATION given, nowhere": r"no publication nowhere",
    "ALTER TABLE t DROP COLUMN v; ALTER PUBLICATION given SET TABLE t": r"a column out of sight until",
    "CREATE PUBLICATION p FOR ALL TABLES": r"FOR ALL TABLES takes a superuser, which \w+ is not",
    "CREATE PUBLICATION p FOR TABLE s.u; ALTER TABLE s.u ALTER n TYPE bigint": r"is published by ",
    "ALTER PUBLICATION given SET TABLE t (id, v); ALTER TABLE t DROP COLUMN v": r"publication of table",
    "CREATE SUBSCRIPTION s CONNECTION 'host=h' PUBLICATION p": r"another server's rows",
}


def test_what_cannot_be_published_is_refused_by_its_name(
    make_target: MakeTarget, postgres_server: Server
) -> None:
    dsn = make_target(_SETUP)
    sent(dsn, "CREATE PUBLICATION given FOR TABLE t")
    sent(postgres_server.dsn(urlsplit(dsn).path[1:]), *filter(str.strip, _WIDE.split(";")))

    assert refused_otherwise(dsn, _REFUSED) == {}


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("CREATE PUBLICATION p FOR TABLE keyless, t", "public.keyless fails from then on: nothing tells"),
        ("CREATE PUBLICATION p FOR TABLE t (n, v)", "id is left out"),
        ("ALTER PUBLICATION quiet SET (publish = 'delete')", "UPDATE and DELETE of public.keyless fails"),
        ("ALTER PUBLICATION quiet ADD TABLE t WHERE (n > 1)", ""),
    ],
)
def test_a_plan_says_whose_changes_will_fail(make_target: MakeTarget, sql: str, words: str) -> None:
    dsn = make_target(_SETUP)
    sent(dsn, "CREATE PUBLICATION quiet FOR TABLE keyless WITH (publish = 'insert')")

    plan = runs.planned(dsn, sql)

    said = " ".join(hazard for planned in plan.statements for hazard in planned.hazards)
    assert words in said if words else "fails" not in said
    assert "REFRESH PUBLICATION" in plan.steps[0].loses or "stays so" in plan.steps[0].loses


def test_a_dropped_column_of_a_published_table_has_to_be_accepted(make_target: MakeTarget) -> None:
    """Until the purge it is sent to subscribers, which have no such column."""
    dsn = make_target(
        "CREATE TABLE t (id int PRIMARY KEY, v int); CREATE TABLE u (id int PRIMARY KEY, v int);"
        " CREATE PUBLICATION p FOR TABLE t"
    )
    with closing(sessions.connect(dsn)) as target:
        published, other = (
            engine.prepare(target, f"ALTER TABLE {name} RENAME TO x; ALTER TABLE x DROP COLUMN v").plan
            for name in "tu"
        )
        renamed = engine.prepare(target, "ALTER TABLE t RENAME TO x").plan

    assert "published" in published.acceptances
    assert "published" not in (*other.acceptances, *renamed.acceptances)


def test_lint_knows_what_the_scripts_own_publications_publish(make_target: MakeTarget) -> None:
    dsn = make_target("CREATE TABLE keyless (n int); INSERT INTO keyless VALUES (1)")
    inserts = "CREATE PUBLICATION p WITH (publish = 'insert'); ALTER PUBLICATION p ADD TABLE keyless;"
    scripts = {
        inserts: False,
        "CREATE PUBLICATION p; ALTER PUBLICATION p ADD TABLE keyless;": True,
        inserts.replace("; ALTER", "; ALTER PUBLICATION p SET (publish = 'update'); ALTER"): True,
        "ALTER TABLE keyless REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE keyless;": False,
        "ALTER TABLE keyless REPLICA IDENTITY NOTHING; CREATE PUBLICATION p FOR TABLE keyless;": True,
    }
    with closing(sessions.connect(dsn)) as target:
        catalog = catalogs.read(target)

    for script, is_warned in scripts.items():
        found = {each.hazard.id for each in lint(script, catalog).findings}
        assert ("publish-without-identity" in found) is is_warned, script
