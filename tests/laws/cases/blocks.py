"""Cases of DO blocks that change the schema: what they ask, catch, put together and go round."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case
from tests.laws.cases.schema import LONG


def _case(name: str, sql: str, loose: tuple[str, ...] = ()) -> Case:
    return Case(name=f"block: {name}", sql=sql, loose=loose)


CASES = (
    _case(
        "conditions",
        f"""DO $$
        <<outer>>
        DECLARE wanted CONSTANT boolean NOT NULL := COALESCE(current_setting('shop.wanted', true), 'yes') = 'yes';
            found_name pg_constraint.conname%TYPE; n integer := 1; b int;
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = 'bb') THEN RAISE EXCEPTION 'no bb';
            ELSIF wanted AND to_regclass('public.guarded') IS NOT NULL THEN ALTER TABLE guarded ADD COLUMN z int DEFAULT 7;
            ELSE DROP TABLE t; END IF;
            SELECT conname INTO found_name FROM pg_constraint WHERE conrelid = '"Odd schéma"."{LONG}"'::regclass AND contype = 'c';
            IF FOUND THEN EXECUTE format('ALTER TABLE "Odd schéma".%I DROP CONSTRAINT %I', '{LONG}', found_name); END IF;
            DECLARE n text := n || ' ''x'' \\'; BEGIN ALTER TABLE nokey ADD w text; UPDATE nokey SET w = n; END;
            CASE n WHEN 2, 3 THEN DROP TABLE wide; WHEN 1 THEN CREATE INDEX ON guarded (z); ELSE NULL; END CASE;
            SELECT relname INTO STRICT found_name FROM pg_class WHERE relname = 'guarded_pkey';
            DECLARE of_two CURSOR FOR SELECT relname AS r FROM pg_class WHERE relname IN ('guarded', 'nokey') ORDER BY 1;
            BEGIN FOR d IN of_two LOOP EXECUTE format('ALTER TABLE %I ADD COLUMN "c %%s" int', d.r); END LOOP; END;
            IF b IS NULL THEN RAISE WARNING 'done %', clock_timestamp(); RETURN; END IF;
            DROP TABLE guarded;
        END $$""",
    ),
    _case(
        "handlers",
        """DO $$ BEGIN CREATE TYPE mood AS ENUM ('sad'); EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        DO $$ BEGIN CREATE TYPE state AS ENUM ('on'); EXCEPTION WHEN duplicate_object THEN NULL; WHEN OTHERS THEN RAISE; END $$;
        DO $$ BEGIN
            BEGIN ALTER TABLE guarded ADD COLUMN undone int; ALTER TABLE guarded ADD COLUMN v int;
            EXCEPTION WHEN unique_violation OR duplicate_column THEN ALTER TABLE guarded ADD COLUMN instead text DEFAULT 'x'; END;
            BEGIN CREATE EXTENSION nowhere_to_be_found; EXCEPTION WHEN OTHERS THEN ALTER TABLE guarded ADD without int; END;
            BEGIN DROP INDEX nothing; EXCEPTION WHEN SQLSTATE '42704' THEN RAISE NOTICE 'no index: %', SQLERRM; END;
            BEGIN ALTER TABLE missing ADD x int; EXCEPTION WHEN syntax_error_or_access_rule_violation THEN NULL; END;
            BEGIN PERFORM 'missing'::regclass; EXCEPTION WHEN undefined_table THEN CREATE TABLE IF NOT EXISTS missing (id int PRIMARY KEY); END;
            BEGIN RAISE unique_violation USING MESSAGE = 'own'; EXCEPTION WHEN integrity_constraint_violation THEN ALTER TABLE guarded ALTER v SET DEFAULT 5; END;
            BEGIN CREATE INDEX ON guarded (v); EXCEPTION WHEN duplicate_table THEN DROP TABLE guarded; END;
        EXCEPTION WHEN OTHERS THEN DROP TABLE guarded; END $$""",
    ),
    _case(
        "loops",
        f"""DO $$
        DECLARE r record; made text[] := '{{one,"Two %s \\"x\\""}}'; each text; i int := 9; total int := 0;
        BEGIN
            FOR r IN SELECT table_schema AS s, table_name, 'ü' AS odd FROM information_schema.tables
                WHERE table_name IN ('guarded', '{LONG}') LOOP
                EXECUTE format('ALTER TABLE %I.%I ADD COLUMN %I int DEFAULT 3', r.s, r.table_name, r.odd || ' "');
            END LOOP;
            FOREACH each IN ARRAY made LOOP
                EXECUTE 'CREATE TABLE ' || quote_ident(each) || ' (id int PRIMARY KEY, v text)';
                EXECUTE format('INSERT INTO %I VALUES ($1, $2)', each) USING length(each), each;
                INSERT INTO audit (what) VALUES (each);
            END LOOP;
            <<around>> FOR i IN REVERSE 4..1 BY 1 LOOP
                CONTINUE WHEN i = 3;
                LOOP total := total + i; EXIT around WHEN i < 2; EXIT; END LOOP;
                EXECUTE format('COMMENT ON COLUMN guarded.v IS %L', 'round ' || total);
            END LOOP;
            WHILE total > 0 LOOP total := total / 10; END LOOP;
            FOR each, i IN EXECUTE 'SELECT nspname, 3 FROM pg_namespace WHERE nspname = $1' USING 'Odd schéma' LOOP
                EXECUTE 'GRANT USAGE ON SCHEMA ' || quote_ident(each) || ' TO pg_monitor'; r.odd := i;
            END LOOP;
            EXECUTE format('DROP INDEX %I.%I', 'Odd schéma', 'ïdx of %d');
        END $$""",
        loose=("audit.n",),
    ),
    _case(
        "what was changed before",
        """ALTER TABLE guarded RENAME TO kept; ALTER TABLE kept RENAME v TO "V %";
        CREATE TYPE state AS ENUM ('on'); CREATE SCHEMA fresh; CREATE TABLE fresh.made (id int PRIMARY KEY, s state);
        ALTER TABLE nokey ADD CONSTRAINT chk CHECK (x > -1000);
        DO $$ DECLARE key_name text; BEGIN
            IF EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'kept' AND column_name = 'V %' AND is_nullable = 'YES')
                AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'kept'::regclass AND attname = 'v' AND NOT attisdropped)
                AND to_regclass('guarded') IS NULL AND to_regclass('fresh.made') IS NOT NULL
                THEN ALTER TABLE kept ADD COLUMN one int; ELSE DROP TABLE kept; END IF;
            IF EXISTS (SELECT FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typname = 'state' AND e.enumlabel = 'on')
                THEN ALTER TABLE kept ADD COLUMN two int; END IF;
            SELECT constraint_name INTO key_name FROM information_schema.table_constraints
                WHERE table_schema = 'fresh' AND table_name = 'made' AND constraint_type = 'PRIMARY KEY';
            EXECUTE 'ALTER TABLE fresh.made DROP CONSTRAINT ' || key_name;
            IF (SELECT count(*) FROM pg_constraint WHERE conname IN ('chk', 'made_pkey')) = 1
                AND NOT EXISTS (SELECT FROM pg_indexes WHERE indexname = 'made_pkey')
                AND EXISTS (SELECT FROM pg_class c WHERE c.relname = 'made' AND c.relkind = 'r')
                AND EXISTS (SELECT FROM pg_tables WHERE schemaname = 'fresh') AND EXISTS (SELECT FROM information_schema.schemata WHERE schema_name = 'fresh')
                AND EXISTS (SELECT FROM information_schema.tables WHERE table_name = 'kept') AND EXISTS (SELECT FROM pg_roles WHERE rolname = current_user)
                AND NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'other') AND NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'none')
                THEN ALTER TABLE kept ADD COLUMN three int; END IF;
            ALTER TABLE fresh.made ADD CONSTRAINT of_id UNIQUE (id);
            ALTER TABLE nokey ADD CONSTRAINT "to made" FOREIGN KEY (x) REFERENCES fresh.made (id) NOT VALID;
            IF (SELECT count(*) FROM information_schema.constraint_column_usage WHERE (table_name, column_name, constraint_name)
                    IN (('nokey', 'x', 'chk'), ('made', 'id', 'of_id'), ('made', 'id', 'to made'), ('made', 'id', 'made_pkey'))) = 3
                AND (SELECT count(*) FROM information_schema.key_column_usage WHERE constraint_name IN ('to made', 'of_id', 'made_pkey')) = 2
                AND EXISTS (SELECT FROM information_schema.referential_constraints WHERE constraint_name = 'to made')
                THEN ALTER TABLE kept ADD COLUMN four int; END IF;
        END $$""",
    ),
    Case(
        name="block: functions that are called to change the schema",
        setup="""CREATE TABLE "ev %s" (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day); CREATE INDEX byday ON "ev %s" (day);
        CREATE TABLE log (n int); INSERT INTO log VALUES (1), (NULL); CREATE SCHEMA other;
        CREATE FUNCTION other."mk {}"(text, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
        CREATE FUNCTION "mk {}"(tab text, d date) RETURNS integer LANGUAGE plpgsql AS $f$
        DECLARE s varchar; nxt varchar; nm varchar;
        BEGIN
            SELECT to_char(d, 'YYYYMMDD') INTO s; nxt := to_char(d + INTERVAL '1 day', 'YYYYMMDD');
            SELECT lower(format('%s_%s', tab, s)) INTO nm;
            IF EXISTS (SELECT 1 FROM pg_tables WHERE tablename = nm) THEN RETURN 0; END IF;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING INDEXES)', nm, tab);
            EXECUTE format('ALTER TABLE %I SET (autovacuum_vacuum_scale_factor = ''0.1'')', nm);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (''%s'') TO (''%s'')', tab, nm, s, nxt);
            RETURN 1;
        END $f$;""",
        sql="""SELECT "mk {}"('ev %s', date '2024-01-01'), "mk {}"('ev %s'::text, '2024-01-02'); SELECT "mk {}"('ev %s', date '2024-01-01' + 0);
        CREATE OR REPLACE FUNCTION "mk {}"(tab text, d date) RETURNS integer LANGUAGE plpgsql AS $f$
        BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN "x %%s" int DEFAULT %s', tab, extract(day from d)); INSERT INTO log VALUES (7); RETURN NULL; END $f$;
        DO $$BEGIN PERFORM "mk {}"('log', CASE WHEN true THEN date '2024-01-05' END); END$$; INSERT INTO "ev %s" VALUES (1, '2024-01-02')""",
    ),
)
