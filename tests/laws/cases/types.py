"""Cases of columns that change their type, in place and by way of a twin."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case
from tests.laws.cases.schema import LONG

_HANGING = """
CREATE TABLE t (
    id int PRIMARY KEY, a int NOT NULL DEFAULT 3, b int, c varchar(20), s serial, x text,
    CONSTRAINT bb CHECK (a > 0 AND b < 1000)
);
CREATE INDEX t_ab ON t (a, b DESC) INCLUDE (x);
CREATE INDEX t_expr ON t ((a + b)) WHERE a > 5;
CREATE UNIQUE INDEX t_c ON t (c, lower(c));
ALTER TABLE t CLUSTER ON t_ab;
CREATE STATISTICS t_stat ON a, b FROM t;
COMMENT ON COLUMN t.a IS 'it''s a'; COMMENT ON INDEX t_ab IS 'an index'; COMMENT ON CONSTRAINT bb ON t IS 'bb {}';
GRANT SELECT (a), UPDATE (a, c) ON t TO PUBLIC;
ALTER TABLE t ALTER a SET STATISTICS 500, ALTER a SET (n_distinct = 5), ALTER c SET STORAGE EXTERNAL, ALTER x SET STORAGE EXTERNAL;
CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.b := coalesce(NEW.b, NEW.a); RETURN NEW; END$$;
CREATE TRIGGER rewriting BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION rewrite();
INSERT INTO t (id, a, b, c, x) SELECT g, g, g, 'c' || g, g FROM generate_series(1, 23) g;
"""

_KEYS = """
CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY (INCREMENT 2 CACHE 3) PRIMARY KEY, boss int REFERENCES orders, v text);
CREATE TABLE items (order_id int NOT NULL REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE, n int, v text, PRIMARY KEY (order_id, n));
CREATE TABLE notes (item int, n int, FOREIGN KEY (item, n) REFERENCES items ON DELETE SET NULL);
COMMENT ON COLUMN orders.id IS 'the key'; COMMENT ON CONSTRAINT orders_pkey ON orders IS 'pk';
COMMENT ON INDEX orders_pkey IS 'its index'; COMMENT ON SEQUENCE orders_id_seq IS 'counts';
COMMENT ON CONSTRAINT items_order_id_fkey ON items IS 'fk';
GRANT USAGE ON SEQUENCE orders_id_seq TO PUBLIC;
INSERT INTO orders (boss, v) SELECT CASE WHEN g > 1 THEN 1 END, g FROM generate_series(1, 15) g;
INSERT INTO items SELECT id, g, g FROM orders, generate_series(1, 2) g;
INSERT INTO notes SELECT order_id, n FROM items;
"""
_LEFT = """
CREATE TABLE "odd %" (id char(6), n int, v int CONSTRAINT "{u}" UNIQUE DEFERRABLE, z int, PRIMARY KEY (id, n));
CREATE UNIQUE INDEX w ON "odd %" (v, z) WHERE n > 0;
CREATE TABLE c (id int PRIMARY KEY, p char(6) NOT NULL, n int, FOREIGN KEY (p, n) REFERENCES "odd %" ON DELETE CASCADE);
CREATE TABLE d (p char(6), n int, PRIMARY KEY (p, n), CONSTRAINT "d's" FOREIGN KEY (p, n) REFERENCES "odd %");
INSERT INTO "odd %" SELECT 'k' || g, g, g, g FROM generate_series(1, 9) g;
INSERT INTO c SELECT v, id, n FROM "odd %";
INSERT INTO d SELECT id, n FROM "odd %";
"""
_ODD = f"""
CREATE SCHEMA "Odd schéma";
CREATE TABLE parent (id bigint PRIMARY KEY);
CREATE TABLE "Odd schéma"."{LONG}" (n int, "{LONG}" int UNIQUE DEFERRABLE CONSTRAINT "ço '%" CHECK ("{LONG}" <> 0)
    CONSTRAINT "{{" REFERENCES parent ON DELETE SET NULL);
CREATE INDEX "ïdx of %d" ON "Odd schéma"."{LONG}" (n, abs("{LONG}")) WHERE "{LONG}" > 3;
COMMENT ON CONSTRAINT "{{" ON "Odd schéma"."{LONG}" IS '{{}}%s';
INSERT INTO parent SELECT generate_series(1, 300);
INSERT INTO "Odd schéma"."{LONG}" SELECT g, nullif(g, 3) FROM generate_series(1, 300) g;
"""

_PAIR = """
CREATE TABLE k (id int PRIMARY KEY, a int, b int, z int);
CREATE INDEX ON k (a, b);
INSERT INTO k SELECT g, g, g, g FROM generate_series(1, 15) g;
"""


def _hanging(name: str, sql: str) -> Case:
    return Case(name=f"type {name}", setup=_HANGING, sql=sql)


CASES = (
    _hanging("much hanging on it", "ALTER TABLE t ALTER a TYPE bigint"),
    _hanging("using", "ALTER TABLE t ALTER x TYPE int USING abs(x::int + a)"),
    _hanging("longer varchar", "ALTER TABLE t ALTER COLUMN c SET DATA TYPE varchar(50)"),
    _hanging("serial", "ALTER TABLE t ALTER s TYPE numeric(12, 2)"),
    _hanging("free", "ALTER TABLE t ALTER x TYPE varchar"),
    _hanging(
        "new table",
        "CREATE TABLE made (id int PRIMARY KEY, v text DEFAULT 'x');"
        " ALTER TABLE made ALTER id TYPE bigint, ALTER v TYPE varchar(9)",
    ),
    Case(
        name="type odd",
        setup=_ODD,
        sql=f'ALTER TABLE "Odd schéma"."{LONG}" ALTER "{LONG}" TYPE bigint',
    ),
    Case(
        name="type twice in one index",
        setup=_PAIR,
        sql="ALTER TABLE k ADD y int, ALTER b TYPE text, ALTER a TYPE bigint",
    ),
    Case(name="type key pointed at", setup=_KEYS, sql="ALTER TABLE orders ALTER id TYPE bigint"),
    Case(name="type composite key", setup=_KEYS, sql="ALTER TABLE items ALTER order_id TYPE bigint"),
    Case(
        name="type, rows gone and another key",
        setup="CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE k (id int PRIMARY KEY REFERENCES p, n numeric(8, 2));"
        " INSERT INTO p SELECT generate_series(1, 15); INSERT INTO k SELECT g, g + 0.25 FROM generate_series(1, 15) g",
        sql="ALTER TABLE k DROP CONSTRAINT k_id_fkey; ALTER TABLE k DROP CONSTRAINT k_pkey, ALTER id TYPE text, ALTER n TYPE int,"
        " ADD CONSTRAINT k_pkey PRIMARY KEY (id); DELETE FROM k WHERE n < 9",
    ),
    Case(
        name="type without a cast back",
        setup="CREATE TABLE k (id int PRIMARY KEY, n smallint NOT NULL DEFAULT 1, b bool DEFAULT false, z int);"
        " INSERT INTO k SELECT g, g % 4, nullif(g % 3, 2) = 1, g FROM generate_series(1, 15) g",
        sql="""CREATE TYPE "H 'ot" AS ENUM ('A', 'it''s'); CREATE TYPE state AS ENUM ('on', 'off', 'odd');
            ALTER TABLE k ALTER n DROP DEFAULT, ALTER b DROP DEFAULT;
            ALTER TABLE k ALTER n TYPE "H 'ot" USING CASE n WHEN 0 THEN 'A' WHEN 2 THEN 'it''s' ELSE 'A' END::"H 'ot",
                ALTER b TYPE state USING CASE WHEN b THEN 'on' WHEN z < 5 THEN 'odd' ELSE 'off' END::state;
            ALTER TABLE k ALTER n SET DEFAULT 'A'""",
    ),
    Case(
        name="type, then what it left is in the way",
        setup=_LEFT,
        sql="""ALTER TABLE d ALTER p TYPE varchar(9), ALTER n TYPE bigint; ALTER TABLE d DROP CONSTRAINT "d's"; ALTER TABLE d DROP CONSTRAINT d_pkey;
            ALTER TABLE "odd %" ALTER v TYPE bigint; ALTER TABLE "odd %" DROP COLUMN z; ALTER TABLE "odd %" DROP CONSTRAINT "{u}" """,
    ),
    Case(
        name="type, then what it left points at a key that changes",
        setup=_LEFT,
        sql="""ALTER TABLE c ALTER p TYPE varchar(9); ALTER TABLE "odd %" RENAME TO later; ALTER TABLE later RENAME id TO key; ALTER TABLE later RENAME CONSTRAINT "odd %_pkey" TO pk;
            ALTER TABLE later ALTER key TYPE varchar(9); ALTER TABLE later DROP CONSTRAINT pk CASCADE""",
    ),
    Case(
        name="type, then other names",
        setup='CREATE TABLE k (id int PRIMARY KEY, "a %s" int NOT NULL, b int, s text, z int, CHECK (z < 100)); CREATE INDEX ON k ("a %s", b);'
        " INSERT INTO k SELECT g, g, g, g, g FROM generate_series(1, 15) g",
        sql="""ALTER TABLE k ALTER "a %s" TYPE bigint, ALTER b TYPE text USING (b + z)::text; ALTER TABLE k RENAME "a %s" TO "m{}"; ALTER TABLE k RENAME "m{}" TO n;
            UPDATE k SET n = n * 1000; ALTER TABLE k RENAME s TO ss; ALTER TABLE k RENAME b TO "b b"; ALTER TABLE k DROP z; ALTER TABLE k ADD b int; ALTER TABLE k RENAME TO kk;
            ALTER TABLE kk RENAME n TO last""",
    ),
    Case(
        name="type made in the script",
        setup="CREATE TABLE k (id int PRIMARY KEY, s text NOT NULL, t text, n int, m int, z int);"
        " CREATE UNIQUE INDEX ON k (s); CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql AS 'SELECT 2 * $1';"
        " INSERT INTO k SELECT g, repeat('Ab', g), repeat('x', g), g, g, g FROM generate_series(1, 15) g",
        sql="""CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION ltree; CREATE TABLE paths AS SELECT id, text2ltree('a.' || id) AS p FROM k; CREATE DOMAIN "Odd d" AS int CHECK (VALUE > 0);
            CREATE TYPE pair AS (a int, b text); CREATE FUNCTION of(v text) RETURNS int IMMUTABLE RETURN length(v);
            CREATE OR REPLACE FUNCTION doubled(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $1';
            ALTER TABLE k ALTER s TYPE citext, ALTER t TYPE int USING of(t), ALTER n TYPE "Odd d", ADD five int DEFAULT doubled(2);
            ALTER TABLE k ALTER m TYPE pair USING ROW(m, 'x')::pair; DROP FUNCTION of(text)""",
    ),
    Case(
        name="type under a time zone",
        setup="CREATE TABLE k (id int PRIMARY KEY, t timestamp, z timestamptz, s text, o timestamptz);"
        " INSERT INTO k SELECT g, timestamp '2024-03-31 00:00' + g * interval '1 hour',"
        " timestamptz '2024-03-31 00:00+00' + g * interval '1 hour', 'x', now() FROM generate_series(1, 15) g",
        sql="SET timezone TO 'Europe/Berlin'; SET client_min_messages = warning; SET search_path = public;"
        " ALTER TABLE k ALTER t TYPE timestamptz; ALTER TABLE k ALTER z TYPE timestamp USING z,"
        " ALTER o TYPE text USING to_json(o)#>>'{}';"
        " SET datestyle = german; UPDATE k SET s = timestamptz '2024-07-01 00:00+00'::text;"
        " INSERT INTO k (id, t) VALUES (20, '2024-07-01 00:00'); RESET timezone;"
        " ALTER TABLE k ADD w timestamptz DEFAULT '2024-07-01 00:00'",
    ),
    Case(
        name="type from and to domains",
        setup="CREATE DOMAIN \"d %s\" AS text DEFAULT 'dd' CHECK (length(VALUE) > 1); CREATE DOMAIN n AS int DEFAULT 3 CHECK (VALUE > 0);"
        ' CREATE TABLE k (id n PRIMARY KEY, a "d %s" DEFAULT \'xx\', b "d %s" NOT NULL, c n, e "d %s", z varchar(9), y bigint);'
        " CREATE UNIQUE INDEX ux ON k (a, id); CREATE INDEX ON k (lower(b)); CREATE TABLE r (id int PRIMARY KEY, k n REFERENCES k);"
        " INSERT INTO k SELECT g, 'aa' || g, 'bb', g, NULL, nullif('zz', 'z' || g), g FROM generate_series(1, 9) g; INSERT INTO r VALUES (1, 3)",
        sql="ALTER TABLE k ALTER c TYPE bigint, ALTER b TYPE varchar(5), ALTER a DROP DEFAULT, ALTER a TYPE bytea USING a::bytea; ALTER TABLE k ALTER e TYPE text;"
        " ALTER TABLE k ALTER y TYPE n, ALTER z TYPE \"d %s\"; UPDATE k SET e = 'f' WHERE id > 4; DELETE FROM k WHERE id = 9; ALTER TABLE k ALTER id TYPE bigint;"
        " INSERT INTO k (id, b) VALUES (20, 'b')",
    ),
    Case(
        name="type after a default of the script's own",
        setup="CREATE TABLE f (id int PRIMARY KEY, a text, b varchar(9), c char(5), d int, e numeric(8, 2), j jsonb); CREATE INDEX ON f (a) WHERE a IS NOT NULL; CREATE INDEX ON f (b);"
        " INSERT INTO f SELECT g, 'v' || g, 'w' || g, 'x', g, g, '{}' FROM generate_series(1, 9) g",
        sql="""ALTER TABLE f ALTER a SET DEFAULT 'd'; ALTER TABLE f ALTER a TYPE varchar; ALTER TABLE f ALTER b SET DEFAULT 'it''s %'; ALTER TABLE f ALTER b TYPE char(20); ALTER TABLE f ALTER c SET DEFAULT 'q';
            ALTER TABLE f ALTER c TYPE varchar(7); ALTER TABLE f ALTER d SET DEFAULT '5'; ALTER TABLE f ALTER d TYPE bigint; ALTER TABLE f ALTER e SET DEFAULT 7; ALTER TABLE f ALTER e TYPE numeric(4,1);
            ALTER TABLE f ADD k text DEFAULT 'k'; ALTER TABLE f ALTER k TYPE varchar(3); ALTER TABLE f ALTER j SET DEFAULT '{}'; ALTER TABLE f ALTER j TYPE json""",
    ),
    Case(
        name="names found by another search path",
        setup="CREATE SCHEMA app; CREATE SCHEMA \"O'dd %\"; CREATE TABLE app.t (id int PRIMARY KEY, v text); CREATE TABLE t (id int PRIMARY KEY, w text); CREATE TYPE app.mood AS ENUM ('a');"
        " CREATE FUNCTION app.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1'; CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 2';"
        " INSERT INTO app.t SELECT g, g FROM generate_series(1, 9) g; INSERT INTO t SELECT g, g FROM generate_series(1, 5) g",
        sql="""SET search_path TO app, public; ALTER TABLE t ADD m mood DEFAULT 'a', ADD n int DEFAULT f(1); UPDATE t SET v = f(id) WHERE id > 3; CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t);
            CREATE INDEX ON t (f(id), v); ALTER TABLE t ALTER v TYPE int USING f(v::int); CREATE VIEW seen AS SELECT id, f(id) AS g FROM t; RESET search_path; ALTER TABLE t ADD m int; DELETE FROM t WHERE id = 5;
            SELECT pg_catalog.set_config('search_path', '', false); SET default_with_oids = false; CREATE SEQUENCE public."x's" AS integer; ALTER TABLE public."x's" OWNER TO CURRENT_USER; CREATE TABLE public.x (id int NOT NULL, v app.mood); ALTER TABLE public.x OWNER TO CURRENT_USER; ALTER SEQUENCE public."x's" OWNED BY public.x.id; ALTER TABLE ONLY public.x ALTER COLUMN id SET DEFAULT nextval('public."x''s"'::regclass); ALTER TABLE ONLY public.x ADD CONSTRAINT x_pkey PRIMARY KEY (id);
            CREATE SCHEMA n; SET search_path = n, "O'dd %"; CREATE TABLE y (id int PRIMARY KEY); INSERT INTO y VALUES (1); CREATE SEQUENCE s; SET search_path = "O'dd %"; CREATE TABLE z (LIKE n.y INCLUDING ALL); COMMENT ON TABLE z IS 'z'""",
    ),
)
