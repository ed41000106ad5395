"""A script of definitions by the command: rehearsed, applied, and rolled back to the same fingerprint."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.integration.cli.conftest import AsRole, Lockkeeper, Query
from workorders.migration.rehearsal.proof import CLAIMS

MakeDatabase = Callable[..., str]

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE plan AS ENUM ('FREE', 'PAID', 'OLD');
CREATE TABLE people (id int PRIMARY KEY, name text, m mood NOT NULL DEFAULT 'sad', plan plan DEFAULT 'FREE', seen int DEFAULT 0);
CREATE INDEX people_sad ON people (id) WHERE m = 'sad';
INSERT INTO people (id, name) SELECT g, 'name ' || g FROM generate_series(1, 300) g;
CREATE VIEW happy AS SELECT id, name FROM people WHERE m = 'happy';
COMMENT ON VIEW happy IS 'the happy ones'; GRANT SELECT ON happy TO pg_monitor;
CREATE VIEW counted AS SELECT count(*) AS n FROM happy;
CREATE MATERIALIZED VIEW moods AS SELECT m, count(*) AS n FROM people GROUP BY m;
CREATE UNIQUE INDEX moods_m ON moods (m);
CREATE FUNCTION greet(who text) RETURNS text LANGUAGE sql AS $$SELECT 'hi ' || who$$;
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.seen := coalesce(OLD.seen, 0) + 1; RETURN NEW; END$$;
CREATE TRIGGER seeing BEFORE UPDATE OF name ON people FOR EACH ROW EXECUTE FUNCTION see();
CREATE POLICY own ON people USING (name <> '');
"""

SCRIPT = """
CREATE OR REPLACE FUNCTION greet(who text) RETURNS text LANGUAGE sql AS $$SELECT 'hello ' || who$$;
CREATE OR REPLACE VIEW happy AS SELECT id, name, m FROM people WHERE m = 'happy';
DROP TRIGGER seeing ON people;
CREATE TRIGGER seeing AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION see();
ALTER POLICY own ON people USING (name <> '' AND id > 0);
CREATE POLICY more ON people FOR INSERT WITH CHECK (true);
REVOKE SELECT ON happy FROM pg_monitor;
GRANT SELECT ON people TO pg_monitor;
COMMENT ON COLUMN people.name IS 'as they say it';
DROP MATERIALIZED VIEW moods;
CREATE MATERIALIZED VIEW moods AS SELECT m, max(id) AS id, count(*) AS n FROM people GROUP BY m;
CREATE INDEX moods_m ON moods (m);
DROP VIEW happy CASCADE;
ALTER TYPE mood ADD VALUE 'angry' BEFORE 'happy';
UPDATE people SET name = upper(name), m = 'happy' WHERE id > 250;
REFRESH MATERIALIZED VIEW moods;
BEGIN;
CREATE TYPE "plan_new" AS ENUM ('FREE', 'PAID');
ALTER TABLE people ALTER COLUMN plan DROP DEFAULT, ALTER COLUMN plan TYPE "plan_new" USING ("plan"::text::"plan_new");
ALTER TYPE "plan" RENAME TO "plan_old";
ALTER TYPE "plan_new" RENAME TO "plan";
DROP TYPE "plan_old";
ALTER TABLE people ALTER COLUMN plan SET DEFAULT 'PAID';
COMMIT;
"""

ROWS = "SELECT md5(string_agg(p::text, ',' ORDER BY p.id)) FROM people p"
MOODS = "SELECT string_agg(o::text, ',' ORDER BY o.m) FROM moods o"


def test_definitions_are_proven_applied_and_rolled_back_to_the_same_schema(
    lockkeeper: Lockkeeper, make_database: MakeDatabase, as_role: AsRole, one: Query, tmp_path: Path
) -> None:
    # A member of the owner: what it makes is its own at first.
    url = as_role(make_database(SCHEMA), "app_keeper")
    script = tmp_path / "change.sql"
    script.write_text(SCRIPT)
    schema, rows, moods = lockkeeper("fingerprint", "--database", url).out, one(url, ROWS), one(url, MOODS)

    applied = lockkeeper("apply", str(script), "--database", url, "--yes", "--json")
    assert applied.status == 0, applied.out + applied.err
    run = applied.object["run"]
    greeting = one(url, "SELECT greet('you')")
    labels = one(url, "SELECT enum_range(NULL::mood)::text || enum_range(NULL::plan)::text")
    seen = one(url, "SELECT sum(n) FROM moods WHERE m = 'happy'")
    one(url, "UPDATE people SET m = 'angry' WHERE id = 7")
    undecided = lockkeeper("rollback", run, "--database", url)
    after = one(url, "SELECT greet('you')")
    undone = lockkeeper("rollback", run, "--database", url, "--fill", "m='sad'")

    assert {proof["name"]: proof["holds"] for proof in applied.object["proofs"]} == {
        **dict.fromkeys(CLAIMS, True),
        "workload": None,  # nobody counts statements there
    }
    assert (greeting, labels, seen) == ("hello you", "{sad,angry,happy}{FREE,PAID}", 50)
    assert (undecided.status, after) == (4, "hello you")
    assert "'angry'" in undecided.err
    assert undone.status == 0, undone.err
    assert lockkeeper("fingerprint", "--database", url).out == schema
    assert (one(url, ROWS), one(url, MOODS)) == (rows, moods)
