"""Cases of other names for tables, columns, constraints and indexes; and of what the script does next."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases import schema
from tests.laws.cases.case import Case

_LONGER = "é" * 31 + "y"  # 63 bytes

#: What names the tables of a renaming: views, triggers, policies, other tables' foreign keys.
SETUP = """
CREATE SCHEMA other; CREATE SCHEMA "Odd {schéma}";
CREATE TABLE city (id int PRIMARY KEY, name text NOT NULL, land text, CONSTRAINT named UNIQUE (land, name));
CREATE TABLE house (
    id serial PRIMARY KEY, city_id int NOT NULL REFERENCES city ON DELETE CASCADE, up int REFERENCES house, no int,
    kind text CHECK (kind <> '' AND no > 0), lower_kind text GENERATED ALWAYS AS (lower(kind) || no) STORED
);
CREATE TABLE lodger (id int PRIMARY KEY, house_id int REFERENCES house ON DELETE CASCADE);
CREATE UNIQUE INDEX house_place ON house (city_id, lower(kind), no DESC) WHERE no > 3;
CREATE STATISTICS house_stat ON no, kind FROM house;
COMMENT ON COLUMN house.no IS 'the number'; COMMENT ON CONSTRAINT named ON city IS 'by name';
CREATE VIEW tall AS SELECT h.no, c.name FROM house h JOIN city c ON c.id = h.city_id WHERE h.no > 2;
CREATE VIEW plain AS SELECT * FROM lodger;
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$;
CREATE TRIGGER keeping BEFORE UPDATE OF no, kind ON house FOR EACH ROW WHEN (OLD.no IS DISTINCT FROM NEW.no) EXECUTE FUNCTION keep();
ALTER TABLE house ENABLE ROW LEVEL SECURITY; CREATE POLICY seen ON house USING (no > 0);
CREATE TABLE "w {t} %s" ("i ""d" int PRIMARY KEY, "a{}%s" int NOT NULL CONSTRAINT "ço '%" CHECK ("a{}%s" > 0));
CREATE INDEX "ïdx {} %d" ON "w {t} %s" ("a{}%s");
INSERT INTO city SELECT g, 'c' || g, 'l' || g FROM generate_series(1, 5) g;
INSERT INTO house (city_id, no, kind) SELECT g % 5 + 1, g, 'K' || g FROM generate_series(1, 23) g;
UPDATE house SET up = id - 1 WHERE id > 1;
INSERT INTO lodger SELECT g, g % 23 + 1 FROM generate_series(1, 17) g;
INSERT INTO "w {t} %s" SELECT g, g FROM generate_series(1, 9) g;
"""


def _case(name: str, sql: str, setup: str = SETUP) -> Case:
    return Case(name=name, sql=sql, setup=setup)


CASES = (
    _case(
        "rename column", "ALTER TABLE house RENAME COLUMN no TO number; ALTER TABLE city RENAME id TO city_no"
    ),
    _case(
        "rename column, of a wide table",
        "ALTER TABLE t RENAME b TO bee; ALTER TABLE t RENAME c TO b",
        schema.SETUP,
    ),
    _case(
        "rename, odd",
        f'''ALTER TABLE "w {{t}} %s" RENAME "a{{}}%s" TO "{_LONGER}"; ALTER TABLE "w {{t}} %s" RENAME "i ""d" TO "z %sß{_LONGER}";
        ALTER TABLE "w {{t}} %s" RENAME CONSTRAINT "ço '%" TO "{_LONGER}"; ALTER TABLE "w {{t}} %s" RENAME TO "w{_LONGER}";
        ALTER TABLE "w{_LONGER}" SET SCHEMA "Odd {{schéma}}"; ALTER INDEX "Odd {{schéma}}"."ïdx {{}} %d" RENAME TO "{_LONGER}"''',
    ),
    _case(
        "rename columns in a ring",
        "ALTER TABLE house RENAME no TO x; ALTER TABLE house RENAME kind TO no; ALTER TABLE house RENAME x TO kind",
    ),
    _case(
        "rename column, then all that hangs on it",
        "ALTER TABLE house RENAME no TO number; ALTER TABLE house ALTER number SET NOT NULL, ADD CHECK (number < 1000);"
        " DROP INDEX house_place; UPDATE house SET number = number + 1 WHERE number > 10; ALTER TABLE house DROP COLUMN lower_kind;"
        " ALTER TABLE house DROP CONSTRAINT house_check; ALTER TABLE city RENAME id TO city_no;"
        " ALTER TABLE house ADD CONSTRAINT of_city FOREIGN KEY (city_id) REFERENCES city (city_no)",
    ),
    _case(
        "rename columns to names of dropped ones",
        "ALTER TABLE nokey DROP COLUMN x; ALTER TABLE nokey RENAME f TO x; ALTER TABLE nokey DROP COLUMN x;"
        " ALTER TABLE t DROP COLUMN b; ALTER TABLE t RENAME n TO b",
        schema.SETUP,
    ),
    _case(
        "rename column, then its type",
        "DROP VIEW plain; ALTER TABLE lodger RENAME house_id TO home; ALTER TABLE lodger ALTER home TYPE bigint",
    ),
    _case(
        "rename table, then all that hangs on it",
        "ALTER TABLE IF EXISTS nothing RENAME TO thing; ALTER TABLE IF EXISTS city RENAME TO town;"
        " ALTER TABLE town ADD COLUMN z int DEFAULT 3; ALTER TABLE town DROP CONSTRAINT named;"
        " ALTER TABLE town RENAME id TO no; UPDATE town SET land = 'x' || no WHERE no > 2;"
        " CREATE TABLE city (id int PRIMARY KEY); CREATE INDEX ON town (land)",
    ),
    _case(
        "rename table, after its column went",
        "ALTER TABLE city DROP COLUMN land; ALTER TABLE city RENAME TO town; ALTER TABLE town SET SCHEMA other;"
        " CREATE TABLE towns AS SELECT * FROM other.town",
    ),
    _case(
        "rename table, after its column's type and its rows",
        "UPDATE lodger SET house_id = 3; DROP VIEW plain; ALTER TABLE lodger ALTER house_id TYPE bigint;"
        " ALTER TABLE lodger RENAME TO guest; ALTER TABLE guest RENAME id TO no; UPDATE guest SET house_id = no",
    ),
    _case(
        "rename table, made here",
        "CREATE TABLE n (a int PRIMARY KEY, b serial); ALTER TABLE n RENAME a TO z; ALTER TABLE n RENAME TO m;"
        " ALTER TABLE m ADD y int",
    ),
    _case(
        "rename tables, each to the other's name",
        "ALTER TABLE city RENAME TO aside; ALTER TABLE lodger RENAME TO city; ALTER TABLE aside RENAME TO lodger;"
        " ALTER TABLE city ADD z int",
    ),
    _case(
        "rename table, to another schema",
        "ALTER TABLE house SET SCHEMA public; ALTER TABLE house SET SCHEMA other; ALTER TABLE other.house ADD z int;"
        " ALTER TABLE other.house ALTER id DROP DEFAULT",
    ),
    _case(
        "rename table, to another schema, identity",
        'ALTER TABLE wide SET SCHEMA "Odd schéma"; ALTER TABLE "Odd schéma".wide RENAME part TO pärt',
        schema.SETUP,
    ),
    _case(
        "rename constraints",
        "ALTER TABLE house RENAME CONSTRAINT house_check TO sane; ALTER TABLE city RENAME CONSTRAINT named TO called;"
        " ALTER TABLE city RENAME CONSTRAINT city_pkey TO city_is_known; ALTER TABLE city DROP CONSTRAINT called;"
        " ALTER TABLE house RENAME CONSTRAINT house_city_id_fkey TO of_city; ALTER TABLE house DROP CONSTRAINT of_city;"
        " ALTER TABLE house RENAME CONSTRAINT house_city_id_not_null TO has_city; ALTER TABLE house ALTER city_id DROP NOT NULL",
    ),
    _case(
        "rename indexes",
        "ALTER INDEX house_place RENAME TO place; DROP INDEX place; ALTER INDEX IF EXISTS nothing RENAME TO thing;"
        " ALTER TABLE IF EXISTS named RENAME TO called; ALTER INDEX house_pkey RENAME TO house_key;"
        " ALTER TABLE city DROP CONSTRAINT called; ALTER TABLE lodger DROP CONSTRAINT lodger_house_id_fkey",
    ),
    _case(
        "drop views of what was renamed",
        "ALTER TABLE city RENAME COLUMN land TO country; ALTER TABLE house RENAME COLUMN no TO number; ALTER TABLE lodger RENAME TO guest;"
        " DROP VIEW plain; DROP VIEW tall CASCADE; ALTER TABLE house RENAME TO building;"
        " CREATE VIEW tall AS SELECT number FROM building; ALTER TABLE building ADD COLUMN z int DEFAULT 1",
    ),
    _case(
        "rename table, with what pg_dump says of it",
        "ALTER TABLE tall RENAME TO high; ALTER TABLE plain RENAME COLUMN id TO no; ALTER TABLE house RENAME TO building;"
        " CREATE VIEW low AS SELECT no FROM building; ALTER TABLE building DISABLE TRIGGER keeping;"
        " ALTER POLICY seen ON building USING (true); DROP TRIGGER keeping ON building;"
        " ALTER TABLE building RENAME no TO number; COMMENT ON COLUMN building.number IS 'another';"
        " COMMENT ON TABLE building IS 'b'; GRANT SELECT (number) ON building TO PUBLIC;"
        " ALTER TABLE city RENAME CONSTRAINT named TO called; COMMENT ON CONSTRAINT called ON city IS NULL",
    ),
)
