"""Objects added and dropped, and changes of all that is not a relation or a column."""

from __future__ import annotations

from tests.integration.catalog.changes import Change, added_and_dropped, altered

OBJECT_CHANGES: tuple[Change, ...] = (
    *added_and_dropped("CREATE SCHEMA s2", "DROP SCHEMA s2", "schema s2"),
    *added_and_dropped("CREATE TABLE x ()", "DROP TABLE x", "table public.x"),
    *added_and_dropped("CREATE VIEW x AS SELECT 1", "DROP VIEW x", "view public.x"),
    *added_and_dropped("CREATE SEQUENCE x", "DROP SEQUENCE x", "sequence public.x"),
    *added_and_dropped("CREATE INDEX x ON t (a)", "DROP INDEX x", "index public.x"),
    *added_and_dropped("CREATE TYPE x AS ENUM ()", "DROP TYPE x", "type public.x"),
    *added_and_dropped("CREATE TYPE x AS (a int)", "DROP TYPE x", "composite type public.x"),
    *added_and_dropped("CREATE DOMAIN x AS int", "DROP DOMAIN x", "domain public.x"),
    *added_and_dropped("CREATE STATISTICS x ON a, c FROM t", "DROP STATISTICS x", "statistics public.x"),
    *added_and_dropped(
        "CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION f(text)",
        "function public.f(text)",
    ),
    *added_and_dropped(
        "CREATE AGGREGATE x(int) (SFUNC = int4pl, STYPE = int)",
        "DROP AGGREGATE x(int)",
        "aggregate public.x(integer)",
    ),
    *added_and_dropped("CREATE EXTENSION hstore", "DROP EXTENSION hstore", "extension hstore"),
    *added_and_dropped("CREATE PUBLICATION x", "DROP PUBLICATION x", "publication x"),
    *added_and_dropped("ALTER TABLE p ADD y int", "ALTER TABLE p DROP y", "column public.p.y"),
    *added_and_dropped(
        "ALTER TYPE pair ADD ATTRIBUTE z int", "ALTER TYPE pair DROP ATTRIBUTE z", "column public.pair.z"
    ),
    *added_and_dropped(
        "ALTER TABLE t ADD CONSTRAINT u UNIQUE (c)",
        "ALTER TABLE t DROP CONSTRAINT u",
        "constraint public.t.u",
    ),
    *added_and_dropped(
        "ALTER TABLE t ADD CONSTRAINT e EXCLUDE (c WITH =)",
        "ALTER TABLE t DROP CONSTRAINT e",
        "constraint public.t.e",
    ),
    *added_and_dropped(
        "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION trg()",
        "DROP TRIGGER x ON t",
        "trigger public.t.x",
    ),
    *added_and_dropped(
        "CREATE RULE x AS ON INSERT TO p DO ALSO NOTIFY n", "DROP RULE x ON p", "rule public.p.x"
    ),
    *added_and_dropped("CREATE POLICY x ON t", "DROP POLICY x ON t", "policy public.t.x"),
    *added_and_dropped(
        "ALTER PUBLICATION pub ADD TABLE p",
        "ALTER PUBLICATION pub DROP TABLE p",
        "published table public.p.pub",
    ),
    *added_and_dropped(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA other GRANT SELECT ON TABLES TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA other REVOKE SELECT ON TABLES FROM PUBLIC",
        "default privileges other.tables.app_owner",
    ),
    # Constraints, indexes, triggers, rules, policies, statistics.
    altered(
        "constraint public.t.t_nv: definition",
        "ALTER TABLE t VALIDATE CONSTRAINT t_nv",
        "ALTER TABLE t DROP CONSTRAINT t_nv; ALTER TABLE t ADD CONSTRAINT t_nv CHECK (b <> '') NOT VALID",
    ),
    altered(
        "constraint public.t.t_p: definition",
        "ALTER TABLE t ALTER CONSTRAINT t_p DEFERRABLE",
        "ALTER TABLE t ALTER CONSTRAINT t_p NOT DEFERRABLE",
    ),
    altered(
        "constraint public.t.t_p: definition",
        "ALTER TABLE t ALTER CONSTRAINT t_p NOT ENFORCED",
        "ALTER TABLE t ALTER CONSTRAINT t_p ENFORCED",
    ),
    altered(
        "constraint public.t.t_a: definition",
        "ALTER TABLE t DROP CONSTRAINT t_a; ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0) NO INHERIT",
        "ALTER TABLE t DROP CONSTRAINT t_a; ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0)",
    ),
    altered(
        "constraint public.t.t_a: comment",
        "COMMENT ON CONSTRAINT t_a ON t IS 'x'",
        "COMMENT ON CONSTRAINT t_a ON t IS NULL",
    ),
    altered(
        "constraint public.t.t_a is missing",
        "ALTER TABLE t RENAME CONSTRAINT t_a TO x",
        "ALTER TABLE t RENAME CONSTRAINT x TO t_a",
    ),
    altered(
        "index public.t_b: definition",
        "DROP INDEX t_b; CREATE INDEX t_b ON t (b DESC)",
        "DROP INDEX t_b; CREATE INDEX t_b ON t (b)",
    ),
    altered(
        "index public.t_b: definition",
        "ALTER INDEX t_b SET (fillfactor = 50)",
        "ALTER INDEX t_b RESET (fillfactor)",
    ),
    altered(
        "index public.t_b: clustered", "ALTER TABLE t CLUSTER ON t_b", "ALTER TABLE t SET WITHOUT CLUSTER"
    ),
    altered(
        "index public.t_b: valid",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_b'::regclass",
        "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 't_b'::regclass",
        needs_superuser=True,
    ),
    altered("index public.t_b: comment", "COMMENT ON INDEX t_b IS 'x'", "COMMENT ON INDEX t_b IS NULL"),
    altered(
        "index public.t_expr: statistics targets",
        "ALTER INDEX t_expr ALTER 1 SET STATISTICS 9",
        "ALTER INDEX t_expr ALTER 1 SET STATISTICS -1",
    ),
    *(
        altered(
            "trigger public.t.trig: enabled",
            f"ALTER TABLE t {how} TRIGGER trig",
            "ALTER TABLE t ENABLE TRIGGER trig",
        )
        for how in ("DISABLE", "ENABLE ALWAYS", "ENABLE REPLICA")
    ),
    altered(
        "trigger public.t.trig: definition",
        "CREATE OR REPLACE TRIGGER trig BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION trg()",
        "CREATE OR REPLACE TRIGGER trig BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION trg()",
    ),
    altered(
        "trigger public.t.trig: comment",
        "COMMENT ON TRIGGER trig ON t IS 'x'",
        "COMMENT ON TRIGGER trig ON t IS NULL",
    ),
    altered("rule public.t.r: enabled", "ALTER TABLE t DISABLE RULE r", "ALTER TABLE t ENABLE RULE r"),
    altered(
        "rule public.t.r: definition",
        "CREATE OR REPLACE RULE r AS ON DELETE TO t DO ALSO NOTIFY off",
        "CREATE OR REPLACE RULE r AS ON DELETE TO t DO ALSO NOTIFY gone",
    ),
    altered(
        "policy public.t.pol: using",
        "ALTER POLICY pol ON t USING (a > 1)",
        "ALTER POLICY pol ON t USING (a > 0)",
    ),
    altered(
        "policy public.t.pol: roles", "ALTER POLICY pol ON t TO app_owner", "ALTER POLICY pol ON t TO PUBLIC"
    ),
    altered(
        "policy public.t.pol: with check",
        "ALTER POLICY pol ON t WITH CHECK (a > 1)",
        "DROP POLICY pol ON t; CREATE POLICY pol ON t USING (a > 0)",
    ),
    altered(
        "policy public.t.pol: command",
        "DROP POLICY pol ON t; CREATE POLICY pol ON t FOR SELECT USING (a > 0)",
        "DROP POLICY pol ON t; CREATE POLICY pol ON t USING (a > 0)",
    ),
    altered(
        "policy public.t.pol: permissive",
        "DROP POLICY pol ON t; CREATE POLICY pol ON t AS RESTRICTIVE USING (a > 0)",
        "DROP POLICY pol ON t; CREATE POLICY pol ON t USING (a > 0)",
    ),
    altered(
        "policy public.t.pol: comment",
        "COMMENT ON POLICY pol ON t IS 'x'",
        "COMMENT ON POLICY pol ON t IS NULL",
    ),
    altered(
        "statistics public.st: target",
        "ALTER STATISTICS st SET STATISTICS 5",
        "ALTER STATISTICS st SET STATISTICS -1",
    ),
    altered(
        "statistics public.st: comment", "COMMENT ON STATISTICS st IS 'x'", "COMMENT ON STATISTICS st IS NULL"
    ),
    # Programs, types, sequences, publications, schemas, extensions.
    altered(
        "function public.f(n integer): definition",
        "CREATE OR REPLACE FUNCTION f(n int) RETURNS int LANGUAGE sql AS 'SELECT n + 1'",
        "CREATE OR REPLACE FUNCTION f(n int) RETURNS int LANGUAGE sql AS 'SELECT n'",
    ),
    altered(
        "function public.f(n integer): definition", "ALTER FUNCTION f IMMUTABLE", "ALTER FUNCTION f VOLATILE"
    ),
    altered(
        "function public.f(n integer): definition",
        "ALTER FUNCTION f SET work_mem = '1MB'",
        "ALTER FUNCTION f RESET ALL",
    ),
    altered(
        "function public.f(n integer): privileges",
        "REVOKE EXECUTE ON FUNCTION f FROM PUBLIC",
        "GRANT EXECUTE ON FUNCTION f TO PUBLIC",
    ),
    altered(
        "function public.f(n integer): comment",
        "COMMENT ON FUNCTION f IS 'x'",
        "COMMENT ON FUNCTION f IS NULL",
    ),
    altered(
        "function public.proc(): definition",
        "ALTER PROCEDURE proc SECURITY DEFINER",
        "ALTER PROCEDURE proc SECURITY INVOKER",
    ),
    altered(
        "aggregate public.total(integer): initial was 0, is 1",
        "CREATE OR REPLACE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '1')",
        "CREATE OR REPLACE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0')",
    ),
    altered(
        "aggregate public.total(integer): comment",
        "COMMENT ON AGGREGATE total(int) IS 'x'",
        "COMMENT ON AGGREGATE total(int) IS NULL",
    ),
    altered("sequence public.s: cache", "ALTER SEQUENCE s CACHE 5", "ALTER SEQUENCE s CACHE 1"),
    altered("sequence public.s: cycles", "ALTER SEQUENCE s CYCLE", "ALTER SEQUENCE s NO CYCLE"),
    altered("sequence public.s: maximum", "ALTER SEQUENCE s MAXVALUE 9", "ALTER SEQUENCE s NO MAXVALUE"),
    altered(
        "sequence public.s: of column", "ALTER SEQUENCE s OWNED BY t.c", "ALTER SEQUENCE s OWNED BY NONE"
    ),
    altered(
        "sequence public.s: privileges",
        "GRANT USAGE ON SEQUENCE s TO PUBLIC",
        "REVOKE USAGE ON SEQUENCE s FROM PUBLIC",
    ),
    altered(
        "type public.mood: labels was sad, ok, is sad, meh, ok",
        "ALTER TYPE mood ADD VALUE 'meh' BEFORE 'ok'",
        "DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad', 'ok')",
    ),
    altered("type public.mood: comment", "COMMENT ON TYPE mood IS 'x'", "COMMENT ON TYPE mood IS NULL"),
    altered(
        "type public.mood: privileges",
        "REVOKE USAGE ON TYPE mood FROM PUBLIC",
        "GRANT USAGE ON TYPE mood TO PUBLIC",
    ),
    altered(
        "composite type public.pair: comment", "COMMENT ON TYPE pair IS 'x'", "COMMENT ON TYPE pair IS NULL"
    ),
    altered(
        "type public.span: subtype",
        "DROP TYPE span; CREATE TYPE span AS RANGE (subtype = bigint)",
        "DROP TYPE span; CREATE TYPE span AS RANGE (subtype = int)",
    ),
    altered(
        "domain public.positive: constraints",
        "ALTER DOMAIN positive ADD CONSTRAINT x CHECK (VALUE < 9)",
        "ALTER DOMAIN positive DROP CONSTRAINT x",
    ),
    altered(
        "domain public.positive: NOT NULL",
        "ALTER DOMAIN positive SET NOT NULL",
        "ALTER DOMAIN positive DROP NOT NULL",
    ),
    altered(
        "domain public.positive: default was not set, is 3",
        "ALTER DOMAIN positive SET DEFAULT 3",
        "ALTER DOMAIN positive DROP DEFAULT",
    ),
    altered(
        "publication pub: deletes",
        "ALTER PUBLICATION pub SET (publish = 'insert')",
        "ALTER PUBLICATION pub SET (publish = 'insert, update, delete, truncate')",
    ),
    altered(
        "publication pub: via root",
        "ALTER PUBLICATION pub SET (publish_via_partition_root)",
        "ALTER PUBLICATION pub SET (publish_via_partition_root = false)",
    ),
    altered(
        "published table public.t.pub: columns",
        "ALTER PUBLICATION pub SET TABLE t (id) WHERE (id > 0)",
        "ALTER PUBLICATION pub SET TABLE t (id, a) WHERE (id > 0)",
    ),
    altered(
        "published table public.t.pub: where",
        "ALTER PUBLICATION pub SET TABLE t (id, a)",
        "ALTER PUBLICATION pub SET TABLE t (id, a) WHERE (id > 0)",
    ),
    altered(
        "publication every is new",
        "CREATE PUBLICATION every FOR ALL TABLES",
        "DROP PUBLICATION every",
        needs_superuser=True,
    ),
    altered(
        "publication whole is new",
        "CREATE PUBLICATION whole FOR TABLES IN SCHEMA other",
        "DROP PUBLICATION whole",
        needs_superuser=True,
    ),
    altered(
        "schema other: privileges",
        "GRANT USAGE ON SCHEMA other TO PUBLIC",
        "REVOKE USAGE ON SCHEMA other FROM PUBLIC",
    ),
    altered("schema other: comment", "COMMENT ON SCHEMA other IS 'x'", "COMMENT ON SCHEMA other IS NULL"),
    *(
        altered(
            f"{key}: owner was app_owner, is pg_monitor",
            f"ALTER {what} OWNER TO pg_monitor",
            f"ALTER {what} OWNER TO app_owner",
            needs_superuser=True,
        )
        for key, what in (
            ("table public.t", "TABLE t"),
            ("view public.v", "VIEW v"),
            ("materialized view public.mv", "MATERIALIZED VIEW mv"),
            ("sequence public.s", "SEQUENCE s"),
            ("schema other", "SCHEMA other"),
            ("type public.mood", "TYPE mood"),
            ("composite type public.pair", "TYPE pair"),
            ("domain public.positive", "DOMAIN positive"),
            ("function public.f(n integer)", "FUNCTION f"),
            ("aggregate public.total(integer)", "AGGREGATE total(int)"),
            ("statistics public.st", "STATISTICS st"),
        )
    ),
)
