"""Changes of a schema, one for every kind of object and attribute, each with the way back."""

from __future__ import annotations

from dataclasses import dataclass

#: What every change starts from.
SETUP = """
CREATE SCHEMA other;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (x int, y text);
CREATE TYPE span AS RANGE (subtype = int);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION f(n int) RETURNS int LANGUAGE sql AS 'SELECT n';
CREATE PROCEDURE proc() LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, a int, b text, c int DEFAULT 1, m int NOT NULL,
  ts timestamptz);
ALTER TABLE t ADD CONSTRAINT t_pk PRIMARY KEY (id);
ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0);
ALTER TABLE t ADD CONSTRAINT t_nv CHECK (b <> '') NOT VALID;
ALTER TABLE t ADD CONSTRAINT t_p FOREIGN KEY (a) REFERENCES p;
CREATE INDEX t_b ON t (b);
CREATE INDEX t_expr ON t ((a + 1));
CREATE STATISTICS st ON a, b FROM t;
CREATE TRIGGER trig BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION trg();
CREATE RULE r AS ON DELETE TO t DO ALSO NOTIFY gone;
CREATE POLICY pol ON t USING (a > 0);
CREATE VIEW v AS SELECT a, b FROM t;
CREATE MATERIALIZED VIEW mv AS SELECT a FROM t;
CREATE SEQUENCE s;
CREATE TABLE pt (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
CREATE TABLE pt2 (id int, k int);
CREATE TABLE child () INHERITS (p);
CREATE PUBLICATION pub FOR TABLE t (id, a) WHERE (id > 0);
ALTER TABLE t REPLICA IDENTITY DEFAULT;
"""


@dataclass(frozen=True, kw_only=True)
class Change:
    """SQL that changes a schema of SETUP, what that must be told of, and the SQL that undoes it."""

    sql: str
    undo: str
    #: Begins the sentence of one of the differences.
    told: str
    needs_superuser: bool = False


def added_and_dropped(create: str, drop: str, key: str) -> list[Change]:
    """An object of its own, made and taken away."""
    return [Change(sql=create, undo=drop, told=f"{key} is new")]


def altered(told: str, sql: str, undo: str, *, needs_superuser: bool = False) -> Change:
    """An attribute of an object of SETUP, changed and changed back."""
    return Change(sql=sql, undo=undo, told=told, needs_superuser=needs_superuser)
