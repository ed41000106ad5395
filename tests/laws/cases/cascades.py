"""Cases of CASCADE that takes more than what is named: schemas, sequences, what calls a function."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case

_COUNT = """CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.m := NEW.m + 1; RETURN NEW; END$$;"""

_SCHEMAS = f"""
CREATE SCHEMA "s %1"; CREATE SCHEMA "b{{}}"; COMMENT ON SCHEMA "s %1" IS 'it''s'; GRANT USAGE ON SCHEMA "s %1" TO pg_monitor; {_COUNT}
ALTER DEFAULT PRIVILEGES IN SCHEMA "s %1" GRANT SELECT ON TABLES TO pg_monitor; ALTER DEFAULT PRIVILEGES IN SCHEMA "s %1" GRANT EXECUTE ON FUNCTIONS TO pg_monitor;
CREATE TYPE "s %1"."fe'el" AS ENUM ('sad', 'it''s'); CREATE DOMAIN "s %1".small AS int CHECK (VALUE < 999); CREATE SEQUENCE "s %1"."c'nt" START 7;
CREATE TYPE "b{{}}".pair AS (a "s %1"."fe'el", b text);
CREATE FUNCTION "s %1"."f 1"(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1'; COMMENT ON FUNCTION "s %1"."f 1"(int) IS 'one more';
CREATE TABLE "s %1".p (id serial PRIMARY KEY, n int DEFAULT "s %1"."f 1"(1), f "s %1"."fe'el" DEFAULT 'sad', d "s %1".small,
    m int DEFAULT 0, k bigint DEFAULT nextval('"s %1"."c''nt"'), g int GENERATED ALWAYS AS ("s %1"."f 1"(4)) STORED, CHECK ("s %1"."f 1"(d) > 0));
CREATE UNIQUE INDEX ON "s %1".p ("s %1"."f 1"(id)); CREATE INDEX ON "s %1".p (n);
CREATE TABLE "s %1".c (id int PRIMARY KEY, p int REFERENCES "s %1".p ON DELETE CASCADE);
CREATE TABLE "b{{}}".q (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, two "b{{}}".pair, p int REFERENCES "s %1".p);
CREATE TABLE out (id int PRIMARY KEY, p int REFERENCES "s %1".p ON DELETE SET NULL, f "s %1"."fe'el" NOT NULL DEFAULT 'sad', d "s %1".small UNIQUE, k bigint DEFAULT nextval('"s %1"."c''nt"'),
    j int DEFAULT nextval('"s %1".p_id_seq'), n int DEFAULT "s %1"."f 1"(2), m int DEFAULT 0, two "b{{}}".pair, g int GENERATED ALWAYS AS ("s %1"."f 1"(8)) STORED);
CREATE INDEX ON out ("s %1"."f 1"(m));
CREATE TRIGGER counted BEFORE UPDATE ON "s %1".p FOR EACH ROW EXECUTE FUNCTION count_it(); CREATE TRIGGER counted BEFORE UPDATE OF m ON out FOR EACH ROW EXECUTE FUNCTION count_it();
CREATE FUNCTION "s %1".touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.m := NEW.m + 2; RETURN NEW; END$$;
CREATE TRIGGER "to'uched" BEFORE UPDATE ON out FOR EACH ROW EXECUTE FUNCTION "s %1".touch(); CREATE TRIGGER touched BEFORE UPDATE ON "s %1".p FOR EACH ROW EXECUTE FUNCTION "s %1".touch();
CREATE VIEW "s %1".v AS SELECT id, n FROM "s %1".p; CREATE VIEW seen AS SELECT p.id, o.f FROM "s %1".p JOIN out o ON o.p = p.id; GRANT SELECT ON seen TO pg_monitor;
CREATE MATERIALIZED VIEW "s %1".held AS SELECT id, m FROM out; CREATE INDEX ON "s %1".held (m); CREATE VIEW lone AS SELECT "s %1"."f 1"(3) AS three;
CREATE FUNCTION "s %1".all_p() RETURNS SETOF "s %1".p LANGUAGE sql AS 'SELECT * FROM "s %1".p'; CREATE POLICY few ON out USING ("s %1"."f 1"(m) > 0); ALTER TABLE out ENABLE ROW LEVEL SECURITY;
CREATE STATISTICS "s %1".both_of ON n, m FROM out; CREATE AGGREGATE "s %1".total(int) (SFUNC = int4pl, STYPE = int); CREATE PROCEDURE "s %1".work(x int) LANGUAGE sql AS 'SELECT x';
CREATE PUBLICATION named FOR TABLE "s %1".c, out (id, m);
INSERT INTO "s %1".p (d, f) SELECT g, 'sad' FROM generate_series(1, 9) g; INSERT INTO "s %1".c SELECT g, g FROM generate_series(1, 9) g;
INSERT INTO "b{{}}".q (two, p) SELECT ('(sad,' || g || ')')::"b{{}}".pair, g FROM generate_series(1, 5) g; INSERT INTO out (id, p, d) SELECT g, g, g FROM generate_series(1, 9) g;
REFRESH MATERIALIZED VIEW "s %1".held;
"""

CASES = (
    Case(
        name="cascade: schemas with all that is in them",
        setup=_SCHEMAS,
        sql="""DROP SCHEMA IF EXISTS "s %1", none, "b{}" CASCADE; CREATE SCHEMA "s %1"; CREATE TABLE "s %1".p (id int PRIMARY KEY); INSERT INTO "s %1".p VALUES (1)""",
    ),
    Case(
        name="cascade: sequence with defaults that draw from it",
        setup=f"""{_COUNT} CREATE SCHEMA "o'"; CREATE SEQUENCE "o'"."c%s" START 5; GRANT USAGE ON SEQUENCE "o'"."c%s" TO pg_monitor;
        CREATE TABLE "p 'x" (id serial PRIMARY KEY, n bigint NOT NULL DEFAULT nextval('"o''"."c%s"'), m int DEFAULT 0);
        CREATE TABLE q (id int PRIMARY KEY DEFAULT nextval('"p ''x_id_seq"'), k bigint DEFAULT nextval('"o''"."c%s"') + 1, p int REFERENCES "p 'x", j int DEFAULT nextval('"p ''x_id_seq"'));
        CREATE TABLE r (id int DEFAULT nextval('"p ''x_id_seq"'), gone int); CREATE TABLE s (id serial PRIMARY KEY, v int); CREATE TABLE u (id serial PRIMARY KEY, s int DEFAULT nextval('s_id_seq'));
        CREATE TRIGGER counted BEFORE UPDATE ON "p 'x" FOR EACH ROW EXECUTE FUNCTION count_it(); CREATE VIEW drawn AS SELECT nextval('"o''"."c%s"') AS n;
        INSERT INTO "p 'x" (m) SELECT g FROM generate_series(1, 9) g; INSERT INTO q (p) SELECT g FROM generate_series(1, 9) g; INSERT INTO r VALUES (1), (2); INSERT INTO s SELECT g FROM generate_series(1, 9) g; INSERT INTO u SELECT g FROM generate_series(1, 9) g""",
        sql="""DROP SEQUENCE "o'"."c%s" CASCADE; ALTER TABLE s DROP COLUMN id CASCADE; DROP TABLE "p 'x" CASCADE; DROP SEQUENCE u_id_seq CASCADE""",
    ),
    Case(
        name="cascade: constraints that call what goes",
        setup=f"""{_COUNT} CREATE SCHEMA "o'"; CREATE FUNCTION "o'"."f %1"(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';
        CREATE FUNCTION "o'"."f %1"(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)'; CREATE TYPE "m'd" AS ENUM ('a', 'b'); CREATE FUNCTION g(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 > 0';
        CREATE TABLE t (id int PRIMARY KEY, n int, v text, m int DEFAULT 0, w text, CONSTRAINT "c '%" CHECK ("o'"."f %1"(n) > 1), CONSTRAINT of_m CHECK (v::"m'd" <> 'b' OR n < 99), CHECK (g(n)));
        COMMENT ON CONSTRAINT "c '%" ON t IS 'called'; CREATE UNIQUE INDEX "i '%" ON t ("o'"."f %1"(n)) WHERE "o'"."f %1"(n) > 0; CREATE UNIQUE INDEX up ON t ("o'"."f %1"(w));
        CREATE TRIGGER counted BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION count_it(); INSERT INTO t SELECT g, g, 'a', g, 'w' || g FROM generate_series(1, 15) g""",
        sql="""DROP FUNCTION "o'"."f %1"(int) CASCADE; DROP TYPE "m'd" CASCADE; ALTER TABLE t DROP CONSTRAINT t_n_check; DROP FUNCTION g; DROP FUNCTION "o'"."f %1"(text) CASCADE;
        CREATE FUNCTION g(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 > 5'; ALTER TABLE t ADD CONSTRAINT c2 CHECK (g(n + 5))""",
    ),
    Case(
        name="cascade: column with triggers and policies that name it",
        setup=f"""{_COUNT} CREATE TABLE "t 'x" (id int PRIMARY KEY, "n %s" int, m int DEFAULT 0, o int); CREATE TRIGGER "tr'1" BEFORE UPDATE OF "n %s" ON "t 'x" FOR EACH ROW EXECUTE FUNCTION count_it();
        CREATE TRIGGER counted BEFORE UPDATE OF o ON "t 'x" FOR EACH ROW EXECUTE FUNCTION count_it(); ALTER TABLE "t 'x" DISABLE TRIGGER "tr'1"; COMMENT ON TRIGGER "tr'1" ON "t 'x" IS 'one';
        CREATE TRIGGER whens BEFORE UPDATE ON "t 'x" FOR EACH ROW WHEN (NEW."n %s" > 3) EXECUTE FUNCTION count_it(); CREATE TABLE other (id int PRIMARY KEY, k int);
        CREATE POLICY "po'l" ON "t 'x" USING ("n %s" > 0); CREATE POLICY of_other ON other USING (k IN (SELECT "n %s" FROM "t 'x")); CREATE POLICY stays ON "t 'x" USING (o > 0); ALTER TABLE "t 'x" ENABLE ROW LEVEL SECURITY;
        CREATE FUNCTION summed() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT sum("n %s") FROM "t 'x"; END; CREATE VIEW of_summed AS SELECT summed(); CREATE RULE "ru'l" AS ON DELETE TO other WHERE OLD.k = 0 DO ALSO UPDATE "t 'x" SET "n %s" = 0;
        CREATE PUBLICATION named FOR TABLE "t 'x" (id, "n %s") WHERE (id > 0), other; INSERT INTO "t 'x" SELECT g, g, g, g FROM generate_series(1, 15) g; INSERT INTO other SELECT g, g FROM generate_series(1, 5) g""",
        sql="""ALTER TABLE "t 'x" DROP COLUMN "n %s" CASCADE""",
    ),
    Case(
        name="cascade: function made again under a domain's new name",
        setup="""CREATE SCHEMA "o'"; CREATE DOMAIN "o'".d AS int CHECK (VALUE > 0); CREATE FUNCTION "o'".f("o'".d) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TYPE "e'" AS ENUM ('a'); CREATE FUNCTION g("e'") RETURNS "e'" LANGUAGE sql AS 'SELECT $1';
        CREATE FUNCTION h() RETURNS "o'".d LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (id int PRIMARY KEY, v "o'".d); INSERT INTO t SELECT g, g FROM generate_series(1, 5) g; COMMENT ON FUNCTION h() IS 'h'""",
        sql="""DROP FUNCTION "o'".f("o'".d); ALTER DOMAIN "o'".d RENAME TO "e %"; CREATE FUNCTION "o'".f("o'"."e %") RETURNS int LANGUAGE sql AS 'SELECT 2'; DROP FUNCTION h();
        ALTER TYPE "e'" RENAME TO "e2'"; DROP FUNCTION g("e2'"); CREATE FUNCTION g("e2'") RETURNS int LANGUAGE sql AS 'SELECT 3'""",
    ),
    Case(
        name="cascade: what names a type, a function or a view by its new name",
        setup="""CREATE TYPE "e'" AS ENUM ('a', 'b'); CREATE DOMAIN d AS int; CREATE TYPE c AS (x d); CREATE TABLE t (id int PRIMARY KEY, e "e'" DEFAULT 'a', d d, es "e'"[], m "e'" CHECK (m <> 'b'), CHECK (e <> 'b'), CHECK (d <> 4::d));
        CREATE VIEW v AS SELECT 'a'::"e'" AS x, id::d AS y FROM t; CREATE FUNCTION f(d) RETURNS "e'" IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; COMMENT ON FUNCTION f(d) IS 'f'; GRANT EXECUTE ON FUNCTION f(d) TO pg_monitor;
        CREATE VIEW w AS SELECT f(d) FROM t; CREATE POLICY p ON t USING (e <> 'b'); COMMENT ON POLICY p ON t IS 'p'; CREATE INDEX ON t ((f(d) = 'a'::"e'")) WHERE d <> 3::d; CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tf(); CREATE FUNCTION g(int) RETURNS int LANGUAGE sql AS 'SELECT $1'; CREATE VIEW calling AS SELECT g(id) AS i FROM t; CREATE VIEW "w'" AS SELECT id FROM t; CREATE VIEW above AS SELECT id FROM "w'";
        INSERT INTO t SELECT g, 'a', 1, '{a}', 'a' FROM generate_series(1, 9) g""",
        sql="""ALTER TABLE t DROP CONSTRAINT t_m_check; ALTER TYPE "e'" RENAME VALUE 'b' TO 'z'; ALTER TYPE "e'" RENAME TO "e2%"; ALTER DOMAIN d RENAME TO d2; DROP FUNCTION f(d2) CASCADE; DROP VIEW v; DROP POLICY p ON t; ALTER TABLE t DROP CONSTRAINT t_e_check;
        DROP TYPE c; CREATE FUNCTION f(d2) RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP DOMAIN d2 CASCADE; ALTER FUNCTION tf() RENAME TO "t g"; DROP TRIGGER tr ON t; ALTER FUNCTION g(int) RENAME TO h; DROP VIEW calling; ALTER VIEW "w'" RENAME TO "w''"; DROP VIEW above; DROP VIEW "w''" """,
    ),
    Case(
        name="cascade: extensions with what has their types and calls",
        setup=f"""CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm; COMMENT ON EXTENSION hstore IS 'mine'; {_COUNT} CREATE TABLE "t'" (id int PRIMARY KEY, h hstore NOT NULL DEFAULT 'x=>y', n text[] DEFAULT akeys('a=>1'), hs hstore[], v text CHECK (similarity(v, 'x') < 2), u text UNIQUE, m int DEFAULT 0);
        CREATE INDEX "i %" ON "t'" USING gin (v gin_trgm_ops); CREATE INDEX ON "t'" ((h -> 'a')); CREATE TABLE gone (id int PRIMARY KEY, h hstore); CREATE FUNCTION f(hstore) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT h FROM "t'";
        CREATE TRIGGER counted BEFORE UPDATE ON "t'" FOR EACH ROW EXECUTE FUNCTION count_it(); CREATE DOMAIN dh AS hstore; CREATE TABLE w (id int PRIMARY KEY, d dh); INSERT INTO "t'" (id, h, v) SELECT g, 'a=>1', g FROM generate_series(1, 9) g;
        INSERT INTO gone SELECT g, 'a=>1' FROM generate_series(1, 9) g; INSERT INTO w SELECT g, 'a=>1' FROM generate_series(1, 9) g""",
        sql="""DELETE FROM "t'" WHERE id < 3; DROP TABLE gone; DROP EXTENSION IF EXISTS hstore, pg_trgm, none CASCADE; ALTER TABLE "t'" ADD h int; DROP TABLE w""",
    ),
    Case(
        name="cascade: schemas of partitions and heirs, and of the script's own",
        setup="""CREATE SCHEMA s; CREATE SCHEMA r; CREATE TABLE s.p (k int, n int, PRIMARY KEY (k)) PARTITION BY RANGE (k); CREATE TABLE r.p1 PARTITION OF s.p FOR VALUES FROM (0) TO (10); CREATE TABLE s.p2 PARTITION OF s.p DEFAULT;
        CREATE TABLE q (k int, n int) PARTITION BY RANGE (k); CREATE TABLE s.q1 PARTITION OF q FOR VALUES FROM (0) TO (10); CREATE TABLE q2 PARTITION OF q DEFAULT; INSERT INTO s.p SELECT g, g FROM generate_series(1, 20) g; INSERT INTO q SELECT g, g FROM generate_series(1, 20) g;
        CREATE TABLE s.base (id int PRIMARY KEY, n int); CREATE TABLE heir (m int) INHERITS (s.base); INSERT INTO heir SELECT g, g, g FROM generate_series(1, 5) g; CREATE VIEW of_heir AS SELECT m FROM heir; CREATE SCHEMA bare; ALTER DEFAULT PRIVILEGES IN SCHEMA bare GRANT SELECT ON TABLES TO pg_monitor; GRANT ALL ON SCHEMA bare TO pg_monitor; CREATE TYPE m AS ENUM ('a'); CREATE TABLE u (id int PRIMARY KEY, m m); INSERT INTO u SELECT g, 'a' FROM generate_series(1, 5) g""",
        sql="""DROP SCHEMA bare; DROP SCHEMA s CASCADE; CREATE SCHEMA s; CREATE TABLE s.t (id serial PRIMARY KEY, u int REFERENCES u); CREATE TYPE s.e AS ENUM ('a'); CREATE TABLE s.u (e s.e); CREATE VIEW s.v AS SELECT * FROM s.t; CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE VIEW w AS SELECT s.f(); CREATE SEQUENCE s.q; DROP SCHEMA s CASCADE; CREATE SCHEMA s; CREATE TABLE s.t (n int); DROP TYPE m CASCADE; DROP TABLE u""",
    ),
)
