"""Cases of DROP TABLE and DROP SEQUENCE: the quarantine of whole tables."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case
from tests.laws.cases.schema import LONG, ODD

_SETUP = f"""
CREATE SCHEMA "Odd schéma"; CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE parent (id int PRIMARY KEY, code text CONSTRAINT code_key UNIQUE);
CREATE TABLE t (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, s serial, n int DEFAULT 3, m mood DEFAULT 'sad',
    g int GENERATED ALWAYS AS (n * 2) STORED, parent_id int CONSTRAINT to_parent REFERENCES parent ON DELETE CASCADE,
    code text REFERENCES parent (code) DEFERRABLE, boss bigint REFERENCES t, body text COMPRESSION pglz,
    CONSTRAINT positive CHECK (n > 0), UNIQUE (n, code)
);
ALTER TABLE t ADD CONSTRAINT unchecked FOREIGN KEY (n) REFERENCES parent NOT VALID;
COMMENT ON CONSTRAINT to_parent ON t IS 'it''s \\ kept'; COMMENT ON TABLE t IS 't'; COMMENT ON COLUMN t.n IS 'n';
CREATE INDEX by_n ON t (n); CREATE UNIQUE INDEX by_code ON t (lower(code)) WHERE n > 2; COMMENT ON INDEX by_n IS 'n';
ALTER TABLE t CLUSTER ON by_n; ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t ALTER n SET STATISTICS 77;
CREATE STATISTICS other.of_t ON n, m FROM t; COMMENT ON STATISTICS other.of_t IS 'stats';
CREATE INDEX other_by_n ON parent (code);
CREATE TABLE other.t (id int PRIMARY KEY, n int); CREATE INDEX by_n ON other.t (n);
CREATE TABLE child (id int PRIMARY KEY, t_id bigint DEFAULT 1 CONSTRAINT to_t REFERENCES t ON DELETE SET DEFAULT, p int REFERENCES parent);
COMMENT ON CONSTRAINT to_t ON child IS 'points';
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER asleep BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch(); ALTER TABLE t DISABLE TRIGGER asleep;
CREATE TRIGGER always AFTER INSERT ON t FOR EACH ROW WHEN (NEW.n > 3) EXECUTE FUNCTION touch(); ALTER TABLE t ENABLE ALWAYS TRIGGER always;
CREATE CONSTRAINT TRIGGER late AFTER DELETE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION touch();
COMMENT ON TRIGGER always ON t IS 'always';
CREATE POLICY mine ON t FOR SELECT TO pg_monitor USING (n > 0 AND EXISTS (SELECT FROM parent WHERE id = n)); COMMENT ON POLICY mine ON t IS 'mine';
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE RULE quiet AS ON DELETE TO t WHERE OLD.id = 0 DO INSTEAD NOTHING;
GRANT SELECT, INSERT (n) ON t TO pg_monitor WITH GRANT OPTION; GRANT USAGE ON SEQUENCE t_s_seq TO PUBLIC;
CREATE PUBLICATION named FOR TABLE t (id, n) WHERE (n > 0), parent;
CREATE VIEW seen AS SELECT id, n FROM t; COMMENT ON VIEW seen IS 'seen'; GRANT SELECT ON seen TO pg_monitor;
CREATE VIEW above AS SELECT n FROM seen WHERE n > 1; CREATE VIEW grouped AS SELECT id, n, count(*) FROM t GROUP BY id;
CREATE MATERIALIZED VIEW held AS SELECT n FROM t; CREATE INDEX of_held ON held (n);
CREATE FUNCTION all_t() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t';
CREATE FUNCTION read_t() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;
CREATE POLICY by_t ON parent USING (id IN (SELECT n FROM t));
CREATE SEQUENCE lone START 5 INCREMENT 5; COMMENT ON SEQUENCE lone IS 'lone'; GRANT USAGE ON SEQUENCE lone TO pg_monitor;
CREATE SEQUENCE "Odd schéma"."{LONG[:-1]}z";
CREATE TABLE plain (id int PRIMARY KEY DEFAULT nextval('lone'), v text);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY, v text); CREATE TABLE bare (v text);
CREATE TABLE anchor (id int PRIMARY KEY); INSERT INTO anchor SELECT g FROM generate_series(1, 9) g;
CREATE TABLE {ODD} ("we""ird {{}} %s" int CONSTRAINT "ço '%" CHECK ("we""ird {{}} %s" <> 0), p int REFERENCES anchor, id serial PRIMARY KEY);
CREATE INDEX "ïdx of %d" ON {ODD} ("we""ird {{}} %s");
CREATE TRIGGER "tr'{{}}" BEFORE UPDATE ON {ODD} FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE a (id int PRIMARY KEY, b int); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
CREATE TABLE parts (k int, j int, n text DEFAULT 'x', PRIMARY KEY (k, j)) PARTITION BY RANGE (k); COMMENT ON TABLE parts IS 'parts';
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (10); CREATE TABLE parts_rest PARTITION OF parts DEFAULT PARTITION BY LIST (j);
CREATE TABLE other.parts_rest_1 PARTITION OF parts_rest FOR VALUES IN (1); CREATE INDEX ON parts (n); CREATE INDEX only_low ON parts_low (lower(n));
CREATE FUNCTION touch_parts() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER of_parts AFTER UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION touch_parts(); ALTER TABLE parts_low ADD CHECK (n <> '');
CREATE PUBLICATION of_parts FOR TABLE parts; CREATE VIEW of_low AS SELECT k FROM parts_low;
INSERT INTO parts SELECT g, 1 FROM generate_series(1, 20) g;
CREATE TABLE owned (id serial PRIMARY KEY, v int); ALTER TABLE owned ALTER id DROP DEFAULT;
INSERT INTO parent SELECT g, 'c' || g FROM generate_series(1, 9) g;
INSERT INTO t (n, m, parent_id, code, boss, body) SELECT g, 'happy', g, 'c' || g, nullif(g - 1, 0), repeat('x', 3000) FROM generate_series(1, 9) g;
INSERT INTO child SELECT g, g, g FROM generate_series(1, 9) g; INSERT INTO other.t SELECT g, g FROM generate_series(1, 5) g;
INSERT INTO plain (v) SELECT 'v' || g FROM generate_series(1, 5) g; INSERT INTO bare VALUES ('x'), ('x'), (NULL);
INSERT INTO unlogged SELECT g, 'v' FROM generate_series(1, 5) g; INSERT INTO {ODD} SELECT g, g FROM generate_series(1, 9) g;
INSERT INTO a SELECT g FROM generate_series(1, 5) g; INSERT INTO b SELECT g, g FROM generate_series(1, 5) g; UPDATE a SET b = id;
SELECT nextval('lone'), nextval('owned_id_seq');
REFRESH MATERIALIZED VIEW held;
ALTER TABLE {ODD} ENABLE ROW LEVEL SECURITY; ALTER TABLE {ODD} FORCE ROW LEVEL SECURITY;
"""


def _case(name: str, sql: str) -> Case:
    return Case(name=f"drop: {name}", sql=sql, setup=_SETUP)


_HIDDEN = f"""
CREATE SCHEMA "Odd schéma";
CREATE TYPE "fe'el" AS ENUM ('sad', 'it''s'); CREATE TYPE "Odd schéma"."{LONG}" AS (ai int, b text); CREATE DOMAIN small AS int CHECK (VALUE < 99);
CREATE TYPE shared AS ENUM ('x', 'y'); COMMENT ON TYPE "fe'el" IS 'felt'; GRANT USAGE ON TYPE shared TO pg_monitor;
CREATE FUNCTION "sl{{}} %s"(v text, n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT upper(v) || n$$;
CREATE FUNCTION "sl{{}} %s"(v text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT v$$; COMMENT ON FUNCTION "sl{{}} %s"(text, int) IS 'slug';
CREATE TABLE t (
    id int PRIMARY KEY, f "fe'el" NOT NULL DEFAULT 'sad', several "fe'el"[], c text, s shared, d small,
    g text GENERATED ALWAYS AS ("sl{{}} %s"(c, id)) STORED
);
CREATE INDEX ON t (g); CREATE TABLE u (id int PRIMARY KEY, o "Odd schéma"."{LONG}", s shared); CREATE TABLE v (s shared);
INSERT INTO t (id, several, c, s, d) SELECT g, '{{sad}}', 'c' || g, 'x', g FROM generate_series(1, 15) g;
INSERT INTO u SELECT g, NULL, 'y' FROM generate_series(1, 5) g;
"""

CASES = (
    Case(
        name="column with all that hangs on it",
        setup="""CREATE TABLE "p 'x" (id int PRIMARY KEY, code text UNIQUE, n int, g int GENERATED ALWAYS AS (n + 1) STORED);
        CREATE TABLE c (id int PRIMARY KEY, code text REFERENCES "p 'x" (code) ON UPDATE CASCADE, up int);
        CREATE VIEW seen AS SELECT id, n FROM "p 'x"; GRANT SELECT ON seen TO pg_monitor; CREATE VIEW above AS SELECT * FROM seen;
        CREATE MATERIALIZED VIEW held AS SELECT code FROM "p 'x"; CREATE INDEX ON held (code); CREATE INDEX ON "p 'x" (g);
        INSERT INTO "p 'x" SELECT g, 'c' || g, g FROM generate_series(1, 15) g; INSERT INTO c SELECT id, code FROM "p 'x"; REFRESH MATERIALIZED VIEW held""",
        sql="""ALTER TABLE "p 'x" DROP COLUMN n CASCADE, DROP COLUMN code CASCADE, ADD code int; ALTER TABLE c DROP COLUMN up CASCADE""",
    ),
    Case(
        name="type with the columns of it",
        setup="""CREATE SCHEMA "Odd s"; CREATE TYPE "Odd s"."fe'el" AS ENUM ('sad', 'it''s'); CREATE DOMAIN felt AS "Odd s"."fe'el" CHECK (VALUE <> 'sad');
        CREATE FUNCTION of_it("Odd s"."fe'el") RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
        CREATE TABLE "p 'x" (id int PRIMARY KEY, "c 1" "Odd s"."fe'el" NOT NULL DEFAULT 'sad' UNIQUE, several "Odd s"."fe'el"[], f felt DEFAULT 'it''s',
            words text DEFAULT ('sad'::"Odd s"."fe'el")::text, n int, g int GENERATED ALWAYS AS (n + of_it('sad')) STORED);
        CREATE TABLE c (id int PRIMARY KEY, c1 "Odd s"."fe'el" REFERENCES "p 'x" ("c 1") ON DELETE CASCADE);
        CREATE INDEX by_it ON "p 'x" ((n + of_it('sad'))); CREATE INDEX ON "p 'x" (g);
        CREATE VIEW seen AS SELECT id, "c 1" FROM "p 'x"; GRANT SELECT ON seen TO pg_monitor; COMMENT ON TYPE "Odd s"."fe'el" IS 'felt'; COMMENT ON COLUMN "p 'x".f IS 'f';
        CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.n := NEW.n + 1; RETURN NEW; END$$;
        CREATE TRIGGER counted BEFORE UPDATE OF n ON "p 'x" FOR EACH ROW EXECUTE FUNCTION count_it();
        INSERT INTO "p 'x" SELECT g, (ARRAY['sad', 'it''s'])[g]::"Odd s"."fe'el", '{sad}', 'it''s', 'w', g + 1 FROM generate_series(1, 2) g; INSERT INTO c SELECT id, "c 1" FROM "p 'x" """,
        sql="""DROP TYPE "Odd s"."fe'el" CASCADE; ALTER TABLE "p 'x" ADD "c 1" int""",
    ),
    Case(
        name="function with all that calls it",
        setup="""CREATE FUNCTION "f 1"(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1'; COMMENT ON FUNCTION "f 1"(int) IS 'one more';
        CREATE TABLE "p 'x" (id int PRIMARY KEY, n int DEFAULT "f 1"(1), m int);
        CREATE INDEX by_f ON "p 'x" ("f 1"(id)) WHERE n > 0; CREATE VIEW seen AS SELECT id, "f 1"(n) AS n FROM "p 'x";
        CREATE POLICY few ON "p 'x" USING ("f 1"(n) > 0); ALTER TABLE "p 'x" ENABLE ROW LEVEL SECURITY;
        CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.m := NEW.m + 1; RETURN NEW; END$$;
        CREATE TRIGGER counted BEFORE UPDATE ON "p 'x" FOR EACH ROW EXECUTE FUNCTION count_it();
        INSERT INTO "p 'x" (id, m) SELECT g, g FROM generate_series(1, 15) g""",
        sql='DROP FUNCTION "f 1" CASCADE; DROP FUNCTION count_it CASCADE',
    ),
    Case(
        name="foreign key, then what it points at",
        setup="CREATE TABLE p (id int PRIMARY KEY, n int); CREATE UNIQUE INDEX both_of ON p (n, id);"
        " CREATE TABLE c (id int PRIMARY KEY, a int, b int, CONSTRAINT both_fk FOREIGN KEY (a, b) REFERENCES p (id, n));"
        " INSERT INTO p SELECT g, g FROM generate_series(1, 9) g; INSERT INTO c SELECT g, g, g FROM generate_series(1, 9) g",
        sql="ALTER TABLE c DROP CONSTRAINT both_fk; DROP INDEX both_of; ALTER TABLE p DROP CONSTRAINT p_pkey, ADD m int, DROP id, ADD PRIMARY KEY (n);"
        " CREATE UNIQUE INDEX of_m ON p (m); ALTER TABLE c ADD FOREIGN KEY (a) REFERENCES p (m) NOT VALID; DROP INDEX of_m CASCADE",
    ),
    Case(
        name="what only hidden things need",
        setup=_HIDDEN,
        sql=f"""ALTER TABLE t DROP f, DROP g, DROP several; DROP FUNCTION "sl{{}} %s"(text, int); DROP TYPE "fe'el"; DELETE FROM t WHERE id < 4;
        DROP TABLE u, v; ALTER TABLE t DROP COLUMN s; DROP TYPE shared, "Odd schéma"."{LONG}" CASCADE; ALTER TABLE t DROP d; DROP DOMAIN small;
        CREATE TYPE "fe'el" AS (n int); ALTER TABLE t ADD f "fe'el" """,
    ),
    Case(
        name="drop: what pointed at rows that go then",
        setup='CREATE TABLE house (a int, "b %s" int, v text, PRIMARY KEY (a, "b %s")); INSERT INTO house SELECT g, g, g FROM generate_series(1, 9) g;'
        " CREATE TABLE lives (id int PRIMARY KEY, x int, y int, FOREIGN KEY (x, y) REFERENCES house ON DELETE CASCADE); INSERT INTO lives SELECT g, g, g FROM generate_series(1, 9) g;"
        ' CREATE TABLE works (id int PRIMARY KEY, x int, y int, CONSTRAINT there FOREIGN KEY (y, x) REFERENCES house ("b %s", a)); INSERT INTO works SELECT g, g, g FROM generate_series(1, 9) g',
        sql='DROP TABLE lives; ALTER TABLE works DROP CONSTRAINT there; ALTER TABLE works RENAME x TO "x x"; ALTER TABLE house RENAME "b %s" TO b;'
        ' ALTER TABLE house RENAME TO home; DELETE FROM home WHERE a < 5; ALTER TABLE home RENAME a TO "a a"; TRUNCATE home',
    ),
    _case("bare table", "DROP TABLE bare"),
    _case(
        "with everything, cascade",
        "DROP TABLE t CASCADE; DROP TRIGGER IF EXISTS none ON child; DROP FUNCTION touch() CASCADE",
    ),
    _case("both of two that point at each other", "DROP TABLE IF EXISTS a, nothing, b"),
    _case(
        "child, then parent, with keys between",
        "DROP TABLE child; DROP POLICY by_t ON parent; DROP TABLE t, parent CASCADE",
    ),
    _case("odd", f"DROP TABLE {ODD}, other.t"),
    _case(
        "unlogged, and its name taken again",
        "DROP TABLE unlogged; CREATE TABLE unlogged (id int PRIMARY KEY, p int REFERENCES parent); INSERT INTO unlogged VALUES (1, 1)",
    ),
    _case(
        "made and dropped in one script",
        "CREATE TABLE fresh (id serial PRIMARY KEY, p int REFERENCES parent); CREATE INDEX ON fresh (p); INSERT INTO fresh (p) VALUES (1); DROP TABLE fresh; CREATE TABLE fresh (x int)",
    ),
    _case(
        "its rows changed before",
        "DELETE FROM plain WHERE id > 10; ALTER TABLE plain DROP COLUMN v; DROP TABLE plain; DROP SEQUENCE lone",
    ),
    _case(
        "its keys dropped before",
        "ALTER TABLE child DROP CONSTRAINT to_t; ALTER TABLE child DROP CONSTRAINT child_p_fkey; DROP POLICY by_t ON parent; DROP TABLE child, t, parent CASCADE",
    ),
    _case("partitions with their table", "DROP TABLE parts CASCADE"),
    _case("sequences", f'DROP SEQUENCE IF EXISTS owned_id_seq, none, "Odd schéma"."{LONG[:-1]}z"'),
    _case("nothing", "DROP TABLE IF EXISTS none, nobody.t; DROP SEQUENCE IF EXISTS none"),
)
