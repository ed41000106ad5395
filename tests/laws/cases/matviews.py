"""Cases of materialised views: their rows are made again from what they are made of."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case

_SETUP = """
CREATE TABLE t (id int PRIMARY KEY, a int, b text);
INSERT INTO t SELECT g, g, 'b' || g FROM generate_series(1, 9) g;
CREATE MATERIALIZED VIEW mat WITH (fillfactor = 80) AS SELECT id, a, b FROM t WHERE a > 2;
CREATE UNIQUE INDEX mat_id ON mat (id); CREATE INDEX mat_b ON mat (lower(b)) WHERE a > 4;
COMMENT ON MATERIALIZED VIEW mat IS 'it''s m'; COMMENT ON COLUMN mat.a IS 'a of m'; COMMENT ON INDEX mat_id IS 'its key';
GRANT SELECT ON mat TO pg_monitor; GRANT SELECT (id) ON mat TO PUBLIC;
ALTER MATERIALIZED VIEW mat ALTER b SET STATISTICS 77, CLUSTER ON mat_id;
CREATE MATERIALIZED VIEW empty AS SELECT id, b FROM mat WITH NO DATA;
CREATE INDEX empty_id ON empty (id);
CREATE VIEW above AS SELECT count(*) AS n FROM mat;
"""


def _case(name: str, sql: str) -> Case:
    return Case(name=f"materialised view: {name}", sql=sql, setup=_SETUP)


CASES = (
    _case(
        "make",
        """CREATE MATERIALIZED VIEW fresh AS SELECT id, b FROM t; CREATE UNIQUE INDEX fresh_id ON fresh (id); CREATE INDEX ON fresh (b);
        COMMENT ON MATERIALIZED VIEW fresh IS 'f'; COMMENT ON COLUMN fresh.b IS 'bb'; COMMENT ON INDEX fresh_id IS 'key'; GRANT SELECT ON fresh TO PUBLIC;
        CREATE MATERIALIZED VIEW later AS SELECT * FROM fresh WITH NO DATA; REFRESH MATERIALIZED VIEW CONCURRENTLY fresh; REFRESH MATERIALIZED VIEW later""",
    ),
    _case(
        "drop and make",
        """UPDATE t SET a = a + 1 WHERE id > 5; DROP MATERIALIZED VIEW mat CASCADE; CREATE MATERIALIZED VIEW mat AS SELECT id, b FROM t; CREATE UNIQUE INDEX mat_id ON mat (id);
        DROP MATERIALIZED VIEW IF EXISTS nothing; CREATE VIEW above AS SELECT id FROM mat""",
    ),
    _case(
        "alter",
        """CREATE INDEX mat_a ON mat (a); DROP INDEX mat_b; COMMENT ON INDEX mat_id IS NULL; COMMENT ON COLUMN mat.b IS 'b'; COMMENT ON MATERIALIZED VIEW mat IS NULL;
        ALTER MATERIALIZED VIEW mat SET (fillfactor = 60); ALTER MATERIALIZED VIEW mat RENAME COLUMN b TO bb; ALTER MATERIALIZED VIEW empty RENAME TO void;
        REVOKE SELECT ON mat FROM pg_monitor""",
    ),
    _case(
        "refresh",
        "UPDATE t SET a = 7 WHERE id = 2; REFRESH MATERIALIZED VIEW CONCURRENTLY mat; REFRESH MATERIALIZED VIEW empty; REFRESH MATERIALIZED VIEW mat WITH NO DATA",
    ),
)
