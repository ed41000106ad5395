"""Cases of what changes only objects without rows: each kind forth and back, with all that is said of it."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case

LONG = "ü" * 31 + "v"  # 63 bytes
_ODD = f'"Odd schéma"."{LONG}"'

_SETUP = f"""
CREATE SCHEMA "Odd schéma";
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE unused AS ENUM ('a', 'b');
CREATE DOMAIN free AS int DEFAULT 3 CHECK (VALUE > 0);
CREATE TABLE t (id int PRIMARY KEY, a int, b text, m mood);
CREATE TABLE plain (id int PRIMARY KEY, v int) WITH (fillfactor = 70);
ALTER TABLE plain ALTER v SET STATISTICS 77;
INSERT INTO t SELECT g, g, 'b' || g, 'sad' FROM generate_series(1, 9) g;
INSERT INTO plain SELECT g, g FROM generate_series(1, 5) g;
CREATE VIEW v WITH (security_barrier) AS SELECT id, a, b FROM t;
ALTER VIEW v ALTER a SET DEFAULT 9;
COMMENT ON VIEW v IS 'it''s v \\';
COMMENT ON COLUMN v.a IS 'a of v';
GRANT SELECT (id), UPDATE (a) ON v TO PUBLIC;
GRANT SELECT ON v TO pg_monitor WITH GRANT OPTION;
CREATE VIEW above AS SELECT id FROM v WHERE a > 1;
COMMENT ON VIEW above IS 'needs v';
CREATE VIEW grouped AS SELECT id, a, b, count(*) AS n FROM t GROUP BY id;
CREATE VIEW {_ODD} AS SELECT id AS "we""ird {{col}} %s" FROM t;
COMMENT ON VIEW {_ODD} IS '{{}} %s';
CREATE FUNCTION f(x int, y int DEFAULT 2) RETURNS int LANGUAGE sql STABLE AS $$SELECT x + y$$;
CREATE FUNCTION f(x text) RETURNS text LANGUAGE sql AS $$SELECT x || '; "$"'$$;
CREATE FUNCTION bare(x int) RETURNS int LANGUAGE sql AS $$SELECT x$$;
CREATE FUNCTION of_mood(m mood, OUT s text) LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$SELECT m::text$$;
REVOKE ALL ON FUNCTION bare(int) FROM PUBLIC;
COMMENT ON FUNCTION bare(int) IS 'bare';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE PROCEDURE work(IN x int, OUT y text) LANGUAGE plpgsql AS $$BEGIN y := x; END$$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER asleep BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE t DISABLE TRIGGER asleep;
CREATE TRIGGER awake BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.a > 3) EXECUTE FUNCTION touch();
COMMENT ON TRIGGER awake ON t IS 'awake';
CREATE POLICY mine ON t FOR SELECT TO pg_monitor, pg_read_all_stats USING (a > 0);
COMMENT ON POLICY mine ON t IS 'mine';
COMMENT ON TABLE t IS 'the table';
COMMENT ON COLUMN t.b IS 'the column';
CREATE SEQUENCE counter START 5 INCREMENT 5 CACHE 3 MAXVALUE 1000 CYCLE;
CREATE RULE quiet AS ON DELETE TO plain WHERE OLD.id = 0 DO INSTEAD NOTHING;
CREATE STATISTICS both_of (dependencies) ON id, v FROM plain;
"""

_FAVOURING = (
    _SETUP
    + """
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
"""
)


def _case(name: str, sql: str, setup: str = _SETUP) -> Case:
    return Case(name=f"definition: {name}", sql=sql, setup=setup)


CASES = (
    _case(
        "create views",
        f"""CREATE SCHEMA fresh; CREATE VIEW fresh."{LONG}" AS SELECT * FROM v;
        CREATE MATERIALIZED VIEW mat AS SELECT id FROM t; COMMENT ON MATERIALIZED VIEW mat IS 'm'; GRANT SELECT ON mat, t TO pg_monitor;
        CREATE OR REPLACE VIEW fresh."{LONG}" AS SELECT id, a, b FROM v WHERE id > 3""",
        _FAVOURING,
    ),
    _case(
        "create programs",
        """CREATE FUNCTION g(m mood[], d int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE PROCEDURE gp(INOUT x int) LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE most(int) (SFUNC = int4larger, STYPE = int);
        CREATE TYPE "nv %s" AS (v int, n int); CREATE FUNCTION st("nv %s", "nv %s") RETURNS "nv %s" LANGUAGE sql IMMUTABLE AS 'SELECT $1';
        CREATE AGGREGATE am("nv %s") (SFUNC = st, STYPE = "nv %s"); COMMENT ON AGGREGATE am("nv %s") IS 'it''s'; COMMENT ON FUNCTION st("nv %s", "nv %s") IS 'x';
        CREATE TRIGGER third AFTER UPDATE ON t FOR EACH STATEMENT EXECUTE FUNCTION touch();
        CREATE POLICY p ON plain USING (v > 0); ALTER TABLE plain ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE RULE r AS ON INSERT TO plain DO ALSO NOTHING""",
    ),
    _case(
        "create types",
        """CREATE TYPE e AS ENUM ('x', 'y'); CREATE TYPE c AS (a int, b e); CREATE DOMAIN d AS text CHECK (VALUE <> '');
        CREATE TYPE span AS RANGE (subtype = int); CREATE SEQUENCE IF NOT EXISTS s; CREATE STATISTICS st ON a, b FROM t""",
    ),
    _case(
        "replace view in place",
        "CREATE OR REPLACE VIEW v AS SELECT id, a + 1 AS a, b FROM t; CREATE OR REPLACE VIEW v AS SELECT id, a, b FROM t WHERE a > 2",
    ),
    _case(
        "replace view with a column more",
        "CREATE OR REPLACE VIEW v AS SELECT id, a, b, m FROM t;"
        " CREATE OR REPLACE VIEW grouped AS SELECT id, a, b, count(*) + 1 AS n FROM t GROUP BY id",
        _FAVOURING,
    ),
    _case(
        "drop and make view",
        "DROP VIEW above, v; CREATE VIEW v AS SELECT id FROM t; GRANT SELECT ON v TO pg_monitor; ALTER TABLE t ADD z int",
    ),
    _case(
        "drop views with all",
        f"DROP VIEW v CASCADE; DROP VIEW IF EXISTS nothing, grouped; DROP VIEW {_ODD}",
        _FAVOURING,
    ),
    _case(
        "replace function",
        "CREATE OR REPLACE FUNCTION f(x int, y int DEFAULT 7) RETURNS int LANGUAGE sql AS $$SELECT x * y$$;"
        " CREATE OR REPLACE FUNCTION bare(x int DEFAULT 4) RETURNS int LANGUAGE sql AS $$SELECT x + 1$$;"
        " ALTER FUNCTION f(int, int) COST 7; ALTER FUNCTION f(text) RENAME TO ff; COMMENT ON FUNCTION ff IS 'x'",
        _FAVOURING,
    ),
    _case(
        "drop functions",
        "DROP FUNCTION f(integer, int4), of_mood(mood); DROP FUNCTION touch CASCADE;"
        " DROP AGGREGATE total(int); DROP PROCEDURE work; DROP ROUTINE bare(int)",
    ),
    _case(
        "triggers",
        "DROP TRIGGER asleep ON t; CREATE OR REPLACE TRIGGER awake AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();"
        " ALTER TABLE t DISABLE TRIGGER awake; ALTER TRIGGER awake ON t RENAME TO woken",
    ),
    _case(
        "policies and rules",
        "ALTER POLICY mine ON t USING (a > 5); DROP POLICY mine ON t; DROP RULE quiet ON plain; DROP STATISTICS both_of",
    ),
    _case(
        "privileges",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO pg_monitor; REVOKE ALL ON v FROM PUBLIC, pg_monitor;"
        " GRANT EXECUTE ON FUNCTION bare TO pg_monitor; REVOKE USAGE ON TYPE mood FROM PUBLIC;"
        ' GRANT USAGE ON SCHEMA "Odd schéma" TO pg_monitor',
    ),
    _case(
        "default privileges",
        "ALTER DEFAULT PRIVILEGES REVOKE SELECT ON TABLES FROM pg_monitor;"
        " ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO PUBLIC",
        _FAVOURING,
    ),
    _case(
        "comments",
        "COMMENT ON VIEW v IS NULL; COMMENT ON TABLE t IS 'new'; COMMENT ON COLUMN t.a IS 'a'; COMMENT ON COLUMN t.b IS 'bb';"
        " COMMENT ON TRIGGER awake ON t IS NULL; COMMENT ON CONSTRAINT t_pkey ON t IS 'key'; COMMENT ON TYPE mood IS 'm';"
        " CREATE DOMAIN fresh AS text; COMMENT ON DOMAIN fresh IS 'a'; COMMENT ON DOMAIN fresh IS 'it''s b'; COMMENT ON DOMAIN fresh IS NULL",
    ),
    _case(
        "alter types and sequences",
        "ALTER TYPE unused ADD VALUE 'c' BEFORE 'b'; ALTER TYPE mood RENAME VALUE 'sad' TO 'glum'; ALTER TYPE mood RENAME TO temper;"
        " ALTER DOMAIN free SET DEFAULT 8; ALTER SEQUENCE counter INCREMENT 7 NO CYCLE; DROP TYPE unused; DROP DOMAIN free",
    ),
    _case(
        "alter views and tables",
        "ALTER VIEW above RENAME TO over; ALTER VIEW over SET (security_invoker = true); ALTER TABLE plain ALTER v SET STATISTICS 5;"
        " ALTER TABLE plain SET (fillfactor = 80, autovacuum_enabled = false); ALTER TABLE plain REPLICA IDENTITY FULL;"
        " ALTER TABLE t DISABLE TRIGGER USER; ALTER VIEW v RENAME COLUMN b TO bb",
    ),
    Case(
        name="index of a materialised view",
        setup="CREATE TABLE t (id int, a int); INSERT INTO t SELECT g, g FROM generate_series(1, 9) g;"
        " CREATE MATERIALIZED VIEW mat AS SELECT id, a FROM t; CREATE INDEX by_a ON mat (a)",
        sql="CREATE INDEX ON mat (id); CREATE UNIQUE INDEX mat_id ON mat (id, a); DROP INDEX by_a",
    ),
)
