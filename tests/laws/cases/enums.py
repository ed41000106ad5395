"""Cases of enums that columns use: labels added and renamed, and types exchanged as tools do it."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case

LONG = "ü" * 31 + "v"  # 63 bytes
_ODD = f'"Odd schéma"."{LONG}"'

_SETUP = f"""
CREATE SCHEMA "Odd schéma";
CREATE TYPE mood AS ENUM ('sad', 'it''s \\ {{}} %s', 'happy');
COMMENT ON TYPE mood IS 'how it is';
REVOKE ALL ON TYPE mood FROM PUBLIC; GRANT USAGE ON TYPE mood TO pg_monitor WITH GRANT OPTION;
CREATE TYPE {_ODD} AS ENUM ('a', 'b');
CREATE FUNCTION of_mood(m mood, OUT s text) LANGUAGE sql IMMUTABLE AS $$SELECT 'm'$$;
CREATE TABLE t (
    id int PRIMARY KEY, m mood NOT NULL DEFAULT 'sad', n mood, several mood[] DEFAULT ARRAY['happy']::mood[], last text,
    CONSTRAINT not_both CHECK (m = 'sad' OR n IS NULL), CONSTRAINT late CHECK (n <> 'happy') NO INHERIT NOT VALID, UNIQUE (m, id)
);
CREATE INDEX t_m ON t (m, n);
CREATE INDEX t_sad ON t (id) WHERE m = 'sad';
COMMENT ON INDEX t_sad IS 'partial'; COMMENT ON INDEX t_m IS 'plain'; COMMENT ON CONSTRAINT not_both ON t IS 'a check';
COMMENT ON COLUMN t.m IS 'a mood'; GRANT SELECT (m), UPDATE (n) ON t TO PUBLIC;
ALTER TABLE t ALTER m SET STATISTICS 77, ALTER n SET (n_distinct = 3), CLUSTER ON t_m;
CREATE STATISTICS t_mn (dependencies) ON m, n FROM t;
CREATE TABLE u (id int PRIMARY KEY, m mood, odd {_ODD});
CREATE VIEW v WITH (security_barrier) AS SELECT id, m FROM t WHERE m <> 'happy';
GRANT SELECT ON v TO pg_monitor; COMMENT ON VIEW v IS 'a view';
CREATE VIEW above AS SELECT count(*) AS n FROM v;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$DECLARE former mood := OLD.m; BEGIN NEW.n := former; RETURN NEW; END$$;
CREATE TRIGGER touching BEFORE UPDATE OF m ON t FOR EACH ROW WHEN (NEW.m = 'happy') EXECUTE FUNCTION touch();
CREATE POLICY unhappy ON t USING (m <> 'happy');
INSERT INTO t (id, m, n) SELECT g, (ARRAY['sad', 'happy'])[1 + g % 2]::mood, CASE WHEN g % 2 = 0 THEN 'sad'::mood END FROM generate_series(1, 15) g;
INSERT INTO u SELECT g, 'happy', 'a' FROM generate_series(1, 5) g;
"""


def _case(name: str, sql: str) -> Case:
    return Case(name=f"enum: {name}", sql=sql, setup=_SETUP)


CASES = (
    _case(
        "add values",
        f"""ALTER TYPE mood ADD VALUE 'angry' BEFORE 'happy'; ALTER TYPE mood ADD VALUE IF NOT EXISTS 'sad'; CREATE VIEW more AS SELECT m FROM u;
        ALTER TYPE mood ADD VALUE 'it''s "more" {{}} %s' AFTER 'angry'; ALTER TYPE {_ODD} ADD VALUE 'c'; ALTER TYPE mood RENAME VALUE 'sad' TO 'glum'""",
    ),
    _case(
        "add a value before other changes",
        """ALTER TYPE mood ADD VALUE 'angry'; ALTER TABLE u ADD COLUMN more mood DEFAULT 'sad'; UPDATE u SET m = 'sad' WHERE id < 4;
        UPDATE t SET several = ARRAY['sad']::mood[] WHERE id > 13; ALTER TABLE t DROP COLUMN n; CREATE TABLE fresh (m mood, several mood[])""",
    ),
    _case(
        "add values to a new type",
        "CREATE TYPE fresh AS ENUM ('x'); CREATE DOMAIN domain_of AS int CHECK (VALUE > 0); ALTER TYPE fresh ADD VALUE 'y'; ALTER TABLE u ADD COLUMN f fresh; CREATE TABLE holds (id int, f fresh, g fresh[], d domain_of); ALTER TYPE fresh ADD VALUE 'z'",
    ),
    _case(
        "drop what names a renamed type",
        """ALTER TYPE mood RENAME VALUE 'sad' TO 'gl''um'; ALTER TYPE mood RENAME TO "fe'el"; DROP INDEX t_sad;
        ALTER TABLE t ALTER m DROP DEFAULT, DROP CONSTRAINT not_both, DROP CONSTRAINT late""",
    ),
    Case(
        name="enum: a value renamed, then one added",
        setup="""CREATE TYPE st AS ENUM ('a', 'b'); CREATE TABLE k (id int PRIMARY KEY, s st NOT NULL DEFAULT 'b', CONSTRAINT few CHECK (s <> 'b' OR id > 0));
        CREATE INDEX ix ON k (id) WHERE s = 'b'; INSERT INTO k VALUES (1, 'a'), (2, 'b')""",
        sql="ALTER TYPE st RENAME VALUE 'b' TO 'be''e %s'; ALTER TYPE st ADD VALUE 'c'",
    ),
    Case(
        name="enum: a column of its name becomes text, then drop the type",
        setup="CREATE TYPE health AS ENUM ('failed', 'ok'); CREATE TABLE d (id int PRIMARY KEY, health health NOT NULL); INSERT INTO d VALUES (1, 'ok'), (2, 'failed')",
        sql="""ALTER TABLE d ADD COLUMN health_new text NOT NULL DEFAULT 'failed' CHECK (health_new IN ('failed', 'ok')); UPDATE d SET health_new = health;
        ALTER TABLE d ALTER COLUMN health_new DROP DEFAULT; ALTER TABLE d DROP COLUMN health; ALTER TABLE d RENAME COLUMN health_new TO health; DROP TYPE health""",
    ),
    Case(
        name="enum: become text, then drop the type",
        setup="""CREATE TYPE "fe'el" AS ENUM ('sad', 'it''s'); CREATE TABLE k (id int PRIMARY KEY, f "fe'el" NOT NULL DEFAULT 'sad', z int);
        INSERT INTO k (id) SELECT generate_series(1, 9)""",
        sql="""ALTER TABLE k ALTER f DROP DEFAULT, ALTER f TYPE text USING f::text; ALTER TABLE k ALTER f SET DEFAULT 'sad'; DROP TYPE "fe'el"; DELETE FROM k WHERE id = 3""",
    ),
    Case(
        name="enum: rows changed, then the type exchanged",
        setup="""CREATE TYPE st AS ENUM ('a', 'b'); CREATE TYPE sp AS ENUM ('x', 'y'); CREATE TABLE gone (id int PRIMARY KEY, s st); INSERT INTO gone VALUES (1, 'a');
        CREATE TABLE k (id int PRIMARY KEY, s st NOT NULL DEFAULT 'a', p sp NOT NULL, q sp); INSERT INTO k VALUES (1, 'a', 'x', 'y'), (2, 'b', 'y', NULL), (3, 'b', 'x', 'x')""",
        sql="""BEGIN; ALTER TYPE st ADD VALUE 'M'; COMMIT; DROP TABLE gone; ALTER TABLE k ALTER s DROP DEFAULT; DELETE FROM k WHERE id = 3; UPDATE k SET s = 'M'; ALTER TYPE st RENAME TO st_old; CREATE TYPE st AS ENUM ('M');
        ALTER TABLE k ALTER s TYPE st USING (s::text::st); DROP TYPE st_old; ALTER TABLE k ALTER s SET DEFAULT 'M';
        ALTER TABLE k ALTER q TYPE sp[] USING ARRAY[q]; UPDATE k SET q = array_append(q, 'x') WHERE 'y' = ANY(q);
        CREATE TYPE sp_new AS ENUM ('z'); ALTER TABLE k ADD p_new sp_new; UPDATE k SET p_new = 'z' WHERE p = 'x'; ALTER TABLE k DROP p; ALTER TABLE k RENAME p_new TO p""",
    ),
    Case(
        name="enum: exchanged by CASE, or in a large table, and its name given away",
        setup="""CREATE TYPE st AS ENUM ('live', 'it''s', 'fin'); CREATE TABLE "p %s" (id int PRIMARY KEY, s st NOT NULL DEFAULT 'live', n st);
        INSERT INTO "p %s" SELECT g, (ARRAY['live', 'it''s', 'fin'])[g % 3 + 1]::st, CASE WHEN g % 2 = 0 THEN 'fin'::st END FROM generate_series(1, 9) g;
        CREATE TYPE "sp {}" AS ENUM ('gone', 'x', 'y'); CREATE TABLE large (id int PRIMARY KEY, s "sp {}" NOT NULL, a "sp {}"[], n "sp {}", t text); CREATE INDEX ix ON large (s);
        CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.t := NEW.t || '!'; RETURN NEW; END$$;
        CREATE TRIGGER again BEFORE INSERT OR UPDATE ON large FOR EACH ROW EXECUTE FUNCTION again(); ALTER TABLE large ALTER t SET STORAGE EXTERNAL;
        INSERT INTO large VALUES (1, 'x', '{x,y}', NULL, repeat('x', 2200000)), (2, 'y', NULL, 'x', '')""",
        sql="""CREATE TYPE st_new AS ENUM ('open', 'clo %s', 'sch'); ALTER TABLE "p %s" ALTER s DROP DEFAULT;
        ALTER TABLE "p %s" ALTER s TYPE st_new USING (CASE s::text WHEN 'live' THEN 'open'::st_new WHEN 'it''s' THEN 'clo %s'::st_new ELSE 'open'::st_new END),
        ALTER n TYPE public.st_new USING (CASE n::text WHEN 'fin' THEN 'sch'::st_new WHEN 'live' THEN n::text::st_new ELSE 'open' END);
        ALTER TYPE st RENAME TO st_old; ALTER TYPE st_new RENAME TO st; DROP TYPE st_old; ALTER TABLE "p %s" ALTER s SET DEFAULT 'open';
        CREATE TYPE sp AS ENUM ('x', 'y', 'z'); ALTER TABLE large ALTER s TYPE sp USING s::text::sp, ALTER a TYPE sp[] USING a::text[]::sp[], ALTER n TYPE sp USING (n::text::public.sp);
        DROP TYPE "sp {}"; ALTER TYPE sp RENAME TO "sp {}"; UPDATE large SET s = 'z' WHERE id = 2""",
    ),
    _case(
        "exchange a type",
        f"""BEGIN; CREATE TYPE "Odd schéma"."new" AS ENUM ('a', 'c');
        ALTER TABLE u ALTER COLUMN odd TYPE "Odd schéma"."new" USING (odd::text::"Odd schéma"."new");
        ALTER TYPE {_ODD} RENAME TO "old"; ALTER TYPE "Odd schéma"."new" RENAME TO "{LONG}"; DROP TYPE "Odd schéma"."old"; COMMIT;
        CREATE TYPE "mood_new" AS ENUM ('happy', 'sad', 'late'); ALTER TABLE t ALTER several DROP DEFAULT, ALTER several TYPE mood_new[] USING several::text::mood_new[];
        ALTER TABLE t ALTER several SET DEFAULT '{{happy}}'; UPDATE t SET several = '{{late}}' WHERE id = 3; UPDATE u SET odd = 'c' WHERE id = 2""",
    ),
)
