"""Cases of publications, and of extended statistics' targets."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case
from tests.laws.cases.schema import LONG

_ODD = """ "Odd schéma"."T 'x %s {}" """.strip()
_SETUP = f"""
CREATE SCHEMA "Odd schéma"; CREATE SCHEMA other;
CREATE TABLE a (id int PRIMARY KEY, n int, v text); CREATE TABLE b (id int PRIMARY KEY, n int);
CREATE TABLE {_ODD} (id int PRIMARY KEY, "n %s" int, v text);
CREATE TABLE up (id int PRIMARY KEY, n int); CREATE TABLE down (more int) INHERITS (up);
CREATE TABLE parts (k int PRIMARY KEY, n int) PARTITION BY RANGE (k); CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (99);
CREATE PUBLICATION named FOR TABLE a (id, n) WHERE (n > 0), ONLY up, parts WITH (publish = 'insert, delete', publish_via_partition_root = true);
COMMENT ON PUBLICATION named IS 'it''s \\ kept';
CREATE PUBLICATION "{LONG}" FOR TABLE {_ODD} (id, "n %s") WHERE ("n %s" > 0 OR "T 'x %s {{}}".id <> 3);
CREATE PUBLICATION none;
CREATE TABLE told (id int PRIMARY KEY, n int, "m'" int); CREATE STATISTICS of_told ON n, "m'" FROM told; COMMENT ON STATISTICS of_told IS 'told'; INSERT INTO told SELECT g, g, g FROM generate_series(1, 20) g;
CREATE STATISTICS "s %s" ON id, n FROM a; CREATE STATISTICS other.set ON id, n FROM b; ALTER STATISTICS other.set SET STATISTICS 77; COMMENT ON STATISTICS other.set IS 'set';
INSERT INTO a SELECT g, g, 'v' FROM generate_series(1, 20) g; INSERT INTO b SELECT g, g FROM generate_series(1, 20) g;
INSERT INTO {_ODD} SELECT g, g FROM generate_series(1, 20) g; INSERT INTO up VALUES (1, 1); INSERT INTO down VALUES (2, 2, 2); INSERT INTO parts VALUES (1, 1);
"""
#: As far as 14 knows publications.
_PLAIN = """
CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int); INSERT INTO a SELECT g, g FROM generate_series(1, 20) g;
CREATE PUBLICATION p FOR TABLE a WITH (publish = 'insert'); COMMENT ON PUBLICATION p IS 'p';
CREATE STATISTICS s ON id, n FROM a;
"""


def _case(name: str, sql: str, setup: str = _SETUP) -> Case:
    return Case(name=f"publication: {name}", sql=sql, setup=setup)


CASES: tuple[Case, ...] = (
    _case(
        "made, and changed in every way",
        f"""
        CREATE PUBLICATION "New ""'%s {{}}" FOR TABLE b, {_ODD} (id, "n %s") WHERE ("T 'x %s {{}}"."n %s" > 1 AND v IS NULL) WITH (publish = 'insert, update', publish_via_partition_root);
        COMMENT ON PUBLICATION "New ""'%s {{}}" IS 'new';
        ALTER PUBLICATION none ADD TABLE a (id, v), up, up; ALTER PUBLICATION none SET TABLE a WHERE (n > 2), ONLY down, parts_low;
        ALTER PUBLICATION none DROP TABLE a, ONLY down; ALTER PUBLICATION none ADD TABLE up*, b; ALTER PUBLICATION none DROP TABLE up;
        ALTER PUBLICATION none SET (publish = 'truncate', publish_via_partition_root = on); ALTER PUBLICATION none SET (publish_via_partition_root = 0);
        ALTER PUBLICATION none RENAME TO "some %s"; ALTER PUBLICATION "some %s" OWNER TO CURRENT_USER; COMMENT ON PUBLICATION "some %s" IS 'some';
        """,
    ),
    _case(
        "changed and dropped that was there",
        f"""
        ALTER PUBLICATION named SET TABLE a (v, id), ONLY up; ALTER PUBLICATION named ADD TABLE {_ODD}, ONLY down WHERE (more > 1);
        ALTER PUBLICATION named SET (publish = 'update, insert'); COMMENT ON PUBLICATION named IS NULL;
        ALTER PUBLICATION named RENAME TO "na'med"; ALTER PUBLICATION "na'med" SET TABLE b; COMMENT ON PUBLICATION "na'med" IS 'b';
        DROP PUBLICATION IF EXISTS "na'med", nowhere, "{LONG}" CASCADE; DROP PUBLICATION IF EXISTS nowhere;
        CREATE PUBLICATION named FOR TABLE b;
        """,
    ),
    _case(
        "tables and columns called otherwise, moved and dropped after",
        """
        CREATE TABLE fresh (id int PRIMARY KEY, w int); ALTER PUBLICATION named ADD TABLE fresh (id, w) WHERE (w > 0 AND fresh.id > 1), b (n, id);
        ALTER TABLE fresh RENAME w TO "w %s"; ALTER TABLE fresh RENAME TO "fre'sh"; ALTER TABLE "fre'sh" SET SCHEMA other; ALTER TABLE a RENAME n TO m; ALTER TABLE a RENAME TO a2; ALTER TABLE b RENAME TO b2;
        ALTER TABLE b2 RENAME n TO "n'"; ALTER TABLE b2 DROP COLUMN "n'" CASCADE; ALTER PUBLICATION named DROP TABLE other."fre'sh"; ALTER PUBLICATION named ADD TABLE other."fre'sh" WHERE ("w %s" > 3);
        ALTER PUBLICATION named RENAME TO other; DROP TABLE a2; DROP TABLE other."fre'sh"; CREATE TABLE a (id int PRIMARY KEY); ALTER PUBLICATION other ADD TABLE a; DROP PUBLICATION other;
        """,
    ),
    _case(
        "types changed before, rows written after, as 18 knows it",
        """
        ALTER TABLE b ALTER n TYPE bigint; ALTER PUBLICATION named ADD TABLE b (id, n) WHERE (b.n > 7 OR b.id < 3); UPDATE b SET n = n + 1 WHERE id > 10;
        ALTER PUBLICATION none SET (publish_generated_columns = 'stored'); ALTER PUBLICATION none SET (publish_generated_columns = none); ALTER STATISTICS "s %s" SET STATISTICS 5; ALTER STATISTICS "s %s" SET STATISTICS DEFAULT;
        CREATE PUBLICATION made FOR TABLE up WITH (publish_generated_columns = stored); DROP PUBLICATION made; ALTER PUBLICATION named SET (publish = 'insert, update, delete'); ALTER PUBLICATION named SET TABLE a, b (id) WHERE (id > 1);
        """,
    ),
    _case(
        "as 14 knows it, and a target of statistics",
        """
        ALTER PUBLICATION p ADD TABLE b; ALTER PUBLICATION p SET TABLE b; ALTER PUBLICATION p SET (publish = 'insert, update, delete, truncate');
        ALTER TABLE b RENAME n TO m; ALTER TABLE b RENAME TO b2; ALTER PUBLICATION p RENAME TO p2; DROP TABLE b2; DROP PUBLICATION p2; CREATE PUBLICATION q FOR TABLE a;
        ALTER STATISTICS s SET STATISTICS 100; ALTER STATISTICS IF EXISTS nowhere SET STATISTICS 5; ALTER STATISTICS s SET STATISTICS 0; DROP STATISTICS s;
        """,
        _PLAIN,
    ),
    _case(
        "targets of statistics by their default and under another name",
        """
        ALTER STATISTICS "s %s" SET STATISTICS 10; ALTER STATISTICS other.set SET STATISTICS -1; ALTER STATISTICS other.set RENAME TO "set '"; ALTER STATISTICS other."set '" SET STATISTICS 3; ALTER STATISTICS other."set '" OWNER TO CURRENT_USER;
        DROP STATISTICS other."set '"; ALTER STATISTICS of_told SET STATISTICS 9; ALTER TABLE told ALTER n TYPE bigint; ALTER TABLE told DROP COLUMN "m'";
        """,
    ),
    _case(
        "asked for by blocks",
        """
        DO $$BEGIN IF NOT EXISTS (SELECT 1 FROM pg_publication WHERE pubname = 'app') THEN CREATE PUBLICATION app FOR TABLE a; END IF; END$$;
        DO $$BEGIN IF EXISTS (SELECT FROM pg_publication WHERE pubname = 'app') THEN ALTER PUBLICATION app ADD TABLE b; END IF; END$$;
        DO $$BEGIN IF NOT EXISTS (SELECT 1 FROM pg_publication_tables WHERE pubname = 'named' AND schemaname = 'public' AND tablename = 'b') THEN ALTER PUBLICATION named ADD TABLE b; END IF; END$$;
        DO $$BEGIN IF NOT EXISTS (SELECT 1 FROM pg_publication_tables WHERE pubname = 'named' AND tablename = 'b') THEN ALTER PUBLICATION named ADD TABLE down; END IF; END$$;
        """,
    ),
)
