"""Cases of tables that inherit from others: made, tied and untied, altered, written, dropped."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case

_SETUP = """
CREATE SCHEMA "Odd schéma";
CREATE TABLE ref (id int PRIMARY KEY); INSERT INTO ref SELECT g FROM generate_series(0, 99) g;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.v := coalesce(NEW.v, 'touched'); RETURN NEW; END$$;
CREATE TABLE base (id bigserial PRIMARY KEY, v text DEFAULT 'x' CONSTRAINT filled CHECK (v <> ''), n int NOT NULL DEFAULT 1, r int REFERENCES ref, t varchar, alone int CHECK (alone > 0) NO INHERIT);
COMMENT ON COLUMN base.v IS 'v'; CREATE INDEX base_n ON base (n); CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON base FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE side (n int NOT NULL DEFAULT 1, s text, CONSTRAINT positive_n CHECK (n > 0)); ALTER TABLE side ALTER s SET STORAGE EXTERNAL;
CREATE TABLE kid (own text, PRIMARY KEY (id)) INHERITS (base);
CREATE TABLE "Odd schéma"."kid of ""k"" %s" (v text DEFAULT 'other', again int) INHERITS (base);
CREATE TABLE both_of (z int) INHERITS (base, side);
CREATE TABLE deep (w int DEFAULT 7) INHERITS (kid);
COMMENT ON CONSTRAINT filled ON kid IS 'the kid''s'; COMMENT ON COLUMN kid.v IS 'the kid''s, too'; ALTER TABLE deep ALTER n SET DEFAULT 9; ALTER TABLE kid ALTER v SET STATISTICS 50; CREATE TRIGGER touch BEFORE UPDATE ON kid FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE loner (q int NOT NULL DEFAULT 1 CONSTRAINT of_q CHECK (q > 0), id bigint NOT NULL, v text CONSTRAINT filled CHECK (v <> ''), n int NOT NULL, r int, t varchar, alone int, more text);
INSERT INTO base (v, n, r) SELECT 'b' || g, g, g % 5 FROM generate_series(1, 20) g;
INSERT INTO kid (id, v, n, r, own) SELECT g, 'k' || g, g, 500 + g, 'own' FROM generate_series(1, 20) g;
INSERT INTO "Odd schéma"."kid of ""k"" %s" (id, v, n, again) SELECT g % 4, 'o', g % 3 + 1, g FROM generate_series(1, 20) g;
INSERT INTO both_of (id, n, s, z) SELECT g, g, 's' || g, g FROM generate_series(1, 10) g;
INSERT INTO deep (id, v, n, own) SELECT g, 'd' || g, g, 'deep' FROM generate_series(1, 20) g;
INSERT INTO side SELECT g, 'side' FROM generate_series(1, 5) g; INSERT INTO loner SELECT g, g, 'l' || g, g FROM generate_series(1, 15) g;
CREATE TABLE points (id int PRIMARY KEY, b bigint REFERENCES base ON DELETE CASCADE, k bigint REFERENCES kid ON DELETE SET NULL);
INSERT INTO points SELECT g, g, g FROM generate_series(1, 12) g;
CREATE TABLE of_points (note text) INHERITS (points); INSERT INTO of_points SELECT 900 + g, g, g, 'n' FROM generate_series(1, 5) g;
ALTER TABLE base ADD COLUMN q int NOT NULL DEFAULT 1 CONSTRAINT of_q CHECK (q > 0); UPDATE kid SET q = id; ALTER TABLE kid ADD CONSTRAINT q_too CHECK (q < 1000), ADD CONSTRAINT to_ref FOREIGN KEY (q) REFERENCES ref, ADD UNIQUE (q, id); CREATE INDEX ON deep (q) WHERE q > 3; CREATE STATISTICS kid_q ON q, n FROM kid;
CREATE VIEW seen AS SELECT id, own FROM kid;
"""


def _case(name: str, sql: str, *also_written: str) -> Case:
    return Case(name=f"inherits: {name}", sql=sql, setup=_SETUP, also_written=also_written)


CASES = (
    _case(
        "made in the script",
        """CREATE TABLE one (x int, b text DEFAULT 'own', CHECK (x > 0)) INHERITS (base); CREATE TABLE two () INHERITS (kid, side); CREATE TABLE three (n int DEFAULT 4 NOT NULL, UNIQUE (id)) INHERITS (one, both_of) WITH (fillfactor = 70);
INSERT INTO three (id, v, x) VALUES (1, 'three', 3); UPDATE base SET n = n + 1 WHERE v = 'three' OR id = 3; ALTER TABLE one ADD COLUMN more int DEFAULT 5; ALTER TABLE three ALTER n SET DEFAULT 8; CREATE INDEX ON three (more); ANALYZE base; CREATE TABLE IF NOT EXISTS kid () INHERITS (base)""",
    ),
    _case(
        "columns",
        """ALTER TABLE base ADD COLUMN a int DEFAULT 7, ADD COLUMN b text, ADD COLUMN c timestamptz NOT NULL DEFAULT '2024-01-01'; ALTER TABLE base ALTER n SET DEFAULT 5, ALTER v DROP DEFAULT; ALTER TABLE ONLY base ALTER v SET DEFAULT 'only';
ALTER TABLE base ALTER a SET NOT NULL, ALTER v SET NOT NULL; ALTER TABLE base RENAME COLUMN b TO "we""ird %s"; ALTER TABLE base ALTER c DROP NOT NULL; ALTER TABLE base ALTER t TYPE text;
ALTER TABLE kid ADD COLUMN mine int DEFAULT 3, ALTER n SET DEFAULT 11; ALTER TABLE side ADD COLUMN num bigserial; ALTER TABLE base ALTER t SET STORAGE EXTERNAL, ALTER n SET STATISTICS 70""",
    ),
    _case(
        "a column goes",
        "ALTER TABLE base DROP COLUMN alone, DROP COLUMN t; ALTER TABLE base DROP COLUMN q; ALTER TABLE kid DROP COLUMN own CASCADE; ALTER TABLE base ADD COLUMN t text DEFAULT 'r'",
    ),
    _case(
        "checks and keys",
        """ALTER TABLE base ADD CONSTRAINT odd CHECK (n > -5), ADD CONSTRAINT mine CHECK (n < 1000) NO INHERIT, ADD CHECK (r < 9) NO INHERIT NOT VALID; ALTER TABLE base ADD CHECK (n <> 77) NOT VALID; ALTER TABLE base VALIDATE CONSTRAINT base_n_check;
ALTER TABLE base DROP CONSTRAINT filled; ALTER TABLE base RENAME CONSTRAINT odd TO odder; ALTER TABLE base ADD UNIQUE (n); ALTER TABLE points ADD FOREIGN KEY (id) REFERENCES base (n) NOT VALID; ALTER TABLE base DROP CONSTRAINT base_r_fkey; ALTER TABLE ONLY base ADD FOREIGN KEY (r) REFERENCES ref NOT VALID; ALTER TABLE base ALTER n DROP NOT NULL; ALTER TABLE kid ADD UNIQUE (v, id)""",
    ),
    _case(
        "rows",
        """DO $$BEGIN UPDATE side SET s = s || '?' WHERE n = 2; END$$; UPDATE base SET n = n + 100 WHERE n % 2 = 0; DELETE FROM base WHERE n % 3 = 0; UPDATE ONLY base SET v = 'only' WHERE id < 5; DELETE FROM ONLY kid WHERE id = 5; INSERT INTO base (id, v, n) VALUES (5000, NULL, 701) ON CONFLICT DO NOTHING; INSERT INTO kid SELECT 900 + id, v, n FROM ONLY base WHERE n < 4;
UPDATE side SET s = s || '!'; TRUNCATE ONLY side; DELETE FROM kid WHERE id = 7""",
        "side",
        "both_of",
    ),
    _case(
        "emptied and made alike",
        """TRUNCATE base, points; TRUNCATE side; CREATE TABLE alike (LIKE base INCLUDING ALL); ALTER TABLE alike DROP CONSTRAINT base_alone_check; ALTER TABLE alike INHERIT base; CREATE TABLE spelt (n int NOT NULL, s text, CONSTRAINT positive_n CHECK (n > 0)); ALTER TABLE spelt INHERIT side; INSERT INTO spelt VALUES (3, 's')""",
    ),
    _case(
        "tied and untied",
        """ALTER TABLE loner INHERIT base; ALTER TABLE loner NO INHERIT base; ALTER TABLE loner INHERIT base; ALTER TABLE both_of NO INHERIT base; ALTER TABLE deep NO INHERIT kid; ALTER TABLE "Odd schéma"."kid of ""k"" %s" NO INHERIT base; ALTER TABLE base ADD COLUMN qq int DEFAULT 2; ALTER TABLE deep ADD COLUMN p int; UPDATE deep SET n = 0 WHERE id < 3""",
    ),
    _case(
        "dropped",
        'DROP TABLE deep; DROP TABLE "Odd schéma"."kid of ""k"" %s"; DROP TABLE both_of; CREATE TABLE deep (x int) INHERITS (kid); DROP TABLE of_points, points',
    ),
    _case("dropped with all below", "ALTER TABLE both_of ALTER id SET DEFAULT 0; DROP TABLE base CASCADE"),
)
