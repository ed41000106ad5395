"""Cases of what changes columns, checks, indexes and rows on the shared schema."""

from __future__ import annotations

from tests.laws.cases.case import Case
from tests.laws.cases.schema import COL, LONG, ODD


def _case(name: str, sql: str, also_written: tuple[str, ...] = (), loose: tuple[str, ...] = ()) -> Case:
    return Case(name=name, sql=sql, also_written=also_written, loose=loose)


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
    _case(
        "drop what hangs on columns, then the columns",
        "ALTER TABLE t DROP CONSTRAINT t_parent_id_fkey; DROP INDEX t_part;"
        " ALTER TABLE t DROP CONSTRAINT t_d_key; ALTER TABLE t ALTER b DROP NOT NULL, DROP CONSTRAINT bb;"
        " ALTER TABLE t DROP parent_id, DROP w, DROP d, DROP b; ALTER TABLE t ADD w int, ADD b text;"
        " ALTER TABLE softchild DROP CONSTRAINT softchild_p_fkey, ALTER p TYPE bigint",
    ),
    _case(
        "star after columns are hidden",
        "ALTER TABLE parent DROP boss; ALTER TABLE nokey ALTER x TYPE bigint;"
        " CREATE VIEW stars AS SELECT p.*, n.y AS why FROM parent p JOIN nokey n ON n.x = p.id"
        " UNION ALL SELECT q.*, NULL FROM parent q;"
        " CREATE TABLE made AS SELECT * FROM nokey; INSERT INTO parent SELECT * FROM (SELECT 77, 'x') q;"
        " INSERT INTO parent SELECT id + 100, name FROM (SELECT * FROM parent) q WHERE id < 3",
    ),
    _case("drop column, odd", f"ALTER TABLE {ODD} DROP COLUMN {COL}"),
    _case("drop column, long", f'ALTER TABLE {ODD} DROP COLUMN "{LONG}", DROP "order"'),
    _case("set not null", "ALTER TABLE t ALTER a SET NOT NULL"),
    _case("set not null, odd", f'ALTER TABLE {ODD} ALTER "Ünï" SET NOT NULL, ALTER "{LONG}" SET NOT NULL'),
    _case("set not null, named", "ALTER TABLE t ADD CONSTRAINT has_a NOT NULL a"),
    _case(
        "set not null, not valid",
        'ALTER TABLE t ADD CONSTRAINT "has {} %s" NOT NULL parent_id NOT VALID;'
        " UPDATE t SET parent_id = 1 WHERE parent_id IS NULL",
    ),
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
    _case(
        "upkeep",
        f"""ANALYZE t (a, b), {ODD}; REINDEX TABLE t; REINDEX INDEX "Odd schéma"."ïdx of %d";"""
        " CREATE TABLE made (id int PRIMARY KEY); REINDEX TABLE made; ANALYZE made",
    ),
    _case("nothing", "-- nothing at all"),
)
