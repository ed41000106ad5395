"""A schema with hostile corners, for every case that needs no other."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

LONG = "ü" * 31 + "x"  # 63 bytes

SETUP = f"""
CREATE SCHEMA "Odd schéma";
CREATE TYPE mood AS ENUM ('sad', 'so-so', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE parent (id int PRIMARY KEY, name text NOT NULL, boss int REFERENCES parent ON DELETE SET NULL);
CREATE TABLE t (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    parent_id int DEFAULT 3 REFERENCES parent ON DELETE CASCADE,
    a int DEFAULT 3, b int NOT NULL, c text, d int UNIQUE, e int CHECK (e > 0),
    n text NOT NULL DEFAULT 'x', s serial, w int,
    CONSTRAINT bb CHECK (b > 0 AND a < 1000)
);
CREATE TABLE grandchild (id int PRIMARY KEY, t_id bigint REFERENCES t ON DELETE CASCADE, v text);
CREATE TABLE softchild (id int PRIMARY KEY, p int DEFAULT 1 REFERENCES parent ON DELETE SET DEFAULT);
CREATE INDEX t_c_idx ON t (c);
CREATE INDEX t_bc ON t (b, c) INCLUDE (e);
CREATE UNIQUE INDEX t_part ON t (w, n) WHERE w > 5;
CREATE UNIQUE INDEX t_expr ON t (lower(c));
ALTER TABLE t CLUSTER ON t_bc;
CREATE STATISTICS t_stat ON a, b FROM t;
COMMENT ON COLUMN t.b IS 'it''s b'; COMMENT ON INDEX t_bc IS 'an index'; COMMENT ON CONSTRAINT bb ON t IS 'bb \\ it';
GRANT SELECT (b), UPDATE (b) ON t TO PUBLIC;
ALTER TABLE t ALTER b SET STATISTICS 500, ALTER c SET STORAGE EXTERNAL;
ALTER TABLE t ADD gone int; ALTER TABLE t DROP gone;
CREATE TABLE nokey (x int, y text, f float8, j json, z int GENERATED ALWAYS AS IDENTITY);
CREATE TABLE wide (
    code text COLLATE "C", part int, m mood DEFAULT 'sad', tags text[] NOT NULL DEFAULT '{{}}', j json, jb jsonb,
    f float8, num numeric(10, 2), p positive, ts timestamptz, g int GENERATED ALWAYS AS (part * 2) STORED,
    bounds int[], seq bigint GENERATED ALWAYS AS IDENTITY, "current_user" int, PRIMARY KEY (code, part)
);
CREATE TABLE deferred (id int PRIMARY KEY, u int UNIQUE DEFERRABLE INITIALLY DEFERRED,
    p int REFERENCES parent ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "Odd schéma"."{LONG}" ("we""ird {{col}} %s" int NOT NULL, "Ünï" text, "{LONG}" int CONSTRAINT "ço '%" CHECK ("{LONG}" <> 0),
    "order" int UNIQUE, id int PRIMARY KEY);
CREATE INDEX "ïdx of %d" ON "Odd schéma"."{LONG}" ("we""ird {{col}} %s", lower("Ünï"));
CREATE TABLE guarded (id int PRIMARY KEY, v int, note text);
CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN NEW.note := coalesce(NEW.note, '') || '!'; RETURN NEW; END$$;
CREATE TRIGGER rewriting BEFORE UPDATE ON guarded FOR EACH ROW EXECUTE FUNCTION rewrite();
CREATE TABLE watched (id int PRIMARY KEY, v int, again int DEFAULT 0);
CREATE TABLE audit (n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO audit (what) VALUES (TG_OP || OLD.id); RETURN NULL; END$$;
CREATE TRIGGER auditing AFTER UPDATE OR DELETE ON watched FOR EACH ROW EXECUTE FUNCTION note();
CREATE TABLE twice (id int PRIMARY KEY, v int, again int DEFAULT 0);
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN UPDATE twice SET again = again + 1 WHERE id = NEW.id; RETURN NULL; END$$;
CREATE TRIGGER again AFTER UPDATE OF v ON twice FOR EACH ROW EXECUTE FUNCTION again();
INSERT INTO parent SELECT g, 'p' || g, nullif(g - 1, 0) FROM generate_series(1, 10) g;
INSERT INTO t (parent_id, a, b, c, d, e, w)
    SELECT g % 10 + 1, g, g, 'c' || g, g, g, g FROM generate_series(1, 23) g;
INSERT INTO grandchild SELECT g, g % 23 + 1, 'v' FROM generate_series(1, 30) g;
INSERT INTO softchild SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO nokey SELECT g % 3, 'y', CASE g % 4 WHEN 0 THEN '-0' WHEN 1 THEN 'NaN' ELSE '1.5' END::float8,
    '{{"a":1,"a":2}}' FROM generate_series(1, 16) g;
INSERT INTO wide (code, part, m, tags, j, jb, f, num, p, ts, bounds) SELECT chr(64 + g), g, (ARRAY['sad', 'happy']::mood[])[g % 2 + 1], ARRAY['t' || g, NULL], '{{"k": 1, "k": 2}}',
    '{{"k": 1}}', (ARRAY['-0', 'NaN', '0']::float8[])[g % 3 + 1], g / 3.0, g, '2020-01-01'::timestamptz + g * interval '1 h',
    ('[0:1]={{' || g || ',2}}')::int[] FROM generate_series(1, 16) g;
INSERT INTO deferred SELECT g, g, g FROM generate_series(1, 10) g;
INSERT INTO "Odd schéma"."{LONG}" SELECT g, 'Ü' || g, g, g, g FROM generate_series(1, 15) g;
INSERT INTO guarded SELECT g, g, CASE WHEN g % 2 = 0 THEN 'n' END FROM generate_series(1, 10) g;
INSERT INTO watched SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO twice SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO audit (what) VALUES ('before');
"""

ODD = f'"Odd schéma"."{LONG}"'
COL = '"we""ird {col} %s"'
