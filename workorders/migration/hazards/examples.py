"""The schema on which every hazard's examples are run."""

from __future__ import annotations

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN amount AS int;
CREATE DOMAIN positive AS int CHECK (VALUE > 0);

CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email varchar(100), note text,
    points int, joined_at timestamp);
INSERT INTO customers SELECT g, 'name ' || g, 'mail' || g, 'note ' || g, g, '2024-01-01'
    FROM generate_series(1, 3000) g;
CREATE VIEW rich_customers AS SELECT id, points FROM customers;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER customers_touched BEFORE UPDATE ON customers FOR EACH ROW EXECUTE FUNCTION touch();

CREATE TABLE orders (id int PRIMARY KEY, customer_id int, total numeric(10, 2), state mood,
    items amount, code varchar(20), seats int4range);
INSERT INTO orders SELECT g, g, g, 'happy', g, 'c' || g, int4range(g, g + 1) FROM generate_series(1, 3000) g;
CREATE INDEX orders_code_idx ON orders (code);

CREATE TABLE events (id int NOT NULL, day int NOT NULL, what text) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (1000);
INSERT INTO events SELECT g, g % 1000, 'x' FROM generate_series(1, 3000) g;
CREATE TABLE events_2 (id int NOT NULL, day int NOT NULL, what text);
INSERT INTO events_2 SELECT g, 1000 + g % 1000, 'x' FROM generate_series(1, 3000) g;
CREATE MATERIALIZED VIEW days AS SELECT day, count(*) AS events FROM events GROUP BY day;
CREATE UNIQUE INDEX days_day_key ON days (day);
CREATE TABLE logs (id int NOT NULL, day int NOT NULL) PARTITION BY RANGE (day);
CREATE TABLE logs_rest PARTITION OF logs DEFAULT;
INSERT INTO logs SELECT g, g % 1000 FROM generate_series(1, 3000) g;
ANALYZE;
"""
