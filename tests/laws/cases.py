"""One table of cases over all modelled operations, on one schema with hostile corners."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from dataclasses import dataclass

_LONG = "ü" * 31 + "x"  # 63 bytes

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
CREATE TABLE "Odd schéma"."{_LONG}" ("we""ird {{col}} %s" int NOT NULL, "Ünï" text, "{_LONG}" int CONSTRAINT "ço '%" CHECK ("{_LONG}" <> 0),
    "order" int UNIQUE, id int PRIMARY KEY);
CREATE INDEX "ïdx of %d" ON "Odd schéma"."{_LONG}" ("we""ird {{col}} %s", lower("Ünï"));
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
INSERT INTO "Odd schéma"."{_LONG}" SELECT g, 'Ü' || g, g, g, g FROM generate_series(1, 15) g;
INSERT INTO guarded SELECT g, g, CASE WHEN g % 2 = 0 THEN 'n' END FROM generate_series(1, 10) g;
INSERT INTO watched SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO twice SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO audit (what) VALUES ('before');
"""

ODD = f'"Odd schéma"."{_LONG}"'
COL = '"we""ird {col} %s"'


@dataclass(frozen=True, kw_only=True)
class Case:
    """A script with what a law has to know of it."""

    name: str
    sql: str
    #: Tables that its triggers write, as a rehearsal would find them, for statement 0.
    also_written: tuple[str, ...] = ()
    #: `table.column` whose values differ from run to run.
    loose: tuple[str, ...] = ()


def _case(name: str, sql: str, **more: tuple[str, ...]) -> Case:
    return Case(name=name, sql=sql, **more)


CASES = (
    _case("add column, no default", "ALTER TABLE t ADD COLUMN z text"),
    _case("add column, constant", "ALTER TABLE t ADD COLUMN z int DEFAULT 7"),
    _case("add column, array", "ALTER TABLE t ADD z text[] NOT NULL DEFAULT '{}'"),
    _case("add column, json", """ALTER TABLE t ADD z json DEFAULT '{"a": "{}"}'"""),
    _case("add column, enum", "ALTER TABLE t ADD z mood DEFAULT 'happy', ADD zz mood[] DEFAULT '{sad}'"),
    _case(
        "add column, precise", "ALTER TABLE t ADD z numeric(8,3) DEFAULT 1.5, ADD zz varchar(20) DEFAULT 'q'"
    ),
    _case("add column, stable", "ALTER TABLE t ADD z timestamptz NOT NULL DEFAULT now()", loose=("t.z",)),
    _case("add column, odd", f"""ALTER TABLE {ODD} ADD "new ""col"" {{}}" text DEFAULT 'a''b\\c{{}}%s'"""),
    _case("add column if not exists", "ALTER TABLE t ADD COLUMN IF NOT EXISTS a text"),
    _case("replace column", "ALTER TABLE t ADD COLUMN a text DEFAULT 'n', DROP COLUMN a"),
    _case("drop column, plain", "ALTER TABLE nokey DROP COLUMN f"),
    _case("drop column in index, check, not null", "ALTER TABLE t DROP COLUMN b"),
    _case("drop column in unique", "ALTER TABLE t DROP COLUMN d"),
    _case("drop column in check and index", "ALTER TABLE t DROP COLUMN e"),
    _case("drop column in foreign key", "ALTER TABLE t DROP COLUMN parent_id"),
    _case("drop column in primary key", "ALTER TABLE deferred DROP COLUMN id"),
    _case("drop column in composite key", "ALTER TABLE wide DROP COLUMN code"),
    _case("drop column, not null default", "ALTER TABLE t DROP COLUMN n"),
    _case("drop column, serial", "ALTER TABLE t DROP COLUMN s"),
    _case("drop column, identity", "ALTER TABLE nokey DROP COLUMN z"),
    _case("drop column, generated", "ALTER TABLE wide DROP COLUMN g"),
    _case("drop column, partial unique", "ALTER TABLE t DROP COLUMN w"),
    _case("drop column, expression unique", "ALTER TABLE t DROP COLUMN c"),
    _case("drop column, deferrable unique", "ALTER TABLE deferred DROP COLUMN u"),
    _case("drop column, deferrable key", "ALTER TABLE deferred DROP COLUMN p"),
    _case("drop column, odd", f"ALTER TABLE {ODD} DROP COLUMN {COL}"),
    _case("drop column, long", f'ALTER TABLE {ODD} DROP COLUMN "{_LONG}", DROP "order"'),
    _case("set not null", "ALTER TABLE t ALTER a SET NOT NULL"),
    _case("set not null, odd", f'ALTER TABLE {ODD} ALTER "Ünï" SET NOT NULL, ALTER "{_LONG}" SET NOT NULL'),
    _case("set not null, named", "ALTER TABLE t ADD CONSTRAINT has_a NOT NULL a"),
    _case("drop not null", "ALTER TABLE t ALTER b DROP NOT NULL"),
    _case("drop not null, odd", f"ALTER TABLE {ODD} ALTER {COL} DROP NOT NULL"),
    _case(
        "set and drop default",
        "ALTER TABLE t ALTER a SET DEFAULT 5, ALTER n DROP DEFAULT, ALTER s DROP DEFAULT",
    ),
    _case("set default twice", "ALTER TABLE t ALTER a SET DEFAULT 5; ALTER TABLE t ALTER a SET DEFAULT 6"),
    _case("add checks", "ALTER TABLE t ADD CHECK (a > 0), ADD CHECK (a > b - 1), ADD CHECK (c <> '{}')"),
    _case("add check, not valid", "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 5) NOT VALID"),
    _case("add check, no inherit", "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NO INHERIT"),
    _case("add check, not enforced", "ALTER TABLE t ADD CONSTRAINT k CHECK (a > 5) NOT ENFORCED"),
    _case("add check, odd", f"ALTER TABLE {ODD} ADD CHECK ({COL} > 0)"),
    _case("drop check", "ALTER TABLE t DROP CONSTRAINT bb"),
    _case("drop check, long", f"""ALTER TABLE {ODD} DROP CONSTRAINT "ço '%\""""),
    _case("index on expression, partial", "CREATE INDEX ON t (lower(c), a DESC) WHERE a > 3"),
    _case("index, unique", "CREATE UNIQUE INDEX ON t (a)"),
    _case("index, nulls not distinct", "CREATE UNIQUE INDEX u ON t (a, w) INCLUDE (n) NULLS NOT DISTINCT"),
    _case("index, concurrently", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t USING hash (c)"),
    _case(
        "index, odd",
        f'CREATE INDEX ON {ODD} ({COL}, "Ünï" COLLATE "C" text_pattern_ops) WITH (fillfactor = 70)',
    ),
    _case("drop index", "DROP INDEX t_bc"),
    _case("drop unique indexes", "DROP INDEX t_part, t_expr"),
    _case("drop index, odd", 'DROP INDEX "Odd schéma"."ïdx of %d"'),
    _case(
        "create table",
        "CREATE TABLE made (id serial PRIMARY KEY, t_id bigint REFERENCES t, x int CHECK (x > 0) UNIQUE,"
        " g int GENERATED ALWAYS AS (x * 2) STORED, i int GENERATED BY DEFAULT AS IDENTITY, UNIQUE (x, g),"
        " FOREIGN KEY (i) REFERENCES parent);"
        " CREATE INDEX ON made (x); ALTER TABLE made ADD y text NOT NULL",
    ),
    _case(
        "create table, odd",
        f'CREATE TABLE "Odd schéma"."n""{{}}%s" (LIKE {ODD} INCLUDING ALL)',
    ),
    _case("update in batches", "UPDATE t SET a = a + 1 WHERE b % 2 = 0"),
    _case("update of a unique column", "UPDATE t SET d = -d"),
    _case("update, deferred unique", "UPDATE deferred SET u = u + 100"),
    _case("update at once", "UPDATE t SET a = a + 1, c = now()::text || id WHERE b % 2 = 0", loose=("t.c",)),
    _case(
        "update, composite key",
        "UPDATE wide AS w SET num = num + 1, tags = tags || ARRAY['x'], f = -f, j = '{}', bounds[0] = 9",
    ),
    _case("update, column named like a function", 'UPDATE wide SET "current_user" = part'),
    _case("update, keyless", "UPDATE nokey SET y = 'z', f = 0 WHERE x = 1"),
    _case("update, odd", f"UPDATE {ODD} SET {COL} = {COL} + 1, \"Ünï\" = '{{}}%s'"),
    _case("update, from", "UPDATE t SET c = p.name || t.id FROM parent p WHERE p.id = t.parent_id"),
    _case("update, rewriting trigger", "UPDATE guarded SET v = v + 1"),
    _case(
        "update, audit trigger", "UPDATE watched SET v = v + 1", also_written=("audit",), loose=("audit.n",)
    ),
    _case("update, again trigger", "UPDATE twice SET v = v + 1"),
    _case("delete", "DELETE FROM t WHERE a > 10"),
    _case("delete with cascades", "DELETE FROM parent WHERE id BETWEEN 2 AND 4"),
    _case("delete all", "DELETE FROM wide"),
    _case("delete, keyless", "DELETE FROM nokey WHERE x = 2"),
    _case("delete, audit trigger", "DELETE FROM watched", also_written=("audit",), loose=("audit.n",)),
    _case("delete, using", "DELETE FROM grandchild USING t WHERE t.id = t_id AND t.a < 5"),
    _case(
        "fill and demand", "ALTER TABLE t ADD z int; UPDATE t SET z = a; ALTER TABLE t ALTER z SET NOT NULL"
    ),
    _case("nothing", "-- nothing at all"),
)
