"""Cases of foreign keys, primary keys and unique constraints, on a schema of their own."""

# ruff: noqa: E501 - SQL reads as SQL when a statement has one line

from __future__ import annotations

from tests.laws.cases.case import Case

_LONG = "ä" * 31 + "z"  # 63 bytes
#: Hostile: words of the grammar, quotes, braces, and what ends a definition.
_ODD = '"k %s"."or""der {} DEFERRABLE"'
_ODD_COLUMN = '" NULLS NOT DISTINCT {x}"'

_SETUP = f"""
CREATE TABLE p (id int PRIMARY KEY, u int NOT NULL, x int, y int, CONSTRAINT xy UNIQUE (x, y) INCLUDE (u));
CREATE UNIQUE INDEX p_u ON p (u);
CREATE TABLE c (id int, pid int, a int, b int, v text DEFAULT 'v', soon int,
    CONSTRAINT kept FOREIGN KEY (pid) REFERENCES p ON DELETE CASCADE,
    CONSTRAINT checked CHECK (a < 1000) NOT VALID,
    CONSTRAINT later FOREIGN KEY (a, b) REFERENCES p (x, y) MATCH FULL ON UPDATE CASCADE
        DEFERRABLE INITIALLY DEFERRED NOT ENFORCED);
ALTER TABLE c ADD CONSTRAINT soon_p FOREIGN KEY (soon) REFERENCES p (u) NOT VALID,
    ADD CONSTRAINT filled NOT NULL b NOT VALID;
COMMENT ON CONSTRAINT kept ON c IS 'kept it''s'; COMMENT ON CONSTRAINT soon_p ON c IS 'soon';
COMMENT ON CONSTRAINT later ON c IS 'later'; COMMENT ON CONSTRAINT checked ON c IS 'checked';
COMMENT ON CONSTRAINT xy ON p IS 'x and y'; COMMENT ON INDEX xy IS 'of x and y';
CREATE UNIQUE INDEX c_v ON c (v); CREATE UNIQUE INDEX c_id ON c (id);
COMMENT ON INDEX c_v IS 'of v'; ALTER TABLE c CLUSTER ON c_v;
CREATE TABLE marked (id int CONSTRAINT marked_key PRIMARY KEY, n int UNIQUE NULLS NOT DISTINCT
    DEFERRABLE INITIALLY DEFERRED, boss int REFERENCES marked);
COMMENT ON CONSTRAINT marked_key ON marked IS 'the key'; COMMENT ON INDEX marked_key IS 'its index';
ALTER TABLE marked CLUSTER ON marked_key; ALTER TABLE marked REPLICA IDENTITY USING INDEX marked_key;
CREATE SCHEMA "k %s";
CREATE TABLE {_ODD} ({_ODD_COLUMN} int CONSTRAINT "ü'{{}}%" UNIQUE, "{_LONG}" int, "b""c" int REFERENCES p);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.v := NEW.v || '!'; RETURN NEW; END$$;
CREATE TRIGGER shouting BEFORE UPDATE ON c FOR EACH ROW EXECUTE FUNCTION shout();
INSERT INTO p SELECT g, g, g, -g FROM generate_series(1, 10) g;
INSERT INTO c SELECT g, g % 10 + 1, g, -g, 'v' || g, g FROM generate_series(1, 9) g;
INSERT INTO marked SELECT g, nullif(g, 3), g FROM generate_series(1, 9) g;
INSERT INTO {_ODD} SELECT g, g, g FROM generate_series(1, 9) g;
"""


def _case(name: str, sql: str) -> Case:
    return Case(name=f"keys: {name}", sql=sql, setup=_SETUP)


CASES = (
    _case("add foreign key", "ALTER TABLE c ADD FOREIGN KEY (a) REFERENCES p"),
    _case(
        "add foreign keys of every kind",
        "ALTER TABLE c ADD FOREIGN KEY (b, a) REFERENCES p (y, x) MATCH FULL ON DELETE RESTRICT,"
        " ADD FOREIGN KEY (a, b) REFERENCES p (x, y) ON UPDATE CASCADE ON DELETE SET NULL (a)"
        " DEFERRABLE INITIALLY DEFERRED, ADD FOREIGN KEY (pid) REFERENCES p (u) ON DELETE SET DEFAULT,"
        " ADD CONSTRAINT own FOREIGN KEY (soon) REFERENCES c (id) NOT VALID,"
        " ADD FOREIGN KEY (soon) REFERENCES marked NOT ENFORCED",
    ),
    _case(
        "add foreign key, odd",
        f'ALTER TABLE {_ODD} ADD FOREIGN KEY ("{_LONG}") REFERENCES {_ODD} ({_ODD_COLUMN})',
    ),
    _case("add unique", "ALTER TABLE c ADD UNIQUE (a, b) INCLUDE (v) WITH (fillfactor = 70) DEFERRABLE"),
    _case(
        "add unique, odd",
        f'ALTER TABLE {_ODD} ADD UNIQUE NULLS NOT DISTINCT ("b""c", "{_LONG}"),'
        f" ADD PRIMARY KEY ({_ODD_COLUMN})",
    ),
    _case("add primary key", "ALTER TABLE c ADD PRIMARY KEY (id, a) INCLUDE (v)"),
    _case(
        "use index", "ALTER TABLE c ADD CONSTRAINT of_v UNIQUE USING INDEX c_v DEFERRABLE INITIALLY DEFERRED"
    ),
    _case("use index, primary", "ALTER TABLE c ADD PRIMARY KEY USING INDEX c_id"),
    _case(
        "drop foreign keys",
        "ALTER TABLE c DROP CONSTRAINT kept, DROP CONSTRAINT soon_p, DROP CONSTRAINT later",
    ),
    _case("drop foreign key, odd", f'ALTER TABLE {_ODD} DROP CONSTRAINT "or""der {{}} DEFERRABLE_b""c_fkey"'),
    _case("drop unique", "ALTER TABLE p DROP CONSTRAINT IF EXISTS xy CASCADE"),
    _case(
        "drop primary key with what points at it",
        "ALTER TABLE marked DROP CONSTRAINT marked_n_key, DROP CONSTRAINT marked_key CASCADE",
    ),
    _case("drop unique, odd", f"""ALTER TABLE {_ODD} DROP CONSTRAINT "ü'{{}}%\""""),
    _case("replace primary key", "ALTER TABLE p DROP CONSTRAINT p_pkey CASCADE, ADD PRIMARY KEY (u, id)"),
    _case(
        "validate",
        "ALTER TABLE c VALIDATE CONSTRAINT checked, VALIDATE CONSTRAINT soon_p, VALIDATE CONSTRAINT filled",
    ),
    _case(
        "alter constraint",
        "ALTER TABLE c ALTER CONSTRAINT kept DEFERRABLE INITIALLY DEFERRED;"
        " ALTER TABLE c ALTER CONSTRAINT kept NOT ENFORCED; ALTER TABLE c ALTER CONSTRAINT later ENFORCED",
    ),
    _case(
        "columns with keys",
        "ALTER TABLE c ADD z int REFERENCES p (u) DEFERRABLE UNIQUE, ADD y int REFERENCES p NOT ENFORCED",
    ),
    Case(
        name="keys: what may fail on a value",
        setup="CREATE FUNCTION cut(v text) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN v::int; END$$;"
        " CREATE TABLE t (id int PRIMARY KEY, b text, j jsonb, n int CONSTRAINT \"{n}\" CHECK (100 / n > 0), CONSTRAINT short CHECK (public.cut(b) > 0));"
        " CREATE INDEX \"t's %\" ON t (public.cut(b), ((j ->> 'n')::int)); CREATE UNIQUE INDEX t_u ON t ((b::bigint), id) WHERE (j ->> 'n')::int > 0; CREATE INDEX safe ON t (lower(b));"
        " INSERT INTO t SELECT g, g, jsonb_build_object('n', g), g FROM generate_series(1, 9) g",
        sql="""DROP INDEX "t's %"; ALTER TABLE t DROP CONSTRAINT short, DROP CONSTRAINT "{n}"; DROP INDEX t_u; DROP INDEX safe; DROP FUNCTION cut(text);
            ALTER TABLE t RENAME b TO "B'%"; ALTER TABLE t RENAME TO "T%" """,
    ),
    Case(
        name="keys: exclusions of small tables",
        setup='CREATE TABLE booked (id int PRIMARY KEY, "a %s" int4range, b int4range, up int REFERENCES booked, c int4range, CONSTRAINT "c {}" EXCLUDE USING gist (c WITH &&, b WITH =),'
        ' CONSTRAINT "o\'{}" EXCLUDE USING gist (b WITH &&, "a %s" WITH =) WHERE (id > 2 AND lower(b) > 1)'
        " DEFERRABLE); COMMENT ON CONSTRAINT \"o'{}\" ON booked IS 'apart';"
        ' INSERT INTO booked SELECT g, int4range(g, g + 3), int4range(g, g + 1), nullif(g, 1) - 1, int4range(g, g + 1) FROM generate_series(1, 9) g; COMMENT ON CONSTRAINT "c {}" ON booked IS \'of c\'',
        sql='ALTER TABLE booked DROP COLUMN c; ALTER TABLE booked DROP CONSTRAINT "o\'{}"; ALTER TABLE booked RENAME b TO "b b";'
        ' ALTER TABLE booked ADD CONSTRAINT again EXCLUDE USING gist ("b b" WITH &&) WHERE (id < 5);'
        " UPDATE booked SET \"b b\" = '[3,4)' WHERE id IN (6, 7)",
    ),
    _case(
        "keys of a new table",
        "CREATE TABLE made (id int, c_id int, at int4range, n int); CREATE UNIQUE INDEX made_n ON made (n);"
        " ALTER TABLE made ADD PRIMARY KEY (id), ADD UNIQUE (c_id, n), ADD FOREIGN KEY (c_id) REFERENCES p,"
        " ADD EXCLUDE USING gist (at WITH &&), ADD CONSTRAINT of_n UNIQUE USING INDEX made_n;"
        " CREATE TABLE makes (m int REFERENCES p DEFERRABLE); ALTER TABLE makes ADD FOREIGN KEY (m)"
        " REFERENCES made, ALTER CONSTRAINT makes_m_fkey NOT DEFERRABLE;"
        " ALTER TABLE made DROP CONSTRAINT made_c_id_n_key, DROP CONSTRAINT made_c_id_fkey",
    ),
)
