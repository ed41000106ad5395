from __future__ import annotations

import subprocess
from collections.abc import Callable

import psycopg

from bot.embedded import binaries
from tests.integration.catalog.changes import SETUP
from workorders.migration.catalog import fingerprint
from workorders.migration.catalog.diff import compare
from workorders.migration.catalog.fingerprint import Fingerprint
from workorders.migration.connections import Target

#: What a dump is likeliest to change: dropped columns, partitions, inheritance, privileges, serials.
MORE = """
ALTER TABLE t ADD gone int, ADD later serial;
ALTER TABLE t DROP gone;
ALTER TABLE t DROP CONSTRAINT t_a;
ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0) NO INHERIT;
ALTER TABLE t ADD CONSTRAINT late UNIQUE (c) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE t ADD CONSTRAINT named NOT NULL c NOT VALID;
ALTER TABLE t CLUSTER ON t_b;
ALTER TABLE t REPLICA IDENTITY USING INDEX t_pk;
ALTER TABLE t ALTER b SET STORAGE EXTERNAL, ALTER b SET STATISTICS 7;
ALTER TABLE t DISABLE TRIGGER trig;
ALTER TABLE pt ADD PRIMARY KEY (id, k), ADD CONSTRAINT pt_id CHECK (id > 0), ALTER id SET DEFAULT 3;
CREATE INDEX pt_k ON pt (k);
CREATE TRIGGER pt_trig AFTER INSERT ON pt FOR EACH ROW EXECUTE FUNCTION trg();
CREATE TABLE pt3 PARTITION OF pt DEFAULT;
CREATE TABLE refers (id int, k int, FOREIGN KEY (id, k) REFERENCES pt);
ALTER TABLE p ADD CONSTRAINT p_id CHECK (id > 0);
CREATE TABLE local_too (id int, extra int) INHERITS (p);
REVOKE ALL ON t FROM app_owner;
GRANT SELECT ON t TO PUBLIC;
GRANT SELECT (a) ON t TO pg_monitor WITH GRANT OPTION;
REVOKE EXECUTE ON FUNCTION f FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
CREATE EXTENSION citext SCHEMA other;
CREATE TABLE uses (mail other.citext, m mood DEFAULT 'ok', r span, d positive, x pair,
  g int GENERATED ALWAYS AS (1) STORED,
  w int GENERATED ALWAYS AS (2) VIRTUAL, n numeric(10,2)[] DEFAULT '{1}');
COMMENT ON COLUMN uses.mail IS 'a comment';
COMMENT ON TYPE pair IS 'another';
CREATE VIEW whole WITH (security_barrier) AS SELECT t.*, u.mail FROM t, uses u WHERE t.ts > '2020-01-01';
CREATE FUNCTION standard() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;
SELECT nextval('s');
"""


def read(url: str) -> Fingerprint:
    with psycopg.connect(url, autocommit=True) as connection:
        return fingerprint.read(Target(connection))


def test_a_restored_dump_has_the_same_fingerprint(
    make_database: Callable[..., str], superuser_dsn: Callable[[str], str]
) -> None:
    source, copy = make_database(SETUP + MORE), make_database()

    dump = subprocess.run(
        [binaries() / "pg_dump", "--dbname", superuser_dsn(source)], capture_output=True, check=True
    ).stdout
    subprocess.run(
        [
            binaries() / "psql",
            "--no-psqlrc",
            "--quiet",
            "--set",
            "ON_ERROR_STOP=1",
            "--dbname",
            superuser_dsn(copy),
        ],
        input=dump,
        capture_output=True,
        check=True,
    )

    assert [str(difference) for difference in compare(read(source), read(copy))] == []
    assert read(source).hash == read(copy).hash
