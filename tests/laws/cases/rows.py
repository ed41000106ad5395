"""Cases of statements that write rows as they are, on a schema of triggers, trees and keyless tables."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case

SETUP = """
CREATE SCHEMA "Odd schéma";
CREATE TABLE shop (id int PRIMARY KEY, name text UNIQUE, n bigint GENERATED ALWAYS AS IDENTITY, up int REFERENCES shop);
CREATE TABLE item (id serial PRIMARY KEY, shop_id int REFERENCES shop ON DELETE CASCADE ON UPDATE CASCADE, price numeric(8, 2), tags text[] DEFAULT '{}');
CREATE TABLE loose (x int, y text, u int UNIQUE, z int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE log (n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
CREATE TABLE "Odd schéma"."t. we""ird {x} %s" ("t.k n.k0" int PRIMARY KEY, "Ünï %s" text, up int REFERENCES "Odd schéma"."t. we""ird {x} %s");
CREATE TABLE watched (id int PRIMARY KEY, v int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO log (what) VALUES (TG_OP); RETURN NULL; END$$;
CREATE TRIGGER noting AFTER INSERT OR DELETE ON watched FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER noting_all AFTER TRUNCATE ON watched FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE FUNCTION sell(shop int) RETURNS int LANGUAGE sql AS $$UPDATE item SET price = price + 1 WHERE shop_id = sell.shop RETURNING 1$$;
CREATE PROCEDURE move(shop int) LANGUAGE plpgsql AS $$BEGIN DELETE FROM item WHERE shop_id = move.shop; INSERT INTO shop (id, name) VALUES (90, 'moved'); END$$;
INSERT INTO shop (id, name, up) SELECT g, 'shop ' || g, nullif(g - 1, 0) FROM generate_series(1, 9) g;
INSERT INTO item (shop_id, price) SELECT g % 9 + 1, g FROM generate_series(1, 20) g;
INSERT INTO loose (x, y, u) SELECT g % 3, 'y', nullif(g, 8) FROM generate_series(1, 8) g;
INSERT INTO loose (x, y) VALUES (1, 'y'), (1, 'y');
INSERT INTO "Odd schéma"."t. we""ird {x} %s" SELECT g, 'Ü' || g, nullif(g - 1, 0) FROM generate_series(1, 5) g;
INSERT INTO watched SELECT g, g FROM generate_series(1, 9) g;
INSERT INTO log (what) VALUES ('before');
"""

ODD = '"Odd schéma"."t. we""ird {x} %s"'


def _case(name: str, sql: str, also_written: tuple[str, ...] = (), loose: tuple[str, ...] = ()) -> Case:
    return Case(name=name, sql=sql, setup=SETUP, also_written=also_written, loose=loose)


CASES = (
    _case(
        "rows that go after their column",
        f"LOCK TABLE item, ONLY {ODD} IN ACCESS EXCLUSIVE MODE NOWAIT;"
        " ALTER TABLE item DROP COLUMN price; DELETE FROM item WHERE id < 5; ALTER TABLE loose DROP COLUMN y;"
        " DELETE FROM loose WHERE x = 1; UPDATE loose SET x = 9 WHERE x = 2; INSERT INTO loose (x) VALUES (4);"
        " ALTER TABLE log DROP COLUMN what; TRUNCATE log",
        loose=("loose.z",),
    ),
    _case(
        "a table made of rows that its WITH moves",
        """CREATE TABLE "Mo'%ved" (a, "b c") AS WITH w AS (DELETE FROM loose WHERE x = 1 RETURNING x, y), n AS (UPDATE item SET price = 0 WHERE id < 5 RETURNING id, tags::text)
            SELECT * FROM w UNION ALL SELECT * FROM n; ALTER TABLE "Mo'%ved" ADD k int; CREATE TEMP TABLE gone AS WITH w AS (DELETE FROM loose WHERE x = 2 RETURNING *) SELECT * FROM w;
            INSERT INTO log (what) SELECT u::text FROM gone ORDER BY u""",
        loose=("log.n",),
    ),
    _case(
        "temporary tables",
        """CREATE TEMP TABLE "pi'ck" (id int PRIMARY KEY, v numeric) ON COMMIT PRESERVE ROWS;
        INSERT INTO "pi'ck" SELECT id, price * 2 FROM item WHERE id > 3; CREATE INDEX ON "pi'ck" (v); ANALYZE "pi'ck";
        UPDATE item SET price = p.v FROM "pi'ck" p WHERE p.id = item.id; DELETE FROM pg_temp."pi'ck" WHERE id < 9;
        WITH gone AS (DELETE FROM loose WHERE x = 1 RETURNING x, u) INSERT INTO "pi'ck" SELECT 100 + row_number() OVER (), u FROM gone;
        CREATE TEMPORARY TABLE few AS SELECT id FROM "pi'ck" WHERE v > 10; ALTER TABLE "pi'ck" ADD COLUMN w int DEFAULT 4;
        DELETE FROM item WHERE id IN (SELECT id FROM few); DROP TABLE few; ALTER TABLE item ADD COLUMN z int DEFAULT 1""",
        loose=("loose.z",),
    ),
    _case(
        "insert, many forms",
        "INSERT INTO item (shop_id, price) SELECT id, 5 FROM shop RETURNING id;"
        " INSERT INTO shop (id, name, n) OVERRIDING SYSTEM VALUE VALUES (50, 'fifty', 500), (51, NULL, 501);"
        " INSERT INTO item DEFAULT VALUES; INSERT INTO shop VALUES (52, 'by position')",
        loose=("item.id", "shop.n"),
    ),
    _case(
        "insert, on conflict",
        "INSERT INTO shop (id, name) VALUES (3, 'again'), (60, 'new') ON CONFLICT (id) DO UPDATE SET name = excluded.name, up = 1;"
        " INSERT INTO watched VALUES (1, 1) ON CONFLICT DO NOTHING",
        loose=("shop.n",),
    ),
    _case(
        "insert, odd tree",
        f"INSERT INTO {ODD} VALUES (9, 'a''b\\{{}}%s', 8), (8, NULL, 7), (7, 'Ü', 5), (6, 'x', NULL)",
    ),
    _case(
        "insert, keyless",
        "INSERT INTO loose (x, y) SELECT 1, 'y' FROM generate_series(1, 3)",
        loose=("loose.z",),
    ),
    _case("insert, trigger", "INSERT INTO watched VALUES (20, 1)", also_written=("log",), loose=("log.n",)),
    _case(
        "with that moves rows",
        "WITH gone AS (DELETE FROM item WHERE price < 5 RETURNING shop_id, price), made AS (INSERT INTO shop (id, name) VALUES (70, 'x') RETURNING id)"
        " INSERT INTO watched SELECT 100 + row_number() OVER (), made.id FROM gone, made;"
        " WITH x AS (UPDATE shop SET up = 1 WHERE id > 5 RETURNING id) UPDATE item SET price = 0 FROM x WHERE x.id = shop_id",
        also_written=("log",),
        loose=("log.n", "shop.n"),
    ),
    _case(
        "merge",
        "MERGE INTO shop s USING (SELECT g AS id FROM generate_series(7, 11) g) g ON s.id = g.id"
        " WHEN MATCHED AND s.id = 9 THEN DELETE WHEN MATCHED THEN UPDATE SET name = 'merged ' || s.id"
        " WHEN NOT MATCHED THEN INSERT (id, name) VALUES (g.id, 'new ' || g.id)",
        loose=("shop.n",),
    ),
    _case(
        "block",
        "DO $$DECLARE r record; BEGIN FOR r IN SELECT id FROM shop WHERE id < 4 LOOP"
        " UPDATE item SET price = price + r.id WHERE shop_id = r.id; END LOOP;"
        # A key that changes takes its children along; equal rows come, change and go again.
        " UPDATE shop SET id = 80, name = 'moved ' || id WHERE id = 9;"
        " INSERT INTO loose (x, y, z) OVERRIDING SYSTEM VALUE VALUES (7, 'a', 70), (8, 'b', 71); UPDATE loose SET y = 'y' WHERE x = 7;"
        " UPDATE loose SET y = 'q', x = 1 WHERE y = 'y' AND x = 7; DELETE FROM loose WHERE x = 8 OR u = 3;"
        " DELETE FROM watched WHERE id = 4; INSERT INTO watched VALUES (4, 44); END$$",
        also_written=("item", "shop", "loose", "watched", "log"),
        loose=("log.n",),
    ),
    _case("block without effect", "DO $$BEGIN PERFORM count(*) FROM shop; END$$; SELECT count(*) FROM shop"),
    _case("call", "CALL move(3)", also_written=("item", "shop"), loose=("shop.n",)),
    _case("select of a function", "SELECT sell(id) FROM shop WHERE id > 4", also_written=("item",)),
    _case(
        "set a sequence",
        "SELECT setval('item_id_seq', 7); SELECT setval(pg_get_serial_sequence('item', 'id'), (SELECT max(id) + 5 FROM item))",
    ),
    Case(
        name="rows under another key",
        setup="CREATE TABLE house (id int PRIMARY KEY, code text); INSERT INTO house SELECT g, 'c' || g FROM generate_series(1, 9) g;"
        " CREATE TABLE lives (id int PRIMARY KEY, h int REFERENCES house ON UPDATE CASCADE ON DELETE CASCADE); INSERT INTO lives SELECT g, g FROM generate_series(1, 9) g;"
        " CREATE TABLE pair (a int, b int, n int UNIQUE, PRIMARY KEY (a, b)); INSERT INTO pair SELECT g, g % 3, g FROM generate_series(1, 9) g",
        sql="UPDATE house SET id = 0, code = 'nought' WHERE id = 5; UPDATE house SET id = 5 WHERE id = 9; UPDATE house SET id = id + 20 WHERE id IN (4, 5); DELETE FROM house WHERE id = 0;"
        " UPDATE pair SET b = b + 10; UPDATE pair SET a = -a, n = -n WHERE a > 4",
    ),
    Case(
        name="rows of domains that forbid NULL",
        setup="CREATE DOMAIN d AS text NOT NULL; CREATE DOMAIN c AS char(5) NOT NULL DEFAULT 'x'; CREATE TABLE k (id d PRIMARY KEY, v c, z int);"
        " CREATE TABLE nokey (v c, w int); INSERT INTO k SELECT g, g, g FROM generate_series(1, 9) g; INSERT INTO nokey SELECT g, g FROM generate_series(1, 9) g",
        sql="INSERT INTO k VALUES ('new', 'n', 4); UPDATE k SET v = 'up' WHERE z < 3; DELETE FROM k WHERE id = '4'; UPDATE nokey SET v = 'q' WHERE w > 6;"
        " DELETE FROM nokey WHERE w < 4; INSERT INTO nokey VALUES ('x', 3); CREATE TABLE s (id d PRIMARY KEY, up text REFERENCES s(id));"
        " INSERT INTO s VALUES ('1', NULL), ('2', 1); DELETE FROM s WHERE id = '2'",
    ),
    Case(
        name="rows that broke a constraint are mended, and it is validated",
        setup='CREATE TABLE "o %s" (id int PRIMARY KEY, n int, "v {}" text, up int); INSERT INTO "o %s" SELECT g, g - 4, nullif(g, 3), g % 5 FROM generate_series(1, 20) g;'
        " CREATE TABLE bag (n int, m int); INSERT INTO bag SELECT g % 3, nullif(g, 5) FROM generate_series(1, 9) g;"
        " CREATE TABLE top (id int PRIMARY KEY); INSERT INTO top VALUES (1), (2), (3);"
        ' ALTER TABLE "o %s" ADD CONSTRAINT "p {} %s" CHECK (n > 0) NO INHERIT NOT VALID, ADD CONSTRAINT f FOREIGN KEY (up) REFERENCES top NOT VALID,'
        ' ADD CONSTRAINT there NOT NULL "v {}" NOT VALID; ALTER TABLE bag ADD CONSTRAINT few CHECK (n < 2) NOT VALID;'
        " COMMENT ON CONSTRAINT \"p {} %s\" ON \"o %s\" IS 'it''s {}'",
        sql='UPDATE "o %s" SET n = abs(n) + 1, "v {}" = coalesce("v {}", \'none\') WHERE n <= 0 OR "v {}" IS NULL; DELETE FROM "o %s" WHERE up = 4;'
        ' UPDATE "o %s" SET up = NULL WHERE up = 0; ALTER TABLE "o %s" VALIDATE CONSTRAINT "p {} %s"; ALTER TABLE "o %s" VALIDATE CONSTRAINT f;'
        " DELETE FROM bag WHERE n = 2; ALTER TABLE bag VALIDATE CONSTRAINT few;"
        " ALTER TABLE bag ADD COLUMN sha text; ALTER TABLE bag ADD CONSTRAINT tmp CHECK (sha IS NOT NULL) NOT VALID;"
        " UPDATE bag SET sha = 'x' || n; ALTER TABLE bag VALIDATE CONSTRAINT tmp; ALTER TABLE bag ALTER sha SET NOT NULL; ALTER TABLE bag DROP CONSTRAINT tmp",
    ),
    _case("truncate", "TRUNCATE loose, watched", also_written=("log",), loose=("log.n",)),
    _case("truncate, cascade", f"TRUNCATE shop RESTART IDENTITY CASCADE; TRUNCATE {ODD}"),
    _case(
        "types with a table and a column of them",
        "CREATE TYPE feeling AS ENUM ('good', 'bad'); CREATE DOMAIN small AS int CHECK (VALUE < 100);"
        " CREATE TABLE made (id int PRIMARY KEY, f feeling NOT NULL DEFAULT 'bad', s small, fs feeling[]);"
        " INSERT INTO made VALUES (1, 'good', 5, '{bad}'); ALTER TABLE watched ADD feels feeling DEFAULT 'good'",
    ),
    _case(
        "table made from a query",
        "INSERT INTO watched VALUES (50, 1); CREATE TABLE made AS SELECT id, shop_id, price FROM item; ALTER TABLE made ADD PRIMARY KEY (id), ADD z serial,"
        " ADD FOREIGN KEY (shop_id) REFERENCES shop; CREATE INDEX ON made (price);"
        ' SELECT id AS a INTO TEMP picked FROM made WHERE id < 4 UNION SELECT 50; CREATE OR REPLACE VIEW of_picked AS SELECT a AS b FROM picked; UPDATE loose SET x = 41 WHERE u IN (SELECT b FROM of_picked); DROP VIEW of_picked; SELECT a INTO "odd %s" FROM picked;'
        " CREATE TABLE other AS TABLE loose WITH NO DATA; ALTER TABLE other ADD made int, ADD CONSTRAINT to_made"
        " FOREIGN KEY (made) REFERENCES made (id), DROP COLUMN x; INSERT INTO other (made, u) SELECT min(id), 1 FROM made;"
        " UPDATE made SET price = z; DELETE FROM made WHERE id > 15",
        also_written=("log",),
        loose=("log.n",),
    ),
    Case(
        name="functions of the session",
        setup="CREATE TABLE d (id text PRIMARY KEY, a int); INSERT INTO d VALUES ('x', 1), ('y', 2)",
        sql="""CREATE OR REPLACE FUNCTION pg_temp.up(t text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RETURN t || '!'; END$$;
        CREATE FUNCTION pg_temp.twice(t text) RETURNS text LANGUAGE sql AS 'SELECT pg_temp.up(t) || PG_TEMP.up(t)';
        UPDATE d SET id = pg_temp.twice(id) WHERE a > 1; DROP FUNCTION pg_temp.twice(text); ALTER TABLE d ADD z int;
        CREATE TEMP TABLE last ON COMMIT DROP AS SELECT id FROM d; INSERT INTO d SELECT id || '?' FROM last""",
    ),
    Case(
        name="views of the session, and a function that need not change the schema",
        setup="CREATE TABLE d (id text PRIMARY KEY, a int); INSERT INTO d VALUES ('x', 1), ('y', 2)",
        sql="""CREATE FUNCTION maybe() RETURNS void LANGUAGE plpgsql AS $$DECLARE r record; BEGIN
            FOR r IN SELECT indexname AS n FROM pg_indexes WHERE tablename = 'd' AND indexname LIKE 'qm%' LOOP EXECUTE 'DROP INDEX ' || r.n; END LOOP;
            END$$; SELECT maybe(); DROP FUNCTION maybe(); CREATE TEMPORARY TABLE h AS SELECT id FROM d; CREATE VIEW hd AS SELECT n.id FROM d n JOIN h ON true;
        INSERT INTO d SELECT id || '9', 7 FROM hd GROUP BY 1; DROP VIEW hd; DROP TABLE d""",
    ),
    _case(
        "view made and indexed",
        "CREATE MATERIALIZED VIEW totals AS SELECT shop_id, sum(price) AS total FROM item GROUP BY shop_id;"
        " CREATE UNIQUE INDEX ON totals (shop_id); CREATE INDEX by_total ON totals (total DESC)",
    ),
)
